"""What a client may do with its maildrop, and QUIT ([RFC1939] 5 to 7)."""

from __future__ import annotations

import logging
from functools import partial

from gateway.pop3 import protocol
from gateway.pop3.errors import Reply
from gateway.pop3.message import TOP_PIECE, WHOLE, MessageReader
from gateway.pop3.protocol import Command, Stuffer, TopCutter, message_number
from gateway.pop3.session import CutShort, Disconnected, Session
from gateway.pop3.texts import Text
from store.errors import NotFound, StoreError

log = logging.getLogger("oxgate.pop3")

_NO_MESSAGE = Reply(Text.NO_MESSAGE)
_NAME = 6
"""Octets of the mailbox's GUID in a unique-id: a mailbox made anew under the same address differs."""
_REMOVED_AT_ONCE = 100
"""Messages that one transaction of QUIT removes: few, so that no other session waits long for it."""


async def noop(session: Session, command: Command) -> None:
    """Do nothing ([RFC1939] 5)."""
    session.wire.write(protocol.ok())


async def quit_(session: Session, command: Command) -> None:
    """End; from TRANSACTION, remove what was marked ([RFC1939] 6), and, with EXPIRE 0, what was retrieved.

    It goes in many small transactions. Messages that another session removed meanwhile are gone as wished. Where the
    store fails the reply says how many are there yet; the connection ends in any case.
    """
    session.wire.hang_up()
    session.drop_retrieved()
    doomed, mailbox, folder_id = session.drop.doomed(), session.mailbox, session.folder_id
    if mailbox is not None:
        for start in range(0, len(doomed), _REMOVED_AT_ONCE):
            chunk = doomed[start : start + _REMOVED_AT_ONCE]
            try:
                await session.services.runner.write(mailbox.ref, partial(mailbox.remove_messages, folder_id, chunk))
            except StoreError as error:
                log.warning("%s: QUIT: %s: %s", session.wire.peer, type(error).__name__, error)
                session.wire.write(session.voice.err(Text.NOT_REMOVED, b"SYS/TEMP", len(doomed) - start))
                return
    session.ok(Text.SIGNING_OFF)


async def stat(session: Session, command: Command) -> None:
    """Count messages and octets ([RFC1939] 5)."""
    session.wire.write(protocol.ok(b"%d %d" % session.drop.remaining()))


async def list_(session: Session, command: Command) -> None:
    """List sizes ([RFC1939] 5): those of the messages as they are kept ([RFC6858] 4)."""
    drop = session.drop
    if not command.argument.strip():
        await session.listing(protocol.ok(b"%d %d" % drop.remaining()), drop.scan_listing())
        return
    at = _position(session, command.argument)
    if at is not None:
        session.wire.write(protocol.ok(b"%d %d" % (at + 1, drop.sizes[at])))


async def uidl(session: Session, command: Command) -> None:
    """List unique-ids ([RFC1939] 7); Outlook asks for all of them at once ([MS-STANOPOP3] 2.2.14)."""
    drop, mailbox = session.drop, session.mailbox
    if not drop.name and mailbox is not None:
        guid = await session.services.runner.read(mailbox.replica_guid)
        drop.name = guid[:_NAME].hex().encode("ascii")
    if not command.argument.strip():
        await session.listing(protocol.ok(), drop.unique_ids())
        return
    at = _position(session, command.argument)
    if at is not None:
        session.wire.write(protocol.ok(b"%d %b" % (at + 1, drop.unique_id(at))))


async def retr(session: Session, command: Command) -> None:
    """Send a message whole, lines ending with CRLF ([RFC1939] 5, 11)."""
    at = _position(session, command.argument)
    if at is None:
        return
    drop, reader, write = session.drop, _reader(session), session.wire.write
    if session.options.refuse_international and await _is_refused(session, reader, drop.items[at]):
        return
    if drop.sizes[at] <= WHOLE:
        raw = await reader.whole(drop.items[at])
        if not raw.isascii() and not session.utf8:
            raw = await reader.surrogate(drop.items[at], raw)
        write(session.voice.octets % len(raw))
        write(protocol.stuffed(raw))
        write(protocol.TERMINATOR)
    else:
        await _stream(session, reader, at, None)
    if session.options.remove_retrieved:
        session.retrieved = session.retrieved or set()
        session.retrieved.add(at)


