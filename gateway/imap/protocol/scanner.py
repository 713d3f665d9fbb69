"""Reads the tokens of a command ([RFC3501] 4.1 to 4.5, 9): each method moves past what it read or raises BadCommand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from gateway.imap.protocol import utf7
from gateway.imap.protocol.numset import MAX_NUMBER, BadNumber, parse_set
from gateway.imap.protocol.types import INBOX, SAVED, BadCommand, BadMailboxName, MailboxName, SequenceSet

T = TypeVar("T")

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_ASTRING_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
_LOGIN_ATOM = re.compile(rb'[^\x00-\x20\x7f(){%*"\\][^\x00-\x20\x7f(){%*"]*')
_PATTERN_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
_PLAIN_QUOTED = re.compile(rb'"([^"\\\x00\r\n]*)"')
# Possessive: without a closing quote the two quantifiers would try every way to share the text between them.
_QUOTED = re.compile(rb'"((?>(?:[^"\\\x00\r\n]++|\\["\\])*))"')
_UNESCAPE = re.compile(rb"\\(.)")
_SET = re.compile(rb"[0-9*:,]+")
_NUMBER = re.compile(rb"\d{1,20}")
_LITERAL = re.compile(rb"\{\d{1,20}\+?\}\Z")
_WORD = re.compile(rb"[A-Za-z0-9.\-]+")
_PARTIAL = re.compile(rb"(-?)([1-9]\d{0,9}):(-?)([1-9]\d{0,9})")
_FLAG = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')

_SYSTEM_FLAGS = {flag.lower().encode(): flag for flag in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")}
MAX_FLAGS = 1000
"""Flags in one list; the store has its own, lower limit on keywords."""


ParseArguments = Callable[["Scanner"], object]
"""Reads what follows the name of a command."""


class Scanner:
    """A position in the parts of one command. `tag` is `*` until the parser has read it."""

    __slots__ = ("_index", "_parts", "line", "position", "tag", "utf8")

    def __init__(self, parts: tuple[bytes, ...], *, utf8: bool = False) -> None:
        self._parts = parts
        self._index = 0
        self.line = parts[0]
        self.position = 0
        self.tag = b"*"
        self.utf8 = utf8
        """Mailbox names come in UTF-8."""

    # --- failing

    def fail(self, text: str) -> NoReturn:
        """Raise BadCommand with the command's tag."""
        raise BadCommand(self.tag, text)

    def expected(self, what: str) -> NoReturn:
        """Raise BadCommand: something else was expected here."""
        where = "at the end" if self.position >= len(self.line) else f"at octet {self.position + 1}"
        if self._index:
            where += f" of the line after literal {self._index // 2}"
        self.fail(f"Expected {what} {where}")

    # --- single octets

    @property
    def single(self) -> bool:
        """Whether the command is one line without literals."""
        return len(self._parts) == 1

    def peek(self) -> int:
        """The next octet, or -1 at the end of the line."""
        return self.line[self.position] if self.position < len(self.line) else -1

    def accept(self, octets: bytes) -> bool:
        """Move past `octets` if they come next (compared exactly)."""
        if self.line.startswith(octets, self.position):
            self.position += len(octets)
            return True
        return False

    def space(self) -> None:
        """Exactly one space ([RFC3501] 9: one SP is one space)."""
        if self.position < len(self.line) and self.line[self.position] == 0x20:
            self.position += 1
        else:
            self.expected("a space")

    def opening(self) -> None:
        """`(`."""
        if not self.accept(b"("):
            self.expected('"("')

    def closing(self) -> None:
        """`)`."""
        if not self.accept(b")"):
            self.expected('")"')

    def end(self) -> None:
        """The end of the command. Quirk: spaces before it are passed over."""
        if self.position < len(self.line) and self.line[self.position :].strip(b" "):
            self.expected("the end of the command")
        if self._index != len(self._parts) - 1:
            self.expected("the end of the command")

    # --- tokens

    def _match(self, pattern: re.Pattern[bytes], what: str) -> bytes:
        match = pattern.match(self.line, self.position)
        if match is None:
            self.expected(what)
        self.position = match.end()
        return match[0]

    def _groups(self, pattern: re.Pattern[bytes], what: str) -> tuple[bytes, ...]:
        match = pattern.match(self.line, self.position)
        if match is None:
            self.expected(what)
        self.position = match.end()
        return match.groups()

    def atom(self, what: str = "an atom") -> bytes:
        """An atom ([RFC3501] 4.1)."""
        return self._match(_ATOM, what)

    def word(self, what: str) -> bytes:
        """Letters, digits, dots and hyphens, in upper case: the name of an item or option."""
        return self._match(_WORD, what).upper()

    def number(self, what: str = "a number", *, most: int = 0xFFFF_FFFF, least: int = 0) -> int:
        """An unsigned number between two bounds ([RFC3501] 4.2)."""
        value = int(self._match(_NUMBER, what))
        if not least <= value <= most:
            self.fail(f"{value} is not between {least} and {most}")
        return value

    def modseq(self) -> int:
        """A mod-sequence, 63 bits, or zero ([RFC7162] 7 `mod-sequence-valzer`)."""
        return self.number("a mod-sequence", most=0x7FFF_FFFF_FFFF_FFFF)

    def sequence_set(self, *, saved: bool = True) -> SequenceSet:
        """A sequence set; `$` too, which is SAVED, if `saved` ([RFC5182] 3)."""
        if saved and self.accept(b"$"):
            return SAVED
        text = self._match(_SET, "a sequence set")
        try:
            return parse_set(text)
        except BadNumber as error:
            raise BadCommand(self.tag, str(error)) from error

    def partial_range(self) -> tuple[int, int]:
        """`1:500`, or `-1:-500` from the end, turned round if it runs backwards ([RFC9394] 4 `partial-range`)."""
        sign, first, other, second = self._groups(_PARTIAL, "a range such as 1:500 or -1:-500")
        if bool(sign) != bool(other):
            self.fail("Both ends of the range are to be counted from the same end")
        low, high = sorted((int(first), int(second)))
        if high > MAX_NUMBER:
            self.fail(f"{high} is over {MAX_NUMBER}")
        return (-low, -high) if sign else (low, high)

    def string(self, what: str = "a string") -> bytes:
        """A quoted string or a literal ([RFC3501] 4.3). Quirk: 8-bit octets are taken in quoted strings, too."""
        line, position = self.line, self.position
        match = _PLAIN_QUOTED.match(line, position)
        if match is not None:
            self.position = match.end()
            return match[1]
        match = _QUOTED.match(line, position)
        if match is not None:
            self.position = match.end()
            return _UNESCAPE.sub(rb"\1", match[1])
        if self.peek() == 0x22:
            self.fail(
                f"Quoted string for {what} is not closed, or holds NUL or a backslash before an ordinary character"
            )
        return self.literal(what)

    def literal(self, what: str = "a literal") -> bytes:
        """A literal of any octets; goes on in the line that follows it ([RFC3501] 4.3, 4.3.1)."""
        if self._index + 2 >= len(self._parts) or _LITERAL.match(self.line, self.position) is None:
            self.expected(what)
        data = self._parts[self._index + 1]
        self._index += 2
        self.line = self._parts[self._index]
        self.position = 0
        return data

    def astring(self, what: str = "a string") -> bytes:
        """An atom or a string; `]` may stand in the atom."""
        match = _ASTRING_ATOM.match(self.line, self.position)
        if match is None:
            return self.string(what)
        self.position = match.end()
        return match[0]

    def login_string(self, what: str) -> bytes:
        """An astring of LOGIN.

        Quirk: an unquoted one may hold backslashes and 8-bit octets, for `LOGIN EXAMPLE\\alice secret`, which breaks
        [RFC3501] 9 but is what people's programs send.
        """
        match = _LOGIN_ATOM.match(self.line, self.position)
        if match is None:
            return self.string(what)
        self.position = match.end()
        return match[0]

    def nstring(self, what: str = "a string or NIL") -> bytes | None:
        """A string, or None for NIL."""
        if self.line[self.position : self.position + 3].upper() == b"NIL":
            self.position += 3
            return None
        return self.string(what)

    # --- compound tokens

    def mailbox(self) -> MailboxName:
        """A mailbox name ([RFC3501] 5.1, 5.1.3)."""
        return self.name(self.astring("a mailbox name"))

    def pattern(self) -> MailboxName:
        """A LIST pattern: `%` and `*` may stand unquoted ([RFC3501] 9 `list-mailbox`)."""
        match = _PATTERN_ATOM.match(self.line, self.position)
        if match is None:
            return self.name(self.string("a mailbox pattern"))
        self.position = match.end()
        return self.name(match[0])

    def name(self, raw: bytes) -> MailboxName:
        """Decode a mailbox name; INBOX is spelled so in whatever case it came.

        Raises BadMailboxName for one that is not modified UTF-7.
        """
        if b"\0" in raw or b"\r" in raw or b"\n" in raw:
            self.fail("Mailbox name holds NUL, CR or LF")
        try:
            value = raw.decode("utf-8") if self.utf8 else utf7.decode(raw)
        except utf7.Utf7Error as error:
            raise BadMailboxName(self.tag, f"Mailbox name is not modified UTF-7: {error}") from error
        except UnicodeDecodeError as error:
            raise BadMailboxName(self.tag, "Mailbox name is not UTF-8") from error
        # ASCII alone: other alphabets have letters whose capitals are I, N, B, O or X.
        if value[:5].isascii() and value[:5].upper() == INBOX and value[5:6] in ("", "/"):
            value = INBOX + value[5:]
        return MailboxName(value, raw)

    def items(self, read: Callable[[], T], most: int) -> list[T]:
        """`item *(SP item) ")"` ([RFC3501] 4.4), the `(` read already; at least one, at most `most`."""
        found = [read()]
        while not self.accept(b")"):
            if self.peek() != 0x20:
                self.expected('a space or ")"')
            if len(found) >= most:
                self.fail(f"More than {most} items in a list")
            self.position += 1
            found.append(read())
        return found

    def flag(self) -> str:
        """A flag that a client may name: a system flag other than \\Recent, or a keyword ([RFC3501] 2.3.2)."""
        raw = self._match(_FLAG, "a flag")
        if raw[0] != 0x5C:
            return raw.decode("ascii")
        flag = _SYSTEM_FLAGS.get(raw.lower())
        if flag is None:
            self.fail(f"{raw.decode('ascii')} is not a flag that a client can set")
        return flag

    def flag_list(self) -> tuple[str, ...]:
        """`(flag ...)`, which may be empty; doubles removed."""
        self.opening()
        if self.accept(b")"):
            return ()
        return tuple(dict.fromkeys(self.items(self.flag, MAX_FLAGS)))
