"""`oxgate audit` and `oxgate devices` on records that a server could have made."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.loader import load
from directory.signins import OK, REFUSED, SignIn, SignInStore, Wanted
from gateway.cli import audit as audit_module
from gateway.cli.root import oxgate

CHEAP = {"OXGATE_DIRECTORY__ARGON2_MEMORY": "8", "OXGATE_DIRECTORY__ARGON2_TIME": "1"}
NOW = time.time()
ALICE, SCANNER = "alice@example.test", "scanner@example.test"


def signin(ago: float = 0.0, user: str = ALICE, **others) -> SignIn:
    given = {"outcome": OK, "reason": "", "login": user.partition("@")[0], "mailbox": user, "protocol": "imap"}
    given |= {"mechanism": "PLAIN", "address": "192.0.2.7", "tls": True, **others}
    return SignIn(at=NOW - ago, user=user, **given)


RECORDS = [
    signin(7200, mechanism="SCRAM-SHA-256"),
    signin(5000, mechanism="LOGIN", protocol="smtp", device="OUTLOOK-PC"),
    signin(4000, mechanism="PLAIN", tls=False, address="198.51.100.1"),
    signin(3000, mailbox="sales@example.test", mechanism="COMMAND"),
    signin(900, SCANNER, outcome=REFUSED, reason="NTLMv1 is not allowed", mechanism="NTLMv1", protocol="smtp"),
    signin(800, outcome=REFUSED, reason="wrong password", mechanism="LOGIN", address="203.0.113.66"),
    signin(600, "", outcome=REFUSED, reason="unknown user", login="root", mechanism="LOGIN", address="203.0.113.66"),
]


class Line:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def __call__(self, *words: str, stdin: str | None = None, code: int = 0) -> Result:
        environment = {"OXGATE_CONFIG": str(self.folder / "oxgate.toml"), **CHEAP}
        result = CliRunner().invoke(oxgate, list(words), input=stdin, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: str):
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Line:
    line = Line(tmp_path_factory.mktemp("audit") / "server")
    line("init", str(line.folder), "--domain", "example.test", "--unprivileged")
    for address in (ALICE, SCANNER):
        line("user", "add", address, "--no-nt-hash", "--password-stdin", stdin="secret\n")
    line("mailbox", "create", "sales@example.test", "--kind", "shared")
    return line


@pytest.fixture
def line(made) -> Line:
    for file in made.data.glob("signins.sqlite*"):
        file.unlink()
    for rule in made.json("devices", "rules"):
        made("devices", "remove", str(rule["rule"]))
    return made


@pytest.fixture
def records(line) -> Line:
    write(line, *RECORDS)
    return line


def write(line: Line, *signins: SignIn) -> None:
    store = SignInStore(line.data / "signins.sqlite")
    store.write(signins)
    store.close()


# -- audit


def test_before_the_first_sign_in_there_is_nothing_and_no_file_is_made(line):
    assert line("audit").stdout == "No such sign-in is on record.\n"
    assert line.json("audit") == []
    assert line("devices").stdout.startswith("No device that uses a legacy mechanism")
    assert not (line.data / "signins.sqlite").exists()


def test_audit_is_a_table_with_the_newest_last(records):
    head, *rows = records("audit").stdout.splitlines()
    assert head.split() == [name.upper() for name in audit_module.COLUMNS]
    assert len(rows) == len(RECORDS)
    assert "alice@example.test as sales@example.test" in rows[3]
    assert "NTLMv1 is not allowed" in rows[4]
    assert "root" in rows[-1]
    assert "unknown user" in rows[-1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--user", "alice"], [0, 1, 2, 3, 5]),
        (["--user", "ALICE@example.test"], [0, 1, 2, 3, 5]),
        (["--user", "root"], [6]),
        (["--address", "203.0.113.0/24"], [5, 6]),
        (["--address", "198.51.100.1"], [2]),
        (["--mechanism", "login"], [1, 5, 6]),
        (["--mechanism", "NTLMv1", "--mechanism", "SCRAM-SHA-256"], [0, 4]),
        (["--protocol", "smtp"], [1, 4]),
        (["--outcome", "refused"], [4, 5, 6]),
        (["--since", "1h"], [3, 4, 5, 6]),
        (["--since", "2000-01-01"], [0, 1, 2, 3, 4, 5, 6]),
        (["--since", "1h", "--outcome", "ok"], [3]),
        (["--limit", "2"], [5, 6]),
        (["--limit", "0"], [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_audit_shows_what_is_asked_for(records, options, expected):
    times = [one["at"] for one in records.json("audit", *options)]
    assert times == [RECORDS[number].at for number in expected]


def test_audit_in_json_has_every_field(records):
    (one,) = records.json("audit", "--mechanism", "NTLMv1")
    assert one == {
        "time": datetime.datetime.fromtimestamp(NOW - 900, datetime.UTC).isoformat(timespec="milliseconds"),
        **{name: value for name, value in RECORDS[4]._asdict().items() if name != "user"},
        "account": SCANNER,
    }


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--address", "printer"], "IP address or a network"),
        (["--mechanism", "CRAM-MD5"], "SCRAM-SHA-256"),
        (["--since", "yesterday"], "2h"),
        (["--since", "-1"], "2h"),
        (["--protocol", "nntp"], "imap"),
        (["--outcome", "maybe"], "refused"),
    ],
)
def test_what_audit_cannot_take_is_told(records, options, text):
    assert text in records("audit", *options, code=2).output


def test_following_shows_each_record_once(records, monkeypatch):
    store = SignInStore(records.data / "signins.sqlite")
    naps = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 5:
            raise KeyboardInterrupt
        store.write([signin(-len(naps), login=f"new{len(naps)}"), signin(0, login="other", outcome=REFUSED)])

    monkeypatch.setattr(audit_module.time, "sleep", sleep)
    shown = records("audit", "--follow", "--outcome", "ok", "--limit", "2").stdout.splitlines()
    assert [line.split()[3] for line in shown[1:]] == ["alice", "alice", "new1", "new2", "new3", "new4"]
    naps.clear()
    lines = records("audit", "--follow", "--json", "--user", "new9").stdout.splitlines()
    assert lines == []
    store.close()


def test_a_record_that_becomes_visible_late_is_shown(records):
    """With PostgreSQL a transaction that began earlier may end later than one with higher numbers."""
    store = SignInStore(records.data / "signins.sqlite")
    seen = audit_module._numbers(store) - {3}
    audit_module.FOLLOW_SECONDS, before = 0.0, audit_module.FOLLOW_SECONDS
    try:
        assert next(audit_module._following(store, Wanted(), seen)) == RECORDS[2]
    finally:
        audit_module.FOLLOW_SECONDS = before
        store.close()


def test_following_ends_by_interrupt_without_a_trace(records):
    """The whole program, as an administrator runs it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background are born deaf to it
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "audit", "--follow", "--config", str(records.folder / "oxgate.toml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            assert process.stdout is not None
            for _ in range(len(RECORDS) + 1):
                process.stdout.readline()
            write(records, signin(0, login="latest"))
            assert "latest" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=20)
        finally:
            process.kill()
    assert error == ""
    assert process.returncode == 0


