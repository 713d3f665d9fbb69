"""Secrets that mechanisms need which never see the password: NT hashes for NTLM, keys for SCRAM-SHA-256.

Both are made from the password when it is set or, for what is still missing then, when somebody has signed in with it.
They are worth as much as a password to whoever gets hold of them, so they are held under the key file only
(directory.sealing). NT hashes are made for nobody but the accounts that opted in. An account without a password here,
such as one that an upstream server verifies, gets neither: they would stay right when the password there has changed.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import stringprep
import struct
import time
import unicodedata
from dataclasses import dataclass, field
from enum import IntEnum

from sqlalchemy import Connection, and_, select

from directory import editing
from directory.errors import InvalidEntry, SecretsUnavailable
from directory.model import Principal, PrincipalKind
from directory.schema import credential, principal, secret
from directory.sealing import make_key
from directory.sqlcore import SqlCore

log = logging.getLogger("oxgate.directory")

SCRAM_ITERATIONS = 10_000
"""PBKDF2 rounds of new SCRAM keys ([RFC7677] 4 asks for 4096 at least); the client computes them at every sign-in."""
SCRAM_SALT = 16
"""Octets of a SCRAM salt."""


class SecretKind(IntEnum):
    """What a row of the table `secret` holds."""

    NT_HASH = 1
    SCRAM_SHA_256 = 2


@dataclass(frozen=True, slots=True)
class ScramSecret:
    """What a server keeps of a password for SCRAM-SHA-256 ([RFC5802] 3, [RFC7677] 3)."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PreparedPassword:
    """All that is kept of a password, made ahead of the transaction that writes it: hashing is slow on purpose."""

    phc: str = field(repr=False)
    """The Argon2id hash."""
    nt_hash: bytes | None = field(repr=False, default=None)
    scram: ScramSecret | None = field(repr=False, default=None)


def nt_hash(password: str) -> bytes:
    """Make the NT hash, NTOWFv1 ([MS-NLMP] 3.3.1): MD4 over the password in UTF-16LE.

    The client hashes what was typed, so nothing is prepared here as it is for Argon2id: no blank is exchanged for
    another. Only the form is NFC, which is what keyboards of Windows give; an administrator's terminal may not.
    """
    from Cryptodome.Hash import MD4  # loaded only for accounts that opt in: it costs 30 ms

    typed = unicodedata.normalize("NFC", password).encode("utf-16le", "surrogatepass")
    return MD4.new(typed).digest()  # noqa: S303 - NTLM knows no other hash; that is why it is sealed, and opt-in


