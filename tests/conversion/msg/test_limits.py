"""What message files have no room for."""

from __future__ import annotations

from conversion.msg.reader import read_msg
from conversion.msg.writer import write_msg
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent, RecipientRow, RecipientType


def test_more_recipients_than_others_read() -> None:
    """[MS-OXMSG] 2.2.1: a file has 2,048 at most; of more nothing is lost, and it is said."""
    rows = tuple(RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: str(number)}) for number in range(2_049))
    receipt = Receipt()
    assert len(read_msg(write_msg(MessageContent({}, rows), receipt=receipt)).recipients) == 2_049
    assert [note.place for note in receipt] == ["recipients"]
    assert write_msg(MessageContent({}, rows[1:]), receipt=receipt)
    assert receipt.count == 1
