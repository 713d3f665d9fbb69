"""What other readers of MIME are known to get wrong, each with a message that shows it ([MS-OXCMAIL] 2.2)."""

from __future__ import annotations

from typing import Any

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix
from tests.support.mime_writing import file, note, written


def read(text: str) -> MessageContent:
    return read_mime(render(text.replace("\n", "\r\n").encode()), received=0)


def test_dates_of_attachments() -> None:
    """[MS-OXCMAIL] 2.2.3.4.1.2, [RFC2183] 2.4, 2.5: both dates, by the names that they have."""
    (attachment,) = read(
        "Content-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf;\n"
        ' creation-date="Mon, 1 Jan 2024 12:00:00 +0000"; modification-date="Tue, 2 Jan 2024 12:00:00 +0000"\n\nx'
    ).attachments
    assert attachment.properties[tags.PidTagCreationTime] == filetime_from_unix(1_704_110_400)
    assert attachment.properties[tags.PidTagLastModificationTime] == filetime_from_unix(1_704_196_800)


@pytest.mark.parametrize("order", [1, -1])
def test_importance_wins_wherever_it_stands(order: int) -> None:
    """[MS-OXCMAIL] 2.2.3.2.5"""
    lines = ["Importance: low", "X-Priority: 1 (Highest)", "X-MSMail-Priority: High", "Priority: urgent"][::order]
    assert read("\n".join(lines) + "\n\nx").properties[tags.PidTagImportance] == 0


def test_other_fields_are_kept() -> None:
    """[MS-OXCMAIL] 2.2.3.2.29: some have properties, all others stay in the header as it came."""
    got = read("X-Mailer: m\nList-Id: <l.x>\nX-Unheard-Of: 1\n\nx").properties
    assert got[tags.internet_header("X-Mailer")] == "m"
    assert got[tags.internet_header("List-Id")] == "<l.x>"
    assert "X-Unheard-Of: 1" in str(got[tags.PidTagTransportMessageHeaders])


def test_an_external_body_is_a_shortcut() -> None:
    """[RFC2046] 5.2.3"""
    (attachment,) = read(
        "Content-Type: message/external-body; access-type=anon-ftp; site=ftp.x; name=a.txt\n\n"
        "Content-Type: text/plain\n\n"
    ).attachments
    assert attachment.data == b"[InternetShortcut]\r\nURL=ftp://ftp.x/a.txt;type=a\r\n"


def test_a_message_by_its_name_is_a_file() -> None:
    """A file whose name ends with .eml is what it says that it is: octets."""
    (attachment,) = read("Content-Type: application/octet-stream; name=a.eml\n\nSubject: x\n\ny").attachments
    assert not isinstance(attachment.data, MessageContent)
    assert attachment.properties[tags.PidTagAttachLongFilename] == "a.eml"


def test_names_beyond_ascii_are_written_so_that_all_can_read_them() -> None:
    """[RFC2231] 4: never encoded words inside filename=."""
    raw = written(note({}, (), (file("Grüße.txt", b"x"),)))
    assert b"filename*=utf-8''Gr%C3%BC%C3%9Fe.txt" in raw
    assert b'filename="=?' not in raw


def test_each_recipient_of_a_report_has_its_own_status() -> None:
    """[MS-OXCMAIL] 2.2.3.7.1: nothing of one recipient is left over for the next; several digits are not cut."""
    groups = (
        "Final-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.x\n"
        "Diagnostic-Code: smtp; 550 no\n"
        "\nFinal-Recipient: rfc822;b@x\nAction: failed\nStatus: 5.7.26\n"
    )
    first, second = read(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\n{groups}\n--b--\n"
    ).recipients
    info: Any = tags.PidTagSupplementaryInfo
    assert first.properties[info] == "<mx.x #5.1.1 smtp; 550 no>"
    assert second.properties[info] == "<#5.7.26>"
    assert tags.PidTagRemoteMessageTransferAgent not in second.properties
