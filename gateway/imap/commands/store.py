"""STORE and UID STORE ([RFC3501] 6.4.6, [RFC7162] 3.1.3)."""

from __future__ import annotations

from gateway.imap.commands.progress import Ticker
from gateway.imap.errors import Reply, ok
from gateway.imap.flags import parse_flags
from gateway.imap.protocol import writer
from gateway.imap.protocol.message_types import Store, StoreAction
from gateway.imap.selected import Selected
from gateway.imap.session import BATCH, Session
from store.changes import FlagUpdate, MessageRow


async def store(session: Session, args: Store) -> Reply:
    """STORE: changes flags, and answers with them unless `.SILENT` ([RFC3501] 6.4.6).

    With UNCHANGEDSINCE the messages that had changed are left alone and named in [MODIFIED] ([RFC7162] 3.1.3). A
    message that someone else has expunged is passed over, and called by its number it gives OK [EXPUNGEISSUED]
    ([RFC5530] 3), also where all of them are gone (docs/quirks.md; [RFC2180] 4.2).
    """
    selected = session.writable_folder()
    if args.unchanged_since is not None:
        session.enable_condstore()
    change = parse_flags(args.flags)
    uids = session.uids_of(args.messages, uid=args.uid)
    modified: list[int] = []
    found = 0
    ticker = Ticker(session)
    for start in range(0, len(uids), BATCH):
        ticker(start, len(uids))
        batch = uids[start : start + BATCH]
        update = await _change(session, selected, args, batch, change.bits, change.keywords)
        found += len(update.rows)
        modified += update.modified
        selected.note_own(_known(selected, update) if args.silent else update.rows)
        await session.learn_keywords([row.keywords for row in update.rows])
        _report(session, selected, args, update.rows)
        await session.wire.drain()
    code = b""
    if modified:
        numbers = modified if args.uid else [selected.view.sequence(uid) for uid in modified]
        code = writer.code_modified(sorted(numbers))
    if found + len(modified) < len(uids) and not args.uid:
        return ok(b"Some of the messages have been expunged.", code or b"EXPUNGEISSUED")
    return ok(b"Conditional STORE failed for some." if modified else b"STORE completed.", code)


def _known(selected: Selected, update: FlagUpdate) -> list[MessageRow]:
    """The rows that nobody else had changed without the client knowing: `.SILENT` is not about the others."""
    return [row for row, modseq in zip(update.rows, update.before, strict=True) if selected.knows(modseq)]


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


def _report(session: Session, selected: Selected, args: Store, rows: list[MessageRow]) -> None:
    """Untagged FETCH replies; `.SILENT` leaves only the new MODSEQ ([RFC7162] 3.1.3)."""
    if args.silent and not session.condstore:
        return
    sequence = selected.view.sequence
    if not args.silent:
        session.send_flags_of(rows)
        return
    if session.uidonly:
        lines = [b"* %d UIDFETCH (MODSEQ (%d))\r\n" % (row.uid, row.modseq) for row in rows]
    else:
        # [RFC7162] 3.2.4: UID and MODSEQ go together.
        lines = [b"* %d FETCH (UID %d MODSEQ (%d))\r\n" % (sequence(row.uid), row.uid, row.modseq) for row in rows]
    session.wire.send_parts(lines)
