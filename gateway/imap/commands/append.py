"""APPEND: a message from the client into a mailbox ([RFC3501] 6.3.11, [RFC4315] 3)."""

from __future__ import annotations

import time

from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from gateway.imap.errors import Reply, bad, ok
from gateway.imap.flags import parse_flags
from gateway.imap.protocol import writer
from gateway.imap.protocol.message_types import Append
from gateway.imap.session import Session
from store.mapi.message import MimeRendition

LARGE = 128 * 1024
"""Octets from which a message is converted in a thread, so that other connections go on."""


async def append(session: Session, args: Append) -> Reply:
    """APPEND: the octets are kept as sent; the reply leaves after the commit ([RFC3501] 6.3.11).

    NO [TRYCREATE] where the mailbox is missing, NO [OVERQUOTA] where the message does not fit.
    """
    place = await session.place(args.mailbox, missing=b"TRYCREATE")
    mailbox, row = place
    flags = parse_flags(args.flags)
    if not args.message:
        raise bad(b"A message cannot be empty.")
    received = int(time.time()) if args.date is None else args.date
    if len(args.message) < LARGE:
        rendition = _convert(args.message)
    else:
        rendition = await session.services.runner.run(_convert, args.message)
    selected = session.selected
    claims = selected is not None and selected.is_at(place) and not selected.read_only and selected.shows_recent

    def put() -> tuple[int, int]:
        """Give the UID, and that from which messages are recent for this session."""
        uid = mailbox.deliver(
            row.id,
            None,
            mime=rendition,
            flags=flags.bits,
            keywords=flags.keywords,
            internal_date=received,
        ).uid
        # In the selected folder the message is going to be \\Recent: to claim that here saves a second commit.
        return uid, mailbox.claim_recent(row.id) if claims else uid

    uid, first = await session.write(mailbox, put)
    if claims and selected is not None:
        selected.add_recent(first, uid + 1)
    return ok(b"APPEND completed.", writer.code_appenduid(row.uidvalidity, [uid]))


def _convert(message: bytes) -> MimeRendition:
    return render(normalise_newlines(message))
