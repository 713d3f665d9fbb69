"""APPEND: a message from the client into a mailbox ([RFC3501] 6.3.11, [RFC4315] 3)."""

from __future__ import annotations

import time

from conversion.oxcmail.reader import read_mime

from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from gateway.imap.errors import Reply, bad, ok
from gateway.imap.flags import parse_flags
from gateway.imap.protocol import writer
from gateway.imap.protocol.types import Append
from gateway.imap.session import Session
from store.mapi.message import MessageContent, MimeRendition

LARGE = 128 * 1024
"""Octets from which a message is converted in a thread, so that other connections go on."""


async def append(session: Session, args: Append) -> Reply:
    """APPEND: the octets are kept as sent; the reply leaves after the commit ([RFC3501] 6.3.11).

    NO [TRYCREATE] where the mailbox is missing, NO [OVERQUOTA] where the message does not fit.
    """
    row = await session.folder(args.mailbox, missing=b"TRYCREATE")
    flags = parse_flags(args.flags)
    if not args.message:
        raise bad(b"A message cannot be empty.")
    received = int(time.time()) if args.date is None else args.date
    if len(args.message) < LARGE:
        rendition, content = _convert(args.message, received)
    else:
        rendition, content = await session.services.runner.run(_convert, args.message, received)
    message = await session.write(
        session.mailbox.deliver,
        row.id,
        content,
        mime=rendition,
        flags=flags.bits,
        keywords=flags.keywords,
        internal_date=received,
    )
    return ok(b"APPEND completed.", writer.code_appenduid(row.uidvalidity, [message.uid]))


def _convert(message: bytes, received: int) -> tuple[MimeRendition, MessageContent]:
    rendition = render(normalise_newlines(message))
    return rendition, read_mime(rendition, received=received, resolve=None)
