"""kill -9 under load: nothing acknowledged is lost, no UID is used twice, fsck finds nothing (invariants 1 to 8).

OXGATE_CRASH_ROUNDS sets the number of rounds for each database (`make crash`: 200). OXGATE_CRASH_SEED repeats a run.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from store.changes import FlagsChanged, MessageCreated, MessageDeleted
from store.ids import SYSTEM_FLAGS, MailboxKind, MailboxRef
from store.store import Store
from tests.store.crash_worker import INBOX, Round, raw_message

ROUNDS = int(os.environ.get("OXGATE_CRASH_ROUNDS", "6"))
SEED = int(os.environ.get("OXGATE_CRASH_SEED", "0")) or secrets.randbits(32)
_ROOT = Path(__file__).parents[2]


@dataclass
class _Folder:
    path: tuple[str, ...]
    uidvalidity: int
    messages: dict[int, tuple[str, int]] = field(default_factory=dict)
    """UID to token and flags."""


_State = dict[int, _Folder]


class _Nursery:
    """The process that forks the children."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    def run(self, plan: Round, kill_after: int) -> list[list[Any]]:
        """Run a child; kill it after some lines (0: it kills itself). Give the lines it wrote."""
        self._in.write(plan.line())
        self._in.flush()
        lines: list[list[Any]] = []
        pid = 0
        while True:
            line = json.loads(self._out.readline())
            if line[0] == "end":
                assert line[1] in (0, -signal.SIGKILL), lines[-3:]
                return lines
            if line[0] == "pid":
                pid = line[1]
                continue
            assert line[0] != "failed", line
            lines.append(line)
            if len(lines) == kill_after:
                os.kill(pid, signal.SIGKILL)


