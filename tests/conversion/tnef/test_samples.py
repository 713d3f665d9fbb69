"""Streams of real programs, and what was taken out of them by others (the folder beside each sample)."""

from __future__ import annotations

import email
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversion.receipt import Receipt
from conversion.rtf.lzfu import decompress
from conversion.tnef.merging import correlates, encapsulated
from conversion.tnef.reader import read_tnef
from conversion.tnef.transmittable import Part, carried
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.bag import encode_bag
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyTag, filetime_from_unix
from tests.support.corpora import CORPORA
from tests.support.tnef import SAMPLES

NAMES = sorted(path.stem for path in SAMPLES.glob("*.tnef")) or ["none"]
NOT_UNPACKED = {"garbage-at-end", "multi-name-property"}
"""The samples that nobody took anything out of."""

# Notes that reading gives: garbage behind the last attribute of two, and dates that stand in no list.
NOTES = {
    "garbage-at-end": ["dropped: octet 4183: 1 octets behind the last attribute"],
    "panic": ["dropped: octet 49862: 17497 octets that are no attribute"],
}


def sample(name: str) -> Path:
    path = SAMPLES / f"{name}.tnef"
    if not path.exists():
        pytest.skip(f"no corpora in {SAMPLES} (set OXGATE_CORPORA)")
    return path


def levels(content: MessageContent) -> Iterator[MessageContent]:
    yield content
    for item in content.attachments:
        if isinstance(item.data, MessageContent):
            yield from levels(item.data)


def unix(data: bytes) -> bytes:
    """The expected files have LF alone where the samples have CRLF."""
    return data.replace(b"\r\n", b"\n")


def bodies_of(content: MessageContent) -> Iterator[bytes]:
    rtf, html, text = (
        content.properties.get(tag) for tag in (tags.PidTagRtfCompressed, tags.PidTagHtml, tags.PidTagBody)
    )
    if isinstance(rtf, bytes):
        yield unix(decompress(rtf))
    if isinstance(html, bytes):
        yield unix(html)
    if isinstance(text, str):
        yield unix(text.encode("cp1252", "replace"))


def test_every_expected_file_is_compared() -> None:
    """So that none is left out: each is in the folder of a sample."""
    if not SAMPLES.is_dir():
        pytest.skip(f"no corpora in {SAMPLES} (set OXGATE_CORPORA)")
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert folders == set(NAMES) - NOT_UNPACKED
    assert (len(NAMES), len(folders), len(list(SAMPLES.glob("*/*")))) == (19, 17, 47)


@pytest.mark.parametrize("name", NAMES)
def test_expected_files(name: str) -> None:
    """Bodies and attachments are those that the sample's folder holds, and no more."""
    path = sample(name)
    receipt = Receipt()
    content = read_tnef(path.read_bytes(), receipt=receipt)
    assert [str(note) for note in receipt] == NOTES.get(name, [])
    folder = path.with_suffix("")
    if name in NOT_UNPACKED:
        return
    files = {unix(item.data) for inner in levels(content) for item in inner.attachments if isinstance(item.data, bytes)}
    streams = [item.data for inner in levels(content) for item in inner.attachments if not isinstance(item.data, bytes)]
    bodies = {body for inner in levels(content) for body in bodies_of(inner)}
    for expected in sorted(folder.iterdir()):
        data = unix(expected.read_bytes())
        if expected.stem == "message":
            assert data in bodies, expected.name
        elif streams and expected.name.startswith("Untitled"):
            # A message within: its stream, or the few octets that programs show which cannot read it.
            assert len(data) == 89 or read_tnef(expected.read_bytes()) in streams, expected.name
        else:
            # Of an object, the expected file has the interface too.
            assert data in files or unix(expected.read_bytes()[16:]) in files, expected.name
    names = [item.properties.get(tags.PidTagAttachLongFilename) for item in content.attachments]
    plain = {path.name for path in folder.iterdir() if path.stem != "message" and not path.name.startswith("Untitled")}
    assert plain <= set(names) | {item.properties.get(tags.PidTagAttachFilename) for item in content.attachments}


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(name: str) -> None:
    """What travels of a real message is the same when we have written it and read it again."""
    content = read_tnef(sample(name).read_bytes())
    receipt = Receipt()
    again = read_tnef(write_tnef(content, receipt=receipt, recipients=True), receipt=receipt)
    same(again, content)
    assert [str(note) for note in receipt] == []


