"""The parse trees of stalwart's mail-parser beside its messages: parts, offsets, fields, bodies ([RFC2046] 5.1).

What its trees say otherwise than ours has a reason below; so has every file that a reason stands for.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest

from conversion.mime.addresses import parse_addresses
from conversion.mime.charset import decode_text
from conversion.mime.dates import parse_date
from conversion.mime.headers import parse_media
from conversion.mime.parts import Part, Structure
from conversion.mime.structure import scan
from conversion.mime.transfer import decode_transfer
from conversion.mime.words import decode_parameter, decode_unstructured
from tests.support.corpora import CORPORA

FOLDER = CORPORA / "mime" / "stalwart-mail-parser" / "resources" / "eml"

REASONS: Final[dict[str, set[str]]] = {
    # Where both ways can be had from [RFC2046] 5.1, ours is the one of Dovecot, with which IMAP clients have lived.
    "parts: every boundary line begins a part, one behind another or at the very end too": {
        "malformed/000",
        "malformed/013",
        "malformed/014",
    },
    "parts: a line that begins with a boundary is a boundary line, of several the longest counts": {
        "malformed/001",
        "malformed/007",
        "malformed/016",
    },
    "parts: the boundary of an outer multipart ends the inner ones that were not closed": {
        "malformed/008",
        "malformed/009",
        "malformed/011",
        "malformed/012",
    },
    "parts: a multipart without a boundary line stays a multipart, without parts": {"malformed/002"},
    "parts: a multipart whose header runs into its text is one, since a boundary line ends any header": {
        "malformed/020",
        "malformed/021",
    },
    "parts: what message/rfc822 holds is a message, even if it does not look like one": {"malformed/022"},
    "parts: message/rfc822 in base64 is forbidden ([RFC2046] 5.2.1); IMAP's offsets cannot reach what it holds": {
        "rfc/008"
    },
    "offsets: what stands behind the boundary on its line belongs to no part": {"malformed/004"},
    "offsets: a lone CR at the very end belongs to the body (where lines end with LF)": {"legacy/049.lf"},
    "addresses: 8-bit names without a charset are read as Windows-1252, not as damaged UTF-8": {
        "legacy/010",
        "legacy/017",
        "legacy/020",
        "legacy/022",
        "legacy/027",
        "legacy/052",
    },
    "addresses: a word without a domain is nobody's address": {"rfc/000", "rfc/001", "rfc/004", "rfc/009"},
    "addresses: a comment within a name is no part of it ([RFC5322] 3.2.2)": {"rfc/002"},
    "text: 8-bit text without a charset is read as Windows-1252, not as damaged UTF-8": {
        "legacy/010",
        "legacy/020",
        "legacy/022",
        "legacy/027",
        "legacy/052",
    },
    "parameter: 8-bit names of files are read as Windows-1252, not as damaged UTF-8": {
        "legacy/016",
        "legacy/023",
        "legacy/026",
    },
    "body: uuencode that the header announces is decoded": {"legacy/017", "legacy/026", "legacy/048"},
    "body: 8-bit text without a charset is read as Windows-1252, not as damaged UTF-8": {"legacy/052"},
    "body: base64 with octets of no base64 among it is decoded all the same ([RFC2045] 6.8)": {"rfc/000"},
}
"""Difference and why it is one -> the messages that have it."""


Tree = dict[str, Any]


NAMES: Final = sorted(path.relative_to(FOLDER).as_posix().removesuffix(".json") for path in FOLDER.rglob("*.json"))
"""Each message is there twice, with LF and with CRLF."""


def message(name: str) -> bytes:
    raw = (FOLDER / f"{name.removesuffix('.crlf')}.eml").read_bytes().replace(b"\r\n", b"\n")
    return raw.replace(b"\n", b"\r\n") if name.endswith(".crlf") else raw


def explained(name: str) -> set[str]:
    """Give the kinds of differences that a message has for a reason, with these line ends or with both."""
    names = {name.removesuffix(".crlf"), name if name.endswith(".crlf") else f"{name}.lf"}
    return {reason.partition(":")[0] for reason, files in REASONS.items() if names & files}


def kind_of(part: Tree) -> str:
    return str(next(iter(part["body"])))


def children_of(message: Tree, part: Tree) -> list[tuple[Tree, Tree]]:
    body = part["body"]
    if "Multipart" in body:
        return [(message, message["parts"][index]) for index in body["Multipart"]]
    return [(body["Message"], body["Message"]["parts"][0])] if "Message" in body else []


class Comparison:
    """Compares one message; `found` are the kinds of differences."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.structure: Structure = scan(raw)
        self.found: set[str] = set()

    def part(self, message: Tree, theirs: Tree, ours: Part) -> None:
        below = children_of(message, theirs)
        parts = (ours.message,) if ours.message is not None else ours.children
        same = (kind_of(theirs) == "Multipart") == ours.is_multipart and (kind_of(theirs) == "Message") == (
            ours.message is not None
        )
        if not same or len(below) != len(parts):
            self.found.add("parts")
            return
        offsets = [(theirs["offset_header"], ours.header_start), (theirs["offset_body"], ours.body_start)]
        if not below:
            offsets.append((theirs["offset_end"], ours.body_end))
        if any(one != other for one, other in offsets):
            self.found.add("offsets")
            return
        self.fields(theirs, ours)
        if not below:
            self.body(theirs, ours)
        for (inner, child), part in zip(below, parts, strict=True):
            assert part is not None
            self.part(inner, child, part)

    def fields(self, theirs: Tree, ours: Part) -> None:
        lines = self.structure.header(self.raw, ours)
        assert [line[1].lower().replace(b"-", b"_").decode("latin-1") for line in lines] == [
            field["name"]["other"].lower().replace("-", "_") if isinstance(field["name"], dict) else field["name"]
            for field in theirs["headers"]
        ]
        for field, (_, _, value) in zip(theirs["headers"], lines, strict=True):
            if isinstance(field["value"], dict):
                self.value(field["name"], field["value"], value, ours)

    def value(self, name: str, theirs: Tree, value: bytes, ours: Part) -> None:
        match theirs:
            case {"Address": said}:
                if addresses_of(said) != our_addresses(value):
                    self.found.add("addresses")
            case {"DateTime": said}:
                if seconds_of(said) != our_seconds(value):
                    self.found.add("date")
            case {"ContentType": said} if name == "content_type":
                assert (said["c_type"].lower(), (said["c_subtype"] or "").lower()) == (ours.type, ours.subtype)
                self.parameters(said, value)
            case {"ContentType": said} if name == "content_disposition":
                self.parameters(said, value)
            case {"Text": said} if name in ("message_id", "content_id", "return_path"):
                if value.strip().removeprefix(b"<").removesuffix(b">") != said.encode():
                    self.found.add("id")
            case {"Text": said}:
                if decode_unstructured(value).strip() != said:
                    self.found.add("text")

    def parameters(self, theirs: Tree, value: bytes) -> None:
        media = parse_media(value)
        for one in theirs["attributes"] or []:
            if (
                one["name"].lower() in ("boundary", "charset", "name", "filename")
                and decode_parameter(media, one["name"].lower()) != one["value"]
            ):
                self.found.add("parameter")

    def body(self, theirs: Tree, ours: Part) -> None:
        data = decode_transfer(self.raw[ours.body_start : ours.body_end], ours.encoding)
        kind, said = next(iter(theirs["body"].items()))
        same = decode_text(data, ours.charset) == said if kind in ("Text", "Html") else list(data) == said
        if not same:
            self.found.add("body")


