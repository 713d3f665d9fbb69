"""imaptest, the tester that Dovecot's authors use: its scripted groups, and its stress with clients that check states.

It is not packaged. OXGATE_IMAPTEST names the program (else it is looked for on the PATH) and OXGATE_IMAPTEST_TESTS the
folder of its scripts (else `tests` beside the program); without it the tests are skipped. OXGATE_STRESS_SECONDS is how
long each stress profile runs; `make stress` gives each a minute.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.peers.program import run
from tests.peers.server import PASSWORD, PeerServer
from tests.support import postgres

SECONDS = int(os.environ.get("OXGATE_STRESS_SECONDS", "4"))
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima")
PROFILES = {
    "one mailbox": ("user={user}", "clients=20"),
    "many mailboxes": ("user=sd%d", "users=100", "clients=20"),
    "own messages": ("user={user}", "clients=20", "own_msgs", "expunge=5", "logout=1"),
    "qresync": ("user={user}", "clients=20", "qresync"),
    "everything": (
        *("user={user}", "clients=20", "copybox=Trash", "uidfetch=20", "search=20", "sort=10", "thread=10"),
        *("noop=20", "check=10", "copy=20", "move=10", "append=100,20", "logout=5"),
    ),
}


@pytest.fixture(scope="module")
def imaptest() -> Path:
    """The program."""
    named = os.environ.get("OXGATE_IMAPTEST") or shutil.which("imaptest")
    if named is None:
        pytest.skip("imaptest is not here: it is not packaged; name it by OXGATE_IMAPTEST")
    return Path(named)


@pytest.fixture(scope="module")
def mbox() -> Iterator[Path]:
    """Messages that imaptest appends, each with a Message-ID of its own, by which it knows them again."""
    dice = random.Random(4)
    folder = Path(tempfile.mkdtemp(prefix="oxgate-imaptest-"))
    path = folder / "messages.mbox"
    with path.open("wb") as file:
        for n in range(500):
            lines = [
                "From sender@example.test Fri Mar  1 10:00:00 2024",
                f'From: "Sender {n % 40}" <s{n % 40}@example.test>',
                f"To: u@example.test, other{n % 7}@example.test",
                f"Subject: {dice.choice(WORDS)} {dice.choice(WORDS)} number {n}",
                f"Date: Fri, {n % 28 + 1:02d} Mar 2024 10:{n % 60:02d}:00 +0000",
                f"Message-ID: <{n}.imaptest@example.test>",
                "MIME-Version: 1.0",
                "Content-Type: text/plain; charset=us-ascii",
                "",
                *(" ".join(dice.choices(WORDS, k=10)) for _ in range(dice.randint(2, 60))),
                "",
            ]
            file.write("".join(f"{line}\r\n" for line in lines).encode())
    yield path
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tested(request: pytest.FixtureRequest, imaptest: Path) -> Iterator[PeerServer]:
    """A server of two workers on either database, with accounts sd1 to sd110."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-imaptest-"))
    with ExitStack() as stack:
        if request.param == "postgresql":
            try:
                database = stack.enter_context(postgres.server())
                stack.callback(database.close)
            except postgres.NoServer as reason:
                pytest.skip(str(reason))
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("OXGATE_STORE__URL", stack.enter_context(database.schema()))
        server = PeerServer(folder, workers=2, users=110)
        server._next = 100
        server.init()
        server.start()
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(server.stop)
        yield server


def _libraries() -> dict[str, str]:
    """Where a program that was built against Dovecot's package finds its library."""
    return {"LD_LIBRARY_PATH": "/usr/lib/dovecot"}


def test_scripts(tested: PeerServer, imaptest: Path, tmp_path: Path) -> None:
    """Every group passes, and none is passed over for want of a capability.

    The group `urlauth2` was never run against a server that has URLAUTH: it fetches two messages and asks for none to
    be put there, and its second user needs a mailbox that nobody makes.
    """
    named = Path(os.environ.get("OXGATE_IMAPTEST_TESTS", str(imaptest.resolve().parent / "tests")))
    scripts = tmp_path / "tests"
    shutil.copytree(named, scripts, ignore=shutil.ignore_patterns("broken"))
    lacking = scripts / "urlauth2"
    if lacking.exists() and "messages:" not in lacking.read_text():
        lacking.write_text("messages: 2\n" + lacking.read_text())
    first, second = tested.account(), tested.account()
    client = tested.imap_login(second)
    client.create("imaptest")
    client.logout()
    said = run(
        imaptest,
        *("host=127.0.0.1", f"port={tested.imap}", f"user={first}", f"user2={second}"),
        *(f"pass={PASSWORD}", f"test={scripts}"),
        env=_libraries(),
        code=(0, 1),
        timeout=170,
    )
    found = re.search(r"(\d+) test groups: (\d+) failed, (\d+) skipped", said)
    assert found, said[-2000:]
    assert int(found[1]) >= 70
    assert (int(found[2]), int(found[3])) == (0, 0), said[-4000:]


@pytest.mark.timeout(SECONDS * 3 + 60)
@pytest.mark.parametrize("profile", PROFILES)
def test_stress(tested: PeerServer, imaptest: Path, mbox: Path, profile: str) -> None:
    """Clients at random, each with its own idea of the mailbox: none finds the server in error."""
    user = tested.account()
    client = tested.imap_login(user)
    client.create("Trash")
    client.logout()
    said = run(
        imaptest,
        *("host=127.0.0.1", f"port={tested.imap}", f"pass={PASSWORD}", f"mbox={mbox}", f"secs={SECONDS}", "seed=123"),
        *(word.format(user=user) for word in PROFILES[profile]),
        env=_libraries(),
        timeout=SECONDS * 2 + 60,
    )
    errors = [line for line in said.splitlines() if re.search("Error|Fatal|Panic|BUG", line)]
    assert not errors, "\n".join(errors[:40])
