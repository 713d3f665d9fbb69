"""Every file of the corpora, from its format into every other: something comes out, or a ConversionError."""

from __future__ import annotations

import os
import tracemalloc
from base64 import encodebytes
from collections import Counter
from pathlib import Path
from time import process_time

import pytest

from conversion.errors import ConversionError
from conversion.formats import Format, read, recognise, write_all
from conversion.receipt import Receipt

CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
FOLDERS = ("mime", "dsn", "tnef", "msg", "rtf", "ical", "vcard")


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_converts_or_is_refused(folder: str) -> None:
    """Nothing but a ConversionError leaves a converter, and what one has written another reads."""
    done: Counter[Format] = Counter()
    for path in sorted((CORPORA / folder).rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        form = recognise(path.name, data)
        if form is None:
            continue
        try:
            loaded = read(data, form, receipt=Receipt())
        except ConversionError:
            continue
        done[form] += 1
        for target in Format:
            try:
                written = write_all(loaded, target, receipt=Receipt())
            except ConversionError:
                continue
            if loaded.contents and target not in (Format.HTML, Format.TXT):
                assert read(written[0], target).contents, (path, target)
    assert done.total() > 10


LARGE = 10 * 1024 * 1024
ROOM = 64 * 1024 * 1024
"""Octets of memory that a conversion may take beyond those that it is given and gives."""


def large() -> bytes:
    """A message of 10 MB, with a large body and a large attachment."""
    text = b"A line of text that is neither long nor short, and comes again and again.\r\n" * 40_000
    data = encodebytes(os.urandom((LARGE - len(text)) * 57 // 78)).replace(b"\n", b"\r\n")
    return (
        b"From: a@x.test\r\nTo: b@x.test\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + text + b"--b\r\n"
        b"Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=a.bin\r\n\r\n" + data + b"--b--\r\n"
    )


def test_a_large_message_is_converted_in_little_memory() -> None:
    """10 MB take no more than 64 MB beside them, and no more CPU than a constant times their length."""
    raw = large()
    begin = process_time()
    loaded = read(raw, Format.EML)
    print(f"read: {process_time() - begin:.3f} s CPU")
    assert process_time() - begin < 20  # two are aimed at; with quadratic work it would be hours
    assert len(loaded.contents[0].attachments) == 1
    for target in (Format.EML, Format.TXT):
        tracemalloc.start()
        try:
            begin = process_time()
            (written,) = write_all(read(raw, Format.EML), target)
            took, (_, peak) = process_time() - begin, tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        print(f"to {target.value}: {took:.3f} s CPU, {peak / 1e6:.1f} MB")
        assert peak < len(raw) + len(written) + ROOM
        assert took < 20
