"""`oxgate user app-password`, `oxgate user nt-hash` and what stands around them on the command line."""

from __future__ import annotations

import datetime
import json
import re
import stat
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.loader import load
from directory.credentials import Hasher
from directory.sealing import KEY_FILE
from directory.secrets import nt_hash
from directory.sql import SqlDirectory
from gateway.cli.context import tenant
from gateway.cli.init import make_server
from gateway.cli.root import oxgate
from gateway.cli.seed import DOMAIN, PASSWORD, USERS, seed

CHEAP = {"OXGATE_DIRECTORY__ARGON2_MEMORY": "8", "OXGATE_DIRECTORY__ARGON2_TIME": "1"}
ALICE = "alice@example.test"


class Line:
    """Runs `oxgate` on one server folder."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = {"OXGATE_CONFIG": str(folder / "oxgate.toml"), **CHEAP, **(environment or {})}
        self.key = folder / "data" / KEY_FILE

    def __call__(self, *words: str, stdin: str | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(oxgate, list(words), input=stdin, env=self.environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: str):
        return json.loads(self(*words, "--json").stdout)

    def directory(self) -> SqlDirectory:
        settings = load(self.folder / "oxgate.toml", self.environment)
        return SqlDirectory(
            settings.directory_location,
            domains=settings.general.domains,
            hasher=Hasher(memory=8, passes=1),
            recheck=0,
            key=self.key,
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def line(request: pytest.FixtureRequest, tmp_path: Path):
    environment = {"OXGATE_NTLM__NEW_ACCOUNTS": "false"}
    if request.param == "postgresql":
        environment["OXGATE_STORE__URL"] = request.getfixturevalue("postgres_database")
    made = Line(tmp_path / "server", environment)
    shown = made("init", str(made.folder), "--domain", "example.test", "--unprivileged").output
    assert str(made.key) in shown
    made("user", "add", ALICE, "--password-stdin", stdin="secret\n")
    return made


@pytest.fixture
def directory(line):
    made = line.directory()
    yield made
    made.close()


def id_of(directory: SqlDirectory, address: str = ALICE) -> int:
    found = directory.by_address(address)
    assert found is not None
    return found.id


def test_init_makes_the_key_file(line, directory):
    assert stat.S_IMODE(line.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(line.key.parent.stat().st_mode) == 0o700
    assert line.key.stat().st_size == 32
    assert directory.scram_secret(id_of(directory)) is not None  # `user add` has sealed under it


# App passwords


def secret_in(text: str) -> str:
    found = re.findall(r"^  ([0-9a-z]{4}(?:-[0-9a-z]{4}){6})$", text, re.MULTILINE)
    assert len(found) == 1
    return found[0]


def test_an_app_password_is_made_listed_and_revoked(line, directory):
    words = ("user", "app-password", "add", ALICE, "--label", "Alice's phone", "--scope", "smtp,IMAP")
    shown = line(*words, "--expires", "2099-01-31").output
    assert "Alice's phone: imap, smtp, until 2099-01-31 23:59." in shown
    assert [text for text in shown.splitlines() if "not shown again" in text]
    secret = secret_in(shown)
    assert shown.count(secret) == 1
    alice = id_of(directory)
    assert directory.verify_app_password(alice, secret, "imap", address="192.0.2.1")
    assert directory.verify_app_password(alice, secret, "pop3", address="192.0.2.1") is None
    directory.app_passwords(alice)  # writes the last use
    listed = line("user", "app-password", "list", "alice").output
    assert secret not in listed
    head, row = listed.splitlines()
    assert re.split(r"  +", head) == ["NUMBER", "LABEL", "SCOPE", "CREATED", "EXPIRES", "LAST USED", "FROM"]
    cells = re.split(r"  +", row)
    assert cells[:3] == ["1", "Alice's phone", "imap, smtp"]
    assert cells[4] == "2099-01-31 23:59"
    assert cells[6] == "192.0.2.1"
    data = line.json("user", "app-password", "list", ALICE)[0]
    assert (data["number"], data["label"], data["scopes"], data["expired"], data["last_used_from"]) == (
        1,
        "Alice's phone",
        ["imap", "smtp"],
        False,
        "192.0.2.1",
    )
    midnight = datetime.datetime(2099, 2, 1).astimezone()
    assert datetime.datetime.fromisoformat(data["expires"]) == midnight
    assert datetime.datetime.fromisoformat(data["last_used"]).timestamp() == pytest.approx(time.time(), abs=60)
    assert line.json("user", "show", ALICE)["app_passwords"] == ["Alice's phone"]
    assert "Alice's phone, is revoked" in line("user", "app-password", "revoke", ALICE, "1").output
    assert directory.verify_app_password(alice, secret, "imap", address="192.0.2.1") is None
    assert "app-password list" in line("user", "app-password", "revoke", ALICE, "1", code=1).output
    assert "has no app passwords" in line("user", "app-password", "list", ALICE).output


def test_an_app_password_without_scope_and_end(line, directory):
    made = line.json("user", "app-password", "add", ALICE, "--label", "tablet")
    assert made["scopes"] == ["http", "imap", "ldap", "pop3", "smtp"]
    assert made["expires"] is None
    assert made["address"] == ALICE
    assert directory.verify_app_password(id_of(directory), made["secret"], "pop3", address="")
    row = line("user", "app-password", "list", ALICE).output.splitlines()[1]
    assert re.split(r"  +", row)[2] == "all protocols"
    assert re.split(r"  +", row)[4] == "never"


def test_days_and_what_is_wrong(line, directory):
    made = line.json("user", "app-password", "add", ALICE, "--label", "guest", "--expires", "90d")
    end = datetime.datetime.fromisoformat(made["expires"]).timestamp()
    assert end == pytest.approx(time.time() + 90 * 86_400, abs=60)
    add = ("user", "app-password", "add", ALICE)
    for words, text in (
        (("--label", "x", "--scope", "imap,ftp"), '"ftp" is no scope'),
        (("--label", "x", "--scope", ","), "is no scope"),
        (("--label", "x", "--expires", "2020-01-31"), "is over already"),
        (("--label", "x", "--expires", "0d"), "is no end"),
        (("--label", "x", "--expires", "2027-02-30"), "is no end"),
        (("--label", "x", "--expires", "9999-12-31"), "is no end"),
        ((), "--label"),
    ):
        assert text in line(*add, *words, code=2).output
    assert "what the app password is for" in line(*add, "--label", " ", code=1).output
    assert "user list" in line("user", "app-password", "add", "nobody", "--label", "x", code=1).output
    line("user", "disable", ALICE)
    assert "user enable" in line(*add, "--label", "x").output


# NT hashes


def test_an_nt_hash_waits_for_the_password(line, directory):
    alice = id_of(directory)
    shown = line("user", "nt-hash", "enable", ALICE).output
    assert f"oxgate user passwd {ALICE}" in shown
    assert "signs in with its password" in shown
    assert "worth as much as the password" in shown
    assert f"nt-hash disable {ALICE}" in shown
    assert directory.wants_nt_hash(alice)
    assert directory.nt_hash(alice) is None
    assert line.json("user", "show", ALICE)["nt_hash"] == "waits for the password"
    line("user", "passwd", ALICE, "--password-stdin", stdin="other\n")
    assert directory.nt_hash(alice) == nt_hash("other")
    assert line.json("user", "show", ALICE)["nt_hash"] == "kept"
    assert "its NT hash is there" in line("user", "nt-hash", "enable", ALICE).output
    assert "no NT hash any more" in line("user", "nt-hash", "disable", ALICE).output
    assert directory.nt_hash(alice) is None
    assert "had no NT hash" in line("user", "nt-hash", "disable", ALICE).output
    assert line.json("user", "show", ALICE)["nt_hash"] == "no"


def test_an_nt_hash_is_made_at_once_from_standard_input(line, directory):
    alice = id_of(directory)
    wrong = line("user", "nt-hash", "enable", ALICE, "--password-stdin", stdin="mistyped\n", code=1).output
    assert "not the password" in wrong
    assert "mistyped" not in wrong
    assert not directory.wants_nt_hash(alice)
    shown = line("user", "nt-hash", "enable", ALICE, "--password-stdin", stdin="secret\n").output
    assert "its NT hash is there" in shown
    assert "secret\n" not in shown
    assert directory.nt_hash(alice) == nt_hash("secret")
    assert directory.nt_hash(alice).hex() not in shown


def test_an_account_without_a_password_is_told(line, directory, tmp_path):
    (tmp_path / "staff.csv").write_text("address\nbob@example.test\n")
    line("user", "import", str(tmp_path / "staff.csv"))
    assert "has no password here" in line("user", "nt-hash", "enable", "bob").output


def test_that_ntlm_is_off_is_told(line):
    for mechanisms, told in (("PLAIN", True), ("PLAIN,NTLM", False)):
        line.environment["OXGATE_AUTH__MECHANISMS"] = mechanisms
        assert ("NTLM is not offered yet" in line("user", "nt-hash", "enable", ALICE).output) is told


def test_the_key_file_is_made_for_a_server_that_never_had_one(line, directory):
    with directory._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM secret")
    line.key.unlink()
    assert f"Made the key file {line.key}" in line("user", "nt-hash", "enable", ALICE).output
    line("user", "passwd", ALICE, "--password-stdin", stdin="other\n")
    line.key.unlink()
    shown = line("user", "nt-hash", "enable", ALICE, code=1).output
    assert "put it back" in shown
    assert not line.key.exists()
    assert line.json("user", "show", ALICE)["nt_hash"] == "lost"
    line("user", "passwd", ALICE, "--password-stdin", stdin="third\n")


def test_a_csv_file_opts_users_in(line, directory, tmp_path):
    file = tmp_path / "staff.csv"
    file.write_text(
        "address,password,nt_hash\n"
        "one@example.test,first,yes\n"
        "two@example.test,second,No\n"
        "three@example.test,third,\n"
        "four@example.test,,YES\n"
        "five@example.test,fifth,perhaps\n"
    )
    result = line("user", "import", str(file), code=1)
    assert "4 added, 0 there already, 1 failed." in result.output
    assert f"{file}:6: has something else than yes or no in the column nt_hash" in result.output
    assert "first" not in result.output.replace("first line", "")
    ids = {name: id_of(directory, f"{name}@example.test") for name in ("one", "two", "three", "four")}
    assert {name: directory.wants_nt_hash(number) for name, number in ids.items()} == {
        "one": True,
        "two": False,
        "three": False,
        "four": True,
    }
    assert directory.nt_hash(ids["one"]) == nt_hash("first")
    assert directory.nt_hash(ids["four"]) is None
    assert directory.scram_secret(ids["two"]) is not None
    assert "nt_hash" not in line.json("user", "show", "one@example.test")["attributes"]


def test_ntlm_is_on_where_init_is_told_to_need_no_privilege(tmp_path):
    """Who tries it out meets NTLM; a server that is set up for others has to name it."""
    for unprivileged in (True, False):
        settings = make_server(tmp_path / str(unprivileged), DOMAIN, unprivileged=unprivileged, environ=CHEAP)
        assert ("NTLM" in settings.auth.mechanisms) is unprivileged
        assert {"PLAIN", "LOGIN", "SCRAM-SHA-256"} <= set(settings.auth.mechanisms)


def test_where_new_accounts_keep_an_nt_hash(tmp_path):
    """Clients that know NTLM take it before PLAIN and do not fall back: what init enables must work for everybody."""
    settings = make_server(tmp_path / "server", "example.test", unprivileged=True, environ={})
    assert settings.ntlm.new_accounts
    line = Line(tmp_path / "server")
    assert "NT hash is kept" in line("user", "add", "ann@example.test", "--password-stdin", stdin="one two\n").stdout
    assert (
        "NT hash"
        not in line("user", "add", "bea@example.test", "--no-nt-hash", "--password-stdin", stdin="one two\n").stdout
    )
    table = tmp_path / "users.csv"
    table.write_text("address,password,nt_hash\ncy@example.test,one two,\ndi@example.test,one two,no\n")
    line("user", "import", str(table))
    directory = line.directory()
    kept = {name: directory.nt_hash(id_of(directory, f"{name}@example.test")) for name in ("ann", "bea", "cy", "di")}
    directory.close()
    assert kept == {"ann": nt_hash("one two"), "bea": None, "cy": nt_hash("one two"), "di": None}


def test_elsewhere_new_accounts_keep_none(tmp_path):
    assert not make_server(tmp_path / "server", "example.test", unprivileged=False, environ={}).ntlm.new_accounts
    line = Line(tmp_path / "server")
    assert "NT hash" not in line("user", "add", "ann@example.test", "--password-stdin", stdin="one two\n").stdout
    line("user", "add", "bea@example.test", "--nt-hash", "--password-stdin", stdin="one two\n")
    directory = line.directory()
    assert directory.nt_hash(id_of(directory, "ann@example.test")) is None
    assert directory.nt_hash(id_of(directory, "bea@example.test")) == nt_hash("one two")
    directory.close()


def test_the_demo_users_are_opted_in(tmp_path):
    settings = make_server(tmp_path / "demo", DOMAIN, unprivileged=True, environ=CHEAP)
    with tenant(settings) as here:
        seed(here)
        for row in USERS:
            number = id_of(here.directory, f"{row[0]}@{DOMAIN}")
            assert here.directory.nt_hash(number) == nt_hash(PASSWORD)
            assert not here.directory.lacks_secrets(number)
