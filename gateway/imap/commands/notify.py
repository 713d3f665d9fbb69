"""NOTIFY, and the responses that it leads to ([RFC5465])."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from directory.errors import ProviderError
from gateway.imap.commands import metadata, notify_rights
from gateway.imap.errors import Refusal, Reply, bad, no, ok
from gateway.imap.names import SPECIAL_USES, name_of, parents_of, shared_space
from gateway.imap.notify import MESSAGES, NAMES, SUPPORTED, Events, Notifier, Seen, Watched, events_of, seen
from gateway.imap.place import Place, Space
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import writer
from gateway.imap.protocol.metadata_types import SetMetadata
from gateway.imap.protocol.notify_types import EventGroup, Notify, Scope
from gateway.imap.session import Session
from store.changes import FolderRow
from store.errors import NotFound, StoreError

log = logging.getLogger(__name__)

MAX_WATCHED = 20_000
"""Mailboxes that one session may watch."""
MAX_OWNERS = 500
"""Users whose folders one session may watch: they are looked at whether they show anything or not."""
PORTION = 100
"""Mailboxes that are compared at a time."""
MAX_UNSENT = 1 << 20
"""Octets waiting for a slow client from which it is told no more ([RFC5465] 5.8)."""

_SELECTED = (Scope.SELECTED, Scope.SELECTED_DELAYED)
_PAIR = Events.MESSAGE_NEW | Events.MESSAGE_EXPUNGE


async def notify(session: Session, args: Notify) -> Reply:
    """NOTIFY SET and NONE: the events asked for take the place of those before ([RFC5465] 3.1).

    A name that does not exist, or that may not be seen, is passed over; where only the right to read is missing, a LIST
    response with \\NoAccess says so. What has gathered in the selected mailbox follows, as after any command.
    """
    for group in args.groups:
        _check(group)
    if sum(group.scope in _SELECTED for group in args.groups) > 1:
        raise bad(b"SELECTED and SELECTED-DELAYED exclude one another.")
    notifier = Notifier(session.services.watch, session.wire, args.groups)
    out: list[bytes] = []
    if notifier.events:
        await _survey(session, notifier)
        if len(notifier.seen) > MAX_WATCHED:
            raise no(b"That is too much to watch.", b"NOTIFICATIONOVERFLOW")
        for watched in notifier.watched:
            out += await _opening(session, notifier, watched, status=args.status)
    session.end_notify()
    session.notify = notifier
    notifier.listen({watched.mailbox.ref.id for watched in notifier.watched})
    follow(session, notifier)
    session.wire.send_parts(out)
    return ok(b"NOTIFY completed.")


def _check(group: EventGroup) -> None:
    """Refuse what cannot be asked for ([RFC5465] 3.1, 5, 6.1)."""
    if any(name not in NAMES for name in group.events):
        raise no(b"There is no such event.", b"BADEVENT (%b)" % SUPPORTED)
    events = events_of(group.events)
    if events & _PAIR not in (Events(0), _PAIR):
        raise bad(b"MessageNew and MessageExpunge go together.")
    if events & Events.FLAG_CHANGE and not events & _PAIR:
        raise bad(b"FlagChange needs MessageNew and MessageExpunge.")
    if group.scope in _SELECTED and events & ~MESSAGES:
        raise bad(b"Only events of messages belong to the selected mailbox.")


# --- what there is


async def _survey(session: Session, notifier: Notifier) -> None:
    """Find the mailboxes that are watched, and take their state as told."""
    notifier.subscribed = set(await session.read(session.home.subscriptions))
    watched = {session.home.ref.id: Watched(session.home, "")}
    for name in dict.fromkeys(_named(notifier)):
        for each in await _leads_to(session, name):
            watched.setdefault(each.mailbox.ref.id, each)
        await session.wire.drain()  # others have the loop in between
        if len(watched) > MAX_OWNERS:
            raise no(b"That is too much to watch.", b"NOTIFICATIONOVERFLOW")
    notifier.watched = list(watched.values())
    for each in notifier.watched:
        await _take_state(session, notifier, each)
    notifier.names = {told.name for told in notifier.seen.values()}
    if notifier.events & Events.SERVER_METADATA_CHANGE:
        notifier.metadata[""] = _hashed(await metadata.everything_of_server(session))


async def _take_state(session: Session, notifier: Notifier, watched: Watched) -> None:
    """Take the state of a mailbox's folders as told."""
    for row in (await _rows(session, watched)).values():
        name = watched.prefix + name_of(row)
        key = watched.mailbox.ref.id, row.id
        notifier.seen[key] = told = seen(row, name)
        if not await _may_read(session, watched, row):
            notifier.barred[key] = notify_rights.unknown(told)
        if notifier.events_for(name, personal=not watched.prefix) & Events.MAILBOX_METADATA_CHANGE:
            notifier.metadata[name] = _hashed(await metadata.everything(session, Place(watched.mailbox, row)))
        await session.wire.drain()


