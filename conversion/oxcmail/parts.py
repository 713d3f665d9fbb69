"""Parts with their content fields read, for body and attachments ([MS-OXCMAIL] 2.2.3.3, 2.2.3.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from conversion.mime.headers import MediaType, parse_media, unfold
from conversion.mime.parts import Part, Structure
from conversion.mime.transfer import decode_transfer
from store.mapi.message import MimeSlice

MAX_DECODED = 64 << 20
"""Octets of one body that are decoded into a property."""

NO_MEDIA = MediaType(b"", b"", ())


@dataclass(slots=True)
class Source:
    """The octets that parts point into."""

    raw: bytes
    structure: Structure
    sliced: bool = True
    """Whether `raw` is the original, so that attachments may stay slices of it."""
    whole: bool = False
    """Whether the original will not be there for who asks later, so that properties must have all that it says."""
    _content: dict[int, dict[bytes, bytes]] = field(default_factory=dict)

    def content(self, part: Part) -> dict[bytes, bytes]:
        """Return the Content-* fields of a part by lower-case name, the first of each."""
        found = self._content.get(part.header_start)
        if found is None:
            found = {}
            for _, name, value in self.structure.header(self.raw, part):
                if name[:8].lower() == b"content-":
                    found.setdefault(name.lower(), value)
            self._content[part.header_start] = found
        return found

    def media(self, part: Part) -> MediaType:
        """Return the parsed Content-Type of a part."""
        value = self.content(part).get(b"content-type")
        return NO_MEDIA if value is None else parse_media(value)

    def disposition(self, part: Part) -> MediaType:
        """Return the parsed Content-Disposition of a part."""
        value = self.content(part).get(b"content-disposition")
        return NO_MEDIA if value is None else parse_media(value)

    def is_attachment(self, part: Part) -> bool:
        """Whether a part asks to be shown as an attachment ([RFC2183] 2.2)."""
        return self.disposition(part).type.lower() == b"attachment"

    def decoded(self, part: Part) -> bytes:
        """Decode the body of a part, at most MAX_DECODED octets of it."""
        end = min(part.body_end, part.body_start + MAX_DECODED)
        return decode_transfer(self.raw[part.body_start : end], part.encoding)

    def data(self, part: Part) -> bytes | MimeSlice:
        """Return the body of a part as attachment data."""
        if self.sliced:
            return MimeSlice(part.body_start, part.body_end - part.body_start, part.encoding)
        return self.decoded(part)

    def identifier(self, part: Part) -> bytes:
        """Return the Content-ID of a part without its angle brackets."""
        value = self.content(part).get(b"content-id")
        return b"" if value is None else unfold(value).removeprefix(b"<").removesuffix(b">")
