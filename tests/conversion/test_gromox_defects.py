"""What another open server of this kind gets wrong or does well: each has a test, here or where its subject is."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from conversion.formats import Format, Loaded, read, write
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import Encapsulated, Form, deencapsulate, encapsulate_html, encapsulate_text
from conversion.rtf.tohtml import rtf_to_html
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import NOW, START, calendar, read_one, recurrence_of, starts_of
from tests.conversion.oxcical.calendars import written as calendar_written
from tests.support.mime_writing import parsed, reread, written

ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "1 dates in Content-Disposition": ("oxcmail.test_known_faults:test_dates_of_attachments",),
    "2 the last of Importance and X-Priority wins": (
        "oxcmail.test_known_faults:test_importance_wins_wherever_it_stands",
    ),
    "3 most X- fields vanish": (
        "oxcmail.test_known_faults:test_other_fields_are_kept",
        "oxcmail.test_writer_headers:test_its_owner_sees_the_trace_and_what_has_no_property",
    ),
    "4 external bodies and messages by their name": (
        "oxcmail.test_known_faults:test_an_external_body_is_a_shortcut",
        "oxcmail.test_known_faults:test_a_message_by_its_name_is_a_file",
        "oxcmail.test_oldparts:test_external_body",
    ),
    "5 no AppleDouble, BinHex, MacBinary": (
        "oxcmail.test_oldparts:test_appledouble",
        "oxcmail.test_oldparts:test_binhex",
        "oxcmail.test_writer_attachments:test_files_with_two_forks",
    ),
    "5 no uuencode, RFC 2231, message/partial": (
        "oxcmail.test_oldparts:test_uuencode",
        "oxcmail.test_known_faults:test_names_beyond_ascii_are_written_so_that_all_can_read_them",
        "oxcmail.test_oldparts:test_partial_messages_stay",
    ),
    "6 delivery reports that are written": (
        "oxcmail.test_writer_reports:test_a_delivery_report_is_written",
        "oxcmail.test_reports:test_status_from_codes",
        "oxcmail.test_writer_reports:test_the_original_of_a_report",
        "oxcmail.test_known_faults:test_each_recipient_of_a_report_has_its_own_status",
    ),
    "7 everything in base64": (
        "oxcmail.test_writer_attachments:test_transfer_encodings",
        "oxcmail.test_writer_structure:test_decision_table",
    ),
    "8 calendars refused whole: zones": (
        "oxcical.test_importer:test_undeclared_zones",
        "oxcical.test_importer:test_times",
        "oxcical.test_importer:test_unknown_zone",
    ),
    "8 calendars refused whole: rules and dates": (
        "oxcical.test_series:test_rules_that_no_pattern_says",
        "oxcical.test_series:test_rdate_without_exdate",
        "oxcical.test_series:test_many_exceptions",
    ),
    "8 EXDATE, PARTSTAT, VALARM, COUNTER, CLASS": (
        "oxcical.test_series:test_exdates",
        "oxcical.test_importer_people:test_people",
        "oxcical.test_importer:test_alarms",
        "oxcical.test_importer:test_method",
        "oxcical.test_importer:test_properties",
    ),
    "9 calendars that are written": (
        "oxcical.test_exporter:test_smallest",
        "oxcical.test_exporter:test_properties",
        "oxcical.test_exporter:test_bodies",
        "oxcical.test_exporter:test_zones",
        "oxcical.test_exporter:test_no_end",
        "oxcical.test_exporter:test_attachments",
    ),
    "10 the last character is lost": ("oxcmail.test_writer_structure:test_no_character_is_lost_at_the_end",),
    "11 zones of +-08xx, the bias of summer": (
        "oxcical.test_importer:test_declared_zones",
        "oxcical.test_zonerules:test_the_rules_of_windows_zones_tell_the_time_as_zoneinfo",
    ),
    "11 ADR, Keywords": (
        "vcard.test_places:test_parts_of_an_address_keep_their_place",
        "oxcmail.test_writer_headers:test_no_stray_categories",
    ),
    "11 UID of exceptions": (
        "oxcical.test_series:test_exceptions_have_the_uid_of_the_series",
        "oxcical.test_exporter:test_uid_of_exceptions",
    ),
    "11 HTML behind attachments": ("oxcmail.test_writer_structure:test_html_is_found_when_attachments_come_before_it",),
    "well: addresses looked up, SMTP kept": ("oxcmail.test_reader:test_known_recipients",),
    "well: usual values, transport headers": (
        "oxcmail.test_reader:test_a_plain_message",
        "oxcmail.test_reader:test_transport_headers",
    ),
    "well: no paper clip for hidden attachments alone": ("oxcmail.test_attachments:test_inline_images",),
    "well: Auto-Submitted and Precedence": ("oxcmail.test_reader:test_reply_suppression",),
    "well: several bodies with pictures between": ("oxcmail.test_body:test_a_body_with_pictures_between_its_texts",),
    "well: messages within, never encoded and not endless": (
        "oxcmail.test_writer_attachments:test_embedded_messages",
        "oxcmail.test_writer_attachments:test_embedded_messages_have_an_end",
    ),
    "well: the structure by the class": (
        "oxcmail.test_writer_structure:test_a_report_is_made_by_its_converter",
        "oxcmail.test_writer_structure:test_a_signed_message_is_kept_octet_for_octet",
        "oxcmail.test_writer_structure:test_a_calendar_part",
        "oxcmail.test_writer_structure:test_tnef_is_for_those_who_read_it",
    ),
    "well: why a rule is not kept": ("oxcical.test_templates:test_rules_that_no_pattern_says_are_told",),
    "well: tasks, journals, Hijri": (
        "oxcical.test_importer:test_tasks_and_journals",
        "oxcical.test_series:test_another_calendar",
        "oxcical.test_exporter:test_another_calendar",
    ),
    "well: whole days off midnight, usual reminders": (
        "oxcical.test_exporter:test_default_zone_and_all_day",
        "oxcical.test_importer:test_no_alarm",
    ),
    "well: one body of several in step": ("test_bestbody:test_from_what_there_is",),
}
"""Defect by its number in the study of that server, or what it does well -> the tests of it, below tests.conversion."""


@pytest.mark.parametrize("subject", ELSEWHERE)
def test_each_has_a_test(subject: str) -> None:
    """The tests that stand elsewhere are there by the names that are said here."""
    for where in ELSEWHERE[subject]:
        module, _, name = where.partition(":")
        assert callable(getattr(import_module(f"tests.conversion.{module}"), name)), where


def test_signed_and_encrypted_mail_of_openpgp() -> None:
    """Defect 5, PGP's structure: the signed part and the signature, the two parts of what is encrypted ([RFC3156])."""
    ascii_armour = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n"
    raw = (
        "From: a@x.test\nMIME-Version: 1.0\n"
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n'
        "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n"
        f"--b\nContent-Type: application/octet-stream; name=encrypted.asc\n\n{ascii_armour}\n--b--\n"
    ).replace("\n", "\r\n")
    loaded = read(raw.encode(), Format.EML)
    (content,) = loaded.contents
    found = [
        (item.properties[tags.PidTagAttachMimeTag], (loaded.octets(item) or b"").strip())
        for item in content.attachments
    ]
    assert found[0] == ("application/pgp-encrypted", b"Version: 1")
    assert found[1][0] == "application/octet-stream"
    assert found[1][1] == ascii_armour.replace("\n", "\r\n").strip().encode()
    parts = {part.get_content_type() for part in parsed(write(loaded, content, Format.EML)).walk()}
    assert {"application/pgp-encrypted", "application/octet-stream"} <= parts


