"""BINARY, MULTIAPPEND, CATENATE, PREVIEW and SAVEDATE as Dovecot 2.3 answers them.

[RFC3516] 4.2 to 4.4, [RFC3502] 6.3.11, [RFC4469] 3, 4.1, [RFC8970] 3.2, [RFC8514] 4.2
"""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.gateway.imap.harness import Client, Server
from tests.peers.compare_dovecot import dovecot

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("dovecot") is None, reason="dovecot is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="dovecot must be started by root"),
]

PARTS = (
    b"MIME-Version: 1.0\r\nSubject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29y\r\nbGQ=\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3Db  \r\nc=\r\nd\r\n"
    b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n"
    b"--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text\r\n--b--\r\nepilogue\r\n"
)
HTML = (
    b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<html><head><style>p {}</style></head>"
    b"<body><p>Hello <b>you</b> &amp; me</p></body></html>\r\n"
)
QUOTED = b"Subject: q\r\n\r\n> old words\r\n> more of them\r\n\r\nNew words\r\n"
PLAIN = b"Subject: p\r\n\r\n  Some   text\r\nin two lines\r\n"
BINARY = (
    b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"a\0b\xff\r\n"
)


def literal(data: bytes, eight: bytes = b"") -> bytes:
    return eight + b"{%d+}\r\n%b" % (len(data), data)


SETUP = (
    b"APPEND INBOX (\\Seen) " + literal(PARTS) + b" " + literal(HTML) + b" (\\Flagged) " + literal(QUOTED),
    b"APPEND INBOX " + literal(PLAIN),
    b"APPEND INBOX " + literal(BINARY, b"~"),
    b"APPEND INBOX CATENATE (URL /INBOX/;UID=1/;SECTION=HEADER TEXT "
    + literal(b"text")
    + b" URL /INBOX/;UID=1/;SECTION=1)",
    b"APPEND INBOX CATENATE (URL /INBOX/;UID=4/;PARTIAL=0.12 TEXT " + literal(b"x\r\n") + b")",
    b"APPEND INBOX " + literal(PLAIN) + b" " + literal(b""),
    b"APPEND INBOX CATENATE (TEXT " + literal(PLAIN) + b" URL /INBOX/;UID=999)",
    b"APPEND Missing CATENATE (TEXT " + literal(PLAIN) + b")",
    b"APPEND Missing " + literal(PLAIN) + b" " + literal(PLAIN),
    b"SELECT INBOX",
)
FETCHES = (
    "FETCH 1:* (UID FLAGS)",
    "FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[3])",
    "FETCH 1 (BINARY.PEEK[1] BINARY.PEEK[2])",
    "FETCH 1 BINARY.PEEK[3]",
    "FETCH 1 BINARY.PEEK[4]",
    "FETCH 1 BINARY.PEEK[5]",
    "FETCH 1 BINARY.PEEK[5.1]",
    "FETCH 1 BINARY.PEEK[1]<3.4>",
    "FETCH 1 BINARY.PEEK[3]<1.1>",
    "FETCH 2 (BINARY.PEEK[] BINARY.SIZE[])",
    "FETCH 5 (BODYSTRUCTURE BODY.PEEK[1] BINARY.PEEK[1] BINARY.SIZE[1])",
    "FETCH 6:* BODY.PEEK[]",
    "FETCH 1 (PREVIEW (FUZZY))",
    "FETCH 2 (PREVIEW (FUZZY))",
    "FETCH 4 (PREVIEW (FUZZY))",
)
DIFFERENT = {
    "FETCH 1 (BINARY.SIZE[1] BINARY.SIZE[2] BINARY.SIZE[3])": "Dovecot sizes all parts, and fails for part 4",
    "FETCH 1 BINARY.PEEK[4]": "Dovecot fails with NO [UNKNOWN-CTE] as well, and sends no FETCH response",
    "FETCH 5 (BODYSTRUCTURE BODY.PEEK[1] BINARY.PEEK[1] BINARY.SIZE[1])": "base64 ends with a line end here",
}
"""What is answered otherwise, and why."""


class Dovecot:
    """A connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._file = self._socket.makefile("rb")
        self._file.readline()

    def __call__(self, command: bytes) -> list[bytes]:
        """Send a command; give its lines, the last without its tag."""
        self._socket.sendall(b"t " + command + b"\r\n")
        lines: list[bytes] = []
        while not lines or not lines[-1].startswith(b"t "):
            line = self._file.readline()
            while match := re.search(rb"\{(\d+)\}\r\n\Z", line):
                line += self._file.read(int(match[1])) + self._file.readline()
            assert line, "the connection is gone"
            lines.append(line[:-2])
        return [*lines[:-1], lines[-1][2:]]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture(scope="module")
def theirs() -> Iterator[tuple[Dovecot, list[str]]]:
    with dovecot() as port, closing(Dovecot(port)) as made:
        assert made(b"LOGIN messages password")[-1].startswith(b"OK")
        yield made, [outcome(made(command)) for command in SETUP]


def outcome(lines: list[bytes]) -> str:
    """How a command ended: OK or NO, and the code that tells why, without its numbers."""
    match = re.match(rb"(\w+)(?: \[([A-Z-]+)[^\]]*\])?", lines[-1])
    assert match is not None
    code = (match[2] or b"").decode()
    return f"{match[1].decode()} {code if code in ('APPENDUID', 'BADURL', 'TRYCREATE', 'UNKNOWN-CTE') else ''}".strip()


def values(lines: list[bytes]) -> list[bytes]:
    """FETCH responses, strings in one form, flags without \\Recent and words in lower case."""
    found = []
    for line in lines[:-1]:
        if b" FETCH (" in line:
            if b"\0" not in line:
                line = line.replace(b"~{", b"{")  # which is better where there is no NUL ([RFC3516] 4.3)
            line = re.sub(rb"(~?)\{\d+\}\r\n", rb"\1|", line).replace(b"\\Recent ", b"").replace(b" \\Recent", b"")
            line = line.replace(b"\\Recent", b"").replace(b'""', b"|").replace(b'"', b"|")
            found.append(line.replace(b"|)", b")").lower())
    return found


async def ours(server: Server) -> tuple[Client, list[str]]:
    client = await server.client(None)
    return client, [outcome(await client(command)) for command in SETUP]


async def test_appends_end_alike(theirs: tuple[Dovecot, list[str]], server: Server) -> None:
    _, done = await ours(server)
    assert done == theirs[1]


@pytest.mark.parametrize("command", FETCHES)
async def test_fetches(theirs: tuple[Dovecot, list[str]], server: Server, command: str) -> None:
    client, _ = await ours(server)
    mine, other = await client(command), theirs[0](command.encode())
    if command not in DIFFERENT:
        assert outcome(mine) == outcome(other)
        assert values(mine) == values(other)


async def test_save_date(theirs: tuple[Dovecot, list[str]], server: Server) -> None:
    """The same form; of a copy it is when it was copied, as of what was appended with an old date."""
    client, _ = await ours(server)
    form = rb'\* \d+ FETCH \(SAVEDATE "[ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}"\)'
    for ask in (client, None):
        lines = await client("FETCH 1 SAVEDATE") if ask else theirs[0](b"FETCH 1 SAVEDATE")
        assert re.fullmatch(form, lines[0]), lines


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    yield made
    await made.close()
