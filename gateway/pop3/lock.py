"""The exclusive-access lock on a maildrop, where it is wanted ([RFC1939] 4, [RFC2449] 8.1.2).

A lock is an flock(2) of a file of its own: it holds over all workers of the host, and the kernel lets go of it when a
worker dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Hashable
from pathlib import Path

from store.errors import Unavailable


class MaildropLocks:
    """The locks of all maildrops of a host; `folder` holds a file for each maildrop ever locked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def acquire(self, mailbox: Hashable) -> int | None:
        """Lock a maildrop; None: another session has it. Give the number to `release`. Raises Unavailable."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / f"{mailbox}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(f"cannot lock a maildrop in {self._folder}: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise Unavailable(f"cannot lock a maildrop in {self._folder}: {error}") from error
        return descriptor

    def release(self, descriptor: int) -> None:
        """Unlock."""
        os.close(descriptor)
