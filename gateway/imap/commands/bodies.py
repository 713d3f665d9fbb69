"""Messages read for FETCH: small ones many at a time, a large one by the pieces that are asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from conversion.mime.bodystructure import bodystructure
from conversion.mime.structure import Structure, scan
from gateway.imap.commands import binary, sections, surrogates
from gateway.imap.commands.batch import Batch
from gateway.imap.protocol.fetch_types import BinarySection, BinarySize, BodySection, FetchItem
from gateway.imap.protocol.writer import fetch_template
from gateway.imap.session import Session
from store.errors import StoreError, Unavailable
from store.index import FolderIndex
from store.mailbox import Mailbox

log = logging.getLogger(__name__)

LARGE = 256 * 1024
"""Octets over which a message is not read as a whole."""
PIECE = 128 * 1024
"""Octets of a large message that are read and sent at a time."""
SHORT = 16 * 1024
"""Octets up to which a section of a large message is made with the others."""
MUCH = 4 * 1024 * 1024
"""Octets that the sections of one message may have together to be made at once."""
GROUP_OCTETS = 512 * 1024
GROUP = 64
"""Messages, and their octets, that are read at a time."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Some messages at hand."""

    uids: list[int]
    raws: list[bytes]
    structures: list[Structure] | None
    """None where no item needs the part tables."""
    downgraded: tuple[int, ...] = ()
    """UIDs of those that are surrogates ([RFC6858] 3)."""

    def surrogates(self) -> Messages:
        """The messages as a client sees them that has not enabled UTF-8."""
        if all(map(bytes.isascii, self.raws)):
            return self
        tables: Sequence[Structure | None] = self.structures or [None] * len(self.raws)
        made = [surrogates.message(raw, table) for raw, table in zip(self.raws, tables, strict=True)]
        kept = None if self.structures is None else [table for _, table in made if table is not None]
        changed = [uid for uid, old, (new, _) in zip(self.uids, self.raws, made, strict=True) if new is not old]
        return Messages(self.uids, [raw for raw, _ in made], kept, tuple(changed))

    def only(self, uids: Sequence[int]) -> Messages:
        """Those with these UIDs."""
        if len(uids) == len(self.uids):
            return self
        wanted = set(uids)
        kept = [i for i, uid in enumerate(self.uids) if uid in wanted]
        structures = None if self.structures is None else [self.structures[i] for i in kept]
        return Messages([self.uids[i] for i in kept], [self.raws[i] for i in kept], structures, self.downgraded)

    def column(self, item: FetchItem) -> list[bytes]:
        """The values of a section, of BINARY, or of BODY, on the wire."""
        if isinstance(item, BodySection):
            return sections.column(item, self.raws, self.structures)
        assert self.structures is not None
        if isinstance(item, (BinarySection, BinarySize)):
            return binary.column(item, self.raws, self.structures)
        return [
            bodystructure(raw, structure, extended=False)
            for raw, structure in zip(self.raws, self.structures, strict=True)
        ]


def small_groups(index: FolderIndex, batch: Batch, large: int) -> Iterator[Batch]:
    """Cut a batch into groups to read at a time; a message over `large` is alone in its group."""
    most = min(GROUP_OCTETS, 2 * large)
    sizes = batch.column(index.sizes)
    start = octets = 0
    for i, size in enumerate(sizes):
        if i > start and (size > large or octets + size > most or i - start >= GROUP):
            yield batch.part(start, i)
            start = i
            octets = 0
        octets += size
        if size > large:
            yield batch.part(i, i + 1)
            start = i + 1
            octets = 0
    if start < len(sizes):
        yield batch.part(start, len(sizes))


def load(mailbox: Mailbox, folder_id: int, uids: Sequence[int], parts: bool, utf8: bool) -> Messages:
    """Read messages of a folder, in the order of their UIDs; those that have gone are missing.

    Without `utf8` they are as a client sees them that has not enabled UTF-8.
    """
    rows = list(mailbox.raw_with_parts(folder_id, uids))
    structures = None
    if parts:
        structures = [sections.table_of(packed, raw) or scan(raw) for _, _, raw, packed in rows]
    messages = Messages([row[0] for row in rows], [row[2] for row in rows], structures)
    return messages if utf8 else messages.surrogates()


@contextmanager
def begun(session: Session) -> Iterator[None]:
    """A response is being sent that may break off: whatever fails, the connection must end.

    Another line, such as the tagged reply, would be taken for a part of the response. Raises ConnectionAbortedError in
    place of every error.
    """
    try:
        yield
    except ConnectionError:
        raise
    except Exception as error:
        log.warning("a response to %s breaks off", session.wire.peer, exc_info=not isinstance(error, StoreError))
        session.wire.abort()
        raise ConnectionAbortedError(f"a response breaks off: {error}") from error


