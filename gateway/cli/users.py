"""`oxgate user`: who signs in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from config.settings import Settings
from directory.errors import ProviderError
from directory.grants import may_open
from directory.model import Principal, PrincipalKind
from directory.secrets import PreparedPassword
from gateway.cli.context import (
    KIND_WORDS,
    Tenant,
    config_option,
    json_option,
    print_fields,
    print_json,
    print_table,
    read_password,
    shown_size,
    tenant,
)
from gateway.cli.credentials import app_password, nt_hash, nt_hash_state
from gateway.cli.progress import progress
from store.errors import NotFound

IMPORT_BATCH = 100
"""Users of a CSV file that are committed together."""

YES_NO = {"yes": True, "no": False}
"""What may stand in the column nt_hash."""


@click.group()
def user() -> None:
    """Add, list, change and remove users.

    \b
    oxgate user add alice@example.com --display-name "Alice Archer" --alias info@example.com
    echo "$SECRET" | oxgate user add bob@example.com --password-stdin
    oxgate user app-password add alice@example.com --label "Printer, 2nd floor" --scope smtp
    oxgate user import staff.csv
    """


user.add_command(app_password)
user.add_command(nt_hash)


@user.command()
@click.argument("address")
@click.option("--display-name", default="", help='The name that people read, such as "Alice Archer".')
@click.option("--alias", "aliases", multiple=True, metavar="ADDRESS", help="Another address; may be given often.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.option("--nt-hash/--no-nt-hash", default=None, help="Keep an NT hash for NTLM. Default: ntlm.new_accounts.")
@config_option
def add(
    settings: Settings,
    address: str,
    display_name: str,
    aliases: tuple[str, ...],
    password_stdin: bool,
    nt_hash: bool | None,
) -> None:
    """Add a user with a mailbox. Asks for the password; it never stands in an argument.

    \b
    oxgate user add alice@example.com --display-name "Alice Archer" --alias a.archer@example.com
    pwgen 20 1 | oxgate user add scanner@example.com --password-stdin
    """
    with tenant(settings) as here:
        password = read_password(stdin=password_stdin, address=address)
        wanted = settings.ntlm.new_accounts if nt_hash is None else nt_hash
        if wanted:
            here.directory.ensure_key()
        prepared = here.directory.prepare_password(password)
        with here.directory.batch():
            made = here.directory.add_user(
                address, password=prepared, display_name=display_name, aliases=aliases, nt_hash=wanted
            )
            here.make_mailbox(made)
    click.echo(f"{made.address} is there; it signs in as {made.address} or {made.account}.")
    if wanted:
        click.echo("An NT hash is kept, so NTLM works too; `oxgate user nt-hash disable` ends that.")


@user.command("list")
@json_option
@config_option
def list_users(settings: Settings, as_json: bool) -> None:
    """List the users."""
    with tenant(settings) as here:
        users = here.directory.everyone((PrincipalKind.USER,))
    if as_json:
        print_json([entry_data(one) for one in users])
        return
    rows = [(one.address, one.display_name, one.account, "" if one.enabled else "disabled") for one in users]
    print_table(("address", "name", "account", "state"), rows, "No users yet; `oxgate user add ADDRESS` adds one.")


@user.command()
@click.argument("address")
@json_option
@config_option
def show(settings: Settings, address: str, as_json: bool) -> None:
    """Show everything about one user: addresses, attributes, groups, rights, mailbox."""
    with tenant(settings) as here:
        show_entry(here, here.find(address, PrincipalKind.USER), as_json)


@user.command()
@click.argument("address")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@config_option
def passwd(settings: Settings, address: str, password_stdin: bool) -> None:
    """Set a new password. Sessions that are open stay open; the old password stops working at once."""
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.USER)
        here.directory.set_password(found.id, read_password(stdin=password_stdin, address=found.address))
    click.echo(f"{found.address} has a new password.")


@user.command()
@click.argument("address")
@config_option
def disable(settings: Settings, address: str) -> None:
    """Forbid a user to sign in, and refuse mail for it. Open sessions end within seconds; the mailbox stays."""
    _enable(settings, address, False)


@user.command()
@click.argument("address")
@config_option
def enable(settings: Settings, address: str) -> None:
    """Undo `oxgate user disable`."""
    _enable(settings, address, True)


def _enable(settings: Settings, address: str, enabled: bool) -> None:
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.USER)
        here.directory.set_enabled(found.id, enabled)
    click.echo(f"{found.address} is {'enabled' if enabled else 'disabled'}.")


@user.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def remove(settings: Settings, address: str, yes: bool) -> None:
    """Remove a user and all mail in its mailbox. `oxgate export` saves the mail first."""
    with tenant(settings) as here:
        remove_with_mailbox(here, here.find(address, PrincipalKind.USER), yes)


@user.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
def import_users(settings: Settings, file: Path) -> None:
    """Add the users of a CSV file; those that are there already are left as they are.

    The first line names the columns: address, display_name, password, aliases (separated by blanks), nt_hash (yes or
    no, as `oxgate user nt-hash` sets it; empty: ntlm.new_accounts), and any directory attribute by its LDAP name
    (givenName, sn, department, title, telephoneNumber ...). Only address is required. Without a password a user cannot
    sign in until `oxgate user passwd`. The file holds passwords: keep it to yourself.

    \b
    address,display_name,password,department
    alice@example.com,Alice Archer,correct horse battery,Sales
    """
    with tenant(settings) as here:
        rows, failures = _rows(file), []
        if any(_wants_nt_hash(settings, row) for _, row in rows):
            here.directory.ensure_key()
        added = known = 0
        with progress("users", len(rows)) as advance:
            for start in range(0, len(rows), IMPORT_BATCH):
                batch = [(line, row) for line, row in rows[start : start + IMPORT_BATCH]]
                for line, outcome in _import_batch(here, batch):
                    added += outcome == "added"
                    known += outcome == "known"
                    if outcome not in ("added", "known"):
                        failures.append((line, outcome))
                    advance(1)
    for line, text in failures:
        click.echo(f"{file}:{line}: {text}", err=True)
    click.echo(f"{added} added, {known} there already, {len(failures)} failed.")
    if failures:
        raise click.ClickException("mend the lines above and run the command again; what is in is skipped.")


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            names = reader.fieldnames or []
            if "address" not in names:
                raise click.ClickException(f"{file} has no column named address; its first line must name the columns.")
            rows = [(reader.line_num, row) for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} is no CSV file in UTF-8: {error}") from error
    return rows


def _import_batch(here: Tenant, batch: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, str]]:
    prepared: list[tuple[int, dict[str, Any], PreparedPassword | None, str]] = []
    for line, row in batch:  # hashing is slow on purpose; it must not happen inside the transaction
        try:
            password = row.get("password") or ""
            prepared.append((line, row, here.directory.prepare_password(password) if password else None, ""))
        except ProviderError as error:
            prepared.append((line, row, None, str(error)))
    outcomes = []
    with here.directory.batch():
        for line, row, made, problem in prepared:
            outcomes.append((line, problem or _import_one(here, row, made)))
    yield from outcomes


def _import_one(here: Tenant, row: dict[str, Any], password: PreparedPassword | None) -> str:
    if None in row or None in row.values():
        return "has another number of fields than the first line"
    address = row["address"].strip()
    if here.directory.by_address(address) is not None:
        return "known"
    wanted = _wants_nt_hash(here.settings, row)
    if wanted is None:
        return "has something else than yes or no in the column nt_hash"
    fixed = ("address", "display_name", "password", "aliases", "nt_hash")
    attributes = {name: [value] for name, value in row.items() if name not in fixed and value.strip()}
    try:
        with here.directory.batch():
            made = here.directory.add_user(
                address,
                password=password,
                nt_hash=wanted,
                display_name=row.get("display_name", ""),
                aliases=row.get("aliases", "").split(),
                attributes=attributes,
            )
            here.make_mailbox(made)
    except ProviderError as error:
        return str(error)
    return "added"


def _wants_nt_hash(settings: Settings, row: dict[str, Any]) -> bool | None:
    """Read the column nt_hash; None: there is something else in it."""
    text = (row.get("nt_hash") or "").strip().lower()
    return YES_NO.get(text) if text else settings.ntlm.new_accounts


def entry_data(one: Principal) -> dict[str, Any]:
    """Give an entry in the form that --json prints."""
    return {
        "address": one.address,
        "kind": KIND_WORDS[one.kind],
        "display_name": one.display_name,
        "account": one.account,
        "aliases": list(one.aliases),
        "enabled": one.enabled,
        "hidden": one.hidden,
        "guid": str(one.guid),
        "dn": one.dn,
        "mailbox_id": one.mailbox_id,
        "attributes": {name: list(values) for name, values in one.attributes.items()},
    }


def show_entry(here: Tenant, one: Principal, as_json: bool) -> None:
    """Print an entry with its groups, the rights on its mailbox, and the mailbox's size."""
    data = entry_data(one)
    groups = [here.directory.by_id(number) for number in sorted(here.directory.groups_of(one.id))]
    data["groups"] = [group.address for group in groups if group is not None]
    data["grants"] = [
        {"right": grant.kind.name.lower().replace("_", "-"), "delegate": grant.delegate.address}
        for grant in here.directory.grants(one.id)
    ]
    opens = here.directory.opened_by((one.id, *here.directory.groups_of(one.id)))
    data["opens"] = [owner.address for owner in opens if may_open(here.directory, one, owner)]
    if one.kind is PrincipalKind.USER:
        data["nt_hash"] = nt_hash_state(here.directory, one)
        data["app_passwords"] = [listed.label for listed in here.directory.app_passwords(one.id)]
    if one.mailbox_id is not None:
        data["quota"] = quota_data(here, one)
    if as_json:
        print_json(data)
        return
    quota = data.get("quota") or {}
    fields = [
        (name.replace("_", " "), data[name]) for name in ("address", "kind", "display_name", "account", "aliases")
    ]
    fields += [("state", "enabled" if one.enabled else "disabled"), *data["attributes"].items()]
    fields += [("member of", data["groups"]), ("opens", data["opens"])]
    fields += [("rights", [f"{grant['right']} for {grant['delegate']}" for grant in data["grants"]])]
    if data.get("nt_hash", "no") != "no":
        fields.append(("NT hash", data["nt_hash"]))
    fields.append(("app passwords", data.get("app_passwords")))
    fields += [("guid", data["guid"]), ("dn", data["dn"])]
    fields += [(name if name == "used" else f"{name} limit", shown_size(octets)) for name, octets in quota.items()]
    print_fields(fields)


def quota_data(here: Tenant, one: Principal) -> dict[str, int | None]:
    """Give what a mailbox holds and may hold, in octets; empty where the mailbox is missing."""
    try:
        quota = here.store.open(here.ref(one)).quota()
    except NotFound:
        return {}
    return {"used": quota.used, "warn": quota.warn, "send": quota.send, "receive": quota.receive}


def remove_with_mailbox(here: Tenant, one: Principal, yes: bool) -> None:
    """Remove an entry and its mailbox, after asking."""
    if not yes:
        click.confirm(f"Remove {one.address} and all mail in it for ever?", abort=True)
    here.directory.remove(one.id)
    if one.mailbox_id is not None:
        try:
            here.store.remove(here.ref(one))
        except NotFound:
            click.echo(f"{one.address} had no mailbox in the store.", err=True)
    click.echo(f"{one.address} is removed.")
