"""`oxgate grant` and `oxgate revoke`: what one may do with another's mailbox."""

from __future__ import annotations

import click

from config.settings import Settings
from directory.model import GrantKind
from gateway.cli.context import config_option, tenant

RIGHTS = {kind.name.lower().replace("_", "-"): kind for kind in GrantKind}


@click.command()
@click.argument("right", type=click.Choice(list(RIGHTS)))
@click.argument("owner")
@click.argument("delegate")
@config_option
def grant(settings: Settings, right: str, owner: str, delegate: str) -> None:
    """Give DELEGATE a right on the mailbox of OWNER. The delegate may be a group; then every member has it.

    \b
    full-access     open the whole mailbox (IMAP: sign in as alice@example.com/sales)
    send-as         send with the owner's address in From
    send-on-behalf  send with the owner's address in From and the own one in Sender
    administer      set how much the mailbox may hold (IMAP: SETQUOTA); the mail stays closed

    \b
    oxgate grant full-access sales@example.com alice@example.com
    oxgate grant send-as sales@example.com sales-team@example.com
    """
    with tenant(settings) as here:
        from_whom, to_whom = here.find(owner), here.find(delegate)
        new = here.directory.grant(RIGHTS[right], from_whom.id, to_whom.id)
    click.echo(f"{to_whom.address} {'now has' if new else 'had'} {right} on {from_whom.address}.")


@click.command()
@click.argument("right", type=click.Choice(list(RIGHTS)))
@click.argument("owner")
@click.argument("delegate")
@config_option
def revoke(settings: Settings, right: str, owner: str, delegate: str) -> None:
    """Take back what `oxgate grant` gave. Rights that DELEGATE has through a group stay.

    \b
    oxgate revoke full-access sales@example.com alice@example.com
    """
    with tenant(settings) as here:
        from_whom, to_whom = here.find(owner), here.find(delegate)
        if not here.directory.revoke(RIGHTS[right], from_whom.id, to_whom.id):
            raise click.ClickException(
                f"{to_whom.address} had no {right} on {from_whom.address}; `oxgate mailbox show {from_whom.address}`"
                " lists the rights, also those that come through a group."
            )
    click.echo(f"{to_whom.address} no longer has {right} on {from_whom.address}.")
