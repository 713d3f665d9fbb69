"""URLs that carry authorization: RESETKEY GENURLAUTH URLFETCH ([RFC4467], [RFC5524]).

A token is made of the URL with the secret of the mailbox and the user who gives the URL away (store.accesskeys); who
uses the URL needs no right in the mailbox. There is one mechanism, INTERNAL, which is HMAC-SHA256.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple

from conversion.mime.bodystructure import decoded_structure, part_structure
from conversion.mime.parts import find_part
from gateway.imap.commands import binary, references, sections
from gateway.imap.commands.bodies import PIECE, begun, send_pieces
from gateway.imap.commands.references import Reference
from gateway.imap.errors import Refusal, Reply, bad, ok
from gateway.imap.names import is_visible, path_of
from gateway.imap.place import Place
from gateway.imap.protocol import urls, writer
from gateway.imap.protocol.fetch_types import BinarySection, SectionKind
from gateway.imap.protocol.types import MailboxName
from gateway.imap.protocol.urlauth_types import GenUrlAuth, ResetKey, UrlData, UrlFetch, UrlWanted
from gateway.imap.protocol.urls import Authorization, BadUrl, ImapUrl
from gateway.imap.session import Session
from store.errors import NotFound, StoreError
from store.ids import MailboxRef

INTERNAL = "INTERNAL"
MECHANISMS = b"URLMECH INTERNAL"
"""The response code that lists the mechanisms ([RFC4467] 8)."""
_ALGORITHM = b"01"
"""How a token begins: HMAC-SHA256, so that another way of making them can follow ([RFC4467] 2.4.1)."""
_NO_KEY = bytes(32)


async def reset_key(session: Session, args: ResetKey) -> Reply:
    """RESETKEY: all URLs that the user has given away into a mailbox, or into any, are good no more ([RFC4467] 7)."""
    if any(mechanism != INTERNAL for mechanism in args.mechanisms):
        raise bad(b"There is no such mechanism.")
    if args.mailbox is None:
        await session.write(session.home, session.home.reset_access_keys, None)
    else:
        place = await session.place(args.mailbox)
        await session.write(place.mailbox, place.mailbox.reset_access_keys, place.row.id)
    return ok(b"RESETKEY completed.", MECHANISMS)


async def generate(session: Session, args: GenUrlAuth) -> Reply:
    """GENURLAUTH: rump URLs with their tokens; BAD if one of them cannot have any ([RFC4467] 5, 7)."""
    made = []
    for rump, mechanism in args.rumps:
        if mechanism != INTERNAL:
            raise bad(b"There is no such mechanism.")
        try:
            place, given = await _rump(session, urls.parse(rump))
        except BadUrl:
            raise bad(b"That URL cannot be given away.") from None
        mailbox, folder_id = place.mailbox, place.row.id
        key = await session.read(mailbox.access_key, folder_id)
        if key is None:
            key = await session.write(mailbox, mailbox.make_access_key, folder_id)
        made.append(writer.string(given.rump + b":internal:" + _token(key, given)))
    session.send(b"* GENURLAUTH " + b" ".join(made) + b"\r\n")
    return ok(b"GENURLAUTH completed.")


async def _rump(session: Session, url: ImapUrl) -> tuple[Place, Authorization]:
    """Check a URL that a token is asked for. Raises BadUrl."""
    given = url.authorization
    if given is None or given.token or url.uid is None or url.mailbox is None:
        raise BadUrl("not the rump of a URL to a message")
    if url.host is None or url.user is None or not session.services.settings.is_here(url.host):
        raise BadUrl("no server, or not this one")
    if not await references.is_user(session, url.user):
        raise BadUrl("another user's mailbox")
    if given.name and await session.services.account_of(given.name) is None:
        raise BadUrl("an access identifier of nobody")
    try:
        return await session.place(MailboxName(url.mailbox)), given
    except Refusal as error:
        raise BadUrl("no such mailbox") from error


def _token(key: bytes, given: Authorization) -> bytes:
    return _ALGORITHM + hmac.new(key, given.rump, sha256).hexdigest().encode("ascii")


async def fetch(session: Session, args: UrlFetch) -> Reply:
    """URLFETCH: what the URLs name, with the rights of those who gave them away ([RFC4467] 6, 7).

    NIL for every URL that is not good, whatever the reason: nobody learns from it what there is.
    """
    for wanted in args.urls:
        try:
            values = await _values(session, wanted)
        except (BadUrl, Refusal, StoreError):
            values = [(b" NIL", None)]
        await _send(session, wanted, values)
        await session.wire.drain()
    return ok(b"URLFETCH completed.")


async def _authorized(session: Session, url: ImapUrl) -> Reference:
    """What a URL names, if it is good and meant for the user of this session ([RFC4467] 6). Raises BadUrl, NotFound."""
    given = url.authorization
    if given is None or given.mechanism != INTERNAL or url.user is None or url.mailbox is None or url.host is None:
        raise BadUrl("no authorization")
    if not session.services.settings.is_here(url.host):
        raise BadUrl("another server")
    if given.expire is not None and given.expire <= time.time():
        raise BadUrl("expired")
    await _check_access(session, given)
    mailbox, row = await _place(session, url.user, url.mailbox)
    key = await session.read(mailbox.access_key, row.id)
    good = hmac.compare_digest(_token(key or _NO_KEY, given), given.token.lower())
    if key is None or not good:
        raise BadUrl("a token that was not given")
    if url.uidvalidity is not None and url.uidvalidity != row.uidvalidity:
        raise BadUrl("the mailbox is another one by now")
    return await session.read(references.reference, mailbox, row.id, url)


async def _check_access(session: Session, given: Authorization) -> None:
    """Check that the session is one of those that a URL is meant for ([RFC4467] 2.3). Raises BadUrl."""
    if given.access == "user+":
        if not await references.is_user(session, given.name):
            raise BadUrl("meant for another user")
    elif given.access == "submit+":
        submitters = [
            account
            for name in sorted(session.services.settings.submit_users)
            if (account := await session.services.account_of(name)) is not None
        ]
        assert session.logon is not None
        if session.logon.owner.id not in {account.id for account in submitters}:
            raise BadUrl("meant for message submission")
        if await session.services.account_of(given.name) is None:
            raise BadUrl("on behalf of nobody")


async def _place(session: Session, user: str, name: str) -> Place:
    """A folder as the user of a URL reaches it. Raises BadUrl, NotFound, Refusal."""
    if await references.is_user(session, user):
        return await session.place(MailboxName(name))
    account = await session.services.account_of(user)
    if account is None or account.mailbox_id is None or not account.enabled:
        raise BadUrl("no such user")
    mailbox = await session.read(
        session.services.store.open, MailboxRef(account.mailbox_id, account.guid, account.shard)
    )
    row = await session.read(mailbox.folder, path_of(name))
    if not row.selectable or not (session.services.settings.show_all_folders or is_visible(row)):
        raise NotFound("not a mailbox")
    return Place(mailbox, row)


# --- the reply ([RFC4467] 8, [RFC5524] 3.2)


class _Long(NamedTuple):
    """A value that is sent as it is read: what announces it, and its octets."""

    head: bytes
    pieces: Iterator[bytes]
    size: int


_Value = bytes | _Long


async def _values(session: Session, wanted: UrlWanted) -> list[tuple[bytes, _Value | None]]:
    """The reply for a URL: text, and what follows it. All is made here that may fail, but for reading what is long.

    Raises BadUrl, Refusal, StoreError.
    """
    found = await _authorized(session, urls.parse(wanted.url))
    if not wanted.data:
        return [(b" ", await _body(session, found, wanted))]
    values: list[tuple[bytes, _Value | None]] = []
    for data in sorted(wanted.data, key=list(_ORDER).index):
        values += ((b" (%b " % data.value, await _ORDER[data](session, found, wanted)), (b")", None))
    return values


async def _send(session: Session, wanted: UrlWanted, values: Sequence[tuple[bytes, _Value | None]]) -> None:
    with begun(session):
        session.send(b"* URLFETCH " + writer.string(wanted.url))
        for text, value in values:
            session.send(text)
            if isinstance(value, _Long):
                session.send(value.head)
                await send_pieces(session, value.pieces, value.size)
            elif value is not None:
                session.send(value)
        session.send(b"\r\n")


async def _body_part_structure(session: Session, found: Reference, wanted: UrlWanted) -> _Value:
    return await session.services.runner.run(_structure, found, UrlData.BINARY in wanted.data)


def _structure(found: Reference, decoded: bool) -> bytes:
    """BODYPARTSTRUCTURE of a part; NIL where the URL names less than one ([RFC5524] 3.2).

    Beside BINARY it describes what that gives, unless the encoding is not known.
    """
    mailbox, item_id = found.mailbox, found.item_id
    if found.section.kind is not SectionKind.WHOLE:
        return b"NIL"
    raw = mailbox.raw(item_id)
    structure = sections.table_of(mailbox.parts(item_id), raw)
    assert structure is not None
    part = find_part(structure, found.section.numbers)
    if part is None:
        return b"NIL"
    encoding = binary.encoding_of(part)
    if decoded and found.section.numbers and encoding:
        described = binary.described(mailbox, item_id, part.body_start, part.body_end, encoding)
        if described is not None:
            return decoded_structure(raw[part.header_start : part.body_start], *described)
    return part_structure(raw, structure, part)


async def _body(session: Session, found: Reference, wanted: UrlWanted) -> _Value:
    start, end = found.cut(found.start, found.end)
    if sections.picks_fields(found.section) or end - start <= PIECE:
        return sections.literal(await session.read(found.octets))
    return _Long(b"{%d}\r\n" % (end - start), found.pieces(), end - start)


async def _binary(session: Session, found: Reference, wanted: UrlWanted) -> _Value:
    if found.section.kind is not SectionKind.WHOLE:
        return await _body(session, found, wanted)
    value = await session.services.runner.run(_measure, found)
    return value if isinstance(value, bytes) else _Long(value.head(), value.pieces(found.mailbox), value.size)


def _measure(found: Reference) -> bytes | binary.LongPart:
    structure = sections.table_of(found.mailbox.parts(found.item_id), None)
    if structure is None:
        structure = sections.table_of(b"", found.mailbox.raw(found.item_id))
    assert structure is not None
    partial = None
    if found.partial is not None:
        first, most = found.partial
        partial = first, 1 << 62 if most is None else most
    item = BinarySection(found.section.numbers, True, partial, b"")
    return binary.measure(found.mailbox, found.item_id, item, structure)


_ORDER = {
    UrlData.BODYPARTSTRUCTURE: _body_part_structure,
    UrlData.BODY: _body,
    UrlData.BINARY: _binary,
}
"""What comes first in the reply, whatever the order in which it was asked for."""
