"""The structure of what the MIME writer makes ([MS-OXCMAIL] 2.1.3.3), case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from conversion.mime.build import Entity, Multipart, Verbatim, media_field
from conversion.oxcmail.hooks import CalendarPart, Hooks, InlinePicture, RtfBody, read_rtf
from conversion.oxcmail.writejob import Job
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import encapsulate_html
from conversion.rtf.lzfu import compress
from conversion.tnef.merging import correlates
from conversion.tnef.reader import read_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyBag
from tests.support.mime_writing import file, headers, note, notes, parsed, picture, recipient, reread, shape, written

HTML: PropertyBag = {tags.PidTagHtml: b'<p>Hi <img src="cid:1@x">', tags.PidTagInternetCodepage: 65001}
RTF: PropertyBag = {tags.PidTagRtfCompressed: b"rtf", tags.PidTagRtfInSync: True}


def rtf(html: str | None, text: str | None, *pictures: InlinePicture) -> Hooks:
    return Hooks(rtf=lambda data, receipt: RtfBody(html, text, pictures))


CALENDAR = Hooks(
    calendar=lambda content, receipt: CalendarPart("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "REQUEST"),
    rtf=lambda data, receipt: RtfBody("<b>x</b>", None),
)
MEETING: PropertyBag = {tags.PidTagMessageClass: "IPM.Schedule.Meeting.Request"}
FILE = file("a.txt", b"A")
IMAGE = picture("1@x")


@pytest.mark.parametrize(
    ("properties", "attachments", "hooks", "expected"),
    [
        # [MS-OXCMAIL] 2.1.3.3.3: plain text alone.
        ({}, (), Hooks(), "text/plain"),
        ({}, (FILE,), Hooks(), "mixed(text/plain, text/plain)"),
        ({}, (IMAGE,), Hooks(), "mixed(text/plain, image/png)"),
        # [MS-OXCMAIL] 2.1.3.3.4, 2.1.3.3.5: HTML, with text beside it, and what it shows around it.
        (HTML, (), Hooks(), "alternative(text/plain, text/html)"),
        (HTML, (IMAGE,), Hooks(), "related(alternative(text/plain, text/html), image/png)"),
        (HTML, (FILE,), Hooks(), "mixed(alternative(text/plain, text/html), text/plain)"),
        (
            HTML,
            (FILE, IMAGE),
            Hooks(),
            "mixed(related(alternative(text/plain, text/html), image/png), text/plain)",
        ),
        # What the HTML does not refer to is beside the related, not in it.
        (
            HTML,
            (IMAGE, picture("2@x")),
            Hooks(),
            "mixed(related(alternative(text/plain, text/html), image/png), image/png)",
        ),
        # [MS-OXCMAIL] 2.1.3.3.6, 2.1.3.3.7: RTF as text and HTML, its pictures inline.
        (RTF, (), rtf("<b>x</b>", None), "alternative(text/plain, text/html)"),
        (RTF, (), rtf(None, "x"), "text/plain"),
        (RTF, (FILE,), rtf("<b>x</b>", "x"), "mixed(alternative(text/plain, text/html), text/plain)"),
        (
            RTF,
            (),
            rtf('<img src="cid:p@x">', None, InlinePicture("p@x", "image/png", b"P")),
            "related(alternative(text/plain, text/html), image/png)",
        ),
        # [MS-OXCMAIL] 2.1.3.3.8, 2.1.3.3.8.1: the calendar part is the last form.
        (MEETING, (), CALENDAR, "alternative(text/plain, text/calendar)"),
        # [MS-OXCMAIL] 2.1.3.3.8.2: beside text and HTML.
        ({**MEETING, **RTF}, (), CALENDAR, "alternative(text/plain, text/html, text/calendar)"),
        # [MS-OXCMAIL] 2.1.3.3.8.3: with what the HTML shows.
        (
            {**MEETING, **HTML},
            (IMAGE,),
            CALENDAR,
            "related(alternative(text/plain, text/html, text/calendar), image/png)",
        ),
        (
            {**MEETING, **HTML},
            (IMAGE, FILE),
            CALENDAR,
            "mixed(related(alternative(text/plain, text/html, text/calendar), image/png), text/plain)",
        ),
        (
            {**MEETING, **RTF},
            (),
            replace(CALENDAR, rtf=rtf('<img src="cid:p@x">', None, InlinePicture("p@x", "image/png", b"P")).rtf),
            "related(alternative(text/plain, text/html, text/calendar), image/png)",
        ),
        ({**MEETING}, (FILE,), CALENDAR, "mixed(alternative(text/plain, text/calendar), text/plain)"),
    ],
)  # fmt: skip
def test_decision_table(
    properties: PropertyBag, attachments: tuple[AttachmentContent, ...], hooks: Hooks, expected: str
) -> None:
    """[MS-OXCMAIL] 2.1.3.3: before rows stands the section that they are of."""
    assert shape(written(note(properties, (), attachments), hooks=hooks)) == expected


def test_a_whole_message() -> None:
    """[MS-OXCMAIL] 2.1, 2.1.3: a message as it is on the wire."""
    content = note(HTML, (recipient("bob@example.net", name="Bob Ö"),), (file("ä.pdf", b"%PDF"), picture("1@x")))
    assert written(content).decode("ascii").replace("\r\n", "\n") == (
        "From: Ann <ann@example.net>\n"
        "To: =?utf-8?B?Qm9iIMOW?= <bob@example.net>\n"
        "Subject: Hello\n"
        "Date: Sat, 21 Nov 2026 22:14:05 +0000\n"
        "Message-ID: <1@example.net>\n"
        "X-MS-Has-Attach: yes\n"
        "MIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="----=_3_0123456789abcdef"\n'
        "\n"
        "------=_3_0123456789abcdef\n"
        'Content-Type: multipart/related; type="multipart/alternative";\n'
        ' boundary="----=_2_0123456789abcdef"\n'
        "\n"
        "------=_2_0123456789abcdef\n"
        'Content-Type: multipart/alternative; boundary="----=_1_0123456789abcdef"\n'
        "\n"
        "------=_1_0123456789abcdef\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "\n"
        "Text\n"
        "\n"
        "------=_1_0123456789abcdef\n"
        "Content-Type: text/html; charset=utf-8\n"
        "\n"
        '<p>Hi <img src="cid:1@x">\n'
        "------=_1_0123456789abcdef--\n"
        "\n"
        "------=_2_0123456789abcdef\n"
        "Content-Type: image/png; name=p.png\n"
        "Content-Disposition: inline; filename=p.png; size=4\n"
        "Content-ID: <1@x>\n"
        "Content-Transfer-Encoding: base64\n"
        "\n"
        "iVBORw==\n"
        "\n"
        "------=_2_0123456789abcdef--\n"
        "\n"
        "------=_3_0123456789abcdef\n"
        'Content-Type: application/pdf; name="=?utf-8?B?w6QucGRm?="\n'
        "Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf; size=4\n"
        "Content-Transfer-Encoding: base64\n"
        "\n"
        "JVBERg==\n"
        "\n"
        "------=_3_0123456789abcdef--\n"
    )


# --- Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "text", "label"),
    [
        (1252, "Grüße", "windows-1252"),
        (28591, "Grüße", "iso-8859-1"),
        (50220, "日本語", "iso-2022-jp"),
        (1252, "日本語", "utf-8"),
        (20866, "привет", "koi8-r"),
        (1200, "x", "utf-8"),
        (99999, "x", "utf-8"),
    ],
)
def test_charset_of_a_plain_body(page: int, text: str, label: str) -> None:
    """[MS-OXCMAIL] 2.1.3.3.3: the code page is a wish; what is not in it is sent in a charset that has all."""
    raw = written(note({tags.PidTagBody: text, tags.PidTagInternetCodepage: page}))
    message = parsed(raw)
    assert message.get_content_charset() == label
    assert message.get_content() == text
    assert reread(raw).properties[tags.PidTagBody] == text


def test_the_message_code_page_stands_in() -> None:
    """[MS-OXCMAIL] 2.1.3.3.3"""
    assert parsed(written(note({tags.PidTagMessageCodepage: 1251}))).get_content_charset() == "windows-1251"


def test_html_keeps_its_octets() -> None:
    """[MS-OXCMAIL] 2.1.3.3.4: the octets of PidTagHtml are labelled with their own code page."""
    html = "<p>Привет".encode("koi8-r")
    raw = written(note({tags.PidTagHtml: html, tags.PidTagInternetCodepage: 20866, tags.PidTagNativeBody: 3}))
    part = parsed(raw).get_body(("html",))
    assert part is not None
    assert part.get_payload(decode=True) == html
    assert part.get_content() == "<p>Привет"


def test_html_in_a_code_page_without_a_charset() -> None:
    receipt = Receipt()
    html = "<p>ä".encode("utf-16-le")
    raw = written(note({tags.PidTagHtml: html, tags.PidTagInternetCodepage: 1200, tags.PidTagNativeBody: 3}), receipt)
    part = parsed(raw).get_body(("html",))
    assert part is not None
    assert part.get_content() == "<p>ä"
    assert any("PidTagHtml" in one for one in notes(receipt))


def test_html_without_a_code_page_is_what_it_says() -> None:
    html = b'<meta charset="windows-1251"><p>\xcf'
    content = note({tags.PidTagHtml: html})
    bag = dict(content.properties)
    del bag[tags.PidTagBody]
    message = parsed(written(MessageContent(bag)))
    part = message.get_body(("html",))
    plain = message.get_body(("plain",))
    assert part is not None
    assert plain is not None
    assert part.get_content_charset() == "windows-1251"
    assert plain.get_content().strip() == "П"


def test_text_beside_html_is_made_of_it() -> None:
    """[MS-OXCMAIL] 2.1.3.3.4: where the object has no plain body."""
    receipt = Receipt()
    bag = {key: value for key, value in note(HTML).properties.items() if key != tags.PidTagBody}
    plain = parsed(written(MessageContent(bag), receipt)).get_body(("plain",))
    assert plain is not None
    assert plain.get_content().startswith("Hi")
    assert notes(receipt) == ["guessed: text/plain: it was made of the HTML body"]


def test_string_html() -> None:
    """PidTagBodyHtml is the same identifier with another type ([MS-OXCMSG] 2.2.1.58.3)."""
    assert shape(written(note({tags.PidTagBodyHtml: "<p>ä", tags.PidTagNativeBody: 3}))) == (
        "alternative(text/plain, text/html)"
    )


def test_rtf_without_a_converter() -> None:
    """[MS-OXCMAIL] 2.1.3.3.6: the other body of the object is taken, and the receipt says so."""
    receipt = Receipt()
    raw = written(note(RTF), receipt, hooks=Hooks())
    assert parsed(raw).get_content().splitlines() == ["Text"]
    assert any("PidTagRtfCompressed" in one for one in notes(receipt))


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (0x00060000, "text/plain"),
        (0x000E0000, "text/html"),
        (0x00160000, "alternative(text/plain, text/html)"),
        (0, "alternative(text/plain, text/html)"),
        (0x00080000, "alternative(text/plain, text/html)"),
    ],
)
def test_the_sender_may_ask_for_one_form(wish: int, expected: str) -> None:
    """PidTagInternetMailOverrideFormat counts where it prefers anything ([MS-OXOMSG] 2.2.1.11)."""
    assert shape(written(note({**HTML, tags.PidTagInternetMailOverrideFormat: wish}))) == expected


def test_html_is_found_when_attachments_come_before_it() -> None:
    """What gromox once missed, there and back."""
    raw = written(note(HTML, (), (FILE, FILE, picture("1@x"))))
    again = reread(raw)
    assert again.properties[tags.PidTagHtml] == HTML[tags.PidTagHtml]
    assert shape(written(again, raw=raw)) == shape(raw)


def test_no_character_is_lost_at_the_end() -> None:
    """What gromox lost with stateful decoders: U+0153 U+00ED as the body, with a subject and a name beside them."""
    for page in (1252, 1255, 1258, 65001):
        body = {tags.PidTagBody: "\u0153\u00ed", tags.PidTagInternetCodepage: page, tags.PidTagSubject: "Zażółć í"}
        raw = written(note(body, (), (file("œí.txt", b"x"),)))
        again = reread(raw)
        assert again.properties[tags.PidTagBody] == "\u0153\u00ed"
        assert again.properties[tags.PidTagSubject] == "Zażółć í"
        assert again.attachments[0].properties[tags.PidTagAttachLongFilename] == "œí.txt"


def test_a_body_that_is_not_in_the_object() -> None:
    receipt = Receipt()
    bag = {key: value for key, value in note({tags.PidTagNativeBody: 3}).properties.items() if key != tags.PidTagBody}
    assert shape(written(MessageContent(bag), receipt)) == "text/plain"
    assert notes(receipt) == ["dropped: PidTagNativeBody: the body that it speaks of is not in the object"]


def test_a_body_inside_an_attachment() -> None:
    """[MS-OXBBODY] 1.5: of an encrypted message the other bodies of the object say nothing."""
    content = note({**HTML, tags.PidTagMessageClass: "IPM.Note.SMIME"}, (), (file("smime.p7m", b"\x30\x80"),))
    assert shape(written(content, hooks=Hooks())) == "mixed(text/plain, application/pkcs7-mime)"


# --- Message classes --------------------------------------------------------------------------------------------------


def test_a_meeting_without_an_exporter() -> None:
    receipt = Receipt()
    assert shape(written(note(MEETING), receipt, hooks=Hooks())) == "text/plain"
    assert any(one.startswith("dropped: text/calendar") for one in notes(receipt))


def test_a_calendar_part() -> None:
    """[MS-OXCMAIL] 2.1.3.3.8.1"""
    part = parsed(written(note(MEETING), hooks=CALENDAR)).get_payload(1)
    assert part.get_params() == [("text/calendar", ""), ("charset", "utf-8"), ("method", "REQUEST")]
    assert part.get_payload() == "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def test_a_report_is_made_by_its_converter() -> None:
    """[MS-OXCMAIL] 2.1.3.2.1"""

    def report(content: MessageContent, body: Entity, attached: list[Entity], job: Job) -> Entity:
        return Multipart([], "report", job.boundary(), [body, *attached], (("report-type", "delivery-status"),))

    content = note({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}, (), (FILE,))
    assert shape(written(content, hooks=Hooks(report=report))) == "report(text/plain, text/plain)"
    receipt = Receipt()
    assert shape(written(content, receipt, hooks=Hooks())) == "mixed(text/plain, text/plain)"
    assert notes(receipt) == [
        "altered: PidTagMessageClass: REPORT.IPM.Note.NDR has no form in MIME here; it was written as a note"
    ]


def test_a_signed_message_is_kept_octet_for_octet() -> None:
    """[MS-OXCMAIL] 2.1.3.2.1, [MS-OXOSMIME] 2.1: nothing is written around it, nothing in it is changed."""
    octets = b"--b\r\n\r\nsigned  \r\n--b--\r\n"

    def smime(content: MessageContent, job: Job) -> Entity | None:
        data = job.data(content.attachments[0])
        return Verbatim([media_field("Content-Type", "multipart/signed")], data or b"")

    content = note({tags.PidTagMessageClass: "IPM.Note.SMIME.MultipartSigned"}, (), (file("SMIME.txt", octets),))
    raw = written(content, hooks=Hooks(smime=smime))
    assert raw.endswith(b"\r\n\r\n" + octets)
    receipt = Receipt()
    written(content, receipt, hooks=Hooks())
    assert any("a signature over them is broken" in one for one in notes(receipt))


def test_tnef_is_for_those_who_read_it() -> None:
    """[MS-OXCMAIL] 2.1, 2.1.3.2.26: legacy TNEF, bound to the message by its correlation key."""
    seen: list[bytes] = []

    def tnef(content: MessageContent, raw: bytes, key: bytes, receipt: Receipt) -> bytes:
        seen.append(key)
        return b"\x78\x9f\x3e\x22"

    raw = written(note(HTML, (), (FILE,)), hooks=Hooks(tnef=tnef), rich=True)
    assert shape(raw) == "mixed(text/plain, application/ms-tnef)"
    assert f"X-MS-TNEF-Correlator: {seen[0].decode()}" in headers(raw)
    kept = written(note({tags.PidTagTnefCorrelationKey: b"<k@x>\0"}), hooks=Hooks(tnef=tnef), rich=True)
    assert "X-MS-TNEF-Correlator: <k@x>" in headers(kept)
    receipt = Receipt()
    assert shape(written(note(), receipt, hooks=Hooks(), rich=True)) == "text/plain"
    assert notes(receipt) == ["altered: winmail.dat: TNEF was asked for and cannot be made; the message is pure MIME"]


@pytest.mark.parametrize(
    ("name", "content_class"),
    [
        ("IPM.Note", None),
        ("IPM.Note.Microsoft.Voicemail.UM.CA", "voice-ca"),
        ("IPM.Note.Microsoft.Missed.Voice", "missedcall"),
        ("IPM.Note.Custom.Expense", "urn:content-class:custom.Expense"),
    ],
)
def test_content_class(name: str, content_class: str | None) -> None:
    """[MS-OXCMAIL] 2.1.3.2.2, 2.2.3.2.15: there and back."""
    sound = file("v.mp3", b"ID3", {tags.PidTagAttachMimeTag: "audio/mpeg"})
    raw = written(note({tags.PidTagMessageClass: name}, (), (sound,)))
    assert parsed(raw)["Content-Class"] == content_class
    assert reread(raw).properties[tags.PidTagMessageClass] == name


def test_a_voice_message_needs_a_sound() -> None:
    """[MS-OXCMAIL] 2.2.3.2.15"""
    raw = written(note({tags.PidTagMessageClass: "IPM.Note.Microsoft.Voicemail.UM"}))
    assert reread(raw).properties[tags.PidTagMessageClass] == "IPM.Note"


def test_classes_without_a_form_are_noted() -> None:
    receipt = Receipt()
    written(note({tags.PidTagMessageClass: "IPM.Task"}), receipt)
    assert notes(receipt) == [
        "altered: PidTagMessageClass: IPM.Task has no form in MIME here; it was written as a note"
    ]


def test_the_same_octets_come_out_again() -> None:
    content = note(HTML, (), (FILE, IMAGE))
    assert written(content) == written(content)
    assert written(content, token="x" * 16) != written(content)
    assert written(content, audience=Audience.OWNER) == written(content)


def test_html_inside_rtf_comes_out() -> None:
    """[MS-OXCMAIL] 2.1.3.3.6, with the converters that there are."""
    html = "<html><body><p>Grüße &amp; mehr</p></body></html>"
    rtf_body = {tags.PidTagRtfCompressed: compress(encapsulate_html(html)), tags.PidTagNativeBody: 2}
    bag = {key: value for key, value in note(rtf_body).properties.items() if key != tags.PidTagBody}
    message = parsed(written(MessageContent(bag)))
    found, plain = message.get_body(("html",)), message.get_body(("plain",))
    assert found is not None
    assert plain is not None
    assert found.get_content().rstrip("\r\n") == html
    assert plain.get_content().strip() == "Grüße & mehr"


def test_rtf_as_it_was_written() -> None:
    """[MS-OXCMAIL] 2.1.3.3.6, 2.1.3.3.7: native RTF becomes HTML; its pictures are inline."""
    rtf_source = rb"{\rtf1\ansi Hello {\b bold}{\pict\pngblip 89504e470d0a1a0a}}"
    rtf_body = {tags.PidTagRtfCompressed: compress(rtf_source), tags.PidTagNativeBody: 2}
    raw = written(note(rtf_body))
    assert shape(raw) == "related(alternative(text/plain, text/html), image/png)"
    found = parsed(raw).get_body(("html",))
    assert found is not None
    assert "bold" in found.get_content()
    again = reread(raw).attachments[0]
    assert again.properties[tags.PidTagAttachmentHidden] is True


def test_rtf_that_is_none() -> None:
    receipt = Receipt()
    assert parsed(written(note({tags.PidTagRtfCompressed: b"junk", tags.PidTagNativeBody: 2}), receipt)).get_content()
    assert any("PidTagRtfCompressed" in one for one in notes(receipt))


def test_tnef_of_our_own() -> None:
    """[MS-OXCMAIL] 2.1, 2.1.3.2.26, 2.1.3.3.2: the stream has what MIME has no place for, and the best body alone."""
    receipt = Receipt()
    raw = written(note({tags.PidTagOwnerAppointmentId: 7, **HTML}, (), (FILE,)), receipt, rich=True)
    text, stream = parsed(raw).iter_parts()
    assert text.get_content().splitlines() == ["Text"]
    inside = read_tnef(stream.get_payload(decode=True))
    assert inside.properties[tags.PidTagOwnerAppointmentId] == 7
    assert inside.properties[tags.PidTagHtml] == HTML[tags.PidTagHtml]
    assert tags.PidTagBody not in inside.properties
    assert [item.data for item in inside.attachments] == [b"A"]
    assert correlates(inside, parsed(raw)["X-MS-TNEF-Correlator"])
    assert not notes(receipt)


def test_plain_text_has_rtf_beside_it_in_tnef() -> None:
    """[MS-OXCMAIL] 2.1.3.3.2"""
    stream = parsed(written(note(), rich=True)).get_payload(1)
    inside = read_tnef(stream.get_payload(decode=True)).properties
    assert inside[tags.PidTagBody] == "Text\r\n"
    rtf_body = read_rtf(cast(bytes, inside[tags.PidTagRtfCompressed]), Receipt())
    assert rtf_body is not None
    assert rtf_body.text == "Text\r\n"
