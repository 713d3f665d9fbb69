"""The event streams of mime4j beside its test messages: parts, fields, bodies ([RFC2046] 5.1, [RFC5322] 2.2).

One stream tells the parts and the octets as they stand, another what is decoded (whose bodies the corpora lack). What
they say otherwise than our scan has a reason below; so has every file that a reason stands for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import pytest

from conversion.mime.parts import Part
from conversion.mime.structure import Structure, scan
from tests.support.corpora import CORPORA

FOLDER = CORPORA / "mime" / "mime4j" / "core" / "src" / "test" / "resources"
MESSAGES: Final = sorted(FOLDER.rglob("*.msg"))
SUFFIXES: Final = (".xml", "_decoded.xml")

REASONS: Final[dict[str, set[str]]] = {
    "parts: message/rfc822 in base64 is forbidden ([RFC2046] 5.2.1); IMAP's offsets cannot reach what it holds": {
        "bad-newlines-multiple-parts-base64",
        "base64encoded-rfc822message-nested",
        "multi-2gifs-base64",
    },
    "fields: message/rfc822 in base64 is forbidden ([RFC2046] 5.2.1); IMAP's offsets cannot reach what it holds": {
        "bad-newlines-multiple-parts-base64",
        "base64encoded-rfc822message",
        "base64encoded-rfc822message-nested",
        "multi-2gifs-base64",
    },
    "body: message/rfc822 in base64 is forbidden ([RFC2046] 5.2.1); IMAP's offsets cannot reach what it holds": {
        "base64encoded-rfc822message"
    },
    "parts: blanks at the end of a boundary do not count ([RFC2046] 5.1.1)": {
        "very-long-boundary",
        "weird-boundary",
    },
    "parts: a boundary of 7,000 octets is longer than a line may be ([RFC5322] 2.1.1)": {"very-very-long-boundary"},
    "fields: only an empty line ends the header, a line that is no field does not": {
        "malformedHeaderStartsBody-nocrlfcrlf"
    },
    "body: only an empty line ends the header, a line that is no field does not": {
        "malformedHeaderStartsBody-nocrlfcrlf",
        "malformedHeaderStartsBody-noheader",
    },
}
"""Difference and why it is one -> the messages that have it."""


def read(octets: bytes) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(octets)
    except ElementTree.ParseError:
        # Two of the streams hold octets of the message as they are.
        return ElementTree.fromstring(octets.decode("latin-1"))


def plain(octets: bytes) -> str:
    """The octets as XML gives them back."""
    return octets.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


class Comparison:
    """Compares one message; `found` are the kinds of differences."""

    def __init__(self, raw: bytes, *, decoded: bool) -> None:
        self.raw = raw
        self.structure: Structure = scan(raw)
        self.decoded = decoded
        self.found: set[str] = set()

    def part(self, theirs: ElementTree.Element, ours: Part) -> None:
        fields = [(field.text or "").removeprefix("\n") for field in theirs.findall("header/field")]
        if fields != [plain(line[0]).removesuffix("\n") for line in self.structure.header(self.raw, ours)]:
            self.found.add("fields")
        multipart, message, body = theirs.find("multipart"), theirs.find("message"), theirs.find("body")
        if (multipart is not None, message is not None) != (ours.is_multipart, ours.message is not None):
            self.found.add("parts")
        elif multipart is not None:
            below = multipart.findall("body-part")
            if len(below) != len(ours.children):
                self.found.add("parts")
                return
            for inner, child in zip(below, ours.children, strict=True):
                self.part(inner, child)
        elif message is not None:
            assert ours.message is not None
            self.part(message, ours.message)
        elif not self.decoded:
            text = "" if body is None else (body.text or "").removeprefix("\n")
            if text != plain(self.raw[ours.body_start : ours.body_end]):
                self.found.add("body")


def explained(name: str) -> set[str]:
    """Give the kinds of differences that a message has for a reason."""
    return {reason.partition(":")[0] for reason, files in REASONS.items() if name in files}


def test_every_stream_has_a_verdict() -> None:
    if not MESSAGES:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    assert len(MESSAGES) == 80
    streams = {path.with_name(path.stem + suffix) for path in MESSAGES for suffix in SUFFIXES}
    assert streams == set(FOLDER.rglob("*.xml"))
    assert set().union(*REASONS.values()) <= {path.stem for path in MESSAGES}


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_event_streams(path: Path) -> None:
    found: set[str] = set()
    for suffix in SUFFIXES:
        comparison = Comparison(path.read_bytes(), decoded=suffix != ".xml")
        comparison.part(read(path.with_name(path.stem + suffix).read_bytes()), comparison.structure.root)
        found |= comparison.found
    assert found == explained(path.stem)
