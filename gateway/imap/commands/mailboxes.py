"""CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB STATUS NAMESPACE ([RFC3501] 6.3, [RFC2342])."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.imap.commands.patterns import NamePattern
from gateway.imap.errors import Reply, no, ok
from gateway.imap.names import SPECIAL_USES, name_of, path_of
from gateway.imap.protocol import writer
from gateway.imap.protocol.mailbox_types import Create, List, ListOption, OneMailbox, Rename, Status, StatusItem
from gateway.imap.protocol.types import NoArguments
from gateway.imap.session import Session
from store.changes import FolderRow

MAX_NAME = 1000
"""Characters of a whole mailbox name; longer ones are refused at CREATE and RENAME."""


async def create(session: Session, args: Create) -> Reply:
    """CREATE: makes the mailbox and whatever is missing above it ([RFC3501] 6.3.3).

    Special uses cannot be chosen: they belong to the well-known folders ([RFC6154] 3, [RFC6154] 6).
    """
    if args.special_use:
        raise no(b"Special uses belong to the folders that have them.", b"USEATTR")
    name = args.mailbox.value.removesuffix("/")
    path = path_of(name)
    if len(name) > MAX_NAME:
        raise no(b"Mailbox name is too long.", b"LIMIT")
    await session.write(session.home, session.home.create_folder, path)
    return ok(b"CREATE completed.")


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
    await session.write(session.home, session.home.delete_folder, row.id)
    return ok(b"DELETE completed.")


async def rename(session: Session, args: Rename) -> Reply:
    """RENAME: mailboxes below go along; INBOX keeps its name and gives its messages away ([RFC3501] 6.3.5)."""
    if len(args.target.value) > MAX_NAME:
        raise no(b"Mailbox name is too long.", b"LIMIT")
    target = path_of(args.target.value.removesuffix("/"))
    row = (await session.place(args.source, selectable=False)).row
    if row.special is not None and not args.source.is_inbox:
        raise no(b"That mailbox cannot be renamed.", b"CANNOT")
    if target[: len(row.path)] == row.path and target != row.path and not args.source.is_inbox:
        raise no(b"A mailbox cannot move below itself.", b"CANNOT")
    if target == row.path or args.target.is_inbox:
        raise no(b"Mailbox already exists.", b"ALREADYEXISTS")
    await session.write(session.home, session.home.rename_folder, row.id, target)
    return ok(b"RENAME completed.")


async def subscribe(session: Session, args: OneMailbox) -> Reply:
    """SUBSCRIBE: the name need not exist ([RFC3501] 6.3.6)."""
    await session.write(session.home, session.home.subscribe, args.mailbox.value.removesuffix("/"))
    return ok(b"SUBSCRIBE completed.")


async def unsubscribe(session: Session, args: OneMailbox) -> Reply:
    """UNSUBSCRIBE ([RFC3501] 6.3.7); a name that is not subscribed is no error."""
    await session.write(session.home, session.home.unsubscribe, args.mailbox.value.removesuffix("/"))
    return ok(b"UNSUBSCRIBE completed.")


@dataclass(slots=True)
class _Entry:
    """One line of a LIST reply in the making."""

    attributes: list[bytes] = field(default_factory=list)
    child_info: bool = False


async def list_mailboxes(session: Session, args: List) -> Reply:
    """LIST and LSUB ([RFC3501] 6.3.8, [RFC3501] 6.3.9, [RFC3348] 3, [RFC6154] 2, [RFC5258] 3)."""
    label = b"LSUB" if args.subscribed_only else b"LIST"
    done = ok(label + b" completed.")
    if len(args.patterns) == 1 and not args.patterns[0].value and not args.select:
        # An empty name asks for the delimiter and the root of the reference ([RFC3501] 6.3.8).
        session.send(writer.list_line([b"\\Noselect"], b"/", "", verb=label))
        return done
    patterns = [NamePattern(args.reference.value + pattern.value) for pattern in args.patterns]
    rows = {name_of(row): row for row in await session.read(session.home.folders) if session.shows(row)}
    if args.subscribed_only:
        subscribed = await session.read(session.home.subscriptions)
        entries = _subscribed_names(rows, subscribed, patterns)
    else:
        wanted = args.select | args.returns
        subscribed = await session.read(session.home.subscriptions) if ListOption.SUBSCRIBED in wanted else []
        entries = _listed_names(rows, frozenset(subscribed), patterns, args)
    out = []
    for name in sorted(entries, key=_order):
        entry = entries[name]
        info = b'("CHILDINFO" ("SUBSCRIBED"))' if entry.child_info else b""
        out.append(writer.list_line(entry.attributes, b"/", name, verb=label, extended=info))
    session.send(b"".join(out))
    return done


def _order(name: str) -> tuple[bool, list[str]]:
    """INBOX first, then by level, so that children follow their parent."""
    return name != "INBOX", name.casefold().split("/")


def _parents(names: Iterable[str]) -> set[str]:
    """Every name above one of these."""
    parents: set[str] = set()
    for name in names:
        cut = name.rfind("/")
        while cut > 0 and name[:cut] not in parents:
            parents.add(name[:cut])
            cut = name.rfind("/", 0, cut)
    return parents


def _attributes(name: str, row: FolderRow | None, parents: set[str]) -> list[bytes]:
    attributes = [] if row is not None and row.selectable else [b"\\Noselect"]
    attributes.append(b"\\HasChildren" if name in parents else b"\\HasNoChildren")
    if row is not None and row.special in SPECIAL_USES:
        attributes.append(SPECIAL_USES[row.special])
    return attributes


def _matches(name: str, patterns: list[NamePattern]) -> bool:
    return any(pattern.matches(name) for pattern in patterns)


def _listed_names(
    rows: dict[str, FolderRow], subscribed: frozenset[str], patterns: list[NamePattern], args: List
) -> dict[str, _Entry]:
    """LIST: what exists, or with SUBSCRIBED what is subscribed, that matches ([RFC5258] 3.1)."""
    parents = _parents(rows)
    existing = dict.fromkeys(rows) | dict.fromkeys(parents)
    only_subscribed = ListOption.SUBSCRIBED in args.select
    recursive = ListOption.RECURSIVEMATCH in args.select
    above_subscribed = _parents(subscribed) if recursive else set()
    names = existing | dict.fromkeys(subscribed) | dict.fromkeys(above_subscribed) if only_subscribed else existing
    entries: dict[str, _Entry] = {}
    for name in names:
        if not _matches(name, patterns):
            continue
        row = rows.get(name)
        child_info = name in above_subscribed
        if only_subscribed and name not in subscribed and not child_info:
            continue
        if ListOption.SPECIAL_USE in args.select and (row is None or row.special not in SPECIAL_USES):
            continue
        attributes = _attributes(name, row, parents)
        if row is None and name not in existing:
            attributes = [b"\\NonExistent"]
        if name in subscribed:
            attributes.append(b"\\Subscribed")
        entries[name] = _Entry(attributes, child_info)
    return entries


def _subscribed_names(
    rows: dict[str, FolderRow], subscribed: list[str], patterns: list[NamePattern]
) -> dict[str, _Entry]:
    """LSUB: subscribed names that match, whether they exist or not ([RFC3501] 6.3.9).

    Where `%` stops above a subscribed name, the level it stopped at is listed as \\Noselect.
    """
    parents = _parents(rows)
    entries: dict[str, _Entry] = {}
    for name in subscribed:
        if _matches(name, patterns):
            entries[name] = _Entry(_attributes(name, rows.get(name), parents))
    for name in _parents(subscribed):
        if name not in entries and any(pattern.stops_above and pattern.matches(name) for pattern in patterns):
            entries[name] = _Entry([b"\\Noselect"])
    return entries


async def status(session: Session, args: Status) -> Reply:
    """STATUS: fresh counts without selecting ([RFC3501] 6.3.10, [RFC7162] 3.1.7)."""
    place = await session.place(args.mailbox)
    row = place.row
    values = {
        StatusItem.MESSAGES: row.total,
        StatusItem.UIDNEXT: row.uidnext,
        StatusItem.UIDVALIDITY: row.uidvalidity,
        StatusItem.UNSEEN: row.unread,
        StatusItem.HIGHESTMODSEQ: row.modseq,
    }
    if StatusItem.HIGHESTMODSEQ in args.items:
        session.enable_condstore()
    if StatusItem.RECENT in args.items:
        values[StatusItem.RECENT] = await session.read(session.count_recent, place)
    session.send(writer.status_line(args.mailbox.value, [(item.value, values[item]) for item in args.items]))
    return ok(b"STATUS completed.")


async def namespace(session: Session, args: NoArguments) -> Reply:
    """NAMESPACE: one personal namespace, and no other ([RFC2342] 4, 5, [RFC3501] 5.1.2)."""
    session.send(writer.namespace_line([("", b"/")], None, None))
    return ok(b"NAMESPACE completed.")
