"""What the tests of the MIME writer share: small Message objects, and messages read back by the standard library."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any, cast

from conversion.mime.rendition import render
from conversion.oxcmail.hooks import HOOKS, Hooks
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import Audience, write_mime
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyKey, Value, filetime_from_unix

SENT = filetime_from_unix(1_795_299_245)
DATE = "Sat, 21 Nov 2026 22:14:05 +0000"
TOKEN = "0123456789abcdef"

ANN: dict[PropertyKey, Value] = {
    tags.PidTagSentRepresentingName: "Ann",
    tags.PidTagSentRepresentingAddressType: "SMTP",
    tags.PidTagSentRepresentingEmailAddress: "ann@example.net",
    tags.PidTagSentRepresentingSmtpAddress: "ann@example.net",
}


def note(
    properties: PropertyBag | None = None,
    recipients: tuple[RecipientRow, ...] = (),
    attachments: tuple[AttachmentContent, ...] = (),
) -> MessageContent:
    """A message from Ann with these properties too."""
    return MessageContent(
        {
            tags.PidTagMessageClass: "IPM.Note",
            **ANN,
            tags.PidTagSubject: "Hello",
            tags.PidTagClientSubmitTime: SENT,
            tags.PidTagInternetMessageId: "<1@example.net>",
            tags.PidTagBody: "Text\r\n",
            **(properties or {}),
        },
        recipients,
        attachments,
    )


def recipient(address: str, kind: int = RecipientType.TO, name: str = "") -> RecipientRow:
    """A recipient with an SMTP address."""
    bag: dict[PropertyKey, Value] = {
        tags.PidTagRecipientType: kind,
        tags.PidTagDisplayName: name or address,
        tags.PidTagAddressType: "SMTP",
        tags.PidTagEmailAddress: address,
        tags.PidTagSmtpAddress: address,
    }
    return RecipientRow(RecipientType(kind & 3), bag)


def file(name: str, data: bytes, properties: PropertyBag | None = None) -> AttachmentContent:
    """An attached file."""
    bag = {tags.PidTagAttachMethod: 1, tags.PidTagAttachLongFilename: name, **(properties or {})}
    return AttachmentContent(bag, data)


def picture(identifier: str, name: str = "p.png", data: bytes = b"\x89PNG") -> AttachmentContent:
    """A picture that says of itself that it is shown in the body."""
    bag = {
        tags.PidTagAttachMimeTag: "image/png",
        tags.PidTagAttachContentId: identifier,
        tags.PidTagAttachFlags: 4,
        tags.PidTagAttachmentHidden: True,
    }
    return file(name, data, bag)


def written(
    content: MessageContent,
    receipt: Receipt | None = None,
    *,
    audience: Audience = Audience.TRANSPORT,
    hooks: Hooks = HOOKS,
    **wishes: Any,
) -> bytes:
    """Write a message with the random parts fixed."""
    wishes = {"now": 0, "token": TOKEN, **wishes}
    return b"".join(write_mime(content, receipt=receipt, audience=audience, hooks=hooks, **wishes))


def parsed(raw: bytes) -> EmailMessage:
    """Read a message by the standard library, which finds nothing to object to."""
    message = cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
    for part in message.walk():
        assert not part.defects, part.defects
    return message


def shape(raw: bytes) -> str:
    """The structure of a message as the standard library sees it: `mixed(text/plain, image/png)`."""
    return _shape(parsed(raw))


def _shape(part: EmailMessage) -> str:
    if part.get_content_maintype() == "multipart":
        return f"{part.get_content_subtype()}({', '.join(_shape(cast(EmailMessage, p)) for p in part.iter_parts())})"
    if part.get_content_type() == "message/rfc822":
        inner = cast(list[EmailMessage], part.get_payload())
        return f"message({_shape(inner[0])})"
    return part.get_content_type()


def headers(raw: bytes) -> list[str]:
    """The lines of the outer header, folds joined."""
    head = raw.partition(b"\r\n\r\n")[0].decode("utf-8").replace("\r\n ", " ")
    return head.split("\r\n")


def reread(raw: bytes, **wishes: Any) -> MessageContent:
    """Read a message by our own reader."""
    return read_mime(render(raw), **wishes)


def notes(receipt: Receipt) -> list[str]:
    """The notes as text."""
    return [str(one) for one in receipt]
