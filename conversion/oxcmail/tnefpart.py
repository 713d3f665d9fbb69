"""TNEF inside MIME: the stream beside a text, or in place of all else, joined with the message.

[MS-OXCMAIL] 2.2.3.8, 2.2.3.4.1.2, 2.1.3.2.26.

Legacy TNEF is a text with application/ms-tnef beside it; summary TNEF is application/ms-tnef alone. What the header
says is right, what it does not say is in the stream. Attachments are those of the stream, and what else stands there.
"""

from __future__ import annotations

from conversion.errors import ConversionError
from conversion.mime.charset import decode_unlabelled
from conversion.mime.headers import unfold
from conversion.mime.parts import Part
from conversion.oxcmail.addressing import RECEIVED_BY, RECEIVED_REPRESENTING
from conversion.oxcmail.body import Attached, Layout
from conversion.oxcmail.parts import Source
from conversion.receipt import Receipt
from conversion.tnef.merging import correlates, encapsulated
from conversion.tnef.reader import read_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, Value

_RTF, _HTML = 2, 3  # PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2)
_CORRELATOR = b"x-ms-tnef-correlator"
# What a header means that says nothing: then the stream is right.
_USUAL: dict[PropertyKey, Value] = {tags.PidTagImportance: 1, tags.PidTagPriority: 0, tags.PidTagSensitivity: 0}
# What only the receiver's side can say.
_OF_THE_RECEIVER: frozenset[PropertyKey] = frozenset(
    (
        *RECEIVED_BY,
        *RECEIVED_REPRESENTING,
        tags.PidTagMessageToMe,
        tags.PidTagMessageCcMe,
        tags.PidTagMessageRecipientMe,
    )
)
_CONVERSATION: tuple[PropertyKey, ...] = (
    tags.PidTagConversationIndex,
    tags.PidTagConversationTopic,
    tags.PidTagConversationId,
    tags.PidTagConversationIndexTracking,
)
_BODIES: tuple[PropertyKey, ...] = (
    tags.PidTagBody,
    tags.PidTagHtml,
    tags.PidTagRtfCompressed,
    tags.PidTagRtfInSync,
    tags.PidTagNativeBody,
    tags.PidTagInternetCodepage,
)


def take_tnef(
    source: Source, root: Part, layout: Layout, item: Attached, receipt: Receipt, *, trusted: bool
) -> MessageContent | None:
    """Read the stream in an attached part, and take that out of the layout.

    Named properties that nobody but the sender knows count only from a `trusted` one: each name would spend one of the
    mailbox's, which has few. None where it is no stream, or is left over from another message ([MS-OXCMAIL]
    2.1.3.2.26): then it stays a file.
    """
    try:
        found = read_tnef(source.decoded(item.part), receipt=receipt)
    except ConversionError:
        return None
    lines = source.structure.header(source.raw, root)
    header = next((value for _, name, value in lines if name.lower() == _CORRELATOR), b"")
    if correlates(found, decode_unlabelled(unfold(header))) is False:
        receipt.dropped("application/ms-tnef", "it belongs to another message, and stays a file")
        return None
    layout.attached.remove(item)
    found = encapsulated(found)
    return found if trusted else _with_known_names(found, receipt)


def _with_known_names(content: MessageContent, receipt: Receipt) -> MessageContent:
    """Leave out the named properties that are not of the specification ([MS-OXPROPS] 2), at every depth."""
    return MessageContent(
        _known(content.properties, receipt),
        tuple([RecipientRow(row.type, _known(row.properties, receipt)) for row in content.recipients]),
        tuple(
            [
                AttachmentContent(
                    _known(item.properties, receipt),
                    _with_known_names(item.data, receipt) if isinstance(item.data, MessageContent) else item.data,
                )
                for item in content.attachments
            ]
        ),
    )


def _known(properties: PropertyBag, receipt: Receipt) -> PropertyBag:
    kept: dict[PropertyKey, Value] = {}
    for key, value in properties.items():
        if isinstance(key, PropertyName) and (key.set, _folded(key)) not in _NAMES:
            receipt.dropped("application/ms-tnef", "a named property that only its sender knows")
        else:
            kept[key] = value
    return kept


def _folded(name: PropertyName) -> int | str:
    return name.key.lower() if isinstance(name.key, str) else name.key


_NAMES = frozenset((name.set, _folded(name)) for name in tags.WELL_KNOWN_NAMES)


def joined(mail: MessageContent, stream: MessageContent, *, threaded: bool) -> MessageContent:
    """Join what the header and the other parts say with the stream ([MS-OXTNEF] 2.1.3.5.2, 2.1.3.5.2.2).

    `threaded`: the header has a Thread-Index. The recipients that a report is about are those of the stream.
    """
    said = stream.properties.items()
    properties: dict[PropertyKey, Value] = {key: value for key, value in said if key not in _OF_THE_RECEIVER}
    for key, value in mail.properties.items():
        if key in _BODIES or (key in properties and _says_nothing(key, value, threaded)):
            continue
        properties[key] = value
    name = stream.properties.get(tags.PidTagMessageClass)
    if isinstance(name, str) and name:
        properties[tags.PidTagMessageClass] = name
    properties.update(_body(mail.properties, stream.properties))
    is_report = isinstance(name, str) and name[:7].upper() == "REPORT."
    recipients = stream.recipients if is_report and stream.recipients else mail.recipients
    return MessageContent(properties, recipients, (*stream.attachments, *mail.attachments))


def _says_nothing(key: PropertyKey, value: Value, threaded: bool) -> bool:
    if key in _CONVERSATION:
        return not threaded
    return value == "" or (key in _USUAL and value == _USUAL[key])


def _body(mail: PropertyBag, stream: PropertyBag) -> dict[PropertyKey, Value]:
    """Choose the bodies: formatted ones are the stream's, the text is that of the part beside it."""
    formatted = tags.PidTagRtfCompressed in stream or tags.PidTagHtml in stream
    found: dict[PropertyKey, Value] = {key: mail[key] for key in _BODIES if key in mail}
    if not formatted and (mail.get(tags.PidTagBody) or tags.PidTagHtml in mail):
        return found
    text = found.get(tags.PidTagBody) or stream.get(tags.PidTagBody)
    found = {key: stream[key] for key in _BODIES if key in stream}
    if text is not None:
        found[tags.PidTagBody] = text
    if tags.PidTagInternetCodepage in mail:
        found.setdefault(tags.PidTagInternetCodepage, mail[tags.PidTagInternetCodepage])
    if formatted:
        native = _RTF if tags.PidTagRtfCompressed in stream else _HTML
        if found.get(tags.PidTagNativeBody) not in (_RTF, _HTML):
            found[tags.PidTagNativeBody] = native
    elif tags.PidTagNativeBody in mail:
        found.setdefault(tags.PidTagNativeBody, mail[tags.PidTagNativeBody])
    return found
