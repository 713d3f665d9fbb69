"""The text of a message as a reader sees it, for searching ([RFC3501] 6.4.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from conversion.mime.addresses import parse_addresses
from conversion.mime.charset import decode_text
from conversion.mime.headers import fields, header_end, unfold
from conversion.mime.html import html_to_text, meta_charset
from conversion.mime.parts import DEFAULT_LIMITS, HeaderLines, Part, Structure, read_fields, unpack
from conversion.mime.sifting import CODED, MAX_PART, body_may_hold, kind_of, sift
from conversion.mime.structure import scan
from conversion.mime.transfer import decode_transfer
from conversion.mime.words import decode_unstructured

_FIELDS = re.compile(rb"^([!-9;-~]++)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))", re.M)
"""The names and values that `fields` gives."""
_UNWANTED = re.compile("[\r\t\0]+")


def part_text(raw: bytes, part: Part) -> str:
    """Decode the body of a text part: transfer encoding, charset, and for HTML the tags."""
    data = decode_transfer(raw[part.body_start : min(part.body_end, part.body_start + MAX_PART)], part.encoding)
    charset = part.charset
    if part.subtype == "html":
        return html_to_text(decode_text(data, charset or meta_charset(data)))
    return decode_text(data, charset)


def searchable_text(raw: bytes, structure: Structure, word: bytes = b"") -> Iterator[str]:
    """Yield the text of every text part, and the header of every enclosed message, in order.

    This is what BODY searches: the message without its own header ([RFC3501] 6.4.4). With a `word` the pieces that
    certainly lack it are left out; see MimeText.text.
    """
    root = structure.root
    for part in structure.walk():
        if part.message is not None:
            if not word or _header_may_hold(raw, part.message, word):
                yield _header_text(raw, part.message)
        elif (part.type == "text" or (part is root and part.type == "")) and (
            not word or _part_may_hold(raw, part, word)
        ):
            yield part_text(raw, part)


def _header_may_hold(raw: bytes, part: Part, word: bytes) -> bool:
    """Whether a header must be decoded to know that a word is not in it."""
    block = raw[part.header_start : part.body_start]
    return b"=?" in block or not block.isascii() or word in block.lower()


def _part_may_hold(raw: bytes, part: Part, word: bytes) -> bool:
    """Whether a text part must be decoded to know that a word is not in it."""
    kind = kind_of("text", part.subtype, part.encoding, part.charset, root=False)
    if kind == CODED:
        return True
    body = raw[part.body_start : part.body_end]
    return not body.isascii() or body_may_hold(body.lower(), kind, word)


def _header_text(raw: bytes, part: Part) -> str:
    start, end = part.header_start, part.body_start
    if raw.find(b"=?", start, end) < 0 and raw[start:end].isascii():
        # Nothing is encoded: what decode_unstructured does to each value is done to all of them.
        lines = [name + b": " + unfold(value) for name, value in _FIELDS.findall(raw, start, end)]
        return _UNWANTED.sub(" ", b"\n".join(lines).decode("ascii"))
    return "\n".join(
        f"{name.decode('latin-1')}: {decode_unstructured(value)}"
        for name, value, _, _ in fields(raw, part.header_start, part.body_start)
    )


class MimeText:
    """One message as `Mailbox.find` asks it: decoded header values and decoded text. Read lazily, never raising."""

    version = "2"
    """To be raised when a message is read as another text than before: full-text indexes are then made anew."""

    def __init__(self, raw: bytes, parts: bytes = b"") -> None:
        """Take a message; `parts` is its packed part table, if there is one."""
        self._raw = raw
        self._parts = parts
        self._structure: Structure | None = None
        self._lines: HeaderLines | None = None

    def _scanned(self) -> Structure:
        if self._structure is None:
            try:
                self._structure = unpack(self._parts)
            except ValueError:
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

    @staticmethod
    def sift(
        messages: Sequence[tuple[bytes, bytes]], word: bytes, needle: bytes | None, *, headers: bool
    ) -> list[bool | None]:
        """Tell of messages whether `text` holds a string in any case; None where that is not clear from their octets.

        See conversion.mime.sifting.sift.
        """
        return sift(messages, word, needle, headers=headers)

    def text(self, headers: bool, word: bytes = b"") -> Iterator[str]:
        """Yield the text of the body piece by piece (BODY), with `headers` first that of the header (TEXT).

        With a `word` (printable ASCII in lower case, without blanks) the pieces are left out in which it certainly is
        not, whatever the case; to find that out costs a fraction of decoding them.
        """
        if not word.isalnum():
            word = b""  # what the decoder puts between name and value of a field, or takes out of HTML, is no octet
        structure = self._scanned()
        if headers and (not word or _header_may_hold(self._raw, structure.root, word)):
            yield _header_text(self._raw, structure.root)
        yield from searchable_text(self._raw, structure, word)
