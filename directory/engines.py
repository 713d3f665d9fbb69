"""Database engines, as the directory and the record of sign-ins want them: SQLite files and PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event

BUSY_SECONDS = 10.0
"""How long a statement waits for another process's write."""

WRITES = {"oxgate_write": True}
"""Execution options of a connection whose transactions write: SQLite wants to know when they begin."""


def sqlite_engine(path: Path) -> Engine:
    """Make an engine for a SQLite file, for its owner alone; the files beside it take the same mode."""
    path.touch(mode=0o600)
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,  # hashes and sealed secrets are among them, and errors are logged
    )

    @event.listens_for(engine, "connect")
    def connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # transactions begin below, where it is known whether they write
        _use_wal(raw)
        raw.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("oxgate_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_wal(raw: Any) -> None:
    """Switch to a write-ahead log. SQLite waits for nobody there: it refuses at once while another does the same."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def postgres_engine(url: str, connections: int, *, more: int) -> Engine:
    """Make an engine for a `postgresql://` URL, with so many connections kept, and `more` when they are wanted."""
    parsed = sqlalchemy.make_url(url).set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(
        parsed, pool_pre_ping=True, pool_size=connections, max_overflow=more, hide_parameters=True
    )
