"""COPY and MOVE from one user's mailbox to another's: two databases, which no transaction spans.

The target takes all of it in one transaction, or nothing. A move then removes what has arrived from where it was; so a
message is for a moment in both places, and never in neither. When the removal fails, the copies are taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gateway.runtime.worker import StoreRunner
from store.changes import Transfer
from store.errors import StoreError
from store.mailbox import Mailbox
from store.permissions import Rights
from store.search import Progress
from store.store import Store

log = logging.getLogger(__name__)


async def copy(
    runner: StoreRunner,
    source: Mailbox,
    folder_id: int,
    uids: Sequence[int],
    target: Mailbox,
    target_id: int,
    *,
    whole: bool,
    progress: Progress | None = None,
) -> Transfer:
    """Copy messages into a folder of another mailbox, in a thread; `progress` is told how many of how many are made.

    Raises what Mailbox.copy_from does.
    """
    return await runner.run(target.copy_from, source, folder_id, uids, target_id, whole=whole, progress=progress)


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
    what Mailbox.copy_from and Mailbox.remove_messages do; then nothing has moved.
    """

    def work() -> Transfer:
        source.demand(folder_id, Rights.READ_ANY | Rights.DELETE_ANY)
        done = target.copy_from(source, folder_id, uids, target_id, progress=progress)
        try:
            source.remove_messages(folder_id, done.source)
        except StoreError:
            log.warning("a move to mailbox %d fails, its copies are taken back", target.ref.id)
            # The mover may lack the right to delete where it may only add.
            store.open(target.ref).remove_messages(target_id, done.destination)
            raise
        return done

    return await runner.run(work)
