"""`oxgate mailbox`: mailboxes of users, rooms and groups of people."""

from __future__ import annotations

import click

from config.settings import Settings
from directory.model import PrincipalKind
from gateway.cli.context import (
    KIND_WORDS,
    OWNERS,
    Size,
    config_option,
    json_option,
    print_fields,
    print_json,
    print_table,
    shown_size,
    tenant,
)
from gateway.cli.explaining import explain
from gateway.cli.permissions import permission
from gateway.cli.users import entry_data, quota_data, remove_with_mailbox, show_entry

CREATED = {KIND_WORDS[kind]: kind for kind in OWNERS if kind is not PrincipalKind.USER}


@click.group()
def mailbox() -> None:
    """Create and list mailboxes; set quotas; share folders; say what was lost of messages.

    \b
    oxgate mailbox create sales@example.com --kind shared --display-name Sales
    oxgate grant full-access sales@example.com alice@example.com
    oxgate mailbox quota alice@example.com --warn 900M --send 1G --receive 1200M
    """


mailbox.add_command(explain)
mailbox.add_command(permission)


@mailbox.command()
@click.argument("address")
@click.option("--kind", type=click.Choice(list(CREATED)), required=True, help="What it is for.")
@click.option("--display-name", default="", help="The name that people read.")
@click.option("--alias", "aliases", multiple=True, metavar="ADDRESS", help="Another address; may be given often.")
@config_option
def create(settings: Settings, address: str, kind: str, display_name: str, aliases: tuple[str, ...]) -> None:
    """Create a mailbox that nobody signs in to: shared, a room, equipment, or a public folder.

    `oxgate user add` makes the mailboxes of users; `oxgate grant full-access` opens this one to them.
    """
    with tenant(settings) as here, here.directory.batch():
        made = here.directory.add(CREATED[kind], address, display_name=display_name, aliases=aliases)
        here.make_mailbox(made)
    click.echo(f"{made.address} is there; `oxgate grant full-access {made.address} USER` opens it to a user.")


@mailbox.command("list")
@json_option
@config_option
def list_mailboxes(settings: Settings, as_json: bool) -> None:
    """List all mailboxes with what they hold."""
    with tenant(settings) as here:
        owners = here.directory.everyone(OWNERS)
        quotas = {one.id: quota_data(here, one) for one in owners}
    if as_json:
        print_json([{**entry_data(one), "quota": quotas[one.id]} for one in owners])
        return
    rows = []
    for one in owners:
        quota = quotas[one.id]
        used = shown_size(quota["used"]) if quota else "missing"
        rows.append((one.address, KIND_WORDS[one.kind], one.display_name, used, shown_size(quota.get("receive"))))
    print_table(("address", "kind", "name", "used", "limit"), rows, "No mailboxes yet; `oxgate user add ADDRESS`.")


@mailbox.command()
@click.argument("address")
@json_option
@config_option
def show(settings: Settings, address: str, as_json: bool) -> None:
    """Show one mailbox: owner, rights, size and limits."""
    with tenant(settings) as here:
        show_entry(here, here.find(address, *OWNERS), as_json)


@mailbox.command()
@click.argument("address")
@click.option("--warn", type=Size(), help="At this size the owner is warned.")
@click.option("--send", type=Size(), help="At this size the owner can send no more.")
@click.option("--receive", type=Size(), help="At this size the mailbox takes no more mail.")
@json_option
@config_option
def quota(
    settings: Settings, address: str, warn: int | None, send: int | None, receive: int | None, as_json: bool
) -> None:
    """Show or set how much a mailbox may hold: sizes such as 500M or 2G, or none for no limit.

    \b
    oxgate mailbox quota alice@example.com
    oxgate mailbox quota alice@example.com --receive 2G --warn none
    """
    given = {"warn": warn, "send": send, "receive": receive}
    context = click.get_current_context()
    chosen = {
        name: octets
        for name, octets in given.items()
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    }
    with tenant(settings) as here:
        owner = here.find(address, *OWNERS)
        opened = here.store.open(here.ref(owner))
        if chosen:
            old = opened.quota()
            limits = {"warn": old.warn, "send": old.send, "receive": old.receive, **chosen}
            opened.set_quota(warn=limits["warn"], send=limits["send"], receive=limits["receive"])
        now = quota_data(here, owner)
    if as_json:
        print_json(now)
        return
    print_fields([(name if name == "used" else f"{name} limit", shown_size(octets)) for name, octets in now.items()])


@mailbox.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def remove(settings: Settings, address: str, yes: bool) -> None:
    """Remove a shared, room, equipment or public mailbox with all mail in it."""
    with tenant(settings) as here:
        remove_with_mailbox(here, here.find(address, *CREATED.values()), yes)
