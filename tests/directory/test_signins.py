"""The record of sign-ins, on SQLite and PostgreSQL."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from directory.errors import DirectoryUnavailable
from directory.signins import (
    DAY,
    LOST,
    OK,
    REFUSED,
    DeviceKey,
    Retention,
    SignIn,
    SignInStore,
    Wanted,
    normal_address,
)

NOW = 1_790_000_000.0
FOREVER = Retention(days=0, rows=0, device_days=0, devices=0)


def signin(at: float = 0.0, user: str = "alice@example.test", **others) -> SignIn:
    given = {"outcome": OK, "reason": "", "login": user.partition("@")[0], "mailbox": user, "protocol": "imap"}
    given |= {"mechanism": "PLAIN", "address": "192.0.2.7", "tls": True, **others}
    return SignIn(at=NOW + at, user=user, **given)


def make_empty(location: Path | str) -> None:
    SignInStore(location).close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where nobody has signed in yet."""
    if request.param == "sqlite":
        make_empty(tmp_path / "signins.sqlite")
        yield tmp_path / "signins.sqlite"
        return
    with request.getfixturevalue("postgres_server").prepared(make_empty) as url:
        yield url


@contextmanager
def opening(location: Path | str) -> Iterator[Callable[[], SignInStore]]:
    opened = []

    def build() -> SignInStore:
        opened.append(SignInStore(location))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


@pytest.fixture
def again(place: Path | str) -> Iterator[Callable[[], SignInStore]]:
    with opening(place) as build:
        yield build


@pytest.fixture
def signins(again) -> SignInStore:
    return again()


def found(signins: SignInStore, **wanted) -> list[SignIn]:
    return [record for _, record in signins.records(Wanted(**wanted))]


def test_what_is_written_is_read_back_newest_last(signins):
    good = signin(1, device="printer.example.test", connection=7)
    bad = signin(2, outcome=REFUSED, reason="wrong password", mailbox="", tls=False)
    signins.write([good, bad])
    assert found(signins) == [good, bad]
    numbers = [number for number, _ in signins.records()]
    assert numbers == sorted(numbers)
    assert found(signins, after=numbers[0]) == [bad]
    assert found(signins, limit=1) == [bad]
    signins.write([])
    assert len(found(signins)) == 2


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"user": "ALICE@example.test"}, [1, 2, 4]),
        ({"user": "ghost"}, [5]),
        ({"user": "sales@example.test"}, [4]),
        ({"network": "192.0.2.0/24"}, [1, 2, 5]),
        ({"network": "198.51.100.9"}, [3]),
        ({"network": "2001:db8::/32"}, [4]),
        ({"mechanisms": ["ntlmv1"]}, [2]),
        ({"mechanisms": ["NTLM", "LOGIN"]}, [3]),
        ({"protocol": "SMTP"}, [3]),
        ({"outcome": REFUSED}, [2, 5]),
        ({"since": NOW + 3}, [3, 4, 5]),
        ({"network": "192.0.2.0/24", "limit": 2}, [2, 5]),
        ({"user": "alice@example.test", "outcome": REFUSED}, [2]),
        ({"user": "'; DROP TABLE signin_record; --"}, []),
    ],
)
def test_records_by_what_is_wanted(signins, wanted, expected):
    signins.write(
        [
            signin(1),
            signin(2, outcome=REFUSED, mechanism="NTLMv1"),
            signin(3, user="bob@example.test", mechanism="LOGIN", protocol="smtp", address="198.51.100.9"),
            signin(4, mailbox="Sales@example.test", address="2001:db8::1%eth0"),
            signin(5, user="", login="Ghost", outcome=REFUSED, mailbox=""),
        ]
    )
    assert [int(one.at - NOW) for one in found(signins, **wanted)] == expected


def test_a_network_that_is_none_is_told(signins):
    with pytest.raises(ValueError, match="printer"):
        signins.records(Wanted(network="printer"))


def test_addresses_are_compared_in_one_form():
    assert normal_address("::ffff:192.0.2.7") == "192.0.2.7"
    assert normal_address("fe80::1%eth0") == "fe80::1"
    assert normal_address("2001:DB8:0::1") == "2001:db8::1"
    assert normal_address("/run/socket") == "/run/socket"


def test_texts_that_a_client_chose_do_no_harm(signins):
    nasty = "a\0b\r\n\x1b[31m\ud800" + "x" * 9999
    signins.write([signin(1, login=nasty, device=nasty, reason="Zoë", address=nasty, user="")])
    (read,) = found(signins)
    for text in (read.login, read.device, read.address):
        assert text.isprintable()
        assert len(text) == 256
    assert read.reason == "Zoë"


