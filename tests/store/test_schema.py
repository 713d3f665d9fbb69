"""The schema, its migrations, and the template of a mailbox file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from alembic import op
from sqlalchemy.pool import NullPool

from store import migrate
from store.errors import Unavailable
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.schema import POSTGRESQL_ONLY, SCHEMA_VERSION, metadata
from store.sqlitefiles import template
from tests.store.conftest import World
from tests.support.storemail import deliver

INBOX = SpecialFolder.INBOX


def described(connection: sa.Connection) -> dict[str, object]:
    """Everything of a schema that matters to the program, in one comparable value."""
    inspector = sa.inspect(connection)
    made: dict[str, object] = {}
    for name in inspector.get_table_names():
        columns = [(one["name"], str(one["type"]), one["nullable"]) for one in inspector.get_columns(name)]
        unique = sorted((one["name"], tuple(one["column_names"])) for one in inspector.get_unique_constraints(name))
        indices = sorted(
            (one["name"], tuple(one["column_names"]), bool(one["unique"]))
            for one in inspector.get_indexes(name)
            if not one.get("duplicates_constraint")
        )
        made[name] = (columns, inspector.get_pk_constraint(name)["constrained_columns"], unique, indices)
    made.pop("alembic_version", None)
    return made


def test_migrations_lead_to_the_schema_on_sqlite() -> None:
    """The migrations from nothing, and the template that new files are made from, are the same schema."""

    def sql(connection: sqlite3.Connection) -> dict[str, str]:
        rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        return {name: " ".join(text.split()) for name, text in rows if not name.startswith(("sqlite_", "alembic_"))}

    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        migrate.upgrade(connection)
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        migrated = sql(driver)
    engine.dispose()
    with closing(sqlite3.connect(":memory:")) as made:
        made.deserialize(template())
        fresh = sql(made)
    normal = {name: text.replace("message.", "").replace("cal_index.", "") for name, text in fresh.items()}
    assert {name: text.replace("( ", "(").replace(" )", ")") for name, text in migrated.items()} == {
        name: text.replace("( ", "(").replace(" )", ")") for name, text in normal.items()
    }


def test_migrations_lead_to_the_schema_on_postgresql(postgres_database: str) -> None:
    migrate.upgrade_server(postgres_database)
    migrate.upgrade_server(postgres_database)
    url = sa.make_url(postgres_database).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        migrated = described(connection)
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("CREATE SCHEMA compared")
        connection.exec_driver_sql("SET LOCAL search_path = compared")
        metadata.create_all(connection)
        inspector_view = described(connection)
        transaction.rollback()
    assert migrated == inspector_view
    assert set(migrated) == set(metadata.tables)


def test_a_present_schema_is_opened_without_alembic(
    make_world: Callable[..., World], postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading it and running it costs more than all else that a worker does at its start."""
    world = make_world(postgres_database)
    mailbox = world.mailbox()
    row = deliver(mailbox, INBOX)
    monkeypatch.setattr(migrate, "upgrade", None)
    other = world.other_process()
    assert other.open(mailbox.ref).rows(INBOX) == [row]
    other.close()


def test_every_key_begins_with_the_mailbox() -> None:
    """docs/decisions/0006: so that the tables can be partitioned or sharded by mailbox."""
    for table in metadata.tables.values():
        assert next(iter(table.columns)).name == "mailbox_id"
        assert next(iter(table.primary_key.columns)).name == "mailbox_id"
        for constraint in table.constraints:
            if isinstance(constraint, sa.UniqueConstraint):
                assert next(iter(constraint.columns)).name == "mailbox_id"
        for index in table.indexes:
            assert next(iter(index.columns)).name == "mailbox_id" or index.name == "outbox_due"
    assert {index.name for table in metadata.tables.values() for index in table.indexes} >= POSTGRESQL_ONLY


