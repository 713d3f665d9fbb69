"""App passwords: their form, their scope and end, their last use, and how little it costs to verify one."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from typing import NoReturn

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event

from directory import apppasswords
from directory.apppasswords import MAX_APP_PASSWORDS, LastUses, digest_of, new_secret
from directory.errors import DirectoryUnavailable, InvalidEntry, UnknownPrincipal
from directory.model import PrincipalKind

HERE = "192.0.2.1"


@pytest.fixture
def alice(directory):
    return directory.add_user("alice@example.test", password="secret")


def verify(directory, alice, secret, scope="imap", address=HERE):
    found = directory.verify_app_password(alice.id, secret, scope, address=address)
    return None if found is None else found.number


def test_secrets_are_long_random_and_easy_to_type():
    """At least 128 bits, without the letters that are taken for others."""
    made = {new_secret() for _ in range(500)}
    assert len(made) == 500
    for one in made:
        assert re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){6}[0-9a-hjkmnp-tv-z]{4}", one)
    assert 28 * 5 >= 128
    assert len(set("".join(made))) == 33


def test_dashes_blanks_and_case_do_not_count():
    secret = "0123-4567-89ab-cdef-ghjk-mnpq-rstv"
    expected = digest_of(secret)
    assert expected is not None
    for typed in (
        secret.upper(),
        secret.replace("-", ""),
        secret.replace("-", " "),
        f" {secret} ",
        "oi23-4567-89ab-cdef-ghjk-mnpq-rstv",
        "OL23-4567-89ab-cdef-ghjk-mnpq-rstv",
    ):
        assert digest_of(typed) == expected
    assert digest_of(secret[:-1] + "w") not in (expected, None)
    for other in ("", "password", secret[:-1], secret + "0", "\u212a" * 28, "a" * 1000, "-" * 28, "x" * 27 + "\u00e4"):
        assert digest_of(other) is None


def test_an_app_password_opens_what_it_is_for(directory, reopen, alice):
    made, secret = directory.add_app_password(alice.id, "  phone ", scopes={"smtp", "imap"})
    assert (made.label, made.scopes, made.expires) == ("phone", frozenset({"imap", "smtp"}), None)
    assert verify(directory, alice, secret) == made.number
    assert verify(reopen(), alice, secret.upper().replace("-", ""), "smtp") == made.number
    assert verify(directory, alice, secret, "pop3") is None
    assert verify(directory, alice, new_secret()) is None
    assert verify(directory, alice, "secret") is None
    assert verify(directory, alice, "") is None
    assert directory.explain_app_password(alice.id, secret, "pop3") == f"app password {made.number} is not for pop3"
    assert directory.explain_app_password(alice.id, secret, "imap") == ""
    assert directory.explain_app_password(alice.id, new_secret(), "imap") == ""
    assert directory.verify_password(alice.id, "secret")
    assert not directory.verify_password(alice.id, secret)


def test_no_scope_means_every_protocol(directory, alice):
    made, secret = directory.add_app_password(alice.id, "all")
    assert made.scopes == frozenset()
    for scope in ("imap", "pop3", "smtp", "ldap", "http"):
        assert verify(directory, alice, secret, scope) == made.number


def test_an_app_password_belongs_to_one_account(directory, alice):
    bob = directory.add_user("bob@example.test")
    _, secret = directory.add_app_password(alice.id, "phone")
    assert verify(directory, bob, secret) is None
    assert directory.verify_app_password(0, secret, "imap", address=HERE) is None


def test_an_app_password_ends(directory, alice, monkeypatch):
    end = time.time() + 3600
    made, secret = directory.add_app_password(alice.id, "guest", expires=end)
    assert made.expires == int(end)
    assert verify(directory, alice, secret) == made.number
    monkeypatch.setattr(apppasswords.time, "time", lambda: end)
    assert verify(directory, alice, secret) is None
    assert directory.explain_app_password(alice.id, secret, "imap") == f"app password {made.number} has expired"
    assert [one.number for one in directory.app_passwords(alice.id)] == [made.number]


def test_a_revoked_one_opens_nothing_and_its_number_is_not_given_again(directory, reopen, alice):
    other = reopen()
    first, secret = directory.add_app_password(alice.id, "phone")
    kept, kept_secret = directory.add_app_password(alice.id, "tablet")
    assert verify(other, alice, secret) == first.number
    bob = directory.add_user("bob@example.test")
    assert not directory.revoke_app_password(bob.id, first.number)
    assert directory.revoke_app_password(alice.id, first.number)
    assert not directory.revoke_app_password(alice.id, first.number)
    for one in (directory, other):
        assert verify(one, alice, secret) is None
        assert verify(one, alice, kept_secret) == kept.number
    third, _ = directory.add_app_password(alice.id, "phone")
    assert third.number > kept.number > first.number


def test_they_stay_with_a_disabled_account_and_go_with_a_removed_one(directory, alice):
    made, secret = directory.add_app_password(alice.id, "phone")
    directory.set_enabled(alice.id, False)
    assert verify(directory, alice, secret) == made.number  # who is disabled is refused where accounts are admitted
    directory.remove(alice.id)
    assert verify(directory, alice, secret) is None
    assert directory.app_passwords(alice.id) == []


def test_what_is_wrong_with_a_new_one_is_said(directory, alice):
    for label in ("", "  ", "x" * 101, "a\nb"):
        with pytest.raises(InvalidEntry):
            directory.add_app_password(alice.id, label)
    with pytest.raises(InvalidEntry, match="ftp is no scope"):
        directory.add_app_password(alice.id, "phone", scopes={"imap", "ftp"})
    with pytest.raises(UnknownPrincipal):
        directory.add_app_password(999, "phone")
    shared = directory.add(PrincipalKind.SHARED, "sales@example.test")
    with pytest.raises(InvalidEntry, match="only users"):
        directory.add_app_password(shared.id, "phone")
    with directory.batch():
        for number in range(MAX_APP_PASSWORDS):
            directory.add_app_password(alice.id, f"device {number}")
    with pytest.raises(InvalidEntry, match="revoke one"):
        directory.add_app_password(alice.id, "one more")


def test_the_secret_is_kept_nowhere(directory, place, alice):
    made, secret = directory.add_app_password(alice.id, "phone")
    assert verify(directory, alice, secret) == made.number
    assert secret not in repr(made)
    if not isinstance(place, str):
        kept = b"".join(file.read_bytes() for file in place.parent.glob("directory.sqlite*"))
        assert secret.encode() not in kept
        assert secret.replace("-", "").encode() not in kept


# The last use


def test_the_last_use_is_noted_at_most_once_a_minute(directory, reopen, alice, monkeypatch):
    made, secret = directory.add_app_password(alice.id, "phone")
    assert directory.app_passwords(alice.id)[0].used_at is None
    start, now = 1_900_000_000, [0.0]
    monkeypatch.setattr(apppasswords.time, "time", lambda: start + now[0])
    uses = []
    for moment, address in ((0, "192.0.2.1"), (59, "192.0.2.2"), (61, "192.0.2.3"), (61.5, "192.0.2.4")):
        now[0] = moment
        assert verify(directory, alice, secret, address=address) == made.number
        listed = directory.app_passwords(alice.id)[0]
        uses.append((listed.used_at - start, listed.used_from))
    assert uses == [(0, "192.0.2.1"), (0, "192.0.2.1"), (61, "192.0.2.3"), (61, "192.0.2.3")]
    now[0] = 30  # another process, whose clock or whose write is late
    other = reopen()
    assert verify(other, alice, secret, address="192.0.2.9") == made.number
    assert other.app_passwords(alice.id)[0].used_from == "192.0.2.3"


def test_a_refused_use_is_none(directory, alice):
    _, secret = directory.add_app_password(alice.id, "phone", scopes={"imap"})
    assert verify(directory, alice, secret, "smtp") is None
    assert directory.app_passwords(alice.id)[0].used_at is None


def test_the_last_use_empties_nobodys_cache(directory, alice):
    _, secret = directory.add_app_password(alice.id, "phone")
    before = directory.generation()
    verify(directory, alice, secret)
    assert directory.app_passwords(alice.id)[0].used_at is not None
    assert directory.generation() == before


def test_the_last_use_is_written_soon_and_at_the_end(reopen, alice, monkeypatch):
    monkeypatch.setattr(apppasswords, "FLUSH_SECONDS", 0.01)
    directory, other = reopen(), reopen()
    _, secret = directory.add_app_password(alice.id, "phone")
    verify(directory, alice, secret)
    end = time.monotonic() + 10
    while other.app_passwords(alice.id)[0].used_at is None and time.monotonic() < end:
        time.sleep(0.01)
    assert other.app_passwords(alice.id)[0].used_from == HERE
    monkeypatch.setattr(apppasswords, "FLUSH_SECONDS", 1000.0)
    _, second = directory.add_app_password(alice.id, "tablet")
    verify(directory, alice, second)
    directory.close()
    assert other.app_passwords(alice.id)[1].used_from == HERE


def test_the_list_may_be_read_inside_a_batch(directory, alice):
    _, secret = directory.add_app_password(alice.id, "phone")
    verify(directory, alice, secret)
    with directory.batch():
        assert len(directory.app_passwords(alice.id)) == 1
    assert directory.app_passwords(alice.id)[0].used_at is not None


def test_a_use_that_cannot_be_written_fails_no_sign_in(caplog):
    def fail(uses):
        raise DirectoryUnavailable("locked")

    uses = LastUses(fail)
    uses.note(1, 100.0, HERE)
    uses.close()
    uses.close()
    assert "locked" in caplog.text


def test_many_threads_note_uses_and_each_is_written_once():
    written: list[int] = []
    uses = LastUses(lambda some: written.extend(some))
    threads = [
        threading.Thread(target=lambda: [uses.note(number, 100.0, HERE) for number in range(200)]) for _ in range(8)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    uses.close()
    assert set(written) == set(range(200))


def test_many_threads_verify_while_others_are_revoked(directory, alice):
    kept = [directory.add_app_password(alice.id, f"kept {number}")[1] for number in range(3)]
    problems = []

    def check():
        problems.extend(secret for _ in range(50) for secret in kept if verify(directory, alice, secret) is None)

    threads = [threading.Thread(target=check) for _ in range(4)]
    for one in threads:
        one.start()
    for number in range(10):
        made, _ = directory.add_app_password(alice.id, f"gone {number}")
        assert directory.revoke_app_password(alice.id, made.number)
    for one in threads:
        one.join()
    assert problems == []


def test_verifying_costs_little(directory, alice, monkeypatch):
    """No hash that is made to be slow, and one question to the database: for its generation.

    The promise is under 100 us; the last use is written aside.
    """
    _, secret = directory.add_app_password(alice.id, "phone")
    wrong = new_secret()
    assert verify(directory, alice, secret) == 1

    def slow(*_: object) -> NoReturn:
        pytest.fail("a hash made to be slow")

    for module, name in ((PasswordHasher, "verify"), (PasswordHasher, "hash"), (hashlib, "pbkdf2_hmac")):
        monkeypatch.setattr(module, name, slow)
    asked: list[str] = []
    here = threading.get_ident()

    def note(statement: str) -> None:
        if threading.get_ident() == here:
            asked.append(statement)

    database = directory._database
    event.listen(database.engine, "before_cursor_execute", lambda *words: note(words[2]))
    if database.sqlite:
        database._reader.set_trace_callback(note)
    digests = []
    monkeypatch.setattr(apppasswords, "digest_of", lambda typed: digests.append(typed) or digest_of(typed))
    for one, expected in ((secret, 1), (wrong, None)):
        for _ in range(20):
            assert verify(directory, alice, one) == expected
    assert digests == [secret] * 20 + [wrong] * 20
    assert len(asked) == 40
    assert all(statement.startswith("SELECT ") and "directory_meta" in statement for statement in asked)
