"""Is the database itself sound, and does it keep what it commits (invariant 8)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from store.engine import Statement
from store.findings import Fault, Finding, Subject

_QUICK_CHECK = Statement(text("PRAGMA quick_check(20)"))
_JOURNAL = Statement(text("PRAGMA journal_mode"))
_FSYNC = Statement(text("SHOW fsync"))
_COMMIT = Statement(text("SHOW synchronous_commit"))
_SYNCED = frozenset(("on", "local", "remote_write", "remote_apply"))


def integrity(subject: Subject) -> Iterator[Fault]:
    """Ask SQLite whether its pages and indices hold together. PostgreSQL has tools of its own for that."""
    if subject.db.dialect != "sqlite":
        return
    problems = [str(row[0]) for row in subject.db.all(_QUICK_CHECK) if row[0] != "ok"]
    if problems:
        yield Fault(damaged("; ".join(problems)))


def damaged(problem: str) -> Finding:
    """Say that the database file itself is damaged."""
    return Finding(
        "database-damaged",
        8,
        f"SQLite finds damage in the mailbox file: {problem[:500]}",
        "Stop the server and restore the file from a backup, or salvage it with `sqlite3 FILE .recover`.",
        lossy=True,
    )


def durability(subject: Subject) -> Iterator[Fault]:
    """Look whether a commit is on the disk when it returns (8), as far as the database itself says."""
    if subject.db.dialect == "sqlite":
        mode = subject.db.one(_JOURNAL)
        if mode is not None and mode[0] != "wal":
            yield Fault(
                Finding(
                    "journal-mode",
                    8,
                    f"the mailbox file has journal mode {mode[0]}, not wal",
                    "Run `PRAGMA journal_mode = wal` on the file.",
                )
            )
    elif subject.thorough:
        fsync, commit = subject.db.one(_FSYNC), subject.db.one(_COMMIT)
        if fsync is not None and commit is not None and (fsync[0] != "on" or commit[0] not in _SYNCED):
            yield Fault(
                Finding(
                    "no-sync",
                    8,
                    f"PostgreSQL runs with fsync={fsync[0]} and synchronous_commit={commit[0]}",
                    "Set both to on: a message would be lost in a power failure after it was acknowledged.",
                )
            )