# -- devices


def keys(devices) -> list[tuple[str, str, str]]:
    return [(one["account"].partition("@")[0], one["mechanism"], one["address"]) for one in devices]


def test_devices_lists_who_still_uses_a_legacy_mechanism(records):
    found = records.json("devices")
    assert keys(found) == [
        ("alice", "LOGIN", "192.0.2.7"),
        ("alice", "PLAIN", "198.51.100.1"),
        ("scanner", "NTLMv1", "192.0.2.7"),
    ]
    outlook, clear, scanner = found
    assert (outlook["client"], outlook["count"], outlook["failures"], outlook["tls"]) == ("OUTLOOK-PC", 1, 0, True)
    assert (clear["tls"], clear["policy"]) == (False, "none")
    assert (scanner["count"], scanner["failures"], scanner["outcome"]) == (0, 1, REFUSED)
    assert scanner["policy"] == "refused: no rule allows it"
    text = records("devices").stdout
    assert text.splitlines()[0].split()[:3] == ["ACCOUNT", "MECHANISM", "PROTOCOL"]
    assert f"oxgate devices allow {SCANNER} NTLMv1 --network 192.0.2.7 --until 20" in text


def test_devices_by_more_and_by_less(records):
    assert len(records.json("devices", "--all")) == 5
    assert ("alice", "LOGIN", "203.0.113.66") in keys(records.json("devices", "list", "--refused"))
    assert keys(records.json("devices", "list", "--user", "scanner")) == [("scanner", "NTLMv1", "192.0.2.7")]
    assert keys(records.json("devices", "--since", "1h")) == [("scanner", "NTLMv1", "192.0.2.7")]
    assert "nobody has the address nobody" in records("devices", "list", "--user", "nobody", code=1).output


def test_the_way_of_a_scanner_from_refusal_to_the_end_of_its_rule(records, monkeypatch):
    day = datetime.date.today() + datetime.timedelta(days=30)
    allow = [
        "devices",
        "allow",
        SCANNER,
        "ntlmv1",
        "--network",
        "192.0.2.7",
        "--until",
        str(day),
        "--note",
        "2nd floor",
    ]
    told = records(*allow).stdout
    assert f"{SCANNER} may sign in by NTLMv1 from 192.0.2.7/32 until {day}" in told
    assert f"oxgate user nt-hash enable {SCANNER}" in told
    (rule,) = records.json("devices", "rules")
    assert (rule["account"], rule["mechanism"], rule["network"], rule["allow"]) == (
        SCANNER,
        "NTLMv1",
        "192.0.2.7/32",
        True,
    )
    assert (rule["in_force"], rule["note"]) == (True, "2nd floor")
    (device,) = records.json("devices", "list", "--user", SCANNER)
    assert device["policy"] == f"allowed until {day} (rule {rule['rule']})"
    assert device["rule"] == rule["rule"]
    end = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time())
    assert datetime.datetime.fromisoformat(device["until"]).timestamp() == end.timestamp()
    assert "oxgate devices allow" not in records("devices").stdout
    table = records("devices", "rules").stdout
    assert "in force" in table
    assert str(day) in table

    late = end.timestamp() + 1
    monkeypatch.setattr("gateway.cli.devices.time.time", lambda: late)
    (device,) = records.json("devices", "list", "--user", SCANNER)
    assert device["policy"] == f"allowed until {day}, ended (rule {rule['rule']})"
    assert records.json("devices", "rules")[0]["in_force"] is False
    assert "ended" in records("devices", "rules").stdout


