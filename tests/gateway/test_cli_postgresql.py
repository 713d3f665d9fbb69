"""The command line on PostgreSQL: directory and mailboxes in one database."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.root import oxgate


def test_a_server_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    folder, url = tmp_path, postgres_database
    environment = {
        "OXGATE_CONFIG": str(folder / "server" / "oxgate.toml"),
        "OXGATE_STORE__URL": url,
        "OXGATE_DIRECTORY__ARGON2_MEMORY": "8",
        "OXGATE_DIRECTORY__ARGON2_TIME": "1",
    }

    def run(*words: str, stdin: str | None = None, code: int = 0) -> str:
        result = CliRunner().invoke(oxgate, list(words), input=stdin, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.stdout

    run("init", str(folder / "server"), "--domain", "example.test", "--unprivileged")
    run("user", "add", "alice@example.test", "--password-stdin", stdin="secret\n")
    run("mailbox", "create", "sales@example.test", "--kind", "shared")
    run("grant", "full-access", "sales", "alice")
    run("mailbox", "quota", "sales", "--receive", "1G")
    (folder / "one.eml").write_bytes(b"Subject: one\r\n\r\nHello\r\n")
    (folder / "two.eml").write_bytes(
        b"Content-Type: text/calendar; method=REFRESH\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REFRESH\r\nEND:VCALENDAR\r\n"
    )
    assert "1 imported" in run("import", "sales", str(folder / "one.eml"))
    assert "0 imported into sales@example.test, 1 there" in run("import", "sales", str(folder / "one.eml"))
    shown = json.loads(run("mailbox", "show", "sales", "--json"))
    run("import", "alice", str(folder / "two.eml"))
    (noted,) = json.loads(run("mailbox", "explain", "alice", "--json"))
    assert (noted["folder"], noted["uid"], noted["notes"][0]["kind"]) == ("INBOX", 1, "dropped")
    assert "stays a file" in run("mailbox", "explain", "alice", "INBOX", "1")
    assert shown["quota"] == {"used": 23, "warn": None, "send": None, "receive": 2**30}
    assert shown["grants"] == [{"right": "full-access", "delegate": "alice@example.test"}]
    report = json.loads(run("fsck", "--thorough", "--json", code=1))
    assert {one["code"] for one in report["findings"]} == {"no-sync"}  # the tests' server, and rightly so
    assert "1 messages" in run("export", "sales", str(folder / "out"))
    assert not list((folder / "server" / "data").glob("**/*.sqlite"))
    run("mailbox", "remove", "sales", "--yes")
    run("user", "remove", "alice", "--yes")
