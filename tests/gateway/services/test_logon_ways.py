"""The ways in which a sign-in is verified, in their order; rules, guard, ledger."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from directory.credentials import Hasher
from directory.errors import DirectoryUnavailable
from directory.model import GrantKind, Principal, PrincipalKind
from directory.sealing import make_key
from directory.signins import OK, REFUSED, DeviceKey, SignIn
from directory.sql import SqlDirectory
from gateway.sasl.mechanism import PasswordAttempt, ProvedAttempt
from gateway.sasl.peer import PeerInfo
from gateway.services.audit import Audit
from gateway.services.logon import Logon, LogonPolicy, LogonRefused, LogonService, RefusalKind
from tests.support.prepared import lay_out

PEER = PeerInfo("imap", "192.0.2.7", tls=True, connection=12, device="thing 1.0")
POLICY = LogonPolicy("example.test", "EXAMPLE", frozenset({"example.test"}), tarpit=0.0)


class CountingHasher(Hasher):
    """Counts the hashes, and notes on which threads they were made."""

    def __init__(self) -> None:
        super().__init__(memory=8, passes=1)
        self.threads: list[str] = []

    def verify(self, phc: str | None, password: str) -> bool:
        self.threads.append(threading.current_thread().name)
        return super().verify(phc, password)


class FakeUpstream:
    """Knows `elsewhere` for one account."""

    def __init__(self, known: Principal) -> None:
        self.known = known
        self.asked: list[tuple[str, str | None, str]] = []
        self.away = False
        self.fresh = True
        self.remembered: set[str] = set()

    def owns(self, principal: Principal) -> bool:
        return principal.id == self.known.id

    def remembers(self, principal: Principal, password: str) -> bool:
        return self.owns(principal) and password in self.remembered

    def verify(
        self, user: str, domain: str | None, password: str, *, known: Principal | None = None
    ) -> Principal | None:
        self.asked.append((user, domain, password))
        if self.away:
            raise DirectoryUnavailable("no server answers")
        return self.known if password == "elsewhere" else None

    def find(self, user: str, domain: str | None) -> Principal | None:
        return self.known if (user, domain) == ("ursula.there", "CORP") else None

    def introduce(self, user: str, domain: str | None) -> Principal | None:
        assert threading.current_thread().name.startswith("logon-ask")
        return self.known if user == "newcomer" else None

    def is_fresh(self, principal: Principal) -> bool:
        return not self.owns(principal) or self.fresh

    def current(self, principal: Principal) -> Principal:
        assert threading.current_thread().name.startswith("logon-ask")
        return dataclasses.replace(principal, enabled=False)


class FakeGuard:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.closed = False

    @asynccontextmanager
    async def admission(self, login: str, peer: PeerInfo) -> AsyncIterator[None]:
        if self.closed:
            raise LogonRefused(RefusalKind.TOO_MANY, "too many failures")
        self.told.append(("enter", login))
        try:
            yield
        finally:
            self.told.append(("leave", login))

    def failed(self, login: str, peer: PeerInfo) -> None:
        self.told.append(("failed", login))

    def succeeded(self, login: str, peer: PeerInfo) -> None:
        self.told.append(("succeeded", login))

    def delay(self, login: str, peer: PeerInfo) -> float:
        return 0.0


class FakeLedger:
    """Keeps the records."""

    def __init__(self) -> None:
        self.records: list[SignIn] = []
        self.names: list[tuple[DeviceKey, str]] = []

    def record(self, signin: SignIn) -> None:
        self.records.append(signin)

    def named(self, device: DeviceKey, name: str) -> None:
        self.names.append((device, name))


def furnish(path: Path) -> None:
    """Make the directory of a House, and the key of its secrets."""
    make_key(path / "keys" / "secrets.key")
    directory = SqlDirectory(path / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))
    alice = directory.add_user("alice@example.test", display_name="Alice", password="wonder")
    directory.add_user("bob@example.test", display_name="Bob", password="builder")
    sales = directory.add(PrincipalKind.SHARED, "sales@example.test", display_name="Sales")
    directory.grant(GrantKind.FULL_ACCESS, sales.id, alice.id)
    directory.add_user("ursula@example.test", display_name="Ursula", password="not asked for")
    directory.close()


class House:
    """A directory and a LogonService with fakes around it."""

    def __init__(self, path: Path, *, inline: bool) -> None:
        lay_out(path, furnish)
        self.hasher = CountingHasher()
        self.directory = SqlDirectory(path / "directory.sqlite", domains=["example.test"], hasher=self.hasher)
        self.alice, self.bob, self.sales, self.ursula = map(self.entry, ("alice", "bob", "sales", "ursula"))
        self.upstream = FakeUpstream(self.ursula)
        self.guard = FakeGuard()
        self.ledger = FakeLedger()
        self.service = LogonService(
            self.directory,
            POLICY,
            inline=inline,
            upstream=self.upstream,
            guard=self.guard,
            audit=Audit(self.ledger),
        )

    def entry(self, name: str) -> Principal:
        found = self.directory.by_address(f"{name}@example.test")
        assert found is not None
        return found

    async def by_password(self, login: str, password: str, *, peer: PeerInfo = PEER, mechanism: str = "PLAIN") -> Logon:
        return await self.service.authenticate(PasswordAttempt(login, password, mechanism=mechanism), peer)

    async def by_proof(self, mechanism: str, login: str, **values: object) -> Logon:
        return await self.service.authenticate(ProvedAttempt(mechanism, login, **values), PEER)  # type: ignore[arg-type]

    async def refused(self, login: str, password: str, *, peer: PeerInfo = PEER) -> LogonRefused:
        with pytest.raises(LogonRefused) as caught:
            await self.by_password(login, password, peer=peer)
        return caught.value


@pytest.fixture(params=[True, False], ids=["inline", "threaded"])
def house(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    made = House(tmp_path, inline=request.param)
    yield made
    made.service.close()
    made.directory.close()


async def test_hashing_is_never_on_the_loop(house: House) -> None:
    await house.by_password("alice", "wonder")
    await house.refused("alice", "wrong")
    await house.refused("bob", "wrong")
    assert len(house.hasher.threads) == 3
    assert not [name for name in house.hasher.threads if not name.startswith("logon")]


async def test_a_password_verified_lately_costs_no_hash_and_no_question(house: House) -> None:
    await house.by_password("alice", "wonder")
    house.hasher.threads.clear()
    await house.by_password("alice", "wonder")
    assert (house.hasher.threads, house.upstream.asked) == ([], [])


async def test_an_app_password_costs_no_hash_and_counts_only_in_its_scope(house: House) -> None:
    made, secret = house.directory.add_app_password(house.alice.id, "phone", scopes={"imap"}, expires=time.time() + 900)
    logon = await house.by_password("alice", secret)
    assert (logon.user, logon.until, house.hasher.threads) == (house.alice, made.expires, [])
    assert (await house.by_password("EXAMPLE\\alice\\sales", secret)).owner == house.sales
    refused = await house.refused("alice", secret, peer=PeerInfo("smtp", "192.0.2.7", tls=True))
    assert (refused.kind, str(refused)) == (RefusalKind.BAD_CREDENTIALS, f"app password {made.number} is not for smtp")
    await house.refused("bob", secret)
    house.directory.revoke_app_password(house.alice.id, made.number)
    await house.refused("alice", secret)


async def test_accounts_of_the_upstream_server_and_unknown_names_are_asked_about_there(house: House) -> None:
    assert (await house.by_password("EXAMPLE\\ursula", "elsewhere")).user == house.ursula
    assert (await house.by_password("newcomer@example.test", "elsewhere")).user == house.ursula
    await house.refused("ursula", "not asked for")
    assert house.upstream.asked == [
        ("ursula", "EXAMPLE", "elsewhere"),
        ("newcomer@example.test", None, "elsewhere"),
        ("ursula", None, "not asked for"),
    ]
    assert house.hasher.threads == []
    house.upstream.away = True
    assert (await house.refused("ursula", "elsewhere")).kind is RefusalKind.UNAVAILABLE
    house.upstream.remembered.add("elsewhere")
    assert (await house.by_password("ursula", "elsewhere")).user == house.ursula


async def test_an_account_that_lives_here_is_never_asked_about_upstream(house: House) -> None:
    await house.refused("bob", "elsewhere")
    assert house.upstream.asked == []


async def test_names_that_only_the_upstream_server_knows(house: House) -> None:
    assert (await house.by_password("CORP\\ursula.there", "elsewhere")).user == house.ursula
    assert (await house.by_proof("NTLM", "CORP\\ursula.there")).user == house.ursula
    assert (await house.by_proof("NTLM", "CORP\\newcomer")).user == house.ursula
    with pytest.raises(LogonRefused, match="unknown user"):
        await house.by_proof("NTLM", "CORP\\nobody")


async def test_who_was_disabled_upstream_is_found_out_without_a_password_too(house: House) -> None:
    _, secret = house.directory.add_app_password(house.ursula.id, "phone")
    assert (await house.by_password("ursula", secret)).user == house.ursula
    house.upstream.fresh = False
    assert (await house.refused("ursula", secret)).kind is RefusalKind.DISABLED
    with pytest.raises(LogonRefused) as caught:
        await house.by_proof("XOAUTH2", "ursula@example.test")
    assert caught.value.kind is RefusalKind.DISABLED


async def test_what_other_mechanisms_need_is_made_when_the_password_is_seen(house: House) -> None:
    house.directory.enable_nt_hash(house.alice.id)
    assert house.directory.nt_hash(house.alice.id) is None
    await house.by_password("alice", "wonder")
    assert house.directory.nt_hash(house.alice.id) is not None


async def test_an_account_that_opts_in_while_its_password_is_remembered(house: House) -> None:
    await house.by_password("alice", "wonder")
    house.directory.enable_nt_hash(house.alice.id)
    await house.by_password("alice", "wonder")
    for _ in range(100):
        if house.directory.nt_hash(house.alice.id) is not None:
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("nothing was filled in")


async def test_an_app_password_fills_nothing_in(house: House) -> None:
    _, secret = house.directory.add_app_password(house.alice.id, "phone")
    house.directory.enable_nt_hash(house.alice.id)
    await house.by_password("alice", secret)
    await asyncio.sleep(0.05)
    assert house.directory.nt_hash(house.alice.id) is None


async def test_secrets_that_cannot_be_kept_cost_no_sign_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(principal_id: int, password: str) -> bool:
        raise DirectoryUnavailable("the key file is gone")

    house.directory.enable_nt_hash(house.alice.id)
    monkeypatch.setattr(house.directory, "fill_secrets", fail)
    assert (await house.by_password("alice", "wonder")).user == house.alice


async def test_a_rule_forbids_a_mechanism_to_an_account_on_a_network(house: House) -> None:
    house.directory.add_signin_rule(house.alice.id, "PLAIN", network="192.0.2.0/24", allow=False, note="phones only")
    refused = await house.refused("alice", "wonder")
    assert (refused.kind, str(refused)) == (RefusalKind.NOT_ALLOWED, "a rule forbids PLAIN here (phones only)")
    assert (await house.by_password("alice", "wonder", peer=PeerInfo("imap", "198.51.100.1", True))).user == house.alice
    assert (await house.by_password("alice", "wonder", mechanism="LOGIN")).mechanism == "LOGIN"
    assert (await house.by_password("bob", "builder")).user == house.bob


@pytest.mark.parametrize("mechanism", ["NTLMv1", "NTLM2-SESSION"])
async def test_the_weakest_variants_need_a_rule(house: House, mechanism: str) -> None:
    with pytest.raises(LogonRefused, match="unless a rule allows it"):
        await house.by_proof(mechanism, "alice", principal=house.alice.id)
    house.directory.add_signin_rule(house.alice.id, mechanism, allow=True, until=time.time() + 60)
    assert (await house.by_proof(mechanism, "alice", principal=house.alice.id)).mechanism == mechanism
    house.directory.add_signin_rule(house.alice.id, mechanism, allow=True, until=time.time() - 1)
    with pytest.raises(LogonRefused):
        await house.by_proof(mechanism, "alice", principal=house.alice.id)


async def test_a_proof_is_taken_at_its_word(house: House) -> None:
    logon = await house.by_proof("XOAUTH2", "alice@example.test", authorization="sales@example.test", until=12.5)
    assert (logon.user, logon.owner, logon.until, logon.mechanism) == (house.alice, house.sales, 12.5, "XOAUTH2")
    assert (await house.by_proof("SCRAM-SHA-256", "EXAMPLE/alice/sales")).owner == house.sales
    assert house.hasher.threads == []
    with pytest.raises(LogonRefused) as caught:
        await house.by_proof("XOAUTH2", "nobody@example.test")
    assert caught.value.kind is RefusalKind.BAD_CREDENTIALS
    with pytest.raises(LogonRefused) as caught:
        await house.by_proof("XOAUTH2", "bob@example.test", authorization="sales@example.test")
    assert caught.value.kind is RefusalKind.NOT_ALLOWED


async def test_ntlm_opens_no_other_mailbox(house: House) -> None:
    """[MS-OXIMAP4] 2.2.1 has no place for a mailbox: whatever the name looks like, it is the account's own."""
    logon = await house.by_proof("NTLM", "EXAMPLE\\alice\\sales", principal=house.alice.id)
    assert logon.owner == house.alice


