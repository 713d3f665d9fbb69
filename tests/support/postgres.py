"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, gone with the session.

The server refuses to run as root, so it is run as an unprivileged user when the tests are. It syncs nothing. The
processes of one session share it: starting it takes a second of CPU. Each has a database to itself, because
notifications and advisory locks are heard and held by all of a database, whatever the schema.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

_OPTIONS = (
    "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=150 "
    "-c shared_buffers=32MB -c log_min_messages=fatal -c autovacuum=off"
)


class NoServer(Exception):
    """There is no PostgreSQL here, or it does not start; the text says why."""


def _programs() -> Path:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise NoServer("PostgreSQL is not installed (no initdb under /usr/lib/postgresql nor on the PATH)")
    return Path(found).resolve().parent


def _unprivileged() -> tuple[list[str], str]:
    """Give what stands before a command so that it does not run as root, and the user it then runs as."""
    if os.geteuid() != 0:
        return [], ""
    runuser = shutil.which("runuser")
    if runuser is None:
        raise NoServer("running as root, and there is no runuser to become somebody else")
    for user in ("postgres", "nobody"):
        if subprocess.run(["id", user], capture_output=True, check=False).returncode == 0:
            return [runuser, "-u", user, "--"], user
    raise NoServer("running as root, and there is neither a user postgres nor nobody")


class Server:
    """A running server, and one of its databases."""

    def __init__(self, folder: Path, user: str, database: str = "postgres") -> None:
        self.folder = folder
        self.user = user
        self._base = f"postgresql://{user}@/{database}?host={quote(str(folder), safe='')}"
        self._connection: psycopg.Connection | None = None
        self._prepared: dict[Callable[[str], object], list[_Prepared]] = {}

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def database(self) -> Server:
        """Make an empty database; give the server with it."""
        name = f"d_{secrets.token_hex(8)}"
        with psycopg.connect(self._base, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return Server(self.folder, self.user, name)

    @contextmanager
    def schema(self) -> Iterator[str]:
        """Make a fresh schema; give the URL that leads into it; drop it afterwards."""
        name = self._make()
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    @contextmanager
    def prepared(self, fill: Callable[[str], object]) -> Iterator[str]:
        """Give the URL of a schema that is as `fill(url)` leaves a fresh one; that is done once, and put back after.

        Making and dropping tables costs the server thirty times what emptying them does. `fill` is a function of a
        module, and leaves nothing open.
        """
        kept = self._prepared.setdefault(fill, [])
        if kept:
            one = kept.pop()
        else:
            name = self._make()
            fill(self._url(name))
            one = _Prepared(self._administration(), name)
        yield self._url(one.name)
        if one.put_back(self._administration()):
            kept.append(one)
        else:
            self._drop(one.name)

    def _url(self, schema: str) -> str:
        return f"{self._base}&options={quote(f'-csearch_path={schema}', safe='')}"

    def _make(self) -> str:
        name = f"t_{secrets.token_hex(8)}"
        self._administration().execute(f"CREATE SCHEMA {name}".encode())
        return name

    def _drop(self, name: str) -> None:
        self._administration().execute(f"DROP SCHEMA {name} CASCADE".encode())

    def _administration(self) -> psycopg.Connection:
        """The one connection that makes and drops schemas; its own search path is empty."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._base, autocommit=True)
        return self._connection


_FORM = """
SELECT relname::text, relkind::text, attname::text, atttypid::int, attnotnull
FROM pg_class LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
WHERE relnamespace = %s::regnamespace ORDER BY relname, attnum
"""


class _Prepared:
    """A schema, what its tables and sequences held once it was filled, and what they are made of."""

    def __init__(self, connection: psycopg.Connection, name: str) -> None:
        self.name = name
        self._form = connection.execute(_FORM, (name,)).fetchall()
        kinds = {table: kind for table, kind, *_ in self._form}
        self._tables = [f'{name}."{table}"' for table, kind in kinds.items() if kind == "r"]
        self._rows: dict[str, bytes] = {}
        for table in self._tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copied:
                if rows := b"".join(bytes(piece) for piece in copied):
                    self._rows[table] = rows
        self._sequences = {
            sequence: connection.execute(f'SELECT last_value, is_called FROM {name}."{sequence}"'.encode()).fetchone()
            for sequence, kind in kinds.items()
            if kind == "S"
        }

    def put_back(self, connection: psycopg.Connection) -> bool:
        """Make it what it was; false where a test has changed more than rows."""
        if connection.execute(_FORM, (self.name,)).fetchall() != self._form:
            return False
        with connection.transaction():
            connection.execute(";".join(f"DELETE FROM {table}" for table in self._tables).encode())
            for table, rows in self._rows.items():
                with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copied:
                    copied.write(rows)
            for sequence, (last, called) in self._sequences.items():
                connection.execute("SELECT setval(%s, %s, %s)", (f'{self.name}."{sequence}"', last, called))
        return True


def _run(*command: str) -> None:
    prefix, _ = _unprivileged()
    done = subprocess.run([*prefix, *command], cwd="/", capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise NoServer(f"{command[0]} failed: {done.stderr.strip()[-500:]}")


def start() -> Server:
    """Start a server. Raises NoServer."""
    programs = _programs()
    _, user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="oxgate-pg-", dir="/tmp"))
    try:
        if user:
            shutil.chown(folder, user)
        name, data = user or "tester", str(folder / "data")
        how = ("-U", name, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        _run(str(programs / "initdb"), "-D", data, *how)
        options = f"-k {folder} {_OPTIONS}"
        _run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Server(folder, name)


def stop(running: Server) -> None:
    """Stop it at once, and remove what it left."""
    try:
        _run(str(_programs() / "pg_ctl"), "-D", str(running.folder / "data"), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(running.folder, ignore_errors=True)


@contextmanager
def server() -> Iterator[Server]:
    """Run a server for the time of the block. Raises NoServer."""
    running = start()
    try:
        yield running
    finally:
        stop(running)


@contextmanager
def shared_server(meeting: Path) -> Iterator[Server]:
    """Give a database of a server that all who name the same file share: the first starts it, the last stops it.

    Raises NoServer.
    """

    @contextmanager
    def users() -> Iterator[dict[str, str]]:
        with meeting.open("a+", encoding="ascii") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            state: dict[str, str] = json.loads(stream.read() or "{}")
            yield state
            stream.truncate(0)
            stream.write(json.dumps(state))

    with users() as state:
        if not state:
            running = start()
            state.update(folder=str(running.folder), user=running.user, users="0")
        running = Server(Path(state["folder"]), state["user"])
        state["users"] = str(int(state["users"]) + 1)
    try:
        mine = running.database()
        yield mine
        mine.close()
    finally:
        with users() as state:
            state["users"] = str(int(state["users"]) - 1)
            if state["users"] == "0":
                state.clear()
                stop(running)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of the test session; tests that ask for it are skipped where there is none."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the processes have folders of their own in it
    with ExitStack() as stack:
        try:
            running = stack.enter_context(shared_server(folder / "postgresql"))
        except NoServer as reason:
            pytest.skip(str(reason))
        yield running


@pytest.fixture
def postgres_database(postgres_server: Server) -> Iterator[str]:
    """The URL of a fresh, empty schema."""
    with postgres_server.schema() as url:
        yield url
