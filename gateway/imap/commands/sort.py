"""SORT and THREAD, and their UID forms ([RFC5256] 3, [RFC5267] 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct, pack
from typing import NamedTuple, TypeVar

from conversion.mime import sortfields
from gateway.imap.collation import Comparator
from gateway.imap.commands import contexts, threads
from gateway.imap.commands.messagelimit import Limit
from gateway.imap.commands.progress import Ticker
from gateway.imap.commands.results import answer, find, has_gone, highest_modseq, numbers_of, places_of
from gateway.imap.commands.sorting import Sorter, sent_dates, text_kind, text_maker
from gateway.imap.errors import Reply, ok
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import search_types as st
from gateway.imap.session import Session
from store.index import FolderIndex
from store.mailbox import Mailbox
from store.searchrows import Progress
from store.sortkeys import SortKeys

T = TypeVar("T")

_REPLY, _NAMED = 1, 2
_NOTHING = b"\0"
"""The key of a message that has gone."""
INLINE_KEYS = 200
"""Messages up to which the keys are read and sorted without a thread."""


class Found(NamedTuple):
    """Messages that a search has found: their UIDs, their places in the index, their numbers; all ascending."""

    folder: FolderIndex
    uids: Sequence[int]
    places: Sequence[int]
    numbers: Sequence[int]


async def sort(session: Session, args: st.Sort) -> Reply:
    """SORT: one untagged SORT, or with RETURN an ESEARCH whose results are in this order ([RFC5256] 3, [RFC5267] 3.1).

    With a MODSEQ key the reply carries the highest mod-sequence ([RFC7162] 3.1.9, 3.1.10).
    """
    contexts.check_tag(session, args.search.returns)
    found = await _find(session, args.search)
    sorter = Sorter(session.mailbox, session.services.sort_keys, args.program, session.comparator)

    def work(progress: Progress | None) -> tuple[list[int], list[int], bytes]:
        order = sorter.order(found.folder, found.places, progress)
        numbers = [found.numbers[place] for place in order]
        if args.search.returns is None:
            return [], numbers, responses.sort(numbers, modseq)
        return [found.uids[place] for place in order], numbers, b""

    modseq = await highest_modseq(session, found.uids) if args.search.modseq and found.uids else None
    uids, numbers, line = await _compute(session, found, work)
    if args.search.returns is None:
        session.send(line)
    else:
        await answer(session, args.search, args.search.returns, uids, numbers)
        await contexts.follow(session, args.search, uids, sorter, found.folder)
    return await _done(session, b"SORT completed.", uid=args.uid)


async def thread(session: Session, args: st.Thread) -> Reply:
    """THREAD: one untagged THREAD ([RFC5256] 3). A MODSEQ key changes nothing in it ([RFC7162] 3.1.9)."""
    found = await _find(session, args.search)
    mailbox, keys, comparator = session.mailbox, session.services.sort_keys, session.comparator

    def work(progress: Progress | None) -> bytes:
        forest = _forest(mailbox, keys, comparator, args.algorithm, found, progress)
        return responses.thread(forest.roots, forest.children, found.numbers)

    session.send(await _compute(session, found, work))
    return await _done(session, b"THREAD completed.", uid=args.uid)


async def _done(session: Session, text: bytes, *, uid: bool) -> Reply:
    return ok(text, b"" if uid or not await has_gone(session) else b"EXPUNGEISSUED")


async def _find(session: Session, search: st.Search) -> Found:
    """Search, and leave out what has gone since. Refusal NO [MESSAGELIMIT] for too many messages ([RFC9738] 3.3)."""
    limit = Limit(session)
    uids = await find(session, search, limit=limit)
    if limit.last:
        raise limit.refusal()
    index = await session.read(session.mailbox.index, session.folder_selected.folder_id)
    places = places_of(index, uids)
    if len(places) < len(uids):
        uids = [index.uids[place] for place in places]
    return Found(index, uids, places, numbers_of(session.folder_selected, uids, uid=search.uid))


async def _compute(session: Session, found: Found, work: Callable[[Progress | None], T]) -> T:
    """Do what reads and compares keys, and what is long to write: in a thread, unless it is little."""
    if len(found.uids) <= INLINE_KEYS:
        return await session.read(work, None)
    with Ticker(session) as progress:
        return await session.services.runner.run(work, progress)


def _forest(
    mailbox: Mailbox,
    keys: SortKeys,
    comparator: Comparator,
    algorithm: st.Algorithm,
    found: Found,
    progress: Progress | None,
) -> threads.Forest:
    """Thread messages."""
    index, places = found.folder, found.places
    subject = text_kind(st.SortKey.SUBJECT, comparator)
    makers = {subject: text_maker(st.SortKey.SUBJECT, comparator), "DATE": sortfields.sent_date}
    if algorithm is st.Algorithm.REFERENCES:
        makers["THREAD"] = thread_key
    items = [index.item_ids[place] for place in places]
    tables = keys.read(mailbox, items, makers, progress)
    subjects = [tables[subject].get(item, b"") for item in items]
    dates = sent_dates(tables["DATE"], index, places)
    if algorithm is st.Algorithm.ORDEREDSUBJECT:
        return threads.ordered_subject(subjects, dates)
    packed = [tables["THREAD"].get(item, _NOTHING) for item in items]
    replies = [bool(key[0] & _REPLY) for key in packed]
    return threads.references(list(map(_identifier, packed)), map(_ancestors, packed), replies, subjects, dates)


def thread_key(header: bytes) -> bytes:
    """Pack what REFERENCES needs of a header.

    For each Message ID stands its hash of 64 bits, whose key is drawn anew in each process: a tenth of the room, and
    nobody can choose two that are the same.
    """
    own, ancestors = sortfields.message_ids(header)
    hashes = [hash(each) for each in ancestors]
    marks = _REPLY if sortfields.subject(header).reply else 0
    if own is not None:
        hashes.append(hash(own))
        marks |= _NAMED
    return pack(f"=B{len(hashes)}q", marks, *hashes)


def _identifier(key: bytes) -> int | None:
    """The message's own identifier, which stands last."""
    return _unpacker(len(key)).unpack(key)[-1] if key[0] & _NAMED else None


def _ancestors(key: bytes) -> Sequence[int]:
    """Those of its ancestors."""
    hashes = _unpacker(len(key)).unpack(key)
    return hashes[1:-1] if key[0] & _NAMED else hashes[1:]


@lru_cache
def _unpacker(length: int) -> Struct:
    return Struct(f"=B{length // 8}q")
