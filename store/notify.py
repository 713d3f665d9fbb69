"""Hints that leave the process: through FIFOs to the other workers, by LISTEN/NOTIFY to the other hosts.

A hint is a `Touched`: mailbox, folder, change number. It carries no content and may be lost; whoever gets one reads the
change log from where it stands (docs/decisions/0011). Nothing here blocks and nothing here raises for a peer that is
slow, full or gone.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import queue
import secrets
import stat
import struct
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final

from store.changes import Touched

if TYPE_CHECKING:
    import psycopg

_HINT: Final = struct.Struct("<qqq")
_BATCH: Final = 64
"""Hints in one write or notification: well below PIPE_BUF, so that writes of several peers do not mix."""
_READ: Final = _HINT.size * 2048
_CAPACITY: Final = 1 << 20
"""Octets that a FIFO is asked to hold; 64 KiB where the system refuses."""
_RESCAN: Final = 1.0
"""Seconds after which the directory is read again although nothing seemed to have changed."""
_SUFFIX: Final = ".hints"


def encode(hints: Iterable[Touched]) -> bytes:
    """Pack hints, 24 octets each."""
    return b"".join([_HINT.pack(*hint) for hint in hints])


def decode(data: bytes) -> list[Touched]:
    """Unpack hints; octets that are no whole hint at the end are dropped."""
    return [Touched(*fields) for fields in _HINT.iter_unpack(data[: len(data) // _HINT.size * _HINT.size])]


def merge(hints: Iterable[Touched]) -> list[Touched]:
    """Keep the highest change number of each folder: a later hint says all that an earlier one said."""
    latest: dict[tuple[int, int], int] = {}
    for mailbox_id, folder_id, cn in hints:
        key = (mailbox_id, folder_id)
        if cn > latest.get(key, -1):
            latest[key] = cn
    return [Touched(*key, cn) for key, cn in latest.items()]


class HintPipe:
    """A worker's inbox for hints, a FIFO in a directory that all workers of the host share.

    `fileno` becomes readable when hints are there; `receive` takes them. `publish` writes to every other FIFO in the
    directory; what a full peer does not take is dropped, and the file of a dead peer is removed.

    A FIFO holds tens of thousands of hints. A Unix datagram socket would hold ten (net.unix.max_dgram_qlen), fewer than
    one group commit can send.
    """

    def __init__(self, directory: Path, name: str) -> None:
        """Make the FIFO `directory/name.<random>.hints`. Raises OSError.

        It is opened under another name: peers take a FIFO of that name that nobody reads for a dead peer's.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._path = directory / f"{name}.{secrets.token_hex(4)}{_SUFFIX}"
        self._peers: dict[str, int] = {}
        self._seen = (0, 0.0)
        self._lock = threading.Lock()
        made = self._path.with_suffix(".new")
        os.mkfifo(made, 0o600)
        with contextlib.ExitStack() as undo:
            undo.callback(made.unlink)
            # Open for writing too: the FIFO never comes to an end when the last peer goes.
            self._reader = os.open(made, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            undo.callback(os.close, self._reader)
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _CAPACITY)
            os.rename(made, self._path)
            undo.pop_all()

    def fileno(self) -> int:
        """Give the descriptor to watch for reading."""
        return self._reader

    def receive(self) -> list[Touched]:
        """Take all hints that are there, merged; none if nothing is there."""
        hints: list[Touched] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                data = os.read(self._reader, _READ)
                hints += decode(data)
                if len(data) < _READ:
                    break
        return merge(hints)

    def publish(self, *hints: Touched) -> None:
        """Send hints to the other workers. May be called in any thread."""
        with self._lock:
            self._rescan()
            for start in range(0, len(hints), _BATCH):
                data = encode(hints[start : start + _BATCH])
                for name, descriptor in list(self._peers.items()):
                    self._send(name, descriptor, data)

    def _send(self, name: str, descriptor: int, data: bytes) -> None:
        try:
            os.write(descriptor, data)  # so short a write is whole or not at all
        except BlockingIOError:
            return
        except OSError:
            self._forget(name)

    def _forget(self, name: str) -> None:
        """Let go of a peer that is gone, and remove its file."""
        descriptor = self._peers.pop(name, None)
        with contextlib.suppress(OSError):
            if descriptor is not None:
                os.close(descriptor)
        with contextlib.suppress(OSError):
            (self._directory / name).unlink()

    def _rescan(self) -> None:
        """Look for peers when the directory changed, and now and then, for its clock may be too coarse to say."""
        try:
            changed, now = self._directory.stat().st_mtime_ns, monotonic()
            if changed == self._seen[0] and now - self._seen[1] < _RESCAN:
                return
            names = {name for name in os.listdir(self._directory) if name.endswith(_SUFFIX)} - {self._path.name}
        except OSError:
            return
        self._seen = (changed, now)
        for name in names - self._peers.keys():
            self._join(name)
        for name in self._peers.keys() - names:
            self._forget(name)

    def _join(self, name: str) -> None:
        path = self._directory / name
        try:
            if not stat.S_ISFIFO(path.stat().st_mode):
                return
            self._peers[name] = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nobody has it open for reading
                self._forget(name)

    def close(self) -> None:
        """Close the FIFO and remove its file."""
        with self._lock:
            with contextlib.suppress(OSError):
                self._path.unlink()
            for descriptor in (self._reader, *self._peers.values()):
                with contextlib.suppress(OSError):
                    os.close(descriptor)
            self._peers.clear()
            self._seen = (0, 0.0)

    def __enter__(self) -> HintPipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_CHANNEL: Final = "oxgate_hints"
