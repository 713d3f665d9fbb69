"""`oxgate demo`: everything on loopback, with users and mail to try it on."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from config.loader import load
from config.settings import Listener, Settings
from gateway.cli.context import tenant
from gateway.cli.init import make_server, unprivileged_listeners
from gateway.cli.seed import DOMAIN, PASSWORD, USERS, seed

PURPOSE = {
    "imap": "IMAP",
    "imaps": "IMAP over TLS",
    "pop3": "POP3",
    "pop3s": "POP3 over TLS",
    "smtp": "SMTP, incoming mail",
    "submission": "SMTP submission",
    "submissions": "SMTP submission over TLS",
    "lmtp": "LMTP",
}


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep the state here. Default: nowhere.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
@click.option("--port-offset", type=int, default=0, help="Added to every port, when the usual ones are taken.")
def demo(data: Path | None, workers: int, port_offset: int) -> None:
    """Run everything on this machine's loopback address, with users and mail to try it on. Needs no root, no settings.

    Prints the accounts, the ports and commands to paste, then `ready`. Ctrl-C ends it; without --data nothing is left.

    \b
    oxgate demo
    oxgate demo --data ~/oxgate-demo --port-offset 10000
    """
    listeners = unprivileged_listeners(port_offset)
    check_ports(listeners)
    with _folder(data) as folder:
        settings = _settings(folder, listeners, workers)
        with tenant(settings) as here:
            if here.directory.by_address(f"{USERS[0][0]}@{DOMAIN}") is None:
                seed(here)
        click.echo(guide(settings, folder))
        from gateway.cli.serving import run

        sys.exit(run(settings))


@contextlib.contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    """Give the folder of the demo; a temporary one goes away with the process that made it, not with a worker."""
    if data is not None:
        yield data
        return
    made, owner = Path(tempfile.mkdtemp(prefix="oxgate-demo-")), os.getpid()
    try:
        yield made
    finally:
        if os.getpid() == owner:
            shutil.rmtree(made, ignore_errors=True)


def _settings(folder: Path, listeners: tuple[Listener, ...], workers: int) -> Settings:
    file = folder / "oxgate.toml"
    settings = load(file, {}) if file.exists() else make_server(folder, DOMAIN, unprivileged=True, environ={})
    if DOMAIN not in settings.general.domains:
        raise click.ClickException(f"{folder} holds a server of another domain; give --data another folder.")
    counted = dataclasses.replace(settings.workers, count=workers)
    return dataclasses.replace(settings, listeners=listeners, workers=counted)


def check_ports(listeners: tuple[Listener, ...]) -> None:
    """Try every port. Raises click.ClickException that names the ones that are taken or not allowed."""
    taken = []
    for one in listeners:
        if not 1 <= one.port <= 65535:
            raise click.ClickException(f"--port-offset makes the {one.name} port {one.port}; ports go from 1 to 65535.")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((one.host, one.port))
            except OSError as error:
                reason = "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error)).lower()
                taken.append(f"port {one.port} ({PURPOSE[one.name]}) is {reason}")
    if taken:
        raise click.ClickException("; ".join(taken) + ".\nAdd a number to all ports: oxgate demo --port-offset 10000")


def guide(settings: Settings, folder: Path) -> str:
    """Give the text that tells how to use the demo."""
    ports = {one.name: one.port for one in settings.listeners}
    host = settings.listeners[0].host
    ca = folder / "tls" / "ca.pem"
    user, other = USERS[0][0], USERS[1][0]
    login = f"{user}:{PASSWORD}"
    width = max(map(len, PURPOSE.values()))
    lines = [
        f"oxgate demo: the domain {DOMAIN} on {host}, data in {folder}",
        "",
        f"Accounts, all with the password {PASSWORD!r}:",
        *(f"  {account + '@' + DOMAIN:<20} {given} {surname}, {title}" for account, given, surname, _, title in USERS),
        f"  sales@{DOMAIN}   shared mailbox; {user} opens it as {user}@{DOMAIN}/sales",
        f"  also: boardroom@{DOMAIN} (room), everyone@{DOMAIN} (group), public@{DOMAIN} (public folder)",
        "",
        "Ports:",
        *(
            f"  {PURPOSE[one.name]:<{width}}  {one.port}{'  STARTTLS' * (one.tls == 'starttls')}"
            for one in settings.listeners
        ),
        f"  Certificate authority: {ca}",
        "",
        "Try:",
        f"  swaks --server {host}:{ports['submission']} -tls --from {user}@{DOMAIN} --to {other}@{DOMAIN} \\",
        f"        --auth LOGIN --auth-user {user} --auth-password {PASSWORD}",
        f"  curl -u {login} 'imap://{host}:{ports['imap']}/INBOX;MAILINDEX=1'",
        f"  curl -u {login} --cacert {ca} 'imaps://localhost:{ports['imaps']}/'",
        f"  curl -u {login} pop3://{host}:{ports['pop3']}/1",
        f"  curl smtp://{host}:{ports['smtp']} --mail-from {user}@{DOMAIN} --mail-rcpt {other}@{DOMAIN} -T message.eml",
        f"  mutt -f imap://{user}@{host}:{ports['imap']}/ -e 'set imap_pass={PASSWORD} ssl_starttls=no'",
        f"  openssl s_client -quiet -CAfile {ca} -connect localhost:{ports['imaps']}",
        f"  openssl s_client -quiet -CAfile {ca} -starttls smtp -connect localhost:{ports['submission']}",
        "",
        f"Thunderbird: {user}@{DOMAIN}, configure by hand:",
        f"  incoming IMAP  {host}  port {ports['imap']}  no encryption  normal password  user {user}@{DOMAIN}",
        f"  outgoing SMTP  {host}  port {ports['submission']}  no encryption  normal password  user {user}@{DOMAIN}",
        f"  with TLS: ports {ports['imaps']} and {ports['submissions']}, after importing the certificate authority",
        "",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)
