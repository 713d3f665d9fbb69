"""Which properties travel: what a stream carries, and what is believed of one that came from elsewhere.

Properties whose identifiers lie in certain ranges belong to the store that holds the object, not to the object
([MS-OXPROPS] 1.3.3): sizes and numbers, access, EntryIDs of the sender's own mailbox. TNEF leaves them out, and what a
foreign stream says of them would let a sender forge what the receiver's store says of itself. A few of these ranges are
part of what a message says all the same; they stand here by name.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyTag, Value


class Part(Enum):
    """What a list of properties belongs to."""

    MESSAGE = "message"
    """The message that a transport carries, whose header says who gets it."""
    EMBEDDED = "embedded"
    """A message within a message, which has no header of its own."""
    RECIPIENT = "recipient"
    ATTACHMENT = "attachment"


# First and last identifier of the ranges that do not travel ([MS-OXPROPS] 1.3.3).
_STAYS: Final = (
    (0x0E00, 0x0FFF),  # what the store computes
    (0x3400, 0x35FF),  # what the store says of itself
    (0x6000, 0x67FF),  # what a client or a provider keeps for itself
    (0x7C00, 0x7FFF),  # what a class keeps for itself
)
_MESSAGE: Final = frozenset(
    (
        tags.PidTagDisplayTo,
        tags.PidTagDisplayCc,
        tags.PidTagMessageDeliveryTime,
        tags.PidTagNormalizedSubject,
        tags.PidTagRtfInSync,
    )
)
_TRAVELS: Final[dict[Part, frozenset[PropertyTag]]] = {
    Part.MESSAGE: _MESSAGE,
    Part.EMBEDDED: _MESSAGE | {tags.PidTagMessageFlags},
    Part.RECIPIENT: frozenset(
        (tags.PidTagResponsibility, tags.PidTagRecordKey, tags.PidTagObjectType, tags.PidTagEntryId)
    ),
    Part.ATTACHMENT: frozenset(
        (
            tags.PidTagAttachmentLinkId,
            tags.PidTagExceptionStartTime,
            tags.PidTagExceptionEndTime,
            tags.PidTagAttachmentFlags,
            tags.PidTagAttachmentHidden,
            tags.PidTagAttachmentContactPhoto,
        )
    ),
}
_DATA: Final = frozenset((tags.PidTagAttachDataBinary, tags.PidTagAttachDataObject))
"""The data of an attachment, which stands elsewhere in AttachmentContent as in TNEF."""

_SAID_BY_THE_RECEIVER: Final[frozenset[PropertyKey]] = frozenset(
    (
        tags.PidTagContentFilterSpamConfidenceLevel,
        tags.PidTagContentFilterPhishingConfidenceLevel,
        tags.PidNamePhishingStamp,
        tags.PidTagSenderIdStatus,
        tags.PidTagPurportedSenderDomain,
        tags.PidTagTransportMessageHeaders,
    )
)
"""What the receiver finds out about a message; its sender has no say in it ([MS-OXCSPAM] 2.2.1, [MS-OXPHISH] 2.2.1)."""
_RESERVED_HEADERS: Final = ("x-ms-exchange-organization-", "x-ms-exchange-forest-", "x-ms-exchange-crosstenant-")


def travels(key: PropertyKey, part: Part) -> bool:
    """Whether a property is carried by a stream."""
    if isinstance(key, PropertyName):
        return not is_reserved_header(key)
    if key in _DATA:
        return False
    return key in _TRAVELS[part] or not any(first <= key.id <= last for first, last in _STAYS)


def is_reserved_header(name: PropertyName) -> bool:
    """Whether a named property is a header field that only the own organisation writes ([MS-OXCMAIL] 2.2.3.2.28)."""
    return (
        name.set == tags.PS_INTERNET_HEADERS
        and isinstance(name.key, str)
        and name.key.lower().startswith(_RESERVED_HEADERS)
    )


def carried(properties: PropertyBag, part: Part) -> dict[PropertyKey, Value]:
    """Give the properties that a stream carries."""
    return {key: value for key, value in properties.items() if travels(key, part)}


def believed(properties: PropertyBag, part: Part) -> dict[PropertyKey, Value]:
    """Give the properties of a foreign stream that its reader takes over: what travels, without the receiver's own.

    Header fields are the header's to say, Authentication-Results and the like above all. What a message within a
    message says of its own way here is of no consequence, and is kept.
    """
    found = carried(properties, part)
    if part is not Part.MESSAGE:
        return found
    return {key: value for key, value in found.items() if key not in _SAID_BY_THE_RECEIVER and not _is_header(key)}


def _is_header(key: PropertyKey) -> bool:
    return isinstance(key, PropertyName) and key.set == tags.PS_INTERNET_HEADERS
