"""The text of a message as a reader sees it, for searching ([RFC3501] 6.4.4)."""

from __future__ import annotations

from collections.abc import Iterator

from conversion.mime.addresses import parse_addresses
from conversion.mime.charset import decode_text
from conversion.mime.headers import fields, header_end
from conversion.mime.html import html_to_text, meta_charset
from conversion.mime.parts import DEFAULT_LIMITS, HeaderLines, Part, Structure, read_fields
from conversion.mime.structure import scan
from conversion.mime.transfer import decode_transfer
from conversion.mime.words import decode_unstructured

MAX_PART = 16 << 20
"""Octets of one text part that are decoded for a search."""


def part_text(raw: bytes, part: Part) -> str:
    """Decode the body of a text part: transfer encoding, charset, and for HTML the tags."""
    data = decode_transfer(raw[part.body_start : min(part.body_end, part.body_start + MAX_PART)], part.encoding)
    charset = part.charset
    if part.subtype == "html":
        return html_to_text(decode_text(data, charset or meta_charset(data)))
    return decode_text(data, charset)


def searchable_text(raw: bytes, structure: Structure) -> Iterator[str]:
    """Yield the text of every text part, and the header of every enclosed message, in order.

    This is what BODY searches: the message without its own header ([RFC3501] 6.4.4).
    """
    root = structure.root
    for part in structure.walk():
        if part.message is not None:
            yield _header_text(raw, part.message)
        elif part.type == "text" or (part is root and part.type in ("", "text")):
            yield part_text(raw, part)


def _header_text(raw: bytes, part: Part) -> str:
    return "\n".join(
        f"{name.decode('latin-1')}: {decode_unstructured(value)}"
        for name, value, _, _ in fields(raw, part.header_start, part.body_start)
    )


class MimeText:
    """One message as `Mailbox.find` asks it: decoded header values and decoded text. Read lazily, never raising."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._structure: Structure | None = None
        self._lines: HeaderLines | None = None

    def _scanned(self) -> Structure:
        if self._structure is None:
            self._structure = scan(self._raw)
        return self._structure

    def header(self, name: str) -> list[str]:
        """Return the decoded values of every field with this name, whatever its case ([RFC3501] 6.4.4, HEADER)."""
        return [decode_unstructured(value) for value in self._fields(name)]

    def _fields(self, name: str) -> list[bytes]:
        if self._lines is None:
            self._lines = read_fields(self._raw, 0, header_end(self._raw), DEFAULT_LIMITS)
        wanted = name.lower().encode("utf-8", "replace")
        return [value for _, field, value in self._lines if field.lower() == wanted]

    def addresses(self, name: str) -> list[str]:
        """Return the addresses in every field with this name as ENVELOPE has them ([RFC3501] 6.4.4, FROM; 7.4.2).

        Each is `name <local@domain>`, decoded; of a group the name alone.
        """
        found = []
        for value in self._fields(name):
            for entry in parse_addresses(value):
                text = b"%b <%b@%b>" % (entry.name or b"", entry.local or b"", entry.domain or b"")
                found.append(decode_unstructured(entry.local or b"" if entry.group else text))
        return found

    def text(self, headers: bool) -> Iterator[str]:
        """Yield the text of the body piece by piece (BODY), with `headers` first that of the header (TEXT)."""
        structure = self._scanned()
        if headers:
            yield _header_text(self._raw, structure.root)
        yield from searchable_text(self._raw, structure)
