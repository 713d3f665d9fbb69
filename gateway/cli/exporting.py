"""`oxgate export`: a mailbox as files that every mail program reads."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from config.settings import Settings
from gateway.cli.context import config_option, tenant
from gateway.cli.progress import progress
from gateway.cli.sources import MAILDIR_FLAGS
from gateway.imap.protocol import utf7
from store.changes import FolderRow, MessageRow
from store.errors import NotFound
from store.ids import MessageFlag
from store.mailbox import Mailbox

CHUNK = 100
_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_RETURN_PATH = re.compile(rb"^Return-Path:[ \t]*<?([^\s<>]+)>?", re.IGNORECASE | re.MULTILINE)


@click.command("export")
@click.argument("address")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--folder", default="", help="Only this folder, such as Archive/2020. Default: all folders.")
@config_option
def export_mail(settings: Settings, address: str, path: Path, folder: str) -> None:
    """Write a mailbox to PATH: an mbox file when it ends in .mbox, else a Maildir with subfolders and flags.

    PATH must not be there yet. Line ends become those of Unix, as these formats want it; an mbox holds the messages of
    all folders one after the other.

    \b
    oxgate export alice@example.com /backup/alice
    oxgate export alice@example.com inbox.mbox --folder INBOX
    """
    if path.exists():
        raise click.ClickException(f"{path} is there already and export overwrites nothing; choose another name.")
    with tenant(settings) as here:
        owner = here.find(address)
        mailbox = here.store.open(here.ref(owner))
        chosen = _folders(mailbox, folder)
        with progress("messages", sum(one.total for one in chosen)) as advance:
            count = 0
            writer = _write_mbox if path.suffix.lower() == ".mbox" else _write_maildir
            for _ in writer(mailbox, chosen, path):
                count += 1
                advance(1)
    click.echo(f"{count} messages of {owner.address} written to {path}.")


def _folders(mailbox: Mailbox, name: str) -> list[FolderRow]:
    if not name:
        return mailbox.folders()
    try:
        return [mailbox.folder(tuple(name.split("/")))]
    except NotFound:
        there = ", ".join("/".join(one.path) for one in mailbox.folders())
        raise click.ClickException(f"there is no folder {name}; there are {there}.") from None


def _messages(mailbox: Mailbox, folder: FolderRow) -> Iterator[tuple[MessageRow, bytes]]:
    rows = mailbox.rows(folder.id)
    for start in range(0, len(rows), CHUNK):
        chunk = {row.uid: row for row in rows[start : start + CHUNK]}
        for uid, _, raw in mailbox.raw_many(folder.id, list(chunk)):
            yield chunk[uid], raw.replace(b"\r\n", b"\n")


def _write_mbox(mailbox: Mailbox, folders: list[FolderRow], path: Path) -> Iterator[None]:
    with path.open("xb") as file:
        for folder in folders:
            for row, raw in _messages(mailbox, folder):
                _append_mbox(file, row, raw)
                yield


def _append_mbox(file: BinaryIO, row: MessageRow, raw: bytes) -> None:
    """Append one message in the mboxrd form: lines that begin with `>`s and `From ` get one `>` more ([RFC4155] A)."""
    header = raw.partition(b"\n\n")[0]
    sender = _RETURN_PATH.search(header)
    date = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(row.internal_date)).encode("ascii")
    file.write(b"From %s %s\n" % (sender[1] if sender else b"MAILER-DAEMON", date))
    file.write(_FROM_LINE.sub(rb">\1", raw))
    file.write(b"\n" if raw.endswith(b"\n") else b"\n\n")


def _write_maildir(mailbox: Mailbox, folders: list[FolderRow], path: Path) -> Iterator[None]:
    host = os.uname().nodename.replace("/", "_").replace(":", "_")
    for folder in [None, *folders]:
        inbox = folder is None or folder.path == ("INBOX",)
        target = path if inbox or folder is None else path / ("." + ".".join(map(_encoded, folder.path)))
        for name in ("cur", "new", "tmp"):
            (target / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder is None:
            continue
        if not inbox:
            (target / "maildirfolder").touch()
        for row, raw in _messages(mailbox, folder):
            letters = "".join(sorted(letter for letter, flag in MAILDIR_FLAGS.items() if row.flags & flag))
            seen = row.flags & MessageFlag.SEEN or letters
            unique = f"{row.internal_date}.M{folder.id}P{row.uid}.{host},S={len(raw)}"
            file = target / ("cur" if seen else "new") / (f"{unique}:2,{letters}" if seen else unique)
            file.write_bytes(raw)
            os.utime(file, (row.internal_date, row.internal_date))
            yield


def _encoded(name: str) -> str:
    """Write a folder name for Maildir++: modified UTF-7, and no dot or slash, which would separate."""
    return utf7.encode(name.replace(".", "_").replace("/", "_")).decode("ascii")
