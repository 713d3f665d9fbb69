"""What whoever joins a MIME message with the stream inside it needs ([MS-OXCMAIL] 2.2.3; [MS-OXTNEF] 2.1.3).

    content = read_tnef(data, receipt=receipt)
    if correlates(content, header) is False:
        ...                                    # left over from another message: an attachment like any other
    inner = encapsulated(content)

What a field of the header says outweighs the stream, and recipients are those of the header ([MS-OXTNEF] 2.1.3.5.2);
attRecipTable counts only within messages that have no header of their own, and in delivery reports
([MS-OXTNEF] 2.1.3.5.2.2). conversion.oxcmail.tnefpart does that.
"""

from __future__ import annotations

from conversion.tnef.transmittable import Part, believed
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow


def correlation_key(content: MessageContent) -> str:
    """Give PidTagTnefCorrelationKey as text, nothing where there is none ([MS-OXCMSG] 2.2.1.29)."""
    key = content.properties.get(tags.PidTagTnefCorrelationKey)
    return key.partition(b"\0")[0].decode("latin-1").strip() if isinstance(key, bytes) else ""


def correlates(content: MessageContent, header: str) -> bool | None:
    """Tell whether a stream belongs to the message whose X-MS-TNEF-Correlator field is `header`.

    False: it was left over when a program that knows no TNEF forwarded or answered a message. None: one of the two says
    nothing, as with many gateways between; then a stream is believed to belong to its message.
    """
    key, header = correlation_key(content), header.strip()
    return key == header if key and header else None


def encapsulated(content: MessageContent, part: Part = Part.MESSAGE) -> MessageContent:
    """Leave out of a foreign stream what only the receiver's own store and organisation say, at every depth."""
    return MessageContent(
        believed(content.properties, part),
        tuple([RecipientRow(row.type, believed(row.properties, Part.RECIPIENT)) for row in content.recipients]),
        tuple([_attachment(item) for item in content.attachments]),
    )


def _attachment(item: AttachmentContent) -> AttachmentContent:
    data = encapsulated(item.data, Part.EMBEDDED) if isinstance(item.data, MessageContent) else item.data
    return AttachmentContent(believed(item.properties, Part.ATTACHMENT), data)
