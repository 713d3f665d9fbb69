"""`oxgate index`: what an administrator sees and does of full-text indexes."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.loader import load
from conversion.mime.rendition import render
from conversion.mime.text import MimeText
from gateway.cli.context import Tenant
from gateway.cli.root import oxgate
from store.ids import SpecialFolder
from store.mapi.restriction import MimeText as Text

CHEAP = {"OXGATE_DIRECTORY__ARGON2_MEMORY": "8", "OXGATE_DIRECTORY__ARGON2_TIME": "1"}


class Server:
    """A server folder with the mailboxes of alice, who has 40 letters, and bob, who has none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self("init", str(folder), "--domain", "example.test", "--unprivileged")
        for name in ("alice", "bob"):
            self("user", "add", f"{name}@example.test", "--password-stdin", stdin="x\n")
        here = self.open()
        opened = here.store.open(here.ref(here.find("alice")))
        for number in range(40):
            opened.deliver(SpecialFolder.INBOX, None, mime=render(b"Subject: x\r\n\r\nletter%d\r\n" % number))
        here.close()

    def __call__(self, *words: str, stdin: str | None = None, code: int = 0, **more: str) -> Result:
        environment = {"OXGATE_CONFIG": str(self.folder / "oxgate.toml"), **CHEAP, **more}
        result = CliRunner().invoke(oxgate, list(words), input=stdin, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def open(self) -> Tenant:
        return Tenant(load(self.folder / "oxgate.toml", CHEAP))

    def status(self, *words: str, **more: str) -> dict[str, tuple[int, int]]:
        shown = json.loads(self("index", "status", "--json", *words, **more).stdout)
        return {one["address"].partition("@")[0]: (one["messages"], one["indexed"]) for one in shown["mailboxes"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(tmp_path_factory.mktemp("server") / "server")


@pytest.fixture
def server(made: Server) -> Server:
    made("index", "drop", "--all")
    return made


def test_an_index_is_rebuilt_shown_and_dropped(server: Server) -> None:
    assert server.status() == {"alice": (40, 0), "bob": (0, 0)}
    assert server("index", "rebuild", "alice").output.startswith("40 messages of 1 mailboxes indexed in ")
    assert server.status() == {"alice": (40, 40), "bob": (0, 0)}
    assert server.status("alice") == {"alice": (40, 40)}
    lines = server("index", "status").output.splitlines()
    assert lines[0].split() == ["MAILBOX", "MESSAGES", "INDEXED", "GONE", "TERMS", "SIZE"]
    assert lines[1].split()[:4] == ["alice@example.test", "40", "40", "0"]
    output = server("index", "drop", "alice").output
    assert output.startswith("The indexes of 1 mailboxes are dropped: ")
    assert output.endswith("iB freed.\n")
    assert server.status() == {"alice": (40, 0), "bob": (0, 0)}
    assert server("index", "rebuild", "--all").output.startswith("40 messages of 2 mailboxes indexed in ")


def test_searches_find_the_same_before_and_after(server: Server) -> None:
    def found() -> list[int]:
        here = server.open()
        opened = here.store.open(here.ref(here.find("alice")))
        uids = opened.find(SpecialFolder.INBOX, Text("letter7", True), text=MimeText)
        here.close()
        return uids

    assert found() == [8]
    server("index", "rebuild", "alice")
    assert found() == [8]


def test_an_index_that_was_asked_for_is_kept(server: Server) -> None:
    """[search] index = "searched": a rebuild counts as a search."""
    here = server.open()
    ref = here.ref(here.find("alice"))
    assert not here.store.texts.wanted(ref)
    server("index", "rebuild", "alice")
    assert here.store.texts.wanted(ref)
    server("index", "drop", "alice")
    assert not here.store.texts.wanted(ref)
    here.close()


def test_what_cannot_be_done_is_told_with_a_remedy(server: Server) -> None:
    assert "say whose mailbox, or --all" in server("index", "rebuild", code=2).output
    assert "say whose mailbox, or --all" in server("index", "drop", code=2).output
    assert "nobody has the address carol" in server("index", "status", "carol", code=1).output
    off = {"OXGATE_SEARCH__INDEX": "never"}
    assert "[search] index is never" in server("index", "rebuild", "--all", code=1, **off).output
    assert "[search] index is never" in server("index", "status", **off).output
    assert server.status(**off) == {"alice": (40, 0), "bob": (0, 0)}


def test_what_lies_there_unused_is_told(server: Server) -> None:
    """[search] index = "never": an index that is there stays, and only takes space."""
    off = {"OXGATE_SEARCH__INDEX": "never"}
    assert "index drop" not in server("index", "status", **off).output
    server("index", "rebuild", "alice")
    assert "index drop" not in server("index", "status").output
    assert "`oxgate index drop --all`" in server("index", "status", **off).output
    server("index", "drop", "--all", **off)
    assert "index drop" not in server("index", "status", **off).output


def test_the_server_at_work_is_not_disturbed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of an index that is being made by another process."""

    def held(*_: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(fcntl, "flock", held)
    output = server("index", "rebuild", "alice", code=1).output
    assert "not done: alice@example.test." in output
    assert "try again" in output


def test_help_teaches(server: Server) -> None:
    for words in ((), ("status",), ("rebuild",), ("drop",)):
        output = server("index", *words, "--help").output
        assert "oxgate index" in output
    assert "finds the same" in server("index", "--help").output
