"""`oxgate fsck`: are the mailboxes whole?"""

from __future__ import annotations

import dataclasses
import sys
import time

import click

from config.settings import Settings
from directory.model import Principal
from gateway.cli.context import OWNERS, Tenant, config_option, json_option, print_json, print_table, tenant
from gateway.cli.progress import progress
from store.errors import NotFound, StoreError
from store.findings import Finding

DAMAGED = "mailbox-unreadable"
MISSING = "mailbox-missing"


@click.command()
@click.argument("address", required=False)
@click.option("--repair", is_flag=True, help="Mend what can be mended; nothing that can be read is lost.")
@click.option("--thorough", is_flag=True, help="Read and verify all content too; slow.")
@json_option
@config_option
def fsck(settings: Settings, address: str | None, repair: bool, thorough: bool, as_json: bool) -> None:
    """Check one mailbox, or all; with --repair, mend what can be mended.

    Exits 0 when all is well or was mended, 1 when something is left to do. The server may run meanwhile.

    \b
    oxgate fsck
    oxgate fsck alice@example.com --repair
    """
    began = time.monotonic()
    with tenant(settings) as here:
        owners = [here.find(address, *OWNERS)] if address else here.directory.everyone(OWNERS)
        found: list[tuple[str, Finding]] = []
        with progress("mailboxes", len(owners)) as advance:
            for owner in owners:
                found.extend((owner.address, one) for one in check(here, owner, repair=repair, thorough=thorough))
                advance(1)
    left = [one for _, one in found if not one.repaired]
    if as_json:
        rows = [{"address": owner, **dataclasses.asdict(one)} for owner, one in found]
        print_json({"mailboxes": len(owners), "findings": rows})
    else:
        if found:
            _print(found)
        seconds = f"{time.monotonic() - began:.1f} s"
        click.echo(
            f"{len(owners)} mailboxes checked in {seconds}: {len(found) - len(left)} faults mended, {len(left)} left."
        )
    if left:
        if not repair and not as_json:
            click.echo("`oxgate fsck --repair` mends what can be mended.", err=True)
        sys.exit(1)


def check(here: Tenant, owner: Principal, *, repair: bool, thorough: bool) -> list[Finding]:
    """Check one mailbox, also one that is not there or cannot be opened."""
    ref = here.ref(owner)
    try:
        return here.store.fsck(ref, repair=repair, thorough=thorough)
    except NotFound:
        text = f"the directory gives {owner.address} a mailbox, but the store has none"
        if repair:
            here.make_mailbox(owner)
        remedy = "restore it from a backup; a repair makes an empty one"
        return [Finding(MISSING, 0, text, remedy, repaired=repair, lossy=True)]
    except StoreError as error:
        remedy = "see that no other program holds the file; if it is damaged, restore it from a backup"
        return [Finding(DAMAGED, 8, f"the mailbox cannot be read: {error}", remedy, lossy=True)]


def _print(found: list[tuple[str, Finding]]) -> None:
    rows = []
    for owner, one in found:
        state = "mended" if one.repaired else "LOST" if one.lossy else "left"
        rows.append((owner, one.code, state, one.text if one.repaired else f"{one.text}; {one.remedy}"))
    print_table(("mailbox", "fault", "state", "what"), rows, "")
