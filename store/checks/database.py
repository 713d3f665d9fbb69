"""Is the database itself sound and whole, and does it keep what it commits (invariant 8)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from store.engine import Statement, Work
from store.findings import Fault, Finding, Subject
from store.schema import POSTGRESQL_ONLY, access_key, annotation, metadata, origin, preview

_QUICK_CHECK = Statement(text("PRAGMA quick_check(20)"))
_JOURNAL = Statement(text("PRAGMA journal_mode"))
_FSYNC = Statement(text("SHOW fsync"))
_COMMIT = Statement(text("SHOW synchronous_commit"))
_TABLES = {
    "sqlite": Statement(text("SELECT name FROM sqlite_schema WHERE type = 'table'")),
    "postgresql": Statement(
        text("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)")
    ),
}
_DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
_ADDED = frozenset((annotation, access_key, preview, origin))
"""The tables that migrations have added to mailboxes with mail in them. Mail is whole without what they hold."""
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


def tables(subject: Subject) -> Iterator[Fault]:
    """Look whether all tables of the schema are there: an upgrade may have been recorded that did not make them."""
    there = {row[0] for row in subject.db.all(_TABLES[subject.db.dialect])}
    missing = [table for table in metadata.sorted_tables if table.name not in there]
    if not missing:
        return
    said = f"tables are missing: {', '.join(table.name for table in missing)}"
    if not _ADDED.issuperset(missing):
        yield Fault(Finding("table-missing", 0, said, "Restore the mailbox from a backup.", lossy=True))
        return

    def create(work: Work) -> None:
        for table in missing:
            for statement in _ddl(table, work.dialect):
                work.run(Statement(text(statement)))

    remedy = "A repair makes them, empty, and then looks at everything else."
    yield Fault(Finding("table-missing", 0, said, remedy), create)


def _ddl(table: Table, dialect: str) -> list[str]:
    """The statements that make a table with its indices, unless another process was faster."""
    made: list[ExecutableDDLElement] = [CreateTable(table, if_not_exists=True)]
    made += [
        CreateIndex(index, if_not_exists=True)
        for index in sorted(table.indexes, key=str)
        if dialect == "postgresql" or index.name not in POSTGRESQL_ONLY
    ]
    return [str(one.compile(dialect=_DIALECTS[dialect])) for one in made]


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
