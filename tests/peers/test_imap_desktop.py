"""Desktop clients at work over IMAP: Thunderbird, the IMAP client of Evolution, and a program with Jakarta Mail.

`make desktop` runs them; `make peers` leaves them out. How they sign in is in test_signin_desktop.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.desktop.thunderbird import IMPLICIT, STARTTLS, Account, Thunderbird
from tests.peers.desktop.thunderbird import PASSWORD as BY_PASSWORD
from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD, PeerServer

pytestmark = pytest.mark.desktop

HERE = Path(__file__).parent / "desktop"
MISSING = 4


@pytest.fixture(scope="module", autouse=True)
def _asked_for(request: pytest.FixtureRequest) -> None:
    """Come before the server and the programs: nothing starts where all is skipped."""
    if "desktop" not in request.config.option.markexpr:
        pytest.skip("long: `make desktop` runs it")


def subjects(server: PeerServer, user: str, folder: str) -> list[str]:
    """What a neutral client sees in a folder."""
    return [subject for subject, _ in server.state(user)[folder]]


@pytest.fixture(scope="module", params=[IMPLICIT, STARTTLS], ids=["TLS", "STARTTLS"])
def desk(request: pytest.FixtureRequest, server: PeerServer) -> Iterator[tuple[Thunderbird, str]]:
    """A Thunderbird with one account, and the account's name."""
    need("thunderbird")
    user = server.account()
    server.seed(user)
    implicit = request.param == IMPLICIT
    account = Account(
        *("localhost", user, user, f"{user}@{DOMAIN}", BY_PASSWORD, request.param),
        server.imaps if implicit else server.imap,
        server.submissions if implicit else server.submission,
    )
    with tempfile.TemporaryDirectory(prefix="oxgate-thunderbird-") as folder:
        thunderbird = Thunderbird(Path(folder), [account], server.ca)
        try:
            for origin in ("imap://localhost", "smtp://localhost"):
                thunderbird.call("remember", origin, origin, user, PASSWORD)
            yield thunderbird, user
        finally:
            thunderbird.stop()


def test_thunderbird(server: PeerServer, desk: tuple[Thunderbird, str]) -> None:
    """A day's work: folders, reading, marks, searching, moving, sending, a new folder, reading offline, new mail."""
    thunderbird, user = desk
    read = thunderbird.call("readInbox", "account1", "seed-1")
    assert read["subjects"] == ["seed-1 hello", "seed-2 Grüße", "seed-3 hello"]
    assert read["text"].endswith("body token-1")
    assert {"INBOX", "Archive", "Drafts", "Sent", "Trash"} <= set(thunderbird.call("folders", "account1"))
    thunderbird.call("mark", "account1", "seed-1", "$label1")
    assert thunderbird.call("search", "account1", "Body", "token-3") == ["seed-3 hello"]
    assert thunderbird.call("search", "account1", "Subject", "Grüße") == ["seed-2 Grüße"]
    thunderbird.call("move", "account1", "seed-2", "Archive")
    thunderbird.call("discard", "account1", "seed-3")
    thunderbird.call("create", "account1", "Made")
    to = server.account()
    assert thunderbird.call("send", "account1", f"{to}@{DOMAIN}", "sent by Thunderbird") == ["sent by Thunderbird"]
    assert subjects(server, to, "INBOX") == ["sent by Thunderbird"]
    client = server.imap_login(user)
    client.append("INBOX", "", None, b"Subject: while idle\r\n\r\nbody\r\n")
    client.logout()
    thunderbird.call("awaits", "account1", "while idle")
    assert "body token-1" in thunderbird.call("readOffline", "account1", "INBOX", "seed-1")
    state = server.state(user)
    assert [subject for subject, _ in state["INBOX"]] == ["seed-1 hello", "while idle"]
    assert state["INBOX"][0][1] >= {"\\Flagged", "\\Seen", "$label1"}
    assert [subject for subject, _ in state["Archive"]] == ["seed-2 Grüße"]
    assert [subject for subject, _ in state["Trash"]] == ["seed-3 hello"]
    assert [subject for subject, _ in state["Sent"]] == ["sent by Thunderbird"]
    assert "Made" in state


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_evolution(server: PeerServer, user: str, security: str, tmp_path: Path) -> None:
    server.seed(user)
    port = server.imaps if security == "tls" else server.imap
    args = [str(HERE / "camel_work.py"), str(tmp_path), "localhost", str(port), user, PASSWORD, security]
    said = run("/usr/bin/python3", *args, code=(0, MISSING), env={"HOME": str(tmp_path)})
    if said.startswith("Missing: "):
        pytest.skip(f"{said.strip()} (gir1.2-camel-1.2, python3-gi)")
    assert said.endswith("DONE\n")
    state = server.state(user)
    assert [(s, f >= {"\\Flagged", "\\Seen", "$label1"}) for s, f in state["INBOX"]] == [("seed-1 hello", True)]
    assert [s for s, _ in state["Archive"]] == ["seed-2 Grüße"]
    assert "Made" in state


def test_jakarta_mail(server: PeerServer, user: str, tmp_path: Path) -> None:
    need("java", "javac")
    jars = [Path("/usr/share/java", name) for name in ("jakarta-mail.jar", "jakarta-activation.jar")]
    for jar in jars:
        if not jar.exists():
            pytest.skip(f"{jar} is missing (libjakarta-mail-java)")
    server.seed(user)
    path = ":".join(map(str, jars))
    run("javac", "-cp", path, "-d", tmp_path, HERE / "JakartaWork.java")
    said = run("java", "-cp", f"{path}:{tmp_path}", "JakartaWork", str(server.imap), user, PASSWORD)
    assert said.endswith("DONE\n")
    assert subjects(server, user, "INBOX") == ["seed-1 hello", "appended ä"]
