"""The store's reader: delivered MIME into a Message object, when somebody first asks for it (docs/decisions/0013).

It tells the conversion what the message does not: which addresses are in the directory, which domains are the own ones,
whose mailbox it is in. All that is asked for only where the message needs it, and the receipt is kept with the message.
"""

from __future__ import annotations

import logging

from conversion.oxcmail.reader import CalendarSettings, Resolved, read_mime
from conversion.receipt import Receipt
from directory.errors import DirectoryUnavailable
from directory.model import PrincipalKind
from directory.provider import DirectoryProvider
from gateway.services.receipts import with_notes
from store.ids import MailboxRef
from store.mapi import tags
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.types import PropertyKey, Value, filetime_from_unix

log = logging.getLogger("oxgate.reading")

_LATELY = 60.0
"""Seconds for which an entry of the directory may still be taken as it was."""


class MailReader:
    """Reads the messages of all mailboxes; what it asks of them is a `store.reading.MimeReader`'s.

    Without a directory all addresses are strangers'. `zone` is the time zone of calendars that do not say theirs.
    """

    def __init__(self, provider: DirectoryProvider | None = None, *, zone: str = "") -> None:
        self._provider = provider
        self._zone = zone or None

    def __call__(self, mime: MimeRendition, received: int | None, mailbox: MailboxRef) -> MessageContent:
        """Read a message that came to a mailbox at `received` (Unix seconds). Raises MemoryError alone.

        A message on which the conversion fails, which is a fault in it, is a note without content: what it is cannot
        be known, and others must not wait for it.
        """
        receipt = Receipt()
        known = _Known(self._provider, mailbox, self._zone, receipt)
        try:
            content = read_mime(
                mime,
                received=received,
                resolve=None if self._provider is None else known.resolve,
                domains=known.domains(),
                calendars=known.owner,
                receipt=receipt,
            )
        except MemoryError:
            raise
        except Exception as error:
            log.exception("a message of %d octets in mailbox %d was not read", len(mime.raw), mailbox.id)
            receipt.dropped("message", f"everything but its MIME: reading failed ({type(error).__name__})")
            content = _unread(received)
        return with_notes(content, receipt)


def _unread(received: int | None) -> MessageContent:
    found: dict[PropertyKey, Value] = {tags.PidTagMessageClass: "IPM.Note"}
    if received is not None:
        found[tags.PidTagMessageDeliveryTime] = filetime_from_unix(received)
    return MessageContent(found)


class _Known:
    """What the directory knows that one message needs; once it cannot be asked, it is not asked again."""

    def __init__(
        self, provider: DirectoryProvider | None, mailbox: MailboxRef, zone: str | None, receipt: Receipt
    ) -> None:
        self._provider = provider
        self._mailbox = mailbox
        self._zone = zone
        self._receipt = receipt

    def resolve(self, address: str) -> Resolved | None:
        """Look an address up ([MS-OXCMAIL] 2.2.3.1.1)."""
        if self._provider is None:
            return None
        try:
            found = self._provider.by_address(address, within=_LATELY)
        except DirectoryUnavailable as error:
            self._give_up(error)
            return None
        if found is None:
            return None
        return Resolved(found.display_name, found.legacy_dn, found.kind is PrincipalKind.GROUP)

    def domains(self) -> frozenset[str]:
        """Give the own domains, whose encapsulated addresses are opened ([MS-OXCMAIL] 2.2.3.1.2)."""
        if self._provider is None:
            return frozenset()
        try:
            return self._provider.domains()
        except DirectoryUnavailable as error:
            self._give_up(error)
            return frozenset()

    def owner(self) -> CalendarSettings:
        """Give the addresses of the one whose mailbox it is, and the time zone."""
        addresses: tuple[str, ...] = ()
        if self._provider is not None:
            try:
                found = self._provider.by_mailbox(self._mailbox.id)
            except DirectoryUnavailable as error:
                self._give_up(error)
            else:
                addresses = found.addresses if found is not None else ()
        return CalendarSettings(addresses, self._zone)

    def _give_up(self, error: DirectoryUnavailable) -> None:
        log.warning("the directory cannot be asked: %s", error)
        self._receipt.guessed("addresses", "the directory could not be asked: all are taken for strangers'")
        self._provider = None
