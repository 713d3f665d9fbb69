"""neomutt and mutt: read, flag, move, copy, delete and send."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD, PeerServer

RC = """
set my_out="{out}"
set imap_user="{user}"
set imap_pass="{password}"
set folder="{folder}"
set spoolfile="+INBOX"
set postponed="+Drafts"
set record="+Sent"
set trash="+Trash"
set imap_authenticators="plain:login"
set ssl_starttls={starttls}
set ssl_force_tls={force}
set certificate_file="{ca}"
set smtp_url="{smtp}"
set smtp_pass="{password}"
set smtp_authenticators="plain:login"
set from="{user}@{domain}"
set realname="Test User"
set use_from=yes
set envelope_from=yes
set hostname="client.{domain}"
set wait_key=no
set quit=yes
set delete=yes
set move=no
set confirmappend=no
set confirmcreate=no
set mark_old=no
set pager_stop=yes
set net_inc=0
set sleep_time=0
set timeout=3
set imap_check_subscribed=no
set crypt_use_gpgme=no
"""

PLAN = (
    'push "<limit>=b token-1<enter><pipe-message>cat > $my_out/read.txt<enter><limit>~A<enter>'
    "<tag-pattern>~s seed-1<enter><tag-prefix><flag-message><untag-pattern>~A<enter>"
    "<tag-pattern>~s seed-2<enter><tag-prefix><save-message>=Archive<enter>"
    "<tag-pattern>~s seed-3<enter><tag-prefix><copy-message>=Drafts<enter><untag-pattern>~A<enter>"
    '<delete-pattern>~s seed-3<enter><sync-mailbox><quit>"'
)


@pytest.mark.parametrize("program", ["neomutt", "mutt"])
@pytest.mark.parametrize("mode", ["plain", "starttls", "tls"])
def test_reads_flags_moves_sends(server: PeerServer, user: str, program: str, mode: str, tmp_path: Path) -> None:
    need(program, "script")
    server.seed(user)
    other = server.account()
    host = "127.0.0.1" if mode == "plain" else "localhost"
    imap = f"imaps://{host}:{server.imaps}/" if mode == "tls" else f"imap://{host}:{server.imap}/"
    if mode == "tls":
        smtp = f"smtps://{user}@{host}:{server.submissions}/"
    else:
        smtp = f"smtp://{user}@{host}:{server.submission}/"
    rc = tmp_path / "rc"
    text = RC.format(
        out=tmp_path,
        user=user,
        password=PASSWORD,
        folder=imap,
        smtp=smtp,
        domain=DOMAIN,
        ca=server.ca,
        starttls="yes" if mode == "starttls" else "no",
        force="no" if mode == "plain" else "yes",
    )
    rc.write_text(text)
    plan = tmp_path / "plan"
    plan.write_text(PLAN + "\n")
    env = {"HOME": str(tmp_path), "TERM": "xterm"}
    command = f"{program} -n -F {shlex.quote(str(rc))} -e 'source {plan}'"
    run("timeout", "60", "script", "-qec", command, tmp_path / "typescript", env=env, timeout=70)
    assert (tmp_path / "read.txt").read_text().count("token-1") == 1
    state = server.state(user)
    assert [(s, "\\Flagged" in f) for s, f in state["INBOX"]] == [("seed-1 hello", True)]
    assert [s for s, _ in state["Archive"]] == ["seed-2 Grüße"]
    assert [s for s, _ in state["Drafts"]] == ["seed-3 hello"]
    assert [s for s, _ in state["Trash"]] == ["seed-3 hello"]
    args = ["timeout", "60", program, "-n", "-F", rc, "-s", "sent by mutt", "--", f"{other}@{DOMAIN}"]
    run(*args, stdin="body\n", env=env, timeout=70)
    assert [s for s, _ in server.state(other)["INBOX"]] == ["sent by mutt"]
