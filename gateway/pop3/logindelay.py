"""The least time between two sign-ins of one user to one maildrop ([RFC2449] 6.5, 8.1.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from directory.networks import Networks
from gateway.runtime.sharedcounters import SharedCounters
from gateway.services.logon import Logon


class LoginDelay:
    """Remembers sign-ins in memory that all workers share.

    Two sign-ins in the same instant at two workers may both be let in. Networks in `trusted`, such as the webmail's,
    are exempt.
    """

    def __init__(
        self,
        seconds: int,
        counters: SharedCounters,
        trusted: Sequence[str] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self._table = counters.known  # only those who have signed in write there
        self._key = counters.key
        self._trusted = Networks(trusted)
        self._clock = clock

    def wait(self, logon: Logon, address: str) -> int:
        """Give the whole seconds for which the user has to wait yet; 0: come in."""
        if address in self._trusted:
            return 0
        age = self._table.age(self._key_of(logon), self._clock())
        return int(self.seconds - age) if age < self.seconds else 0

    def entered(self, logon: Logon, address: str) -> None:
        """Note a sign-in that was let in."""
        if address not in self._trusted:
            self._table.add(self._key_of(logon), float(self.seconds), self._clock())

    def _key_of(self, logon: Logon) -> int:
        return self._key("pop3", str(logon.user.id), str(logon.ref.id))
