"""Debian's `tnef` takes the attachments and bodies out of streams that we write."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from conversion.msg.reader import read_msg
from conversion.rtf.lzfu import compress
from conversion.tnef.reader import read_tnef
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyKey, Value, filetime_from_unix
from tests.peers.program import need, run
from tests.support.tnef import SAMPLES

pytestmark = pytest.mark.peers

RTF = rb"{\rtf1\ansi\ansicpg1252\pard hello world}" + b"\r\n"


def unpacked(stream: bytes, folder: Path) -> dict[str, bytes]:
    """Everything that `tnef` finds; a checksum or a length that it does not like fails the test."""
    need("tnef")
    file, out = folder / "winmail.dat", folder / "out"
    file.write_bytes(stream)
    out.mkdir()
    run("tnef", "--file", file, "--directory", out, "--save-body", "--body-pref", "ALL", "--number-backups")
    return {path.name: path.read_bytes() for path in out.iterdir()}


def file_named(name: str, data: bytes, **more: Value) -> AttachmentContent:
    properties: dict[PropertyKey, Value] = {
        tags.PidTagAttachLongFilename: name,
        tags.PidTagAttachMethod: 1,
        tags.PidTagCreationTime: filetime_from_unix(1_700_000_000),
        tags.PidTagLastModificationTime: filetime_from_unix(1_700_000_000),
    }
    return AttachmentContent(properties, data)


def test_files_and_bodies(tmp_path: Path) -> None:
    files = {"empty.txt": b"", "octets.bin": bytes(range(256)) * 300, "three letters.abc": b"abc"}
    content = MessageContent(
        {
            tags.PidTagMessageClass: "IPM.Note",
            tags.PidTagSubject: "Löwe 日本",
            tags.PidTagImportance: 2,
            tags.PidTagClientSubmitTime: filetime_from_unix(1_700_000_000),
            tags.PidTagSearchKey: bytes(16),
            tags.PidTagRtfCompressed: compress(RTF),
            tags.PidTagHtml: b"<p>hello",
            tags.PidNameKeywords: ("one", "two"),
            tags.PidLidFlagRequest: "Follow up",
            tags.PidTagResponseRequested: True,
        },
        (),
        tuple([file_named(name, data) for name, data in files.items()]),
    )
    found = unpacked(write_tnef(content), tmp_path)
    assert found.pop("message.rtf") == RTF
    assert found.pop("message.html") == b"<p>hello"
    # It leaves files out that are empty.
    assert {"empty.txt": b"", **found} == files


REFUSED = ("garbage-at-end", "panic")
"""Samples that it refuses itself, for there is garbage behind their last attribute; what we make of them it takes."""


def folder(parent: Path, name: str) -> Path:
    path = parent / name
    path.mkdir()
    return path


def files_of(content: MessageContent) -> Counter[bytes]:
    """The octets of the files that it takes out: those that are not empty, and neither messages nor objects."""
    return Counter(
        item.data
        for item in content.attachments
        if isinstance(item.data, bytes) and item.data and item.properties.get(tags.PidTagAttachMethod, 1) == 1
    )


def assert_has_files(found: dict[str, bytes], content: MessageContent) -> None:
    assert files_of(content) - Counter(found.values()) == Counter()


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.tnef")) or ["none"])
def test_samples(name: str, tmp_path: Path) -> None:
    """Of a real program's stream and of ours made from it the same files come out."""
    path = SAMPLES / f"{name}.tnef"
    if not path.exists():
        pytest.skip(f"no corpora in {SAMPLES} (set OXGATE_CORPORA)")
    data = path.read_bytes()
    content = read_tnef(data)
    again = unpacked(write_tnef(content, recipients=True), folder(tmp_path, "ours"))
    assert_has_files(again, content)
    if name in REFUSED:
        return
    theirs = unpacked(data, folder(tmp_path, "original"))
    plain = {
        str(name)
        for item in content.attachments
        if isinstance(item.data, bytes) and item.properties[tags.PidTagAttachMethod] == 1
        for name in (item.properties.get(tags.PidTagAttachLongFilename), item.properties.get(tags.PidTagAttachFilename))
    }
    assert {name: data for name, data in again.items() if name in plain} == {
        name: data for name, data in theirs.items() if name in plain
    }
    # Plain text stands in our list alone, as Unicode, where this program does not look.
    bodies = {"message.rtf", "message.html"}
    assert {name: data for name, data in again.items() if name in bodies} == {
        name: data for name, data in theirs.items() if name in bodies
    }


CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")
def test_message_files(tmp_path: Path) -> None:
    """What message files have attached comes out of the streams that we make of them."""
    compared = 0
    for number, path in enumerate(sorted((CORPORA / "msg").rglob("*.msg"))):
        content = read_msg(path.read_bytes())
        assert_has_files(unpacked(write_tnef(content), folder(tmp_path, str(number))), content)
        compared += files_of(content).total()
    assert compared > 5


@pytest.mark.parametrize("page", [1252, 932, 1251, 65001])
def test_names_in_code_pages(page: int, tmp_path: Path) -> None:
    """A stream with a message in it, and files of the same name or a name that the page does not have."""
    inner = AttachmentContent(
        {tags.PidTagAttachMethod: 5, tags.PidTagDisplayName: "In"},
        MessageContent({tags.PidTagSubject: "In"}, (), (file_named("deep.bin", b"deep" * 50),)),
    )
    content = MessageContent(
        {tags.PidTagMessageClass: "IPM.Note", tags.PidTagMessageCodepage: page, tags.PidTagBody: "L\xf6we \u65e5"},
        (),
        (file_named("a.txt", b"one"), file_named("a.txt", b"two"), file_named("\u65e5\xf6.bin", b"three"), inner),
    )
    assert_has_files(unpacked(write_tnef(content, page=page), tmp_path), content)
