"""Messages for tests of the store, which looks into none of their octets."""

from __future__ import annotations

from store.changes import MessageRow
from store.mailbox import Mailbox
from store.mapi import tags
from store.mapi.message import MessageContent, MimeRendition, RecipientRow, RecipientType


def content(subject: str = "hello") -> MessageContent:
    """A message's properties and one recipient."""
    return MessageContent(
        {
            tags.PidTagMessageClass: "IPM.Note",
            tags.PidTagSubject: subject,
            tags.PidTagNormalizedSubject: subject,
            tags.PidTagInternetMessageId: f"<{subject}@example.test>",
        },
        (RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: "Bob"}),),
    )


def rendition(subject: str = "hello", *, size: int = 0) -> MimeRendition:
    """A message of at least `size` octets as MIME; its parts are told apart by its subject."""
    header = f"Subject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n\r\n".encode()
    raw = header + b"x" * max(1, size - len(header))
    return MimeRendition(
        raw,
        len(header),
        f"(envelope {subject})".encode(),
        f"(structure {subject})".encode(),
        f"parts {subject}".encode(),
        f"Subject: {subject}\r\n".encode(),
    )


def deliver(
    mailbox: Mailbox,
    folder: int,
    subject: str = "hello",
    *,
    size: int = 0,
    flags: int = 0,
    keywords: tuple[str, ...] = (),
    internal_date: int | None = None,
) -> MessageRow:
    """Deliver a message made up for the purpose."""
    return mailbox.deliver(
        folder,
        content(subject),
        mime=rendition(subject, size=size),
        flags=flags,
        keywords=keywords,
        internal_date=internal_date,
    )


def fill(mailbox: Mailbox, folder: int, count: int, **options: int) -> list[int]:
    """Deliver several messages; return their UIDs."""
    return [deliver(mailbox, folder, f"m{number}", **options).uid for number in range(count)]  # type: ignore[arg-type]