@contextmanager
def _nursery() -> Iterator[_Nursery]:
    command = [sys.executable, "-m", "tests.store.crash_worker"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield _Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


class _Oracle:
    """What the mailbox must hold, and what it ever held."""

    def __init__(self) -> None:
        self.state: _State = {}
        self.sizes: dict[str, int] = {}
        self.history: dict[tuple[int, int, int], str] = {}
        self.validities: dict[int, set[int]] = {}

    def apply(self, operation: list[Any], result: Any) -> None:
        """Do to the state what an operation did."""
        kind, *rest = operation
        getattr(self, f"_{kind}")(*rest, result)
        self.note()

    def note(self) -> None:
        """Remember every UID under its UIDVALIDITY: it stands for one message for ever ([RFC3501] 2.3.1.1)."""
        for number, folder in self.state.items():
            for uid, (token, _) in folder.messages.items():
                known = self.history.setdefault((number, folder.uidvalidity, uid), token)
                assert known == token, f"UID {uid} of folder {number} stood for {known}, and now for {token}"

    def _deliver(self, number: int, tokens: list[tuple[str, int]], flags: int, uids: list[int]) -> None:
        assert len(uids) == len(tokens)
        for uid, (token, size) in zip(uids, tokens, strict=True):
            self.sizes[token] = size
            self.state[number].messages[uid] = (token, flags)

    def _flags(self, number: int, uids: list[int], add: int, remove: int, _: None) -> None:
        messages = self.state[number].messages
        for uid in uids:
            token, flags = messages[uid]
            messages[uid] = (token, (flags | add) & ~remove)

    def _copy(self, number: int, uids: list[int], target: int, pairs: list[list[int]]) -> None:
        assert pairs[0] == uids
        for source, made in zip(*pairs, strict=True):
            self.state[target].messages[made] = self.state[number].messages[source]

    def _move(self, number: int, uids: list[int], target: int, pairs: list[list[int]]) -> None:
        self._copy(number, uids, target, pairs)
        for uid in uids:
            del self.state[number].messages[uid]

    def _remove(self, number: int, uids: list[int], gone: list[int]) -> None:
        assert gone == uids
        for uid in uids:
            del self.state[number].messages[uid]

    def _create(self, path: list[str], number: int | None) -> None:
        if number is not None:
            self.state[number] = _Folder(tuple(path), 0)

    def _rename(self, number: int, path: list[str], done: int | None) -> None:
        if done is not None:
            self.state[number].path = tuple(path)

    def _delete(self, number: int, done: int | None) -> None:
        if done is not None:
            del self.state[number]

    # ------------------------------------------------------------------------- the operation that was under way

    def settle(self, operation: list[Any] | None, actual: _State) -> None:
        """Accept what is there if the last operation happened wholly or not at all; then go on from it."""
        for number, folder in self.state.items():
            if not folder.uidvalidity and number in actual:
                folder.uidvalidity = actual[number].uidvalidity
        if actual != self.state:
            assert operation is not None, self._difference(actual)
            before = deepcopy(self.state)
            self.apply(operation, self._inferred(operation, actual))
            for number in actual.keys() - before.keys():
                self.state[number].uidvalidity = actual[number].uidvalidity
            assert actual == self.state, (operation, self._difference(actual))
        for number, folder in actual.items():
            self.validities.setdefault(number, set()).add(folder.uidvalidity)
            assert len(self.validities[number]) == 1, f"folder {number} changed its UIDVALIDITY"
        self.note()

    def _inferred(self, operation: list[Any], actual: _State) -> Any:
        """Read off the mailbox what an unacknowledged call would have returned, had it happened."""
        kind, *rest = operation
        if kind == "deliver":
            return self._new(rest[0], actual)
        if kind in ("copy", "move"):
            return [rest[1], self._new(rest[2], actual)]
        if kind == "remove":
            return rest[1]
        if kind == "create":
            return next(iter(actual.keys() - self.state.keys()), None)
        return None if kind == "flags" else rest[0]

    def _new(self, number: int, actual: _State) -> list[int]:
        return sorted(actual[number].messages.keys() - self.state[number].messages.keys())

    def _difference(self, actual: _State) -> str:
        found = []
        for number in sorted(actual.keys() | self.state.keys()):
            is_, should = actual.get(number), self.state.get(number)
            if is_ is None or should is None or (is_.path, is_.uidvalidity) != (should.path, should.uidvalidity):
                found.append(f"folder {number} is {is_}, should be {should}")
                continue
            found += [
                f"{number}/{uid} is {is_.messages.get(uid)}, should be {should.messages.get(uid)}"
                for uid in sorted(is_.messages.keys() | should.messages.keys())
                if is_.messages.get(uid) != should.messages.get(uid)
            ]
        return "; ".join(found)


def _read(store: Store, ref: MailboxRef, sizes: dict[str, int]) -> _State:
    """Read the whole mailbox, and see that every message is there to the last octet."""
    box = store.open(ref)
    with store.shard(ref).write():
        pass  # waits for what the dead process still has under way in a database server
    state: _State = {}
    for row in box.folders():
        if row.special is not None and row.id != INBOX:
            continue
        folder = state[row.id] = _Folder(row.path, row.uidvalidity)
        rows = box.rows(row.id)
        for one, (_, _, raw) in zip(rows, box.raw_many(row.id, [one.uid for one in rows]), strict=True):
            head = raw.split(b"\r\n", 2)
            token, size = head[0].decode().partition(" ")[2], int(head[1].partition(b" ")[2])
            assert raw == raw_message(token, size), token
            assert sizes.get(token, size) == size
            folder.messages[one.uid] = (token, one.flags & SYSTEM_FLAGS)
    return state


def _replay(store: Store, ref: MailboxRef, before: dict[int, tuple[int, dict[int, int]]], actual: _State) -> None:
    """A client that was here before the round asks for the changes since, and sees what is there ([RFC7162] 3.2)."""
    box = store.open(ref)
    for number, (modseq, flags) in before.items():
        if number not in actual:
            continue
        seen = dict(flags)
        for change in box.changes_since(number, modseq)[1]:
            match change:
                case MessageDeleted(uid, _):
                    seen.pop(uid, None)
                case MessageCreated(row) | FlagsChanged(row):
                    seen[row.uid] = row.flags & SYSTEM_FLAGS
        assert seen == {uid: one[1] for uid, one in actual[number].messages.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    with request.getfixturevalue("postgres_server").schema() as url:
        yield url


@pytest.mark.timeout(7200)
def test_kill_9_loses_nothing_acknowledged(database: str | None, tmp_path: Path) -> None:
    random = Random(SEED)
    print(f"OXGATE_CRASH_SEED={SEED}")
    ref = MailboxRef(1, uuid4())
    first = Round(str(tmp_path), database, ref.id, str(ref.guid), 0)
    store = Store(first.settings())
    store.create(ref, MailboxKind.PRIVATE)
    oracle = _Oracle()
    oracle.settle(["create", ["INBOX"]], _read(store, ref, {}))
    watermarks: dict[int, tuple[int, dict[int, int]]] = {}
    done = 0
    with _nursery() as nursery:
        for number in range(1, ROUNDS + 1):
            store.close()
            by_step = random.random() < 0.7
            die_at = random.randint(1, random.choice((60, 600, 6_000))) if by_step else 0
            kill_after = 0 if by_step else random.randint(1, 150)
            plan = Round(str(tmp_path), database, ref.id, str(ref.guid), number, die_at)
            pending: list[Any] | None = None
            for line in nursery.run(plan, kill_after):
                if line[0] == "begin":
                    pending = line[1]
                else:
                    assert pending is not None
                    oracle.apply(pending, line[1])
                    pending = None
                    done += 1
            actual = _read(store, ref, oracle.sizes)
            oracle.settle(pending, actual)
            _replay(store, ref, watermarks, actual)
            findings = store.fsck(ref)
            assert findings == [], (number, pending)
            box = store.open(ref)
            watermarks = {
                folder: (box.folder(folder).modseq, {uid: one[1] for uid, one in rest.messages.items()})
                for folder, rest in actual.items()
            }
    store.close()
    assert done > 0
