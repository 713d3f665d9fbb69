"""POP3 on the wire, without input or output: lines in, replies out ([RFC1939] 3).

A Framing cuts lines out of what arrives; `parse` splits one into a Command. Replies are bytes ready to write.
"""

from __future__ import annotations

from typing import NamedTuple

COMMAND_LIMIT = 1024
"""Octets of a command; [RFC2449] 4 allows 255, and clients with long names and passwords send more."""
RESPONSE_LIMIT = 17_448
"""Octets of an AUTH command ([RFC5034] 4): its words, and a response of gateway.sasl.mechanism.MAX_LINE."""
CRLF = b"\r\n"
TERMINATOR = b".\r\n"


class LineTooLong(Exception):
    """A line over the limit; it has been swallowed."""


class Framing:
    """Cuts lines out of the stream; the buffer never grows far over the limit."""

    __slots__ = ("_buffer", "_swallowing", "_taken")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._taken = 0
        self._swallowing = False

    def feed(self, data: bytes) -> None:
        """Take octets from the peer."""
        if self._taken:
            del self._buffer[: self._taken]
            self._taken = 0
        self._buffer += data

    def discard(self) -> int:
        """Throw away what is buffered, as STLS demands ([RFC2595] 4); return how much it was."""
        count = len(self._buffer) - self._taken
        self._buffer.clear()
        self._taken = 0
        self._swallowing = False
        return count

    @property
    def buffered(self) -> int:
        """Octets that wait, for back-pressure."""
        return len(self._buffer) - self._taken

    def line(self) -> bytes | None:
        """Return the next line without its line end, or None when it is not complete.

        Raises LineTooLong once for a line over RESPONSE_LIMIT, when its end has come; till then the octets are dropped.
        """
        at = self._buffer.find(b"\n", self._taken)
        if at < 0:
            if self.buffered > RESPONSE_LIMIT:
                self._swallowing = True
                self._buffer.clear()
                self._taken = 0
            return None
        line = bytes(self._buffer[self._taken : at])
        self._taken = at + 1
        if self._swallowing or len(line) > RESPONSE_LIMIT:
            self._swallowing = False
            raise LineTooLong
        return line[:-1] if line.endswith(b"\r") else line


class Command(NamedTuple):
    """One command line."""

    name: str
    """The keyword in upper case."""
    argument: bytes
    """What follows the first blank, untouched but for that blank; `b""` for none."""

    def words(self) -> list[bytes]:
        """The arguments of a command that takes several."""
        return self.argument.split()


def parse(line: bytes) -> Command:
    """Split a line; USER and PASS keep every blank of their argument ([RFC1939] 7)."""
    name, _, argument = line.partition(b" ")
    return Command(name.strip().upper().decode("ascii", "replace"), argument)


def message_number(word: bytes) -> int | None:
    """Read a message number ([RFC1939] 3); None when it is none. No message has the number 0."""
    return int(word) if word.isdigit() and len(word) <= 10 else None


def ok(text: bytes = b"") -> bytes:
    """Write a positive reply."""
    return b"+OK " + text + CRLF if text else b"+OK\r\n"


def err(text: bytes, code: bytes = b"") -> bytes:
    """Write a negative reply, with a response code such as `SYS/TEMP` ([RFC2449] 8, [RFC3206] 4, 5)."""
    return b"-ERR [" + code + b"] " + text + CRLF if code else b"-ERR " + text + CRLF


def challenge(data: bytes) -> bytes:
    """Write a SASL challenge that is in base64 already; the blank stays even when it is empty ([RFC5034] 4)."""
    return b"+ " + data + CRLF


def stuffed(raw: bytes) -> bytes:
    """Make message octets into the rest of a multi-line reply: dots doubled, CRLF and the lone dot at the end.

    Nothing is copied but when a line does begin with a dot; the caller joins the pieces ([RFC1939] 3).
    """
    if b"\r\n." in raw:
        raw = raw.replace(b"\r\n.", b"\r\n..")
    if raw.startswith(b"."):
        raw = b"." + raw
    return raw if raw.endswith(CRLF) or not raw else raw + CRLF


class Stuffer:
    """Does what `stuffed` does for a message that comes in pieces."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = CRLF

    def feed(self, piece: bytes) -> bytes:
        """Double the dots of a piece that begin a line, also where the line end was in the piece before."""
        tail = self._tail
        self._tail = (tail + piece[-2:])[-2:]
        joint = tail + piece[:2]  # a line end may have been cut in two
        if piece.find(b"\r\n.") < 0 and joint.find(b"\r\n.") < 0:
            return piece
        return (tail + piece).replace(b"\r\n.", b"\r\n..")[len(tail) :]

    def finish(self) -> bytes:
        """Give what is wanting of the last line end, and the lone dot."""
        return TERMINATOR if self._tail == CRLF else CRLF + TERMINATOR


class TopCutter:
    """Cuts a message that comes in pieces after its header, the blank line, and some lines of the body.

    [RFC1939] 7 TOP. The blank line is always there, as Outlook needs it.
    """

    __slots__ = ("_in_body", "_left", "_tail")

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._in_body = False
        self._tail = CRLF  # so that a message that begins with the blank line has an empty header

    @property
    def done(self) -> bool:
        """Whether no octet of what follows is wanted."""
        return self._in_body and not self._left

    def feed(self, piece: bytes) -> bytes:
        """Give what is wanted of a piece."""
        if self._in_body:
            return self._lines(piece)
        window = self._tail + piece
        at = window.find(b"\r\n\r\n")
        if at < 0:
            self._tail = window[-3:]
            return piece
        self._in_body = True
        end = at + 4 - len(self._tail)
        return piece[:end] + self._lines(piece[end:])

    def finish(self) -> bytes:
        """Give the blank line where the message has none."""
        if self._in_body:
            return b""
        return CRLF if self._tail.endswith(CRLF) else CRLF + CRLF

    def _lines(self, body: bytes) -> bytes:
        count = body.count(b"\n")
        if count < self._left:
            self._left -= count
            return body
        pieces = body.split(b"\n", self._left)
        self._left = 0
        return body[: len(body) - len(pieces[-1])] if pieces else b""