BOUNDARIES: Final = "\x7f\x80\u07ff\u0800\u7fff\u8000\ud7ff\ue000\uffff\U00010000"
"""The characters where RTF's signed numbers and UTF-8's lengths change."""


@pytest.mark.parametrize("character", BOUNDARIES, ids=lambda character: f"U+{ord(character):04X}")
def test_characters_at_the_boundaries(character: str) -> None:
    """Defect 11, U+007F, U+07FF and U+7FFF between RTF and HTML: each comes back, by itself and beside others."""
    for text in (character, f"a{character}b", character * 3):
        page = f"<p>{text}</p>"
        assert deencapsulate(encapsulate_text(text)) == Encapsulated(Form.TEXT, text)
        assert deencapsulate(encapsulate_html(page)) == Encapsulated(Form.HTML, page)


@pytest.mark.parametrize("number", [0x7F, 0x80, 0x7FF, 0x800, 0x7FFF, 0x8000, 0xD7FF, 0xE000, 0xFFFD])
def test_characters_of_rtf_at_the_boundaries(number: int) -> None:
    """Defect 11: \\u has a signed number of 16 bits, and its unsigned form occurs as well."""
    for said in {number, number - 0x10000 if number > 0x7FFF else number}:
        page = rtf_to_html(b"{\\rtf1\\ansi\\uc1 a\\u%d?b}" % said).html
        assert f"a{chr(number)}b" in unescape(re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize("page", [1251, 932, 28592, 65001])
def test_html_of_other_pages_in_rtf(page: int) -> None:
    """Defect 11, HTML that is not UTF-8 made RTF: the characters are those of the page that the message names."""
    text = {1251: "Привет", 932: "日本語", 28592: "Łódź", 65001: "Ünï"}[page]
    name = {1251: "cp1251", 932: "cp932", 28592: "iso8859-2", 65001: "utf-8"}[page]
    content = MessageContent(
        {
            tags.PidTagMessageClass: "IPM.Note",
            tags.PidTagHtml: f"<html><body><p>{text}</p></body></html>".encode(name),
            tags.PidTagInternetCodepage: page,
            tags.PidTagNativeBody: 3,
        }
    )
    rtf = write(Loaded((content,)), content, Format.RTF)
    found = deencapsulate(rtf)
    assert found is not None
    assert f"<p>{text}</p>" in found.text


def rule_of(content: MessageContent) -> str:
    (inner,) = calendar_written(write_calendar(content, now=NOW)).inner("VEVENT")
    return inner.value("RRULE") or ""


def test_the_month_of_a_yearly_rule() -> None:
    """Defect 11, BYMONTH of yearly rules by weekday: without it a year would have as many instances as months."""
    content = read_one("DTSTART:20261126T090000Z", "DTEND:20261126T100000Z", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH")
    assert set(rule_of(content).split(";")) == {"FREQ=YEARLY", "BYMONTH=11", "BYDAY=4TH"}
    found = starts_of(content, dt.datetime(2026, 1, 1), dt.datetime(2029, 1, 1))
    assert [start.date() for start in found] == [dt.date(2026, 11, 26), dt.date(2027, 11, 25), dt.date(2028, 11, 23)]


@pytest.mark.parametrize("day", ["6MO", "53MO", "-6MO", "0MO"])
def test_weekdays_that_no_month_has(day: str) -> None:
    """Defect 11, the number of a weekday in a month beyond what there can be: no event is lost, none is invented."""
    content = read_calendar(calendar(*START, f"RRULE:FREQ=MONTHLY;BYDAY={day}"), receipt=(receipt := Receipt()))[0]
    assert receipt.count
    assert starts_of(content, dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 6)) == [dt.datetime(2026, 1, 5, 9)]


@pytest.mark.parametrize(("n", "day"), [(1, 5), (2, 12), (3, 19), (4, 26), (-1, 26)])
def test_weekdays_that_every_month_has(n: int, day: int) -> None:
    """Defect 11: these are patterns, of which the last of a month is the fifth ([MS-OXOCAL] 2.2.1.44.1.6)."""
    pattern = recurrence_of(read_one(f"DTSTART:202601{day:02}T090000Z", f"RRULE:FREQ=MONTHLY;BYDAY={n}MO"))
    assert pattern.recurrence_pattern.n == (5 if n == -1 else n)


def test_single_appointments_say_that_they_are() -> None:
    """Defect 11: PidLidRecurring is there, and false; without it Outlook fails."""
    assert read_one(*START).properties[tags.PidLidRecurring] is False
    assert read_one(*START, "RRULE:FREQ=DAILY;COUNT=3").properties[tags.PidLidRecurring] is True


def test_signed_mail_within_signed_mail() -> None:
    """Done well, several signatures around each other: none is taken away, and every octet stays."""
    inner = (
        "Content-Type: multipart/signed; protocol=application/pkcs7-signature; boundary=i\n\n"
        "--i\nContent-Type: text/plain\n\ntext \n--i\nContent-Type: application/pkcs7-signature; name=smime.p7s\n"
        "Content-Transfer-Encoding: base64\n\nMAAA\n--i--"
    )
    signed = f"--o\n{inner}\n--o\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nMAAA\n--o--\n"
    head = "From: a@x.test\nMIME-Version: 1.0\nContent-Type: multipart/signed;\n protocol=application/pkcs7-signature; "
    raw = f"{head}boundary=o\n\n{signed}".replace("\n", "\r\n").encode()
    content = reread(raw)
    assert content.properties[tags.PidTagMessageClass] == "IPM.Note.SMIME.MultipartSigned"
    assert signed.replace("\n", "\r\n").encode() in written(content, raw=raw)


def test_this_list_is_whole() -> None:
    """Each of the eleven defects has a test that names it."""
    here = re.findall(r"Defect (\d+)", Path(__file__).read_text("utf-8"))
    assert {int(subject.split()[0]) for subject in ELSEWHERE if subject[0].isdigit()} | {int(n) for n in here} == set(
        range(1, 12)
    )
