"""What the MIME writer has no place for, told to the receipt.

A Message object has hundreds of properties that are nobody's loss: identifiers of the store, sizes, times of the last
look, what is computed from other properties. Everything else that is not written is noted, by its name.
"""

from __future__ import annotations

from conversion.oxcmail.addressing import (
    READ_RECEIPT,
    RECEIVED_BY,
    RECEIVED_REPRESENTING,
    RECIPIENT,
    SENDER,
    SENT_REPRESENTING,
)
from conversion.oxcmail.headers import TABLE
from conversion.oxcmail.writejob import Job, property_name, text_of
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyKey, PropertyName

_GROUPS = (SENDER, SENT_REPRESENTING, READ_RECEIPT, RECEIVED_BY, RECEIVED_REPRESENTING, RECIPIENT)
# Written by functions of their own, or looked at by them, or made again by whoever reads the message.
_MESSAGE: frozenset[PropertyKey] = frozenset(
    (
        *(rule.property for rule in TABLE),
        *(tag for group in _GROUPS for tag in group),
        tags.PidTagMessageClass, tags.PidTagSubject, tags.PidTagSubjectPrefix, tags.PidTagNormalizedSubject,
        tags.PidTagConversationTopic, tags.PidTagConversationIndex, tags.PidTagConversationId,
        tags.PidTagConversationIndexTracking, tags.PidTagImportance, tags.PidTagPriority, tags.PidTagReplyTime,
        tags.PidTagReplyRecipientEntries, tags.PidTagReplyRecipientNames, tags.PidNameKeywords,
        tags.PidLidFlagRequest, tags.PidTagFlagStatus, tags.PidTagToDoItemFlags, tags.PidLidTaskStatus,
        tags.PidLidTaskComplete, tags.PidLidSmartNoAttach, tags.PidLidPrivate,
        tags.PidTagReadReceiptRequested, tags.PidTagNonReceiptNotificationRequested,
        tags.PidTagOriginatorDeliveryReportRequested, tags.PidTagTransportMessageHeaders,
        tags.PidTagBody, tags.PidTagHtml, tags.PidTagBodyHtml, tags.PidTagRtfCompressed, tags.PidTagRtfInSync,
        tags.PidTagNativeBody, tags.PidTagInternetCodepage, tags.PidTagMessageCodepage,
        tags.PidTagInternetMailOverrideFormat, tags.PidTagMessageEditorFormat, tags.PidTagSendInternetEncoding,
        tags.PidTagSendRichInfo, tags.PidTagTnefCorrelationKey, tags.PidTagClientSubmitTime,
        tags.PidTagMessageDeliveryTime, tags.PidTagProviderSubmitTime, tags.PidTagMimeSkeleton,
        tags.PidTagIconIndex, tags.PidTagLocaleId, tags.PidTagCodePageId, tags.PidTagSearchKey,
        tags.PidTagCreationTime, tags.PidTagLastModificationTime, tags.PidTagStoreSupportMask,
        tags.PidTagCreatorName, tags.PidTagCreatorEntryId, tags.PidTagLastModifierName,
        tags.PidTagLastModifierEntryId, tags.PidTagMessageSubmissionId, tags.PidTagAlternateRecipientAllowed,
        tags.PidTagDeleteAfterSubmit, tags.PidTagDisplayTo, tags.PidTagDisplayCc, tags.PidTagDisplayBcc,
        tags.PidTagMessageToMe, tags.PidTagMessageCcMe, tags.PidTagMessageRecipientMe,
        tags.PidTagRowid, tags.PidTagOriginatorNonDeliveryReportRequested, tags.PidLidInfoPathFormName,
    )
)  # fmt: skip
_RECIPIENT: frozenset[PropertyKey] = frozenset(
    (
        *RECIPIENT, tags.PidTagRecipientType, tags.PidTagResponsibility, tags.PidTagRecordKey, tags.PidTagObjectType,
        tags.PidTagDisplayType, tags.PidTagDisplayTypeEx, tags.PidTagTransmittableDisplayName,
        tags.PidTagRecipientEntryId, tags.PidTagRecipientFlags, tags.PidTagRowid, tags.PidTagRecipientOrder,
        tags.PidTagRecipientDisplayName, tags.PidTagInstanceKey, tags.PidTagAddressBookDisplayNamePrintable,
        tags.PidTagSendRichInfo, tags.PidTagSendInternetEncoding, tags.PidTagAccount, tags.PidTagRecipientTrackStatus,
    )
)  # fmt: skip
_ATTACHMENT: frozenset[PropertyKey] = frozenset(
    (
        tags.PidTagAttachMethod, tags.PidTagAttachDataBinary, tags.PidTagAttachDataObject, tags.PidTagAttachFilename,
        tags.PidTagAttachLongFilename, tags.PidTagAttachExtension, tags.PidTagDisplayName, tags.PidTagAttachMimeTag,
        tags.PidTagAttachContentId, tags.PidTagAttachContentLocation, tags.PidTagAttachContentBase,
        tags.PidTagAttachFlags, tags.PidTagAttachmentHidden, tags.PidTagRenderingPosition, tags.PidTagAttachSize,
        tags.PidTagAttachNumber, tags.PidTagTextAttachmentCharset, tags.PidTagAttachEncoding,
        tags.PidTagAttachRendering, tags.PidTagAttachTag, tags.PidTagAttachPathname, tags.PidTagAttachLongPathname,
        tags.PidTagCreationTime, tags.PidTagLastModificationTime, tags.PidTagAttachmentLinkId,
        tags.PidTagAttachmentFlags, tags.PidTagExceptionStartTime, tags.PidTagExceptionEndTime, tags.PidTagRecordKey,
        tags.PidTagObjectType, tags.PidTagStoreSupportMask, tags.PidNameAttachmentMacInfo,
        tags.PidNameAttachmentMacContentType, tags.PidTagAttachTransportName,
    )
)  # fmt: skip
# Identifiers that a store computes or keeps for itself ([MS-OXPROPS] 1.3.3): those of the envelope that is delivered,
# of the object and its place, and of the store's own.
_OWN_RANGES = (range(0x0E01, 0x1000), range(0x3FF8, 0x3FFC), range(0x65E0, 0x6800))


