"""App passwords: one secret a device, with its own scope and end, that can be revoked without touching the others.

A secret is random and long, so a plain SHA-256 digest is enough to keep of it: there is nothing to guess, and verifying
costs microseconds where a password that a person chose costs tens of milliseconds.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, or_, select

from directory.errors import InvalidEntry, ProviderError
from directory.model import PrincipalKind
from directory.names import checked_text
from directory.schema import app_password
from directory.sqlcore import SqlCore

log = logging.getLogger("oxgate.directory")

SCOPES = frozenset({"imap", "pop3", "smtp", "ldap", "http"})
"""What an app password may be limited to: PeerInfo.protocol."""
MAX_APP_PASSWORDS = 100
"""App passwords of one account."""
LABEL = 100
"""Octets of a label."""
USE_SECONDS = 60.0
"""The last use of an app password is noted at most this often."""
FLUSH_SECONDS = 1.0
"""How long a noted use may wait to be written."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUPS, _GROUP = 7, 4  # 28 characters of 5 bits: 140 bits
_READ = str.maketrans("ilo", "110", "- ")


@dataclass(frozen=True, slots=True)
class AppPassword:
    """One app password; the secret itself is kept nowhere. Times are Unix seconds."""

    number: int
    """Never given twice."""
    principal_id: int
    label: str
    scopes: frozenset[str]
    """The protocols it works for; empty: all of them."""
    created: float
    expires: float | None
    used_at: float | None = None
    """The last use, at most a minute off."""
    used_from: str = ""
    """The client's address then."""

    def refusal(self, scope: str, now: float) -> str:
        """Say why it does not open a protocol at a time; empty when it does. For the log."""
        if self.expires is not None and now >= self.expires:
            return f"app password {self.number} has expired"
        if self.scopes and scope not in self.scopes:
            return f"app password {self.number} is not for {scope}"
        return ""


