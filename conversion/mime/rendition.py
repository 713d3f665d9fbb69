"""What IMAP shows of a message, computed once at delivery."""

from __future__ import annotations

from conversion.mime.bodystructure import bodystructure
from conversion.mime.envelope import envelope
from conversion.mime.headers import normalise_newlines
from conversion.mime.structure import pack, scan
from store.mapi.message import MimeRendition

__all__ = ["COMMON_FIELDS", "normalise_newlines", "render"]

COMMON_FIELDS = frozenset(
    b"BCC CC CONTENT-CLASS CONTENT-DISPOSITION CONTENT-LANGUAGE CONTENT-TRANSFER-ENCODING CONTENT-TYPE DATE"
    b" DISPOSITION-NOTIFICATION-TO FROM IMPORTANCE IN-REPLY-TO LINES LIST-ID LIST-POST LIST-UNSUBSCRIBE"
    b" LIST-UNSUBSCRIBE-POST MESSAGE-ID MIME-VERSION NEWSGROUPS PRIORITY REFERENCES REPLY-TO RETURN-PATH SENDER SUBJECT"
    b" TO X-MS-HAS-ATTACH X-MSMAIL-PRIORITY X-PRIORITY X-SPAM-STATUS".split()
)
"""Fields, in upper case, whose lines `MimeRendition.common_header` holds: those that common clients list folders by.

A HEADER.FIELDS that names only these is answered from there by `select_fields`."""


def render(raw: bytes) -> MimeRendition:
    """Scan a message once and make all of it that IMAP shows. `raw` has CRLF line ends; any octets are accepted."""
    structure = scan(raw)
    lines = structure.headers[0]
    return MimeRendition(
        raw=raw,
        header_length=structure.root.body_start,
        envelope=envelope(raw, structure),
        bodystructure=bodystructure(raw, structure, extended=True),
        parts=pack(structure),
        common_header=b"".join([line for line, name, _ in lines if name.upper() in COMMON_FIELDS]),
    )