def note_unwritten(content: MessageContent, job: Job, said: PropertyBag) -> None:
    """Note the properties of a message, its recipients and its attachments that MIME has no place for.

    `said` are those that a part of it says, such as a calendar.
    """
    message, recipient = _MESSAGE, _RECIPIENT
    if text_of(content.properties, tags.PidTagMessageClass)[:7].upper() == "REPORT." and job.hooks.report is not None:
        from conversion.oxcmail import writereports

        message, recipient = message | writereports.MESSAGE, recipient | writereports.RECIPIENTS
    for key, value in content.properties.items():
        # False, zero and nothing are what is meant where a property is missing.
        if value and key not in message and not _is_own(key) and said.get(key) != value:
            job.receipt.dropped(property_name(key), "MIME has no place for it")
    seen: set[PropertyKey] = set()
    for row in content.recipients:
        seen.update(key for key, value in row.properties.items() if value and key not in recipient and not _is_own(key))
    for key in sorted(seen, key=property_name):
        job.receipt.dropped(f"recipients, {property_name(key)}", "MIME has no place for it")
    for number, item in enumerate(content.attachments, start=1):
        for key, value in item.properties.items():
            if value and key not in _ATTACHMENT and not _is_own(key):
                job.receipt.dropped(f"attachment {number}, {property_name(key)}", "MIME has no place for it")


def _is_own(key: PropertyKey) -> bool:
    if isinstance(key, PropertyName):
        # What can be a header is noted where headers are written.
        return key.set == tags.PS_INTERNET_HEADERS and isinstance(key.key, str)
    return any(key.id in numbers for numbers in _OWN_RANGES)
