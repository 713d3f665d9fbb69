"""CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE NAMESPACE ([RFC3501] 6.3, [RFC2342], [RFC6154] 3)."""

from __future__ import annotations

from gateway.imap.commands.progress import Ticker
from gateway.imap.errors import Reply, no, ok
from gateway.imap.names import OTHER_USERS, PUBLIC_FOLDERS, mailbox_id
from gateway.imap.protocol import writer
from gateway.imap.protocol.mailbox_types import Create, OneMailbox, Rename
from gateway.imap.protocol.types import NoArguments
from gateway.imap.session import Session
from gateway.imap.specialuse import USE_ENTRY, special_uses
from gateway.services.sharing import principal_of
from store.changes import FolderRow
from store.ids import SpecialFolder
from store.mailbox import Mailbox

MAX_NAME = 1000
"""Characters of a whole mailbox name; longer ones are refused at CREATE and RENAME."""


async def create(session: Session, args: Create) -> Reply:
    """CREATE: makes the mailbox and whatever is missing above it ([RFC3501] 6.3.3, [RFC6154] 3, [RFC8474] 4.1).

    In others' mailboxes it takes the right to make mailboxes in the lowest one that is there ([RFC4314] 4).
    """
    uses = special_uses(" ".join(args.special_use))
    name = args.mailbox.value.removesuffix("/")
    mailbox, path = await _target(session, name)
    if uses and mailbox.ref != session.home.ref:
        raise no(b"Special uses are for one's own mailboxes.", b"USEATTR")

    def make() -> FolderRow:
        row = mailbox.create_folder(path)
        if uses and session.logon is not None:
            entry = (USE_ENTRY, b" ".join(uses))
            mailbox.annotate(row.id, [entry], private=principal_of(session.logon.user))
        return row

    row = await session.write(mailbox, make)
    return ok(b"CREATE completed.", b"MAILBOXID (%b)" % mailbox_id(mailbox.ref, row))


async def _target(session: Session, name: str) -> tuple[Mailbox, tuple[str, ...]]:
    """Where CREATE and RENAME make a mailbox of that name; Refusal for a name that none can have."""
    mailbox, path = await session.namespaces.into(name)
    if not path:
        raise no(b"That name stands for the mailboxes below it.", b"CANNOT")
    if len(name) > MAX_NAME:
        raise no(b"Mailbox name is too long.", b"LIMIT")
    return mailbox, path


async def delete(session: Session, args: OneMailbox) -> Reply:
    """DELETE ([RFC3501] 6.3.4). Of a mailbox with others below it the name stays, as \\Noselect.

    Such a name cannot be deleted again while there are others below it: NO [HASCHILDREN].
    """
    if args.mailbox.is_inbox:
        raise no(b"INBOX cannot be deleted.", b"CANNOT")
    place = await session.place(args.mailbox, selectable=False)
    row = place.row
    if not row.selectable and row.subfolders:
        raise no(b"Only the name is left, and mailboxes below it.", b"HASCHILDREN")
    if row.special is not None:
        raise no(b"That mailbox cannot be deleted.", b"CANNOT")
    if session.selected is not None and session.selected.is_at(place):
        await session.deselect()
    with Ticker(session) as progress:
        await session.write_many(place.mailbox, row.total, place.mailbox.delete_folder, row.id, progress=progress)
    return ok(b"DELETE completed.")


async def rename(session: Session, args: Rename) -> Reply:
    """RENAME: mailboxes below go along; INBOX keeps its name and gives its messages away ([RFC3501] 6.3.5).

    Not from one user to another. IMAP4rev2 is told what the mailbox was called ([RFC9051] 6.3.6, 7.3.1).
    """
    place = await session.place(args.source, selectable=False)
    row = place.row
    name = args.target.value.removesuffix("/")
    mailbox, target = await _target(session, name)
    inbox = row.special is SpecialFolder.INBOX
    if row.special is not None and not inbox:
        raise no(b"That mailbox cannot be renamed.", b"CANNOT")
    if mailbox.ref != place.mailbox.ref:
        raise no(b"A mailbox cannot move to another user.", b"CANNOT")
    if target[: len(row.path)] == row.path and target != row.path and not inbox:
        raise no(b"A mailbox cannot move below itself.", b"CANNOT")
    if target in (row.path, ("INBOX",)):
        raise no(b"Mailbox already exists.", b"ALREADYEXISTS")
    await session.write_many(mailbox, row.total if inbox else 1, mailbox.rename_folder, row.id, target)
    if session.rev2 and not inbox:
        old = writer.mailbox_name(args.source.value, utf8=session.utf8_names)
        session.send(writer.list_line([], b"/", name, extended=b'("OLDNAME" (%b))' % old, utf8=session.utf8_names))
    return ok(b"RENAME completed.")


async def subscribe(session: Session, args: OneMailbox) -> Reply:
    """SUBSCRIBE: the name need not exist ([RFC3501] 6.3.6). The list is the user's, whosever mailbox it names."""
    name = await session.namespaces.spelled(args.mailbox.value.removesuffix("/"))
    await session.write(session.home, session.home.subscribe, name)
    return ok(b"SUBSCRIBE completed.")


async def unsubscribe(session: Session, args: OneMailbox) -> Reply:
    """UNSUBSCRIBE ([RFC3501] 6.3.7); a name that is not subscribed is no error."""
    given = args.mailbox.value.removesuffix("/")
    for name in dict.fromkeys((given, await session.namespaces.spelled(given))):
        await session.write(session.home, session.home.unsubscribe, name)
    return ok(b"UNSUBSCRIBE completed.")


async def namespace(session: Session, args: NoArguments) -> Reply:
    """NAMESPACE: one's own, other users' and the public mailboxes ([RFC2342] 4, 5, [RFC3501] 5.1.2)."""
    others, public = ([(prefix + "/", b"/")] for prefix in (OTHER_USERS, PUBLIC_FOLDERS))
    if session.namespaces.sharing is None:
        session.send(writer.namespace_line([("", b"/")], None, None, utf8=session.utf8_names))
    else:
        session.send(writer.namespace_line([("", b"/")], others, public, utf8=session.utf8_names))
    return ok(b"NAMESPACE completed.")