async def _widen(session: Session, notifier: Notifier, subscribed: Iterable[str]) -> None:
    """Watch the mailboxes that new subscriptions lead into, from now on ([RFC5465] 6.4)."""
    known = {watched.mailbox.ref.id for watched in notifier.watched}
    for name in sorted(subscribed):
        for each in await _leads_to(session, name):
            if each.mailbox.ref.id not in known:
                known.add(each.mailbox.ref.id)
                await _take_state(session, notifier, each)
                notifier.watched.append(each)
    follow(session, notifier)


def _hashed(values: Mapping[str, bytes]) -> dict[str, int]:
    return {entry: hash(value) for entry, value in values.items()}


async def _leads_to(session: Session, name: str) -> list[Watched]:
    """The mailboxes that a name leads into: one, or for a namespace of others all that show anything."""
    space = shared_space(name)
    try:
        if space is not None and "/" not in name:
            owners = await session.namespaces.owners(Space(space))
            found = [await session.namespaces.neighbour(Space(space), owner.address) for owner in owners]
            return [Watched(each.mailbox, each.prefix) for each in found if each is not None]
        if space is None or session.namespaces.sharing is None:
            return []
        first, address, *_ = name.split("/")
        # Also where nothing is shown yet: when it is, that is to be told ([RFC5465] 5.4, 5.9).
        neighbour = await session.namespaces.neighbour(Space(space), address, shown=False)
    except Refusal:
        return []
    return [] if neighbour is None else [Watched(neighbour.mailbox, f"{first}/{address}/")]


def _named(notifier: Notifier) -> Iterable[str]:
    """Names that may lead into others' mailboxes."""
    for group in notifier.groups:
        yield from (each.value for each in group.mailboxes)
        if group.scope is Scope.SUBSCRIBED:
            yield from notifier.subscribed


async def _rows(session: Session, watched: Watched) -> dict[int, FolderRow]:
    return {row.id: row for row in await session.read(watched.mailbox.folders) if session.shows(row)}


async def _opening(session: Session, notifier: Notifier, watched: Watched, *, status: bool) -> list[bytes]:
    """STATUS of the watched mailboxes if wanted, and \\NoAccess where it cannot be had ([RFC5465] 3.1)."""
    out: list[bytes] = []
    for row in (await _rows(session, watched)).values():
        name = watched.prefix + name_of(row)
        events = notifier.events_for(name, personal=not watched.prefix)
        if not events or not row.selectable:
            continue
        if (watched.mailbox.ref.id, row.id) in notifier.barred:
            out.append(writer.list_line([b"\\NoAccess"], b"/", name, utf8=session.utf8_names))
            continue
        is_selected = session.selected is not None and session.selected.is_at(Place(watched.mailbox, row))
        if status and events & MESSAGES and not is_selected:
            items = [(b"MESSAGES", row.total), (b"UIDNEXT", row.uidnext), (b"UIDVALIDITY", row.uidvalidity)]
            if events & Events.FLAG_CHANGE or session.condstore:
                items.append((b"HIGHESTMODSEQ", max(row.modseq, 1)))
            out.append(writer.status_line(name, items, utf8=session.utf8_names))
    return out