def same(one: MessageContent, other: MessageContent) -> None:
    assert one.properties == carried(other.properties, Part.EMBEDDED)
    assert [row.type for row in one.recipients] == [row.type for row in other.recipients]
    for row, other_row in zip(one.recipients, other.recipients, strict=True):
        assert row.properties == carried(other_row.properties, Part.RECIPIENT)
    for item, other_item in zip(one.attachments, other.attachments, strict=True):
        assert item.properties == carried(other_item.properties, Part.ATTACHMENT)
        if isinstance(item.data, MessageContent):
            assert isinstance(other_item.data, MessageContent)
            same(item.data, other_item.data)
        else:
            assert item.data == other_item.data


@pytest.mark.parametrize("name", NAMES)
def test_the_store_takes_it(name: str) -> None:
    """Every value fits the type of its property."""
    for content in levels(read_tnef(sample(name).read_bytes())):
        for bag in (content.properties, *(item.properties for item in (*content.attachments, *content.recipients))):
            encode_bag(numbered(bag))


def numbered(bag: PropertyBag) -> dict[int, object]:
    """Give named properties the identifiers that a mailbox would."""
    found: dict[int, object] = {}
    for number, (key, value) in enumerate(bag.items()):
        found[key if isinstance(key, PropertyTag) else PropertyTag.of(0x8000 + number, key.type)] = value
    return found


def part(name: str) -> tuple[str, bytes]:
    """The X-MS-TNEF-Correlator field and the stream of a message that Exchange sent."""
    path = CORPORA / name
    if not path.exists():
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    mail = email.message_from_bytes(path.read_bytes())
    streams = [item for item in mail.walk() if item.get_content_type() == "application/ms-tnef"]
    return mail["X-MS-TNEF-Correlator"] or "", streams[0].get_payload(decode=True)


def test_in_mail() -> None:
    """A stream belongs to its message; its body is in the page that it says, the plain text's in the MIME part."""
    correlator, data = part("tnef/mimekit/UnitTests/TestData/tnef/ukr.eml")
    receipt = Receipt()
    content = read_tnef(data, receipt=receipt)
    assert list(receipt) == []
    assert correlates(content, correlator) is True
    assert correlates(content, correlator + "x") is False
    assert content.properties[tags.PidTagMessageCodepage] == 1251
    assert "шостий" in str(content.properties[PropertyTag(0x3FD9001F)])
    assert "шостий".encode("koi8-r") in bytes(content.properties[tags.PidTagHtml])


def test_a_report_without_version_and_page() -> None:
    """Some reports have nothing but the list, with store-internal properties that nobody believes."""
    _, data = part("dsn/sisimai/maildir/bsd/lhost-amazonworkmail-02.eml")
    receipt = Receipt()
    content = read_tnef(data, receipt=receipt)
    assert list(receipt) == []
    assert content.properties[tags.PidTagMessageClass] == "REPORT.IPM.Note.NDR"
    assert content.properties[tags.PidTagOriginalSubject] == "Nyaaaan"
    assert tags.PidTagMid in content.properties
    assert not encapsulated(content).properties.keys() & {tags.PidTagMid, tags.PidTagChangeNumber}


def test_details() -> None:
    """A few things that no expected file tells."""
    content = read_tnef(sample("triples").read_bytes())
    assert content.properties[tags.PidTagSenderName] == "Martin Rakhmanoff"
    assert content.properties[tags.PidTagMessageClass] == "IPM.Appointment"
    content = read_tnef(sample("garbage-at-end").read_bytes())
    assert content.properties[tags.PidTagMessageClass] == "Report.IPM.Note.IPNRN"
    content = read_tnef(sample("multi-name-property").read_bytes())
    assert content.properties[tags.PidNameKeywords] == ("Feiertag",)
    content = read_tnef(sample("christmas").read_bytes())
    assert content.properties[tags.PidLidUseTnef] is True
    task = content.attachments[1].data
    assert isinstance(task, MessageContent)
    assert task.properties[tags.PidLidTaskDueDate] == filetime_from_unix(1_545_696_000)  # Christmas 2018
