"""Debian's `tnef` takes the attachments and bodies out of streams that we write."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.tnef")) or ["none"])
def test_samples(name: str, tmp_path: Path) -> None:
    """Of a real program's stream and of ours made from it the same files come out."""
    path = SAMPLES / f"{name}.tnef"
    if not path.exists():
        pytest.skip(f"no corpora in {SAMPLES} (set OXGATE_CORPORA)")
    if name in ("garbage-at-end", "panic"):
        pytest.skip("tnef refuses the sample itself: there is garbage behind its last attribute")
    original, ours = tmp_path / "original", tmp_path / "ours"
    original.mkdir()
    ours.mkdir()
    data = path.read_bytes()
    content = read_tnef(data)
    theirs = unpacked(data, original)
    again = unpacked(write_tnef(content, recipients=True), ours)
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
