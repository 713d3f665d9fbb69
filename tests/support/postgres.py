"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, gone with the session.

The server refuses to run as root, so it is run as an unprivileged user when the tests are. It syncs nothing.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

_OPTIONS = (
    "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60 "
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
    """A running server. `url` makes a fresh, empty schema at each call and names it."""

    def __init__(self, folder: Path, user: str) -> None:
        self._base = f"postgresql://{user}@/postgres?host={quote(str(folder), safe='')}"

    @contextmanager
    def schema(self) -> Iterator[str]:
        """Make a fresh schema; give the URL that leads into it; drop it afterwards."""
        name = f"t_{secrets.token_hex(8)}"
        with psycopg.connect(self._base, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        try:
            yield f"{self._base}&options={quote(f'-csearch_path={name}', safe='')}"
        finally:
            with psycopg.connect(self._base, autocommit=True) as connection:
                connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


@contextmanager
def server() -> Iterator[Server]:
    """Run a server for the time of the block. Raises NoServer."""
    programs = _programs()
    prefix, user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="oxgate-pg-", dir="/tmp"))
    try:
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        name = user or "tester"

        def run(*command: str) -> None:
            done = subprocess.run([*prefix, *command], cwd="/", capture_output=True, text=True, check=False, timeout=60)
            if done.returncode != 0:
                raise NoServer(f"{command[0]} failed: {done.stderr.strip()[-500:]}")

        run(
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            name,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        control = str(programs / "pg_ctl")
        run(control, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", f"-k {folder} {_OPTIONS}", "start")
        try:
            yield Server(folder, name)
        finally:
            run(control, "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The server of the test session; tests that ask for it are skipped where there is none."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(server())
        except NoServer as reason:
            pytest.skip(str(reason))
        yield running


@pytest.fixture
def postgres_database(postgres_server: Server) -> Iterator[str]:
    """The URL of a fresh, empty schema."""
    with postgres_server.schema() as url:
        yield url
