"""LIST and LSUB ([RFC3501] 6.3.8, 6.3.9, [RFC5258], [RFC5819], [RFC6154], [RFC8440], [RFC9590]).

One's own folders come from one reading of the store. Others' mailboxes are asked only where a pattern reaches into
their namespace, and only those that the index of the directory names for the user (docs/decisions/0016).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.imap.commands import acl, metadata, statuses
from gateway.imap.commands.patterns import NamePattern
from gateway.imap.errors import Reply, no, ok
from gateway.imap.names import SPECIAL_USES, name_of, parents_of
from gateway.imap.place import Place, Space
from gateway.imap.protocol import writer
from gateway.imap.protocol.mailbox_types import List, ListOption
from gateway.imap.session import Session
from gateway.imap.specialuse import USE_ENTRY
from gateway.services.sharing import principal_of
from store.errors import AccessDenied, StoreError

log = logging.getLogger(__name__)

FLUSH = 100
"""Mailboxes whose lines are sent together."""
MAX_PATTERN = 2000
"""Characters of a pattern with its reference; no name is longer."""
INLINE_MATCHES = 5000
"""Names, times patterns, up to which they are compared without a thread."""


@dataclass(slots=True)
class _Known:
    """The mailboxes that a LIST may name."""

    places: dict[str, Place] = field(default_factory=dict)
    above: set[str] = field(default_factory=set)
    """Levels of the namespaces of others, which are names alone."""
    uses: dict[str, list[bytes]] = field(default_factory=dict)
    """Special uses by name."""


@dataclass(slots=True)
class _Entry:
    """One line of the reply in the making."""

    attributes: list[bytes]
    place: Place | None = None
    child_info: tuple[bytes, ...] = ()


async def list_mailboxes(session: Session, args: List) -> Reply:
    """LIST and LSUB; what RETURN asks for follows each mailbox's line ([RFC5819] 2, [RFC8440] 3, [RFC9590] 3)."""
    label = b"LSUB" if args.subscribed_only else b"LIST"
    done = ok(label + b" completed.")
    if len(args.patterns) == 1 and not args.patterns[0].value and not args.extended:
        # An empty name asks for the delimiter and the root of the reference ([RFC3501] 6.3.8).
        session.send(writer.list_line([b"\\Noselect"], b"/", "", verb=label))
        return done
    texts = [args.reference.value + pattern.value for pattern in args.patterns]
    if any(len(text) > MAX_PATTERN for text in texts):
        raise no(b"Mailbox name is too long.", b"LIMIT")
    patterns = [NamePattern(text) for text in texts]
    only_subscribed = args.subscribed_only or ListOption.SUBSCRIBED in args.select
    subscribed: list[str] = []
    if only_subscribed or ListOption.SUBSCRIBED in args.returns:
        subscribed = await session.read(session.home.subscriptions)
    known = await _known(session, patterns, _owner_levels(subscribed) if only_subscribed else None)
    names: Callable[..., dict[str, _Entry]] = _subscribed_names if args.subscribed_only else _listed_names
    if len(patterns) * (len(known.places) + len(subscribed)) <= INLINE_MATCHES:
        entries = names(known, subscribed, patterns, args)
    else:
        entries = await session.services.runner.run(names, known, subscribed, patterns, args)
    out: list[bytes] = []
    for name in sorted(entries, key=_order):
        entry = entries[name]
        more: list[bytes] = []
        if entry.place is not None and entry.place.row.selectable:
            more = await _returned(session, args, name, entry)
        out += (_line(session, label, name, entry), *more)
        if len(out) >= FLUSH:
            session.wire.send_parts(out)
            out = []
            await session.wire.drain()
    session.wire.send_parts(out)
    return done


def _line(session: Session, label: bytes, name: str, entry: _Entry) -> bytes:
    info = b""
    if entry.child_info:
        info = b'("CHILDINFO" (%b))' % b" ".join(b'"%b"' % option for option in entry.child_info)
    return writer.list_line(entry.attributes, b"/", name, verb=label, extended=info, utf8=session.utf8_names)


async def _returned(session: Session, args: List, name: str, entry: _Entry) -> list[bytes]:
    """What RETURN asks for of one mailbox; what cannot be told is left out.

    A mailbox that is seen but not to be read is \\Noselect where its STATUS is asked for ([RFC5819] 2).
    """
    out: list[bytes] = []
    place = entry.place
    assert place is not None
    try:
        if ListOption.MYRIGHTS in args.returns:
            out.append(await acl.my_rights_line(session, name, place))
        if args.status:
            try:
                out.append(await statuses.line(session, name, place, args.status))
            except AccessDenied:
                entry.attributes.insert(0, b"\\Noselect")
        if args.metadata:
            out.append(await metadata.listed_line(session, name, place, args.metadata))
    except StoreError as error:
        log.info("LIST of %s leaves out what it cannot say of %r: %s", session.wire.peer, name, error)
    return out


def _order(name: str) -> tuple[bool, list[str]]:
    """INBOX first, then by level, so that children follow their parent."""
    return name != "INBOX", name.casefold().split("/")


def _owner_levels(names: Iterable[str]) -> set[str]:
    """The first two levels of names, which in a namespace of others say whose mailbox it is."""
    return {"/".join(name.split("/", 2)[:2]) for name in names}


# --- what there is