def test_the_planner_knows_what_a_file_holds() -> None:
    """Each figure is about an index that exists, else SQLite would silently fall back to guessing."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.deserialize(template())
        names = {row[0] for row in made.execute("SELECT name FROM sqlite_schema")}
        figures = made.execute("SELECT tbl, idx FROM sqlite_stat1").fetchall()
        assert figures
        assert all(table in names and index in names for table, index in figures)


def test_an_empty_mailbox_is_small(make_world: Callable[..., World]) -> None:
    """Under 256 KiB on disk, the WAL included."""
    world = make_world()
    mailbox = world.mailbox()
    (path,) = world.settings.root.glob("mbx/??/*.sqlite")
    assert path.stem == mailbox.ref.guid.hex
    mailbox.folder(INBOX)
    used = sum(one.stat().st_size for one in path.parent.iterdir() if not one.name.endswith("-shm"))
    assert used < 256 << 10


def test_a_file_is_wal_and_fully_synchronous(tmp_path: Path) -> None:
    from store.store import Store, StoreSettings

    store = Store(StoreSettings(root=tmp_path))
    world = World(store.settings, store)
    mailbox = world.mailbox()
    deliver(mailbox, INBOX)
    work = mailbox._shard.work  # type: ignore[attr-defined]
    pragma = {name: work.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragma == {"journal_mode": "wal", "synchronous": 2}
    store.close()


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations and one more, that adds a column and a table."""
    copy = tmp_path / "scripts"
    shutil.copytree(migrate.SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "versions" / "next.py").write_text(
        "from alembic import op\nimport sqlalchemy as sa\n"
        f"revision = '{SCHEMA_VERSION + 1:04}'\ndown_revision = '{SCHEMA_VERSION:04}'\n"
        "def upgrade():\n"
        "    op.add_column('item', sa.Column('colour', sa.Text()))\n"
        "    op.create_table('extra', sa.Column('mailbox_id', sa.BigInteger(), primary_key=True))\n"
    )
    monkeypatch.setattr(migrate, "SCRIPTS", copy)
    monkeypatch.setattr(migrate, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    return copy


def test_an_older_file_is_brought_up_to_date_when_it_is_opened(
    make_world: Callable[..., World], request: pytest.FixtureRequest
) -> None:
    world = make_world()
    mailbox = world.mailbox()
    row = deliver(mailbox, INBOX)
    world.store.close()
    request.getfixturevalue("scripts")
    other = world.other_process()
    assert other.open(mailbox.ref).rows(INBOX) == [row]
    assert deliver(other.open(mailbox.ref), INBOX).uid == 2
    other.close()
    with closing(sqlite3.connect(_file(world))) as connection:
        assert connection.execute("SELECT schema_ver FROM mailbox").fetchone() == (SCHEMA_VERSION + 1,)
        assert connection.execute("SELECT colour FROM item").fetchall() == [(None,), (None,)]
        assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'alembic%'").fetchall()
        assert tables == []


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    make_world: Callable[..., World], request: pytest.FixtureRequest
) -> None:
    world = make_world()
    mailbox = world.mailbox()
    row = deliver(mailbox, INBOX)
    world.store.close()
    scripts: Path = request.getfixturevalue("scripts")
    added = scripts / "versions" / "next.py"
    added.write_text(added.read_text() + "    raise RuntimeError('half way')\n")
    other = world.other_process()
    with pytest.raises(RuntimeError):
        other.open(mailbox.ref).rows(INBOX)
    other.close()
    with closing(sqlite3.connect(_file(world))) as connection:
        assert connection.execute("SELECT schema_ver FROM mailbox").fetchone() == (SCHEMA_VERSION,)
        assert "colour" not in [one[1] for one in connection.execute("PRAGMA table_info(item)")]
        assert connection.execute("SELECT uid FROM message").fetchall() == [(row.uid,)]


def test_a_newer_file_is_refused(make_world: Callable[..., World]) -> None:
    world = make_world()
    mailbox = world.mailbox()
    world.store.close()
    with closing(sqlite3.connect(_file(world))) as connection:
        connection.execute("UPDATE mailbox SET schema_ver = schema_ver + 1")
        connection.commit()
    other = world.other_process()
    with pytest.raises(Unavailable, match="newer"):
        other.open(mailbox.ref).folder(INBOX)
    other.close()


