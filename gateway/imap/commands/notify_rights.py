"""Rights in others' mailboxes that go and come back while they are watched ([RFC5465] 5.9).

Every event takes the rights to see and to read a mailbox ([RFC5465] 5). When one of them goes a LIST response with
\\NoAccess says so, and nothing more is told; when both are there again, one without it, and what has changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from gateway.imap.notify import Notifier, Seen, Watched
from gateway.imap.session import Session
from store.changes import FolderRow
from store.errors import NotFound
from store.mailbox import Mailbox
from store.permissions import Rights


async def readable(session: Session, watched: Watched, folders: Iterable[int]) -> set[int]:
    """Which of the folders, all of them visible, the user may read now; not one that has just gone."""
    if watched.mailbox.whole:
        return set(folders)
    return await session.read(_readable, watched.mailbox, list(folders))


def _readable(mailbox: Mailbox, folders: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for folder in folders:
        with suppress(NotFound):
            if mailbox.rights(folder) & Rights.READ_ANY:
                found.add(folder)
    return found


async def compare(
    session: Session,
    notifier: Notifier,
    watched: Watched,
    before: Mapping[int, Seen],
    rows: Mapping[int, FolderRow],
    names: Mapping[int, str],
) -> dict[str, bool]:
    """The names of folders that may be read no more (True), or again (False); not of those that were deleted.

    `before` is what was told, `rows` and `names` what there is to be seen. Of a folder that may be read again the
    notifier knows afterwards what it knew before, so that the difference is told.
    """
    number = watched.mailbox.ref.id
    open_now = await readable(session, watched, rows)
    lost = [folder for folder in before if folder not in open_now]
    there: set[int] = set()
    if any(folder not in rows for folder in lost):
        # The mailbox as its owner sees it: what was deleted is no matter of rights.
        owned = session.services.store.open(watched.mailbox.ref)
        there = {row.id for row in await session.read(owned.folders)}
    turned: dict[str, bool] = {}
    for folder in lost:
        key = number, folder
        if folder not in rows and folder not in there:
            notifier.barred.pop(key, None)
        elif key not in notifier.barred:
            notifier.barred[key] = before[folder]
            turned[names.get(folder, before[folder].name)] = True
        elif folder not in rows:
            turned[before[folder].name] = True  # it could be seen until now
    for folder in open_now:
        told = notifier.barred.pop((number, folder), None)
        if told is not None:
            notifier.seen[number, folder] = told
            turned[names[folder]] = False
    return turned


def unknown(told: Seen) -> Seen:
    """A folder of which nothing was told but its name, for it may not be read: once it may, its state is told."""
    return told._replace(uidvalidity=0, uidnext=0, total=0, unread=0, modseq=0)