async def _known(session: Session, patterns: Sequence[NamePattern], only: Collection[str] | None) -> _Known:
    """One's own mailboxes, and those of others that a pattern reaches; `only` those of some owners."""
    known = _Known()
    given: Mapping[int, bytes] = {}
    if session.logon is not None:
        given = await session.read(session.home.annotated, USE_ENTRY, private=principal_of(session.logon.user))
    for row in await session.read(session.home.folders):
        if session.shows(row):
            name = name_of(row)
            known.places[name] = Place(session.home, row)
            uses = [SPECIAL_USES[row.special]] if row.special in SPECIAL_USES else []
            uses += [use for use in given.get(row.id, b"").split() if use not in uses]
            if uses:
                known.uses[name] = uses
    for space in Space:
        if any(pattern.matches(space.value) or pattern.reaches(space.value + "/") for pattern in patterns):
            await _look_into(session, space, patterns, only, known)
    return known


async def _look_into(
    session: Session, space: Space, patterns: Sequence[NamePattern], only: Collection[str] | None, known: _Known
) -> None:
    """Find the mailboxes of a namespace; where its first level alone is asked for, one is enough."""
    below = any(pattern.reaches(space.value + "/") for pattern in patterns)
    for owner in await session.namespaces.owners(space):
        level = f"{space.value}/{owner.address}"
        if only is not None and level not in only:
            continue
        wanted = any(pattern.reaches(level + "/") for pattern in patterns)
        if below and not wanted and not _matches(level, patterns):
            continue
        neighbour = await session.namespaces.open(space, owner)
        if neighbour is None:
            continue
        try:
            if wanted:
                rows = await session.read(neighbour.mailbox.folders)
            elif not await session.read(neighbour.mailbox.shows_anything):
                continue
            else:
                rows = []
        except StoreError as error:
            log.warning("LIST of %s leaves out the mailbox of %s: %s", session.wire.peer, owner.address, error)
            continue
        shown = {neighbour.prefix + name_of(row): Place(neighbour.mailbox, row) for row in rows if session.shows(row)}
        if shown or not wanted:
            known.places.update(shown)
            known.above.update((space.value, level))
            if not below:
                break


def _matches(name: str, patterns: Sequence[NamePattern]) -> bool:
    return any(pattern.matches(name) for pattern in patterns)


# --- what is listed


def _attributes(name: str, known: _Known, parents: set[str], *, extended: bool) -> list[bytes]:
    """The attributes of a name ([RFC3501] 7.2.2, [RFC3348] 3, [RFC5258] 3, [RFC6154] 2)."""
    place = known.places.get(name)
    attributes: list[bytes] = []
    if place is None and name not in known.above:
        attributes.append(b"\\NonExistent" if extended else b"\\Noselect")
    elif place is None or not place.row.selectable:
        attributes.append(b"\\Noselect")
    attributes.append(b"\\HasChildren" if name in parents else b"\\HasNoChildren")
    return attributes + known.uses.get(name, [])


def _listed_names(
    known: _Known, subscriptions: Sequence[str], patterns: Sequence[NamePattern], args: List
) -> dict[str, _Entry]:
    """LIST: what there is, or what the selection options leave of it, that matches ([RFC5258] 3, 3.1, 3.3, 3.5).

    With RECURSIVEMATCH also what is above something selected that is not listed itself. A level that is not to be seen
    is not there, unless a pattern ends with `%` at it ([RFC4314] 4, [RFC3501] 6.3.8).
    """
    subscribed = frozenset(subscriptions)
    there = dict.fromkeys((*known.places, *known.above))
    parents = parents_of(there)
    for name in parents:
        if name not in there and any(pattern.stops_above and pattern.matches(name) for pattern in patterns):
            there[name] = None
    base = tuple(option.value for option in (ListOption.SUBSCRIBED, ListOption.SPECIAL_USE) if option in args.select)
    chosen: Collection[str] = there
    if ListOption.SUBSCRIBED in args.select:
        chosen = subscribed
    if ListOption.SPECIAL_USE in args.select:
        chosen = [name for name in chosen if name in known.uses]
    recursive = ListOption.RECURSIVEMATCH in args.select
    above = parents_of(chosen) if recursive else set[str]()
    led_to = parents_of(name for name in chosen if not _matches(name, patterns)) if recursive else ()
    entries: dict[str, _Entry] = {}
    for name in dict.fromkeys((*chosen, *led_to)):
        if not _matches(name, patterns):
            continue
        attributes = _attributes(name, known, parents, extended=args.extended)
        if name not in there and name not in parents:
            attributes = [b"\\NonExistent"]
        if name in subscribed:
            attributes.append(b"\\Subscribed")
        entries[name] = _Entry(attributes, known.places.get(name), base if name in above else ())
    return entries


def _subscribed_names(
    known: _Known, subscribed: Sequence[str], patterns: Sequence[NamePattern], args: List
) -> dict[str, _Entry]:
    """LSUB: subscribed names that match, whether they exist or not ([RFC3501] 6.3.9).

    Where `%` stops above a subscribed name, the level it stopped at is listed as \\Noselect.
    """
    parents = parents_of((*known.places, *known.above))
    entries: dict[str, _Entry] = {}
    for name in subscribed:
        if _matches(name, patterns):
            entries[name] = _Entry(_attributes(name, known, parents, extended=False))
    for name in parents_of(subscribed):
        if name not in entries and any(pattern.stops_above and pattern.matches(name) for pattern in patterns):
            entries[name] = _Entry([b"\\Noselect"])
    return entries
