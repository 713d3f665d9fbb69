"""MIME as Python's `email` reads it: parts, names of files, charsets, decoded octets ([RFC2045], [RFC2046], [RFC2183]).

Both read the same octets. Where they differ, one of the REASONS has to hold, most of which `email` gives itself as a
defect of the message; a reason that no message needs any more is taken off the list.
"""

from __future__ import annotations

import email
import email.header
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.message import Message
from typing import Any

import pytest

from conversion.mime.headers import normalise_newlines
from conversion.mime.parts import Part
from conversion.mime.structure import scan
from conversion.oxcmail.attachments import clean_name, file_name
from conversion.oxcmail.parts import Source
from tests.fuzz.test_fuzz_mime import SEEDS
from tests.support.corpora import messages

CARRIAGE_RETURNS = "a carriage return alone ends a line for email; here lines end with LF (docs/quirks.md, Line ends)"
MEDIA_TYPE = (
    "a Content-Type without a subtype, or with several slashes, is text/plain for email; here it stays as it is"
)
SEMICOLON = "email reads no parameter where the semicolon before it is missing (docs/quirks.md, Parameters)"
ENCODING = "email does not know an encoding with a blank or a comment behind it"
EMPTY = "email has no part between two boundary lines in a row; here it is an empty one, as with Dovecot"
PAIRS = "email keeps a backslash in quotes that stands before no quote; by [RFC5322] 3.2.4 it is none of the text"
WORDS = "email gives up where octets are not of the charset that is named; here the likeliest other one is taken"
DEFECTS = {
    "MissingHeaderBodySeparatorDefect": "a line in a header that is no field ends it for email; here it is passed over",
    "FirstHeaderLineIsContinuationDefect": "the same, of a first line that begins with a blank",
    "CloseBoundaryNotFoundDefect": "of a multipart without an end, email takes the last line end away",
    "StartBoundaryNotFoundDefect": "email finds no boundary that is folded, or whose line goes on ([RFC2046] 5.1.1)",
    "InvalidBase64PaddingDefect": "base64 that is cut: email gives it undecoded; here all of it that can be decoded",
    "InvalidBase64LengthDefect": "the same, of as many letters as no octets give",
}
REASONS = {CARRIAGE_RETURNS, MEDIA_TYPE, SEMICOLON, ENCODING, EMPTY, PAIRS, WORDS, *DEFECTS}


@dataclass
class Difference:
    """What the two say differently of one part."""

    part: Part
    other: Message
    what: str
    mine: Any
    theirs: Any


class Comparison:
    """One message as both read it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.source = Source(raw, scan(raw))
        self.message = email.message_from_bytes(raw)
        self.found = list(self.part(self.source.structure.root, self.message))

    def part(self, part: Part, other: Message) -> Iterator[Difference]:
        """Compare a part, and all in it."""
        mine, theirs = self.said(part), self.said_by_email(part, other)
        for what, value in mine.items():
            if theirs[what] is not ... and theirs[what] != value:
                yield Difference(part, other, what, value, theirs[what])
        inside, others = self.inside(part), self.inside_by_email(other)
        if len(inside) != len(others):
            yield Difference(part, other, "parts", inside, others)
            return
        for child, other_child in zip(inside, others, strict=True):
            yield from self.part(child, other_child)

    def said(self, part: Part) -> dict[str, Any]:
        is_leaf = not part.is_multipart and part.message is None
        return {
            "type": f"{part.type}/{part.subtype}",
            "name": file_name(self.source, part),
            "charset": part.charset.lower() if is_leaf else "",
            "octets": self.source.decoded(part) if is_leaf else None,
        }

    def said_by_email(self, part: Part, other: Message) -> dict[str, Any]:
        kind = other.get_content_type()
        octets: Any = ...  # email takes all of message/* apart
        if kind.startswith("multipart/") or part.message is not None:
            octets = None
        elif not other.is_multipart():
            octets = other.get_payload(decode=True)
        return {
            "type": kind,
            "name": clean_name(name_by_email(other)),
            "charset": (other.get_content_charset() or "") if kind.startswith("text/") else "",
            "octets": octets,
        }

    def inside(self, part: Part) -> list[Part]:
        return [part.message] if part.message is not None else list(part.children)

    def inside_by_email(self, other: Message) -> list[Message]:
        whole = other.get_content_maintype() == "multipart" or other.get_content_type() == "message/rfc822"
        return list(other.get_payload()) if other.is_multipart() and whole else []  # type: ignore[arg-type]

    def reason(self, one: Difference) -> str | None:
        """Name the reason of a difference, None if there is no known one."""
        defects = {type(defect).__name__ for part in self.message.walk() for defect in part.defects}
        if b"\r" in self.raw.replace(b"\r\n", b""):
            return CARRIAGE_RETURNS
        known = sorted(defects & DEFECTS.keys())
        if known:
            return known[0]
        stated = str(one.other.get("content-type", "")).partition(";")[0].split()
        if one.what in ("type", "parts") and len(stated) > 1 and "=" in stated[1]:
            return SEMICOLON
        if one.what == "type":
            return MEDIA_TYPE if "".join(stated).count("/") != 1 else None
        if one.what == "octets" and str(one.other.get("content-transfer-encoding", "")).lower() != one.part.encoding:
            return ENCODING
        if one.what == "parts":
            full = [
                part for part in one.mine if part.header_start != part.body_start or part.body_start != part.body_end
            ]
            return EMPTY if len(full) == len(one.theirs) else None
        if one.what == "name":
            content = b"".join(self.source.content(one.part).values())
            return PAIRS if b"\\" in content else WORDS if b"=?" in content or "\ufffd" in one.theirs else None
        return None


def name_by_email(part: Message) -> str:
    name = part.get_filename() or ""
    try:
        return str(email.header.make_header(email.header.decode_header(name)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return name


@pytest.mark.parametrize("raw", SEEDS)
def test_seeds(raw: bytes) -> None:
    """[RFC2045] 5, 6, [RFC2046] 5, [RFC2183] 2"""
    compared = Comparison(raw)
    assert [(one.what, one.mine, one.theirs) for one in compared.found if compared.reason(one) is None] == []


def test_corpora() -> None:
    """[RFC2045] 5, 6, [RFC2046] 5, [RFC2183] 2: every message of the corpora."""
    unknown, used = [], set()
    for name, raw in messages():
        compared = Comparison(normalise_newlines(raw))
        for one in compared.found:
            reason = compared.reason(one)
            used.add(reason)
            if reason is None:
                unknown.append((name, one.part.number, one.what, one.mine, one.theirs))
    assert unknown == []
    assert used == REASONS