def test_a_newer_server_is_refused(make_world: Callable[..., World], postgres_database: str) -> None:
    world = make_world(postgres_database)
    mailbox = world.mailbox()
    row = deliver(mailbox, INBOX)
    with psycopg.connect(postgres_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (f"{SCHEMA_VERSION + 1:04}",))
    other = world.other_process()
    for _ in range(2):
        with pytest.raises(Unavailable, match="newer"):
            other.open(mailbox.ref)
        with pytest.raises(Unavailable, match="newer"):
            other.create(world.new_ref(), MailboxKind.PRIVATE)
    with psycopg.connect(postgres_database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (f"{SCHEMA_VERSION:04}",))
    assert other.open(mailbox.ref).rows(INBOX) == [row], "it is asked again"
    other.close()


def test_an_older_server_is_brought_up_to_date(
    make_world: Callable[..., World], postgres_database: str, request: pytest.FixtureRequest
) -> None:
    world = make_world(postgres_database)
    mailbox = world.mailbox()
    row = deliver(mailbox, INBOX)
    world.store.close()
    request.getfixturevalue("scripts")
    other = world.other_process()
    assert other.open(mailbox.ref).rows(INBOX) == [row]
    other.close()
    engine = sa.create_engine(sa.make_url(postgres_database).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT colour FROM item").fetchall() == [(None,)]


def _file(world: World) -> Any:
    (path,) = world.settings.root.glob("mbx/??/*.sqlite")
    return os.fspath(path)


def test_a_mailbox_of_the_first_schema_opens(make_world: Callable[..., World]) -> None:
    """A mailbox written by the release that had schema 1, as SQL."""
    world = make_world()
    ref = MailboxRef(7, UUID(int=7))
    path = world.settings.root / "mbx" / ref.guid.hex[:2] / f"{ref.guid.hex}.sqlite"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "data" / "mailbox-schema-1.sql").read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    mailbox = world.store.open(ref)
    assert [(row.uid, row.internal_date) for row in mailbox.rows(INBOX)] == [
        (1, 1_700_000_000),
        (2, 1_700_000_001),
        (5, 1_700_000_009),
    ]
    assert [row.total for row in mailbox.folders() if row.path in {("Archive",), ("INBOX",)}] == [2, 3]
    assert [uid for uid, _, raw in mailbox.raw_many(INBOX, [1, 2, 5]) if raw.endswith(b"x")] == [1, 2, 5]
    assert mailbox.keyword_names() == {0: "Work"}
    assert mailbox.subscriptions() == ["Projects/2026"]
    assert mailbox.vanished_since(INBOX, 0) == [range(3, 5)]
    assert mailbox.properties(mailbox.rows(INBOX)[0].mid)
    assert deliver(mailbox, INBOX).uid == 6
    assert world.store.fsck(ref, thorough=True) == []


class _Watched:
    """A lock that says when somebody comes to it for the second time."""

    def __init__(self, second: threading.Event) -> None:
        self._lock = threading.Lock()
        self._second = second
        self._came = 0

    def __enter__(self) -> None:
        self._came += 1
        if self._came == 2:
            self._second.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_two_old_files_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic keeps what it works on in the process: the steps of one file must not run on another's connection."""
    reached = threading.Event()
    monkeypatch.setattr(migrate, "_alembic", _Watched(reached), raising=False)
    old = (Path(__file__).parent / "data" / "mailbox-schema-1.sql").read_text()
    names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    with (
        closing(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)) as one,
        closing(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)) as two,
    ):
        for connection in (one, two):
            connection.executescript(old)

        def second() -> None:
            try:
                migrate.upgrade_file(two)
            finally:
                reached.set()

        thread = threading.Thread(target=second)
        create = op.create_table

        def in_the_middle(*arguments: Any, **options: Any) -> Any:
            if thread.ident is None:
                thread.start()
                assert reached.wait(30), "it neither waits nor is done"
            return create(*arguments, **options)

        monkeypatch.setattr(op, "create_table", in_the_middle)
        try:
            migrate.upgrade_file(one)
        finally:
            thread.join()
        for connection in (one, two):
            assert {row[0] for row in connection.execute(names)} == set(metadata.tables)
            assert connection.execute("SELECT schema_ver FROM mailbox").fetchall() == [(SCHEMA_VERSION,)]
