"""ESEARCH: one search in many mailboxes ([RFC7377]).

Each mailbox that has something gives one ESEARCH response, in UIDs; the others give none. Which folder is selected does
not change. Message numbers in the keys are those of the mailbox that is searched ([RFC7377] 2).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from gateway.imap.commands import contexts
from gateway.imap.commands.results import chosen, find, highest_modseq
from gateway.imap.errors import Refusal, Reply, bad, no, ok
from gateway.imap.names import name_of
from gateway.imap.place import Place
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import writer
from gateway.imap.protocol.types import INBOX
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from gateway.imap.view import FolderView
from store.errors import AccessDenied, NotFound

MAX_FOLDERS = 5000
"""Mailboxes searched by one command ([RFC7377] 2.4)."""

_ONLY_SELECTED = (st.Source(st.SourceKind.SELECTED),)


async def esearch(session: Session, args: st.MultiSearch) -> Reply:
    """ESEARCH ([RFC7377] 2): what may not be read, or is not there, is passed over ([RFC7377] 2.2)."""
    search, returns = args.search, args.search.returns
    assert returns is not None
    by_selected = any(source.kind is st.SourceKind.SELECTED for source in args.sources)
    if session.selected is None and (by_selected or returns.update or returns.save):
        raise bad(b"No mailbox is selected.")
    if returns.save and args.sources != _ONLY_SELECTED:
        raise bad(b"Only what is found in the selected mailbox can be saved.")
    if session.selected is not None:
        contexts.check_tag(session, returns)
    places = await _places(session, args.sources)
    for name, place in places.items():
        selected = session.selected
        here = selected is not None and selected.is_at(place)
        try:
            folder = selected if here and selected is not None else await _opened(session, name, place)
            uids = await find(session, search, folder)
            modseq = await highest_modseq(session, chosen(returns, uids), folder) if search.modseq and uids else None
        except (NotFound, AccessDenied):
            continue  # gone meanwhile, or not to be read
        if here and returns.save:
            folder.view.saved = sorted(chosen(returns, uids))
        if uids and returns.answers:
            session.send(responses.found_in(session.tag, _correlators(session, folder, name), returns, uids, modseq))
        if here:
            await contexts.follow(session, search, uids, correlators=_correlators(session, folder, name))
        await session.wire.drain()
    return ok(b"ESEARCH completed.")


def _correlators(session: Session, folder: Selected, name: str) -> bytes:
    """What tells the mailbox in a response ([RFC7377] 2.1)."""
    return responses.correlators(writer.mailbox_name(name, utf8=session.utf8_names), folder.uidvalidity)


async def _opened(session: Session, name: str, place: Place) -> Selected:
    """Another folder, as if it were selected to be read."""
    index = await session.read(place.mailbox.index, place.row.id)
    return Selected(place, name, FolderView(index.uids), index.modseq, read_only=True)


async def _places(session: Session, sources: Iterable[st.Source]) -> dict[str, Place]:
    """The folders to search, by their names, each once. Refusal NO [LIMIT] where there are too many."""
    found: dict[str, Place] = {}
    known: set[tuple[object, int]] = set()
    for source in sources:
        async for name, place in _of(session, source):
            key = (place.mailbox.ref, place.row.id)
            if key not in known and place.row.selectable and session.shows(place.row):
                known.add(key)
                found[name] = place
                if len(found) > MAX_FOLDERS:
                    raise no(b"That is too much to search at once.", b"LIMIT")
    return found


async def _of(session: Session, source: st.Source) -> AsyncIterator[tuple[str, Place]]:
    """What one source stands for; names that lead nowhere are passed over."""
    match source.kind:
        case st.SourceKind.SELECTED:
            selected = session.folder_selected
            row = await session.read(selected.mailbox.folder, selected.folder_id)
            yield selected.name, Place(selected.mailbox, row)
        case st.SourceKind.INBOXES | st.SourceKind.PERSONAL:
            for row in await session.read(session.home.folders):
                if source.kind is st.SourceKind.PERSONAL or row.path == (INBOX,):
                    yield name_of(row), Place(session.home, row)
        case st.SourceKind.SUBSCRIBED:
            for name in await session.read(session.home.subscriptions):
                if (place := await _found(session, name)) is not None:
                    yield name, place
        case _:
            for mailbox in source.mailboxes:
                if (place := await _found(session, mailbox.value)) is not None:
                    yield mailbox.value, place
                    if source.kind is not st.SourceKind.MAILBOXES:
                        async for below in _below(session, mailbox.value, place, source.kind):
                            yield below


async def _found(session: Session, name: str) -> Place | None:
    await session.wire.drain()  # others have the loop in between
    try:
        return await session.namespaces.find(name)
    except Refusal:
        return None


async def _below(session: Session, name: str, place: Place, kind: st.SourceKind) -> AsyncIterator[tuple[str, Place]]:
    """The folders under one, all of them or the next level; folders make a tree, so there are no loops."""
    path = place.row.path
    depth = len(path)
    for row in await session.read(place.mailbox.folders):
        deep = kind is st.SourceKind.SUBTREE and len(row.path) > depth
        if row.path[:depth] == path and (deep or len(row.path) == depth + 1):
            yield "/".join((name, *row.path[depth:])), Place(place.mailbox, row)
