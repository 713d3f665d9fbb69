"""mbsync: two-way synchronisation of a Maildir with 500 messages."""

from __future__ import annotations

import re
from pathlib import Path

from tests.peers.program import need, run
from tests.peers.server import PASSWORD, PeerServer

RC = """
IMAPAccount t
Host localhost
Port {port}
User {user}
Pass {password}
SSLType {tls}
CertificateFile {ca}
SystemCertificates no
AuthMechs *
Timeout 30

IMAPStore far
Account t

MaildirStore near
Path {mail}/
Inbox {mail}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""


def find(mail: Path, folder: str, subject: str) -> Path:
    """The Maildir file with that subject."""
    wanted = re.compile(rf"^Subject: {re.escape(subject)}\b".encode(), re.M | re.I)
    for sub in ("new", "cur"):
        for path in (mail / folder / sub).iterdir():
            if wanted.search(path.read_bytes()):
                return path
    raise AssertionError(f"{subject} is not in {folder}")


def snapshot(mail: Path) -> set[str]:
    """Every message file of every folder."""
    return {str(p.relative_to(mail)) for sub in ("new", "cur") for p in mail.glob(f"*/{sub}/*")}


def test_two_way_sync_of_500_messages(server: PeerServer, user: str, tmp_path: Path) -> None:
    need("mbsync")
    server.seed(user, 500)
    mail = tmp_path / "mail"
    mail.mkdir()
    rc = tmp_path / "rc"
    rc.write_text(RC.format(port=server.imaps, user=user, password=PASSWORD, tls="IMAPS", ca=server.ca, mail=mail))

    def sync() -> str:
        return run("mbsync", "-c", rc, "-V", "all", timeout=120)

    sync()
    assert sum(1 for name in snapshot(mail) if name.startswith("INBOX/")) == 500
    before = snapshot(mail)
    sync()
    assert snapshot(mail) == before, "the second synchronisation must change nothing"

    inbox = mail / "INBOX"
    flagged = find(mail, "INBOX", "seed-1")
    flagged.rename(inbox / "cur" / (re.sub(r":2,.*", "", flagged.name) + ":2,FS"))
    moved = find(mail, "INBOX", "seed-4")
    moved.rename(mail / "Archive" / "new" / re.sub(r",U=\d+|:2,.*", "", moved.name))
    find(mail, "INBOX", "seed-3").unlink()
    (inbox / "new" / "new1.local").write_bytes(b"From: a@example.test\nSubject: uploaded\n\nup\n")
    for sub in ("cur", "new", "tmp"):
        (mail / "Made" / sub).mkdir(parents=True)
    (mail / "Made" / "new" / "x1.local").write_bytes(b"From: a@example.test\nSubject: in a new folder\n\nup\n")
    sync()

    state = server.state(user)
    inbox_now = dict(state["INBOX"])
    assert len(inbox_now) == 499
    assert {"\\Flagged", "\\Seen"} <= inbox_now["seed-1 hello"]
    assert "seed-3 hello" not in inbox_now
    assert "seed-4 hello" not in inbox_now
    assert "uploaded" in inbox_now
    assert [s for s, _ in state["Archive"]] == ["seed-4 hello"]
    assert [s for s, _ in state["Made"]] == ["in a new folder"]

    client = server.imap_login(user)
    client.select("INBOX")
    numbers = client.search(None, "SUBJECT", "seed-5")[1][0].split()
    client.store(numbers[0].decode(), "+FLAGS", "(\\Answered)")
    gone = client.search(None, "SUBJECT", "seed-499")[1][0].decode()
    client.store(gone, "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.create("Far")
    client.logout()
    sync()
    assert re.search(r":2,[A-Z]*R", find(mail, "INBOX", "seed-5").name)
    assert not any(b"seed-499 " in p.read_bytes() for sub in ("new", "cur") for p in (inbox / sub).iterdir())
    assert (mail / "Far").is_dir()
    before = snapshot(mail)
    sync()
    assert snapshot(mail) == before


def test_starttls(server: PeerServer, user: str, tmp_path: Path) -> None:
    need("mbsync")
    server.seed(user)
    mail = tmp_path / "mail"
    mail.mkdir()
    rc = tmp_path / "rc"
    rc.write_text(RC.format(port=server.imap, user=user, password=PASSWORD, tls="STARTTLS", ca=server.ca, mail=mail))
    run("mbsync", "-c", rc, "all")
    assert len(list(mail.glob("INBOX/*/*"))) == 3