def test_a_device_is_an_account_an_address_a_protocol_a_mechanism_and_tls(signins):
    signins.write([signin(1), signin(5), signin(3, user="Alice@Example.test"), signin(4, tls=False)])
    signins.write([signin(9, outcome=REFUSED, reason="wrong password"), signin(2, mechanism="NTLMv1", address="::1")])
    ntlm, clear, usual = signins.devices()
    assert usual.key == DeviceKey("alice@example.test", "192.0.2.7", "imap", "PLAIN", True)
    assert (usual.first, usual.last, usual.count, usual.failures) == (NOW + 1, NOW + 9, 3, 1)
    assert (usual.outcome, usual.reason) == (REFUSED, "wrong password")
    assert (clear.tls, clear.count, clear.failures) == (False, 1, 0)
    assert (ntlm.mechanism, ntlm.address) == ("NTLMv1", "::1")
    assert signins.devices(since=NOW + 3) == [clear, usual]
    assert signins.devices(account="ALICE@example.test") == [ntlm, clear, usual]
    assert signins.devices(account="bob@example.test") == []


def test_a_batch_that_comes_late_does_not_turn_the_ledger_back(signins):
    signins.write([signin(9, device="new")])
    signins.write([signin(2, outcome=REFUSED, reason="wrong password", device="old")])
    (device,) = signins.devices()
    assert (device.first, device.last, device.outcome, device.reason) == (NOW + 2, NOW + 9, OK, "")
    assert (device.count, device.failures) == (1, 1)


def test_a_client_may_name_itself_later(signins):
    signins.write([signin(1), signin(2, address="192.0.2.8", device="scanner")])
    key = DeviceKey("Alice@example.test", "::ffff:192.0.2.7", "imap", "PLAIN", True)
    signins.write([], {key: "Thunderbird 140", key._replace(address="203.0.113.1"): "nobody"})
    assert [one.device for one in signins.devices()] == ["Thunderbird 140", "scanner"]
    signins.write([signin(3)])
    assert [one.device for one in signins.devices()] == ["scanner", "Thunderbird 140"]


def test_unknown_names_and_lost_records_make_no_device(signins):
    signins.write([signin(1, user="", outcome=REFUSED), signin(2, outcome=LOST, reason="5 records were lost")])
    assert signins.devices() == []
    assert len(found(signins)) == 2


def test_old_records_and_devices_are_pruned(signins):
    signins.write([signin(day * DAY, address=f"192.0.2.{day}") for day in range(10)])
    now = NOW + 9 * DAY + 1
    assert signins.prune(FOREVER, now) == 0
    assert signins.prune(Retention(days=5, rows=0, device_days=8, devices=0), now) == 5 + 2
    assert [int((one.at - NOW) / DAY) for one in found(signins)] == [5, 6, 7, 8, 9]
    assert [one.address for one in signins.devices()] == [f"192.0.2.{day}" for day in range(2, 10)]
    assert signins.prune(Retention(days=0, rows=2, device_days=0, devices=3), now) == 3 + 5
    assert [int((one.at - NOW) / DAY) for one in found(signins)] == [8, 9]
    assert [one.address for one in signins.devices()] == ["192.0.2.7", "192.0.2.8", "192.0.2.9"]


def test_devices_that_never_got_in_are_given_up_first(signins):
    guesses = [signin(9, outcome=REFUSED, address=f"203.0.113.{n}") for n in range(5)]
    signins.write([signin(1), *guesses])
    signins.prune(Retention(devices=1), NOW)
    assert [one.address for one in signins.devices()] == ["192.0.2.7"]


def test_pruning_goes_by_small_transactions(signins, monkeypatch):
    monkeypatch.setattr("directory.signins.PRUNED_AT_ONCE", 3)
    signins.write([signin(n, user="") for n in range(10)])
    assert signins.prune(Retention(days=0, rows=2), NOW) == 8
    assert [int(one.at - NOW) for one in found(signins)] == [8, 9]


def test_several_writers_at_a_time(again):
    """Batches that hold the same devices in different orders: nobody waits for ever, and nothing is counted twice."""
    stores = [again() for _ in range(4)]
    batch = [signin(n, address=f"192.0.2.{n % 5}") for n in range(50)]
    failures: list[Exception] = []

    def run(store: SignInStore, reverse: bool) -> None:
        try:
            for _ in range(10):
                store.write(batch[::-1] if reverse else batch)
        except Exception as error:  # told below: an exception in a thread fails no test
            failures.append(error)

    threads = [threading.Thread(target=run, args=(store, n % 2 == 1)) for n, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sum(one.count for one in stores[0].devices()) == 2000
    assert len(found(stores[0])) == 2000


def test_several_may_open_new_records_at_a_time(location):
    """Workers make them together, and a reader may come in between: nobody is told that they are locked."""
    with opening(location) as build:
        start, failures = threading.Barrier(6), []

        def work() -> None:
            start.wait()
            try:
                build().write([signin()])
            except DirectoryUnavailable as error:
                failures.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert len(build().records()) == 6


def test_the_file_is_for_the_owner_alone(tmp_path):
    store = SignInStore(tmp_path / "signins.sqlite")
    store.write([signin()])
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    store.close()


def test_what_is_wrong_with_the_database_is_one_error(tmp_path):
    with pytest.raises(DirectoryUnavailable, match="record of sign-ins"):
        SignInStore(tmp_path / "missing" / "signins.sqlite")
    (tmp_path / "signins.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(DirectoryUnavailable):
        SignInStore(tmp_path / "signins.sqlite")
