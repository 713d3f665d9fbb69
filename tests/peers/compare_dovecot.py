"""Ask Dovecot and oxgate for ENVELOPE, BODYSTRUCTURE, BODY and RFC822.SIZE of the same messages, and list differences.

    python -m tests.peers.compare_dovecot [--examples N] [--kind KIND] [FILE ...]

Starts a Dovecot of its own on loopback in a temporary folder. Needs root, as Dovecot does for changing users.
Without files it takes the corpora. `docs/quirks.md` explains the differences that remain.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from conversion.mime.bodystructure import bodystructure
from conversion.mime.envelope import envelope
from conversion.mime.headers import normalise_newlines
from conversion.mime.structure import scan
from tests.support import corpora
from tests.support.imap_grammar import ENVELOPE, Grammar, GrammarError, read_body, read_envelope

_CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
instance_name = oxgate-compare
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_uid = {uid}
mail_gid = {uid}
first_valid_uid = {uid}
first_valid_gid = {uid}
default_vsz_limit = 0
mail_location = maildir:{dir}/mail/%u
passdb {{
  driver = static
  args = password=password
}}
userdb {{
  driver = static
  args = uid={uid} gid={uid} home={dir}/mail/%u
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""
_UID = 5000
_LITERAL_END = re.compile(rb"\{(\d+)\}\r\n\Z")


@contextmanager
def dovecot() -> Iterator[int]:
    """Run a Dovecot of its own and yield its IMAP port."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-dovecot-"))
    folder.chmod(0o755)
    (folder / "mail").mkdir()
    os.chown(folder / "mail", _UID, _UID)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = folder / "dovecot.conf"
    conf.write_text(_CONF.format(dir=folder, uid=_UID, port=port))
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(["dovecot", "-F", "-c", str(conf)], stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError((folder / "out").read_text()) from None
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


class Client:
    """As little IMAP as the comparison needs, with the responses as octets."""

    def __init__(self, port: int, user: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.tag = 0
        self.command(f"LOGIN {user} password".encode())

    def close(self) -> None:
        """End the connection."""
        self.file.close()
        self.socket.close()

    def command(self, line: bytes, literal: bytes | None = None) -> list[bytes]:
        """Send a command and return its untagged responses, literals included; RuntimeError unless OK."""
        self.tag += 1
        tag = b"t%d" % self.tag
        if literal is not None:
            line += b" {%d+}" % len(literal)
        self.socket.sendall(tag + b" " + line + b"\r\n" + (b"" if literal is None else literal + b"\r\n"))
        responses = []
        while True:
            response = self.file.readline()
            while match := _LITERAL_END.search(response):
                response += self.file.read(int(match[1])) + self.file.readline()
            if not response:
                raise RuntimeError("connection closed")
            if response.startswith(tag + b" "):
                if not response.startswith(tag + b" OK"):
                    raise RuntimeError(response.decode("latin-1"))
                return responses
            responses.append(response)


def read_fetch(response: bytes) -> tuple[int, dict[str, Any]]:
    """Read one FETCH response with the four items: the sequence number and the values."""
    head = re.match(rb"\* (\d+) FETCH \(", response)
    assert head is not None, response
    reader = Grammar(response, head.end())
    found: dict[str, Any] = {}
    while True:
        item = re.compile(rb"[A-Z0-9.]+").match(response, reader.at)
        assert item is not None, response[reader.at :]
        reader.at = item.end()
        reader.space()
        name = item[0].decode("ascii")
        if name == "ENVELOPE":
            found[name] = reader.envelope()
        elif name == "RFC822.SIZE":
            found[name] = reader.number()
        else:
            found[name] = reader.body(name == "BODYSTRUCTURE")
        if reader.peek(b")"):
            return int(head[1]), found
        reader.space()


def ours(raw: bytes) -> dict[str, Any]:
    """The four items as oxgate gives them."""
    structure = scan(raw)
    return {
        "ENVELOPE": read_envelope(envelope(raw, structure)),
        "BODYSTRUCTURE": read_body(bodystructure(raw, structure, extended=True), extended=True),
        "BODY": read_body(bodystructure(raw, structure, extended=False), extended=False),
        "RFC822.SIZE": len(raw),
    }


Difference = tuple[str, Any, Any]


def compare(mine: dict[str, Any], theirs: dict[str, Any]) -> list[Difference]:
    """List the differences by kind: what, ours, theirs. Below a difference in structure nothing more is compared."""
    out = list(_envelopes("ENVELOPE", mine["ENVELOPE"], theirs["ENVELOPE"]))
    out += _bodies("BODYSTRUCTURE", mine["BODYSTRUCTURE"], theirs["BODYSTRUCTURE"])
    if not out:
        out += _bodies("BODY", mine["BODY"], theirs["BODY"])
    if mine["RFC822.SIZE"] != theirs["RFC822.SIZE"]:
        out.append(("RFC822.SIZE", mine["RFC822.SIZE"], theirs["RFC822.SIZE"]))
    return out


def _envelopes(where: str, mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    for name in ENVELOPE:
        if mine[name] != theirs[name]:
            yield f"{where}.{name}", mine[name], theirs[name]


def _bodies(where: str, mine: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    if ("children" in mine) != ("children" in theirs) or ("message" in mine) != ("message" in theirs):
        yield f"{where}.kind", mine, theirs
        return
    if "children" in mine and len(mine["children"]) != len(theirs["children"]):
        yield f"{where}.children", len(mine["children"]), len(theirs["children"])
        return
    for name in sorted(mine.keys() | theirs.keys()):
        one, other = mine.get(name), theirs.get(name)
        if name == "children":
            for first, second in zip(one, other, strict=True):
                yield from _bodies(where, first, second)
        elif name == "message":
            yield from _bodies(where, one, other)
        elif name == "envelope":
            yield from _envelopes("ENVELOPE", one, other)
        elif one != other:
            yield f"{where}.{name}", one, other


def ask(
    port: int, messages: Iterable[tuple[str, bytes]], *, user: str = "tester"
) -> Iterator[tuple[str, list[Difference]]]:
    """Put every message into the Inbox of `user` at Dovecot, fetch the items, and yield each message's differences."""
    with closing(Client(port, user)) as client:
        yield from _ask(client, messages)


def _ask(client: Client, messages: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, list[Difference]]]:
    names: list[tuple[str, bytes]] = []
    for name, data in messages:
        raw = normalise_newlines(data)
        if not raw:
            continue
        client.command(b"APPEND INBOX", raw)
        names.append((name, raw))
    client.command(b"SELECT INBOX")
    for index, (name, raw) in enumerate(names, 1):
        try:
            responses = client.command(b"FETCH %d (ENVELOPE BODYSTRUCTURE BODY RFC822.SIZE)" % index)
        except RuntimeError as error:
            yield name, [("refused by Dovecot", "", str(error))]
            continue
        response = next(line for line in responses if b" FETCH (" in line[:40])
        try:
            _, theirs = read_fetch(response)
        except (GrammarError, AssertionError) as error:
            yield name, [("Dovecot's answer is not the grammar's", "", str(error))]
            continue
        yield name, compare(ours(raw), theirs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--examples", type=int, default=2, help="examples to print of each kind")
    parser.add_argument("--kind", default="", help="print examples of the kinds that contain this text only")
    arguments = parser.parse_args()
    chosen = [(str(path), path.read_bytes()) for path in arguments.files] or list(corpora.messages())
    kinds: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    different = total = 0
    with dovecot() as port:
        for name, differences in ask(port, chosen):
            total += 1
            different += bool(differences)
            for kind, mine, theirs in differences:
                kinds[kind] += 1
                if arguments.kind in kind and len(examples.setdefault(kind, [])) < arguments.examples:
                    examples[kind].append(f"{name}\n      oxgate  {mine!r:.600}\n      dovecot {theirs!r:.600}")
    print(f"{total} messages, {different} differ")
    for kind, count in kinds.most_common():
        print(f"{count:6}  {kind}")
        for example in examples.get(kind, []):
            print(f"      {example}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
