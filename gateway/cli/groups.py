"""`oxgate group`: distribution groups."""

from __future__ import annotations

import click

from config.settings import Settings
from directory.model import PrincipalKind
from directory.recipients import expand
from gateway.cli.context import (
    KIND_WORDS,
    config_option,
    json_option,
    print_fields,
    print_json,
    print_table,
    tenant,
)
from gateway.cli.users import entry_data


@click.group()
def group() -> None:
    """Distribution groups and their members. Groups may hold groups.

    \b
    oxgate group add everyone@example.com --member alice@example.com --member bob@example.com
    oxgate group add-member everyone@example.com carol@example.com
    """


@group.command()
@click.argument("address")
@click.option("--display-name", default="", help="The name that people read.")
@click.option("--member", "members", multiple=True, metavar="ADDRESS", help="A first member; may be given often.")
@config_option
def add(settings: Settings, address: str, display_name: str, members: tuple[str, ...]) -> None:
    """Add a group: mail to its address goes to every member."""
    with tenant(settings) as here:
        found = [here.find(name) for name in members]
        with here.directory.batch():
            made = here.directory.add(PrincipalKind.GROUP, address, display_name=display_name)
            for one in found:
                here.directory.add_member(made.id, one.id)
    click.echo(f"{made.address} is there, with {len(found)} members.")


@group.command("list")
@json_option
@config_option
def list_groups(settings: Settings, as_json: bool) -> None:
    """List the groups."""
    with tenant(settings) as here:
        found = [(one, here.directory.members(one.id)) for one in here.directory.everyone((PrincipalKind.GROUP,))]
    if as_json:
        print_json([{**entry_data(one), "members": [member.address for member in members]} for one, members in found])
        return
    rows = [(one.address, one.display_name, len(members)) for one, members in found]
    print_table(("address", "name", "members"), rows, "No groups yet; `oxgate group add ADDRESS` adds one.")


@group.command()
@click.argument("address")
@json_option
@config_option
def show(settings: Settings, address: str, as_json: bool) -> None:
    """Show a group: its members, and how many mailboxes get its mail."""
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.GROUP)
        members = here.directory.members(found.id)
        reached = expand(here.directory, found.address)
    if as_json:
        data = entry_data(found)
        data["members"] = [{"address": one.address, "kind": KIND_WORDS[one.kind]} for one in members]
        data["mailboxes"] = [one.address for one in reached.mailboxes]
        print_json(data)
        return
    print_fields(
        [("address", found.address), ("name", found.display_name), ("mailboxes reached", len(reached.mailboxes))]
    )
    rows = [(one.address, KIND_WORDS[one.kind], one.display_name) for one in members]
    click.echo()
    print_table(("member", "kind", "name"), rows, "No members yet; `oxgate group add-member` adds some.")


@group.command("add-member")
@click.argument("address")
@click.argument("members", nargs=-1, required=True)
@config_option
def add_member(settings: Settings, address: str, members: tuple[str, ...]) -> None:
    """Put users, mailboxes or other groups into a group."""
    with tenant(settings) as here:
        found, new = here.find(address, PrincipalKind.GROUP), [here.find(name) for name in members]
        with here.directory.batch():
            added = sum(here.directory.add_member(found.id, one.id) for one in new)
    click.echo(f"{added} added to {found.address}, {len(new) - added} in it already.")


@group.command("remove-member")
@click.argument("address")
@click.argument("members", nargs=-1, required=True)
@config_option
def remove_member(settings: Settings, address: str, members: tuple[str, ...]) -> None:
    """Take members out of a group; they keep their mailboxes."""
    with tenant(settings) as here:
        found, gone = here.find(address, PrincipalKind.GROUP), [here.find(name) for name in members]
        with here.directory.batch():
            removed = sum(here.directory.remove_member(found.id, one.id) for one in gone)
    click.echo(f"{removed} removed from {found.address}, {len(gone) - removed} were not in it.")


@group.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def remove(settings: Settings, address: str, yes: bool) -> None:
    """Remove a group; its members keep their mailboxes."""
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.GROUP)
        if not yes:
            click.confirm(f"Remove the group {found.address}?", abort=True)
        here.directory.remove(found.id)
    click.echo(f"{found.address} is removed.")
