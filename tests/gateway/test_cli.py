"""The command line on a data folder of its own."""

from __future__ import annotations

import json
import os
import ssl
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from gateway.cli import root
from gateway.cli.root import COMMANDS, oxgate

CHEAP = {"OXGATE_DIRECTORY__ARGON2_MEMORY": "8", "OXGATE_DIRECTORY__ARGON2_TIME": "1"}


class Line:
    """Runs `oxgate` on one server folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, stdin: str | None = None, code: int = 0) -> Result:
        environment = {"OXGATE_CONFIG": str(self.folder / "oxgate.toml"), **CHEAP}
        result = CliRunner().invoke(oxgate, list(words), input=stdin, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def json(self, *words: str):
        return json.loads(self(*words, "--json").stdout)


@pytest.fixture
def line(tmp_path) -> Line:
    made = Line(tmp_path / "server")
    made("init", str(made.folder), "--domain", "example.test", "--unprivileged")
    return made


@pytest.fixture
def alice(line) -> str:
    line("user", "add", "alice@example.test", "--display-name", "Alice Archer", "--password-stdin", stdin="secret\n")
    return "alice@example.test"


def test_help_lists_every_command_with_its_own_line():
    shown = CliRunner().invoke(oxgate, ["--help"]).output
    for name, entry in COMMANDS.items():
        assert f"  {name} " in shown
        command = root.Root.get_command(oxgate, None, name)
        help_text = CliRunner().invoke(oxgate, [name, "--help"])
        assert help_text.exit_code == 0
        assert command.help
        assert entry.line.endswith(".")


def test_help_imports_no_command(monkeypatch):
    monkeypatch.setattr(root.importlib, "import_module", lambda name: pytest.fail(f"{name} was imported"))
    assert CliRunner().invoke(oxgate, ["--help"]).exit_code == 0


def test_unknown_commands_and_missing_settings_are_told_how_to_mend(tmp_path):
    assert CliRunner().invoke(oxgate, ["usr"]).exit_code == 2
    result = CliRunner().invoke(oxgate, ["user", "list", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 1
    assert "oxgate init" in result.output


def test_init_makes_a_folder_that_works(line):
    """Keys belong to the owner alone; the certificate names localhost, the host and the loopback addresses."""
    names = {file.name for file in (line.folder / "tls").iterdir()}
    assert names == {"ca.pem", "ca.key", "server.pem", "server.key"}
    for name in ("ca.key", "server.key"):
        assert stat.S_IMODE((line.folder / "tls" / name).stat().st_mode) == 0o600
    chain = x509.load_pem_x509_certificates((line.folder / "tls" / "server.pem").read_bytes())
    alternative = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == ["mail.example.test", "localhost"]
    assert [str(one) for one in alternative.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    chain[0].verify_directly_issued_by(chain[1])
    ssl.create_default_context(cafile=line.folder / "tls" / "ca.pem")
    assert "is good" in line("check-config").output


def test_init_overwrites_nothing(line):
    before = (line.folder / "oxgate.toml").read_bytes()
    result = line("init", str(line.folder), "--domain", "other.test", code=1)
    assert "overwrites nothing" in result.output
    assert (line.folder / "oxgate.toml").read_bytes() == before
    assert "DNS name" in line("init", str(line.folder / "x"), "--domain", "not a domain", code=1).output


def test_check_config_tells_everything(line):
    file = line.folder / "oxgate.toml"
    good = file.read_text()
    file.write_text(good + "\n[impa]\nx = 1\n[user]\n")
    result = line("check-config", code=1)
    assert "impa" in result.output
    assert 'did you mean "imap"' in result.output
    report = json.loads(line("check-config", "--json", code=1).stdout)
    assert {one["name"] for one in report["problems"]} == {"impa", "user"}
    file.write_text(good)
    (line.folder / "tls" / "server.key").chmod(0o644)
    assert "chmod" in line("check-config", code=1).output
    (line.folder / "tls" / "server.key").write_text("no key")
    assert "belong together" in line("check-config", code=1).output
    (line.folder / "tls" / "server.key").unlink()
    assert "tls.key" in line("check-config", code=1).output
    assert "tls.key" in line("serve", code=1).output


def test_check_config_tells_what_is_wrong_with_the_files_of_sign_in(line, monkeypatch):
    file = line.folder / "oxgate.toml"
    for name in ("ca.pem", "keytab", "password"):
        (line.folder / name).write_text("nothing")
        (line.folder / name).chmod(0o644)
    file.write_text(
        file.read_text()
        .replace("# client_ca = ", 'client_ca = "ca.pem" #')
        .replace("# keytab = ", 'keytab = "keytab" #')
        .replace("# bind_password_file = ", 'bind_password_file = "password" #')
        .replace("# winbind = ", 'winbind = "/absent/ntlm_auth" #')
    )
    monkeypatch.setenv("OXGATE_AUTH__MECHANISMS", "PLAIN,NTLM,GSSAPI,EXTERNAL")
    (line.folder / "data" / "keys" / "secrets.key").chmod(0o644)
    report = json.loads(line("check-config", "--json", code=1).stdout)
    assert [one["name"] for one in report["problems"]] == [
        "auth.mechanisms",
        "tls.client_ca",
        "kerberos.keytab",
        "upstream.bind_password_file",
        "ntlm.winbind",
    ]
    assert all("chmod 6" in one["text"] for one in report["problems"] if "change" in one["text"])


def test_config_may_stand_before_the_command_too(line, alice, tmp_path):
    for words in (["--config", str(line.folder / "oxgate.toml"), "user", "list"],):
        assert alice in CliRunner().invoke(oxgate, words, env={"OXGATE_CONFIG": str(tmp_path / "none")}).output


def test_users(line, alice):
    line("user", "add", "bob@example.test", "--alias", "b@example.test", "--password-stdin", stdin="secret\n")
    assert alice in line("user", "list").output
    listed = line.json("user", "list")
    assert [one["address"] for one in listed] == [alice, "bob@example.test"]
    shown = line.json("user", "show", "b@example.test")
    assert shown["aliases"] == ["b@example.test"]
    assert shown["quota"] == {"used": 0, "warn": None, "send": None, "receive": None}
    assert "bob@example.test" in line("user", "show", "bob").output
    assert "disabled" in line("user", "disable", "bob").output
    assert line.json("user", "show", "bob")["enabled"] is False
    assert "enabled" in line("user", "enable", "bob").output
    line("user", "passwd", "bob", "--password-stdin", stdin="other\n")
    assert "must not be empty" in line("user", "passwd", "bob", "--password-stdin", stdin="\n", code=1).output
    assert "terminal" in line("user", "passwd", "bob", code=2).output
    assert "Abort" in line("user", "remove", "bob", stdin="n\n", code=1).output
    assert "removed" in line("user", "remove", "bob", "--yes").output
    assert "user list" in line("user", "show", "bob", code=1).output
    assert list((line.folder / "data" / "mbx").rglob("*.sqlite")) != []


def test_what_is_wrong_with_a_new_user_is_said(line, alice):
    for address, text in (
        (alice, "belongs to"),
        ("x@other.test", "general.domains"),
        ("x y@example.test", "no address"),
    ):
        result = line("user", "add", address, "--password-stdin", stdin="secret\n", code=1)
        assert text in result.output
        assert "secret" not in result.output
    assert len(line.json("user", "list")) == 1


def test_users_come_from_a_csv_file(line, alice, tmp_path):
    file = tmp_path / "staff.csv"
    file.write_text(
        "address,display_name,password,aliases,department\n"
        "alice@example.test,Other,x,,\n"
        'bob@example.test,"Baker, Bob",pw,b@example.test robert@example.test,R&D\n'
        "carol@other.test,Carol,pw,,\n"
        "dave@example.test,Dave\n",
        encoding="utf-8-sig",
    )
    result = line("user", "import", str(file), code=1)
    assert "1 added, 1 there already, 2 failed." in result.output
    assert f"{file}:4:" in result.output
    assert "pw" not in result.output
    bob = line.json("user", "show", "bob")
    assert bob["display_name"] == "Baker, Bob"
    assert bob["attributes"] == {"department": ["R&D"]}
    assert bob["quota"]["used"] == 0
    file.write_text("name\nx\n")
    assert "address" in line("user", "import", str(file), code=1).output
    file.write_bytes(b"address\n\xff@example.test\n")
    assert "UTF-8" in line("user", "import", str(file), code=1).output


def test_mailboxes_and_quotas(line, alice):
    line("mailbox", "create", "sales@example.test", "--kind", "shared", "--display-name", "Sales")
    line("mailbox", "create", "room@example.test", "--kind", "room")
    kinds = {one["address"]: one["kind"] for one in line.json("mailbox", "list")}
    assert kinds == {alice: "user", "sales@example.test": "shared", "room@example.test": "room"}
    assert "sales@example.test" in line("mailbox", "list").output
    line("mailbox", "quota", "sales", "--receive", "2G", "--warn", "1.5G")
    line("mailbox", "quota", "sales", "--warn", "none", "--send", "500")
    expected = {"used": 0, "warn": None, "send": 500, "receive": 2 * 2**30}
    assert line.json("mailbox", "quota", "sales") == expected
    assert "2.0 GiB" in line("mailbox", "show", "sales").output
    assert "no size" in line("mailbox", "quota", "sales", "--warn", "much", code=2).output
    line("mailbox", "remove", "sales", "--yes")
    assert "removed" in line("mailbox", "remove", "room", "--yes").output
    assert "user" in line("mailbox", "remove", alice, "--yes", code=1).output


def test_rights(line, alice):
    line("mailbox", "create", "sales@example.test", "--kind", "shared")
    assert "now has" in line("grant", "full-access", "sales", "alice").output
    assert "had" in line("grant", "full-access", "sales", "alice").output
    assert line.json("mailbox", "show", "sales")["grants"] == [{"right": "full-access", "delegate": alice}]
    assert line.json("user", "show", "alice")["opens"] == ["sales@example.test"]
    assert "no longer" in line("revoke", "full-access", "sales", "alice").output
    assert "mailbox show" in line("revoke", "full-access", "sales", "alice", code=1).output
    assert "neither a user nor a group" in line("grant", "send-as", "alice", "sales", code=1).output


def test_groups(line, alice):
    line("mailbox", "create", "sales@example.test", "--kind", "shared")
    line("group", "add", "team@example.test", "--member", "alice")
    line("group", "add", "all@example.test", "--member", "team", "--display-name", "All")
    assert "1 added" in line("group", "add-member", "all", "sales", "team").output
    shown = line.json("group", "show", "all")
    assert [one["address"] for one in shown["members"]] == ["team@example.test", "sales@example.test"]
    assert shown["mailboxes"] == ["sales@example.test", alice]
    assert "team@example.test" in line("group", "show", "all").output
    assert "All" in line("group", "list").output
    assert len(line.json("group", "list")) == 2
    assert "1 removed" in line("group", "remove-member", "all", "sales").output
    line("group", "remove", "all", "--yes")
    assert len(line.json("group", "list")) == 1
    assert "wants a group" in line("group", "show", "alice", code=1).output


def test_new_mailboxes_get_the_quotas_of_the_settings(line):
    with (line.folder / "oxgate.toml").open("a") as file:
        file.write("")
    text = (line.folder / "oxgate.toml").read_text().replace("# quota_receive = 0", "quota_receive = 1000000")
    (line.folder / "oxgate.toml").write_text(text)
    line("user", "add", "bob@example.test", "--password-stdin", stdin="secret\n")
    assert line.json("mailbox", "quota", "bob")["receive"] == 1000000


def test_a_data_folder_without_rights_is_an_error_that_says_so(line, alice):
    if os.geteuid() == 0:
        (line.folder / "data").rename(line.folder / "gone")
        assert "no folder" in line("user", "list", code=1).output
        return
    (line.folder / "data").chmod(0o500)
    try:
        assert "cannot be written" in line("user", "list", code=1).output
    finally:
        (line.folder / "data").chmod(0o700)


def test_a_damaged_directory_is_an_error_not_a_traceback(line, alice):
    (line.folder / "data" / "directory.sqlite").write_bytes(b"nonsense" * 1000)
    for leftover in (line.folder / "data").glob("directory.sqlite-*"):
        leftover.unlink()
    assert "Error:" in line("user", "list", code=1).output


def test_fsck_finds_nothing_in_a_new_server(line, alice):
    line("mailbox", "create", "sales@example.test", "--kind", "shared")
    assert "2 mailboxes checked" in line("fsck").output
    assert "0 faults mended, 0 left" in line("fsck", alice, "--repair", "--thorough").output
    assert line.json("fsck") == {"mailboxes": 2, "findings": []}


def test_fsck_tells_of_a_mailbox_that_is_gone_and_makes_a_new_one(line, alice):
    for file in (line.folder / "data" / "mbx").rglob("*.sqlite*"):
        file.unlink()
    result = line("fsck", code=1)
    assert "mailbox-missing" in result.output
    assert "--repair" in result.output
    report = json.loads(line("fsck", "--json", code=1).stdout)
    assert [(one["address"], one["code"], one["lossy"]) for one in report["findings"]] == [
        (alice, "mailbox-missing", True)
    ]
    assert "missing" in line("mailbox", "list").output
    assert "1 faults mended" in line("fsck", "--repair").output
    assert "0 left" in line("fsck").output


def test_fsck_tells_of_a_mailbox_that_cannot_be_read(line, alice):
    for file in (line.folder / "data" / "mbx").rglob("*.sqlite"):
        file.write_bytes(b"nonsense " * 1000)
    assert "LOST" in line("fsck", code=1).output
