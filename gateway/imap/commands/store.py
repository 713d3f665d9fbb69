"""STORE and UID STORE ([RFC3501] 6.4.6, [RFC7162] 3.1.3)."""

from __future__ import annotations

import asyncio

from gateway.imap.commands.messagelimit import Limit
from gateway.imap.commands.progress import Ticker
from gateway.imap.errors import Reply, ok
from gateway.imap.flags import parse_flags
from gateway.imap.protocol import writer
from gateway.imap.protocol.message_types import Store, StoreAction
from gateway.imap.selected import Selected
from gateway.imap.session import BATCH, Session
from store.changes import FlagUpdate


async def store(session: Session, args: Store) -> Reply:
    """STORE: changes flags, and answers with them unless `.SILENT` ([RFC3501] 6.4.6).

    With UNCHANGEDSINCE the messages that had changed are left alone and named in [MODIFIED] ([RFC7162] 3.1.3). A
    message that someone else has expunged is passed over, and called by its number it gives OK [EXPUNGEISSUED]
    ([RFC5530] 3), also where all of them are gone (docs/quirks.md; [RFC2180] 4.2). A client that goes away meanwhile
    has all of them changed.
    """
    selected = session.writable_folder()
    if args.unchanged_since is not None:
        session.enable_condstore()
    change = parse_flags(args.flags)
    limit = Limit(session)
    uids = limit.newest(session.uids_of(args.messages, uid=args.uid))
    modified: list[int] = []
    found = 0
    ticker = Ticker(session)
    done = 0
    for batch in _batches(uids, downwards=limit.last > 0):
        ticker(done, len(uids))
        done += len(batch)
        update = await _change(session, selected, args, batch, change.bits, change.keywords)
        found += len(update.uids)
        modified += update.modified
        _note_own(selected, update, silent=args.silent)
        await session.learn_keywords(update.keywords)
        _report(session, selected, args, update, downwards=limit.last > 0)
        try:
            await session.wire.drain()
        except ConnectionError:
            await asyncio.sleep(0)  # the client has gone; the change it asked for is made all the same
    code = b""
    if modified:
        numbers = modified if args.uid else [selected.view.sequence(uid) for uid in modified]
        code = writer.code_modified(sorted(numbers))
    if found + len(modified) < len(uids) and not args.uid:
        return limit.conclude(ok(b"Some of the messages have been expunged.", code or b"EXPUNGEISSUED"))
    return limit.conclude(ok(b"Conditional STORE failed for some." if modified else b"STORE completed.", code))


def _batches(uids: list[int], *, downwards: bool) -> list[list[int]]:
    """Cut UIDs for one transaction after another; with `downwards` the highest come first ([RFC9738] 3.1)."""
    batches = [uids[start : start + BATCH] for start in range(0, len(uids), BATCH)]
    return batches[::-1] if downwards else batches


def _note_own(selected: Selected, update: FlagUpdate, *, silent: bool) -> None:
    """Remember what the client knows by the command: what it is told, or what it can tell by itself.

    That is not, for `.SILENT`, what becomes of a message that somebody else had changed without the client knowing.
    """
    if not silent:
        selected.note_own(update.modseqs, update.taken)
    elif max(update.before, default=0) <= selected.watermark or all(map(selected.knows, update.before)):
        selected.note_own((), update.taken)
    else:
        pairs = zip(update.modseqs, update.before, strict=True)
        selected.note_own([modseq for modseq, before in pairs if selected.knows(before)])


async def _change(
    session: Session, selected: Selected, args: Store, uids: list[int], bits: int, keywords: list[str]
) -> FlagUpdate:
    adding = args.action is not StoreAction.REMOVE
    return await session.write_many(
        session.mailbox,
        len(uids),
        session.mailbox.set_flags,
        selected.folder_id,
        uids,
        add=bits if adding else 0,
        remove=0 if adding else bits,
        add_keywords=keywords if adding else (),
        remove_keywords=() if adding else keywords,
        replace=args.action is StoreAction.REPLACE,
        unchanged_since=args.unchanged_since,
    )


def _report(session: Session, selected: Selected, args: Store, update: FlagUpdate, *, downwards: bool) -> None:
    """Untagged FETCH replies; `.SILENT` leaves only the new MODSEQ ([RFC7162] 3.1.3)."""
    if not args.silent:
        session.send_flags_of(update, downwards=downwards)
        return
    if not session.condstore:
        return
    uids, modseqs = update.uids, update.modseqs
    if session.uidonly:
        lines = [b"* %d UIDFETCH (MODSEQ (%d))\r\n" % line for line in zip(uids, modseqs, strict=True)]
    else:
        # [RFC7162] 3.2.4: UID and MODSEQ go together.
        numbers = selected.view.sequences(uids)
        lines = [b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % line for line in zip(numbers, uids, modseqs, strict=True)]
    session.wire.send_parts(lines[::-1] if downwards else lines)