async def test_the_guard_hears_of_everything(house: House) -> None:
    await house.by_password("alice", "wonder")
    await house.refused("alice", "wrong")
    house.directory.set_enabled(house.bob.id, False)
    await house.refused("EXAMPLE\\bob", "builder")
    assert house.guard.told == [
        *(("enter", "alice"), ("leave", "alice"), ("succeeded", "alice")),
        *(("enter", "alice"), ("leave", "alice"), ("failed", "alice")),
        *(("enter", "EXAMPLE\\bob"), ("leave", "EXAMPLE\\bob"), ("failed", "EXAMPLE\\bob")),
    ]
    house.guard.closed = True
    assert (await house.refused("alice", "wonder")).kind is RefusalKind.TOO_MANY
    assert house.guard.told[9:] == []


async def test_the_ledger_has_every_sign_in_and_every_refusal(house: House) -> None:
    logon = await house.by_password("EXAMPLE/alice/sales", "wonder")
    await house.refused("alice", "wrong")
    await house.refused("nobody", "wrong")
    first, second, third = house.ledger.records
    assert abs(first.at - time.time()) < 60
    assert first[1:] == (
        OK,
        "",
        "EXAMPLE/alice/sales",
        "alice@example.test",
        "sales@example.test",
        "imap",
        "PLAIN",
        "192.0.2.7",
        True,
        "thing 1.0",
        12,
    )
    assert second[1:6] == (REFUSED, "wrong password", "alice", "alice@example.test", "")
    assert third[1:6] == (REFUSED, "unknown user", "nobody", "", "")
    house.service.named(logon, PEER, "Thunderbird 140")
    key = DeviceKey("alice@example.test", "192.0.2.7", "imap", "PLAIN", tls=True)
    assert house.ledger.names == [(key, "Thunderbird 140")]


async def test_refusals_take_the_same_time_whatever_the_work(tmp_path: Path) -> None:
    """The delay counts from the attempt, so that it hides how long the work took."""
    house = House(tmp_path, inline=True)
    policy = LogonPolicy("example.test", "EXAMPLE", tarpit=0.3)
    service = LogonService(house.directory, policy, inline=True)
    for login, work in (("alice", 0.0), ("nobody", 0.0), ("alice", 0.2)):
        began = time.monotonic()
        with pytest.raises(LogonRefused):
            await service.refuse(
                login, PEER, LogonRefused(RefusalKind.BAD_CREDENTIALS, "no"), mechanism="NTLM", began=began - work
            )
        assert 0.29 - work <= time.monotonic() - began < 0.3 - work + 0.2
    service.close()
    house.service.close()
    house.directory.close()