async def top(session: Session, command: Command) -> None:
    """Send the header and some lines ([RFC1939] 7 TOP, [MS-STANOPOP3] 2.2.13), reading no more than that takes."""
    words = command.words()
    lines = message_number(words[1]) if len(words) == 2 else None
    if lines is None:
        session.refuse(Text.BAD_ARGUMENTS)
        return
    at = _position(session, words[0])
    if at is None:
        return
    reader, item = _reader(session), session.drop.items[at]
    if session.options.refuse_international and await _is_refused(session, reader, item):
        return
    cutter = TopCutter(lines)
    if session.drop.sizes[at] <= TOP_PIECE:
        raw = await reader.whole(item)
        if not raw.isascii() and not session.utf8:
            raw = await reader.surrogate(item, raw)
        session.wire.write(protocol.ok())
        session.wire.write(protocol.stuffed(cutter.feed(raw) + cutter.finish()))
        session.wire.write(protocol.TERMINATOR)
    else:
        await _stream(session, reader, at, cutter)


async def _stream(session: Session, reader: MessageReader, at: int, cutter: TopCutter | None) -> None:
    """Send a message, or the top of it, piece by piece, as fast as the client reads. Raises StoreError, CutShort."""
    size = session.drop.sizes[at]
    step = {} if cutter is None else {"piece": TOP_PIECE}
    wire, stuffer = session.wire, Stuffer()
    begun = False
    pieces = reader.pieces(session.drop.items[at], size, utf8=session.utf8, **step)
    try:
        async for piece in pieces:
            if not begun:
                begun = True
                wire.write(session.voice.octets % size if cutter is None else protocol.ok())
            else:
                await wire.settle()
            wire.write(stuffer.feed(piece if cutter is None else cutter.feed(piece)))
            if cutter is not None and cutter.done:
                break
    except Exception as error:
        # Whatever it is: in the middle of a reply there is no place for -ERR ([RFC1939] 3).
        if not begun or isinstance(error, ConnectionError | Disconnected):
            raise
        if not isinstance(error, StoreError):
            log.exception("%s: message %d failed", session.wire.peer, at + 1)
        raise CutShort(f"message {at + 1} cannot be read to its end: {error}") from error
    finally:
        await pieces.aclose()
    if cutter is not None:
        wire.write(stuffer.feed(cutter.finish()))
    wire.write(stuffer.finish())


async def dele(session: Session, command: Command) -> None:
    """Mark a message as deleted ([RFC1939] 5)."""
    at = _position(session, command.argument)
    if at is not None:
        session.drop.mark(at)
        session.wire.write(protocol.ok())


async def rset(session: Session, command: Command) -> None:
    """Unmark all ([RFC1939] 5)."""
    session.drop.unmark_all()
    session.wire.write(protocol.ok(b"%d %d" % session.drop.remaining()))


def _position(session: Session, word: bytes) -> int | None:
    at = session.drop.position(message_number(word.strip()))
    if at is None:
        session.err(_NO_MESSAGE)
    return at


def _reader(session: Session) -> MessageReader:
    if session.reader is None:
        raise NotFound("no mailbox")
    return session.reader


async def _is_refused(session: Session, reader: MessageReader, item: int) -> bool:
    """Refuse an internationalised message to a client that has not said UTF8, where that is wanted ([RFC6856] 5)."""
    if session.utf8 or not await reader.needs_utf8(item):
        return False
    session.err(Reply(Text.NEEDS_UTF8, b"UTF8"))
    return True
