"""Passwords that an upstream directory found right, remembered for all workers of a host.

One slot an account, in memory that is shared when it is made before the workers are forked. A slot holds no password
but a digest of it under a key that lives and dies with the process; the time is part of the digest, so that a slot read
while another worker writes it matches nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import secrets
import struct
import time
from collections.abc import Callable

_SLOT = struct.Struct("<qdd16s")
"""Number of the account, when it was looked at, when its password was found right (0: never), the digest."""


class Memory:
    """What was found upstream lately. Accounts whose numbers fall into one slot push one another out."""

    def __init__(self, slots: int = 65_536, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Make room; on Linux the clock is the same for every process of the host."""
        self._slots = slots
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._data = mmap.mmap(-1, slots * _SLOT.size)

    def remember(self, principal_id: int, password: str) -> None:
        """Keep a password that was found right just now, in place of any other one of the account."""
        now = self._clock()
        digest = self._digest(principal_id, now, password)
        _SLOT.pack_into(self._data, self._place(principal_id), principal_id, now, now, digest)

    def knows(self, principal_id: int, password: str, seconds: float) -> bool:
        """Say whether this password was found right in the last so many seconds."""
        number, _, verified, digest = _SLOT.unpack_from(self._data, self._place(principal_id))
        if number != principal_id or not self._within(verified, seconds):
            return False
        return hmac.compare_digest(digest, self._digest(principal_id, verified, password))

    def has(self, principal_id: int, seconds: float) -> bool:
        """Say whether any password of the account was found right in the last so many seconds."""
        number, _, verified, _ = _SLOT.unpack_from(self._data, self._place(principal_id))
        return number == principal_id and self._within(verified, seconds)

    def forget(self, principal_id: int) -> None:
        """Forget the password of an account."""
        place = self._place(principal_id)
        if _SLOT.unpack_from(self._data, place)[0] == principal_id:
            _SLOT.pack_into(self._data, place, principal_id, self._clock(), 0.0, bytes(16))

    def note(self, principal_id: int) -> None:
        """Note that the account was looked at upstream just now."""
        place = self._place(principal_id)
        number, _, verified, digest = _SLOT.unpack_from(self._data, place)
        if number != principal_id:
            verified, digest = 0.0, bytes(16)
        _SLOT.pack_into(self._data, place, principal_id, self._clock(), verified, digest)

    def noted(self, principal_id: int, seconds: float) -> bool:
        """Say whether it was looked at in the last so many seconds."""
        number, noted, _, _ = _SLOT.unpack_from(self._data, self._place(principal_id))
        return number == principal_id and self._within(noted, seconds)

    def _within(self, then: float, seconds: float) -> bool:
        return then > 0 and 0 <= self._clock() - then < seconds

    def _place(self, principal_id: int) -> int:
        return principal_id % self._slots * _SLOT.size

    def _digest(self, principal_id: int, then: float, password: str) -> bytes:
        data = struct.pack("<qd", principal_id, then) + password.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(data, digest_size=16, key=self._key).digest()
