"""`oxgate import` takes real-world messages in, and IMAP gives each back byte for byte."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from tests.peers.server import DOMAIN, PeerServer

CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")


def crlf(raw: bytes) -> bytes:
    """The message with CRLF line ends, as the wire carries it ([RFC5322] 2.3)."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", raw)


def messages() -> list[Path]:
    """Every message file of the corpora."""
    found = [p for p in CORPORA.glob("mime/**/*") if p.suffix in {".eml", ".msg"}]
    found += CORPORA.glob("mime/cpython/**/msg_*.txt")
    found += CORPORA.glob("dsn/**/*.eml")
    return sorted(p for p in found if p.is_file() and p.stat().st_size)


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")
@pytest.mark.timeout(600)
def test_import_and_fetch_back(server: PeerServer, user: str, tmp_path: Path) -> None:
    files = messages()
    assert len(files) > 800
    for number, path in enumerate(files):
        shutil.copyfile(path, tmp_path / f"{number:05}.eml")
    server.oxgate("import", f"{user}@{DOMAIN}", str(tmp_path))
    client = server.imap_login(user)
    count = int(client.select("INBOX", readonly=True)[1][0] or b"0")
    assert count == len(files)
    want = Counter(sha256(crlf(path.read_bytes())).digest() for path in files)
    got: Counter[bytes] = Counter()
    for first in range(1, count + 1, 50):
        kind, parts = client.fetch(f"{first}:{min(first + 49, count)}", "(RFC822.SIZE BODY.PEEK[])")
        assert kind == "OK"
        for part in parts:
            if isinstance(part, tuple):
                size = re.search(rb"RFC822.SIZE (\d+)", part[0])
                assert size is not None
                assert int(size[1]) == len(part[1])
                got[sha256(part[1]).digest()] += 1
    assert got == want
    assert client.fetch("1:*", "(ENVELOPE BODYSTRUCTURE BODY)")[0] == "OK"
    client.logout()
