"""`oxgate init`: a folder with everything that a server needs to start."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from config import checks
from config.loader import load
from config.settings import DEFAULT_LISTENERS, Listener, Settings
from config.signinsettings import DEFAULT_MECHANISMS
from config.template import render
from directory.sealing import make_key
from gateway.cli.certificates import make_certificates
from gateway.opening import open_directory

DEMO_PORTS = {
    "imap": 1143,
    "imaps": 1993,
    "pop3": 1110,
    "pop3s": 1995,
    "smtp": 1025,
    "submission": 1587,
    "submissions": 1465,
    "lmtp": 1024,
}
"""Ports that need no privilege, by the name of the listener."""


def unprivileged_listeners(offset: int = 0) -> tuple[Listener, ...]:
    """Give the standard listeners on loopback, at the demo's ports plus an offset."""
    return tuple(
        dataclasses.replace(one, host="127.0.0.1", port=DEMO_PORTS[one.name] + offset) for one in DEFAULT_LISTENERS
    )


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--domain", required=True, help="The domain whose mail is delivered here, such as example.com.")
@click.option(
    "--unprivileged", is_flag=True, help="Ports above 1024 on loopback, as `oxgate demo` has; no root needed."
)
def init(folder: Path, domain: str, unprivileged: bool) -> None:
    """Make DIR with oxgate.toml, a self-signed CA and certificate, a key file and empty databases. Overwrites nothing.

    \b
    oxgate init /srv/oxgate --domain example.com
    oxgate init ~/mail --domain example.test --unprivileged
    """
    settings = make_server(folder, domain, unprivileged=unprivileged, environ=os.environ)
    file = folder / "oxgate.toml"
    click.echo(f"Made {file}, the certificate {settings.tls.certificate} and the data folder {settings.general.data}.")
    click.echo(f"Secrets are sealed under {settings.secrets_key}: back it up apart from the databases.")
    click.echo(f"Clients that should trust the certificate need {folder / 'tls' / 'ca.pem'}; a real one replaces it.")
    click.echo("\nNext:")
    click.echo(f"  export OXGATE_CONFIG={file.absolute()}")
    click.echo(f"  oxgate user add YOU@{domain}")
    click.echo("  oxgate serve")
    if not unprivileged:
        click.echo("\nThe standard ports need root or CAP_NET_BIND_SERVICE; `--unprivileged` uses others.")


def make_server(folder: Path, domain: str, *, unprivileged: bool, environ: Mapping[str, str]) -> Settings:
    """Write a server's folder; give its settings, with those of an environment laid over them.

    Raises:
        click.ClickException: the domain is malformed, or something is there already.
    """
    problem = checks.host_name(domain)
    if problem:
        raise click.ClickException(f"--domain {problem}")
    there = [name for name in ("oxgate.toml", "tls", "data") if (folder / name).exists()]
    if there:
        raise click.ClickException(
            f"{folder} has {' and '.join(there)} already and init overwrites nothing; choose another folder."
        )
    domain = domain.lower()
    hostname = f"mail.{domain}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tls", "data"):
        (folder / name).mkdir(mode=0o700)
    make_certificates(folder / "tls", hostname)
    values: dict[str, dict[str, Any]] = {
        "general": {"hostname": hostname, "domains": (domain,), "data": "data"},
        "tls": {"certificate": "tls/server.pem", "key": "tls/server.key"},
    }
    if unprivileged:
        values["auth"] = {"plaintext_without_tls": "loopback", "mechanisms": (*DEFAULT_MECHANISMS, "NTLM")}
        # Clients that know NTLM take it before PLAIN, and do not fall back: an account without an NT hash is shut out.
        values["ntlm"] = {"new_accounts": True}
    with (folder / "oxgate.toml").open("x", encoding="utf-8") as file:
        file.write(render(values, unprivileged_listeners() if unprivileged else DEFAULT_LISTENERS))
    settings = load(folder / "oxgate.toml", environ)
    make_key(settings.secrets_key)
    open_directory(settings).close()
    return settings
