"""`oxgate import` and `oxgate export`: mail in and out of files."""

from __future__ import annotations

import json
import mailbox as standard
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loader import load
from gateway.cli import importing
from gateway.cli.context import Tenant
from gateway.cli.journal import Journal
from gateway.cli.root import oxgate
from gateway.cli.sources import Format, messages, recognise
from store.ids import MessageFlag
from tests.support.corpora import CORPORA
from tests.support.examples import examples

CHEAP = {"OXGATE_DIRECTORY__ARGON2_MEMORY": "8", "OXGATE_DIRECTORY__ARGON2_TIME": "1"}


def letter(number: int, body: str = "Hello\n") -> bytes:
    head = f"From: bob@example.test\nDate: Sat, 21 Nov 2026 10:00:{number % 60:02} +0000\nSubject: letter {number}\n\n"
    return (head + body).encode()


class Server:
    """A server folder with the mailbox of alice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self("init", str(folder), "--domain", "example.test", "--unprivileged")
        self("user", "add", "alice@example.test", "--password-stdin", stdin="x\n")

    def __call__(self, *words: str, stdin: str | None = None, code: int = 0) -> Result:
        environment = {"OXGATE_CONFIG": str(self.folder / "oxgate.toml"), **CHEAP}
        result = CliRunner().invoke(oxgate, list(words), input=stdin, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def open(self) -> Tenant:
        return Tenant(load(self.folder / "oxgate.toml", CHEAP))

    def folder_of(self, *path: str) -> list[tuple[bytes, int, int]]:
        """Give the messages of a folder: octets, flags, date."""
        here = self.open()
        try:
            opened = here.store.open(here.ref(here.find("alice")))
            folder = opened.folder(path).id
            rows = {row.uid: row for row in opened.rows(folder)}
            raws = list(opened.raw_many(folder, list(rows)))
            return [(raw, rows[uid].flags, rows[uid].internal_date) for uid, _, raw in raws]
        finally:
            here.close()


@pytest.fixture
def server(tmp_path) -> Server:
    return Server(tmp_path / "server")


def test_an_mbox_comes_in_with_flags_dates_and_quoted_lines(server, tmp_path):
    """[RFC4155] A: messages begin at `From ` after a blank line; mboxrd quoting is undone."""
    file = tmp_path / "old.mbox"
    file.write_bytes(
        b"From bob@example.test Sat Jan  3 01:05:34 1996\n"
        b"Subject: one\nStatus: RO\nX-Status: AF\n\nFrom here on\n>From there\n>>From far\nnot a\nFrom line\n\n"
        b"From carol@example.test Sun Jan  4 01:05:34 1996\n"
        b"Subject: two\n\nBody\n\n"
    )
    assert "2 imported" in server("import", "alice", str(file)).output
    one, two = server.folder_of("INBOX")
    assert one[0] == (
        b"Subject: one\r\nStatus: RO\r\nX-Status: AF\r\n\r\nFrom here on\r\nFrom there\r\n>From far\r\n"
        b"not a\r\nFrom line\r\n"
    )
    assert one[1] & MessageFlag.SEEN
    assert one[1] & MessageFlag.ANSWERED
    assert one[1] & MessageFlag.FLAGGED
    assert one[2] == 820631134
    assert two[0] == b"Subject: two\r\n\r\nBody\r\n"
    assert not two[1] & MessageFlag.SEEN


def test_an_mbox_with_crlf_is_cut_at_the_same_places(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"From a b\r\nA: 1\r\n\r\nx\r\n\r\nFrom a b\r\nB: 2\r\n\r\ny\r\n")
    assert recognise(file) is Format.MBOX
    assert [one.read() for one in messages(file, Format.MBOX)] == [b"A: 1\r\n\r\nx\r\n", b"B: 2\r\n\r\ny\r\n"]
    (tmp_path / "empty.mbox").write_bytes(b"")
    assert recognise(tmp_path / "empty.mbox") is None


PIECES = st.sampled_from(
    [
        b"From a Sat Jan  3 01:05:34 1996\n",
        b"From \n",
        b"From - x",
        b"\n",
        b"\r\n",
        b">From ",
        b"A: b",
        b"Status: RO",
        b"\0",
    ]
)


@given(pieces=st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=30))
@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_octets_are_an_mbox_or_are_not(tmp_path, pieces):
    """Nothing in a file makes reading it fail, and no octet comes out twice."""
    data = b"".join(pieces)
    file = tmp_path / "fuzz.mbox"
    file.write_bytes(data)
    kind = recognise(file)
    if kind is not None:
        assert sum(len(one.read()) for one in messages(file, kind)) <= len(data)


def test_a_maildir_comes_in_with_subfolders_and_flags(server, tmp_path):
    maildir = tmp_path / "Maildir"
    for folder, name, number in (
        ("cur", "1.a:2,FS", 1),
        ("new", "2.b", 2),
        (".Archive.2020/cur", "3.c:2,RT", 3),
        (".Entw&APw-rfe/cur", "4.d:2,D", 4),
    ):
        (maildir / folder).mkdir(parents=True, exist_ok=True)
        (maildir / folder / name).write_bytes(letter(number))
        os.utime(maildir / folder / name, (1000 + number, 1000 + number))
    assert recognise(maildir) is Format.MAILDIR
    assert "4 imported" in server("import", "alice", str(maildir)).output
    flagged, new = server.folder_of("INBOX")
    assert flagged[1] & MessageFlag.FLAGGED
    assert flagged[1] & MessageFlag.SEEN
    assert flagged[2] == 1001
    assert not new[1] & MessageFlag.SEEN
    ((_, flags, _),) = server.folder_of("Archive", "2020")
    assert flags & MessageFlag.ANSWERED
    assert flags & MessageFlag.DELETED
    assert len(server.folder_of("Entw\u00fcrfe")) == 1


def test_a_folder_of_message_files_is_read_to_its_depth(server, tmp_path):
    """Plain message files count too, other files do not; links that run in circles are not followed."""
    source = tmp_path / "mail"
    (source / "a" / "b").mkdir(parents=True)
    (source / "one.eml").write_bytes(letter(1))
    (source / "a" / "two").write_bytes(letter(2))
    (source / "a" / "b" / "malformed.eml").write_bytes(b"\0no header at all")
    (source / "a" / "notes.txt").write_bytes(b"just some words\n")
    (source / "a" / "data.json").write_bytes(b'{"a": 1}')
    (source / "a" / "postmark.eml").write_bytes(b"From x\nSubject: kept\n\nas it is\n\nFrom y\n")
    (source / "a" / "loop").symlink_to(source)
    output = server("import", "alice", str(source), "--folder", "Old/Mail").output
    assert "4 imported" in output
    assert "2 files that are no messages left out" in output
    raws = [raw for raw, _, _ in server.folder_of("Old", "Mail")]
    assert b"From x\r\nSubject: kept\r\n\r\nas it is\r\n\r\nFrom y\r\n" in raws
    assert "2026" not in server("import", "alice", str(source), "--folder", "Old/Mail").output
    dates = sorted(date for _, _, date in server.folder_of("Old", "Mail"))
    assert 1795255201 in dates  # Sat, 21 Nov 2026 10:00:01 +0000, from its Date field


def test_a_second_run_brings_in_what_is_new_only(server, tmp_path):
    source = tmp_path / "mail"
    source.mkdir()
    for number in range(3):
        (source / f"{number}.eml").write_bytes(letter(number))
    server("import", "alice", str(source))
    (source / "3.eml").write_bytes(letter(3))
    (source / "copy.eml").write_bytes(letter(0))
    assert "2 imported into alice@example.test, 3 there" in server("import", "alice", str(source)).output
    assert "0 imported into alice@example.test, 5 there" in server("import", "alice", str(source)).output
    assert "5 imported" in server("import", "alice", str(source), "--again").output
    assert "5 imported" in server("import", "alice", str(source), "--folder", "Other").output


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_run_that_was_killed_goes_on_without_loss_or_doubles(server, tmp_path, monkeypatch, after_commit):
    """The journal is one step ahead or behind the mailbox at most; the mailbox itself settles which."""
    source = tmp_path / "mail"
    source.mkdir()
    for number in range(9):
        (source / f"{number}.eml").write_bytes(letter(number % 4))
    monkeypatch.setattr(importing, "BATCH_MESSAGES", 3)

    class Killed(BaseException):
        pass

    calls = []
    step = Journal.finish if after_commit else importing._delivery

    def die(*arguments):
        calls.append(arguments)
        if len(calls) == (2 if after_commit else 4):
            raise Killed
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(*((Journal, "finish") if after_commit else (importing, "_delivery")), die)
        with pytest.raises(Killed):
            server("import", "alice", str(source))
    assert len(server.folder_of("INBOX")) == (6 if after_commit else 3)
    server("import", "alice", str(source))
    found = sorted(raw for raw, _, _ in server.folder_of("INBOX"))
    assert found == sorted(letter(number % 4).replace(b"\n", b"\r\n") for number in range(9))


def test_failures_are_reported_file_by_file(server, tmp_path, monkeypatch):
    source = tmp_path / "mail"
    source.mkdir()
    (source / "good.eml").write_bytes(letter(1))
    (source / "large.eml").write_bytes(letter(2, "x" * 3000))
    (source / "odd.eml").write_bytes(letter(3))
    scan = importing.render

    def trip(raw):
        if b"letter 3" in raw:
            raise ZeroDivisionError
        return scan(raw)

    monkeypatch.setattr(importing, "render", trip)
    environment = {"OXGATE_CONFIG": str(server.folder / "oxgate.toml"), "OXGATE_LIMITS__MESSAGE_SIZE": "2000", **CHEAP}
    result = CliRunner().invoke(oxgate, ["import", "alice", str(source)], env=environment)
    assert result.exit_code == 1
    assert "large.eml: is 3" in result.output
    assert "odd.eml: cannot be converted: ZeroDivisionError" in result.output
    assert "1 imported" in result.output
    assert "2 failed" in result.output


def test_what_holds_no_mail_is_refused(server, tmp_path):
    (tmp_path / "x.bin").write_bytes(b"\0" * 100)
    assert "no mbox" in server("import", "alice", str(tmp_path / "x.bin"), code=1).output
    (tmp_path / "empty").mkdir()
    assert "holds no message" in server("import", "alice", str(tmp_path / "empty"), code=1).output
    server("import", "alice", str(tmp_path / "none"), code=2)


def test_export_to_a_maildir_and_back(server, tmp_path):
    maildir = tmp_path / "in"
    for folder, name, number in (("cur", "1.a:2,FS", 1), ("new", "2.b", 2), (".Sub.Fol&AN8-/cur", "3.c:2,S", 3)):
        (maildir / folder).mkdir(parents=True, exist_ok=True)
        (maildir / folder / name).write_bytes(letter(number))
    server("import", "alice", str(maildir))
    assert "3 messages" in server("export", "alice", str(tmp_path / "out")).output
    out = standard.Maildir(tmp_path / "out", create=False)
    try:
        assert sorted(one.get_flags() for one in out) == ["", "FS"]
        assert "Sub.Fol&AN8-" in out.list_folders()
    finally:
        out.close()
    server("user", "add", "bob@example.test", "--password-stdin", stdin="x\n")
    assert "3 imported" in server("import", "bob", str(tmp_path / "out")).output
    assert "overwrites nothing" in server("export", "alice", str(tmp_path / "out"), code=1).output
    assert "INBOX" in server("export", "alice", str(tmp_path / "o2"), "--folder", "None", code=1).output


def test_export_to_an_mbox_and_back(server, tmp_path):
    """Octets survive, lines that look like postmarks too."""
    source = tmp_path / "mail"
    source.mkdir()
    bodies = ["From me\n>From you\n", "no end of line", "\n\nFrom the top\n\n\n", ""]
    for number, body in enumerate(bodies):
        (source / f"{number}.eml").write_bytes(letter(number, body))
    server("import", "alice", str(source))
    server("export", "alice", str(tmp_path / "all.mbox"))
    reader = standard.mbox(tmp_path / "all.mbox", create=False)
    try:
        assert len(reader) == 4
    finally:
        reader.close()
    server("import", "alice", str(tmp_path / "all.mbox"), "--folder", "Back")
    expected = [letter(n, body if body.endswith("\n") or not body else body + "\n") for n, body in enumerate(bodies)]
    back = [raw for raw, _, _ in server.folder_of("Back")]
    assert back == [one.replace(b"\n", b"\r\n") for one in expected]


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the message corpora are not here (set OXGATE_CORPORA)")
def test_the_corpora_come_in_without_a_failure(server):
    for name in ("mime", "dsn"):
        assert ", 0 failed." in server("import", "alice", str(CORPORA / name)).output
    report = json.loads(server("mailbox", "quota", "alice", "--json").stdout)
    assert report["used"] > 1_000_000
