"""What becomes of the messages that a search has found: numbers, what RETURN asks for, `$`, the mod-sequence."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from conversion.mime.text import MimeText
from gateway.imap.commands import criteria
from gateway.imap.commands.messagelimit import Limit, searched
from gateway.imap.commands.progress import Ticker
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import search_types as st
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from store.errors import StoreError
from store.index import FolderIndex
from store.mapi import restriction as r

INLINE_MESSAGES = 20_000
"""Messages of a folder up to which a search by flags alone is done without a thread."""


async def find(
    session: Session, search: st.Search, folder: Selected | None = None, limit: Limit | None = None
) -> list[int]:
    """The UIDs of the messages that meet the keys and that the session knows, ascending; `folder` or the selected one.

    A search that has to save its result and fails leaves none ([RFC5182] 2.1). Commands run one after another, so `$`
    of one that was sent behind a search is what that has saved ([RFC5182] 2.2, 2.3). With a limit only the newest of
    the messages are searched where there are too many ([RFC9738] 3.1).
    """
    if search.modseq:
        session.enable_condstore()
    folder = folder or session.folder_selected
    wanted = await criteria.restriction(session, folder, search.key, lenient=search.returns is not None)
    try:
        some = None
        if limit is not None and limit.is_over(len(folder.view)):
            some = limit.newest(searched(folder.view, wanted))
        found = await evaluate(session, folder, wanted, some)
    except StoreError:
        if search.returns is not None and search.returns.save:
            folder.view.saved = ()
        raise
    uids = folder.view.uids
    return found[: bisect_right(found, uids[-1])] if uids else []


async def evaluate(
    session: Session, folder: Selected, wanted: r.Restriction, uids: Sequence[int] | None = None
) -> list[int]:
    """The UIDs of the messages, of `uids` if given, that meet a restriction, ascending."""
    search = folder.mailbox.find
    if criteria.reads_text(wanted) or len(folder.view) > INLINE_MESSAGES:
        with Ticker(session) as progress:
            return await session.services.runner.run(
                search, folder.folder_id, wanted, uids=uids, text=MimeText, progress=progress
            )
    return await session.read(search, folder.folder_id, wanted, uids=uids, text=MimeText)


def numbers_of(selected: Selected, found: Sequence[int], *, uid: bool) -> Sequence[int]:
    """Ascending UIDs that the session knows, as they are, or as message numbers."""
    if uid:
        return found
    uids = selected.view.uids
    if len(found) == len(uids):
        return range(1, len(uids) + 1)
    if len(found) * 8 < len(uids):
        return selected.view.sequences(found)
    wanted = set(found)
    return [number for number, each in enumerate(uids, 1) if each in wanted]


def places_of(index: FolderIndex, uids: Sequence[int]) -> Sequence[int]:
    """Where messages with ascending UIDs stand in the index; those that are not there are left out."""
    there = index.uids
    if len(uids) == len(there) and array(there.typecode, uids) == there:
        return range(len(there))
    if len(uids) * 8 < len(there):
        return [place for place in map(index.position, uids) if place >= 0]
    wanted = set(uids)
    return [place for place, uid in enumerate(there) if uid in wanted]


async def highest_modseq(session: Session, uids: Iterable[int], folder: Selected | None = None) -> int | None:
    """The highest mod-sequence of some messages ([RFC7162] 3.1.5, 3.1.10); None if there are none."""
    # Not session.index(), which may be older than what the search has found.
    folder = folder or session.folder_selected
    index = await session.read(folder.mailbox.index, folder.folder_id)
    return max([index.modseqs[place] for place in places_of(index, sorted(uids))], default=None)


async def has_gone(session: Session) -> bool:
    """Whether messages that the session still counts have been expunged: then no search finds them ([RFC5530] 3)."""
    selected = session.folder_selected
    uids = selected.view.uids
    if not uids:
        return False
    index = await session.read(session.mailbox.index, selected.folder_id)
    return bisect_right(index.uids, uids[-1]) < len(uids)


async def answer(
    session: Session, search: st.Search, returns: st.Returns, uids: Sequence[int], numbers: Sequence[int]
) -> None:
    """Send the ESEARCH response, and save what is to be saved: `uids` and `numbers` are in the order of the results."""
    shown = chosen(returns, uids)
    if returns.save:
        session.folder_selected.view.saved = sorted(shown)
    if returns.answers:
        modseq = await highest_modseq(session, shown) if search.modseq and shown else None
        session.send(responses.esearch(session.tag, returns, numbers, uid=search.uid, modseq=modseq))


def chosen(returns: st.Returns, results: Sequence[int]) -> Sequence[int]:
    """The results that the response tells of, and that SAVE saves ([RFC5182] 2.4, [RFC9394] 3.2, [RFC4731] 3.2).

    These are all of them, unless nothing but MIN, MAX and PARTIAL is asked for.
    """
    if returns.all or returns.count or not (returns.minimum or returns.maximum or returns.partial):
        return results
    some = list(responses.part(results, returns.partial)) if returns.partial else []
    if returns.minimum:
        some += results[:1]
    if returns.maximum:
        some += results[-1:]
    return sorted(set(some))
