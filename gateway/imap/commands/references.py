"""What an IMAP URL names, for CATENATE and URLFETCH: octets of messages on this server ([RFC5092] 6, 7, [RFC4469] 3).

Only the user's own view of this server is looked at: the names lead where the session's own names lead, and nothing is
fetched from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.imap.commands import sections
from gateway.imap.commands.bodies import PIECE
from gateway.imap.errors import Refusal, no
from gateway.imap.place import Place
from gateway.imap.protocol import urls
from gateway.imap.protocol.fetch_types import Section
from gateway.imap.protocol.framing import MESSAGES_TOGETHER
from gateway.imap.protocol.types import MailboxName
from gateway.imap.protocol.urls import BadUrl, ImapUrl
from gateway.imap.session import Session
from store.errors import NotFound
from store.mailbox import Mailbox

_NOT_IN_CODE = re.compile(rb"[^\x21-\x5a\x5c\x5e-\x7e]")
_WHOLE = Section()


class Room:
    """How many octets the messages of one command may still have."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._together = MESSAGES_TOGETHER * most
        self._left = most

    def begin(self) -> None:
        """Begin another message."""
        self._left = self._most

    def take(self, octets: int) -> None:
        """Take some for this message. Raises Refusal NO [TOOBIG] ([RFC4469] 4.2)."""
        self.check(octets)
        self._left -= octets
        self._together -= octets

    def check(self, octets: int) -> None:
        """Raise Refusal NO [TOOBIG] where there is not that much."""
        if octets > min(self._left, self._together):
            raise no(b"The message is longer than this server takes.", b"TOOBIG")


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the octets stand that a URL names."""

    mailbox: Mailbox
    item_id: int
    section: Section
    start: int
    end: int
    """Of the section, before PARTIAL."""
    partial: tuple[int, int | None] | None
    """First octet and how many, None: to the end."""

    def octets(self) -> bytes:
        """Read them. Raises NotFound, Unavailable."""
        start, end = self.start, self.end
        if sections.picks_fields(self.section):
            data = sections.pick(self.section, self.mailbox.raw(self.item_id, start, end - start))
            first, last = self.cut(0, len(data))
            return data[first:last]
        start, end = self.cut(start, end)
        return self.mailbox.raw(self.item_id, start, end - start) if end > start else b""

    def pieces(self) -> Iterator[bytes]:
        """Read them piece by piece, fit for a literal, where they are one piece of the message."""
        start, end = self.cut(self.start, self.end)
        while start < end:
            piece = self.mailbox.raw(self.item_id, start, min(PIECE, end - start))
            if not piece:
                return
            start += len(piece)
            yield sections.without_nul(piece)

    def cut(self, start: int, end: int) -> tuple[int, int]:
        """Narrow a span to PARTIAL; beyond the end it is empty ([RFC5092] 6)."""
        if self.partial is None:
            return start, end
        first, most = self.partial
        return sections.cut(start, end, (first, end - start if most is None else most))


async def text(session: Session, url: bytes, room: Room) -> bytes:
    """The octets that a URL of CATENATE names. Raises Refusal NO [BADURL url], [TOOBIG] ([RFC4469] 4)."""
    try:
        found = await own(session, urls.parse(url))
        start, end = found.cut(found.start, found.end)
        if not sections.picks_fields(found.section):
            room.check(end - start)
        return await session.read(found.octets)
    except (BadUrl, NotFound):
        raise no(b"That URL names no text that is here.", b"BADURL " + in_code(url)) from None


def in_code(url: bytes) -> bytes:
    """The URL as it may stand in a response code: the octets percent-encoded that may not ([RFC4469] 5)."""
    return _NOT_IN_CODE.sub(lambda match: b"%%%02X" % match[0][0], url)


async def own(session: Session, url: ImapUrl) -> Reference:
    """What a URL names for the user of this session. Raises BadUrl, NotFound."""
    if url.host is not None:
        if not session.services.settings.is_here(url.host):
            raise BadUrl("another server")
        if url.user is not None and not await is_user(session, url.user):
            raise BadUrl("another user")
    if url.mailbox is None:
        selected = session.selected
        if selected is None or url.host is not None:
            raise BadUrl("no mailbox")
        mailbox, folder_id, uidvalidity = selected.mailbox, selected.folder_id, selected.uidvalidity
    else:
        try:
            place: Place = await session.place(MailboxName(url.mailbox))
        except Refusal as error:
            raise BadUrl("no such mailbox") from error
        mailbox, folder_id, uidvalidity = place.mailbox, place.row.id, place.row.uidvalidity
    if url.uidvalidity is not None and url.uidvalidity != uidvalidity:
        raise BadUrl("the mailbox is another one by now")
    return await session.read(reference, mailbox, folder_id, url)


async def is_user(session: Session, name: str) -> bool:
    """Whether a name in a URL means whose mailbox the session has opened: its authorization identity."""
    account = await session.services.account_of(name)
    return account is not None and session.logon is not None and account.id == session.logon.owner.id


def reference(mailbox: Mailbox, folder_id: int, url: ImapUrl) -> Reference:
    """What a URL names in a folder. Raises BadUrl, NotFound."""
    if url.uid is None:
        raise BadUrl("no message")
    rows = mailbox.rows(folder_id, [url.uid])
    if not rows:
        raise BadUrl("no such message")
    item_id = rows[0].item_id
    section = url.section or _WHOLE
    structure = sections.table_of(mailbox.parts(item_id), None)
    if structure is None:
        structure = sections.table_of(b"", mailbox.raw(item_id))
    where = sections.span(section, b"", structure)
    if where is None:
        raise BadUrl("no such part")
    return Reference(mailbox, item_id, section, *where, url.partial)
