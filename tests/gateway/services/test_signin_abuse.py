"""What somebody tries who wants in, or wants to know who is there, or wants others kept out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from scramp import ScramClient

from directory.credentials import Hasher, VerifiedCache
from directory.errors import WeakOrEmptyPassword
from directory.model import Principal
from directory.names import account_key, address_key
from directory.signins import OK, REFUSED, DeviceKey, SignIn
from directory.sql import SqlDirectory
from gateway.runtime.sharedcounters import SharedCounters
from gateway.sasl.mechanism import Challenge
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms
from gateway.sasl.scram import AskScram, scram_mechanisms
from gateway.services.audit import Audit
from gateway.services.guard import Guard, GuardSettings
from gateway.services.logon import Logon, LogonPolicy, LogonRefused, LogonService, RefusalKind
from gateway.services.names import one_spelling, parse_login
from gateway.services.proofs import ScramVerifier
from gateway.services.signin import SignInService

POLICY = LogonPolicy("example.test", "EXAMPLE", frozenset({"example.test", "branch.test"}), tarpit=0.0)
PEER = PeerInfo("imap", "192.0.2.7", tls=True)

SPELLINGS = (
    "{}",
    "{}@example.test",
    "{}@EXAMPLE.test",
    "{}@example\u3002test",  # an ideographic full stop divides labels as well ([RFC3490] 3.1)
    "{}@ex\u00adample.test",  # a soft hyphen is nothing ([RFC3491] 3)
    "{}@ex\u200bam\u2060ple.test",
    "{}@\uff45xample.test",
    "EXAMPLE\\{}",
    ".\\{}",
    "example.test/{}",
    "example.test/{}/sales",
    "OTHER\\{}@example.test",
)
"""Of one account."""


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[SqlDirectory]:
    made = SqlDirectory(
        tmp_path / "directory.sqlite", domains=["example.test", "branch.test"], hasher=Hasher(memory=8, passes=1)
    )
    made.ensure_key()
    yield made
    made.close()


@pytest.fixture
def alice(directory: SqlDirectory) -> Principal:
    return directory.add_user("alice@example.test", password="wonder")


@pytest.fixture
def service(directory: SqlDirectory) -> Iterator[LogonService]:
    made = LogonService(directory, POLICY, inline=True)
    yield made
    made.close()


def test_long_names_and_passwords_are_not_normalised(directory: SqlDirectory) -> None:
    """Marks in the wrong order take seconds to sort: an IMAP LOGIN of 64 KiB held up the loop for ten."""
    marks = "a" + "\u0315" * 16_000 + "\u0300" * 16_000
    assert address_key(f"{marks}@example.test") is None
    assert account_key(marks) is None
    assert not directory.hasher.verify(None, marks)
    with pytest.raises(WeakOrEmptyPassword, match="longer"):
        directory.hasher.hash(marks)
    cache = VerifiedCache(60)
    cache.remember(1, "phc", "right")
    assert not cache.knows(1, "phc", marks)


def test_the_longest_names_are_found_in_any_form(directory: SqlDirectory) -> None:
    """The bound is above what an account can be called, taken apart into letters and marks."""
    account = "\u01ed" * 254  # three characters each, taken apart
    made = directory.add_user("long@example.test", account=account)
    assert directory.by_account("o\u0328\u0304" * 254) == made


@pytest.mark.parametrize("form", SPELLINGS)
def test_every_spelling_that_is_an_account_is_counted_as_one(
    service: LogonService, alice: Principal, form: str
) -> None:
    """Else whoever varies the spelling guesses without end."""
    name = parse_login(form.format("alice"))
    assert service.find_user(name) == alice
    assert one_spelling(name, POLICY.default_domain, POLICY.netbios_domain) == "alice@example.test"


@pytest.mark.parametrize("form", ["example\u3002test\\{}", "\uff45xample.test/{}", "OTHER\\{}", "{}@other.test", "{} "])
def test_what_is_not_the_account_is_counted_apart(service: LogonService, alice: Principal, form: str) -> None:
    """Else the keys that are made up for it would differ from the account's, and say that there is one."""
    name = parse_login(form.format("alice"))
    assert service.find_user(name) is None
    assert one_spelling(name, POLICY.default_domain, POLICY.netbios_domain) != "alice@example.test"


