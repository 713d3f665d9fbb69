"""Postfix hands mail over by LMTP."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PeerServer, free_offset

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/q
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
daemon_directory = /usr/lib/postfix/sbin
myhostname = host.{domain}
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relay_domains = {domain}
transport_maps = inline:{{{domain}=lmtp:[127.0.0.1]:{lmtp}}}
smtp_dns_support_level = disabled
smtp_host_lookup = native
maillog_file_prefixes = {folder}
maillog_file = {folder}/maillog
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
"""


@pytest.fixture
def postfix(server: PeerServer) -> Iterator[tuple[int, Path]]:
    """A second Postfix instance in a scratch folder; its port and its log."""
    need("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts only as root")
    folder = Path(tempfile.mkdtemp(prefix="oxgate-postfix-"))
    folder.chmod(0o755)
    config = folder / "pf"
    for name in (config, folder / "q", folder / "data"):
        name.mkdir()
    shutil.chown(folder / "data", "postfix")
    (config / "main.cf").write_text(MAIN.format(folder=folder, domain=DOMAIN, lmtp=server.lmtp))
    port = 1025 + free_offset() + 77
    master = Path("/usr/share/postfix/master.cf.dist").read_text()
    master = re.sub(r"^smtp +inet .*$", f"127.0.0.1:{port} inet n - n - - smtpd", master, flags=re.M)
    master = re.sub(r"^([a-z-]* *unix  *[-ny] *[-ny] *)y", r"\1n", master, flags=re.M)
    if not re.search(r"^postlog", master, re.M):
        master += "postlog unix-dgram n - n - 1 postlogd\n"
    (config / "master.cf").write_text(master)
    run("postfix", "-c", config, "start")
    yield port, folder / "maillog"
    run("postfix", "-c", config, "stop")
    shutil.rmtree(folder, ignore_errors=True)


def test_hands_over_by_lmtp(server: PeerServer, user: str, postfix: tuple[int, Path]) -> None:
    need("swaks")
    port, log = postfix
    other = server.account()
    to = f"{user}@{DOMAIN},{other}@{DOMAIN},no.one@{DOMAIN}"
    args = ["--server", f"127.0.0.1:{port}", "--from", "a@elsewhere.test", "--to", to, "--h-Subject", "handed over"]
    run("swaks", "--timeout", "20", *args)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        text = log.read_text() if log.exists() else ""
        if text.count("status=sent") >= 2 and "status=bounced" in text:
            break
        time.sleep(0.1)
    assert re.search(r"status=bounced .*550 5\.1\.1", text), text
    for name in (user, other):
        assert [s for s, _ in server.state(name)["INBOX"]] == ["handed over"]
