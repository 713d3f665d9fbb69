"""In whose name a signed-in user sends: reverse-path, From, Sender."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from directory.credentials import Hasher
from directory.model import GrantKind, Principal, PrincipalKind
from directory.sql import SqlDirectory
from gateway.runtime.worker import StoreRunner
from gateway.services.reading import MailReader
from gateway.services.submission import SubmissionPolicy
from store.store import Store, StoreSettings
from tests.support.prepared import lay_out


def open_directory(path: Path) -> SqlDirectory:
    return SqlDirectory(path / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))


def furnish(path: Path) -> None:
    """Make the directory of an Office."""
    directory = open_directory(path)
    addresses = ("alice@example.test", "boss@example.test", "bob@example.test")
    alice, boss, _ = (directory.add_user(one, password="x", aliases=[f"the.{one}"]) for one in addresses)
    sales = directory.add(PrincipalKind.SHARED, "sales@example.test")
    directory.grant(GrantKind.SEND_AS, sales.id, alice.id)
    directory.grant(GrantKind.SEND_ON_BEHALF, boss.id, alice.id)
    directory.close()


class Office:
    """Alice may send as Sales, and on behalf of Boss."""

    def __init__(self, path: Path) -> None:
        lay_out(path, furnish)
        self.directory = open_directory(path)
        self.alice, self.boss, self.bob, self.sales = map(self.entry, ("alice", "boss", "bob", "sales"))
        self.store = Store(StoreSettings(path, durable=False), reader=MailReader())
        self.runner = StoreRunner(inline=True, group=self.store.group)
        self.policy = SubmissionPolicy(provider=self.directory, runner=self.runner)

    def entry(self, name: str) -> Principal:
        found = self.directory.by_address(f"{name}@example.test")
        assert found is not None
        return found


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made = Office(tmp_path)
    yield made
    await made.runner.close()
    made.store.close()
    made.directory.close()


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("", True),
        ("alice@example.test", True),
        ("THE.Alice@Example.test", True),
        ("sales@example.test", True),
        ("boss@example.test", True),
        ("bob@example.test", False),
        ("alice@elsewhere.test", False),
    ],
)
async def test_the_reverse_path(office: Office, path: str, allowed: bool) -> None:
    assert await office.policy.may_send(office.alice, path) is allowed


ADDED = b"Sender: <alice@example.test>\r\n"


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        (b"From: alice@example.test", b""),
        (b'From: "Boss <boss@example.test>" <the.alice@example.test>', b""),
        (b"FROM : Alice\r\n <ALICE@example.test>", b""),
        (b"Subject: nobody says who", b"From: <alice@example.test>\r\n"),
        (b"Sender: sales@example.test", b"From: <alice@example.test>\r\n"),
        (b"From: <@relay.test:alice@example.test>", b""),
        (b'From: "x> y" <alice@example.test> (home (and > away)), Sales <sales@example.test>', b""),
        (b"From: Team: alice@example.test, sales@example.test;", b""),
        (b"From: alice@example.test\r\nResent-From: the.alice@example.test", b""),
        (b"From: sales@example.test", b""),
        (b"From: Boss <boss@example.test>", ADDED),
        (b"From: boss@example.test, alice@example.test", ADDED),
        (b"From: boss@example.test\r\nSender: the.alice@example.test", b""),
        (b"From: boss@example.test\r\nSender: sales@example.test", b""),
        (b"From: boss@example.test\r\nSender: boss@example.test", None),
        (b"From: alice@example.test\r\nSender: boss@example.test", None),
        (b"From: alice@example.test\r\nSender: bob@example.test", None),
        (b"From: bob@example.test", None),
        (b"From: bob@example.test\r\nSender: alice@example.test", None),
        (b"From: someone@elsewhere.test", None),
        (b"From: alice@example.test, bob@example.test", None),
        # what another reader might take for the author
        (b"From: alice@example.test\r\nFrom: bob@example.test", None),
        (b"From: alice@example.test\r\nfrOM\t: bob@example.test", None),
        (b"not a field\r\nFrom: bob@example.test", None),
        (b"Subject: x\nFrom: bob@example.test", None),
        (b"Subject: x\rFrom: bob@example.test", None),
        (b"From: alice@example.test\r\n\tbob@example.test", None),
        (b"Subject: x\r\r\nFrom: bob@example.test", None),
        (b"From: Team: boss@example.test, bob@example.test;", None),
        (b"From: <@relay.test:bob@example.test>", None),
        (b"From: bob (and alice@example.test) @ example.test", None),
        (b'From: "bob"@example.test', None),
        (b"From: alice@example.test\r\nResent-From: bob@example.test", None),
        (b"From: alice@example.test\r\nResent-Sender: boss@example.test", None),
        (b"From: <alice@example.test> <bob@example.test>", None),
        (b"From: <alice@example.test>bob@example.test", None),
        (b"From: <alice@example.test>\r\n bob@example.test", None),
        (b"From: " + b",".join([b"alice@example.test"] * 50_001), None),
        (b" , bob@example.test", None),
        (b"\t<bob@example.test>\r\nFrom: boss@example.test", None),
        # nobody can be read there
        (b"From: =?utf-8?q?alice=40example.test?=", None),
        (b"From: Boss", None),
        (b"From: <>", None),
        (b"From:", None),
        (b"From: undisclosed:;", None),
        (b"From: alice@example.test\r\nSender:", None),
    ],
)
async def test_from_and_sender(office: Office, header: bytes, answer: bytes | None) -> None:
    """[RFC6409] 6.1, [RFC5322] 3.6.2."""
    for raw in (header + b"\r\n\r\nFrom: bob@example.test\r\n", header + b"\r\nTo: x@example.test\r\n\r\n"):
        assert await office.policy.missing_fields(office.alice, raw) == answer


@pytest.mark.parametrize("raw", [b"\r\nFrom: bob@example.test\r\n", b"\nFrom: bob@example.test\r\n", b""])
async def test_what_is_no_header_is_not_looked_at(office: Office, raw: bytes) -> None:
    assert await office.policy.missing_fields(office.alice, raw) == b"From: <alice@example.test>\r\n"
