"""GETMETADATA SETMETADATA ([RFC5464]), entries in LIST ([RFC9590]), special uses as entries ([RFC6154] 4).

An empty mailbox name is the server. Its shared entries are the administrator's (`oxgate metadata`) and can only be read
here; a user's private ones are kept in the mailbox that was signed in to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.imap.errors import Refusal, Reply, no, ok
from gateway.imap.names import SPECIAL_USES
from gateway.imap.place import Place
from gateway.imap.protocol import writer
from gateway.imap.protocol.metadata_types import INFINITY, GetMetadata, SetMetadata
from gateway.imap.session import Session
from gateway.imap.specialuse import USE_ENTRY, special_uses
from gateway.services.sharing import principal_of
from store.changes import FolderRow
from store.entries import MAX_NAME, MAX_VALUE, WHOLE_MAILBOX
from store.errors import AccessDenied, TooLarge
from store.mailbox import Mailbox

PRIVATE = "/private"
SHARED = "/shared"


async def get(session: Session, args: GetMetadata) -> Reply:
    """GETMETADATA: what is asked for by its name is NIL where there is none ([RFC5464] 4.2, 4.2.1, 4.2.2, 4.4.1).

    Entries that are longer than MAXSIZE are left out, and the reply tells the longest.
    """
    if args.mailbox.value:
        mailbox, row = await session.place(args.mailbox, selectable=False)
        values = await _read(session, mailbox, row, args.entries)
    else:
        values = await _read_server(session, args.entries)
    found: dict[str, bytes | None] = {}
    for name in args.entries:
        if args.depth == 0:
            found[name] = values.get(name)
        else:
            found.update((each, values[each]) for each in sorted(values) if _is_within(each, name, args.depth))
    most = args.max_size
    longest = max((len(value) for value in found.values() if value is not None), default=0)
    code = b""
    if most is not None and longest > most:
        found = {name: value for name, value in found.items() if value is None or len(value) <= most}
        code = b"METADATA LONGENTRIES %d" % longest
    if found:
        session.send(_line(session, args.mailbox.value, found))
    return ok(b"GETMETADATA completed.", code)


async def listed_line(session: Session, name: str, place: Place, entries: Iterable[str]) -> bytes:
    """The untagged METADATA of a mailbox in LIST, NIL for what is not set ([RFC9590] 3). Raises AccessDenied."""
    values = await _read(session, place.mailbox, place.row, entries)
    return _line(session, name, {entry: values.get(entry) for entry in entries})


async def set_metadata(session: Session, args: SetMetadata) -> Reply:
    """SETMETADATA: all entries or none; NIL removes one ([RFC5464] 4.3)."""
    me = _me(session)
    private = [(name.removeprefix(PRIVATE), value) for name, value in args.entries if _is_private(name)]
    shared = [(name.removeprefix(SHARED), value) for name, value in args.entries if not _is_private(name)]
    if any(not name for name, _ in (*private, *shared)):
        raise no(b"There is no such entry.", b"CANNOT")
    if args.mailbox.value:
        mailbox, row = await session.place(args.mailbox, selectable=False)
        folder_id = row.id
        private = [(name, _checked_use(row, value) if name == USE_ENTRY else value) for name, value in private]
        if any(name == USE_ENTRY for name, _ in private) and mailbox.ref != session.home.ref:
            raise no(b"Special uses are for one's own mailboxes.", b"USEATTR")
    else:
        mailbox, folder_id = session.home, WHOLE_MAILBOX
        if shared:
            raise no(b"What all see of the server is the administrator's to change.", b"NOPERM")

    def change() -> None:
        if private:
            mailbox.annotate(folder_id, private, private=me)
        if shared:
            mailbox.annotate(folder_id, shared)

    for name, value in (*private, *shared):
        if len(name) > MAX_NAME:
            raise no(b"The name of the entry is too long.", b"LIMIT")
        if value is not None and len(value) > MAX_VALUE:
            raise no(b"The value is too long.", b"METADATA MAXSIZE %d" % MAX_VALUE)
    try:
        await session.write(mailbox, change)
    except TooLarge as error:
        raise no(b"There are too many entries.", b"METADATA TOOMANY") from error
    return ok(b"SETMETADATA completed.")


def _me(session: Session) -> bytes:
    """The principal whose private entries the session sees."""
    assert session.logon is not None
    return principal_of(session.logon.user)


def _is_private(name: str) -> bool:
    return name == PRIVATE or name.startswith(PRIVATE + "/")


def _is_within(name: str, top: str, depth: int) -> bool:
    """Whether an entry is the one asked for, or below it and not too deep ([RFC5464] 4.2.2)."""
    if name == top:
        return True
    return name.startswith(top + "/") and (depth == INFINITY or name.count("/") - top.count("/") <= depth)


async def everything(session: Session, place: Place) -> dict[str, bytes]:
    """All entries of a mailbox, for who is told when they change ([RFC5465] 5.6); none where they may not be read."""
    try:
        return await _read(session, place.mailbox, place.row, (PRIVATE, SHARED))
    except AccessDenied:
        return {}


async def everything_of_server(session: Session) -> dict[str, bytes]:
    """All entries of the server ([RFC5465] 5.7)."""
    return await _read_server(session, (PRIVATE, SHARED))


async def _read(session: Session, mailbox: Mailbox, row: FolderRow, wanted: Iterable[str]) -> dict[str, bytes]:
    """The entries of a folder by their whole names, of the halves that are wanted ([RFC5464] 6.3.1, 6.3.2)."""
    values: dict[str, bytes] = {}
    if any(map(_is_private, wanted)):
        mine = await session.read(mailbox.annotations, row.id, private=_me(session))
        if mailbox.ref == session.home.ref and row.special in SPECIAL_USES:
            mine = {**mine, USE_ENTRY: b" ".join(_uses(row, mine.get(USE_ENTRY)))}
        values.update(_under(PRIVATE, mine))
    if not all(map(_is_private, wanted)):
        values.update(_under(SHARED, await session.read(mailbox.annotations, row.id)))
    return values


async def _read_server(session: Session, wanted: Iterable[str]) -> dict[str, bytes]:
    """The entries of the server, such as /shared/comment and /shared/admin ([RFC5464] 6.2.1, 6.2.2)."""
    values: dict[str, bytes] = {}
    if any(map(_is_private, wanted)):
        values.update(
            _under(PRIVATE, await session.read(session.home.annotations, WHOLE_MAILBOX, private=_me(session)))
        )
    sharing = session.namespaces.sharing
    if sharing is not None and not all(map(_is_private, wanted)):
        values.update(_under(SHARED, await session.namespaces.ask(sharing.server_entries)))
    return values


def _under(top: str, values: Mapping[str, bytes]) -> dict[str, bytes]:
    return {top + name: value for name, value in values.items()}


def _uses(row: FolderRow, given: bytes | None) -> list[bytes]:
    """The special uses of a folder: the one it was made for, and those that the user gave it."""
    own = [SPECIAL_USES[row.special]] if row.special in SPECIAL_USES else []
    return own + [use for use in (given or b"").split() if use not in own]


def _checked_use(row: FolderRow, value: bytes | None) -> bytes | None:
    """A value for /private/specialuse; Refusal NO [USEATTR] for what cannot be ([RFC6154] 4)."""
    uses = special_uses((value or b"").decode("ascii", "replace"))
    own = SPECIAL_USES.get(row.special) if row.special is not None else None
    if own is not None and own not in uses:
        raise _kept()
    return b" ".join(use for use in uses if use != own) or None


def _kept() -> Refusal:
    return no(b"That mailbox keeps its special use.", b"USEATTR")


def _line(session: Session, name: str, values: Mapping[str, bytes | None]) -> bytes:
    """`* METADATA mailbox (entry value ...)` ([RFC5464] 4.4.1); a value with NUL is a literal8 ([RFC5464] 5)."""
    pairs = [b"%b %b" % (writer.astring(entry.encode()), _value(value)) for entry, value in values.items()]
    return b"* METADATA %b (%b)\r\n" % (writer.mailbox_name(name, utf8=session.utf8_names), b" ".join(pairs))


def _value(value: bytes | None) -> bytes:
    if value is not None and b"\0" in value:
        return b"~" + writer.literal(value)
    return writer.nstring(value)
