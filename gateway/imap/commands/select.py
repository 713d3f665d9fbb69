"""SELECT EXAMINE CLOSE UNSELECT ([RFC3501] 6.3.1, 6.3.2, 6.4.2, [RFC3691])."""

from __future__ import annotations

from itertools import islice

from gateway.imap.commands import resync, urlauth
from gateway.imap.commands.progress import Ticker
from gateway.imap.errors import Reply, bad, ok
from gateway.imap.flags import DELETED, SEEN
from gateway.imap.names import mailbox_id
from gateway.imap.protocol import writer
from gateway.imap.protocol.mailbox_types import Select
from gateway.imap.protocol.types import NoArguments
from gateway.imap.session import Session


async def select(session: Session, args: Select) -> Reply:
    """SELECT and EXAMINE ([RFC3501] 6.3.1, [RFC3501] 6.3.2, [RFC7162] 3.1.2.1, 3.1.8, 3.2.5).

    A SELECT that fails leaves no mailbox selected. HIGHESTMODSEQ is always there, because the mod-sequences of every
    folder last ([RFC7162] 3.1.12). After ENABLE IMAP4rev2 the name comes back as a LIST response, and RECENT and UNSEEN
    do not come ([RFC9051] 6.3.2, 6.3.3, appendix E).
    """
    if args.qresync is not None and not session.qresync:
        raise bad(b"Enable QRESYNC first.")  # [RFC7162] 3.2.5: the mailbox that is selected stays so
    if args.qresync is not None and args.qresync.match is not None and session.uidonly:
        raise bad(b"Messages have no numbers here.", b"UIDREQUIRED")  # [RFC9586] 3.6
    if session.selected is not None:
        await session.deselect()
        # [RFC7162] 3.2.11: what comes after this line is about the new mailbox.
        session.send(b"* OK [CLOSED] Previous mailbox is closed.\r\n")
    place = await session.place(args.mailbox)
    row = place.row
    if args.condstore:
        session.condstore = True
    selected, index = await session.select(place, args.mailbox.value, read_only=args.read_only)
    session.send_flags(selected)
    out = [writer.exists(len(selected.view))]
    if session.rev2:
        out.append(writer.list_line([], b"/", args.mailbox.value, utf8=True))  # [RFC9051] 6.3.2
    else:
        out.append(writer.recent(selected.count_recent()))
    if row.unread and not (session.rev2 or session.uidonly):
        known = islice(index.flags, len(selected.view))  # the index may have grown since
        unseen = next((number for number, flags in enumerate(known, 1) if not flags & SEEN), 0)
        if unseen:
            out.append(writer.status(b"*", b"OK", "First unseen.", writer.code_number(b"UNSEEN", unseen)))
    uids = selected.view.uids
    uidnext = max(row.uidnext, uids[-1] + 1) if uids else row.uidnext
    if b"URLAUTH" in session.capabilities():
        out.append(writer.status(b"*", b"OK", "Mechanisms.", urlauth.MECHANISMS))  # [RFC4467] 8
    out += (
        writer.status(b"*", b"OK", "UIDs valid.", writer.code_number(b"UIDVALIDITY", row.uidvalidity)),
        writer.status(b"*", b"OK", "Predicted next UID.", writer.code_number(b"UIDNEXT", uidnext)),
        writer.status(b"*", b"OK", "Mailbox.", b"MAILBOXID (%b)" % mailbox_id(place.mailbox.ref, row)),  # [RFC8474] 4.2
        writer.status(b"*", b"OK", "Highest.", writer.code_number(b"HIGHESTMODSEQ", max(selected.watermark, 1))),
    )
    session.wire.send_parts(out)
    if args.qresync is not None and args.qresync.uidvalidity == row.uidvalidity:
        await resync.resynchronize(session, selected, index, args.qresync)
    if args.read_only:
        return ok(b"EXAMINE completed.", b"READ-ONLY")
    return ok(b"SELECT completed.", b"READ-ONLY" if selected.read_only else b"READ-WRITE")


async def close(session: Session, args: NoArguments) -> Reply:
    """CLOSE: expunges in silence, unless the folder was opened by EXAMINE ([RFC3501] 6.4.2).

    It does not tell the mod-sequence either: others' changes, of which the client was not told, may lie below it
    ([RFC7162] 3.2.8).
    """
    selected = session.folder_selected
    if not selected.read_only and selected.settable & DELETED:  # without the right nothing is said ([RFC4314] 4)
        with Ticker(session) as progress:
            await session.expunge_marked(progress=progress)
    await session.deselect()
    return ok(b"CLOSE completed.")


async def unselect(session: Session, args: NoArguments) -> Reply:
    """UNSELECT: leaves the folder as it is ([RFC3691] 2)."""
    await session.deselect()
    return ok(b"UNSELECT completed.")
