"""SORT and THREAD, and their UID forms ([RFC5256] 3, [RFC5267] 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import pack, unpack
from typing import NamedTuple, TypeVar

from conversion.mime import sortfields
from gateway.imap.commands import contexts, threads
from gateway.imap.commands.progress import Ticker
from gateway.imap.commands.results import answer, find, has_gone, highest_modseq, numbers_of
from gateway.imap.commands.sorting import Sorter, sent_dates, text_kind, text_maker
from gateway.imap.errors import Reply, ok
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import search_types as st
from gateway.imap.session import Session
from store.index import FolderIndex
from store.searchrows import Progress

T = TypeVar("T")

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
    order = await _compute(session, found, lambda progress: sorter.order(found.folder, found.places, progress))
    uids = [found.uids[place] for place in order]
    numbers = [found.numbers[place] for place in order]
    if args.search.returns is not None:
        await answer(session, args.search, args.search.returns, uids, numbers)
        await contexts.follow(session, args.search, uids, sorter)
    else:
        modseq = await highest_modseq(session, uids) if args.search.modseq and uids else None
        session.send(responses.sort(numbers, modseq))
    return await _done(session, b"SORT completed.", uid=args.uid)


async def thread(session: Session, args: st.Thread) -> Reply:
    """THREAD: one untagged THREAD ([RFC5256] 3). A MODSEQ key changes nothing in it ([RFC7162] 3.1.9)."""
    found = await _find(session, args.search)
    forest = await _compute(session, found, lambda progress: _forest(session, args.algorithm, found, progress))
    session.send(responses.thread(forest.roots, forest.children, found.numbers))
    return await _done(session, b"THREAD completed.", uid=args.uid)


async def _done(session: Session, text: bytes, *, uid: bool) -> Reply:
    return ok(text, b"" if uid or not await has_gone(session) else b"EXPUNGEISSUED")


async def _find(session: Session, search: st.Search) -> Found:
    """Search, and leave out what has gone since."""
    uids = await find(session, search)
    index = await session.read(session.mailbox.index, session.folder_selected.folder_id)
    places = [index.position(uid) for uid in uids]
    if -1 in places:
        uids = [uid for uid, place in zip(uids, places, strict=True) if place >= 0]
        places = [place for place in places if place >= 0]
    return Found(index, uids, places, numbers_of(session.folder_selected, uids, uid=search.uid))


async def _compute(session: Session, found: Found, work: Callable[[Progress | None], T]) -> T:
    """Do what reads and compares keys: in a thread, unless it is little."""
    if len(found.uids) <= INLINE_KEYS:
        return await session.read(work, None)
    with Ticker(session) as progress:
        return await session.services.runner.run(work, progress)


def _forest(session: Session, algorithm: st.Algorithm, found: Found, progress: Progress | None) -> threads.Forest:
    """Thread messages."""
    index, places = found.folder, found.places
    comparator = session.comparator
    subject = text_kind(st.SortKey.SUBJECT, comparator)
    makers = {subject: text_maker(st.SortKey.SUBJECT, comparator), "DATE": sortfields.sent_date}
    if algorithm is st.Algorithm.REFERENCES:
        makers["THREAD"] = thread_key
    items = [index.item_ids[place] for place in places]
    tables = session.services.sort_keys.read(session.mailbox, items, makers, progress)
    subjects = [tables[subject].get(item, b"") for item in items]
    dates = sent_dates(tables["DATE"], index, places)
    if algorithm is st.Algorithm.ORDEREDSUBJECT:
        return threads.ordered_subject(subjects, dates)
    keys = [read_thread_key(tables["THREAD"].get(item, b"")) for item in items]
    return threads.references(
        [key.identifier for key in keys], [key.ancestors for key in keys], subjects, [key.reply for key in keys], dates
    )


class ThreadKey(NamedTuple):
    """What REFERENCES needs of a message: its identifier and those of its ancestors, as numbers; is it a reply?"""

    identifier: int | None
    ancestors: Sequence[int]
    reply: bool


def thread_key(header: bytes) -> bytes:
    """Pack what REFERENCES needs of a header.

    For each Message ID stands its hash of 64 bits, whose key is drawn anew in each process: a tenth of the room, and
    nobody can choose two that are the same.
    """
    own, ancestors = sortfields.message_ids(header)
    reply = sortfields.subject(header).reply
    hashes = [hash(each) for each in ancestors]
    if own is not None:
        hashes.insert(0, hash(own))
    return bytes((reply, own is not None)) + pack(f"={len(hashes)}q", *hashes)


def read_thread_key(key: bytes) -> ThreadKey:
    """Unpack it; of a message that has gone there is nothing."""
    if not key:
        return ThreadKey(None, (), False)
    hashes = unpack(f"={(len(key) - 2) // 8}q", key[2:])
    return ThreadKey(hashes[0], hashes[1:], bool(key[0])) if key[1] else ThreadKey(None, hashes, bool(key[0]))
