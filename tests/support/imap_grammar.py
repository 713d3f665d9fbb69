"""A strict reader of ENVELOPE, BODY and BODYSTRUCTURE by the grammar of [RFC3501] 9, for tests.

It accepts exactly what the grammar does: one blank between elements, none between bodies and addresses, numbers without
sign, 7-bit text in quoted strings, no NUL anywhere. `GrammarError` names the offset of the first octet that is wrong.
"""

from __future__ import annotations

import re
from typing import Any

_QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00\x80-\xff]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_NUMBER = re.compile(rb"\d+")

BASIC = ("type", "subtype", "params", "id", "description", "encoding", "size")
EXTENSION = ("md5", "disposition", "language", "location")
ENVELOPE = ("date", "subject", "from", "sender", "reply_to", "to", "cc", "bcc", "in_reply_to", "message_id")


class GrammarError(AssertionError):
    """The octets are not what the grammar allows."""


class Grammar:
    """Reads from `data` at `at`."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def fail(self, wanted: str) -> GrammarError:
        return GrammarError(f"at {self.at}: {wanted} wanted, got {self.data[self.at : self.at + 60]!r}")

    def peek(self, text: bytes) -> bool:
        return self.data.startswith(text, self.at)

    def expect(self, text: bytes) -> None:
        if not self.peek(text):
            raise self.fail(repr(text))
        self.at += len(text)

    def string(self) -> bytes:
        if match := _QUOTED.match(self.data, self.at):
            self.at = match.end()
            return re.sub(rb"\\(.)", rb"\1", match[1])
        match = _LITERAL.match(self.data, self.at)
        if match is None:
            raise self.fail("string")
        end = match.end() + int(match[1])
        value = self.data[match.end() : end]
        if len(value) != int(match[1]) or b"\0" in value:
            raise self.fail("literal of that length without NUL")
        self.at = end
        return value

    def nstring(self) -> bytes | None:
        if self.peek(b"NIL"):
            self.at += 3
            return None
        return self.string()

    def number(self) -> int:
        match = _NUMBER.match(self.data, self.at)
        if match is None or int(match[0]) >= 1 << 32:
            raise self.fail("number")
        self.at = match.end()
        return int(match[0])

    def space(self) -> None:
        self.expect(b" ")

    # envelope = "(" env-date SP env-subject SP ... SP env-message-id ")"
    def envelope(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        self.expect(b"(")
        for index, name in enumerate(ENVELOPE):
            if index:
                self.space()
            out[name] = self.addresses() if 2 <= index <= 7 else self.nstring()
        self.expect(b")")
        return out

    def addresses(self) -> list[tuple[bytes | None, ...]] | None:
        if self.peek(b"NIL"):
            self.at += 3
            return None
        self.expect(b"(")
        out = []
        while not out or not self.peek(b")"):
            self.expect(b"(")
            entry = [self.nstring()]
            for _ in range(3):
                self.space()
                entry.append(self.nstring())
            self.expect(b")")
            out.append(tuple(entry))
        self.expect(b")")
        self.check_groups(out)
        return out

    def check_groups(self, entries: list[tuple[bytes | None, ...]]) -> None:
        """NIL as the host means a group: it starts with a name and ends without; groups do not nest (7.4.2)."""
        inside = False
        for entry in entries:
            if entry[3] is None:
                if (entry[2] is None) != inside:
                    raise self.fail("group markers in pairs")
                inside = entry[2] is not None
            elif entry[2] is None:
                raise self.fail("a mailbox name where there is a host")
        if inside:
            raise self.fail("end of group")

    # body = "(" (body-type-1part / body-type-mpart) ")"
    def body(self, extended: bool) -> dict[str, Any]:
        self.expect(b"(")
        out = self.multipart(extended) if self.peek(b"(") else self.single(extended)
        self.expect(b")")
        return out

    def multipart(self, extended: bool) -> dict[str, Any]:
        out: dict[str, Any] = {"type": b"multipart", "children": []}
        while self.peek(b"("):
            out["children"].append(self.body(extended))
        self.space()
        out["subtype"] = self.string()
        if extended:
            self.space()
            out["params"] = self.params()
            self.extension(out, EXTENSION[1:])
        return out

    def single(self, extended: bool) -> dict[str, Any]:
        out: dict[str, Any] = {"type": self.string()}
        self.space()
        out["subtype"] = self.string()
        self.space()
        out["params"] = self.params()
        for name in ("id", "description"):
            self.space()
            out[name] = self.nstring()
        self.space()
        out["encoding"] = self.string()
        self.space()
        out["size"] = self.number()
        kind = (out["type"].lower(), out["subtype"].lower())
        if kind == (b"message", b"rfc822"):
            self.space()
            out["envelope"] = self.envelope()
            self.space()
            out["message"] = self.body(extended)
        if kind == (b"message", b"rfc822") or kind[0] == b"text":
            self.space()
            out["lines"] = self.number()
        if extended:
            self.space()
            out["md5"] = self.nstring()
            self.extension(out, EXTENSION[1:])
        return out

    def params(self) -> list[tuple[bytes, bytes]] | None:
        if self.peek(b"NIL"):
            self.at += 3
            return None
        self.expect(b"(")
        out = []
        while True:
            name = self.string()
            self.space()
            out.append((name, self.string()))
            if self.peek(b")"):
                self.at += 1
                return out
            self.space()

    def extension(self, out: dict[str, Any], names: tuple[str, ...]) -> None:
        for name in names:
            self.space()
            out[name] = getattr(self, name)()

    def disposition(self) -> tuple[bytes, list[tuple[bytes, bytes]] | None] | None:
        if self.peek(b"NIL"):
            self.at += 3
            return None
        self.expect(b"(")
        name = self.string()
        self.space()
        params = self.params()
        self.expect(b")")
        return name, params

    def language(self) -> list[bytes] | bytes | None:
        if not self.peek(b"("):
            return self.nstring()
        self.at += 1
        out = [self.string()]
        while self.peek(b" "):
            self.at += 1
            out.append(self.string())
        self.expect(b")")
        return out

    def location(self) -> bytes | None:
        return self.nstring()

    def end(self) -> None:
        if self.at != len(self.data):
            raise self.fail("end")


def read_envelope(data: bytes) -> dict[str, Any]:
    """Read a whole ENVELOPE; GrammarError where it is none."""
    reader = Grammar(data)
    out = reader.envelope()
    reader.end()
    return out


def read_body(data: bytes, *, extended: bool) -> dict[str, Any]:
    """Read a whole BODYSTRUCTURE (`extended`) or BODY; GrammarError where it is none."""
    reader = Grammar(data)
    out = reader.body(extended)
    reader.end()
    return out
