"""NT hashes and SCRAM keys: how they are made, kept and kept secret. [MS-NLMP] 3.3.1, [RFC5802] 3, [RFC7677] 3."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import stat
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from directory.errors import InvalidEntry, ProviderError, SecretsUnavailable, UnknownPrincipal
from directory.model import PrincipalKind
from directory.schema import credential, secret
from directory.sealing import KEY_FILE, Sealer, make_key
from directory.secrets import SCRAM_ITERATIONS, SCRAM_SALT, nt_hash, saslprep, scram_secret
from directory.sql import SqlDirectory

from .conftest import CHEAP, DOMAINS

PASSWORD = "Password"
PASSWORD_NT = bytes.fromhex("a4f49c406510bdcab6824ee7c30fd852")
"""[MS-NLMP] 4.2.2.1.2."""


@pytest.fixture
def key(tmp_path) -> Path:
    path = tmp_path / "keys" / "secrets.key"
    make_key(path)
    return path


@pytest.fixture
def build(place, key):
    opened = []

    def build(key=key, **more) -> SqlDirectory:
        made = SqlDirectory(place, domains=DOMAINS, hasher=CHEAP, recheck=0, key=key, **more)
        opened.append(made)
        return made

    yield build
    for one in opened:
        one.close()


@pytest.fixture
def directory(build) -> SqlDirectory:
    return build()


@pytest.fixture
def alice(directory):
    return directory.add_user("alice@example.test", password=PASSWORD)


# How they are made


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("Password", "a4f49c406510bdcab6824ee7c30fd852"),
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("password", "8846f7eaee8fb117ad06bdd830b7586c"),
    ],
)
def test_nt_hashes(password, expected):
    assert nt_hash(password).hex() == expected


def test_an_nt_hash_is_over_what_was_typed():
    """Both forms of a letter are one key on the keyboard; two kinds of blank are two keys."""
    assert nt_hash("cafe\u0301") == nt_hash("caf\u00e9")
    assert nt_hash("a\u00a0b") != nt_hash("a b")
    assert nt_hash("\U0001f511") == nt_hash("\ud83d\udd11") != nt_hash("\ud83d")


def test_scram_keys_of_the_example():
    """[RFC7677] 3: the proof and the signature of the example hold with the keys that we keep."""
    made = scram_secret("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    first = f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    message = f"n=user,r=rOprNGfwEbeRWgbNEkqO,{first},c=biws,r={nonce}".encode()
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = hmac.digest(made.stored_key, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    assert hashlib.sha256(client_key).digest() == made.stored_key
    verifier = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert hmac.digest(made.server_key, message, "sha256") == verifier


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0007", "\u0007"),
        ("\u00aa\u0007", "\u00aa\u0007"),
        ("\u0627\u0031", "\u0627\u0031"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("\u0627a\u00aa\u0628", "\u0627a\u00aa\u0628"),
        ("\U0001f511\u2168", "\U0001f511IX"),
    ],
)
def test_preparation_for_scram(password, prepared):
    """[RFC4013] 3; what the profile prohibits stays as it is."""
    assert saslprep(password) == prepared


# The key file


def test_the_key_file_is_for_its_owner_and_never_overwritten(tmp_path):
    path = tmp_path / KEY_FILE
    assert make_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    before = path.read_bytes()
    assert len(before) == 32
    assert not make_key(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_what_is_sealed_opens_for_its_context_and_key_only(key, tmp_path):
    """[RFC5116] 2.1: what is authenticated with the plaintext must be the same when it is opened."""
    sealer = Sealer(key)
    sealed = sealer.seal(b"sixteen octets..", b"alice")
    assert b"sixteen" not in sealed
    assert sealer.seal(b"sixteen octets..", b"alice") != sealed
    assert Sealer(key).unseal(sealed, b"alice") == b"sixteen octets.."
    make_key(tmp_path / "other.key")
    turned = bytearray(sealed)
    turned[20] ^= 1
    for wrong, context, one in (
        (sealed, b"bob", sealer),
        (sealed, b"alice", Sealer(tmp_path / "other.key")),
        (bytes(turned), b"alice", sealer),
        (b"\x02" + sealed[1:], b"alice", sealer),
        (sealed[:9], b"alice", sealer),
        (b"", b"alice", sealer),
    ):
        with pytest.raises(SecretsUnavailable, match="not sealed under"):
            one.unseal(wrong, context)


def test_a_key_for_another_purpose_is_always_the_same(key, tmp_path):
    one = Sealer(key).derive("scram decoys")
    assert len(one) == 32
    assert one == Sealer(key).derive("scram decoys")
    assert one != Sealer(key).derive("another")
    assert one != key.read_bytes()
    make_key(tmp_path / "other.key")
    assert one != Sealer(tmp_path / "other.key").derive("scram decoys")
    with pytest.raises(SecretsUnavailable):
        Sealer(tmp_path / "none.key").derive("scram decoys")


def test_a_key_file_that_cannot_be_used_is_told_with_its_mend(tmp_path):
    with pytest.raises(SecretsUnavailable, match="no key file"):
        Sealer(None).seal(b"x", b"")
    missing = tmp_path / "secrets.key"
    sealer = Sealer(missing)
    assert not sealer.ready
    with pytest.raises(SecretsUnavailable, match="nt-hash enable") as error:
        sealer.seal(b"x", b"")
    assert str(missing) in str(error.value)
    missing.write_bytes(bytes(31))
    missing.chmod(0o600)
    with pytest.raises(SecretsUnavailable, match="32 octets"):
        sealer.seal(b"x", b"")
    missing.write_bytes(bytes(32))
    missing.chmod(0o604)
    with pytest.raises(SecretsUnavailable, match="chmod 600"):
        sealer.seal(b"x", b"")
    missing.chmod(0o640)
    assert sealer.unseal(sealer.seal(b"x", b""), b"") == b"x"
    missing.unlink()
    missing.mkdir()
    with pytest.raises(SecretsUnavailable, match="cannot be read"):
        Sealer(missing).seal(b"x", b"")


def test_the_key_file_lies_beside_a_sqlite_file_unless_told_otherwise(tmp_path):
    directory = SqlDirectory(tmp_path / "directory.sqlite", domains=DOMAINS, hasher=CHEAP)
    assert directory.sealer.path == tmp_path / KEY_FILE
    assert directory.ensure_key()
    assert not directory.ensure_key()
    directory.close()


def test_a_lost_key_file_is_not_replaced(build, key, alice):
    assert alice
    before = key.read_bytes()
    key.unlink()
    again = build()
    with pytest.raises(SecretsUnavailable, match="put it back"):
        again.ensure_key()
    with pytest.raises(SecretsUnavailable, match="no key file"):
        again.scram_secret(alice.id)
    key.write_bytes(before)
    key.chmod(0o600)
    assert again.scram_secret(alice.id) is not None


# What is kept of a password


def test_a_password_brings_scram_keys_and_an_nt_hash_only_where_wanted(directory, build, alice):
    bob = directory.add_user("bob@example.test", password=PASSWORD, nt_hash=True)
    assert not directory.wants_nt_hash(alice.id)
    assert directory.nt_hash(alice.id) is None
    assert directory.wants_nt_hash(bob.id)
    assert directory.nt_hash(bob.id) == build().nt_hash(bob.id) == PASSWORD_NT
    for one in (alice, bob):
        kept = directory.scram_secret(one.id)
        assert kept == build().scram_secret(one.id)
        assert kept == scram_secret(PASSWORD, kept.salt)
        assert (len(kept.salt), kept.iterations) == (SCRAM_SALT, SCRAM_ITERATIONS)
        assert not directory.lacks_secrets(one.id)
    assert directory.scram_secret(alice.id).salt != directory.scram_secret(bob.id).salt


def test_nobody_has_no_secrets(directory):
    carol = directory.add_user("carol@example.test")
    for number in (0, 12345, carol.id):
        assert directory.nt_hash(number) is None
        assert directory.scram_secret(number) is None
        assert not directory.wants_nt_hash(number)
        assert not directory.lacks_secrets(number)
        assert not directory.has_password(number)
        assert not directory.fill_secrets(number, PASSWORD)


def test_the_next_sign_in_fills_in_what_is_wanted(directory, build, alice):
    assert directory.enable_nt_hash(alice.id)
    assert not directory.enable_nt_hash(alice.id)
    assert directory.wants_nt_hash(alice.id)
    assert directory.nt_hash(alice.id) is None
    assert directory.lacks_secrets(alice.id)
    assert not directory.fill_secrets(alice.id, "wrong")
    assert directory.nt_hash(alice.id) is None
    scram = directory.scram_secret(alice.id)
    other = build()
    assert other.lacks_secrets(alice.id)
    assert directory.verify_password(alice.id, PASSWORD)
    assert directory.fill_secrets(alice.id, PASSWORD)
    assert other.nt_hash(alice.id) == PASSWORD_NT
    assert directory.scram_secret(alice.id) == scram
    assert not other.lacks_secrets(alice.id)
    generation = directory.generation()
    assert not directory.fill_secrets(alice.id, PASSWORD)
    assert directory.generation() == generation


def test_to_fill_in_verifies_the_password_where_nothing_is_remembered(build, alice):
    directory = build(remember=0)
    directory.enable_nt_hash(alice.id)
    assert not directory.fill_secrets(alice.id, "wrong")
    assert directory.fill_secrets(alice.id, PASSWORD)
    assert directory.nt_hash(alice.id) == PASSWORD_NT


def test_a_new_password_ends_the_old_secrets(directory, alice):
    directory.enable_nt_hash(alice.id)
    directory.fill_secrets(alice.id, PASSWORD)
    old = directory.scram_secret(alice.id)
    directory.set_password(alice.id, "other")
    assert directory.nt_hash(alice.id) == nt_hash("other")
    new = directory.scram_secret(alice.id)
    assert new.salt != old.salt
    assert new == scram_secret("other", new.salt)


def test_a_password_that_comes_as_a_hash_empties_them(directory, alice):
    directory.enable_nt_hash(alice.id)
    directory.fill_secrets(alice.id, PASSWORD)
    directory.set_password_hash(alice.id, CHEAP.hash("other"))
    assert directory.nt_hash(alice.id) is None
    assert directory.scram_secret(alice.id) is None
    assert directory.wants_nt_hash(alice.id)
    assert not directory.fill_secrets(alice.id, PASSWORD)
    assert directory.fill_secrets(alice.id, "other")
    assert directory.nt_hash(alice.id) == nt_hash("other")


def test_a_password_that_changes_while_secrets_are_made_wins(directory, build, alice, monkeypatch):
    directory.enable_nt_hash(alice.id)
    made = directory._made

    def slow(phc, password):
        build().set_password(alice.id, "other")
        return made(phc, password)

    monkeypatch.setattr(directory, "_made", slow)
    assert not directory.fill_secrets(alice.id, PASSWORD)
    assert directory.nt_hash(alice.id) == nt_hash("other")


def test_without_a_password_here_nothing_that_was_made_from_one_counts(directory, alice):
    """As when an upstream server takes over: what was made from the old password must not open the account."""
    directory.enable_nt_hash(alice.id)
    directory.fill_secrets(alice.id, PASSWORD)
    with directory._database.write() as connection:
        connection.execute(credential.delete())
    assert not directory.has_password(alice.id)
    assert directory.nt_hash(alice.id) is None
    assert directory.scram_secret(alice.id) is None
    assert not directory.fill_secrets(alice.id, PASSWORD)


def test_opting_out_removes_the_hash(directory, alice):
    directory.enable_nt_hash(alice.id)
    directory.fill_secrets(alice.id, PASSWORD)
    assert directory.disable_nt_hash(alice.id)
    assert not directory.disable_nt_hash(alice.id)
    assert directory.nt_hash(alice.id) is None
    assert not directory.wants_nt_hash(alice.id)
    assert directory.scram_secret(alice.id) is not None
    directory.set_password(alice.id, "other")
    assert directory.nt_hash(alice.id) is None


def test_only_users_opt_in(directory):
    shared = directory.add(PrincipalKind.SHARED, "sales@example.test")
    with pytest.raises(InvalidEntry):
        directory.enable_nt_hash(shared.id)
    with pytest.raises(UnknownPrincipal):
        directory.enable_nt_hash(999)


def test_secrets_stay_with_a_disabled_account_and_go_with_a_removed_one(directory, alice):
    directory.enable_nt_hash(alice.id)
    directory.fill_secrets(alice.id, PASSWORD)
    directory.set_enabled(alice.id, False)
    assert directory.nt_hash(alice.id) == PASSWORD_NT
    directory.remove(alice.id)
    assert directory.nt_hash(alice.id) is None
    assert directory.scram_secret(alice.id) is None
    assert directory._column(select(func.count()).select_from(secret)) == [0]


def test_a_prepared_password_serves_in_a_batch(directory):
    prepared = directory.prepare_password(PASSWORD)
    with directory.batch():
        made = directory.add_user("bob@example.test", password=prepared, nt_hash=True)
        assert directory.nt_hash(made.id) == PASSWORD_NT
    assert directory.verify_password(made.id, PASSWORD)
    assert directory.nt_hash(made.id) == PASSWORD_NT


# Without a key file


def test_passwords_work_without_a_key_file(build, tmp_path, caplog):
    directory = build(tmp_path / "none.key")
    alice = directory.add_user("alice@example.test", password=PASSWORD)
    assert directory.verify_password(alice.id, PASSWORD)
    assert directory.scram_secret(alice.id) is None
    assert not directory.lacks_secrets(alice.id)
    with pytest.raises(SecretsUnavailable):
        directory.enable_nt_hash(alice.id)
    assert directory.ensure_key()
    assert directory.lacks_secrets(alice.id)
    assert directory.fill_secrets(alice.id, PASSWORD)
    assert directory.scram_secret(alice.id) is not None


def test_a_key_file_that_became_unusable_hinders_no_password(build, alice, key, tmp_path, caplog):
    """The old secrets go even so: they belong to the password that is no more."""
    build().enable_nt_hash(alice.id)
    build().fill_secrets(alice.id, PASSWORD)
    (tmp_path / "short.key").write_bytes(b"short")
    (tmp_path / "short.key").chmod(0o600)
    crippled = build(tmp_path / "short.key")
    with caplog.at_level(logging.WARNING):
        crippled.set_password(alice.id, "other")
    assert "32 octets" in caplog.text
    assert "other" not in caplog.text
    assert crippled.verify_password(alice.id, "other")
    assert build().nt_hash(alice.id) is None
    assert build().fill_secrets(alice.id, "other")
    with pytest.raises(ProviderError):
        crippled.nt_hash(alice.id)


def test_a_row_copied_to_another_account_opens_nothing(directory, alice):
    bob = directory.add_user("bob@example.test", password="other", nt_hash=True)
    directory.enable_nt_hash(alice.id)
    directory.fill_secrets(alice.id, PASSWORD)
    with directory._database.write() as connection:
        connection.execute(secret.delete().where(secret.c.principal_id == bob.id))
        connection.execute(secret.update().where(secret.c.principal_id == alice.id).values(principal_id=bob.id))
    with pytest.raises(SecretsUnavailable):
        directory.nt_hash(bob.id)
    with pytest.raises(SecretsUnavailable):
        directory.scram_secret(bob.id)


# Nothing of it is shown


def test_reprs_and_files_show_nothing(directory, place):
    typed = "Zebra-crossing-17"
    alice = directory.add_user("alice@example.test", password=typed, nt_hash=True)
    scram = directory.scram_secret(alice.id)
    prepared = directory.prepare_password(typed)
    held = directory._held(alice.id)
    for shown in (scram, prepared, held):
        text = repr(shown)
        for hidden in (scram.stored_key, scram.server_key, nt_hash(typed)):
            assert repr(hidden)[2:-1] not in text
        assert "argon2" not in text
        assert typed not in text
    if isinstance(place, Path):
        kept = b"".join(file.read_bytes() for file in place.parent.glob("directory.sqlite*"))
        for hidden in (scram.stored_key, scram.server_key, nt_hash(typed), typed.encode()):
            assert hidden not in kept


def test_errors_of_the_database_name_no_values(directory):
    """What is written may be a hash, and errors end in logs."""
    row = {"principal_id": 1, "kind": 1, "sealed": b"hidden-octets", "changed": 0}

    def twice():
        with directory._database.write() as connection:
            connection.execute(secret.insert(), row)
            connection.execute(secret.insert(), row)

    with pytest.raises(ProviderError) as error:
        twice()
    cause = error.value.__cause__
    assert isinstance(cause, DBAPIError)
    assert "hidden-octets" not in f"{error.value} {cause}"
