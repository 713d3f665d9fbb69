"""The rendition made at delivery."""

from __future__ import annotations

from conversion.mime.bodystructure import bodystructure
from conversion.mime.envelope import envelope
from conversion.mime.headers import select_fields
from conversion.mime.rendition import COMMON_FIELDS, render
from conversion.mime.structure import pack, scan
from store.mapi.message import MimeRendition

RAW = (
    b"Return-Path: <s@x>\r\nReceived: a\r\n b\r\nsubject: one\r\n\ttwo\r\nX-Other: 1\r\nTo: a@b\r\nTo: c@d\r\n"
    b"Content-Type: text/plain\r\n\r\nbody\r\n"
)


def test_a_rendition_holds_what_imap_shows() -> None:
    structure = scan(RAW)
    assert render(RAW) == MimeRendition(
        raw=RAW,
        header_length=RAW.index(b"body"),
        envelope=envelope(RAW, structure),
        bodystructure=bodystructure(RAW, structure),
        parts=pack(structure),
        common_header=b"Return-Path: <s@x>\r\nsubject: one\r\n\ttwo\r\nTo: a@b\r\nTo: c@d\r\n"
        b"Content-Type: text/plain\r\n",
    )


def test_the_common_header_answers_like_the_whole() -> None:
    """[RFC3501] 6.4.5: HEADER.FIELDS of common fields only is the same from either."""
    common = render(RAW).common_header
    for names in (frozenset((b"SUBJECT", b"TO")), frozenset((b"DATE",)), COMMON_FIELDS):
        assert select_fields(common, names, False) == select_fields(RAW, names, False)


def test_clients_list_folders_by_common_fields() -> None:
    assert {
        b"FROM",
        b"TO",
        b"CC",
        b"BCC",
        b"SUBJECT",
        b"DATE",
        b"MESSAGE-ID",
        b"REFERENCES",
        b"CONTENT-TYPE",
    } <= COMMON_FIELDS
    assert all(name == name.upper() for name in COMMON_FIELDS)
