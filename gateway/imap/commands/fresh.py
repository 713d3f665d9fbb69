"""What a client has asked to be told of every new message of the selected mailbox ([RFC5465] 5.2, 7).

NOTIFY asks for items of all new messages, SEARCH and SORT RETURN (UPDATE (...)) of those that enter their results. One
FETCH response tells all of them, behind the EXISTS and the ESEARCH: [RFC5465] 5.2 wants it behind the ESEARCH and 7
before it, and erratum 4833 leaves the choice to the server.
"""

from __future__ import annotations

import logging
from itertools import groupby

from gateway.imap.commands.fetch import fetch
from gateway.imap.errors import Refusal
from gateway.imap.protocol.fetch_types import Fetch, FetchAttribute
from gateway.imap.protocol.types import SequenceSet
from gateway.imap.session import Session

log = logging.getLogger(__name__)


async def tell(session: Session) -> None:
    """Tell the items of messages that the client has just heard of. Raises StoreError."""
    selected = session.selected
    if selected is None or not selected.fresh:
        return
    fresh = selected.take_fresh()
    extra = (FetchAttribute.UID,) if session.tells_uid else ()
    before, session.by_uid = session.by_uid, True  # what has gone meanwhile is passed over
    try:
        for asked, uids in groupby(sorted(fresh), key=fresh.__getitem__):
            items = tuple(dict.fromkeys((*asked, *extra)))
            await fetch(session, Fetch(SequenceSet(tuple((uid, uid) for uid in uids)), items, uid=True))
    except Refusal as refusal:
        log.info("new messages of %s: %s", session.wire.peer, refusal)
    finally:
        session.by_uid = before
