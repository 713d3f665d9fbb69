"""`oxgate mailbox permission`: who may do what in a folder of a mailbox ([MS-OXCPERM] 2.2.2)."""

from __future__ import annotations

import click

from config.settings import Settings
from directory.model import PrincipalKind
from gateway.cli.context import OWNERS, Tenant, config_option, json_option, print_json, print_table, tenant
from gateway.imap.rights import LETTERS, letters, rights
from gateway.services.sharing import Sharing, guid_of, principal_of, principal_of_guid
from store.changes import FolderRow
from store.errors import NotFound
from store.ids import SpecialFolder
from store.mailbox import Mailbox
from store.permissions import ANONYMOUS, DEFAULT, Rights

NAMED = 50
"""Folders that are named where there is none of the name that was given."""
TOP = "/"
"""Names the folder above all others, whose members the folders made right below it begin with."""
FIXED = {"anyone": DEFAULT, "anonymous": ANONYMOUS}
ROLES = {
    "none": Rights(0),
    "contributor": rights("li"),
    "reviewer": rights("lr"),
    "editor": rights("lrwite"),
    "publishing-editor": rights("lrwitek"),
    "owner": rights("lrwitekxa"),
}
"""What Outlook calls some sets of rights, without those over one's own messages alone."""


@click.group()
def permission() -> None:
    """Share folders with other people and groups.

    \b
    oxgate mailbox permission set alice@example.com Projects bob@example.com editor
    oxgate mailbox permission set news@example.com / anyone reviewer
    oxgate mailbox permission list alice@example.com
    oxgate mailbox permission remove alice@example.com Projects bob@example.com

    In mail programs shared folders are below "Other Users", those of public mailboxes below "Public Folders".
    """


@permission.command("list")
@click.argument("address")
@json_option
@config_option
def list_permissions(settings: Settings, address: str, as_json: bool) -> None:
    """List the folders of a mailbox in which others have rights, and who they are."""
    with tenant(settings) as here:
        mailbox = _open(here, address)
        found: list[tuple[str, str, bool, str]] = []
        for number, name in _folders(mailbox):
            for member in mailbox.permissions(number):
                if member.rights or member.principal not in FIXED.values():
                    who = _called(here, member.principal)
                    found.append((name, who or guid_of(member.principal), who is None, _shown(member.rights)))
    if as_json:
        print_json([{"folder": folder, "who": who, "rights": held} for folder, who, _, held in found])
        return
    rows = [(folder, f"{who} (has left)" if left else who, held) for folder, who, left, held in found]
    print_table(("folder", "who", "rights"), rows, f"Nobody else has rights in the folders of {address}.")


@permission.command("set")
@click.argument("address")
@click.argument("folder")
@click.argument("who")
@click.argument("given", metavar="RIGHTS")
@config_option
def set_permission(settings: Settings, address: str, folder: str, who: str, given: str) -> None:
    """Set the rights of WHO in one folder: a user, a group, or anyone (everybody who signs in).

    \b
    RIGHTS is a role:  none contributor reviewer editor publishing-editor owner
    or letters:        l see  r read  w change flags  i add  t,e delete  k make folders  a,x own

    FOLDER is a path such as INBOX or Projects/2026; / stands above all others. Folders made later begin with the rights
    of the one above; those that are there keep their own.
    """
    wanted = _rights(given)
    with tenant(settings) as here:
        mailbox = _open(here, address)
        number = _folder(mailbox, folder)
        _sharing(here).change_permission(mailbox, number, _principal(here, who), lambda held: wanted)
    click.echo(f"{who} has in {folder} of {address}: {_shown(wanted)}.")


@permission.command()
@click.argument("address")
@click.argument("folder")
@click.argument("who")
@config_option
def remove(settings: Settings, address: str, folder: str, who: str) -> None:
    """Take WHO off a folder's list. Groups and anyone may still give it rights there.

    Somebody who has left the directory goes by the GUID that `oxgate mailbox permission list` shows.
    """
    with tenant(settings) as here:
        mailbox = _open(here, address)
        number = _folder(mailbox, folder)
        listed = {member.principal for member in mailbox.permissions(number)}
        left = principal_of_guid(who)
        principal = left if left in listed else _principal(here, who)
        _sharing(here).change_permission(mailbox, number, principal, lambda held: None)
    click.echo(f"{who} is off the list of {folder} of {address}.")


@permission.command()
@config_option
def refresh(settings: Settings) -> None:
    """Bring the directory's index of shared mailboxes up to date, after a mailbox was restored from a backup."""
    with tenant(settings) as here:
        sharing = _sharing(here)
        owners = here.directory.everyone(OWNERS)
        mended = 0
        for owner in owners:
            try:
                mended += sharing.bring_index_up_to_date(here.store.open(here.ref(owner)), owner)
            except NotFound:
                click.echo(f"{owner.address} has no mailbox in the store; `oxgate fsck` says more.", err=True)
    click.echo(f"{len(owners)} mailboxes looked at, {mended} brought up to date.")


def _sharing(here: Tenant) -> Sharing:
    return Sharing(here.directory, here.store)


def _open(here: Tenant, address: str) -> Mailbox:
    return here.store.open(here.ref(here.find(address, *OWNERS)))


def _folders(mailbox: Mailbox) -> list[tuple[int, str]]:
    rows: list[FolderRow] = mailbox.folders()
    return [(int(SpecialFolder.IPM_SUBTREE), TOP), *((row.id, "/".join(row.path)) for row in rows)]


def _folder(mailbox: Mailbox, name: str) -> int:
    if name == TOP:
        return int(SpecialFolder.IPM_SUBTREE)
    try:
        return mailbox.folder(tuple(name.strip("/").split("/"))).id
    except NotFound as error:
        names = [known for _, known in _folders(mailbox)]
        more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
        listed = "".join(f"\n  {line}" for line in (*names[:NAMED], *more))
        raise click.ClickException(f'there is no folder "{name}". There are:{listed}') from error


def _principal(here: Tenant, who: str) -> bytes:
    if who.lower() in FIXED:
        return FIXED[who.lower()]
    entry = here.find(who)
    if entry.kind is PrincipalKind.CONTACT:
        raise click.ClickException(f"{entry.address} is a contact: it does not sign in here.")
    return principal_of(entry)


def _called(here: Tenant, principal: bytes) -> str | None:
    """The address of a member, or its fixed name; None: it has left the directory."""
    for name, fixed in FIXED.items():
        if principal == fixed:
            return name
    entry = _sharing(here).by_principal(principal)
    return None if entry is None else entry.address


def _rights(given: str) -> Rights:
    role = ROLES.get(given.lower())
    if role is not None:
        return role
    known = {each.letter for each in LETTERS}
    if not set(given) <= known:
        raise click.ClickException(
            f'"{given}" is no role and no row of letters.\nRoles: {" ".join(ROLES)}. '
            f"Letters: {''.join(each.letter for each in LETTERS)}."
        )
    return rights(given)


def _shown(held: Rights) -> str:
    """A role where the rights have a name, else their letters."""
    for name, bits in ROLES.items():
        if letters(bits) == letters(held):
            return name
    return letters(held).rstrip("cd")