async def _may_read(session: Session, watched: Watched, row: FolderRow) -> bool:
    return bool(await notify_rights.readable(session, watched, (row.id,)))


# --- what happens


def follow(session: Session, notifier: Notifier) -> None:
    """Follow the mailbox that is selected by now; another's is listened to as well."""
    selected = session.selected
    notifier.follow(selected)
    ids = {watched.mailbox.ref.id for watched in notifier.watched}
    if selected is not None and notifier.selected:
        ids.add(selected.mailbox.ref.id)
    notifier.listen(ids)


async def after_command(session: Session, args: object) -> None:
    """Go on after a command: what it did to names by itself is known to the client ([RFC5465] 5)."""
    notifier = session.notify
    assert notifier is not None
    follow(session, notifier)
    own: set[str] = set()
    match args:
        case bt.Create() | bt.OneMailbox():
            own = {args.mailbox.value.removesuffix("/")}
        case bt.Rename():
            own = {args.source.value, args.target.value.removesuffix("/")}
        case SetMetadata():
            own = {args.mailbox.value}
    if own:
        notifier.touched.add((session.home.ref.id, 0))
    await push(session, own=own)


async def push(session: Session, *, own: Iterable[str] = ()) -> None:
    """Tell what there is to be told of other mailboxes; what cannot be looked at now is looked at again later.

    A client that does not take what it asked for is told so, and no more ([RFC5465] 5.8).
    """
    notifier = session.notify
    assert notifier is not None
    too_much = len(notifier.seen) > MAX_WATCHED or len(notifier.watched) > MAX_OWNERS
    if session.wire.unsent > MAX_UNSENT or too_much:
        session.end_notify()
        session.notify = Notifier(session.services.watch, session.wire, ())
        session.send(b"* OK [NOTIFICATIONOVERFLOW] Too much happens; NOTIFY is over.\r\n")
        return
    touched, notifier.touched = notifier.touched, set()
    muted = set(own) | {name.rpartition("/")[0] for name in own}
    for watched in tuple(notifier.watched):
        folders = {folder for mailbox, folder in touched if mailbox == watched.mailbox.ref.id}
        subscribed = notifier.subscribed
        try:
            if 0 in folders or not await _compare_some(session, notifier, watched, folders):
                await _compare_all(session, notifier, watched, muted)
            continue
        except (StoreError, Refusal, ProviderError) as error:
            log.info("NOTIFY of %s: %s: %s", session.wire.peer, type(error).__name__, error)
        except ConnectionError:
            raise
        except Exception:
            log.exception("NOTIFY of %s failed", session.wire.peer)
        notifier.touched.add((watched.mailbox.ref.id, 0))
        notifier.subscribed = subscribed


async def _compare_some(session: Session, notifier: Notifier, watched: Watched, folders: Iterable[int]) -> bool:
    """Look at some folders, of which messages came, went or changed; False: rights have changed, so look at all.

    Rights that the directory gives, and those of groups, come and go without a hint.
    """
    same = True
    for folder_id in folders:
        try:
            row = await session.read(watched.mailbox.folder, folder_id)
            allowed = await _may_read(session, watched, row)
        except NotFound:
            same = same and (watched.mailbox.ref.id, folder_id) not in notifier.seen
            continue
        barred = (watched.mailbox.ref.id, folder_id) in notifier.barred
        if not session.shows(row) or not allowed:
            same = same and (allowed or barred)
        elif barred:
            same = False
        else:
            # At once: what is taken as told is told, also when the next folder cannot be looked at.
            session.wire.send_parts(_messages_line(session, notifier, watched, row, watched.prefix + name_of(row)))
    return same


