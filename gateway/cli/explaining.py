"""`oxgate mailbox explain`: what reading a message as MAPI properties could not keep."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, NamedTuple

import click

from config.settings import Settings
from conversion.mime.text import MimeText
from gateway.cli.context import OWNERS, config_option, json_option, print_json, print_table, tenant
from gateway.cli.progress import advancing, progress
from gateway.services.receipts import NOTES, Notes, notes_of
from store.changes import FolderRow, MessageRow
from store.errors import NotFound
from store.mailbox import Mailbox
from store.mapi.restriction import Exist


class _Noted(NamedTuple):
    """A message that has notes."""

    folder: FolderRow
    row: MessageRow
    notes: Notes


@click.command()
@click.argument("address")
@click.argument("folder", required=False)
@click.argument("uid", required=False, type=click.IntRange(1, 0xFFFFFFFF))
@json_option
@config_option
def explain(settings: Settings, address: str, folder: str | None, uid: int | None, as_json: bool) -> None:
    """Say what was lost when messages were read.

    Messages are kept octet for octet, and that is what IMAP and POP3 give. What other programs see of them are
    properties, which are made from the message when they are first asked for, here too. What was dropped, altered or
    guessed then is kept with the message; `oxgate convert --explain` says the same of a file.

    Without FOLDER it lists the messages of the whole mailbox that have notes, with FOLDER those of one folder, and with
    the UID of a message its notes, each with its place in the message.

    \b
    oxgate mailbox explain alice@example.com
    oxgate mailbox explain alice@example.com Archive/2020
    oxgate mailbox explain alice@example.com INBOX 17
    """
    with tenant(settings) as here:
        mailbox = here.store.open(here.ref(here.find(address, *OWNERS)))
        chosen = mailbox.folders() if folder is None else [_folder(mailbox, folder)]
        if uid is not None:
            _show(_one(mailbox, chosen[0], uid), as_json)
            return
        found = [noted for one in chosen if one.selectable for noted in _noted(mailbox, one)]
    if as_json:
        print_json([_data(noted) for noted in found])
        return
    rows = [("/".join(one.folder.path), one.row.uid, _date(one.row), _count(one.notes)) for one in found]
    where = f"{folder} of {address}" if folder else address
    print_table(("folder", "uid", "date", "notes"), rows, f"Nothing was lost of any message in {where}.")


def _folder(mailbox: Mailbox, name: str) -> FolderRow:
    try:
        return mailbox.folder(tuple(name.split("/")))
    except NotFound:
        raise click.ClickException(f"there is no folder {name}.") from None


def _one(mailbox: Mailbox, folder: FolderRow, uid: int) -> _Noted:
    rows = mailbox.rows(folder.id, [uid])
    if not rows:
        raise click.ClickException(f"there is no message with UID {uid} in {'/'.join(folder.path)}.")
    return _Noted(folder, rows[0], notes_of(mailbox.properties(rows[0].mid, [NOTES])))


def _noted(mailbox: Mailbox, folder: FolderRow) -> Iterator[_Noted]:
    """Find the messages of a folder that have notes, in the order of their UIDs."""
    with progress("/".join(folder.path), folder.total) as advance:
        uids = mailbox.find(folder.id, Exist(NOTES), text=MimeText, progress=advancing(advance))
    for row in mailbox.rows(folder.id, uids):
        yield _Noted(folder, row, notes_of(mailbox.properties(row.mid, [NOTES])))


def _show(noted: _Noted, as_json: bool) -> None:
    if as_json:
        print_json(_data(noted))
        return
    rows = [
        (note.kind.value, note.place, note.what if times == 1 else f"{note.what} ({times} times)")
        for note, times in noted.notes.kept
    ]
    print_table(("kind", "place", "what"), rows, "Nothing was lost.")
    if noted.notes.more:
        click.echo(f"and {noted.notes.more} more")


def _count(notes: Notes) -> int:
    return sum(times for _, times in notes.kept) + notes.more


def _date(row: MessageRow) -> str:
    return datetime.datetime.fromtimestamp(row.internal_date, datetime.UTC).strftime("%Y-%m-%d %H:%M")


def _data(noted: _Noted) -> dict[str, Any]:
    return {
        "folder": "/".join(noted.folder.path),
        "uid": noted.row.uid,
        "date": _date(noted.row),
        "notes": [
            {"kind": note.kind.value, "place": note.place, "what": note.what, "times": times}
            for note, times in noted.notes.kept
        ],
        "more": noted.notes.more,
    }
