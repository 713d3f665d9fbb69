"""MOVE from one user's mailbox to another's: two databases, which no transaction spans.

The target takes all of it in one transaction, or nothing. Then what has arrived is removed from where it was; so a
message is for a moment in both places, and never in neither. When the removal fails, the copies of what is still where
it was are taken back; where that fails too, they stay.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gateway.runtime.worker import StoreRunner
from store.changes import Transfer
from store.errors import StoreError
from store.ids import MailboxRef
from store.mailbox import Mailbox
from store.permissions import Rights
from store.search import Progress
from store.store import Store

log = logging.getLogger(__name__)


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

    `progress` is told how many of how many have arrived; that they go from where they were is the shorter part. Raises
    what Mailbox.copy_from does, and then nothing has moved, and what Mailbox.remove_messages does: many messages are
    removed in several transactions, and those of the transactions before have moved.
    """

    def work() -> Transfer:
        source.demand(folder_id, Rights.READ_ANY | Rights.DELETE_ANY)
        done = target.copy_from(source, folder_id, uids, target_id, progress=progress)
        try:
            source.remove_messages(folder_id, done.source)
        except StoreError as error:
            log.warning("a move from mailbox %d to mailbox %d fails: %s", source.ref.id, target.ref.id, error)
            take_back(store, source.ref, folder_id, target.ref, target_id, done)
            raise
        return done

    return await runner.run(work)


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
