"""MOVE from one user's mailbox to another's: two databases, which no transaction spans.

Many messages go in parts (store.pace), so that nobody waits long for either mailbox: [RFC6851] 3.3 asks for no more
than that each message moves whole. The target takes a part in one transaction, or nothing of it. Then what has arrived
is removed from where it was; so the messages of a part are for a moment in both places, and never in neither. When the
removal fails, the copies of what is still where it was are taken back; where that fails too, they stay.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from gateway.runtime.worker import StoreRunner
from store.changes import MessageRow, Transfer
from store.errors import StoreError
from store.ids import MailboxRef
from store.mailbox import Mailbox
from store.pace import paced
from store.permissions import Rights
from store.search import Progress
from store.store import Store

log = logging.getLogger(__name__)

PART_OCTETS = 8 << 20
"""Octets of the messages that one transaction takes in, if it is more than one message."""


async def move(
    runner: StoreRunner,
    store: Store,
    source: Mailbox,
    folder_id: int,
    uids: Sequence[int],
    target: Mailbox,
    target_id: int,
    *,
    progress: Progress | None = None,
) -> Transfer:
    """Move messages into a folder of another mailbox, in a thread; what has gone meanwhile is passed over.

    `progress` is told how many of how many have arrived. Raises what Mailbox.copy_from and Mailbox.remove_messages do;
    what had moved before then has moved. Nothing has where there is no room for all.
    """

    def work() -> Transfer:
        source.demand(folder_id, Rights.READ_ANY | Rights.DELETE_ANY)
        target.demand(target_id, Rights.CREATE)
        there = source.rows(folder_id, uids)
        target.demand_room(sum(row.size for row in there))
        moved: list[int] = []
        made: list[int] = []
        uidvalidity = 0
        for part in _parts(there) if there else [[]]:
            told = _onward(progress, len(moved), len(there))
            done = _move_part(store, source, folder_id, part, target, target_id, told)
            uidvalidity = done.uidvalidity
            moved += done.source
            made += done.destination
        return Transfer(uidvalidity, moved, made)

    return await runner.run(work)


def _parts(rows: Sequence[MessageRow]) -> Iterator[list[int]]:
    """Cut messages into parts that are soon moved; give their UIDs."""
    sizes = {row.uid: row.size for row in rows}
    for paces in paced(list(sizes)):
        part: list[int] = []
        octets = 0
        for uid in paces:
            octets += sizes[uid]
            if part and octets > PART_OCTETS:
                yield part
                part, octets = [], sizes[uid]
            part.append(uid)
        yield part


def _onward(progress: Progress | None, before: int, total: int) -> Progress | None:
    """Tell of a part as of all, of which some went before."""
    return None if progress is None else lambda done, _: progress(before + done, total)


def _move_part(
    store: Store,
    source: Mailbox,
    folder_id: int,
    uids: Sequence[int],
    target: Mailbox,
    target_id: int,
    progress: Progress | None,
) -> Transfer:
    done = target.copy_from(source, folder_id, uids, target_id, progress=progress)
    try:
        source.remove_messages(folder_id, done.source)
    except StoreError as error:
        log.warning("a move from mailbox %d to mailbox %d fails: %s", source.ref.id, target.ref.id, error)
        take_back(store, source.ref, folder_id, target.ref, target_id, done)
        raise
    return done


def take_back(
    store: Store, source: MailboxRef, folder_id: int, target: MailboxRef, target_id: int, done: Transfer
) -> None:
    """Remove what was made in the target for those messages that are still where they were; where it fails, say so.

    It is done as the owners: the mover may lack the right to delete where it may only add, or have lost that to read.
    """
    try:
        there = {row.uid for row in store.open(source).rows(folder_id, done.source)}
        copies = [made for uid, made in zip(done.source, done.destination, strict=True) if uid in there]
        store.open(target).remove_messages(target_id, copies)
    except StoreError as error:
        log.error("mailbox %d keeps copies of what could not be moved there: %s", target.id, error)
