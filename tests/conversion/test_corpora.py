"""Every message of the corpora: parsed, shown and read without an exception, within the grammar ([RFC3501] 9)."""

from __future__ import annotations

import pytest

from conversion.attachmentdata import read_attachment_data
from conversion.mime.bodystructure import bodystructure
from conversion.mime.envelope import envelope
from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.mime.structure import pack, scan, section, unpack
from conversion.mime.text import MimeText
from conversion.oxcmail.reader import read_mime
from store.mapi.message import MessageContent
from tests.support.corpora import message_files
from tests.support.imap_grammar import read_body, read_envelope

SHARDS = 4


@pytest.mark.parametrize("shard", range(SHARDS))
def test_corpora(shard: int) -> None:
    for path in message_files()[shard::SHARDS]:
        data = path.read_bytes()
        for raw in {data, normalise_newlines(data)}:
            check(raw, path.name)


def check(raw: bytes, name: str) -> None:
    structure = scan(raw)
    assert structure.root.body_end == len(raw), name
    assert unpack(pack(structure)) == structure, name
    read_envelope(envelope(raw, structure))
    for extended in (True, False):
        read_body(bodystructure(raw, structure, extended=extended), extended=extended)
    for part in structure.walk():
        numbers = tuple(int(number) for number in part.number.split(".") if number)
        assert section(structure, numbers, "") is not None, name
    rendition = render(raw)
    content = read_mime(rendition)
    for attachment in content.attachments:
        data = read_attachment_data(raw, attachment)
        assert (data is None) == isinstance(attachment.data, MessageContent), name
    reader = MimeText(raw)
    reader.header("Subject")
    assert all(isinstance(text, str) for text in reader.text(True)), name