def test_what_else_a_rule_for_ntlm_needs_is_told(line):
    allow = ["devices", "allow", SCANNER, "NTLMv1", "--network", "192.0.2.7", "--until", "90d"]
    line("user", "nt-hash", "enable", SCANNER)
    assert "NT hash of scanner@example.test is empty" in line(*allow).stdout
    line("user", "passwd", SCANNER, "--password-stdin", stdin="secret\n")
    assert "nt hash" not in line(*allow).stdout.lower()
    line("user", "nt-hash", "disable", SCANNER)


def test_a_mechanism_that_is_off_is_told(line, monkeypatch):
    monkeypatch.setenv("OXGATE_AUTH__MECHANISMS", '["PLAIN"]')
    settings = load(line.folder / "oxgate.toml")
    assert "NTLM" not in settings.enabled_mechanisms
    told = line("devices", "allow", SCANNER, "NTLMv1", "--network", "192.0.2.7", "--until", "90d").stdout
    assert "NTLM is not on yet" in told


def test_to_deny(line):
    said = line("devices", "deny", "everybody", "LOGIN").stdout
    assert "everybody" in said.lower()
    assert "still taken by PLAIN and COMMAND" in said
    line("devices", "deny", "alice", "PLAIN", "--network", "198.51.100.0/24", "--until", "2d", "--note", "x")
    write(line, *RECORDS)
    everybody, alice = line.json("devices", "rules")
    assert (everybody["account"], everybody["allow"], everybody["network"]) == ("everybody", False, "")
    assert everybody["until"] is None
    outlook, clear, _ = line.json("devices")
    assert outlook["policy"] == f"denied (rule {everybody['rule']})"
    assert clear["rule"] == alice["rule"]
    assert "for good" in line("devices", "rules").stdout
    line("devices", "remove", str(alice["rule"]))
    assert len(line.json("devices", "rules")) == 1
    assert "there is no rule" in line("devices", "remove", str(alice["rule"]), code=1).output


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["everybody", "NTLMv1", "--network", "192.0.2.7", "--until", "90d"], 1, "one account at a time"),
        ([ALICE, "CRAM-MD5", "--network", "192.0.2.7", "--until", "90d"], 2, "there is no mechanism CRAM-MD5"),
        ([ALICE, "NTLMv1", "--network", "0.0.0.0/0", "--until", "90d"], 2, "is everywhere"),
        ([ALICE, "NTLMv1", "--network", "192.0.2.7/24", "--until", "90d"], 2, "wants an address or a network"),
        ([ALICE, "NTLMv1", "--network", "printer", "--until", "90d"], 2, "wants an address or a network"),
        ([ALICE, "NTLMv1", "--network", "192.0.2.7", "--until", "2020-01-01"], 2, "is over"),
        ([ALICE, "NTLMv1", "--network", "192.0.2.7", "--until", "soon"], 2, "is no day"),
        ([ALICE, "NTLMv1", "--network", "192.0.2.7"], 2, "--until"),
        ([ALICE, "NTLMv1", "--until", "90d"], 2, "--network"),
        (["nobody", "NTLMv1", "--network", "192.0.2.7", "--until", "90d"], 1, "nobody has the address"),
        (["sales", "NTLMv1", "--network", "192.0.2.7", "--until", "90d"], 1, "wants a user"),
    ],
)
def test_what_cannot_be_allowed(line, words, code, text):
    assert text in " ".join(line("devices", "allow", *words, code=code).output.replace("│", " ").split())
    assert line.json("devices", "rules") == []


def test_the_help_tells_what_to_think_of_with_an_old_device(line):
    text = " ".join(line("devices", "--help").stdout.split())
    for words in ("NTLMv1", "oxgate user nt-hash enable scanner@example.com", "--until", "[[networks]]"):
        assert words in text


def test_records_in_postgresql(line, postgres_database):
    """The server keeps them in the directory's database, and the command line finds them there."""
    store = SignInStore(postgres_database)
    store.write(RECORDS)
    store.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OXGATE_STORE__URL", postgres_database)
        line("user", "add", SCANNER, "--password-stdin", stdin="secret\n")
        assert [one["at"] for one in line.json("audit", "--user", SCANNER)] == [RECORDS[4].at]
        assert keys(line.json("devices", "list", "--user", SCANNER)) == [("scanner", "NTLMv1", "192.0.2.7")]
    assert not (line.data / "signins.sqlite").exists()
