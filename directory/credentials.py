"""Passwords: Argon2id hashes, and the memory of passwords that were verified lately."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable

import argon2
from argon2 import exceptions as argon2_errors

from directory.errors import WeakOrEmptyPassword

MAX_PASSWORD = 1024
"""Octets of a password; longer ones are refused before any work is done."""


class Hasher:
    """Argon2id ([RFC9106] 4) with the parameters of the settings."""

    def __init__(self, *, memory: int = 19_456, passes: int = 2, lanes: int = 1) -> None:
        """Set the cost: KiB of memory, passes over it, lanes."""
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory, parallelism=lanes)
        self._decoy: str | None = None

    def hash(self, password: str) -> str:
        """Give the PHC text that `verify` knows the password by.

        Raises:
            WeakOrEmptyPassword: it is empty or longer than MAX_PASSWORD.
        """
        data = _prepared(password)
        if data is None:
            raise WeakOrEmptyPassword(f"a password must not be longer than {MAX_PASSWORD} octets")
        if not data:
            raise WeakOrEmptyPassword("a password must not be empty")
        return self._argon2.hash(data)

    def verify(self, phc: str | None, password: str) -> bool:
        """Say whether the password is the one. With no hash at all it takes as long, and the answer is no."""
        data = _prepared(password)
        if not data:
            return False
        if phc is None:
            if self._decoy is None:
                self._decoy = self._argon2.hash(secrets.token_bytes(16))
            phc, data = self._decoy, b"\0" + data
        try:
            return self._argon2.verify(phc, data)
        except (argon2_errors.VerificationError, argon2_errors.InvalidHashError):
            return False

    def outdated(self, phc: str) -> bool:
        """Say whether a hash was made with other parameters than these."""
        return self._argon2.check_needs_rehash(phc)


class VerifiedCache:
    """Remembers, for a while, that a password was right, so that the next sign-in need not pay for Argon2id.

    What is kept is a digest of principal, hash and password under a key that lives and dies with the process. The hash
    is part of it: a changed password is forgotten at once.
    """

    def __init__(self, seconds: float, *, size: int = 50_000, clock: Callable[[], float] = time.monotonic) -> None:
        """Remember for `seconds` (0: never), at most `size` passwords."""
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def knows(self, principal_id: int, phc: str, password: str) -> bool:
        """Say whether this password was verified lately."""
        if not self._until:
            return False
        return self._until.get(self._digest(principal_id, phc, password), 0.0) > self._clock()

    def remember(self, principal_id: int, phc: str, password: str) -> None:
        """Keep a password that was just verified."""
        if self._seconds <= 0:
            return
        now = self._clock()
        with self._lock:
            if len(self._until) >= self._size:
                self._until = {digest: until for digest, until in self._until.items() if until > now}
            if len(self._until) >= self._size:
                self._until.clear()
            self._until[self._digest(principal_id, phc, password)] = now + self._seconds

    def _digest(self, principal_id: int, phc: str, password: str) -> bytes:
        data = b"%d\0%s\0%s" % (principal_id, phc.encode(), _prepared(password) or b"")
        return hashlib.blake2b(data, digest_size=16, key=self._key).digest()


def _prepared(password: str) -> bytes | None:
    """Bring a password to one form, so that it may be typed on any keyboard ([RFC8265] 4.2.2); None: it is too long.

    One that is too long as typed is not looked at: normalising takes time by the square of what a stranger sends.
    """
    if len(password) > MAX_PASSWORD:
        return None
    if not password.isascii():
        password = "".join(" " if unicodedata.category(char) == "Zs" else char for char in password)
        password = unicodedata.normalize("NFC", password)
    data = password.encode("utf-8", "surrogatepass")
    return data if len(data) <= MAX_PASSWORD else None