async def test_scram_salts_tell_nobody_who_exists(
    directory: SqlDirectory, service: LogonService, alice: Principal
) -> None:
    """Two spellings have the same salt or two, whether there is such an account or not ([RFC5802] 9)."""
    verifier = ScramVerifier(directory, service.find_user, POLICY, decoy_key=b"k" * 32)
    forms = [*SPELLINGS, "example\u3002test\\{}", "OTHER\\{}", "{}@branch.test", "{}@other.test"]

    async def pattern(user: str) -> list[int]:
        salts = [(await verifier(AskScram(form.format(user)), PEER)).salt for form in forms]
        return [salts.index(salt) for salt in salts]

    assert await pattern("alice") == await pattern("nobody")


def test_guessing_under_ever_new_spellings_closes_the_door() -> None:
    """Every form of a name is the same name to the guard, accents that an upstream server passes over too."""
    settings = GuardSettings(default_domain="example.test", netbios_domain="EXAMPLE", account_failures=len(SPELLINGS))
    guard = Guard(SharedCounters.create(1024), settings, clock=lambda: 1000.0)
    for number, form in enumerate(SPELLINGS):
        guard.failed(form.format("alice" if number % 2 else "\u00e1lice"), PEER)
    assert guard.delay("alice", PEER) == guard.delay(SPELLINGS[3].format("alice"), PEER) == settings.max_tarpit
    assert guard.delay("nobody", PEER) < settings.max_tarpit


class Recorder:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def record(self, signin: SignIn) -> None:
        self.outcomes.append(signin.outcome)

    def named(self, device: DeviceKey, name: str) -> None:
        raise AssertionError


@pytest.mark.parametrize("allowed", [True, False], ids=["enabled", "disabled"])
async def test_scram_tells_only_those_who_may_sign_in_that_the_password_is_right(
    directory: SqlDirectory, alice: Principal, allowed: bool
) -> None:
    """And it is on record when the client has heard it: whoever wants to know no more hangs up then."""
    directory.set_enabled(alice.id, allowed)
    ledger = Recorder()
    service = LogonService(directory, POLICY, inline=True, audit=Audit(ledger))
    verifier = ScramVerifier(directory, service.find_user, POLICY, decoy_key=b"k" * 32)
    signin = SignInService(service, Mechanisms(scram_mechanisms()), {AskScram: verifier}).begin("SCRAM-SHA-256", PEER)
    client = ScramClient(["SCRAM-SHA-256"], "alice", "wonder")
    first = await signin.step(base64.b64encode(client.get_client_first().encode()))
    assert isinstance(first, Challenge)
    client.set_server_first(first.data.decode())
    final = base64.b64encode(client.get_client_final().encode())
    if allowed:
        last = await signin.step(final)
        assert isinstance(last, Challenge)
        client.set_server_final(last.data.decode())
        assert ledger.outcomes == [OK]
        assert isinstance(await signin.step(b""), Logon)
    else:
        with pytest.raises(LogonRefused) as caught:
            await signin.step(final)
        assert caught.value.kind is RefusalKind.DISABLED
        assert ledger.outcomes == [REFUSED]
    service.close()


def test_a_connection_is_logged_in_one_short_line() -> None:
    """Front ends write who is there into the log; a client's certificate and TLS's own numbers are no part of that."""
    peer = PeerInfo("imap", "192.0.2.7", True, 7, "imaps", b"END-POINT", b"UNIQUE", b"CERTIFICATE" * 200, "\x1b[2J")
    assert str(peer) == (
        "PeerInfo(protocol='imap', address='192.0.2.7', tls=True, connection=7, listener='imaps', device='\\x1b[2J')"
    )