async def send_large(
    session: Session, number: int, item_id: int, items: Sequence[FetchItem], values: Sequence[object]
) -> bool:
    """Send the FETCH line of one large message; `values` has None where the message itself must be read.

    Whether the transfer encoding of every part was known. NotFound, with nothing sent, if the message has gone. If it
    goes or cannot be read while it is being sent, the connection must end, because the announced octets will not come:
    ConnectionError.
    """
    counts = any(isinstance(item, (BinarySection, BinarySize)) for item in items)
    call = session.services.runner.run if counts else session.read
    found, known = await call(_locate, session.mailbox, item_id, items, values)
    with begun(session):
        session.send(b"* %d %b (" % (number, b"UIDFETCH" if session.uidonly else b"FETCH"))
        for position, (label, value) in enumerate(found):
            session.send(b" " + label if position else label)
            if isinstance(value, bytes):
                session.send(value)
            elif isinstance(value, binary.LongPart):
                session.send(value.head())
                await send_pieces(session, value.pieces(session.mailbox), value.size)
            elif isinstance(value, _LongHeader):
                await _send_header(session, item_id, value)
            else:
                start, end = value
                session.send(b"{%d}\r\n" % (end - start))
                await send_pieces(session, _pieces(session.mailbox, item_id, start, end), end - start)
        session.send(b")\r\n")
    return known


async def send_at_hand(
    session: Session, number: int, message: Messages, items: Sequence[FetchItem], values: Sequence[object]
) -> bool:
    """Send the FETCH line of one message that is at hand, item by item, for each may be as long as the message.

    `values` and the result are as with `send_large`.
    """
    known = True
    with begun(session):
        session.send(b"* %d %b (" % (number, b"UIDFETCH" if session.uidonly else b"FETCH"))
        for position, (item, value) in enumerate(zip(items, values, strict=True)):
            if value is None:
                (value,) = await session.services.runner.run(message.column, item)
                if isinstance(item, (BinarySection, BinarySize)):
                    known = known and not binary.is_unknown(value)
            session.send(b" " + _named(item, value) if position else _named(item, value))
            await session.wire.drain()
        session.send(b")\r\n")
    return known


async def _send_header(session: Session, item_id: int, wanted: _LongHeader) -> None:
    """Send fields of a long header, picked in a thread when their turn comes. Raises NotFound, Unavailable."""
    mailbox = session.mailbox

    def pick() -> bytes:
        return sections.from_header(wanted.item, mailbox.raw(item_id, wanted.start, wanted.end - wanted.start))

    session.send(await session.services.runner.run(pick))
    await session.wire.drain()


async def send_pieces(session: Session, pieces: Iterator[bytes], size: int) -> None:
    """Send what was announced with `size` octets, of which a piece may have none.

    Raises StoreError if it does not come: the caller sees to the response that has begun.
    """
    while size > 0:
        piece = await session.read(next, pieces, None)
        if piece is None or len(piece) > size:
            raise Unavailable("message is not as long as its part table says")
        session.send(piece)
        size -= len(piece)
        await session.wire.drain()


def _pieces(mailbox: Mailbox, item_id: int, start: int, end: int) -> Iterator[bytes]:
    """A long section, read as it is sent."""
    while start < end:
        piece = mailbox.raw(item_id, start, min(PIECE, end - start))
        if not piece:
            return
        start += len(piece)
        yield sections.without_nul(piece)


@dataclass(frozen=True, slots=True)
class _LongHeader:
    """A long header, of which fields are wanted."""

    item: BodySection
    start: int
    end: int


_Found = tuple[bytes, bytes | tuple[int, int] | binary.LongPart | _LongHeader]
"""`NAME ` and the value, or what is to be sent by pieces: where a section stands, a part to decode, a header."""


def _locate(
    mailbox: Mailbox, item_id: int, items: Sequence[FetchItem], values: Sequence[object]
) -> tuple[list[_Found], bool]:
    """Find every item; whether the transfer encoding of every part is known. Raises NotFound."""
    packed = mailbox.parts(item_id)
    structure = sections.table_of(packed, None)
    if structure is None:
        structure = scan(mailbox.raw(item_id))
    found: list[_Found] = []
    known = True
    for item, value in zip(items, values, strict=True):
        if value is not None:
            found.append((b"", _named(item, value)))
        elif isinstance(item, BodySection):
            found.append((item.label + b" ", _section(mailbox, item_id, item, structure)))
        elif isinstance(item, (BinarySection, BinarySize)):
            part = binary.measure(mailbox, item_id, item, structure)
            known = known and not binary.is_unknown(part)
            found.append((item.label + b" ", part))
        else:
            raw = mailbox.raw(item_id)
            found.append((b"", _named(item, bodystructure(raw, structure, extended=False))))
    return found, known


def _named(item: FetchItem, value: object) -> bytes:
    """The item's name and value, `NAME value`."""
    line = fetch_template((item,)) % (0, value)
    return line[line.index(b"(") + 1 : -3]


def _section(
    mailbox: Mailbox, item_id: int, item: BodySection, structure: Structure
) -> bytes | tuple[int, int] | _LongHeader:
    where = sections.span(item.section, b"", structure)
    if where is None:
        return b"NIL"
    start, end = where
    if sections.picks_fields(item.section):
        if end - start > SHORT:
            return _LongHeader(item, start, end)
        header = mailbox.raw(item_id, start, end - start)
        return sections.from_header(item, header)
    start, end = sections.cut(start, end, item.partial)
    if end - start > SHORT:
        return start, end
    return sections.literal(mailbox.raw(item_id, start, end - start) if end > start else b"")
