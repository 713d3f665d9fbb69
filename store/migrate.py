"""Bringing databases to the present schema with Alembic, run from here: there is no configuration file.

A mailbox file says in `mailbox.schema_ver` which migration it has seen last and is brought up to date when it is next
opened, in one transaction. A PostgreSQL database has Alembic's own version table and is brought up to date by the first
process that comes, while the others wait. Migrations only add: tables, columns and indices.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool, StaticPool

from store.errors import Unavailable
from store.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    import psycopg

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x6F78_6761_7465  # any number, the same in all processes
_alembic = threading.Lock()
"""Held while Alembic runs: it keeps the connection that the steps work on in variables of the whole process."""


def upgrade_file(connection: sqlite3.Connection) -> None:
    """Bring a mailbox file to the present schema. Raises Unavailable for one that is newer or is not a mailbox."""
    version = _file_version(connection)
    if version == SCHEMA_VERSION:
        return
    if version > SCHEMA_VERSION:
        raise Unavailable(f"the mailbox has schema {version}, this program knows {SCHEMA_VERSION}: use a newer one")
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as wrapped:
        wrapped.exec_driver_sql("BEGIN IMMEDIATE")
        version = _file_version(connection)  # another process may have been faster
        wrapped.exec_driver_sql("CREATE TEMPORARY TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        if version:
            wrapped.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (f"{version:04d}",))
        upgrade(wrapped)
        wrapped.exec_driver_sql("UPDATE mailbox SET schema_ver = ?", (SCHEMA_VERSION,))
        wrapped.exec_driver_sql("DROP TABLE temp.alembic_version")
        wrapped.commit()


def server_is_current(connection: psycopg.Connection[Any]) -> bool:
    """Whether a PostgreSQL database has the present schema; asked first, without Alembic, which costs far more."""
    if connection.execute(b"SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return False
    return connection.execute(b"SELECT version_num FROM alembic_version").fetchall() == [(f"{SCHEMA_VERSION:04d}",)]


def upgrade_server(url: str) -> None:
    """Bring a PostgreSQL database to the present schema.

    Raises Unavailable for one that is newer, psycopg.OperationalError when it cannot be reached.
    """
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            upgrade(connection)
    except OperationalError as error:
        raise error.orig if error.orig is not None else error from error


def upgrade(connection: Connection) -> None:
    """Run the migrations that a database lacks on an open connection, inside its transaction; one thread at a time.

    Raises Unavailable when it has seen one that is not known here.
    """
    from alembic import command  # loaded only where a database is behind: it costs more than opening one
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        with _alembic:
            command.upgrade(config, "head")
    except CommandError as error:
        text = f"this program knows schema {SCHEMA_VERSION} and those before it: use a newer one: {error}"
        raise Unavailable(text) from error


def _file_version(connection: sqlite3.Connection) -> int:
    try:
        row = connection.execute("SELECT schema_ver FROM mailbox").fetchone()
    except sqlite3.OperationalError as error:
        raise Unavailable(f"not a mailbox file: {error}") from error
    if row is None:
        raise Unavailable("the mailbox file is empty")
    return int(row[0])


def _after_fork() -> None:
    """Make the lock anew: a thread that is not in this process may have held it."""
    global _alembic
    _alembic = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