def _messages_line(session: Session, notifier: Notifier, watched: Watched, row: FolderRow, name: str) -> list[bytes]:
    """STATUS of a mailbox that is not selected, if there is something to tell ([RFC5465] 5.1 to 5.3).

    It takes the right to read it ([RFC4314] 4).
    """
    key = watched.mailbox.ref.id, row.id
    before = notifier.seen.get(key)
    notifier.seen[key] = now = seen(row, name)
    events = notifier.events_for(name, personal=not watched.prefix)
    if before is None or key in notifier.barred or not events & MESSAGES or not row.selectable:
        return []
    if session.selected is not None and session.selected.is_at(Place(watched.mailbox, row)):
        return []
    items: dict[bytes, int] = {}
    if (before.total, before.uidnext, before.uidvalidity) != (now.total, now.uidnext, now.uidvalidity):
        items = {b"MESSAGES": now.total, b"UIDNEXT": now.uidnext}
    if before.uidvalidity != now.uidvalidity:
        items[b"UIDVALIDITY"] = now.uidvalidity
    if events & Events.FLAG_CHANGE and before.unread != now.unread:
        items[b"UNSEEN"] = now.unread
    if session.condstore and before.modseq != now.modseq and (items or events & Events.FLAG_CHANGE):
        items |= {b"UIDVALIDITY": now.uidvalidity, b"HIGHESTMODSEQ": max(now.modseq, 1)}
    return [writer.status_line(name, items.items(), utf8=session.utf8_names)] if items else []


async def _pause(number: int) -> None:
    """Let others have the loop after PORTION mailboxes; a slow client is not waited for."""
    if number % PORTION == 0:
        await asyncio.sleep(0)


async def _compare_all(session: Session, notifier: Notifier, watched: Watched, muted: set[str]) -> None:
    """Look at all folders of a mailbox: names, subscriptions, annotations, messages ([RFC5465] 5.4 to 5.7)."""
    mailbox_id = watched.mailbox.ref.id
    rows = await _rows(session, watched)
    before = {folder: told for (mailbox, folder), told in notifier.seen.items() if mailbox == mailbox_id}
    names = {folder: watched.prefix + name_of(row) for folder, row in rows.items()}
    was_subscribed = notifier.subscribed
    if not watched.prefix:
        notifier.subscribed = set(await session.read(session.home.subscriptions))
        if any(group.scope is Scope.SUBSCRIBED for group in notifier.groups):
            await _widen(session, notifier, notifier.subscribed - was_subscribed)
    affected = _renamed_and_gone(before, rows, names)
    turned = await notify_rights.compare(session, notifier, watched, before, rows, names)
    out: list[bytes] = []
    for number, (folder, row) in enumerate(rows.items(), 1):
        out += _messages_line(session, notifier, watched, row, names[folder])
        await _pause(number)
    for folder in before.keys() - rows.keys():
        del notifier.seen[mailbox_id, folder]
    notifier.names = {told.name for told in notifier.seen.values()}
    personal = not watched.prefix
    lines: dict[str, str | None] = {
        name: old
        for name, old in affected.items()
        if (notifier.events_for(name, personal=personal) | notifier.events_for(old or name, personal=personal))
        & Events.MAILBOX_NAME
    }
    for name in was_subscribed ^ notifier.subscribed:
        # A mailbox that is subscribed no more was one until now.
        if notifier.events_for(name, personal=personal) & Events.SUBSCRIPTION_CHANGE or (
            notifier.events & Events.SUBSCRIPTION_CHANGE and name in was_subscribed
        ):
            lines.setdefault(name, None)
    for name in turned:
        if notifier.events_for(name, personal=personal):
            lines.setdefault(name, None)
    by_name = {name: rows[folder] for folder, name in names.items()}
    closed = {names[folder] for folder in rows if (mailbox_id, folder) in notifier.barred}
    closed.update(name for name, lost in turned.items() if lost)
    parents = parents_of(notifier.names)
    for number, name in enumerate(sorted(lines.keys() - muted), 1):
        attributes = _attributes(notifier, name, by_name.get(name), barred=name in closed, above=name in parents)
        out.append(_list_line(session, name, attributes, lines[name]))
        await _pause(number)
    session.wire.send_parts(out)
    await _compare_annotations(session, notifier, watched, by_name, muted)


