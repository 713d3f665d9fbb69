"""`oxgate index`: the full-text indexes of mailboxes."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Sequence

import click

from config.settings import Settings
from conversion.mime.text import MimeText
from directory.model import Principal
from gateway.cli.context import OWNERS, Tenant, config_option, json_option, print_json, print_table, shown_size, tenant
from gateway.cli.progress import advancing, progress
from store.errors import NotFound, StoreError
from store.textindex import NEVER
from store.textindexbuild import Status, status, update

all_option = click.option("--all", "every", is_flag=True, help="Of every mailbox.")


@dataclasses.dataclass(frozen=True)
class _Row:
    """A mailbox and its index, as it is printed."""

    address: str
    messages: int
    indexed: int
    gone: int
    terms: int
    size: int


@click.group()
def index() -> None:
    """Show, rebuild or drop the full-text indexes that speed up searches.

    A running server makes the index of a mailbox when its texts are searched, keeps it up to date after delivery, and
    drops it when nobody has searched for long ([search] index, index_unused). An index only saves time: with it, with
    half of it, and without it a search finds the same. So dropping one is always safe, and so is leaving `text` out of
    a backup.

    \b
    oxgate index status                        how far the index of each mailbox is
    oxgate index rebuild alice@example.com     make it anew, for example after an import
    oxgate index drop --all                    give the space back
    """


@index.command("status")
@click.argument("address", required=False)
@json_option
@config_option
def show(settings: Settings, address: str | None, as_json: bool) -> None:
    """Show how far the index of one mailbox is, or of all.

    `indexed` of `messages` are answered by the index, the others are read by each search. `gone` messages were
    removed from the mailbox and leave the index when it is next put in order.

    \b
    oxgate index status
    oxgate index status alice@example.com --json
    """
    with tenant(settings) as here:
        rows = [_row(here, owner) for owner in _owners(here, address, every=True)]
    if as_json:
        print_json({"index": settings.search.index, "mailboxes": [dataclasses.asdict(one) for one in rows]})
        return
    shown = [(one.address, one.messages, one.indexed, one.gone, one.terms, shown_size(one.size)) for one in rows]
    print_table(("mailbox", "messages", "indexed", "gone", "terms", "size"), shown, "There are no mailboxes.")
    if settings.search.index == NEVER:
        click.echo("[search] index is never in the settings: no index is asked or kept up to date.", err=True)
        if any(one.size for one in rows):
            click.echo("What is there only takes space; `oxgate index drop --all` gives it back.", err=True)


@index.command()
@click.argument("address", required=False)
@all_option
@config_option
def rebuild(settings: Settings, address: str | None, every: bool) -> None:
    """Make the index of a mailbox anew, or with --all of every mailbox.

    The server may run meanwhile, and searches find what they always find; they take longer until the index is there.
    It takes about a second for 3,000 messages. Interrupt it as you like: what is done stays, and the server goes on. It
    counts as a search of the mailbox, so that the server keeps the index.

    \b
    oxgate index rebuild alice@example.com
    oxgate index rebuild --all
    """
    if settings.search.index == NEVER:
        raise click.ClickException("[search] index is never in the settings, so nothing would use the index.")
    began = time.monotonic()
    with tenant(settings) as here:
        owners = _owners(here, address, every=every)
        failed = [owner for owner in owners if not _rebuild(here, owner)]
        messages = sum(_status(here, owner).indexed for owner in owners)
    click.echo(
        f"{messages} messages of {len(owners) - len(failed)} mailboxes indexed in {time.monotonic() - began:.1f} s."
    )
    if failed:
        names = ", ".join(owner.address for owner in failed)
        raise click.ClickException(
            f"not done: {names}.\nThe server is at work there, or the mailbox is missing; try again."
        )


@index.command()
@click.argument("address", required=False)
@all_option
@config_option
def drop(settings: Settings, address: str | None, every: bool) -> None:
    """Remove the index of a mailbox, or with --all of every mailbox.

    No message is touched. Unless [search] index is "never", the server makes the index again when a search of texts had
    to read as many messages as [search] index_after says, or with "always" when as many have come in.

    \b
    oxgate index drop alice@example.com
    """
    with tenant(settings) as here:
        owners = _owners(here, address, every=every)
        freed = 0
        for owner in owners:
            freed += _status(here, owner).size
            with contextlib.suppress(NotFound):
                here.store.text_index(here.ref(owner)).drop()
    click.echo(f"The indexes of {len(owners)} mailboxes are dropped: {shown_size(freed)} freed.")


def _owners(here: Tenant, address: str | None, *, every: bool) -> Sequence[Principal]:
    if address:
        return [here.find(address, *OWNERS)]
    if not every:
        raise click.UsageError("say whose mailbox, or --all.")
    return here.directory.everyone(OWNERS)


def _rebuild(here: Tenant, owner: Principal) -> bool:
    """Make one index anew; tell whether it is there."""
    try:
        text_index = here.store.text_index(here.ref(owner))
    except NotFound:
        return False
    text_index.drop()
    text_index.note_search()
    with progress(owner.address, status(text_index, MimeText).messages) as advance:
        return update(text_index, MimeText, progress=advancing(advance))


def _status(here: Tenant, owner: Principal) -> Status:
    """Tell how far an index is; nothing for a mailbox that is not there."""
    try:
        return status(here.store.text_index(here.ref(owner)), MimeText)
    except StoreError:
        return Status(0, 0, 0, 0, 0, 0)


def _row(here: Tenant, owner: Principal) -> _Row:
    found = _status(here, owner)
    return _Row(owner.address, found.messages, found.indexed, found.gone, found.terms, found.size)
