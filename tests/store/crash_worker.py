"""The process that the crash tests kill: it works on one mailbox and says before and after each call what it does.

    python -m tests.store.crash_worker

is a nursery: for each line of JSON on its standard input (a `Round`) it forks a child, which has everything imported
and nothing open. The child writes lines of JSON to standard output: `["begin", operation]` before a call of the store
and `["done", result]` after it returned, which is the acknowledgement. When the child is gone, the nursery writes
`["end", signal or exit code]`.

With `die_at` the child kills itself (kill -9) at that step, where a step is a point before or after any statement,
commit, fsync or rename: so every gap between two steps of a write is met by some number.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from conversion.mime.rendition import render
from store.errors import StoreError
from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent
from store.mapi.tags import PidTagSubject
from store.messages import Delivery
from store.postgres import PostgresReader, PostgresWork
from store.sqlite import SqliteReader, SqliteWork
from store.store import Store, StoreSettings

INBOX = int(SpecialFolder.INBOX)
SEEN, FLAGGED, DELETED = int(MessageFlag.SEEN), int(MessageFlag.FLAGGED), int(MessageFlag.DELETED)
SIZES = (0, 0, 0, 0, 3_000, 12_000, 300_000)
CROWDED = 60
OPERATIONS = 400


@dataclass(frozen=True)
class Round:
    """What one child does."""

    root: str
    url: str | None
    mailbox_id: int
    guid: str
    seed: int
    die_at: int = 0
    """The step at which it kills itself; 0: never."""

    def settings(self) -> StoreSettings:
        return StoreSettings(root=Path(self.root), url=self.url)

    def ref(self) -> MailboxRef:
        return MailboxRef(self.mailbox_id, UUID(self.guid))

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def raw_message(token: str, size: int) -> bytes:
    """The message that a token stands for: the test makes it again and compares."""
    return f"Subject: {token}\r\nX-Size: {size}\r\n\r\n".encode() + (token.encode() + b"\r\n") * (size // 20 + 1)


def say(*parts: Any) -> None:
    """Write one line in one piece: a kill leaves whole lines."""
    os.write(1, json.dumps(parts).encode() + b"\n")


class _Work:
    """A random user of one mailbox."""

    def __init__(self, store: Store, plan: Round) -> None:
        self.random = Random(plan.seed)
        self.seed = plan.seed
        self.store = store
        self.ref = plan.ref()
        self.box: Mailbox = store.open(self.ref)
        self.count = 0

    def step(self) -> None:
        """Do one random operation."""
        folders = [row for row in self.box.folders() if row.special is None or row.id == INBOX]
        folder = self.random.choice(folders)
        uids = [row.uid for row in self.box.rows(folder.id)]
        choices: list[Callable[[], None]] = [self._folders]
        if len(uids) < CROWDED:
            choices += [
                lambda: self._deliver(folder.id),
                lambda: self._append(folder.id),
                lambda: self._group(folder.id),
                lambda: self._together(folder.id),
            ] * 2
        if uids:
            some = sorted(self.random.sample(uids, min(len(uids), self.random.choice((1, 3, 20)))))
            other = self.random.choice(folders).id
            choices += [lambda: self._flags(folder.id, some)] * 3
            choices += [lambda: self._move(folder.id, some, other), lambda: self._expunge(folder.id)] * 2
            choices += [lambda: self._copy(folder.id, some, other), lambda: self._remove(folder.id, some[:3])]
        self.random.choice(choices)()

    def _token(self) -> tuple[str, int]:
        self.count += 1
        return f"t{self.seed}-{self.count}", self.random.choice(SIZES)

    def _mail(self, folder: int, token: str, size: int, flags: int = 0) -> int:
        made = MessageContent({PidTagSubject: token})
        return self.box.deliver(folder, made, mime=render(raw_message(token, size)), flags=flags).uid

    def _deliver(self, folder: int) -> None:
        token, size = self._token()
        say("begin", ["deliver", folder, [[token, size]], 0])
        say("done", [self._mail(folder, token, size)])

    def _append(self, folder: int) -> None:
        token, size = self._token()
        say("begin", ["deliver", folder, [[token, size]], SEEN | FLAGGED])
        say("done", [self._mail(folder, token, size, SEEN | FLAGGED)])

    def _group(self, folder: int) -> None:
        tokens = [self._token() for _ in range(self.random.randint(2, 5))]
        say("begin", ["deliver", folder, tokens, 0])
        calls = [lambda token=token, size=size: self._mail(folder, token, size) for token, size in tokens]
        say("done", self.store.group(self.ref, calls))

    def _together(self, folder: int) -> None:
        """MULTIAPPEND: all of them or none ([RFC3502] 6.3.11)."""
        tokens = [self._token() for _ in range(self.random.randint(2, 5))]
        say("begin", ["deliver", folder, tokens, FLAGGED])
        made = [Delivery(render(raw_message(token, size)), FLAGGED) for token, size in tokens]
        say("done", [row.uid for row in self.box.deliver_all(folder, made).rows])

    def _flags(self, folder: int, uids: list[int]) -> None:
        add = self.random.choice((SEEN, FLAGGED, DELETED, SEEN | DELETED))
        remove = self.random.choice((0, SEEN, FLAGGED)) & ~add
        say("begin", ["flags", folder, uids, add, remove])
        self.box.set_flags(folder, uids, add=add, remove=remove)
        say("done", None)

    def _copy(self, folder: int, uids: list[int], target: int) -> None:
        say("begin", ["copy", folder, uids, target])
        say("done", self.box.copy(folder, uids, target)[1:])

    def _move(self, folder: int, uids: list[int], target: int) -> None:
        say("begin", ["move", folder, uids, target])
        say("done", self.box.move(folder, uids, target)[1:])

    def _expunge(self, folder: int) -> None:
        uids = [row.uid for row in self.box.rows(folder) if row.flags & DELETED]
        say("begin", ["remove", folder, uids])
        say("done", self.box.expunge(folder))

    def _remove(self, folder: int, uids: list[int]) -> None:
        say("begin", ["remove", folder, uids])
        say("done", self.box.remove_messages(folder, uids))

    def _folders(self) -> None:
        names = [row for row in self.box.folders() if row.special is None]
        path = (self.random.choice("ABC"),)
        if not names or (len(names) < 3 and self.random.random() < 0.7):
            say("begin", ["create", path])
            say("done", self._tried(lambda: self.box.create_folder(path).id))
        elif self.random.random() < 0.3:
            row = self.random.choice(names)
            say("begin", ["rename", row.id, path])
            say("done", self._tried(lambda: self.box.rename_folder(row.id, path) or row.id))
        elif self.random.random() < 0.3:
            row = self.random.choice(names)
            say("begin", ["delete", row.id])
            say("done", self._tried(lambda: self.box.delete_folder(row.id) or row.id))

    def _tried(self, call: Callable[[], int]) -> int | None:
        """Give the result, None when the store refuses: then nothing happened."""
        try:
            return call()
        except StoreError:
            return None


def _die_at(step: int) -> None:
    """Count steps from here on, and die at one."""
    counted = [0]

    def count() -> None:
        counted[0] += 1
        if counted[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def counting(*arguments: Any, **options: Any) -> Any:
            count()
            result = inner(*arguments, **options)
            count()
            return result

        setattr(owner, name, counting)

    for reader, work in ((SqliteReader, SqliteWork), (PostgresReader, PostgresWork)):
        for name in ("one", "all"):
            wrap(reader, name)
        for name in ("run", "many", "command"):
            wrap(work, name)
    wrap(os, "fsync")
    wrap(Path, "rename")
    wrap(Path, "unlink")


def _child(plan: Round) -> None:
    store = Store(plan.settings(), reader=lambda mime, delivered, mailbox: MessageContent({}))
    work = _Work(store, plan)
    if plan.die_at:
        _die_at(plan.die_at)
    for _ in range(OPERATIONS):
        work.step()
    store.close()


def main() -> None:
    """Fork a child for each line of input."""
    for line in sys.stdin:
        plan = Round(**json.loads(line))
        child = os.fork()
        if not child:
            code = 1
            try:
                say("pid", os.getpid())
                _child(plan)
                code = 0
            except BaseException as error:
                say("failed", f"{type(error).__name__}: {error}")
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        say("end", os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