_POLL: Final = 0.25
_RETRY: Final = (0.1, 5.0)
"""Seconds to wait before connecting again: first, and at most."""


class PostgresHints:
    """Hints between hosts by LISTEN/NOTIFY. Two threads: one listens, one notifies, each on a connection of its own.

    `receive` is called in the listening thread with hints of other hosts; own ones are left out. A connection that is
    lost is made again; `reconnected` is called then, for hints were lost meanwhile.
    """

    def __init__(
        self,
        url: str,
        receive: Callable[[list[Touched]], None],
        *,
        reconnected: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = url
        self._receive = receive
        self._reconnected = reconnected
        self._own = secrets.token_hex(8)
        self._stop = threading.Event()
        self._listening = threading.Event()
        self._waiting: queue.Queue[Touched | None] = queue.Queue(maxsize=10_000)
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=f"hints-{work.__name__.strip('_')}", daemon=True)
            for work in (self._listen, self._notify)
        ]

    def start(self) -> None:
        """Start the threads; nothing is raised when the database is away, they go on trying."""
        for thread in self._threads:
            thread.start()

    def wait_listening(self, seconds: float) -> bool:
        """Wait until hints of others are heard; tell whether they are."""
        return self._listening.wait(seconds)

    def publish(self, *hints: Touched) -> None:
        """Hand hints to the notifying thread; dropped when it is far behind. May be called in any thread."""
        with contextlib.suppress(queue.Full):
            for hint in hints:
                self._waiting.put_nowait(hint)

    def close(self) -> None:
        """Stop the threads."""
        self._stop.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)

    def _run(self, work: Callable[[psycopg.Connection[tuple[object, ...]]], None]) -> None:
        import psycopg  # the driver is loaded only where it is used

        pause, most = _RETRY
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=10) as connection:
                    pause = _RETRY[0]
                    work(connection)
            except (psycopg.Error, OSError):
                self._stop.wait(pause)
                pause = min(most, pause * 2)

    def _listen(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        connection.execute(f"LISTEN {_CHANNEL}")
        if self._listening.is_set():
            self._reconnected()
        self._listening.set()
        while not self._stop.is_set():
            hints: list[Touched] = []
            for notice in connection.notifies(timeout=_POLL, stop_after=1):
                hints += self._parse(notice.payload)
            if hints:
                self._receive(merge(hints))

    def _parse(self, payload: str) -> list[Touched]:
        sender, _, packed = payload.partition(":")
        if sender == self._own:
            return []
        try:
            return decode(bytes.fromhex(packed))
        except ValueError:
            return []

    def _notify(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        while not self._stop.is_set():
            try:
                first = self._waiting.get(timeout=_POLL)
            except queue.Empty:
                continue
            hints = [] if first is None else [first]
            with contextlib.suppress(queue.Empty):
                while len(hints) < _BATCH:
                    hint = self._waiting.get_nowait()
                    if hint is not None:
                        hints.append(hint)
            if hints:
                packed = encode(merge(hints)).hex()
                connection.execute("SELECT pg_notify(%s, %s)", (_CHANNEL, f"{self._own}:{packed}"))
