"""APPEND: messages from the client into a mailbox ([RFC3501] 6.3.11, [RFC3502] 6.3.11, [RFC4315] 3).

The literals have arrived as a whole when the command runs: gateway.imap.protocol.framing bounds them. What CATENATE
takes from messages that are here is read by gateway.imap.commands.references.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.mime.unbinary import without_binary
from gateway.imap.commands import references
from gateway.imap.commands.messagelimit import Limit
from gateway.imap.environment import ImapSettings
from gateway.imap.errors import Reply, no, ok
from gateway.imap.flags import parse_flags
from gateway.imap.protocol import writer
from gateway.imap.protocol.message_types import Append, NewMessage
from gateway.imap.session import MANY, Session
from store.errors import Conflict
from store.mailbox import Mailbox
from store.mapi.message import MimeRendition
from store.messages import Delivery

LARGE = 128 * 1024
"""Octets from which a message is converted in a thread, so that other connections go on."""
MUCH = 1024 * 1024
"""Octets of several messages from which they are written in a thread."""


def capabilities(settings: ImapSettings) -> str:
    """What APPEND can do; APPENDLIMIT tells how long a message may be ([RFC7889] 2)."""
    return f"MULTIAPPEND CATENATE UTF8=ACCEPT APPENDLIMIT={settings.max_message}"


async def append(session: Session, args: Append) -> Reply:
    """APPEND: all messages or none; the octets are kept as sent; the reply leaves after the commit ([RFC3502] 6.3.11).

    NO [TRYCREATE] where the mailbox is missing, NO [OVERQUOTA] where the messages do not fit, NO [TOOBIG] for one that
    CATENATE makes too long ([RFC4469] 4.2), NO [BADURL] for a URL that leads nowhere ([RFC4469] 4.1), NO
    [MESSAGELIMIT] for more messages than one command may have ([RFC9738] 3.1).
    """
    limit = Limit(session)
    if limit.is_over(len(args.messages)):
        raise limit.refusal()
    likely = session.remembered(args.mailbox)
    if likely is not None:
        deliveries = await prepare(session, args.messages)
        try:
            return await _put(session, session.home, likely.node.id, deliveries, likely.version)
        except Conflict:  # folders were made, renamed or removed
            pass
    place = await session.place(args.mailbox, missing=b"TRYCREATE")
    if likely is None:
        deliveries = await prepare(session, args.messages)
    return await _put(session, place.mailbox, place.row.id, deliveries, None)


async def _put(
    session: Session, mailbox: Mailbox, folder_id: int, deliveries: Sequence[Delivery], hierarchy: int | None
) -> Reply:
    """Write the messages. Raises Conflict, with nothing done, where the tree is no more at the version `hierarchy`."""
    selected = session.selected
    here = selected is not None and selected.folder_id == folder_id and selected.mailbox.ref == mailbox.ref
    # In the selected folder the messages are going to be \\Recent: to claim that with them saves a second commit.
    claim = selected is not None and here and not selected.read_only and selected.shows_recent
    known = selected.watermark if selected is not None and here else None
    put = partial(mailbox.deliver_all, folder_id, deliveries, claim=claim, known=known, hierarchy=hierarchy)
    much = sum(len(one.mime.raw) for one in deliveries[1:]) > MUCH
    arrived = await session.write_many(mailbox, MANY + 1 if much else len(deliveries), put)
    if here and selected is not None:
        await session.appended(selected, arrived, known)
    return ok(b"APPEND completed.", appenduid(arrived.uidvalidity, [row.uid for row in arrived.rows]))


def appenduid(uidvalidity: int, uids: Sequence[int]) -> bytes:
    """The response code with the UIDs that messages were given ([RFC4315] 3)."""
    return writer.code_appenduid(uidvalidity, uids)


async def prepare(session: Session, messages: Sequence[NewMessage]) -> list[Delivery]:
    """Make messages ready to be written, before anything is: flags, texts, what IMAP shows of them.

    Raises Refusal: NO [CANNOT] for flags that do not exist, [TOOBIG], [BADURL]; a message without octets is how a
    client gives an APPEND up ([RFC3502] 6.3.11).
    """
    most = session.services.settings.max_message
    now = int(time.time())
    room = references.Room(most)
    found = []
    for one in messages:
        flags = parse_flags(one.flags)
        raw = await _text(session, one, room)
        if not raw:
            raise no(b"APPEND is given up: a message cannot be empty.")
        rendition = await convert(session, raw, binary=one.binary)
        date = now if one.date is None else one.date
        found.append(Delivery(rendition, flags.bits, tuple(flags.keywords), date))
    return found


async def _text(session: Session, one: NewMessage, room: references.Room) -> bytes:
    if not one.catenate:
        (text,) = one.parts
        assert isinstance(text, bytes)
        return text
    room.begin()
    pieces = []
    for part in one.parts:
        piece = part if isinstance(part, bytes) else await references.text(session, part.url, room)
        room.take(len(piece))
        pieces.append(piece)
        await session.wire.drain()  # others have the loop in between
    return b"".join(pieces)


async def convert(session: Session, raw: bytes, *, binary: bool) -> MimeRendition:
    """Make of a message what is kept of it; `binary`: it came as literal8 ([RFC3516] 4.4)."""
    if len(raw) < LARGE:
        return _convert(raw, binary)
    return await session.services.runner.run(_convert, raw, binary)


def _convert(raw: bytes, binary: bool) -> MimeRendition:
    return render(normalise_newlines(without_binary(raw) if binary else raw))