def scram_secret(password: str, salt: bytes, iterations: int = SCRAM_ITERATIONS) -> ScramSecret:
    """Derive the keys of SCRAM-SHA-256 from a password ([RFC5802] 3)."""
    data = saslprep(password).encode("utf-8", "surrogatepass")
    salted = hashlib.pbkdf2_hmac("sha256", data, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    return ScramSecret(salt, iterations, stored_key, hmac.digest(salted, b"Server Key", "sha256"))


def saslprep(password: str) -> str:
    """Prepare a password as SCRAM clients do ([RFC4013], named by [RFC5802] 2.2).

    What the profile prohibits is left as it is rather than refused: so do clients, and the two must agree.
    """
    if password.isascii():
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in password if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    return password if any(map(_is_prohibited, prepared)) or _is_mixed(prepared) else prepared


def _is_prohibited(char: str) -> bool:
    """[RFC4013] 2.3. Code points that Unicode 3.2 did not know are let through (2.5), or no emoji would be prepared."""
    return (
        stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
        or stringprep.in_table_c8(char)
        or stringprep.in_table_c9(char)
    )


def _is_mixed(text: str) -> bool:
    """Whether directions of writing are mixed as [RFC3454] 6 forbids."""
    if not any(map(stringprep.in_table_d1, text)):
        return False
    framed = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return not framed or any(map(stringprep.in_table_d2, text))


@dataclass(frozen=True, slots=True)
class _Held:
    """What the database holds for one account."""

    guid: bytes
    has_password: bool
    rows: dict[int, bytes | None] = field(repr=False)

    @property
    def incomplete(self) -> bool:
        """Whether something wanted is missing that the password would supply."""
        return self.has_password and (None in self.rows.values() or SecretKind.SCRAM_SHA_256 not in self.rows)


_NOTHING = _Held(b"", False, {})


class Secrets(SqlCore):
    """The part of SqlDirectory that keeps passwords and what is made from them."""

    def has_password(self, principal_id: int) -> bool:
        """Say whether an account has a password here."""
        return self._held(principal_id).has_password

    def wants_nt_hash(self, principal_id: int) -> bool:
        """Say whether an account has opted in to an NT hash, filled or not."""
        return SecretKind.NT_HASH in self._held(principal_id).rows

    def nt_hash(self, principal_id: int) -> bytes | None:
        """Give the 16 octets of an account's NT hash; None: not opted in, or not yet filled.

        Raises:
            SecretsUnavailable: the key file is missing or another one.
        """
        return self._unsealed(principal_id, SecretKind.NT_HASH)

    def scram_secret(self, principal_id: int) -> ScramSecret | None:
        """Give an account's keys for SCRAM-SHA-256; None: no password, or none was seen since there is a key file.

        Raises:
            SecretsUnavailable: the key file is missing or another one.
        """
        data = self._unsealed(principal_id, SecretKind.SCRAM_SHA_256)
        return None if data is None else ScramSecret(*_SCRAM.unpack(data))

    def lacks_secrets(self, principal_id: int, *, within: float = 0.0) -> bool:
        """Say whether `fill_secrets` with the account's password would fill something in."""
        return self._held(principal_id, within).incomplete and self.sealer.ready

    def fill_secrets(self, principal_id: int, password: str) -> bool:
        """Make what an account still lacks from its password, which is verified once more unless that was lately.

        False: nothing was wanted, the account has no password here, or this is not it (an app password, say).

        Raises:
            SecretsUnavailable: the key file cannot be used. The sign-in that brought the password is none the worse.
        """
        if not self.lacks_secrets(principal_id):
            return False
        phc = self._hash(principal_id)
        if phc is None:
            return False
        if not self._verified.knows(principal_id, phc, password) and not self.hasher.verify(phc, password):
            return False
        made = self._made(phc, password)
        with self._database.write() as connection:
            if self._hash(principal_id) != phc:  # a new password was set meanwhile, and with it new secrets
                return False
            self._keep(connection, self._fresh(principal_id), made)
        return True

    def enable_nt_hash(self, principal_id: int) -> bool:
        """Opt an account in to an NT hash, which the next password fills in; False: it was.

        Raises:
            UnknownPrincipal, InvalidEntry: no such entry, or it is no user.
            SecretsUnavailable: the key file cannot be used.
        """
        self.sealer.seal(b"", b"")  # better to learn it now than when the password is there
        with self._database.write() as connection:
            entry = self._fresh(principal_id)
            if entry.kind is not PrincipalKind.USER:
                raise InvalidEntry(f"{entry.address} is no user; only users have passwords")
            if SecretKind.NT_HASH in self._held(principal_id).rows:
                return False
            row = {"principal_id": principal_id, "kind": int(SecretKind.NT_HASH), "changed": int(time.time())}
            connection.execute(secret.insert(), row)
        return True

    def disable_nt_hash(self, principal_id: int) -> bool:
        """Opt an account out, and remove its NT hash; False: it had not opted in."""
        row = (secret.c.principal_id == principal_id, secret.c.kind == int(SecretKind.NT_HASH))
        with self._database.write() as connection:
            return connection.execute(secret.delete().where(*row)).rowcount > 0

    def prepare_password(self, password: str) -> PreparedPassword:
        """Do the slow work for a new password, outside of any transaction.

        Raises:
            WeakOrEmptyPassword: it is empty or too long.
        """
        return self._made(self.hasher.hash(password), password)

    def set_password(self, principal_id: int, password: str | PreparedPassword) -> None:
        """Give a user a new password. What it is wanted for beside Argon2id is made anew; the old is gone in any case.

        Raises:
            WeakOrEmptyPassword: it is empty or too long.
            UnknownPrincipal, InvalidEntry: no such entry, or it is no user.
        """
        prepared = self.prepare_password(password) if isinstance(password, str) else password
        with self._database.write() as connection:
            entry = self._fresh(principal_id)
            editing.set_hash(connection, entry, prepared.phc)
            try:
                self._keep(connection, entry, prepared)
            except SecretsUnavailable as error:  # the password itself matters more; the next sign-in tries again
                log.warning("secrets of %s are not filled: %s", entry.address, error)

    def set_password_hash(self, principal_id: int, phc: str) -> None:
        """Give a user a password by its Argon2id hash; the next sign-in with it fills in the rest."""
        self.set_password(principal_id, PreparedPassword(phc))

    def ensure_key(self) -> bool:
        """Make the key file where there is none and nothing is sealed yet; True: it was made.

        Raises:
            SecretsUnavailable: it cannot be written, or it is missing while there are sealed secrets.
        """
        if self.sealer.ready or self.sealer.path is None:
            return False
        if self._column(select(secret.c.kind).where(secret.c.sealed.is_not(None)).limit(1)):
            raise SecretsUnavailable(
                f"the key file {self.sealer.path} is missing, and there are secrets sealed under it: put it back from"
                " the backup or from another host of this server"
            )
        try:
            return make_key(self.sealer.path)
        except OSError as error:
            raise SecretsUnavailable(f"{self.sealer.path} cannot be written: {error.strerror}") from error

    # Inside

    def _made(self, phc: str, password: str) -> PreparedPassword:
        if not self.sealer.ready:
            return PreparedPassword(phc)
        return PreparedPassword(phc, nt_hash(password), scram_secret(password, secrets.token_bytes(SCRAM_SALT)))

    def _held(self, principal_id: int, within: float = 0.0) -> _Held:
        return self._answer(("secrets", principal_id), lambda: self._read_held(principal_id), within)

    def _read_held(self, principal_id: int) -> _Held:
        joined = principal.outerjoin(credential, credential.c.principal_id == principal.c.id).outerjoin(
            secret, secret.c.principal_id == principal.c.id
        )
        statement = select(principal.c.guid, credential.c.hash, secret.c.kind, secret.c.sealed)
        with self._database.read() as connection:
            rows = connection.execute(statement.select_from(joined).where(principal.c.id == principal_id)).all()
        if not rows:
            return _NOTHING
        held = {row.kind: row.sealed and bytes(row.sealed) for row in rows if row.kind is not None}
        return _Held(bytes(rows[0].guid), rows[0].hash is not None, held)

    def _unsealed(self, principal_id: int, kind: SecretKind) -> bytes | None:
        held = self._held(principal_id)
        sealed = held.rows.get(kind) if held.has_password else None
        return None if sealed is None else self.sealer.unseal(sealed, _context(held.guid, kind))

    def _keep(self, connection: Connection, entry: Principal, made: PreparedPassword) -> None:
        """Seal and write what was made, where it is wanted and missing."""
        rows = self._read_held(entry.id).rows
        scram = None if made.scram is None else _packed(made.scram)
        data = {SecretKind.NT_HASH: made.nt_hash, SecretKind.SCRAM_SHA_256: scram}
        for kind, octets in data.items():
            wanted = kind in rows or kind is SecretKind.SCRAM_SHA_256
            if octets is None or not wanted or rows.get(kind) is not None:
                continue
            values = {"sealed": self.sealer.seal(octets, _context(entry.guid.bytes, kind)), "changed": int(time.time())}
            if kind in rows:
                row = and_(secret.c.principal_id == entry.id, secret.c.kind == int(kind))
                connection.execute(secret.update().where(row).values(**values))
            else:
                connection.execute(secret.insert(), {"principal_id": entry.id, "kind": int(kind), **values})


_SCRAM = struct.Struct(f">{SCRAM_SALT}sI32s32s")


def _packed(made: ScramSecret) -> bytes:
    return _SCRAM.pack(made.salt, made.iterations, made.stored_key, made.server_key)


def _context(guid: bytes, kind: SecretKind) -> bytes:
    return guid + bytes([kind])