def _renamed_and_gone(
    before: Mapping[int, Seen], rows: Mapping[int, FolderRow], names: Mapping[int, str]
) -> dict[str, str | None]:
    """Names that were made, deleted or changed, with the old name of the last kind ([RFC5465] 5.4)."""
    affected: dict[str, str | None] = {}
    for folder, told in before.items():
        if folder not in rows or (told.selectable and not rows[folder].selectable):
            affected[told.name] = None
    for folder, row in rows.items():
        old = before.get(folder)
        if old is None or (row.selectable and not old.selectable):
            affected[names[folder]] = None
        elif old.name != names[folder] and (old.own_name, old.parent) != (row.name, row.parent_id):
            affected[names[folder]] = old.name
    for name in [name for name, old in affected.items() if old is None]:
        parent = name.rpartition("/")[0]
        if parent:
            affected.setdefault(parent, None)
    return affected


def _attributes(notifier: Notifier, name: str, row: FolderRow | None, *, barred: bool, above: bool) -> list[bytes]:
    attributes: list[bytes] = [b"\\NoAccess"] if barred else []
    if row is None or not row.selectable:
        attributes.append(b"\\NonExistent")
    if name in notifier.subscribed:
        attributes.append(b"\\Subscribed")
    attributes.append(b"\\HasChildren" if above else b"\\HasNoChildren")
    if row is not None and row.special in SPECIAL_USES:
        attributes.append(SPECIAL_USES[row.special])
    return attributes


def _list_line(session: Session, name: str, attributes: list[bytes], old: str | None) -> bytes:
    extended = b""
    if old is not None:
        extended = b'("OLDNAME" (%b))' % writer.mailbox_name(old, utf8=session.utf8_names)
    return writer.list_line(attributes, b"/", name, extended=extended, utf8=session.utf8_names)


async def _compare_annotations(
    session: Session, notifier: Notifier, watched: Watched, rows: Mapping[str, FolderRow], muted: set[str]
) -> None:
    """The names of annotations that have changed, without their values ([RFC5465] 5.6, 5.7, [RFC5464] 4.4.2)."""
    if notifier.events & Events.MAILBOX_METADATA_CHANGE:
        for number, (name, row) in enumerate(rows.items(), 1):
            await _pause(number)
            wanted = notifier.events_for(name, personal=not watched.prefix) & Events.MAILBOX_METADATA_CHANGE
            if wanted and (watched.mailbox.ref.id, row.id) not in notifier.barred:
                values = await metadata.everything(session, Place(watched.mailbox, row))
                _tell_annotations(session, notifier, name, values, muted)
    if notifier.events & Events.SERVER_METADATA_CHANGE and not watched.prefix:
        _tell_annotations(session, notifier, "", await metadata.everything_of_server(session), muted)


def _tell_annotations(
    session: Session, notifier: Notifier, name: str, values: dict[str, bytes], muted: set[str]
) -> None:
    before = notifier.metadata.get(name, {})
    notifier.metadata[name] = now = _hashed(values)
    changed = sorted(entry for entry in before.keys() | now.keys() if before.get(entry) != now.get(entry))
    if changed and name not in muted:
        entries = b" ".join(writer.astring(entry.encode()) for entry in changed)
        session.send(b"* METADATA %b %b\r\n" % (writer.mailbox_name(name, utf8=session.utf8_names), entries))
