"""`oxgate import` takes real-world messages in, and IMAP gives each back byte for byte.

So to a client that has enabled UTF8=ACCEPT; one that has not gets a surrogate of the few with addresses beyond ASCII.
"""

from __future__ import annotations

import imaplib
import os
import re
import shutil
from collections import Counter
from email.parser import BytesHeaderParser
from email.utils import getaddresses
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
    want = Counter(map(octets, files))
    plain = want - Counter(octets(path) for path in files if is_international(octets(path)))
    assert 0 < want.total() - plain.total() < 10
    client = server.imap_login(user)
    assert not plain - fetched(client, len(files))
    assert client.fetch("1:*", "(ENVELOPE BODYSTRUCTURE BODY)")[0] == "OK"
    client.logout()
    client = server.imap_login(user)
    client.enable("UTF8=ACCEPT")
    assert fetched(client, len(files)) == want
    client.logout()


def octets(path: Path) -> bytes:
    return crlf(path.read_bytes())


def is_international(raw: bytes) -> bool:
    """Whether an address is not ASCII, by the standard library: clients without UTF-8 get a surrogate ([RFC6855] 7)."""
    fields = [
        value.encode("ascii", "surrogateescape").decode("utf-8", "replace")
        for name, value in BytesHeaderParser().parsebytes(raw).raw_items()
        if name.lower() in {"from", "sender", "reply-to", "to", "cc", "bcc"}
    ]
    return any("@" in address and not address.isascii() for _, address in getaddresses(fields))


def fetched(client: imaplib.IMAP4, count: int) -> Counter[bytes]:
    """Every message of the Inbox as a client gets it, and where it is not a surrogate of the size that it is told."""
    assert int(client.select("INBOX", readonly=True)[1][0] or b"0") == count
    got: Counter[bytes] = Counter()
    for first in range(1, count + 1, 50):
        kind, parts = client.fetch(f"{first}:{min(first + 49, count)}", "(RFC822.SIZE BODY.PEEK[])")
        assert kind == "OK"
        for part in parts:
            if isinstance(part, tuple):
                size = re.search(rb"RFC822.SIZE (\d+)", part[0])
                assert size is not None
                assert int(size[1]) == len(part[1]) or b"invalid@internationalized-address.invalid" in part[1]
                got[part[1]] += 1
    return got
