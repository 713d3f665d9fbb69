"""What an import has brought in already, so that a second run goes on where the first one ended, even after a crash.

A line is written before each batch and another after it. When the second is missing, the folder itself tells which
messages of the batch were committed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from store.errors import NotFound
from store.mailbox import Mailbox


class Mark(NamedTuple):
    """One message: where the source has it, and the digest of its octets."""

    name: str
    digest: str


def digest_of(raw: bytes) -> str:
    """Give the digest by which a message is known again."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


class Journal:
    """The journal of one source into one mailbox. Use as a context."""

    def __init__(self, data: Path, mailbox: Mailbox, source: Path, folder: tuple[str, ...]) -> None:
        """Open or begin it, below the data folder; settle a batch that a crash cut short. Raises OSError."""
        key = json.dumps([str(mailbox.ref.guid), str(source.resolve()), folder])
        self.path = data / "import" / f"{digest_of(key.encode())}.journal"
        self.path.parent.mkdir(mode=0o700, exist_ok=True)
        self.done: set[Mark] = set()
        open_batch = self._read()
        self._file = self.path.open("a", encoding="utf-8")
        if open_batch is not None:
            self._settle(mailbox, *open_batch)

    def _read(self) -> tuple[int, int, list[Mark]] | None:
        pending: tuple[int, int, list[Mark]] | None = None
        if not self.path.exists():
            return None
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # cut short by a crash: nothing was written to the mailbox after it
                continue
            if "begin" in entry:
                pending = (entry["folder"], entry["begin"], [Mark(*mark) for mark in entry["marks"]])
            else:
                self.done.update(Mark(*mark) for mark in entry["done"])
                pending = None
        return pending

    def _settle(self, mailbox: Mailbox, folder_id: int, begin: int, marks: list[Mark]) -> None:
        try:
            uids = [row.uid for row in mailbox.rows(folder_id) if row.uid >= begin]
            there = Counter(digest_of(raw) for _, _, raw in mailbox.raw_many(folder_id, uids))
        except NotFound:
            there = Counter()
        committed = []
        for mark in marks:
            if there[mark.digest] > 0:
                there[mark.digest] -= 1
                committed.append(mark)
        self.finish(committed)

    def begin(self, folder_id: int, uidnext: int, marks: Iterable[Mark]) -> None:
        """Note what is about to be committed, and from which UID on it will be."""
        self._write({"folder": folder_id, "begin": uidnext, "marks": list(marks)}, sync=True)

    def finish(self, marks: Iterable[Mark]) -> None:
        """Note what was committed."""
        marks = list(marks)
        self.done.update(marks)
        self._write({"done": marks}, sync=False)

    def _write(self, entry: dict[str, object], *, sync: bool) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        if sync:
            os.fsync(self._file.fileno())

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