def new_secret() -> str:
    """Make a secret of 140 bits, in groups that can be read out and typed: no i, l, o or u."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def digest_of(text: str) -> bytes | None:
    """Give what a secret is found by; None: the text has not the form of one, as most passwords have not.

    Dashes, blanks and case do not count, and what is easily misread is read as what it must be ([RFC4648] 3.4).
    """
    if len(text) < _GROUPS * _GROUP or len(text) > 2 * _GROUPS * _GROUP or not text.isascii():
        return None
    plain = text.lower().translate(_READ)
    return hashlib.sha256(plain.encode()).digest() if len(plain) == _GROUPS * _GROUP else None


class AppPasswords(SqlCore):
    """The part of SqlDirectory that keeps app passwords."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._uses = LastUses(self._write_uses)

    def add_app_password(
        self, principal_id: int, label: str, *, scopes: Collection[str] = frozenset(), expires: float | None = None
    ) -> tuple[AppPassword, str]:
        """Make an app password; give it with its secret, which nobody can ask for again.

        Raises:
            UnknownPrincipal, InvalidEntry: no such entry, it is no user, or a label, scope or number that cannot be.
        """
        label = checked_text(label, "a label", LABEL)
        if not label:
            raise InvalidEntry("a label must say what the app password is for, such as the device")
        unknown = sorted(set(scopes) - SCOPES)
        if unknown:
            raise InvalidEntry(f"{unknown[0][:40]} is no scope; scopes are {', '.join(sorted(SCOPES))}")
        text = new_secret()
        row: dict[str, Any] = {
            "principal_id": principal_id,
            "label": label,
            "digest": digest_of(text),
            "scopes": " ".join(sorted(scopes)),
            "created": int(time.time()),
            "expires": None if expires is None else int(expires),
            "used_from": "",
        }
        with self._database.write() as connection:
            entry = self._fresh(principal_id)
            if entry.kind is not PrincipalKind.USER:
                raise InvalidEntry(f"{entry.address} is no user; only users have app passwords")
            if len(self._read_app_passwords(principal_id)) >= MAX_APP_PASSWORDS:
                raise InvalidEntry(f"{entry.address} has {MAX_APP_PASSWORDS} app passwords; revoke one first")
            row["number"] = self._database.counter(connection, "next_app_password")
            connection.execute(app_password.insert(), row)
        made = AppPassword(row["number"], principal_id, label, frozenset(scopes), row["created"], row["expires"])
        return made, text

    def app_passwords(self, principal_id: int) -> list[AppPassword]:
        """List an account's app passwords in the order in which they were made, the expired ones too."""
        if not self._database.writing:  # inside a batch its own thread writes them, afterwards
            self._uses.flush()
        return sorted(self._read_app_passwords(principal_id).values(), key=lambda one: one.number)

    def revoke_app_password(self, principal_id: int, number: int) -> bool:
        """Remove an app password: it opens nothing from now on. False: the account has none of that number."""
        row = (app_password.c.principal_id == principal_id, app_password.c.number == number)
        with self._database.write() as connection:
            return connection.execute(app_password.delete().where(*row)).rowcount > 0

    def verify_app_password(self, principal_id: int, secret: str, scope: str, *, address: str) -> AppPassword | None:
        """Find the app password that a secret belongs to, when it is in force for a protocol, and note its use.

        Quick, whether the answer is yes or no. What it says of the last use is as old as the directory's generation.
        """
        found = self._find_app_password(principal_id, secret)
        if found is None:
            return None
        now = time.time()
        if found.refusal(scope, now):
            return None
        self._uses.note(found.number, now, address)
        return found

    def explain_app_password(self, principal_id: int, secret: str, scope: str) -> str:
        """Say, for the log, why a secret was refused that is an app password of the account; empty: it is none."""
        found = self._find_app_password(principal_id, secret)
        return "" if found is None else found.refusal(scope, time.time())

    def close(self) -> None:
        """Write the last uses, and let go of the database."""
        self._uses.close()
        super().close()

    # Inside

    def _find_app_password(self, principal_id: int, secret: str) -> AppPassword | None:
        digest = digest_of(secret)
        if digest is None:
            return None
        held = self._answer(("app passwords", principal_id), lambda: self._read_app_passwords(principal_id))
        return held.get(digest)

    def _read_app_passwords(self, principal_id: int) -> dict[bytes, AppPassword]:
        statement = select(app_password).where(app_password.c.principal_id == principal_id)
        with self._database.read() as connection:
            return {bytes(row.digest): _app_password(row) for row in connection.execute(statement)}

    def _write_uses(self, uses: dict[int, tuple[float, str]]) -> None:
        """Write last uses. Nobody remembers them by the generation, which stays: a sign-in must not empty caches."""
        with self._database.write(quiet=True) as connection:
            for number, (at, address) in uses.items():
                older = or_(app_password.c.used_at.is_(None), app_password.c.used_at < int(at))
                update = app_password.update().where(app_password.c.number == number, older)
                connection.execute(update.values(used_at=int(at), used_from=address))


class LastUses:
    """Collects last uses and writes them together from a thread of its own: a sign-in waits for no disk."""

    def __init__(self, write: Callable[[dict[int, tuple[float, str]]], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._noted: dict[int, float] = {}
        self._waiting: dict[int, tuple[float, str]] = {}
        self._timer: threading.Timer | None = None
        self._closed = False

    def note(self, number: int, now: float, address: str) -> None:
        """Note a use, unless one was noted lately."""
        if 0 <= now - self._noted.get(number, -USE_SECONDS) < USE_SECONDS:
            return
        with self._lock:
            self._noted[number] = now
            self._waiting[number] = (now, address)
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what waits. What cannot be written is left out: it is a convenience, and never fails a sign-in."""
        with self._flushing:
            with self._lock:
                uses, self._waiting, self._timer = self._waiting, {}, None
            if not uses:
                return
            try:
                self._write(uses)
            except ProviderError as error:
                log.warning("the last use of %d app passwords is not noted: %s", len(uses), error)

    def close(self) -> None:
        """Write what waits, and stop."""
        with self._lock:
            self._closed = True
            timer = self._timer
        if timer is not None:
            timer.cancel()
        self.flush()


def _app_password(row: Row[Any]) -> AppPassword:
    return AppPassword(
        number=row.number,
        principal_id=row.principal_id,
        label=row.label,
        scopes=frozenset(row.scopes.split()),
        created=row.created,
        expires=row.expires,
        used_at=row.used_at,
        used_from=row.used_from,
    )