def addresses_of(said: Tree) -> list[tuple[str | None, str]]:
    lists = [said["List"]] if "List" in said else [group["addresses"] for group in said["Group"]]
    return [(one["name"], one["address"]) for entries in lists for one in entries]


def our_addresses(value: bytes) -> list[tuple[str | None, str]]:
    return [
        (
            decode_unstructured(one.name) if one.name else None,
            ((one.local or b"") + b"@" + one.domain).decode("utf-8", "replace"),
        )
        for one in parse_addresses(value)
        if one.domain is not None
    ]


def seconds_of(said: Tree) -> float | None:
    away = timedelta(hours=said["tz_hour"], minutes=said["tz_minute"])
    zone = timezone(-away if said["tz_before_gmt"] else away)
    when = [said[field] for field in ("year", "month", "day", "hour", "minute", "second")]
    return datetime(*when, tzinfo=zone).astimezone(UTC).timestamp()


def our_seconds(value: bytes) -> float | None:
    found = parse_date(value)
    return None if found is None else found.seconds


def test_every_tree_has_a_verdict() -> None:
    if not NAMES:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    plain = {name for name in NAMES if not name.endswith(".crlf")}
    assert (len(NAMES), len(plain)) == (174, 87)
    assert plain == {path.relative_to(FOLDER).as_posix().removesuffix(".eml") for path in FOLDER.rglob("*.eml")}
    assert {name.removesuffix(".lf") for files in REASONS.values() for name in files} <= plain


@pytest.mark.parametrize("name", NAMES)
def test_trees(name: str) -> None:
    tree = json.loads((FOLDER / f"{name}.json").read_bytes())
    comparison = Comparison(message(name))
    comparison.part(tree, tree["parts"][0], comparison.structure.root)
    assert comparison.found == explained(name)
