"""Login names, sign-in, delegates, refusals, the audit log."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from directory.credentials import Hasher
from directory.errors import DirectoryUnavailable
from directory.model import GrantKind, Principal, PrincipalKind
from directory.sql import SqlDirectory
from gateway.sasl.mechanism import PasswordAttempt
from gateway.services.logon import (
    LoginName,
    Logon,
    LogonPolicy,
    LogonRefused,
    LogonService,
    PeerInfo,
    RefusalKind,
    parse_login,
)
from tests.support.prepared import lay_out

PEER = PeerInfo("imap", "192.0.2.7", tls=True, connection=12)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # The four forms of [MS-OXIMAP4] 2.2.2 ...
        ("EXAMPLE/bob/sales", LoginName("bob", "EXAMPLE", "sales")),
        ("EXAMPLE/bob/sales@example.test", LoginName("bob", "EXAMPLE", "sales@example.test")),
        ("bob@example.test/sales", LoginName("bob@example.test", None, "sales")),
        ("bob@example.test/sales@example.test", LoginName("bob@example.test", None, "sales@example.test")),
        # ... their everyday spelling with a backslash, and both mixed
        ("EXAMPLE\\bob\\sales", LoginName("bob", "EXAMPLE", "sales")),
        ("EXAMPLE\\bob/sales", LoginName("bob", "EXAMPLE", "sales")),
        ("bob@example.test\\sales", LoginName("bob@example.test", None, "sales")),
        # without a delegate
        ("bob", LoginName("bob")),
        ("bob@example.test", LoginName("bob@example.test")),
        ("EXAMPLE\\bob", LoginName("bob", "EXAMPLE")),
        ("example.test/bob", LoginName("bob", "example.test")),
        ("EXAMPLE\\bob@example.test", LoginName("bob@example.test", "EXAMPLE")),
        # `/` is legal in an alias
        ("EXAMPLE/b/o/b/sales", LoginName("b/o/b", "EXAMPLE", "sales")),
        # odd, and never an exception
        ("", LoginName("")),
        ("/", LoginName("", "")),
        ("//", LoginName("", "", "")),
        ("bob ", LoginName("bob ")),
    ],
)
def test_parse_login(text: str, name: LoginName) -> None:
    """[MS-OXIMAP4] 2.2.2, [MS-OXPOP3] 2.2.2: the part behind the last separator is the mailbox."""
    assert parse_login(text) == name


def open_directory(path: Path) -> SqlDirectory:
    return SqlDirectory(
        path / "directory.sqlite", domains=["example.test", "branch.test"], hasher=Hasher(memory=8, passes=1)
    )


def furnish(path: Path) -> None:
    """Make the directory of a Tenant."""
    directory = open_directory(path)
    add = directory.add_user
    add("alice@example.test", display_name="Alice", password="wonder", aliases=["al@example.test"])
    bob = add("bob@example.test", display_name="Bob", password="builder")
    add("carol@branch.test", display_name="Carol", password="singer")
    directory.set_enabled(add("dave@example.test", display_name="Dave", password="locked").id, False)
    sales = directory.add(PrincipalKind.SHARED, "sales@example.test", display_name="Sales")
    group = directory.add(PrincipalKind.GROUP, "staff@example.test", display_name="Staff")
    directory.add_member(group.id, bob.id)
    directory.grant(GrantKind.FULL_ACCESS, sales.id, group.id)
    directory.close()


class Tenant:
    """Two users, a shared mailbox, a group, a disabled user."""

    def __init__(self, path: Path) -> None:
        lay_out(path, furnish)
        self.directory = open_directory(path)
        self.alice, self.bob, self.dave = (self.entry(f"{name}@example.test") for name in ("alice", "bob", "dave"))
        self.carol = self.entry("carol@branch.test")
        self.sales, self.group = self.entry("sales@example.test"), self.entry("staff@example.test")

    def entry(self, address: str) -> Principal:
        found = self.directory.by_address(address)
        assert found is not None
        return found


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    made = Tenant(tmp_path)
    yield made
    made.directory.close()


@pytest.fixture(params=[True, False], ids=["inline", "threaded"])
def service(tenant: Tenant, request: pytest.FixtureRequest) -> Iterator[LogonService]:
    policy = LogonPolicy("example.test", "EXAMPLE", frozenset({"example.test", "branch.test"}), tarpit=0.0)
    made = LogonService(tenant.directory, policy, inline=request.param)
    yield made
    made.close()


async def sign_in(service: LogonService, login: str, password: str, authorization: str | None = None) -> Logon:
    return await service.authenticate(PasswordAttempt(login, password, authorization), PEER)


async def refusal(service: LogonService, login: str, password: str, authorization: str | None = None) -> RefusalKind:
    with pytest.raises(LogonRefused) as caught:
        await sign_in(service, login, password, authorization)
    return caught.value.kind


@pytest.mark.parametrize(
    "login",
    [
        "alice",
        "ALICE",
        "alice@example.test",
        "Alice@Example.Test",
        "al@example.test",
        "EXAMPLE\\alice",
        "example/alice",
        "example.test\\alice",
        ".\\alice",
        "EXAMPLE\\alice@example.test",
    ],
)
async def test_one_user_in_every_form(service: LogonService, tenant: Tenant, login: str) -> None:
    """[MS-OXIMAP4] 2.2.2: account or UPN, with or without the domain."""
    logon = await sign_in(service, login, "wonder")
    assert (logon.user, logon.owner) == (tenant.alice, tenant.alice)
    assert (logon.ref.id, logon.ref.guid) == (tenant.alice.mailbox_id, tenant.alice.guid)


async def test_second_time_is_inline(service: LogonService, tenant: Tenant) -> None:
    """A password that was right lately costs no hash and no thread."""
    await sign_in(service, "alice", "wonder")
    assert (await sign_in(service, "alice", "wonder")).user == tenant.alice
    tenant.directory.set_password(tenant.alice.id, "changed")
    assert await refusal(service, "alice", "wonder") is RefusalKind.BAD_CREDENTIALS


async def test_other_accepted_domain(service: LogonService, tenant: Tenant) -> None:
    assert (await sign_in(service, "branch.test\\carol", "singer")).user == tenant.carol
    assert (await sign_in(service, "carol@branch.test", "singer")).user == tenant.carol
    assert await refusal(service, "OTHER\\carol", "singer") is RefusalKind.BAD_CREDENTIALS


@pytest.mark.parametrize(
    ("login", "authorization"),
    [
        ("EXAMPLE/bob/sales", None),
        ("EXAMPLE/bob/sales@example.test", None),
        ("bob@example.test/sales", None),
        ("bob@example.test/sales@example.test", None),
        ("bob", "sales"),
        ("bob", "EXAMPLE\\sales"),
        ("bob", "sales@example.test"),
        ("EXAMPLE/bob/sales", "sales@example.test"),
    ],
)
async def test_delegate(service: LogonService, tenant: Tenant, login: str, authorization: str | None) -> None:
    """[MS-OXIMAP4] 2.2.2, [RFC4616] 2: Bob opens Sales, by a grant to his group."""
    logon = await sign_in(service, login, "builder", authorization)
    assert (logon.user, logon.owner) == (tenant.bob, tenant.sales)
    assert logon.ref.id == tenant.sales.mailbox_id


@pytest.mark.parametrize(
    ("login", "password", "authorization", "kind"),
    [
        ("alice", "wrong", None, RefusalKind.BAD_CREDENTIALS),
        ("alice", "", None, RefusalKind.BAD_CREDENTIALS),
        ("nobody", "wonder", None, RefusalKind.BAD_CREDENTIALS),
        ("", "wonder", None, RefusalKind.BAD_CREDENTIALS),
        ("sales", "x", None, RefusalKind.BAD_CREDENTIALS),
        ("staff", "x", None, RefusalKind.BAD_CREDENTIALS),
        ("alice\x00", "wonder", None, RefusalKind.BAD_CREDENTIALS),
        ("dave", "wrong", None, RefusalKind.BAD_CREDENTIALS),
        ("dave", "locked", None, RefusalKind.DISABLED),
        ("EXAMPLE/alice/sales", "wonder", None, RefusalKind.NOT_ALLOWED),
        ("EXAMPLE/alice/sales", "wrong", None, RefusalKind.BAD_CREDENTIALS),
        ("alice@example.test/bob", "wonder", None, RefusalKind.NOT_ALLOWED),
        ("alice@example.test/nobody", "wonder", None, RefusalKind.NOT_ALLOWED),
        ("EXAMPLE/bob/staff", "builder", None, RefusalKind.NOT_ALLOWED),
        ("EXAMPLE/bob/sales", "builder", "bob", RefusalKind.NOT_ALLOWED),
        ("bob", "builder", "EXAMPLE/x/sales", RefusalKind.NOT_ALLOWED),
    ],
)
async def test_refusals(
    service: LogonService, login: str, password: str, authorization: str | None, kind: RefusalKind
) -> None:
    """[MS-OXIMAP4] 3.2.5.2: a mailbox that may not be opened is told from a wrong password in the log alone."""
    assert await refusal(service, login, password, authorization) is kind


async def test_own_mailbox_may_be_named(service: LogonService, tenant: Tenant) -> None:
    assert (await sign_in(service, "EXAMPLE/alice/alice", "wonder")).owner == tenant.alice
    assert (await sign_in(service, "alice", "wonder", "alice@example.test")).owner == tenant.alice


async def test_failure_is_delayed_without_holding_up_others(tenant: Tenant) -> None:
    policy = LogonPolicy("example.test", "EXAMPLE", tarpit=3600.0)
    service = LogonService(tenant.directory, policy, inline=True)
    failing = asyncio.create_task(sign_in(service, "alice", "wrong"))
    assert (await asyncio.wait_for(sign_in(service, "alice", "wonder"), 10)).user == tenant.alice
    assert not failing.done()
    failing.cancel()
    service.close()


async def test_directory_that_is_gone(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(address: str) -> Principal | None:
        raise DirectoryUnavailable("database is locked")

    monkeypatch.setattr(tenant.directory, "by_address", gone)
    policy = LogonPolicy("example.test", "EXAMPLE", tarpit=3600.0)
    for inline in (True, False):
        service = LogonService(tenant.directory, policy, inline=inline)
        assert await asyncio.wait_for(refusal(service, "alice", "wonder"), 10) is RefusalKind.UNAVAILABLE
        service.close()


async def test_too_many_at_a_time(tenant: Tenant) -> None:
    policy = LogonPolicy("example.test", "EXAMPLE", tarpit=0.0, waiting=1)
    service = LogonService(tenant.directory, policy, inline=True)
    first = asyncio.create_task(sign_in(service, "alice", "wonder"))
    await asyncio.sleep(0)
    assert await refusal(service, "bob", "builder") is RefusalKind.TOO_MANY
    assert (await first).user == tenant.alice
    service.close()


async def test_audit_log(service: LogonService, caplog: pytest.LogCaptureFixture) -> None:
    """Both identities, the peer and the reason; no password; nothing that could forge a line."""
    caplog.set_level(logging.INFO, "oxgate.audit")
    await sign_in(service, "EXAMPLE/bob/sales", "builder")
    await refusal(service, "ali\r\nce logon", "s3cret", "x=y")
    good, bad = [record.getMessage() for record in caplog.records if record.name == "oxgate.audit"]
    assert good == (
        "logon protocol=imap peer=192.0.2.7 tls=yes mechanism=PLAIN login=EXAMPLE/bob/sales connection=12 "
        "user=bob@example.test mailbox=sales@example.test"
    )
    assert "kind=bad_credentials reason='unknown user'" in bad
    assert r"login='ali\r\nce logon'" in bad
    assert "s3cret" not in caplog.text
    assert "builder" not in caplog.text


@pytest.mark.parametrize("elapsed", [0.0, 0.0123, 0.0491, 0.0507, 0.2])
async def test_wait_is_a_multiple_of_the_delay(service: LogonService, elapsed: float) -> None:
    """A refusal is due at a multiple of the delay since the client's last word, however long the work has been.

    Were it `elapsed` plus whole milliseconds, as a timer of the loop makes it, its time would tell how long that was.
    """
    began = time.monotonic() - elapsed
    await service._wait_for(began, 0.05)
    assert time.monotonic() - began >= 0.05 * max(1, math.ceil(elapsed / 0.05))


async def test_no_delay_is_no_wait(service: LogonService) -> None:
    """A delay of nought, which settings allow, is not divided by."""
    await service._wait_for(time.monotonic() - 1.0, 0.0)
