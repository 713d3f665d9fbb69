"""`oxgate import`: mail from files into a mailbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from config.settings import Settings
from conversion.mime.rendition import normalise_newlines, render
from gateway.cli.context import Tenant, config_option, tenant
from gateway.cli.journal import Journal, Mark, digest_of
from gateway.cli.progress import progress
from gateway.cli.sources import Found, messages, recognise, skipped
from store.changes import MessageRow
from store.errors import NotFound, StoreError
from store.ids import SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.tags import PidTagClientSubmitTime, PidTagMessageDeliveryTime
from store.mapi.types import FILETIME_UNIX_EPOCH, unix_from_filetime

BATCH_MESSAGES = 200
BATCH_OCTETS = 16 << 20
"""What is committed together at most."""
SHOWN_FAILURES = 50


class Ready(NamedTuple):
    """A message that is converted and waits for its batch."""

    found: Found
    mark: Mark
    content: MessageContent
    mime: MimeRendition
    received: int | None


@click.command("import")
@click.argument("address")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--folder", default="", help="The folder to import into, such as Archive/2020. Default: the Inbox.")
@click.option("--again", is_flag=True, help="Import everything, also what an earlier run brought in.")
@config_option
def import_mail(settings: Settings, address: str, path: Path, folder: str, again: bool) -> None:
    """Bring mail into a mailbox, from an mbox file, a Maildir (with its subfolders and flags), or .eml files.

    PATH is recognised by what it is. A folder of message files is read with all folders in it. Messages are kept byte
    for byte; line ends become CRLF. When a run is cut short, the same command goes on where it ended.

    \b
    oxgate import alice@example.com ~/Maildir
    oxgate import alice@example.com old.mbox --folder Archive/2020
    """
    kind = recognise(path)
    if kind is None:
        raise click.ClickException(f"{path} is no mbox, no Maildir and no message; give one of them, or a folder.")
    below = tuple(part for part in folder.split("/") if part)
    with tenant(settings) as here:
        owner = here.find(address)
        mailbox = here.store.open(here.ref(owner))
        with Journal(settings.general.data, mailbox, path, below) as journal:
            work = Import(here, mailbox, journal, below, again=again)
            with progress(kind.value, None) as advance:
                for found in messages(path, kind):
                    work.take(found)
                    advance(1)
                work.flush()
    ignored = skipped(path)
    _report(work, owner.address, ignored, path)


def _report(work: Import, address: str, ignored: list[Path], path: Path) -> None:
    for name, text in work.failures[:SHOWN_FAILURES]:
        click.echo(f"{name}: {text}", err=True)
    if len(work.failures) > SHOWN_FAILURES:
        click.echo(f"... and {len(work.failures) - SHOWN_FAILURES} more", err=True)
    parts = [f"{work.added} imported into {address}"]
    if work.known:
        parts.append(f"{work.known} there from an earlier run")
    if ignored:
        parts.append(f"{len(ignored)} files that are no messages left out")
    click.echo(", ".join(parts) + f", {len(work.failures)} failed.")
    if work.failures:
        raise click.ClickException("mend the cause named above and run the command again; what is in is skipped.")
    if not work.added and not work.known:
        raise click.ClickException(f"{path} holds no message.")


class Import:
    """One run: converts messages and commits them in batches."""

    def __init__(
        self,
        here: Tenant,
        mailbox: Mailbox,
        journal: Journal,
        folder: tuple[str, ...],
        *,
        again: bool,
    ) -> None:
        self.added = 0
        self.known = 0
        self.failures: list[tuple[str, str]] = []
        self._store = here.store
        self._reader = here.reader
        self._mailbox = mailbox
        self._journal = journal
        self._below = folder
        self._largest = here.settings.limits.message_size
        self._skip: set[Mark] = set() if again else set(journal.done)
        self._folders: dict[tuple[str, ...], int] = {}
        self._batch: list[Ready] = []
        self._octets = 0
        self._target = 0

    def take(self, found: Found) -> None:
        """Convert one message and put it into the batch, unless it is in already."""
        try:
            raw = normalise_newlines(found.read())
            mark = Mark(found.name, digest_of(raw))
            if mark in self._skip:
                self.known += 1
                return
            if len(raw) > self._largest:
                text = f"is {len(raw)} octets large; limits.message_size allows {self._largest}"
                self.failures.append((found.name, text))
                return
            target = self._folder(self._below + found.folder)
            mime = render(raw)
            content = self._reader(mime, found.received, self._mailbox.ref)
        except (OSError, StoreError) as error:
            self.failures.append((found.name, str(error)))
            return
        except Exception as error:  # one message that trips the converter must not end the run
            self.failures.append((found.name, f"cannot be converted: {type(error).__name__}: {error}"))
            return
        if self._batch and target != self._target:
            self.flush()
        self._target = target
        self._batch.append(Ready(found, mark, content, mime, found.received or _arrived(content)))
        self._octets += len(raw)
        if len(self._batch) >= BATCH_MESSAGES or self._octets >= BATCH_OCTETS:
            self.flush()

    def flush(self) -> None:
        """Commit the batch: one transaction, one durable write."""
        batch, self._batch, self._octets = self._batch, [], 0
        if not batch:
            return
        folder = self._mailbox.folder(self._target)
        self._journal.begin(self._target, folder.uidnext, [ready.mark for ready in batch])
        results = self._store.group(self._mailbox.ref, [_delivery(self._mailbox, folder.id, ready) for ready in batch])
        committed = []
        for ready, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                self.failures.append((ready.found.name, str(result) or type(result).__name__))
            else:
                committed.append(ready.mark)
        self.added += len(committed)
        self._journal.finish(committed)

    def _folder(self, path: tuple[str, ...]) -> int:
        path = path or ("INBOX",)
        if path not in self._folders:
            self._folders[path] = folder_at(self._mailbox, path)
        return self._folders[path]


def folder_at(mailbox: Mailbox, path: tuple[str, ...]) -> int:
    """Give the number of a folder; it is made when it is not there."""
    if path == ("INBOX",):
        return SpecialFolder.INBOX
    try:
        return mailbox.folder(path).id
    except NotFound:
        return mailbox.create_folder(path).id


def _delivery(mailbox: Mailbox, folder_id: int, ready: Ready) -> Callable[[], MessageRow]:
    def put() -> MessageRow:
        return mailbox.deliver(
            folder_id, ready.content, mime=ready.mime, flags=ready.found.flags, internal_date=ready.received
        )

    return put


def _arrived(content: MessageContent) -> int | None:
    """Give when the message itself says it arrived: its newest Received field, else its Date."""
    for tag in (PidTagMessageDeliveryTime, PidTagClientSubmitTime):
        moment = content.properties.get(tag)
        if isinstance(moment, int) and moment > FILETIME_UNIX_EPOCH:
            return int(unix_from_filetime(moment))
    return None
