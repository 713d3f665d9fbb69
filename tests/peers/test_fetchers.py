"""fetchmail, getmail and offlineimap over IMAP and POP3."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD, PeerServer


def fetchmail(folder: Path, text: str, code: int | tuple[int, ...] = 0) -> str:
    """One fetchmail run with that rc file."""
    rc = folder / "rc"
    rc.write_text(text)
    rc.chmod(0o700)
    args = ["-f", rc, "-N", "--nosyslog", "--idfile", folder / "ids", "--pidfile", folder / "pid"]
    return run("fetchmail", *args, env={"FETCHMAILHOME": str(folder), "HOME": str(folder)}, code=code)


@pytest.mark.parametrize("mode", ["plain", "starttls"])
def test_fetchmail_imap_keeps(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("fetchmail")
    server.seed(user)
    host = "localhost" if mode == "starttls" else "127.0.0.1"
    tls = f"sslproto TLS1.2+ sslcertck sslcertfile {server.ca}" if mode == "starttls" else "sslproto ''"
    rc = f"""poll {host} service {server.imap} protocol IMAP auth password
  user "{user}" password "{PASSWORD}"
  folder INBOX
  mda "/bin/sh -c 'cat > $(mktemp {tmp_path}/in.XXXXXX)'"
  {tls}
  keep
"""
    fetchmail(tmp_path, rc)
    assert len(list(tmp_path.glob("in.*"))) == 3
    assert all("\\Seen" in flags for _, flags in server.state(user)["INBOX"])
    fetchmail(tmp_path, rc, code=1)  # no new mail


@pytest.mark.parametrize("mode", ["plain", "tls"])
def test_fetchmail_pop3_empties(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("fetchmail")
    server.seed(user)
    port = server.pop3s if mode == "tls" else server.pop3
    host = "localhost" if mode == "tls" else "127.0.0.1"
    tls = f"ssl sslproto TLS1.2+ sslcertck sslcertfile {server.ca}" if mode == "tls" else "sslproto ''"
    rc = f"""poll {host} service {port} protocol POP3 uidl auth password
  user "{user}" password "{PASSWORD}"
  mda "/bin/sh -c 'cat > $(mktemp {tmp_path}/in.XXXXXX)'"
  {tls}
  no keep fetchall
"""
    fetchmail(tmp_path, rc)
    assert len(list(tmp_path.glob("in.*"))) == 3
    assert server.state(user)["INBOX"] == []


def test_fetchmail_hands_over_by_lmtp(server: PeerServer, user: str, tmp_path: Path) -> None:
    need("fetchmail")
    server.seed(user)
    other = server.account()
    rc = f"""poll 127.0.0.1 service {server.pop3} protocol POP3 auth password
  user "{user}" password "{PASSWORD}"
  lmtp smtphost 127.0.0.1/{server.lmtp} smtpname {other}@{DOMAIN}
  sslproto ''
  no keep fetchall
"""
    fetchmail(tmp_path, rc)
    assert len(server.state(other)["INBOX"]) == 3


GETMAIL = """
[retriever]
type = {kind}
server = localhost
port = {port}
username = {user}
password = {password}
timeout = 20
{more}
[destination]
type = Maildir
path = {folder}/md/
[options]
read_all = false
delete = {delete}
delivered_to = false
received = false
verbose = 2
"""


@pytest.mark.parametrize(
    ("kind", "port", "more", "delete"),
    [
        ("SimpleIMAPRetriever", "imap", 'mailboxes = ("INBOX",)', "false"),
        ("SimpleIMAPSSLRetriever", "imaps", 'mailboxes = ("INBOX",)\nca_certs = {ca}', "true"),
        ("SimplePOP3Retriever", "pop3", "", "false"),
        ("SimplePOP3SSLRetriever", "pop3s", "ca_certs = {ca}", "true"),
    ],
)
def test_getmail(
    server: PeerServer, user: str, open_folder: Path, kind: str, port: str, more: str, delete: str
) -> None:
    need("getmail")
    server.seed(user)
    ca = open_folder / "ca.pem"
    shutil.copy(server.ca, ca)
    ca.chmod(0o644)
    for name in ("home", "md/cur", "md/new", "md/tmp"):
        (open_folder / name).mkdir(parents=True)
    rc = open_folder / "rc"
    text = GETMAIL.format(
        kind=kind,
        port=getattr(server, port),
        user=user,
        password=PASSWORD,
        folder=open_folder,
        delete=delete,
        more=more.format(ca=ca),
    )
    rc.write_text(text)
    command = ["getmail", "--getmaildir", str(open_folder / "home"), "--rcfile", str(rc)]
    if os.geteuid() == 0:  # getmail refuses to deliver as root
        run("chown", "-R", "nobody", open_folder)
        command = ["runuser", "-u", "nobody", "--", *command]
    env = {"HOME": str(open_folder / "home")}
    assert "3 messages" in run(*command, env=env)
    assert len(list((open_folder / "md/new").iterdir())) == 3
    again = run(*command, env=env)
    assert "0 messages" in again
    assert len(server.state(user)["INBOX"]) == (0 if delete == "true" else 3)


OFFLINEIMAP = """
[general]
accounts = t
metadata = {folder}/meta
maxsyncaccounts = 1
ui = basic
socktimeout = 6
[Account t]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {folder}/mail
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = {ssl}
starttls = {starttls}
sslcacertfile = {ca}
auth_mechanisms = PLAIN, LOGIN
maxconnections = 1
createfolders = True
"""


@pytest.mark.parametrize("mode", ["starttls", "tls"])
def test_offlineimap(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("offlineimap")
    server.seed(user)
    mail = tmp_path / "mail"
    rc = tmp_path / "rc"
    text = OFFLINEIMAP.format(
        folder=tmp_path,
        port=server.imaps if mode == "tls" else server.imap,
        user=user,
        password=PASSWORD,
        ca=server.ca,
        ssl="yes" if mode == "tls" else "no",
        starttls="yes" if mode == "starttls" else "no",
    )
    rc.write_text(text)
    env = {"HOME": str(tmp_path)}

    def sync() -> None:
        for _ in range(5):
            text = run("offlineimap", "-c", rc, "-o", "-1", env=env, code=(0, 1))
            if "Failed to start TLS" not in text:
                assert "ERROR" not in text, text
                return
            # The client's two threads race for the socket after STARTTLS, with Dovecot too: try again.
        raise AssertionError(text)

    sync()
    files = {n: next(p for p in mail.glob("INBOX/*/*") if f"seed-{n} ".encode() in p.read_bytes()) for n in (1, 3)}
    files[1].rename(mail / "INBOX" / "cur" / (files[1].name.split(":2,")[0] + ":2,FS"))
    files[3].unlink()
    (mail / "Archive" / "new" / "1.local.host").write_bytes(b"From: a@example.test\nSubject: uploaded\n\nup\n")
    sync()
    state = server.state(user)
    inbox = dict(state["INBOX"])
    assert {"\\Flagged", "\\Seen"} <= inbox["seed-1 hello"]
    assert "seed-3 hello" not in inbox
    assert [s for s, _ in state["Archive"]] == ["uploaded"]
    sync()
    assert server.state(user) == state
