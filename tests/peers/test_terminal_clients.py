"""imapfilter, alpine and aerc: list, read, search, flag, move, copy, delete, send."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD, PeerServer
from tests.peers.tmux import Terminal

MODES = pytest.mark.parametrize("mode", ["plain", "starttls", "tls"])

FILTER = """
options.timeout = 20
options.create = true
options.subscribe = true
options.certificates = true
options.starttls = {starttls}
local a = IMAP {{ server = "{host}", port = {port}, username = "{user}", password = "{password}"{ssl} }}
local function want(what, got, expected)
  print((got == expected) and "ok" or "FAIL", what, got, expected)
  if got ~= expected then os.exit(1) end
end
local boxes = a:list_all()
local found = false
for _, box in ipairs(boxes) do found = found or box == "Archive" end
want("folder list", found, true)
local exist, recent, unseen, uidnext = a.INBOX:check_status()
want("status", exist .. " " .. unseen .. " " .. uidnext, "3 3 4")
local second = a.INBOX:contain_subject("seed-2")
want("search subject", #second, 1)
want("search body", #a.INBOX:contain_body("token-3"), 1)
want("search to", #a.INBOX:contain_to("{user}"), 3)
want("search field", #a.INBOX:contain_field("Message-ID", "seed-1."), 1)
want("larger", #a.INBOX:is_larger(100000), 0)
want("fetch", a.INBOX[second[1][2]]:fetch_field("subject"):match("seed%-2") ~= nil, true)
a.INBOX:contain_subject("seed-1"):mark_flagged()
a.INBOX:contain_subject("seed-1"):mark_seen()
want("flagged", #a.INBOX:is_flagged(), 1)
second:move_messages(a.Archive)
want("moved out", #a.INBOX:select_all(), 2)
want("moved in", #a.Archive:select_all(), 1)
a.INBOX:contain_subject("seed-3"):copy_messages(a["New/Box"])
a.INBOX:contain_subject("seed-3"):delete_messages()
want("left", #a.INBOX:select_all(), 1)
want("made", #a["New/Box"]:select_all(), 1)
os.exit(0)
"""

ALPINE = """personal-name=Test User
user-domain={domain}
customized-hdrs=From: Test User <{user}@{domain}>
smtp-server={host}:{smtp}{smtp_flags}
inbox-path={{{host}:{imap}/imap/user={user}{flags}}}INBOX
folder-collections=Mail {{{host}:{imap}/imap/user={user}{flags}}}[]
default-fcc={{{host}:{imap}/imap/user={user}{flags}}}Sent
postponed-folder={{{host}:{imap}/imap/user={user}{flags}}}Drafts
feature-list=enable-aggregate-command-set,
	enable-flag-cmd,
	quit-without-confirm,
	expunge-without-confirm,
	expunge-without-confirm-everywhere,
	send-without-confirm
last-version-used=6.26
disable-these-authenticators={disabled}
"""

AERC = """[t]
source = {scheme}://{user}:{password}@{host}:{imap}
outgoing = {smtp_scheme}://{user}:{password}@{host}:{smtp}
smtp-starttls = {starttls}
default = INBOX
archive = Archive
postpone = Drafts
from = Test User <{user}@{domain}>
copy-to = Sent
cache-headers = false
"""


@contextmanager
def terminal(folder: Path, command: str, environment: dict[str, str]) -> Iterator[Terminal]:
    """A program on a terminal, for the time of the block."""
    one = Terminal(folder, command, {"HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
    try:
        yield one
    finally:
        one.close()


@MODES
def test_imapfilter(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("imapfilter")
    server.seed(user)
    script = tmp_path / "filter.lua"
    script.write_text(
        FILTER.format(
            host="127.0.0.1" if mode == "plain" else "localhost",
            port=server.imaps if mode == "tls" else server.imap,
            user=user,
            password=PASSWORD,
            starttls="true" if mode == "starttls" else "false",
            ssl=', ssl = "auto"' if mode == "tls" else "",
        )
    )
    said = run("imapfilter", "-t", server.ca, "-c", script, env={"HOME": str(tmp_path)})
    assert "FAIL" not in said
    state = server.state(user)
    assert [(s, f >= {"\\Flagged", "\\Seen"}) for s, f in state["INBOX"]] == [("seed-1 hello", True)]
    assert [s for s, _ in state["Archive"]] == ["seed-2 Grüße"]
    assert [s for s, _ in state["New/Box"]] == ["seed-3 hello"]


@pytest.mark.parametrize("mode", ["plain", "tls"])
def test_alpine(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("alpine", "tmux")
    server.seed(user)
    other = server.account()
    plain = mode == "plain"
    (tmp_path / "pinerc").write_text(
        ALPINE.format(
            host="127.0.0.1" if plain else "localhost",
            imap=server.imap if plain else server.imaps,
            flags="/notls" if plain else "/ssl",
            smtp=server.smtp,
            smtp_flags="/notls" if plain else "/tls",
            user=user,
            domain=DOMAIN,
            disabled="PLAIN,NTLM,SCRAM-SHA-256" if plain else "NTLM,SCRAM-SHA-256",
        )
    )
    (tmp_path / "passfile").touch()
    command = f"alpine -p {tmp_path}/pinerc -passfile {tmp_path}/passfile -i"
    with terminal(tmp_path, command, {"SSL_CERT_FILE": str(server.ca)}) as t:
        t.wait("ENTER PASSWORD")
        t.type(PASSWORD)
        t.keys("Enter")
        t.wait("Preserve")
        t.keys("n")
        t.wait("seed-3")
        t.keys("Home", "Enter")
        t.wait("token-1")
        t.keys("i")
        t.wait("seed-3")
        t.keys("*")
        t.wait("Flag New|Important")
        t.keys("Enter", pause=0.5)
        t.keys("2", "Enter", "s", pause=0.3)
        t.wait("SAVE")
        t.keys("C-u")
        t.type("Archive")
        t.keys("Enter")
        t.wait("copied to folder|Saving +DONE")  # whichever of the two is shown last
        t.keys("3", "Enter", "d", pause=0.4)
        t.keys("x")
        t.wait("expunged")
        t.keys("c")
        t.wait("To +:")
        for text in (f"{other}@{DOMAIN}", "", "", "sent by alpine"):
            t.type(text)
            t.keys("Enter", pause=0.2)
        t.type("body")
        t.keys("C-x")
        t.wait("Message sent|Fcc +DONE|copied to")
        t.keys("q")
        t.ended()
    state = server.state(user)
    assert [(s, "\\Flagged" in f) for s, f in state["INBOX"]] == [("seed-1 hello", True)]
    assert [s for s, _ in state["Archive"]] == ["seed-2 Grüße"]
    assert [s for s, _ in state["Sent"]] == ["sent by alpine"]
    assert [s for s, _ in server.state(other)["INBOX"]] == ["sent by alpine"]


@MODES
def test_aerc(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("aerc", "tmux")
    server.seed(user)
    other = server.account()
    settings = tmp_path / "cfg" / "aerc"
    settings.mkdir(parents=True)
    accounts = settings / "accounts.conf"
    accounts.touch(0o600)
    accounts.write_text(
        AERC.format(
            scheme={"plain": "imap+insecure", "starttls": "imap", "tls": "imaps"}[mode],
            # Without STARTTLS where that is on offer it stops after EHLO and says nothing: by TLS then.
            smtp_scheme="smtp+plain" if mode == "starttls" else "smtps+plain",
            starttls="yes" if mode == "starttls" else "no",
            host="localhost",
            imap=server.imaps if mode == "tls" else server.imap,
            smtp=server.submission if mode == "starttls" else server.submissions,
            user=user,
            password=PASSWORD,
            domain=DOMAIN,
        )
    )
    (tmp_path / "draft").write_text("body\n")
    environment = {
        "XDG_CONFIG_HOME": str(tmp_path / "cfg"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "SSL_CERT_FILE": str(server.ca),
        "EDITOR": f"cp {tmp_path}/draft",
    }
    with terminal(tmp_path, "aerc", environment) as t:

        def do(command: str, shows: str = "") -> None:
            t.type(f":{command}")
            t.keys("Enter", pause=0.5)
            if shows:
                t.wait(shows)

        t.wait("seed-1")
        do("search seed-1")
        do("next-result")
        do(f'pipe -b -m sh -c "cat > {tmp_path}/read.txt"')
        do("flag", "Setting flag|flagged")
        do("read")
        do("clear")
        do("search seed-2")
        do("next-result")
        do("move Archive", "moved to Archive")
        do("clear")
        do("search seed-3")
        do("next-result")
        do("copy Drafts", "copied")
        do("delete", "deleted")
        do(f'compose -H "To: {other}@{DOMAIN}" -H "Subject: sent by aerc"', "Send this email|send|Preview")
        t.keys("y")
        t.wait("Message sent|Copying to Sent")
        end = time.monotonic() + 20
        while not server.state(user)["Sent"]:
            assert time.monotonic() < end, t.screen()
            time.sleep(0.2)
        do("quit")
        assert t.ended() == 0
    assert "token-1" in (tmp_path / "read.txt").read_text()
    state = server.state(user)
    assert [(s, "\\Flagged" in f) for s, f in state["INBOX"]] == [("seed-1 hello", True)]
    assert [s for s, _ in state["Archive"]] == ["seed-2 Grüße"]
    assert [s for s, _ in state["Drafts"]] == ["seed-3 hello"]
    assert [s for s, _ in state["Sent"]] == ["sent by aerc"]
    assert [s for s, _ in server.state(other)["INBOX"]] == ["sent by aerc"]
