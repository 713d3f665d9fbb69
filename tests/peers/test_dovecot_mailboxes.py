"""Extended LIST and STATUS as Dovecot answers them ([RFC5258] 3, 3.1, 3.2, 3.5, [RFC5819] 2)."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.gateway.imap.harness import Server
from tests.peers.compare_dovecot import dovecot

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("dovecot") is None, reason="dovecot is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="dovecot must be started by root"),
]

SETUP = (
    *(f"CREATE {name}" for name in ("Fruit", "Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable", "Vegetable/Corn")),
    *(f"CREATE {name}" for name in ("Fruit/Peach", "No", "No/way")),
    *(
        f"SUBSCRIBE {name}"
        for name in ("INBOX", "Fruit/Banana", "Fruit/Peach", "No/way", "Vegetable", "Vegetable/Corn")
    ),
    # Dovecot takes no subscription to what was never there.
    *(f"DELETE {name}" for name in ("Fruit/Peach", "No/way", "No")),
)
LISTS = (
    'LIST () "" "Fruit*"',
    'LIST "" ("Fruit/%" "Tofu" "Veg*")',
    'LIST "" (Fruit/% Fruit/A* Tofu Nothing)',
    'LIST (SUBSCRIBED) "" "*"',
    'LIST (SUBSCRIBED) "" "%"',
    'LIST (SUBSCRIBED) "" "Fruit/%"',
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"',
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" "*"',
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" "Fruit*"',
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" "V%"',
    'LIST (REMOTE SUBSCRIBED) "" "V*"',
    'LIST () "" "Fruit*" RETURN (SUBSCRIBED)',
    'LIST () "" "V*" RETURN (SUBSCRIBED CHILDREN)',
    'LIST (SUBSCRIBED) "" "V*" RETURN (CHILDREN)',
    'LIST "" "Fruit*" RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))',
    'LIST Fruit/ "%" RETURN (CHILDREN)',
    'LIST () "" ""',
    'LIST (RECURSIVEMATCH) "" "*"',
    'LIST (NONSENSE) "" "*"',
    'LIST "" "*" RETURN (NONSENSE)',
)
_KNOWN = {"\\nonexistent", "\\subscribed", "\\haschildren", "\\hasnochildren"}


def read(lines: list[bytes], command: str) -> tuple[str, dict[str, tuple[object, ...]]]:
    """How the command ended, and by name the attributes that matter, extended data and status.

    A client takes children for granted where it did not ask: those attributes count where RETURN names CHILDREN.
    """
    known = _KNOWN if "CHILDREN" in command else _KNOWN - {"\\haschildren", "\\hasnochildren"}
    found: dict[str, tuple[object, ...]] = {}
    for line in lines[:-1]:
        if match := re.fullmatch(rb'\* LIST \((.*?)\) "." ("[^"]*"|\S+)(?: (\(.*\)))?', line):
            name = match[2].decode().strip('"').replace(".", "/")
            attributes = frozenset(match[1].decode().lower().split()) & known
            extended = (match[3] or b"").decode().upper().replace('"', "")
            found[name] = (attributes, extended)
        elif match := re.fullmatch(rb'\* STATUS ("[^"]*"|\S+) \((.*)\)', line):
            name = match[1].decode().strip('"').replace(".", "/")
            found[name] += (frozenset(re.findall(rb"\S+ \d+", match[2])),)
    return lines[-1].split()[0].decode(), found


class Dovecot:
    """A connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 10)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self.delimiter = "/"

    def __call__(self, command: str) -> list[bytes]:
        """Send a command, its names with Dovecot's delimiter; give its lines, the last without its tag."""
        self._socket.sendall(b"t " + command.replace("/", self.delimiter).encode() + b"\r\n")
        lines: list[bytes] = []
        while not lines or not lines[-1].startswith(b"t "):
            lines.append(self._file.readline().rstrip(b"\r\n"))
            assert lines[-1] or lines[:-1], "the connection is gone"
        return [*lines[:-1], lines[-1][2:]]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture(scope="module")
def theirs() -> Iterator[Dovecot]:
    with dovecot() as port, closing(Dovecot(port)) as made:
        assert made("LOGIN mailboxes password")[-1].startswith(b"OK")
        (line, _) = made('LIST "" ""')
        made.delimiter = line.split()[3].decode().strip('"')
        for command in SETUP:
            made(command)
        yield made


async def test_lists_are_the_same(theirs: Dovecot, tmp_path: Path) -> None:
    server = Server(tmp_path)
    try:
        client = await server.client(None)
        for command in SETUP:
            await client.ok(command)
        different = {}
        for command in LISTS:
            mine, other = read(await client(command), command), read(theirs(command), command)
            if mine != other:
                different[command] = mine, other
        assert different == {}
    finally:
        await server.close()
