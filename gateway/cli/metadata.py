"""`oxgate metadata`: what IMAP clients can read of the whole server ([RFC5464] 6.2)."""

from __future__ import annotations

import re

import click

from config.settings import Settings
from gateway.cli.context import config_option, json_option, print_json, print_table, tenant
from store.entries import MAX_VALUE

NAME = re.compile(r"(/[!-$&-)+-.0-~]+)+")
"""Levels of visible ASCII without wildcards ([RFC5464] 3.2.1)."""


@click.group()
def metadata() -> None:
    """Set annotations of the server that every IMAP client can read.

    \b
    oxgate metadata set /admin mailto:postmaster@example.com
    oxgate metadata set /comment "The mail server of Example"
    oxgate metadata list
    """


@metadata.command("list")
@json_option
@config_option
def list_entries(settings: Settings, as_json: bool) -> None:
    """List the annotations."""
    with tenant(settings) as here:
        found = {name: value.decode("utf-8", "replace") for name, value in here.directory.server_entries().items()}
    if as_json:
        print_json(found)
        return
    print_table(("name", "value"), list(found.items()), "None yet; `oxgate metadata set NAME VALUE`.")


@metadata.command("set")
@click.argument("name")
@click.argument("value")
@config_option
def set_entry(settings: Settings, name: str, value: str) -> None:
    """Set one. NAME begins with a slash; clients see it below /shared."""
    if not NAME.fullmatch(name) or len(name) > 255:
        raise click.ClickException(f'"{name}" is no name; write it like /admin or /vendor/example/motd.')
    if len(value.encode()) > MAX_VALUE:
        raise click.ClickException(f"A value has at most {MAX_VALUE} octets.")
    with tenant(settings) as here:
        here.directory.set_server_entry(name, value.encode())
    click.echo(f"/shared{name.lower()} is set.")


@metadata.command()
@click.argument("name")
@config_option
def remove(settings: Settings, name: str) -> None:
    """Remove one."""
    with tenant(settings) as here:
        if name.lower() not in here.directory.server_entries():
            raise click.ClickException(f"{name} is not set; `oxgate metadata list` shows what is.")
        here.directory.set_server_entry(name, None)
    click.echo(f"/shared{name.lower()} is gone.")
