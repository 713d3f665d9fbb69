"""Cuts the octets of a client into commands: lines joined by literals ([RFC3501] 2.2.1, 4.3, 7.5; [RFC7888] 3, 4, 6).

Sans-IO. The session feeds what arrives and pulls one event at a time, so that it can change the mode between two
commands (AUTHENTICATE, IDLE, STARTTLS) however the client has pipelined them:

    framing.feed(data)
    while (event := framing.pull()) is not None: ...

Rules:
- A line ends with LF; a CR before it belongs to the line end.
- A line that ends with `{n}` or `{n+}` goes on after n octets of literal; so does one with `~{n}` or `~{n+}`, whose
  octets may be any ([RFC3516] 4.4).
- Every octet is looked at once; what has arrived of an unfinished line or literal is kept as a list of pieces, small
  ones run together, so that neither time nor memory depends on how the client cuts its octets.
- What is over a limit is skipped up to the end of the command and gives one BadFrame; the next command is read as
  usual. A synchronising literal over a limit is refused before the client sends it, so that nothing needs skipping.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Limits:
    """The most octets that are taken from a client; beyond, the command is refused."""

    line: int
    """One line of a command, without its literals and its end."""
    command: int
    """A whole command, without the messages of an APPEND or REPLACE."""
    literal: int
    """One literal, other than a message of an APPEND or REPLACE."""
    append: int
    """A message of an APPEND or REPLACE, or a text of one that is put together ([RFC4469] 3)."""
    literals: int = 1000
    """Number of literals in one command."""


# [RFC2971] 3.3 allows an ID of 30 names and values of 1,024 octets, each of which may need a backslash.
LIMITS_BEFORE_LOGIN = Limits(line=65_536, command=98_304, literal=4_096, append=0, literals=64)
# [RFC7162] 4 asks for lines of 8,192 octets at least; clients send longer lists of UIDs.
LIMITS = Limits(line=65_536, command=1_048_576, literal=1_048_576, append=50 * 1_048_576)
MESSAGES_TOGETHER = 2
"""How many times `Limits.append` the messages of one command may have together ([RFC3502] 6.3.11)."""
RAW_LINE_LIMIT = 17_408
"""Octets of a line that is not a command: of a SASL response, gateway.sasl.mechanism.MAX_LINE."""


class Frame(NamedTuple):
    """One command: line, literal, line, ..., line; lines without their ends, with the literals' announcements."""

    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LiteralWanted:
    """The client waits for leave to send a literal: answer `+ text`."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line that is not a command, without its end; asked for with expect_line."""

    data: bytes
    overlong: bool = False
    """It was over the limit; data is empty."""


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A command over a limit, already skipped: answer `tag status [code] text`."""

    tag: bytes
    """`*` if none could be read."""
    status: bytes
    """`BAD` or `NO`."""
    code: bytes
    """A response code such as `TOOBIG` ([RFC7889] 4), or empty."""
    text: str


Event = Frame | LiteralWanted | RawLine | BadFrame

_ANNOUNCEMENT = re.compile(rb"~?\{(\d{1,20})(\+?)\}\Z")
_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}(?= |\Z)')
_WRITES_MESSAGES = re.compile(rb"[^ ]+ +(?:APPEND|(?:UID +)?REPLACE +[^ ]+) +", re.IGNORECASE)
_LITERAL_HERE = re.compile(rb"~?\{")
_URL = re.compile(rb"[( ]URL +~?\{\d+\+?\}\Z", re.IGNORECASE)
_LONGEST_URL_ANNOUNCEMENT = 40
_LONGEST_ANNOUNCEMENT = 25
_SMALL_PIECE = 4_096
_LARGE_PIECE = 262_144


class Framing:
    """The state of one connection's input. `limits` may be replaced between two pulls."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_command",
        "_fault",
        "_messages",
        "_parts",
        "_pieces",
        "_position",
        "_raw_limit",
        "_size",
        "_skip",
        "_tail",
        "_waiting",
        "_wanted",
        "limits",
    )

    def __init__(self, limits: Limits = LIMITS_BEFORE_LOGIN) -> None:
        self.limits = limits
        self._chunks: deque[bytes] | None = None  # an idle connection has none: an empty one takes 600 octets
        self._waiting = 0  # octets in _chunks
        self._buffer = b""
        self._position = 0
        self._pieces: list[bytes | bytearray] = []  # of the unfinished line or literal
        self._size = 0  # octets in _pieces
        self._parts: list[bytes] = []  # finished parts of the unfinished command
        self._command = 0  # octets in _parts, less the messages of an APPEND
        self._messages = 0  # octets of these messages
        self._wanted = -1  # octets of the literal being read, or -1
        self._raw_limit = -1  # limit of the raw line being read, or -1
        self._fault: BadFrame | None = None  # what to report at the end of the command being skipped
        self._skip = 0  # octets of literal still to skip
        self._tail = b""  # end of the line being skipped: it may announce a literal

    @property
    def buffered(self) -> int:
        """Octets fed and not yet looked at: the measure for pausing the transport."""
        return len(self._buffer) - self._position + self._waiting

    @property
    def idle(self) -> bool:
        """Whether nothing of a command has arrived: the input stands between two commands."""
        return not (self._parts or self._pieces or self._fault or self._chunks or self._position < len(self._buffer))

    def feed(self, data: bytes) -> None:
        """Take octets as they arrived. Does no work; pull does."""
        if self._position == len(self._buffer) and not self._chunks:
            self._buffer = data
            self._position = 0
        elif data:
            if self._chunks is None:
                self._chunks = deque()
            self._chunks.append(data)
            self._waiting += len(data)

    def expect_line(self, limit: int = RAW_LINE_LIMIT) -> None:
        """Take the next line as it is: a SASL response, or the end of IDLE. Commands follow again after it."""
        self._raw_limit = limit

    def discard(self) -> int:
        """Forget what has been fed and not been pulled, and return how much it was.

        For STARTTLS: nothing sent in the clear may be carried into TLS ([RFC3501] 6.2.1, 11.1).
        """
        dropped = self.buffered + self._size + sum(map(len, self._parts))
        self._chunks = None
        self._waiting = 0
        self._buffer = b""
        self._position = 0
        self._restart()
        self._raw_limit = -1
        return dropped

    def pull(self) -> Event | None:
        """The next event, or None if more input is needed."""
        while self._next_chunk():
            if self._fault is not None:
                event = self._skip_on(self._fault)
            elif self._wanted >= 0:
                event = self._take_literal()
            else:
                event = self._take_line()
            if event is not None:
                return event
        return None

    # --- input

    def _next_chunk(self) -> bool:
        """Whether there is something in the buffer, after moving on to the next chunk if need be."""
        if self._position < len(self._buffer):
            return True
        if not self._chunks:
            return False
        self._buffer = self._chunks.popleft()
        if not self._chunks:
            self._chunks = None
        self._waiting -= len(self._buffer)
        self._position = 0
        return True

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of an unfinished line or literal."""
        self._size += len(piece)
        if len(piece) >= _SMALL_PIECE:
            self._pieces.append(piece)
            return
        last = self._pieces[-1] if self._pieces else b""
        if isinstance(last, bytearray) and len(last) < _LARGE_PIECE:
            last += piece
        else:
            self._pieces.append(bytearray(piece))

    def _restart(self) -> None:
        self._parts = []
        self._pieces = []
        self._size = self._command = self._messages = self._skip = 0
        self._wanted = -1
        self._fault = None
        self._tail = b""

    def _take_line(self) -> Event | None:
        """Read up to the next LF; None: the buffer is used up, or the line was empty or ended with `{n+}`."""
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\n", start)
        limit = self.limits.line if self._raw_limit < 0 else self._raw_limit
        if end < 0:
            piece = buffer[start:]
            self._position = len(buffer)
            self._keep(piece)
            if self._size > limit + 1:  # the last octet may be the CR
                return self._line_too_long(b"".join(self._pieces), ended=False)
            return None
        self._position = end + 1
        line = buffer[start:end]
        if self._pieces:
            self._pieces.append(line)
            line = b"".join(self._pieces)
            self._pieces = []
            self._size = 0
        if line[-1:] == b"\r":
            line = line[:-1]
        if len(line) > limit:
            return self._line_too_long(line, ended=True)
        if self._raw_limit >= 0:
            self._raw_limit = -1
            return RawLine(line)
        return self._end_line(line)

    def _end_line(self, line: bytes) -> Event | None:
        """A line of a command is complete: the command may be, too."""
        parts = self._parts
        announcement = None
        if line[-1:] == b"}":
            announcement = _ANNOUNCEMENT.search(line, max(0, len(line) - _LONGEST_ANNOUNCEMENT))
        if announcement is None:
            if not parts:
                # Quirk: an empty line between two commands is passed over; some clients send one after a literal.
                return Frame((line,)) if line else None
            self._command += len(line)
            if self._command > self.limits.command:
                return self._finish_fault(self._bad("command too long"))
            parts.append(line)
            frame = Frame(tuple(parts))
            self._parts = []
            self._command = self._messages = 0
            return frame
        parts.append(line)
        self._command += len(line)
        return self._begin_literal(int(announcement[1]), synchronising=not announcement[2])

    # --- literals

    def _begin_literal(self, size: int, *, synchronising: bool) -> Event | None:
        parts, limits = self._parts, self.limits
        message = limits.append > 0 and _is_message(parts)
        fault: BadFrame | None = None
        if message and size > limits.append:
            fault = BadFrame(
                _tag(parts[0]), b"NO", b"TOOBIG", f"Message of {size} octets is over the limit of {limits.append}"
            )
        elif message and self._messages + size > MESSAGES_TOGETHER * limits.append:
            fault = BadFrame(_tag(parts[0]), b"NO", b"TOOBIG", "The messages of one command are too much together")
        elif not message and size > limits.literal:
            fault = self._bad(f"literal of {size} octets is over the limit of {limits.literal}")
        elif len(parts) > 2 * limits.literals:
            fault = self._bad(f"more than {limits.literals} literals")
        elif not message and self._command + size > limits.command:
            fault = self._bad("command too long")
        if fault is not None:
            if synchronising:
                return self._finish_fault(fault)
            self._begin_skip(fault, size)
            return None
        if message:
            self._messages += size
        else:
            self._command += size
        self._wanted = size
        return LiteralWanted() if synchronising else None

    def _take_literal(self) -> Event | None:
        """Gather the literal; one copy at the end, none if it lies in one chunk as a whole."""
        buffer, start = self._buffer, self._position
        missing = self._wanted - self._size
        piece = buffer[start : start + missing]
        self._position = start + len(piece)
        if len(piece) < missing:
            if piece:
                self._keep(piece)
            return None
        if self._pieces:
            self._pieces.append(piece)
            piece = b"".join(self._pieces)
            self._pieces = []
            self._size = 0
        self._parts.append(piece)
        self._wanted = -1
        return None

    # --- skipping

    def _bad(self, text: str) -> BadFrame:
        return BadFrame(_tag(self._parts[0]), b"BAD", b"", text[0].upper() + text[1:])

    def _finish_fault(self, fault: BadFrame) -> BadFrame:
        self._restart()
        return fault

    def _line_too_long(self, line: bytes, *, ended: bool) -> Event | None:
        """Skip the rest of the line, and of the command if the line announces a literal that will come unasked."""
        if self._raw_limit >= 0:
            fault = BadFrame(b"*", b"BAD", b"", "Line too long")
        else:
            first = self._parts[0] if self._parts else line
            fault = BadFrame(_tag(first), b"BAD", b"", f"Line is over the limit of {self.limits.line} octets")
        self._begin_skip(fault, 0)
        self._tail = line[-_LONGEST_ANNOUNCEMENT - 1 :]
        return self._end_skipped_line(fault) if ended else None

    def _begin_skip(self, fault: BadFrame, octets: int) -> None:
        self._restart()
        self._fault = fault
        self._skip = octets

    def _skip_on(self, fault: BadFrame) -> Event | None:
        """Drop octets up to the end of the command."""
        buffer = self._buffer
        if self._skip:
            step = min(self._skip, len(buffer) - self._position)
            self._position += step
            self._skip -= step
            if self._skip:
                return None
        start = self._position
        end = buffer.find(b"\n", start)
        if end < 0:
            self._position = len(buffer)
            tail = self._tail + buffer[max(start, len(buffer) - _LONGEST_ANNOUNCEMENT - 1) :]
            self._tail = tail[-_LONGEST_ANNOUNCEMENT - 1 :]
            return None
        self._position = end + 1
        line = self._tail + buffer[max(start, end - _LONGEST_ANNOUNCEMENT - 1) : end]
        self._tail = line[:-1] if line[-1:] == b"\r" else line
        return self._end_skipped_line(fault)

    def _end_skipped_line(self, fault: BadFrame) -> Event | None:
        """The end of a skipped line: the end of the command, unless a literal follows that needs no leave."""
        if self._raw_limit >= 0:
            self._raw_limit = -1
            self._restart()
            return RawLine(b"", overlong=True)
        announcement = _ANNOUNCEMENT.search(self._tail)
        if announcement is not None and announcement[2]:
            self._tail = b""
            self._skip = int(announcement[1])
            return None
        return self._finish_fault(fault)


def _tag(line: bytes) -> bytes:
    """The tag at the start of a command, `*` if there is none ([RFC3501] 2.2.1, 7.1.3)."""
    match = _TAG.match(line)
    return match[0] if match else b"*"


def _is_message(parts: list[bytes]) -> bool:
    """Whether the literal announced at the end of the last part is a message of an APPEND or REPLACE, or a text of one.

    The others are the mailbox name and the URLs of CATENATE ([RFC3502] 6.3.11, [RFC4469] 5, [RFC8508] 5).
    """
    head = _WRITES_MESSAGES.match(parts[0])
    if head is None or (len(parts) == 1 and _LITERAL_HERE.match(parts[0], head.end())):
        return False
    last = parts[-1]
    return _URL.search(last, max(0, len(last) - _LONGEST_URL_ANNOUNCEMENT)) is None
