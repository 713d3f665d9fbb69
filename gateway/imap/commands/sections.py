"""Body sections of one message: which octets `BODY[...]` means, and their form on the wire ([RFC3501] 6.4.5, 7.4.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from conversion.mime.headers import header_end, select_fields
from conversion.mime.parts import SectionText, Structure, section
from conversion.mime.rendition import COMMON_FIELDS
from conversion.mime.structure import scan, unpack
from gateway.imap.protocol.fetch_types import BodySection, Section, SectionKind

_WHAT: dict[SectionKind, SectionText] = {
    SectionKind.WHOLE: "",
    SectionKind.HEADER: "HEADER",
    SectionKind.HEADER_FIELDS: "HEADER",
    SectionKind.HEADER_FIELDS_NOT: "HEADER",
    SectionKind.TEXT: "TEXT",
    SectionKind.MIME: "MIME",
}
_PICKED = (SectionKind.HEADER_FIELDS, SectionKind.HEADER_FIELDS_NOT)


def is_common(item: BodySection) -> bool:
    """Whether the stored common header answers the item: HEADER.FIELDS with nothing but common fields."""
    wanted = item.section
    return not wanted.numbers and wanted.kind is SectionKind.HEADER_FIELDS and COMMON_FIELDS.issuperset(wanted.fields)


def needs_parts(item: BodySection) -> bool:
    """Whether the part table is needed to find the section."""
    return bool(item.section.numbers) or item.section.kind is SectionKind.MIME


def table_of(parts: bytes, raw: bytes | None) -> Structure | None:
    """The part table of a message; one that cannot be read is made again from the message, None without that."""
    try:
        return unpack(parts)
    except ValueError:
        return None if raw is None else scan(raw)


def span(wanted: Section, raw: bytes, structure: Structure | None) -> tuple[int, int] | None:
    """Where the section stands in a message that is at hand, as (start, end); None where there is no such part.

    `structure` may be None for the sections of the message itself ([RFC3501] 6.4.5).
    """
    if structure is not None:
        return section(structure, wanted.numbers, _WHAT[wanted.kind])
    if wanted.kind is SectionKind.WHOLE:
        return 0, len(raw)
    end = header_end(raw)
    return (end, len(raw)) if wanted.kind is SectionKind.TEXT else (0, end)


def pick(wanted: Section, data: bytes) -> bytes:
    """From the octets of the span: the named fields if the section names some, else all ([RFC3501] 6.4.5)."""
    if wanted.kind is SectionKind.HEADER_FIELDS:
        return _block(_finder(wanted.fields)(b"\n" + data))
    if wanted.kind is SectionKind.HEADER_FIELDS_NOT:
        return select_fields(data, frozenset(wanted.fields), True)
    return data


@lru_cache(maxsize=512)
def _finder(names: tuple[bytes, ...]) -> Callable[[bytes], list[bytes]]:
    """A function that finds these fields in a header with a line feed put before it; it leaves their last one out.

    One expression for all names is twice as fast as a loop over the fields.
    """
    alternatives = b"|".join(map(re.escape, names))
    return re.compile(rb"\n((?:%b)[ \t]*+:[^\n]*+(?>(?:\n[ \t][^\n]*+)*))" % alternatives, re.I).findall


def _block(fields: list[bytes]) -> bytes:
    """Fields without their last line feed, as a header with the blank line that ends it ([RFC3501] 6.4.5)."""
    if not fields:
        return b"\r\n"
    lines = b"\n".join(fields)
    return lines + (b"\n\r\n" if lines.endswith(b"\r") else b"\r\n\r\n")


def picks_fields(wanted: Section) -> bool:
    """Whether the section names header fields, so that its octets are not one piece of the message."""
    return wanted.kind in _PICKED


def cut(start: int, end: int, partial: tuple[int, int] | None) -> tuple[int, int]:
    """Narrow a span to `<first.count>`; beyond the end it is empty ([RFC3501] 6.4.5)."""
    if partial is None:
        return start, end
    first, count = partial
    begin = min(start + first, end)
    return begin, min(begin + count, end)


def without_nul(data: bytes) -> bytes:
    """The octets with 0x80 for every NUL, which no string of IMAP can hold ([RFC3501] 4.3.1, 9 `CHAR8`)."""
    return data.replace(b"\0", b"\x80") if b"\0" in data else data


def literal(data: bytes) -> bytes:
    """A section as literal, in which any octets but NUL fit; an empty one is quoted."""
    return b'""' if not data else b"{%d}\r\n%b" % (len(data), without_nul(data))


def header_column(item: BodySection, headers: Sequence[bytes]) -> list[bytes]:
    """The values of a HEADER.FIELDS item for many header blocks."""
    if item.partial is not None:
        return [from_header(item, header) for header in headers]
    find = _finder(item.section.fields)
    found = [without_nul(_block(find(b"\n" + header))) for header in headers]
    return [b"{%d}\r\n%b" % (len(lines), lines) for lines in found]


def column(item: BodySection, raws: Sequence[bytes], structures: Sequence[Structure] | None) -> list[bytes]:
    """The values of a section for many messages at hand; `structures` may be None where needs_parts is false."""
    wanted = item.section
    raws = list(map(without_nul, raws))
    if structures is not None and needs_parts(item):
        return [value(item, raw, structure) for raw, structure in zip(raws, structures, strict=True)]
    if item.partial is None and wanted.kind is SectionKind.WHOLE:
        return [b"{%d}\r\n%b" % (len(raw), raw) for raw in raws]
    if item.partial is None and wanted.kind is SectionKind.HEADER:
        found = [raw[: header_end(raw)] for raw in raws]
        return [b"{%d}\r\n%b" % (len(header), header) for header in found]
    return [value(item, raw, None) for raw in raws]


def value(item: BodySection, raw: bytes, structure: Structure | None) -> bytes:
    """The item's value on the wire, from a message at hand: a literal, or NIL where there is no such part."""
    where = span(item.section, raw, structure)
    if where is None:
        return b"NIL"
    if picks_fields(item.section):
        return from_header(item, raw[where[0] : where[1]])
    start, end = cut(*where, item.partial)
    return literal(raw if end - start == len(raw) else raw[start:end])


def from_header(item: BodySection, header: bytes) -> bytes:
    """The value of a HEADER.FIELDS or HEADER.FIELDS.NOT item from the header block it picks of."""
    data = pick(item.section, header)
    start, end = cut(0, len(data), item.partial)
    return literal(data[start:end])
