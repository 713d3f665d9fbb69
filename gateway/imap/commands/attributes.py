"""FETCH items that are looked up for many messages at a time: SAVEDATE, EMAILID, THREADID, PREVIEW.

([RFC8514] 4.2, [RFC8474] 5.1, 5.2, [RFC8970] 3.2)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from conversion.mime.preview import preview
from gateway.imap.commands import sections
from gateway.imap.objectids import email_id, thread_id
from gateway.imap.protocol import writer
from gateway.imap.protocol.fetch_types import FetchAttribute, FetchItem, Preview
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from store.errors import NotFound, StoreError
from store.mailbox import Mailbox

log = logging.getLogger(__name__)

Values = dict[FetchItem, dict[int, bytes]]
"""By item and UID what the reply says."""


async def read(
    session: Session, selected: Selected, uids: Sequence[int], item_ids: Sequence[int], items: Sequence[FetchItem]
) -> tuple[list[int], Values]:
    """Read items of messages, whose items in the store are given; also the UIDs of those that are still there."""
    mailbox, folder_id = selected.mailbox, selected.folder_id
    values: Values = {}
    for item in items:
        if isinstance(item, Preview):
            values[item] = await _previews(session, mailbox, uids, item_ids, item)
        elif item is FetchAttribute.SAVEDATE:
            dates = await session.read(mailbox.save_dates, folder_id, uids)
            values[item] = {uid: writer.internal_date(seconds) for uid, seconds in dates}
        else:
            named = await session.read(mailbox.names, item_ids)
            names = {uid: named[item_id] for uid, item_id in zip(uids, item_ids, strict=True)}
            if item is FetchAttribute.EMAILID:
                values[item] = {uid: email_id(name) for uid, name in names.items()}
            else:
                headers = await session.read(mailbox.common_headers, folder_id, uids)
                values[item] = {uid: b"(%b)" % thread_id(names[uid], bytes(header)) for uid, header in headers}
    return [uid for uid in uids if all(uid in found for found in values.values())], values


async def _previews(
    session: Session, mailbox: Mailbox, uids: Sequence[int], item_ids: Sequence[int], item: Preview
) -> dict[int, bytes]:
    """The previews; those that nobody has asked for yet are made in a thread and kept, unless LAZY ([RFC8970] 4.1)."""
    found: dict[int, str | None] = dict(await session.read(mailbox.previews, item_ids))
    missing = [item_id for item_id in item_ids if item_id not in found]
    if missing:
        if item.lazy:
            found.update(dict.fromkeys(missing))
        else:
            found.update(await session.services.runner.run(_make, mailbox, missing))
    return {
        uid: _write(found[item_id], fuzzy=item.fuzzy, utf8=session.utf8)
        for uid, item_id in zip(uids, item_ids, strict=True)
        if item_id in found
    }


def _write(text: str | None, *, fuzzy: bool, utf8: bool) -> bytes:
    """An nstring; within the parentheses of the draft where the client asked so."""
    if text is None:
        value = b"NIL"
    else:
        octets = text.encode("utf-8", "replace")
        value = writer.quoted(octets) if utf8 and octets else writer.string(octets)
    return b"(FUZZY %b)" % value if fuzzy else value


def _make(mailbox: Mailbox, item_ids: Sequence[int]) -> dict[int, str]:
    """Make previews and keep them; what goes meanwhile is left out."""
    made: dict[int, str] = {}
    for item_id in item_ids:
        try:
            structure = sections.table_of(mailbox.parts(item_id), None)
            if structure is None:
                structure = sections.table_of(b"", mailbox.raw(item_id))
            assert structure is not None

            def text(start: int, end: int, item_id: int = item_id) -> bytes:
                return mailbox.raw(item_id, start, end - start) if end > start else b""

            made[item_id] = preview(structure, text)
        except NotFound:
            continue
    try:
        mailbox.keep_previews(made)
    except StoreError as error:
        log.info("previews not kept: %s: %s", type(error).__name__, error)
    return made
