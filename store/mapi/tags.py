"""Property tags, property sets and named properties in the specification's spelling ([MS-OXPROPS] 2, 1.3.2).

Tags stand in the order of their identifiers, named properties by property set. Where two properties share an identifier
(PidTagHtml and PidTagBodyHtml, PidTagAttachDataBinary and PidTagAttachDataObject) their types tell them apart.
`WELL_KNOWN_NAMES` is on disk: store.namedprops numbers the names by their place in it. Append only.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from store.mapi.types import PropertyName, PropertyTag, PropertyType

# Property sets ([MS-OXPROPS] 1.3.2).
PS_MAPI: Final = UUID("00020328-0000-0000-C000-000000000046")
PS_PUBLIC_STRINGS: Final = UUID("00020329-0000-0000-C000-000000000046")
PS_INTERNET_HEADERS: Final = UUID("00020386-0000-0000-C000-000000000046")
PSETID_Common: Final = UUID("00062008-0000-0000-C000-000000000046")
PSETID_Address: Final = UUID("00062004-0000-0000-C000-000000000046")
PSETID_Appointment: Final = UUID("00062002-0000-0000-C000-000000000046")
PSETID_Meeting: Final = UUID("6ED8DA90-450B-101B-98DA-00AA003F1305")
PSETID_Task: Final = UUID("00062003-0000-0000-C000-000000000046")
PSETID_Log: Final = UUID("0006200A-0000-0000-C000-000000000046")
PSETID_Note: Final = UUID("0006200E-0000-0000-C000-000000000046")
PSETID_PostRss: Final = UUID("00062041-0000-0000-C000-000000000046")
PSETID_Sharing: Final = UUID("00062040-0000-0000-C000-000000000046")
PSETID_Remote: Final = UUID("00062014-0000-0000-C000-000000000046")
PSETID_Messaging: Final = UUID("41F28F13-83F4-4114-A584-EEDB5A6B0BFF")
PSETID_AirSync: Final = UUID("71035549-0739-4DCB-9163-00F0580DBBDF")
PSETID_UnifiedMessaging: Final = UUID("4442858E-A9E3-4E80-B900-317A210CC15B")
PSETID_CalendarAssistant: Final = UUID("11000E07-B51B-40D6-AF21-CAA85EDAB1D0")
PSETID_Attachment: Final = UUID("96357F7F-59E1-47D0-99A7-46515C183B54")
PSETID_XmlExtractedEntities: Final = UUID("23239608-685D-4732-9C55-4C95CB4E8E33")

# Tagged properties ([MS-OXPROPS] 2).
PidTagAlternateRecipientAllowed: Final = PropertyTag(0x0002000B)
PidTagAutoForwardComment: Final = PropertyTag(0x0004001F)
PidTagAutoForwarded: Final = PropertyTag(0x0005000B)
PidTagConversationKey: Final = PropertyTag(0x000B0102)
PidTagDeferredDeliveryTime: Final = PropertyTag(0x000F0040)
PidTagExpiryTime: Final = PropertyTag(0x00150040)
PidTagImportance: Final = PropertyTag(0x00170003)
PidTagMessageClass: Final = PropertyTag(0x001A001F)
PidTagOriginatorDeliveryReportRequested: Final = PropertyTag(0x0023000B)
PidTagParentKey: Final = PropertyTag(0x00250102)
PidTagPriority: Final = PropertyTag(0x00260003)
PidTagReadReceiptRequested: Final = PropertyTag(0x0029000B)
PidTagReceiptTime: Final = PropertyTag(0x002A0040)
PidTagRecipientReassignmentProhibited: Final = PropertyTag(0x002B000B)
PidTagOriginalSensitivity: Final = PropertyTag(0x002E0003)
PidTagReplyTime: Final = PropertyTag(0x00300040)
PidTagReportTag: Final = PropertyTag(0x00310102)
PidTagReportTime: Final = PropertyTag(0x00320040)
PidTagSensitivity: Final = PropertyTag(0x00360003)
PidTagSubject: Final = PropertyTag(0x0037001F)
PidTagClientSubmitTime: Final = PropertyTag(0x00390040)
PidTagSentRepresentingSearchKey: Final = PropertyTag(0x003B0102)
PidTagSubjectPrefix: Final = PropertyTag(0x003D001F)
PidTagReceivedByEntryId: Final = PropertyTag(0x003F0102)
PidTagReceivedByName: Final = PropertyTag(0x0040001F)
PidTagSentRepresentingEntryId: Final = PropertyTag(0x00410102)
PidTagSentRepresentingName: Final = PropertyTag(0x0042001F)
PidTagReceivedRepresentingEntryId: Final = PropertyTag(0x00430102)
PidTagReceivedRepresentingName: Final = PropertyTag(0x0044001F)
PidTagReportEntryId: Final = PropertyTag(0x00450102)
PidTagReadReceiptEntryId: Final = PropertyTag(0x00460102)
PidTagMessageSubmissionId: Final = PropertyTag(0x00470102)
PidTagProviderSubmitTime: Final = PropertyTag(0x00480040)
PidTagOriginalSubject: Final = PropertyTag(0x0049001F)
PidTagOriginalMessageClass: Final = PropertyTag(0x004B001F)
PidTagOriginalAuthorName: Final = PropertyTag(0x004D001F)
PidTagOriginalSubmitTime: Final = PropertyTag(0x004E0040)
PidTagReplyRecipientEntries: Final = PropertyTag(0x004F0102)
PidTagReplyRecipientNames: Final = PropertyTag(0x0050001F)
PidTagReceivedBySearchKey: Final = PropertyTag(0x00510102)
PidTagReceivedRepresentingSearchKey: Final = PropertyTag(0x00520102)
PidTagReadReceiptSearchKey: Final = PropertyTag(0x00530102)
PidTagReportSearchKey: Final = PropertyTag(0x00540102)
PidTagOriginalDeliveryTime: Final = PropertyTag(0x00550040)
PidTagMessageToMe: Final = PropertyTag(0x0057000B)
PidTagMessageCcMe: Final = PropertyTag(0x0058000B)
PidTagMessageRecipientMe: Final = PropertyTag(0x0059000B)
PidTagOriginalSenderName: Final = PropertyTag(0x005A001F)
PidTagOriginalSenderEntryId: Final = PropertyTag(0x005B0102)
PidTagOriginalSenderSearchKey: Final = PropertyTag(0x005C0102)
PidTagOriginalSentRepresentingName: Final = PropertyTag(0x005D001F)
PidTagOriginalSentRepresentingEntryId: Final = PropertyTag(0x005E0102)
PidTagOriginalSentRepresentingSearchKey: Final = PropertyTag(0x005F0102)
PidTagStartDate: Final = PropertyTag(0x00600040)
PidTagEndDate: Final = PropertyTag(0x00610040)
PidTagOwnerAppointmentId: Final = PropertyTag(0x00620003)
PidTagResponseRequested: Final = PropertyTag(0x0063000B)
PidTagSentRepresentingAddressType: Final = PropertyTag(0x0064001F)
PidTagSentRepresentingEmailAddress: Final = PropertyTag(0x0065001F)
PidTagOriginalSenderAddressType: Final = PropertyTag(0x0066001F)
PidTagOriginalSenderEmailAddress: Final = PropertyTag(0x0067001F)
PidTagOriginalSentRepresentingAddressType: Final = PropertyTag(0x0068001F)
PidTagOriginalSentRepresentingEmailAddress: Final = PropertyTag(0x0069001F)
PidTagConversationTopic: Final = PropertyTag(0x0070001F)
PidTagConversationIndex: Final = PropertyTag(0x00710102)
PidTagOriginalDisplayBcc: Final = PropertyTag(0x0072001F)
PidTagOriginalDisplayCc: Final = PropertyTag(0x0073001F)
PidTagOriginalDisplayTo: Final = PropertyTag(0x0074001F)
PidTagReceivedByAddressType: Final = PropertyTag(0x0075001F)
PidTagReceivedByEmailAddress: Final = PropertyTag(0x0076001F)
PidTagReceivedRepresentingAddressType: Final = PropertyTag(0x0077001F)
PidTagReceivedRepresentingEmailAddress: Final = PropertyTag(0x0078001F)
PidTagTransportMessageHeaders: Final = PropertyTag(0x007D001F)
PidTagTnefCorrelationKey: Final = PropertyTag(0x007F0102)
PidTagReportDisposition: Final = PropertyTag(0x0080001F)
PidTagReportDispositionMode: Final = PropertyTag(0x0081001F)
PidTagAddressBookRoomCapacity: Final = PropertyTag(0x08070003)
PidTagNonDeliveryReportReasonCode: Final = PropertyTag(0x0C040003)
PidTagNonDeliveryReportDiagCode: Final = PropertyTag(0x0C050003)
PidTagNonReceiptNotificationRequested: Final = PropertyTag(0x0C06000B)
PidTagOriginatorNonDeliveryReportRequested: Final = PropertyTag(0x0C08000B)
PidTagRecipientType: Final = PropertyTag(0x0C150003)
PidTagReplyRequested: Final = PropertyTag(0x0C17000B)
PidTagSenderEntryId: Final = PropertyTag(0x0C190102)
PidTagSenderName: Final = PropertyTag(0x0C1A001F)
PidTagSupplementaryInfo: Final = PropertyTag(0x0C1B001F)
PidTagSenderSearchKey: Final = PropertyTag(0x0C1D0102)
PidTagSenderAddressType: Final = PropertyTag(0x0C1E001F)
PidTagSenderEmailAddress: Final = PropertyTag(0x0C1F001F)
PidTagNonDeliveryReportStatusCode: Final = PropertyTag(0x0C200003)
PidTagRemoteMessageTransferAgent: Final = PropertyTag(0x0C21001F)
PidTagDeleteAfterSubmit: Final = PropertyTag(0x0E01000B)
PidTagDisplayBcc: Final = PropertyTag(0x0E02001F)
PidTagDisplayCc: Final = PropertyTag(0x0E03001F)
PidTagDisplayTo: Final = PropertyTag(0x0E04001F)
PidTagMessageDeliveryTime: Final = PropertyTag(0x0E060040)
PidTagMessageFlags: Final = PropertyTag(0x0E070003)
PidTagMessageSize: Final = PropertyTag(0x0E080003)
PidTagMessageSizeExtended: Final = PropertyTag(0x0E080014)
PidTagParentEntryId: Final = PropertyTag(0x0E090102)
PidTagSentMailEntryId: Final = PropertyTag(0x0E0A0102)
PidTagResponsibility: Final = PropertyTag(0x0E0F000B)
PidTagMessageStatus: Final = PropertyTag(0x0E170003)
PidTagHasAttachments: Final = PropertyTag(0x0E1B000B)
PidTagNormalizedSubject: Final = PropertyTag(0x0E1D001F)
PidTagRtfInSync: Final = PropertyTag(0x0E1F000B)
PidTagAttachSize: Final = PropertyTag(0x0E200003)
PidTagAttachNumber: Final = PropertyTag(0x0E210003)
PidTagInternetArticleNumber: Final = PropertyTag(0x0E230003)
PidTagPrimarySendAccount: Final = PropertyTag(0x0E28001F)
PidTagNextSendAcct: Final = PropertyTag(0x0E29001F)
PidTagToDoItemFlags: Final = PropertyTag(0x0E2B0003)
PidTagSwappedToDoStore: Final = PropertyTag(0x0E2C0102)
PidTagSwappedToDoData: Final = PropertyTag(0x0E2D0102)
PidTagRead: Final = PropertyTag(0x0E69000B)
PidTagTrustSender: Final = PropertyTag(0x0E790003)
PidTagExtendedRuleMessageActions: Final = PropertyTag(0x0E990102)
PidTagExtendedRuleMessageCondition: Final = PropertyTag(0x0E9A0102)
PidTagExtendedRuleSizeLimit: Final = PropertyTag(0x0E9B0003)
PidTagAccess: Final = PropertyTag(0x0FF40003)
PidTagRowType: Final = PropertyTag(0x0FF50003)
PidTagInstanceKey: Final = PropertyTag(0x0FF60102)
PidTagAccessLevel: Final = PropertyTag(0x0FF70003)
PidTagMappingSignature: Final = PropertyTag(0x0FF80102)
PidTagRecordKey: Final = PropertyTag(0x0FF90102)
PidTagStoreRecordKey: Final = PropertyTag(0x0FFA0102)
PidTagStoreEntryId: Final = PropertyTag(0x0FFB0102)
PidTagObjectType: Final = PropertyTag(0x0FFE0003)
PidTagEntryId: Final = PropertyTag(0x0FFF0102)
PidTagBody: Final = PropertyTag(0x1000001F)
PidTagReportText: Final = PropertyTag(0x1001001F)
PidTagRtfCompressed: Final = PropertyTag(0x10090102)
PidTagBodyHtml: Final = PropertyTag(0x1013001F)
PidTagHtml: Final = PropertyTag(0x10130102)
PidTagBodyContentLocation: Final = PropertyTag(0x1014001F)
PidTagBodyContentId: Final = PropertyTag(0x1015001F)
PidTagNativeBody: Final = PropertyTag(0x10160003)
PidTagInternetMessageId: Final = PropertyTag(0x1035001F)
PidTagInternetReferences: Final = PropertyTag(0x1039001F)
PidTagInReplyToId: Final = PropertyTag(0x1042001F)
PidTagListHelp: Final = PropertyTag(0x1043001F)
PidTagListSubscribe: Final = PropertyTag(0x1044001F)
PidTagListUnsubscribe: Final = PropertyTag(0x1045001F)
PidTagOriginalMessageId: Final = PropertyTag(0x1046001F)
PidTagIconIndex: Final = PropertyTag(0x10800003)
PidTagLastVerbExecuted: Final = PropertyTag(0x10810003)
PidTagLastVerbExecutionTime: Final = PropertyTag(0x10820040)
PidTagFlagStatus: Final = PropertyTag(0x10900003)
PidTagFlagCompleteTime: Final = PropertyTag(0x10910040)
PidTagFollowupIcon: Final = PropertyTag(0x10950003)
PidTagBlockStatus: Final = PropertyTag(0x10960003)
PidTagICalendarStartTime: Final = PropertyTag(0x10C30040)
PidTagICalendarEndTime: Final = PropertyTag(0x10C40040)
PidTagICalendarReminderNextTime: Final = PropertyTag(0x10CA0040)
PidTagAttributeHidden: Final = PropertyTag(0x10F4000B)
PidTagAttributeReadOnly: Final = PropertyTag(0x10F6000B)
PidTagRowid: Final = PropertyTag(0x30000003)
PidTagDisplayName: Final = PropertyTag(0x3001001F)
PidTagAddressType: Final = PropertyTag(0x3002001F)
PidTagEmailAddress: Final = PropertyTag(0x3003001F)
PidTagComment: Final = PropertyTag(0x3004001F)
PidTagDepth: Final = PropertyTag(0x30050003)
PidTagCreationTime: Final = PropertyTag(0x30070040)
PidTagLastModificationTime: Final = PropertyTag(0x30080040)
PidTagSearchKey: Final = PropertyTag(0x300B0102)
PidTagTargetEntryId: Final = PropertyTag(0x30100102)
PidTagConversationId: Final = PropertyTag(0x30130102)
PidTagConversationIndexTracking: Final = PropertyTag(0x3016000B)
PidTagArchiveTag: Final = PropertyTag(0x30180102)
PidTagPolicyTag: Final = PropertyTag(0x30190102)
PidTagRetentionPeriod: Final = PropertyTag(0x301A0003)
PidTagStartDateEtc: Final = PropertyTag(0x301B0102)
PidTagRetentionDate: Final = PropertyTag(0x301C0040)
PidTagRetentionFlags: Final = PropertyTag(0x301D0003)
PidTagArchivePeriod: Final = PropertyTag(0x301E0003)
PidTagArchiveDate: Final = PropertyTag(0x301F0040)
PidTagStoreSupportMask: Final = PropertyTag(0x340D0003)
PidTagStoreState: Final = PropertyTag(0x340E0003)
PidTagValidFolderMask: Final = PropertyTag(0x35DF0003)
PidTagIpmSubtreeEntryId: Final = PropertyTag(0x35E00102)
PidTagIpmOutboxEntryId: Final = PropertyTag(0x35E20102)
PidTagIpmWastebasketEntryId: Final = PropertyTag(0x35E30102)
PidTagIpmSentMailEntryId: Final = PropertyTag(0x35E40102)
PidTagViewsEntryId: Final = PropertyTag(0x35E50102)
PidTagCommonViewsEntryId: Final = PropertyTag(0x35E60102)
PidTagFinderEntryId: Final = PropertyTag(0x35E70102)
PidTagContainerFlags: Final = PropertyTag(0x36000003)
PidTagFolderType: Final = PropertyTag(0x36010003)
PidTagContentCount: Final = PropertyTag(0x36020003)
PidTagContentUnreadCount: Final = PropertyTag(0x36030003)
PidTagSubfolders: Final = PropertyTag(0x360A000B)
PidTagAnr: Final = PropertyTag(0x360C001F)
PidTagContainerHierarchy: Final = PropertyTag(0x360E000D)
PidTagContainerContents: Final = PropertyTag(0x360F000D)
PidTagFolderAssociatedContents: Final = PropertyTag(0x3610000D)
PidTagContainerClass: Final = PropertyTag(0x3613001F)
PidTagAssociatedContentCount: Final = PropertyTag(0x36170003)
PidTagIpmAppointmentEntryId: Final = PropertyTag(0x36D00102)
PidTagIpmContactEntryId: Final = PropertyTag(0x36D10102)
PidTagIpmJournalEntryId: Final = PropertyTag(0x36D20102)
PidTagIpmNoteEntryId: Final = PropertyTag(0x36D30102)
PidTagIpmTaskEntryId: Final = PropertyTag(0x36D40102)
PidTagRemindersOnlineEntryId: Final = PropertyTag(0x36D50102)
PidTagIpmDraftsEntryId: Final = PropertyTag(0x36D70102)
PidTagAdditionalRenEntryIds: Final = PropertyTag(0x36D81102)
PidTagAdditionalRenEntryIdsEx: Final = PropertyTag(0x36D90102)
PidTagExtendedFolderFlags: Final = PropertyTag(0x36DA0102)
PidTagOrdinalMost: Final = PropertyTag(0x36E20003)
PidTagFreeBusyEntryIds: Final = PropertyTag(0x36E41102)
PidTagDefaultPostMessageClass: Final = PropertyTag(0x36E5001F)
PidTagAttachDataObject: Final = PropertyTag(0x3701000D)
PidTagAttachDataBinary: Final = PropertyTag(0x37010102)
PidTagAttachEncoding: Final = PropertyTag(0x37020102)
PidTagAttachExtension: Final = PropertyTag(0x3703001F)
PidTagAttachFilename: Final = PropertyTag(0x3704001F)
PidTagAttachMethod: Final = PropertyTag(0x37050003)
PidTagAttachLongFilename: Final = PropertyTag(0x3707001F)
PidTagAttachPathname: Final = PropertyTag(0x3708001F)
PidTagAttachRendering: Final = PropertyTag(0x37090102)
PidTagAttachTag: Final = PropertyTag(0x370A0102)
PidTagRenderingPosition: Final = PropertyTag(0x370B0003)
PidTagAttachTransportName: Final = PropertyTag(0x370C001F)
PidTagAttachLongPathname: Final = PropertyTag(0x370D001F)
PidTagAttachMimeTag: Final = PropertyTag(0x370E001F)
PidTagAttachAdditionalInformation: Final = PropertyTag(0x370F0102)
PidTagAttachContentBase: Final = PropertyTag(0x3711001F)
PidTagAttachContentId: Final = PropertyTag(0x3712001F)
PidTagAttachContentLocation: Final = PropertyTag(0x3713001F)
PidTagAttachFlags: Final = PropertyTag(0x37140003)
PidTagAttachPayloadProviderGuidString: Final = PropertyTag(0x3719001F)
PidTagAttachPayloadClass: Final = PropertyTag(0x371A001F)
PidTagTextAttachmentCharset: Final = PropertyTag(0x371B001F)
PidTagDisplayType: Final = PropertyTag(0x39000003)
PidTagDisplayTypeEx: Final = PropertyTag(0x39050003)
PidTagSmtpAddress: Final = PropertyTag(0x39FE001F)
PidTagAddressBookDisplayNamePrintable: Final = PropertyTag(0x39FF001F)
PidTagAccount: Final = PropertyTag(0x3A00001F)
PidTagCallbackTelephoneNumber: Final = PropertyTag(0x3A02001F)
PidTagGeneration: Final = PropertyTag(0x3A05001F)
PidTagGivenName: Final = PropertyTag(0x3A06001F)
PidTagGovernmentIdNumber: Final = PropertyTag(0x3A07001F)
PidTagBusinessTelephoneNumber: Final = PropertyTag(0x3A08001F)
PidTagHomeTelephoneNumber: Final = PropertyTag(0x3A09001F)
PidTagInitials: Final = PropertyTag(0x3A0A001F)
PidTagKeyword: Final = PropertyTag(0x3A0B001F)
PidTagLanguage: Final = PropertyTag(0x3A0C001F)
PidTagLocation: Final = PropertyTag(0x3A0D001F)
PidTagMessageHandlingSystemCommonName: Final = PropertyTag(0x3A0F001F)
PidTagOrganizationalIdNumber: Final = PropertyTag(0x3A10001F)
PidTagSurname: Final = PropertyTag(0x3A11001F)
PidTagOriginalEntryId: Final = PropertyTag(0x3A120102)
PidTagPostalAddress: Final = PropertyTag(0x3A15001F)
PidTagCompanyName: Final = PropertyTag(0x3A16001F)
PidTagTitle: Final = PropertyTag(0x3A17001F)
PidTagDepartmentName: Final = PropertyTag(0x3A18001F)
PidTagOfficeLocation: Final = PropertyTag(0x3A19001F)
PidTagPrimaryTelephoneNumber: Final = PropertyTag(0x3A1A001F)
PidTagBusiness2TelephoneNumber: Final = PropertyTag(0x3A1B001F)
PidTagBusiness2TelephoneNumbers: Final = PropertyTag(0x3A1B101F)
PidTagMobileTelephoneNumber: Final = PropertyTag(0x3A1C001F)
PidTagRadioTelephoneNumber: Final = PropertyTag(0x3A1D001F)
PidTagCarTelephoneNumber: Final = PropertyTag(0x3A1E001F)
PidTagOtherTelephoneNumber: Final = PropertyTag(0x3A1F001F)
PidTagTransmittableDisplayName: Final = PropertyTag(0x3A20001F)
PidTagPagerTelephoneNumber: Final = PropertyTag(0x3A21001F)
PidTagUserCertificate: Final = PropertyTag(0x3A220102)
PidTagPrimaryFaxNumber: Final = PropertyTag(0x3A23001F)
PidTagBusinessFaxNumber: Final = PropertyTag(0x3A24001F)
PidTagHomeFaxNumber: Final = PropertyTag(0x3A25001F)
PidTagCountry: Final = PropertyTag(0x3A26001F)
PidTagLocality: Final = PropertyTag(0x3A27001F)
PidTagStateOrProvince: Final = PropertyTag(0x3A28001F)
PidTagStreetAddress: Final = PropertyTag(0x3A29001F)
PidTagPostalCode: Final = PropertyTag(0x3A2A001F)
PidTagPostOfficeBox: Final = PropertyTag(0x3A2B001F)
PidTagTelexNumber: Final = PropertyTag(0x3A2C001F)
PidTagIsdnNumber: Final = PropertyTag(0x3A2D001F)
PidTagAssistantTelephoneNumber: Final = PropertyTag(0x3A2E001F)
PidTagHome2TelephoneNumber: Final = PropertyTag(0x3A2F001F)
PidTagHome2TelephoneNumbers: Final = PropertyTag(0x3A2F101F)
PidTagAssistant: Final = PropertyTag(0x3A30001F)
PidTagSendRichInfo: Final = PropertyTag(0x3A40000B)
PidTagWeddingAnniversary: Final = PropertyTag(0x3A410040)
PidTagBirthday: Final = PropertyTag(0x3A420040)
PidTagHobbies: Final = PropertyTag(0x3A43001F)
PidTagMiddleName: Final = PropertyTag(0x3A44001F)
PidTagDisplayNamePrefix: Final = PropertyTag(0x3A45001F)
PidTagProfession: Final = PropertyTag(0x3A46001F)
PidTagReferredByName: Final = PropertyTag(0x3A47001F)
PidTagSpouseName: Final = PropertyTag(0x3A48001F)
PidTagComputerNetworkName: Final = PropertyTag(0x3A49001F)
PidTagCustomerId: Final = PropertyTag(0x3A4A001F)
PidTagTelecommunicationsDeviceForDeafTelephoneNumber: Final = PropertyTag(0x3A4B001F)
PidTagFtpSite: Final = PropertyTag(0x3A4C001F)
PidTagGender: Final = PropertyTag(0x3A4D0002)
PidTagManagerName: Final = PropertyTag(0x3A4E001F)
PidTagNickname: Final = PropertyTag(0x3A4F001F)
PidTagPersonalHomePage: Final = PropertyTag(0x3A50001F)
PidTagBusinessHomePage: Final = PropertyTag(0x3A51001F)
PidTagCompanyMainTelephoneNumber: Final = PropertyTag(0x3A57001F)
PidTagChildrensNames: Final = PropertyTag(0x3A58101F)
PidTagHomeAddressCity: Final = PropertyTag(0x3A59001F)
PidTagHomeAddressCountry: Final = PropertyTag(0x3A5A001F)
PidTagHomeAddressPostalCode: Final = PropertyTag(0x3A5B001F)
PidTagHomeAddressStateOrProvince: Final = PropertyTag(0x3A5C001F)
PidTagHomeAddressStreet: Final = PropertyTag(0x3A5D001F)
PidTagHomeAddressPostOfficeBox: Final = PropertyTag(0x3A5E001F)
PidTagOtherAddressCity: Final = PropertyTag(0x3A5F001F)
PidTagOtherAddressCountry: Final = PropertyTag(0x3A60001F)
PidTagOtherAddressPostalCode: Final = PropertyTag(0x3A61001F)
PidTagOtherAddressStateOrProvince: Final = PropertyTag(0x3A62001F)
PidTagOtherAddressStreet: Final = PropertyTag(0x3A63001F)
PidTagOtherAddressPostOfficeBox: Final = PropertyTag(0x3A64001F)
PidTagUserX509Certificate: Final = PropertyTag(0x3A701102)
PidTagSendInternetEncoding: Final = PropertyTag(0x3A710003)
PidTagInternetCodepage: Final = PropertyTag(0x3FDE0003)
PidTagAutoResponseSuppress: Final = PropertyTag(0x3FDF0003)
PidTagDelegatedByRule: Final = PropertyTag(0x3FE3000B)
PidTagResolveMethod: Final = PropertyTag(0x3FE70003)
PidTagHasDeferredActionMessages: Final = PropertyTag(0x3FEA000B)
PidTagDeferredSendNumber: Final = PropertyTag(0x3FEB0003)
PidTagDeferredSendUnits: Final = PropertyTag(0x3FEC0003)
PidTagExpiryNumber: Final = PropertyTag(0x3FED0003)
PidTagExpiryUnits: Final = PropertyTag(0x3FEE0003)
PidTagDeferredSendTime: Final = PropertyTag(0x3FEF0040)
PidTagMessageLocaleId: Final = PropertyTag(0x3FF10003)
PidTagStorageQuotaLimit: Final = PropertyTag(0x3FF50003)
PidTagCreatorName: Final = PropertyTag(0x3FF8001F)
PidTagCreatorEntryId: Final = PropertyTag(0x3FF90102)
PidTagLastModifierName: Final = PropertyTag(0x3FFA001F)
PidTagLastModifierEntryId: Final = PropertyTag(0x3FFB0102)
PidTagMessageCodepage: Final = PropertyTag(0x3FFD0003)
PidTagReadReceiptAddressType: Final = PropertyTag(0x4029001F)
PidTagReadReceiptEmailAddress: Final = PropertyTag(0x402A001F)
PidTagReadReceiptName: Final = PropertyTag(0x402B001F)
PidTagContentFilterSpamConfidenceLevel: Final = PropertyTag(0x40760003)
PidTagSenderIdStatus: Final = PropertyTag(0x40790003)
PidTagPurportedSenderDomain: Final = PropertyTag(0x4083001F)
PidTagContentFilterPhishingConfidenceLevel: Final = PropertyTag(0x40840003)
PidTagInternetMailOverrideFormat: Final = PropertyTag(0x59020003)
PidTagMessageEditorFormat: Final = PropertyTag(0x59090003)
PidTagSenderSmtpAddress: Final = PropertyTag(0x5D01001F)
PidTagSentRepresentingSmtpAddress: Final = PropertyTag(0x5D02001F)
PidTagReadReceiptSmtpAddress: Final = PropertyTag(0x5D05001F)
PidTagReceivedBySmtpAddress: Final = PropertyTag(0x5D07001F)
PidTagReceivedRepresentingSmtpAddress: Final = PropertyTag(0x5D08001F)
PidTagRecipientOrder: Final = PropertyTag(0x5FDF0003)
PidTagRecipientProposed: Final = PropertyTag(0x5FE1000B)
PidTagRecipientProposedStartTime: Final = PropertyTag(0x5FE30040)
PidTagRecipientProposedEndTime: Final = PropertyTag(0x5FE40040)
PidTagRecipientDisplayName: Final = PropertyTag(0x5FF6001F)
PidTagRecipientEntryId: Final = PropertyTag(0x5FF70102)
PidTagRecipientTrackStatusTime: Final = PropertyTag(0x5FFB0040)
PidTagRecipientFlags: Final = PropertyTag(0x5FFD0003)
PidTagRecipientTrackStatus: Final = PropertyTag(0x5FFF0003)
PidTagJunkIncludeContacts: Final = PropertyTag(0x61000003)
PidTagJunkThreshold: Final = PropertyTag(0x61010003)
PidTagJunkPermanentlyDelete: Final = PropertyTag(0x61020003)
PidTagJunkAddRecipientsToSafeSendersList: Final = PropertyTag(0x61030003)
PidTagJunkPhishingEnableLinks: Final = PropertyTag(0x6107000B)
PidTagMimeSkeleton: Final = PropertyTag(0x64F00102)
PidTagReplyTemplateId: Final = PropertyTag(0x65C20102)
PidTagSourceKey: Final = PropertyTag(0x65E00102)
PidTagParentSourceKey: Final = PropertyTag(0x65E10102)
PidTagChangeKey: Final = PropertyTag(0x65E20102)
PidTagPredecessorChangeList: Final = PropertyTag(0x65E30102)
PidTagRuleMessageState: Final = PropertyTag(0x65E90003)
PidTagRuleMessageUserFlags: Final = PropertyTag(0x65EA0003)
PidTagRuleMessageProvider: Final = PropertyTag(0x65EB001F)
PidTagRuleMessageName: Final = PropertyTag(0x65EC001F)
PidTagRuleMessageLevel: Final = PropertyTag(0x65ED0003)
PidTagRuleMessageProviderData: Final = PropertyTag(0x65EE0102)
PidTagRuleMessageSequence: Final = PropertyTag(0x65F30003)
PidTagUserEntryId: Final = PropertyTag(0x66190102)
PidTagMailboxOwnerEntryId: Final = PropertyTag(0x661B0102)
PidTagMailboxOwnerName: Final = PropertyTag(0x661C001F)
PidTagOutOfOfficeState: Final = PropertyTag(0x661D000B)
PidTagRights: Final = PropertyTag(0x66390003)
PidTagHasRules: Final = PropertyTag(0x663A000B)
PidTagAddressBookEntryId: Final = PropertyTag(0x663B0102)
PidTagHierarchyChangeNumber: Final = PropertyTag(0x663E0003)
PidTagClientActions: Final = PropertyTag(0x66450102)
PidTagDamBackPatched: Final = PropertyTag(0x6647000B)
PidTagHasNamedProperties: Final = PropertyTag(0x664A000B)
PidTagRuleFolderEntryId: Final = PropertyTag(0x66510102)
PidTagProhibitReceiveQuota: Final = PropertyTag(0x666A0003)
PidTagMaximumSubmitMessageSize: Final = PropertyTag(0x666D0003)
PidTagProhibitSendQuota: Final = PropertyTag(0x666E0003)
PidTagMemberId: Final = PropertyTag(0x66710014)
PidTagMemberName: Final = PropertyTag(0x6672001F)
PidTagMemberRights: Final = PropertyTag(0x66730003)
PidTagRuleId: Final = PropertyTag(0x66740014)
PidTagRuleIds: Final = PropertyTag(0x66750102)
PidTagRuleSequence: Final = PropertyTag(0x66760003)
PidTagRuleState: Final = PropertyTag(0x66770003)
PidTagRuleUserFlags: Final = PropertyTag(0x66780003)
PidTagRuleCondition: Final = PropertyTag(0x667900FD)
PidTagRuleActions: Final = PropertyTag(0x668000FE)
PidTagRuleProvider: Final = PropertyTag(0x6681001F)
PidTagRuleName: Final = PropertyTag(0x6682001F)
PidTagRuleLevel: Final = PropertyTag(0x66830003)
PidTagRuleProviderData: Final = PropertyTag(0x66840102)
PidTagDeletedOn: Final = PropertyTag(0x668F0040)
PidTagLocaleId: Final = PropertyTag(0x66A10003)
PidTagCodePageId: Final = PropertyTag(0x66C30003)
PidTagSortLocaleId: Final = PropertyTag(0x67050003)
PidTagLocalCommitTime: Final = PropertyTag(0x67090040)
PidTagLocalCommitTimeMax: Final = PropertyTag(0x670A0040)
PidTagDeletedCountTotal: Final = PropertyTag(0x670B0003)
PidTagFolderId: Final = PropertyTag(0x67480014)
PidTagParentFolderId: Final = PropertyTag(0x67490014)
PidTagMid: Final = PropertyTag(0x674A0014)
PidTagChangeNumber: Final = PropertyTag(0x67A40014)
PidTagAssociated: Final = PropertyTag(0x67AA000B)
PidTagVoiceMessageDuration: Final = PropertyTag(0x68010003)
PidTagSenderTelephoneNumber: Final = PropertyTag(0x6802001F)
PidTagVoiceMessageSenderName: Final = PropertyTag(0x6803001F)
PidTagFaxNumberOfPages: Final = PropertyTag(0x68040003)
PidTagVoiceMessageAttachmentOrder: Final = PropertyTag(0x6805001F)
PidTagCallId: Final = PropertyTag(0x6806001F)
PidTagReportingMessageTransferAgent: Final = PropertyTag(0x6820001F)
PidTagScheduleInfoResourceType: Final = PropertyTag(0x68410003)
PidTagScheduleInfoDelegatorWantsCopy: Final = PropertyTag(0x6842000B)
PidTagSearchFolderId: Final = PropertyTag(0x68420102)
PidTagScheduleInfoDontMailDelegates: Final = PropertyTag(0x6843000B)
PidTagScheduleInfoDelegateNames: Final = PropertyTag(0x6844101F)
PidTagSearchFolderDefinition: Final = PropertyTag(0x68450102)
PidTagScheduleInfoDelegateEntryIds: Final = PropertyTag(0x68451102)
PidTagSearchFolderStorageType: Final = PropertyTag(0x68460003)
PidTagFreeBusyPublishStart: Final = PropertyTag(0x68470003)
PidTagFreeBusyPublishEnd: Final = PropertyTag(0x68480003)
PidTagWlinkType: Final = PropertyTag(0x68490003)
PidTagFreeBusyMessageEmailAddress: Final = PropertyTag(0x6849001F)
PidTagScheduleInfoDelegateNamesW: Final = PropertyTag(0x684A101F)
PidTagScheduleInfoDelegatorWantsInfo: Final = PropertyTag(0x684B000B)
PidTagScheduleInfoMonthsMerged: Final = PropertyTag(0x684F1003)
PidTagScheduleInfoFreeBusyMerged: Final = PropertyTag(0x68501102)
PidTagScheduleInfoMonthsTentative: Final = PropertyTag(0x68511003)
PidTagScheduleInfoFreeBusyTentative: Final = PropertyTag(0x68521102)
PidTagScheduleInfoMonthsBusy: Final = PropertyTag(0x68531003)
PidTagScheduleInfoFreeBusyBusy: Final = PropertyTag(0x68541102)
PidTagScheduleInfoMonthsAway: Final = PropertyTag(0x68551003)
PidTagScheduleInfoFreeBusyAway: Final = PropertyTag(0x68561102)
PidTagFreeBusyCountMonths: Final = PropertyTag(0x68690003)
PidTagDelegateFlags: Final = PropertyTag(0x686B1003)
PidTagScheduleInfoAutoAcceptAppointments: Final = PropertyTag(0x686D000B)
PidTagScheduleInfoDisallowRecurringAppts: Final = PropertyTag(0x686E000B)
PidTagScheduleInfoDisallowOverlappingAppts: Final = PropertyTag(0x686F000B)
PidTagViewDescriptorName: Final = PropertyTag(0x7006001F)
PidTagRoamingDatatypes: Final = PropertyTag(0x7C060003)
PidTagRoamingDictionary: Final = PropertyTag(0x7C070102)
PidTagRoamingXmlStream: Final = PropertyTag(0x7C080102)
PidTagProcessed: Final = PropertyTag(0x7D01000B)
PidTagExceptionReplaceTime: Final = PropertyTag(0x7FF90040)
PidTagAttachmentLinkId: Final = PropertyTag(0x7FFA0003)
PidTagExceptionStartTime: Final = PropertyTag(0x7FFB0040)
PidTagExceptionEndTime: Final = PropertyTag(0x7FFC0040)
PidTagAttachmentFlags: Final = PropertyTag(0x7FFD0003)
PidTagAttachmentHidden: Final = PropertyTag(0x7FFE000B)
PidTagAttachmentContactPhoto: Final = PropertyTag(0x7FFF000B)
PidTagAddressBookManager: Final = PropertyTag(0x8005000D)
PidTagAddressBookHomeMessageDatabase: Final = PropertyTag(0x8006001E)
PidTagAddressBookIsMemberOfDistributionList: Final = PropertyTag(0x8008001E)
PidTagAddressBookMember: Final = PropertyTag(0x8009000D)
PidTagAddressBookOwner: Final = PropertyTag(0x800C000D)
PidTagAddressBookProxyAddresses: Final = PropertyTag(0x800F101F)
PidTagAddressBookTargetAddress: Final = PropertyTag(0x8011001F)
PidTagAddressBookPublicDelegates: Final = PropertyTag(0x8015000D)
PidTagAddressBookExtensionAttribute1: Final = PropertyTag(0x802D001F)
PidTagAddressBookExtensionAttribute2: Final = PropertyTag(0x802E001F)
PidTagAddressBookExtensionAttribute3: Final = PropertyTag(0x802F001F)
PidTagAddressBookExtensionAttribute4: Final = PropertyTag(0x8030001F)
PidTagAddressBookExtensionAttribute5: Final = PropertyTag(0x8031001F)
PidTagAddressBookExtensionAttribute6: Final = PropertyTag(0x8032001F)
PidTagAddressBookExtensionAttribute7: Final = PropertyTag(0x8033001F)
PidTagAddressBookExtensionAttribute8: Final = PropertyTag(0x8034001F)
PidTagAddressBookExtensionAttribute9: Final = PropertyTag(0x8035001F)
PidTagAddressBookExtensionAttribute10: Final = PropertyTag(0x8036001F)
PidTagAddressBookObjectDistinguishedName: Final = PropertyTag(0x803C001F)
PidTagAddressBookDeliveryContentLength: Final = PropertyTag(0x806A0003)
PidTagAddressBookExtensionAttribute11: Final = PropertyTag(0x8C57001F)
PidTagAddressBookExtensionAttribute12: Final = PropertyTag(0x8C58001F)
PidTagAddressBookExtensionAttribute13: Final = PropertyTag(0x8C59001F)
PidTagAddressBookExtensionAttribute14: Final = PropertyTag(0x8C60001F)
PidTagAddressBookExtensionAttribute15: Final = PropertyTag(0x8C61001F)
PidTagAddressBookX509Certificate: Final = PropertyTag(0x8C6A1102)
PidTagAddressBookObjectGuid: Final = PropertyTag(0x8C6D0102)
PidTagAddressBookPhoneticDisplayName: Final = PropertyTag(0x8C92001F)
PidTagAddressBookRoomContainers: Final = PropertyTag(0x8C96101F)
PidTagThumbnailPhoto: Final = PropertyTag(0x8C9E0102)
PidTagAddressBookSenderHintTranslations: Final = PropertyTag(0x8CAC101F)
PidTagAddressBookHierarchicalIsHierarchicalGroup: Final = PropertyTag(0x8CDD000B)

# Named properties ([MS-OXPROPS] 2).

PidNameApplicationName: Final = PropertyName(PS_PUBLIC_STRINGS, "AppName", PropertyType.STRING)
PidNameRightsManagementLicense: Final = PropertyName(PS_PUBLIC_STRINGS, "DRMLicense", PropertyType.MULTIPLE_BINARY)
PidNameKeywords: Final = PropertyName(PS_PUBLIC_STRINGS, "Keywords", PropertyType.MULTIPLE_STRING)
PidNameOMSAccountGuid: Final = PropertyName(PS_PUBLIC_STRINGS, "OMSAccountGuid", PropertyType.STRING)
PidNameSubject: Final = PropertyName(PS_PUBLIC_STRINGS, "Subject", PropertyType.STRING)
PidNamePhishingStamp: Final = PropertyName(
    PS_PUBLIC_STRINGS, "http://schemas.microsoft.com/outlook/phishingstamp", PropertyType.INTEGER32
)
PidNameQuarantineOriginalSender: Final = PropertyName(
    PS_PUBLIC_STRINGS, "quarantine-original-sender", PropertyType.STRING
)
PidNameCalendarAttendeeRole: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:attendeerole", PropertyType.INTEGER32
)
PidNameCalendarContact: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:calendar:contact", PropertyType.STRING)
PidNameCalendarContactUrl: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:contacturl", PropertyType.STRING
)
PidNameCalendarGeoLatitude: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:geolatitude", PropertyType.FLOATING64
)
PidNameCalendarGeoLongitude: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:geolongitude", PropertyType.FLOATING64
)
PidNameCalendarInstanceType: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:instancetype", PropertyType.INTEGER32
)
PidNameCalendarIsOrganizer: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:isorganizer", PropertyType.BOOLEAN
)
PidNameCalendarLocationUrl: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:locationurl", PropertyType.STRING
)
PidNameCalendarMeetingStatus: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:meetingstatus", PropertyType.STRING
)
PidNameCalendarMethod: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:calendar:method", PropertyType.STRING)
PidNameCalendarReminderOffset: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:reminderoffset", PropertyType.INTEGER32
)
PidNameCalendarResources: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:calendar:resources", PropertyType.STRING)
PidNameCalendarRsvp: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:calendar:rsvp", PropertyType.BOOLEAN)
PidNameCalendarSequence: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:sequence", PropertyType.INTEGER32
)
PidNameCalendarTimeZoneId: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:timezoneid", PropertyType.INTEGER32
)
PidNameCalendarTransparent: Final = PropertyName(
    PS_PUBLIC_STRINGS, "urn:schemas:calendar:transparent", PropertyType.STRING
)
PidNameCalendarUid: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:calendar:uid", PropertyType.STRING)
PidNameCalendarVersion: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:calendar:version", PropertyType.STRING)
PidNameHttpmailSendMessage: Final = PropertyName(PS_PUBLIC_STRINGS, "urn:schemas:httpmail:sendmsg", PropertyType.STRING)
PidNameDoNotForward: Final = PropertyName(PS_PUBLIC_STRINGS, "DoNotForward", PropertyType.BOOLEAN)

PidNameAcceptLanguage: Final = PropertyName(PS_INTERNET_HEADERS, "Accept-Language", PropertyType.STRING)
PidNameContentBase: Final = PropertyName(PS_INTERNET_HEADERS, "Content-Base", PropertyType.STRING)
PidNameContentClass: Final = PropertyName(PS_INTERNET_HEADERS, "Content-Class", PropertyType.STRING)
PidNameContentType: Final = PropertyName(PS_INTERNET_HEADERS, "Content-Type", PropertyType.STRING)
PidNameFrom: Final = PropertyName(PS_INTERNET_HEADERS, "From", PropertyType.STRING)
PidNameInternetSubject: Final = PropertyName(PS_INTERNET_HEADERS, "Subject", PropertyType.STRING)
PidNameXVoiceMessageAttachmentOrder: Final = PropertyName(PS_INTERNET_HEADERS, "X-AttachmentOrder", PropertyType.STRING)
PidNameXCallId: Final = PropertyName(PS_INTERNET_HEADERS, "X-CallID", PropertyType.STRING)
PidNameXSenderTelephoneNumber: Final = PropertyName(
    PS_INTERNET_HEADERS, "X-CallingTelephoneNumber", PropertyType.STRING
)
PidNameXFaxNumberOfPages: Final = PropertyName(PS_INTERNET_HEADERS, "X-FaxNumberOfPages", PropertyType.INTEGER16)
PidNameXRequireProtectedPlayOnPhone: Final = PropertyName(
    PS_INTERNET_HEADERS, "X-RequireProtectedPlayOnPhone", PropertyType.BOOLEAN
)
PidNameXVoiceMessageDuration: Final = PropertyName(
    PS_INTERNET_HEADERS, "X-VoiceMessageDuration", PropertyType.INTEGER16
)
PidNameXVoiceMessageSenderName: Final = PropertyName(
    PS_INTERNET_HEADERS, "X-VoiceMessageSenderName", PropertyType.STRING
)
PidNameCrossReference: Final = PropertyName(PS_INTERNET_HEADERS, "Xref", PropertyType.STRING)

PidLidDayOfMonth: Final = PropertyName(PSETID_Common, 0x1000, PropertyType.INTEGER32)
PidLidICalendarDayOfWeekMask: Final = PropertyName(PSETID_Common, 0x1001, PropertyType.INTEGER32)
PidLidOccurrences: Final = PropertyName(PSETID_Common, 0x1005, PropertyType.INTEGER32)
PidLidMonthOfYear: Final = PropertyName(PSETID_Common, 0x1006, PropertyType.INTEGER32)
PidLidNoEndDateFlag: Final = PropertyName(PSETID_Common, 0x100B, PropertyType.BOOLEAN)
PidLidRecurrenceDuration: Final = PropertyName(PSETID_Common, 0x100D, PropertyType.INTEGER32)
PidLidPromptSendUpdate: Final = PropertyName(PSETID_Common, 0x8045, PropertyType.BOOLEAN)
PidLidReminderDelta: Final = PropertyName(PSETID_Common, 0x8501, PropertyType.INTEGER32)
PidLidReminderTime: Final = PropertyName(PSETID_Common, 0x8502, PropertyType.TIME)
PidLidReminderSet: Final = PropertyName(PSETID_Common, 0x8503, PropertyType.BOOLEAN)
PidLidReminderTimeTime: Final = PropertyName(PSETID_Common, 0x8504, PropertyType.TIME)
PidLidReminderTimeDate: Final = PropertyName(PSETID_Common, 0x8505, PropertyType.TIME)
PidLidPrivate: Final = PropertyName(PSETID_Common, 0x8506, PropertyType.BOOLEAN)
PidLidAgingDontAgeMe: Final = PropertyName(PSETID_Common, 0x850E, PropertyType.BOOLEAN)
PidLidSideEffects: Final = PropertyName(PSETID_Common, 0x8510, PropertyType.INTEGER32)
PidLidRemoteStatus: Final = PropertyName(PSETID_Common, 0x8511, PropertyType.INTEGER32)
PidLidSmartNoAttach: Final = PropertyName(PSETID_Common, 0x8514, PropertyType.BOOLEAN)
PidLidCommonStart: Final = PropertyName(PSETID_Common, 0x8516, PropertyType.TIME)
PidLidCommonEnd: Final = PropertyName(PSETID_Common, 0x8517, PropertyType.TIME)
PidLidTaskMode: Final = PropertyName(PSETID_Common, 0x8518, PropertyType.INTEGER32)
PidLidTaskGlobalId: Final = PropertyName(PSETID_Common, 0x8519, PropertyType.BINARY)
PidLidAutoProcessState: Final = PropertyName(PSETID_Common, 0x851A, PropertyType.INTEGER32)
PidLidReminderOverride: Final = PropertyName(PSETID_Common, 0x851C, PropertyType.BOOLEAN)
PidLidReminderType: Final = PropertyName(PSETID_Common, 0x851D, PropertyType.INTEGER32)
PidLidReminderPlaySound: Final = PropertyName(PSETID_Common, 0x851E, PropertyType.BOOLEAN)
PidLidReminderFileParameter: Final = PropertyName(PSETID_Common, 0x851F, PropertyType.STRING)
PidLidVerbStream: Final = PropertyName(PSETID_Common, 0x8520, PropertyType.BINARY)
PidLidVerbResponse: Final = PropertyName(PSETID_Common, 0x8524, PropertyType.STRING)
PidLidFlagRequest: Final = PropertyName(PSETID_Common, 0x8530, PropertyType.STRING)
PidLidBilling: Final = PropertyName(PSETID_Common, 0x8535, PropertyType.STRING)
PidLidNonSendableTo: Final = PropertyName(PSETID_Common, 0x8536, PropertyType.STRING)
PidLidNonSendableCc: Final = PropertyName(PSETID_Common, 0x8537, PropertyType.STRING)
PidLidNonSendableBcc: Final = PropertyName(PSETID_Common, 0x8538, PropertyType.STRING)
PidLidCompanies: Final = PropertyName(PSETID_Common, 0x8539, PropertyType.MULTIPLE_STRING)
PidLidContacts: Final = PropertyName(PSETID_Common, 0x853A, PropertyType.MULTIPLE_STRING)
PidLidNonSendToTrackStatus: Final = PropertyName(PSETID_Common, 0x8543, PropertyType.MULTIPLE_INTEGER32)
PidLidNonSendCcTrackStatus: Final = PropertyName(PSETID_Common, 0x8544, PropertyType.MULTIPLE_INTEGER32)
PidLidNonSendBccTrackStatus: Final = PropertyName(PSETID_Common, 0x8545, PropertyType.MULTIPLE_INTEGER32)
PidLidCurrentVersion: Final = PropertyName(PSETID_Common, 0x8552, PropertyType.INTEGER32)
PidLidCurrentVersionName: Final = PropertyName(PSETID_Common, 0x8554, PropertyType.STRING)
PidLidReminderSignalTime: Final = PropertyName(PSETID_Common, 0x8560, PropertyType.TIME)
PidLidInternetAccountName: Final = PropertyName(PSETID_Common, 0x8580, PropertyType.STRING)
PidLidInternetAccountStamp: Final = PropertyName(PSETID_Common, 0x8581, PropertyType.STRING)
PidLidUseTnef: Final = PropertyName(PSETID_Common, 0x8582, PropertyType.BOOLEAN)
PidLidContactLinkSearchKey: Final = PropertyName(PSETID_Common, 0x8584, PropertyType.BINARY)
PidLidContactLinkEntry: Final = PropertyName(PSETID_Common, 0x8585, PropertyType.BINARY)
PidLidContactLinkName: Final = PropertyName(PSETID_Common, 0x8586, PropertyType.STRING)
PidLidSpamOriginalFolder: Final = PropertyName(PSETID_Common, 0x859C, PropertyType.BINARY)
PidLidToDoOrdinalDate: Final = PropertyName(PSETID_Common, 0x85A0, PropertyType.TIME)
PidLidToDoSubOrdinal: Final = PropertyName(PSETID_Common, 0x85A1, PropertyType.STRING)
PidLidToDoTitle: Final = PropertyName(PSETID_Common, 0x85A4, PropertyType.STRING)
PidLidInfoPathFormName: Final = PropertyName(PSETID_Common, 0x85B1, PropertyType.STRING)
PidLidClassified: Final = PropertyName(PSETID_Common, 0x85B5, PropertyType.BOOLEAN)
PidLidClassification: Final = PropertyName(PSETID_Common, 0x85B6, PropertyType.STRING)
PidLidClassificationDescription: Final = PropertyName(PSETID_Common, 0x85B7, PropertyType.STRING)
PidLidClassificationGuid: Final = PropertyName(PSETID_Common, 0x85B8, PropertyType.STRING)
PidLidClassificationKeep: Final = PropertyName(PSETID_Common, 0x85BA, PropertyType.BOOLEAN)
PidLidReferenceEntryId: Final = PropertyName(PSETID_Common, 0x85BD, PropertyType.BINARY)
PidLidValidFlagStringProof: Final = PropertyName(PSETID_Common, 0x85BF, PropertyType.TIME)
PidLidFlagString: Final = PropertyName(PSETID_Common, 0x85C0, PropertyType.INTEGER32)
PidLidConversationActionMoveFolderEid: Final = PropertyName(PSETID_Common, 0x85C6, PropertyType.BINARY)
PidLidConversationActionMoveStoreEid: Final = PropertyName(PSETID_Common, 0x85C7, PropertyType.BINARY)
PidLidConversationActionMaxDeliveryTime: Final = PropertyName(PSETID_Common, 0x85C8, PropertyType.TIME)
PidLidConversationProcessed: Final = PropertyName(PSETID_Common, 0x85C9, PropertyType.INTEGER32)
PidLidConversationActionLastAppliedTime: Final = PropertyName(PSETID_Common, 0x85CA, PropertyType.TIME)
PidLidConversationActionVersion: Final = PropertyName(PSETID_Common, 0x85CB, PropertyType.INTEGER32)
PidLidPendingStateForSiteMailboxDocument: Final = PropertyName(PSETID_Common, 0x85E0, PropertyType.INTEGER32)

PidLidAppointmentSequence: Final = PropertyName(PSETID_Appointment, 0x8201, PropertyType.INTEGER32)
PidLidAppointmentSequenceTime: Final = PropertyName(PSETID_Appointment, 0x8202, PropertyType.TIME)
PidLidAppointmentLastSequence: Final = PropertyName(PSETID_Appointment, 0x8203, PropertyType.INTEGER32)
PidLidChangeHighlight: Final = PropertyName(PSETID_Appointment, 0x8204, PropertyType.INTEGER32)
PidLidBusyStatus: Final = PropertyName(PSETID_Appointment, 0x8205, PropertyType.INTEGER32)
PidLidFExceptionalBody: Final = PropertyName(PSETID_Appointment, 0x8206, PropertyType.BOOLEAN)
PidLidAppointmentAuxiliaryFlags: Final = PropertyName(PSETID_Appointment, 0x8207, PropertyType.INTEGER32)
PidLidLocation: Final = PropertyName(PSETID_Appointment, 0x8208, PropertyType.STRING)
PidLidMeetingWorkspaceUrl: Final = PropertyName(PSETID_Appointment, 0x8209, PropertyType.STRING)
PidLidForwardInstance: Final = PropertyName(PSETID_Appointment, 0x820A, PropertyType.BOOLEAN)
PidLidLinkedTaskItems: Final = PropertyName(PSETID_Appointment, 0x820C, PropertyType.MULTIPLE_BINARY)
PidLidAppointmentStartWhole: Final = PropertyName(PSETID_Appointment, 0x820D, PropertyType.TIME)
PidLidAppointmentEndWhole: Final = PropertyName(PSETID_Appointment, 0x820E, PropertyType.TIME)
PidLidAppointmentStartTime: Final = PropertyName(PSETID_Appointment, 0x820F, PropertyType.TIME)
PidLidAppointmentEndTime: Final = PropertyName(PSETID_Appointment, 0x8210, PropertyType.TIME)
PidLidAppointmentEndDate: Final = PropertyName(PSETID_Appointment, 0x8211, PropertyType.TIME)
PidLidAppointmentStartDate: Final = PropertyName(PSETID_Appointment, 0x8212, PropertyType.TIME)
PidLidAppointmentDuration: Final = PropertyName(PSETID_Appointment, 0x8213, PropertyType.INTEGER32)
PidLidAppointmentColor: Final = PropertyName(PSETID_Appointment, 0x8214, PropertyType.INTEGER32)
PidLidAppointmentSubType: Final = PropertyName(PSETID_Appointment, 0x8215, PropertyType.BOOLEAN)
PidLidAppointmentRecur: Final = PropertyName(PSETID_Appointment, 0x8216, PropertyType.BINARY)
PidLidAppointmentStateFlags: Final = PropertyName(PSETID_Appointment, 0x8217, PropertyType.INTEGER32)
PidLidResponseStatus: Final = PropertyName(PSETID_Appointment, 0x8218, PropertyType.INTEGER32)
PidLidAppointmentReplyTime: Final = PropertyName(PSETID_Appointment, 0x8220, PropertyType.TIME)
PidLidRecurring: Final = PropertyName(PSETID_Appointment, 0x8223, PropertyType.BOOLEAN)
PidLidIntendedBusyStatus: Final = PropertyName(PSETID_Appointment, 0x8224, PropertyType.INTEGER32)
PidLidAppointmentUpdateTime: Final = PropertyName(PSETID_Appointment, 0x8226, PropertyType.TIME)
PidLidExceptionReplaceTime: Final = PropertyName(PSETID_Appointment, 0x8228, PropertyType.TIME)
PidLidFInvited: Final = PropertyName(PSETID_Appointment, 0x8229, PropertyType.BOOLEAN)
PidLidFExceptionalAttendees: Final = PropertyName(PSETID_Appointment, 0x822B, PropertyType.BOOLEAN)
PidLidOwnerName: Final = PropertyName(PSETID_Appointment, 0x822E, PropertyType.STRING)
PidLidFOthersAppointment: Final = PropertyName(PSETID_Appointment, 0x822F, PropertyType.BOOLEAN)
PidLidAppointmentReplyName: Final = PropertyName(PSETID_Appointment, 0x8230, PropertyType.STRING)
PidLidRecurrenceType: Final = PropertyName(PSETID_Appointment, 0x8231, PropertyType.INTEGER32)
PidLidRecurrencePattern: Final = PropertyName(PSETID_Appointment, 0x8232, PropertyType.STRING)
PidLidTimeZoneStruct: Final = PropertyName(PSETID_Appointment, 0x8233, PropertyType.BINARY)
PidLidTimeZoneDescription: Final = PropertyName(PSETID_Appointment, 0x8234, PropertyType.STRING)
PidLidClipStart: Final = PropertyName(PSETID_Appointment, 0x8235, PropertyType.TIME)
PidLidClipEnd: Final = PropertyName(PSETID_Appointment, 0x8236, PropertyType.TIME)
PidLidOriginalStoreEntryId: Final = PropertyName(PSETID_Appointment, 0x8237, PropertyType.BINARY)
PidLidAllAttendeesString: Final = PropertyName(PSETID_Appointment, 0x8238, PropertyType.STRING)
PidLidAutoFillLocation: Final = PropertyName(PSETID_Appointment, 0x823A, PropertyType.BOOLEAN)
PidLidToAttendeesString: Final = PropertyName(PSETID_Appointment, 0x823B, PropertyType.STRING)
PidLidCcAttendeesString: Final = PropertyName(PSETID_Appointment, 0x823C, PropertyType.STRING)
PidLidConferencingCheck: Final = PropertyName(PSETID_Appointment, 0x8240, PropertyType.BOOLEAN)
PidLidConferencingType: Final = PropertyName(PSETID_Appointment, 0x8241, PropertyType.INTEGER32)
PidLidDirectory: Final = PropertyName(PSETID_Appointment, 0x8242, PropertyType.STRING)
PidLidOrganizerAlias: Final = PropertyName(PSETID_Appointment, 0x8243, PropertyType.STRING)
PidLidAutoStartCheck: Final = PropertyName(PSETID_Appointment, 0x8244, PropertyType.BOOLEAN)
PidLidAllowExternalCheck: Final = PropertyName(PSETID_Appointment, 0x8246, PropertyType.BOOLEAN)
PidLidCollaborateDoc: Final = PropertyName(PSETID_Appointment, 0x8247, PropertyType.STRING)
PidLidNetShowUrl: Final = PropertyName(PSETID_Appointment, 0x8248, PropertyType.STRING)
PidLidOnlinePassword: Final = PropertyName(PSETID_Appointment, 0x8249, PropertyType.STRING)
PidLidAppointmentProposedStartWhole: Final = PropertyName(PSETID_Appointment, 0x8250, PropertyType.TIME)
PidLidAppointmentProposedEndWhole: Final = PropertyName(PSETID_Appointment, 0x8251, PropertyType.TIME)
PidLidAppointmentProposedDuration: Final = PropertyName(PSETID_Appointment, 0x8256, PropertyType.INTEGER32)
PidLidAppointmentCounterProposal: Final = PropertyName(PSETID_Appointment, 0x8257, PropertyType.BOOLEAN)
PidLidAppointmentProposalNumber: Final = PropertyName(PSETID_Appointment, 0x8259, PropertyType.INTEGER32)
PidLidAppointmentNotAllowPropose: Final = PropertyName(PSETID_Appointment, 0x825A, PropertyType.BOOLEAN)
PidLidAppointmentUnsendableRecipients: Final = PropertyName(PSETID_Appointment, 0x825D, PropertyType.BINARY)
PidLidAppointmentTimeZoneDefinitionStartDisplay: Final = PropertyName(PSETID_Appointment, 0x825E, PropertyType.BINARY)
PidLidAppointmentTimeZoneDefinitionEndDisplay: Final = PropertyName(PSETID_Appointment, 0x825F, PropertyType.BINARY)
PidLidAppointmentTimeZoneDefinitionRecur: Final = PropertyName(PSETID_Appointment, 0x8260, PropertyType.BINARY)
PidLidForwardNotificationRecipients: Final = PropertyName(PSETID_Appointment, 0x8261, PropertyType.BINARY)
PidLidInboundICalStream: Final = PropertyName(PSETID_Appointment, 0x827A, PropertyType.BINARY)
PidLidSingleBodyICal: Final = PropertyName(PSETID_Appointment, 0x827B, PropertyType.BOOLEAN)

PidLidAttendeeCriticalChange: Final = PropertyName(PSETID_Meeting, 0x0001, PropertyType.TIME)
PidLidWhere: Final = PropertyName(PSETID_Meeting, 0x0002, PropertyType.STRING)
PidLidGlobalObjectId: Final = PropertyName(PSETID_Meeting, 0x0003, PropertyType.BINARY)
PidLidIsSilent: Final = PropertyName(PSETID_Meeting, 0x0004, PropertyType.BOOLEAN)
PidLidIsRecurring: Final = PropertyName(PSETID_Meeting, 0x0005, PropertyType.BOOLEAN)
PidLidRequiredAttendees: Final = PropertyName(PSETID_Meeting, 0x0006, PropertyType.STRING)
PidLidOptionalAttendees: Final = PropertyName(PSETID_Meeting, 0x0007, PropertyType.STRING)
PidLidResourceAttendees: Final = PropertyName(PSETID_Meeting, 0x0008, PropertyType.STRING)
PidLidDelegateMail: Final = PropertyName(PSETID_Meeting, 0x0009, PropertyType.BOOLEAN)
PidLidIsException: Final = PropertyName(PSETID_Meeting, 0x000A, PropertyType.BOOLEAN)
PidLidTimeZone: Final = PropertyName(PSETID_Meeting, 0x000C, PropertyType.INTEGER32)
PidLidStartRecurrenceDate: Final = PropertyName(PSETID_Meeting, 0x000D, PropertyType.INTEGER32)
PidLidStartRecurrenceTime: Final = PropertyName(PSETID_Meeting, 0x000E, PropertyType.INTEGER32)
PidLidEndRecurrenceDate: Final = PropertyName(PSETID_Meeting, 0x000F, PropertyType.INTEGER32)
PidLidEndRecurrenceTime: Final = PropertyName(PSETID_Meeting, 0x0010, PropertyType.INTEGER32)
PidLidDayInterval: Final = PropertyName(PSETID_Meeting, 0x0011, PropertyType.INTEGER16)
PidLidWeekInterval: Final = PropertyName(PSETID_Meeting, 0x0012, PropertyType.INTEGER16)
PidLidMonthInterval: Final = PropertyName(PSETID_Meeting, 0x0013, PropertyType.INTEGER16)
PidLidYearInterval: Final = PropertyName(PSETID_Meeting, 0x0014, PropertyType.INTEGER16)
PidLidMonthOfYearMask: Final = PropertyName(PSETID_Meeting, 0x0017, PropertyType.INTEGER32)
PidLidOldRecurrenceType: Final = PropertyName(PSETID_Meeting, 0x0018, PropertyType.INTEGER16)
PidLidOwnerCriticalChange: Final = PropertyName(PSETID_Meeting, 0x001A, PropertyType.TIME)
PidLidCalendarType: Final = PropertyName(PSETID_Meeting, 0x001C, PropertyType.INTEGER32)
PidLidCleanGlobalObjectId: Final = PropertyName(PSETID_Meeting, 0x0023, PropertyType.BINARY)
PidLidAppointmentMessageClass: Final = PropertyName(PSETID_Meeting, 0x0024, PropertyType.STRING)
PidLidMeetingType: Final = PropertyName(PSETID_Meeting, 0x0026, PropertyType.INTEGER32)
PidLidOldLocation: Final = PropertyName(PSETID_Meeting, 0x0028, PropertyType.STRING)
PidLidOldWhenStartWhole: Final = PropertyName(PSETID_Meeting, 0x0029, PropertyType.TIME)
PidLidOldWhenEndWhole: Final = PropertyName(PSETID_Meeting, 0x002A, PropertyType.TIME)

PidLidTaskStatus: Final = PropertyName(PSETID_Task, 0x8101, PropertyType.INTEGER32)
PidLidPercentComplete: Final = PropertyName(PSETID_Task, 0x8102, PropertyType.FLOATING64)
PidLidTeamTask: Final = PropertyName(PSETID_Task, 0x8103, PropertyType.BOOLEAN)
PidLidTaskStartDate: Final = PropertyName(PSETID_Task, 0x8104, PropertyType.TIME)
PidLidTaskDueDate: Final = PropertyName(PSETID_Task, 0x8105, PropertyType.TIME)
PidLidTaskResetReminder: Final = PropertyName(PSETID_Task, 0x8107, PropertyType.BOOLEAN)
PidLidTaskAccepted: Final = PropertyName(PSETID_Task, 0x8108, PropertyType.BOOLEAN)
PidLidTaskDeadOccurrence: Final = PropertyName(PSETID_Task, 0x8109, PropertyType.BOOLEAN)
PidLidTaskDateCompleted: Final = PropertyName(PSETID_Task, 0x810F, PropertyType.TIME)
PidLidTaskActualEffort: Final = PropertyName(PSETID_Task, 0x8110, PropertyType.INTEGER32)
PidLidTaskEstimatedEffort: Final = PropertyName(PSETID_Task, 0x8111, PropertyType.INTEGER32)
PidLidTaskVersion: Final = PropertyName(PSETID_Task, 0x8112, PropertyType.INTEGER32)
PidLidTaskState: Final = PropertyName(PSETID_Task, 0x8113, PropertyType.INTEGER32)
PidLidTaskLastUpdate: Final = PropertyName(PSETID_Task, 0x8115, PropertyType.TIME)
PidLidTaskRecurrence: Final = PropertyName(PSETID_Task, 0x8116, PropertyType.BINARY)
PidLidTaskAssigners: Final = PropertyName(PSETID_Task, 0x8117, PropertyType.BINARY)
PidLidTaskStatusOnComplete: Final = PropertyName(PSETID_Task, 0x8119, PropertyType.BOOLEAN)
PidLidTaskHistory: Final = PropertyName(PSETID_Task, 0x811A, PropertyType.INTEGER32)
PidLidTaskUpdates: Final = PropertyName(PSETID_Task, 0x811B, PropertyType.BOOLEAN)
PidLidTaskComplete: Final = PropertyName(PSETID_Task, 0x811C, PropertyType.BOOLEAN)
PidLidTaskFCreator: Final = PropertyName(PSETID_Task, 0x811E, PropertyType.BOOLEAN)
PidLidTaskOwner: Final = PropertyName(PSETID_Task, 0x811F, PropertyType.STRING)
PidLidTaskMultipleRecipients: Final = PropertyName(PSETID_Task, 0x8120, PropertyType.INTEGER32)
PidLidTaskAssigner: Final = PropertyName(PSETID_Task, 0x8121, PropertyType.STRING)
PidLidTaskLastUser: Final = PropertyName(PSETID_Task, 0x8122, PropertyType.STRING)
PidLidTaskOrdinal: Final = PropertyName(PSETID_Task, 0x8123, PropertyType.INTEGER32)
PidLidTaskNoCompute: Final = PropertyName(PSETID_Task, 0x8124, PropertyType.BOOLEAN)
PidLidTaskLastDelegate: Final = PropertyName(PSETID_Task, 0x8125, PropertyType.STRING)
PidLidTaskFRecurring: Final = PropertyName(PSETID_Task, 0x8126, PropertyType.BOOLEAN)
PidLidTaskRole: Final = PropertyName(PSETID_Task, 0x8127, PropertyType.STRING)
PidLidTaskOwnership: Final = PropertyName(PSETID_Task, 0x8129, PropertyType.INTEGER32)
PidLidTaskAcceptanceState: Final = PropertyName(PSETID_Task, 0x812A, PropertyType.INTEGER32)
PidLidTaskFFixOffline: Final = PropertyName(PSETID_Task, 0x812C, PropertyType.BOOLEAN)
PidLidTaskCustomFlags: Final = PropertyName(PSETID_Task, 0x8139, PropertyType.INTEGER32)

PidLidFileUnder: Final = PropertyName(PSETID_Address, 0x8005, PropertyType.STRING)
PidLidFileUnderId: Final = PropertyName(PSETID_Address, 0x8006, PropertyType.INTEGER32)
PidLidContactItemData: Final = PropertyName(PSETID_Address, 0x8007, PropertyType.MULTIPLE_INTEGER32)
PidLidDepartment: Final = PropertyName(PSETID_Address, 0x8010, PropertyType.STRING)
PidLidHasPicture: Final = PropertyName(PSETID_Address, 0x8015, PropertyType.BOOLEAN)
PidLidHomeAddress: Final = PropertyName(PSETID_Address, 0x801A, PropertyType.STRING)
PidLidWorkAddress: Final = PropertyName(PSETID_Address, 0x801B, PropertyType.STRING)
PidLidOtherAddress: Final = PropertyName(PSETID_Address, 0x801C, PropertyType.STRING)
PidLidPostalAddressId: Final = PropertyName(PSETID_Address, 0x8022, PropertyType.INTEGER32)
PidLidContactCharacterSet: Final = PropertyName(PSETID_Address, 0x8023, PropertyType.INTEGER32)
PidLidAutoLog: Final = PropertyName(PSETID_Address, 0x8025, PropertyType.BOOLEAN)
PidLidFileUnderList: Final = PropertyName(PSETID_Address, 0x8026, PropertyType.MULTIPLE_INTEGER32)
PidLidAddressBookProviderEmailList: Final = PropertyName(PSETID_Address, 0x8028, PropertyType.MULTIPLE_INTEGER32)
PidLidAddressBookProviderArrayType: Final = PropertyName(PSETID_Address, 0x8029, PropertyType.INTEGER32)
PidLidHtml: Final = PropertyName(PSETID_Address, 0x802B, PropertyType.STRING)
PidLidYomiFirstName: Final = PropertyName(PSETID_Address, 0x802C, PropertyType.STRING)
PidLidYomiLastName: Final = PropertyName(PSETID_Address, 0x802D, PropertyType.STRING)
PidLidYomiCompanyName: Final = PropertyName(PSETID_Address, 0x802E, PropertyType.STRING)
PidLidBusinessCardDisplayDefinition: Final = PropertyName(PSETID_Address, 0x8040, PropertyType.BINARY)
PidLidBusinessCardCardPicture: Final = PropertyName(PSETID_Address, 0x8041, PropertyType.BINARY)
PidLidWorkAddressStreet: Final = PropertyName(PSETID_Address, 0x8045, PropertyType.STRING)
PidLidWorkAddressCity: Final = PropertyName(PSETID_Address, 0x8046, PropertyType.STRING)
PidLidWorkAddressState: Final = PropertyName(PSETID_Address, 0x8047, PropertyType.STRING)
PidLidWorkAddressPostalCode: Final = PropertyName(PSETID_Address, 0x8048, PropertyType.STRING)
PidLidWorkAddressCountry: Final = PropertyName(PSETID_Address, 0x8049, PropertyType.STRING)
PidLidWorkAddressPostOfficeBox: Final = PropertyName(PSETID_Address, 0x804A, PropertyType.STRING)
PidLidDistributionListChecksum: Final = PropertyName(PSETID_Address, 0x804C, PropertyType.INTEGER32)
PidLidBirthdayEventEntryId: Final = PropertyName(PSETID_Address, 0x804D, PropertyType.BINARY)
PidLidAnniversaryEventEntryId: Final = PropertyName(PSETID_Address, 0x804E, PropertyType.BINARY)
PidLidContactUserField1: Final = PropertyName(PSETID_Address, 0x804F, PropertyType.STRING)
PidLidContactUserField2: Final = PropertyName(PSETID_Address, 0x8050, PropertyType.STRING)
PidLidContactUserField3: Final = PropertyName(PSETID_Address, 0x8051, PropertyType.STRING)
PidLidContactUserField4: Final = PropertyName(PSETID_Address, 0x8052, PropertyType.STRING)
PidLidDistributionListName: Final = PropertyName(PSETID_Address, 0x8053, PropertyType.STRING)
PidLidDistributionListOneOffMembers: Final = PropertyName(PSETID_Address, 0x8054, PropertyType.MULTIPLE_BINARY)
PidLidDistributionListMembers: Final = PropertyName(PSETID_Address, 0x8055, PropertyType.MULTIPLE_BINARY)
PidLidInstantMessagingAddress: Final = PropertyName(PSETID_Address, 0x8062, PropertyType.STRING)
PidLidDistributionListStream: Final = PropertyName(PSETID_Address, 0x8064, PropertyType.BINARY)
PidLidEmail1DisplayName: Final = PropertyName(PSETID_Address, 0x8080, PropertyType.STRING)
PidLidEmail1AddressType: Final = PropertyName(PSETID_Address, 0x8082, PropertyType.STRING)
PidLidEmail1EmailAddress: Final = PropertyName(PSETID_Address, 0x8083, PropertyType.STRING)
PidLidEmail1OriginalDisplayName: Final = PropertyName(PSETID_Address, 0x8084, PropertyType.STRING)
PidLidEmail1OriginalEntryId: Final = PropertyName(PSETID_Address, 0x8085, PropertyType.BINARY)
PidLidEmail2DisplayName: Final = PropertyName(PSETID_Address, 0x8090, PropertyType.STRING)
PidLidEmail2AddressType: Final = PropertyName(PSETID_Address, 0x8092, PropertyType.STRING)
PidLidEmail2EmailAddress: Final = PropertyName(PSETID_Address, 0x8093, PropertyType.STRING)
PidLidEmail2OriginalDisplayName: Final = PropertyName(PSETID_Address, 0x8094, PropertyType.STRING)
PidLidEmail2OriginalEntryId: Final = PropertyName(PSETID_Address, 0x8095, PropertyType.BINARY)
PidLidEmail3DisplayName: Final = PropertyName(PSETID_Address, 0x80A0, PropertyType.STRING)
PidLidEmail3AddressType: Final = PropertyName(PSETID_Address, 0x80A2, PropertyType.STRING)
PidLidEmail3EmailAddress: Final = PropertyName(PSETID_Address, 0x80A3, PropertyType.STRING)
PidLidEmail3OriginalDisplayName: Final = PropertyName(PSETID_Address, 0x80A4, PropertyType.STRING)
PidLidEmail3OriginalEntryId: Final = PropertyName(PSETID_Address, 0x80A5, PropertyType.BINARY)
PidLidFax1AddressType: Final = PropertyName(PSETID_Address, 0x80B2, PropertyType.STRING)
PidLidFax1EmailAddress: Final = PropertyName(PSETID_Address, 0x80B3, PropertyType.STRING)
PidLidFax1OriginalDisplayName: Final = PropertyName(PSETID_Address, 0x80B4, PropertyType.STRING)
PidLidFax1OriginalEntryId: Final = PropertyName(PSETID_Address, 0x80B5, PropertyType.BINARY)
PidLidFax2AddressType: Final = PropertyName(PSETID_Address, 0x80C2, PropertyType.STRING)
PidLidFax2EmailAddress: Final = PropertyName(PSETID_Address, 0x80C3, PropertyType.STRING)
PidLidFax2OriginalDisplayName: Final = PropertyName(PSETID_Address, 0x80C4, PropertyType.STRING)
PidLidFax2OriginalEntryId: Final = PropertyName(PSETID_Address, 0x80C5, PropertyType.BINARY)
PidLidFax3AddressType: Final = PropertyName(PSETID_Address, 0x80D2, PropertyType.STRING)
PidLidFax3EmailAddress: Final = PropertyName(PSETID_Address, 0x80D3, PropertyType.STRING)
PidLidFax3OriginalDisplayName: Final = PropertyName(PSETID_Address, 0x80D4, PropertyType.STRING)
PidLidFax3OriginalEntryId: Final = PropertyName(PSETID_Address, 0x80D5, PropertyType.BINARY)
PidLidFreeBusyLocation: Final = PropertyName(PSETID_Address, 0x80D8, PropertyType.STRING)
PidLidHomeAddressCountryCode: Final = PropertyName(PSETID_Address, 0x80DA, PropertyType.STRING)
PidLidWorkAddressCountryCode: Final = PropertyName(PSETID_Address, 0x80DB, PropertyType.STRING)
PidLidOtherAddressCountryCode: Final = PropertyName(PSETID_Address, 0x80DC, PropertyType.STRING)
PidLidAddressCountryCode: Final = PropertyName(PSETID_Address, 0x80DD, PropertyType.STRING)
PidLidBirthdayLocal: Final = PropertyName(PSETID_Address, 0x80DE, PropertyType.TIME)
PidLidWeddingAnniversaryLocal: Final = PropertyName(PSETID_Address, 0x80DF, PropertyType.TIME)
PidLidIsContactLinked: Final = PropertyName(PSETID_Address, 0x80E0, PropertyType.BOOLEAN)
PidLidContactLinkedGlobalAddressListEntryId: Final = PropertyName(PSETID_Address, 0x80E2, PropertyType.BINARY)
PidLidContactLinkSMTPAddressCache: Final = PropertyName(PSETID_Address, 0x80E3, PropertyType.MULTIPLE_STRING)
PidLidContactLinkLinkRejectHistory: Final = PropertyName(PSETID_Address, 0x80E5, PropertyType.MULTIPLE_BINARY)
PidLidContactLinkGlobalAddressListLinkState: Final = PropertyName(PSETID_Address, 0x80E6, PropertyType.INTEGER32)
PidLidContactLinkGlobalAddressListLinkId: Final = PropertyName(PSETID_Address, 0x80E8, PropertyType.GUID)

PidLidLogType: Final = PropertyName(PSETID_Log, 0x8700, PropertyType.STRING)
PidLidLogStart: Final = PropertyName(PSETID_Log, 0x8706, PropertyType.TIME)
PidLidLogDuration: Final = PropertyName(PSETID_Log, 0x8707, PropertyType.INTEGER32)
PidLidLogEnd: Final = PropertyName(PSETID_Log, 0x8708, PropertyType.TIME)
PidLidLogFlags: Final = PropertyName(PSETID_Log, 0x870C, PropertyType.INTEGER32)
PidLidLogDocumentPrinted: Final = PropertyName(PSETID_Log, 0x870E, PropertyType.BOOLEAN)
PidLidLogDocumentSaved: Final = PropertyName(PSETID_Log, 0x870F, PropertyType.BOOLEAN)
PidLidLogDocumentRouted: Final = PropertyName(PSETID_Log, 0x8710, PropertyType.BOOLEAN)
PidLidLogDocumentPosted: Final = PropertyName(PSETID_Log, 0x8711, PropertyType.BOOLEAN)
PidLidLogTypeDesc: Final = PropertyName(PSETID_Log, 0x8712, PropertyType.STRING)

PidLidNoteColor: Final = PropertyName(PSETID_Note, 0x8B00, PropertyType.INTEGER32)
PidLidNoteWidth: Final = PropertyName(PSETID_Note, 0x8B02, PropertyType.INTEGER32)
PidLidNoteHeight: Final = PropertyName(PSETID_Note, 0x8B03, PropertyType.INTEGER32)
PidLidNoteX: Final = PropertyName(PSETID_Note, 0x8B04, PropertyType.INTEGER32)
PidLidNoteY: Final = PropertyName(PSETID_Note, 0x8B05, PropertyType.INTEGER32)

PidLidPostRssChannelLink: Final = PropertyName(PSETID_PostRss, 0x8900, PropertyType.STRING)
PidLidPostRssItemLink: Final = PropertyName(PSETID_PostRss, 0x8901, PropertyType.STRING)
PidLidPostRssItemHash: Final = PropertyName(PSETID_PostRss, 0x8902, PropertyType.INTEGER32)
PidLidPostRssItemGuid: Final = PropertyName(PSETID_PostRss, 0x8903, PropertyType.STRING)
PidLidPostRssChannel: Final = PropertyName(PSETID_PostRss, 0x8904, PropertyType.STRING)
PidLidPostRssItemXml: Final = PropertyName(PSETID_PostRss, 0x8905, PropertyType.STRING)
PidLidPostRssSubscription: Final = PropertyName(PSETID_PostRss, 0x8906, PropertyType.STRING)

PidNameAttachmentMacContentType: Final = PropertyName(
    PSETID_Attachment, "AttachmentMacContentType", PropertyType.STRING
)
PidNameAttachmentMacInfo: Final = PropertyName(PSETID_Attachment, "AttachmentMacInfo", PropertyType.BINARY)

PidLidClientIntent: Final = PropertyName(PSETID_CalendarAssistant, 0x0015, PropertyType.INTEGER32)
PidLidServerProcessed: Final = PropertyName(PSETID_CalendarAssistant, 0x85CC, PropertyType.BOOLEAN)
PidLidServerProcessingActions: Final = PropertyName(PSETID_CalendarAssistant, 0x85CD, PropertyType.INTEGER32)

PidNameAutomaticSpeechRecognitionData: Final = PropertyName(PSETID_UnifiedMessaging, "AsrData", PropertyType.BINARY)
PidNameAudioNotes: Final = PropertyName(PSETID_UnifiedMessaging, "UMAudioNotes", PropertyType.STRING)

PidLidRemoteTransferSize: Final = PropertyName(PSETID_Remote, 0x8F05, PropertyType.INTEGER32)


def internet_header(name: str) -> PropertyName:
    """Name the property that holds a header field without one of its own ([MS-OXCMAIL] 2.1.3.2).

    The field's name is compared without regard to case, so the property's name is its lower-case form.
    """
    return PropertyName(PS_INTERNET_HEADERS, name.lower(), PropertyType.STRING)


# Header fields met in most mailboxes: with a number of their own no mailbox spends a dynamic one on them.
_COMMON_HEADERS: Final = (
    "x-mailer",
    "user-agent",
    "x-unsent",
    "newsgroups",
    "followup-to",
    "organization",
    "comments",
    "list-id",
    "list-post",
    "list-archive",
    "list-owner",
    "list-unsubscribe-post",
    "precedence",
    "auto-submitted",
    "return-path",
    "delivered-to",
    "dkim-signature",
    "domainkey-signature",
    "authentication-results",
    "arc-authentication-results",
    "received-spf",
    "x-originating-ip",
    "x-spam-flag",
    "x-spam-level",
    "x-spam-score",
    "x-spam-status",
    "x-spam-checker-version",
    "x-virus-scanned",
    "x-report-abuse",
    "feedback-id",
    "x-loop",
    "x-auto-response-suppress",
    "x-mimeole",
    "x-forwarded-to",
    "x-original-to",
    "x-beenthere",
    "resent-from",
    "resent-to",
    "resent-date",
    "resent-message-id",
    "autocrypt",
    "errors-to",
    "x-face",
    "x-google-smtp-source",
    "x-ms-exchange-messagesentrepresentingtype",
    "x-ms-journal-report",
    "x-cr-hashedpuzzle",
    "x-cr-puzzleid",
)

WELL_KNOWN_NAMES: Final[tuple[PropertyName, ...]] = (
    PidNameApplicationName,
    PidNameRightsManagementLicense,
    PidNameKeywords,
    PidNameOMSAccountGuid,
    PidNameSubject,
    PidNamePhishingStamp,
    PidNameQuarantineOriginalSender,
    PidNameCalendarAttendeeRole,
    PidNameCalendarContact,
    PidNameCalendarContactUrl,
    PidNameCalendarGeoLatitude,
    PidNameCalendarGeoLongitude,
    PidNameCalendarInstanceType,
    PidNameCalendarIsOrganizer,
    PidNameCalendarLocationUrl,
    PidNameCalendarMeetingStatus,
    PidNameCalendarMethod,
    PidNameCalendarReminderOffset,
    PidNameCalendarResources,
    PidNameCalendarRsvp,
    PidNameCalendarSequence,
    PidNameCalendarTimeZoneId,
    PidNameCalendarTransparent,
    PidNameCalendarUid,
    PidNameCalendarVersion,
    PidNameHttpmailSendMessage,
    PidNameDoNotForward,
    PidNameAcceptLanguage,
    PidNameContentBase,
    PidNameContentClass,
    PidNameContentType,
    PidNameFrom,
    PidNameInternetSubject,
    PidNameXVoiceMessageAttachmentOrder,
    PidNameXCallId,
    PidNameXSenderTelephoneNumber,
    PidNameXFaxNumberOfPages,
    PidNameXRequireProtectedPlayOnPhone,
    PidNameXVoiceMessageDuration,
    PidNameXVoiceMessageSenderName,
    PidNameCrossReference,
    PidLidDayOfMonth,
    PidLidICalendarDayOfWeekMask,
    PidLidOccurrences,
    PidLidMonthOfYear,
    PidLidNoEndDateFlag,
    PidLidRecurrenceDuration,
    PidLidPromptSendUpdate,
    PidLidReminderDelta,
    PidLidReminderTime,
    PidLidReminderSet,
    PidLidReminderTimeTime,
    PidLidReminderTimeDate,
    PidLidPrivate,
    PidLidAgingDontAgeMe,
    PidLidSideEffects,
    PidLidRemoteStatus,
    PidLidSmartNoAttach,
    PidLidCommonStart,
    PidLidCommonEnd,
    PidLidTaskMode,
    PidLidTaskGlobalId,
    PidLidAutoProcessState,
    PidLidReminderOverride,
    PidLidReminderType,
    PidLidReminderPlaySound,
    PidLidReminderFileParameter,
    PidLidVerbStream,
    PidLidVerbResponse,
    PidLidFlagRequest,
    PidLidBilling,
    PidLidNonSendableTo,
    PidLidNonSendableCc,
    PidLidNonSendableBcc,
    PidLidCompanies,
    PidLidContacts,
    PidLidNonSendToTrackStatus,
    PidLidNonSendCcTrackStatus,
    PidLidNonSendBccTrackStatus,
    PidLidCurrentVersion,
    PidLidCurrentVersionName,
    PidLidReminderSignalTime,
    PidLidInternetAccountName,
    PidLidInternetAccountStamp,
    PidLidUseTnef,
    PidLidContactLinkSearchKey,
    PidLidContactLinkEntry,
    PidLidContactLinkName,
    PidLidSpamOriginalFolder,
    PidLidToDoOrdinalDate,
    PidLidToDoSubOrdinal,
    PidLidToDoTitle,
    PidLidInfoPathFormName,
    PidLidClassified,
    PidLidClassification,
    PidLidClassificationDescription,
    PidLidClassificationGuid,
    PidLidClassificationKeep,
    PidLidReferenceEntryId,
    PidLidValidFlagStringProof,
    PidLidFlagString,
    PidLidConversationActionMoveFolderEid,
    PidLidConversationActionMoveStoreEid,
    PidLidConversationActionMaxDeliveryTime,
    PidLidConversationProcessed,
    PidLidConversationActionLastAppliedTime,
    PidLidConversationActionVersion,
    PidLidPendingStateForSiteMailboxDocument,
    PidLidAppointmentSequence,
    PidLidAppointmentSequenceTime,
    PidLidAppointmentLastSequence,
    PidLidChangeHighlight,
    PidLidBusyStatus,
    PidLidFExceptionalBody,
    PidLidAppointmentAuxiliaryFlags,
    PidLidLocation,
    PidLidMeetingWorkspaceUrl,
    PidLidForwardInstance,
    PidLidLinkedTaskItems,
    PidLidAppointmentStartWhole,
    PidLidAppointmentEndWhole,
    PidLidAppointmentStartTime,
    PidLidAppointmentEndTime,
    PidLidAppointmentEndDate,
    PidLidAppointmentStartDate,
    PidLidAppointmentDuration,
    PidLidAppointmentColor,
    PidLidAppointmentSubType,
    PidLidAppointmentRecur,
    PidLidAppointmentStateFlags,
    PidLidResponseStatus,
    PidLidAppointmentReplyTime,
    PidLidRecurring,
    PidLidIntendedBusyStatus,
    PidLidAppointmentUpdateTime,
    PidLidExceptionReplaceTime,
    PidLidFInvited,
    PidLidFExceptionalAttendees,
    PidLidOwnerName,
    PidLidFOthersAppointment,
    PidLidAppointmentReplyName,
    PidLidRecurrenceType,
    PidLidRecurrencePattern,
    PidLidTimeZoneStruct,
    PidLidTimeZoneDescription,
    PidLidClipStart,
    PidLidClipEnd,
    PidLidOriginalStoreEntryId,
    PidLidAllAttendeesString,
    PidLidAutoFillLocation,
    PidLidToAttendeesString,
    PidLidCcAttendeesString,
    PidLidConferencingCheck,
    PidLidConferencingType,
    PidLidDirectory,
    PidLidOrganizerAlias,
    PidLidAutoStartCheck,
    PidLidAllowExternalCheck,
    PidLidCollaborateDoc,
    PidLidNetShowUrl,
    PidLidOnlinePassword,
    PidLidAppointmentProposedStartWhole,
    PidLidAppointmentProposedEndWhole,
    PidLidAppointmentProposedDuration,
    PidLidAppointmentCounterProposal,
    PidLidAppointmentProposalNumber,
    PidLidAppointmentNotAllowPropose,
    PidLidAppointmentUnsendableRecipients,
    PidLidAppointmentTimeZoneDefinitionStartDisplay,
    PidLidAppointmentTimeZoneDefinitionEndDisplay,
    PidLidAppointmentTimeZoneDefinitionRecur,
    PidLidForwardNotificationRecipients,
    PidLidInboundICalStream,
    PidLidSingleBodyICal,
    PidLidAttendeeCriticalChange,
    PidLidWhere,
    PidLidGlobalObjectId,
    PidLidIsSilent,
    PidLidIsRecurring,
    PidLidRequiredAttendees,
    PidLidOptionalAttendees,
    PidLidResourceAttendees,
    PidLidDelegateMail,
    PidLidIsException,
    PidLidTimeZone,
    PidLidStartRecurrenceDate,
    PidLidStartRecurrenceTime,
    PidLidEndRecurrenceDate,
    PidLidEndRecurrenceTime,
    PidLidDayInterval,
    PidLidWeekInterval,
    PidLidMonthInterval,
    PidLidYearInterval,
    PidLidMonthOfYearMask,
    PidLidOldRecurrenceType,
    PidLidOwnerCriticalChange,
    PidLidCalendarType,
    PidLidCleanGlobalObjectId,
    PidLidAppointmentMessageClass,
    PidLidMeetingType,
    PidLidOldLocation,
    PidLidOldWhenStartWhole,
    PidLidOldWhenEndWhole,
    PidLidTaskStatus,
    PidLidPercentComplete,
    PidLidTeamTask,
    PidLidTaskStartDate,
    PidLidTaskDueDate,
    PidLidTaskResetReminder,
    PidLidTaskAccepted,
    PidLidTaskDeadOccurrence,
    PidLidTaskDateCompleted,
    PidLidTaskActualEffort,
    PidLidTaskEstimatedEffort,
    PidLidTaskVersion,
    PidLidTaskState,
    PidLidTaskLastUpdate,
    PidLidTaskRecurrence,
    PidLidTaskAssigners,
    PidLidTaskStatusOnComplete,
    PidLidTaskHistory,
    PidLidTaskUpdates,
    PidLidTaskComplete,
    PidLidTaskFCreator,
    PidLidTaskOwner,
    PidLidTaskMultipleRecipients,
    PidLidTaskAssigner,
    PidLidTaskLastUser,
    PidLidTaskOrdinal,
    PidLidTaskNoCompute,
    PidLidTaskLastDelegate,
    PidLidTaskFRecurring,
    PidLidTaskRole,
    PidLidTaskOwnership,
    PidLidTaskAcceptanceState,
    PidLidTaskFFixOffline,
    PidLidTaskCustomFlags,
    PidLidFileUnder,
    PidLidFileUnderId,
    PidLidContactItemData,
    PidLidDepartment,
    PidLidHasPicture,
    PidLidHomeAddress,
    PidLidWorkAddress,
    PidLidOtherAddress,
    PidLidPostalAddressId,
    PidLidContactCharacterSet,
    PidLidAutoLog,
    PidLidFileUnderList,
    PidLidAddressBookProviderEmailList,
    PidLidAddressBookProviderArrayType,
    PidLidHtml,
    PidLidYomiFirstName,
    PidLidYomiLastName,
    PidLidYomiCompanyName,
    PidLidBusinessCardDisplayDefinition,
    PidLidBusinessCardCardPicture,
    PidLidWorkAddressStreet,
    PidLidWorkAddressCity,
    PidLidWorkAddressState,
    PidLidWorkAddressPostalCode,
    PidLidWorkAddressCountry,
    PidLidWorkAddressPostOfficeBox,
    PidLidDistributionListChecksum,
    PidLidBirthdayEventEntryId,
    PidLidAnniversaryEventEntryId,
    PidLidContactUserField1,
    PidLidContactUserField2,
    PidLidContactUserField3,
    PidLidContactUserField4,
    PidLidDistributionListName,
    PidLidDistributionListOneOffMembers,
    PidLidDistributionListMembers,
    PidLidInstantMessagingAddress,
    PidLidDistributionListStream,
    PidLidEmail1DisplayName,
    PidLidEmail1AddressType,
    PidLidEmail1EmailAddress,
    PidLidEmail1OriginalDisplayName,
    PidLidEmail1OriginalEntryId,
    PidLidEmail2DisplayName,
    PidLidEmail2AddressType,
    PidLidEmail2EmailAddress,
    PidLidEmail2OriginalDisplayName,
    PidLidEmail2OriginalEntryId,
    PidLidEmail3DisplayName,
    PidLidEmail3AddressType,
    PidLidEmail3EmailAddress,
    PidLidEmail3OriginalDisplayName,
    PidLidEmail3OriginalEntryId,
    PidLidFax1AddressType,
    PidLidFax1EmailAddress,
    PidLidFax1OriginalDisplayName,
    PidLidFax1OriginalEntryId,
    PidLidFax2AddressType,
    PidLidFax2EmailAddress,
    PidLidFax2OriginalDisplayName,
    PidLidFax2OriginalEntryId,
    PidLidFax3AddressType,
    PidLidFax3EmailAddress,
    PidLidFax3OriginalDisplayName,
    PidLidFax3OriginalEntryId,
    PidLidFreeBusyLocation,
    PidLidHomeAddressCountryCode,
    PidLidWorkAddressCountryCode,
    PidLidOtherAddressCountryCode,
    PidLidAddressCountryCode,
    PidLidBirthdayLocal,
    PidLidWeddingAnniversaryLocal,
    PidLidIsContactLinked,
    PidLidContactLinkedGlobalAddressListEntryId,
    PidLidContactLinkSMTPAddressCache,
    PidLidContactLinkLinkRejectHistory,
    PidLidContactLinkGlobalAddressListLinkState,
    PidLidContactLinkGlobalAddressListLinkId,
    PidLidLogType,
    PidLidLogStart,
    PidLidLogDuration,
    PidLidLogEnd,
    PidLidLogFlags,
    PidLidLogDocumentPrinted,
    PidLidLogDocumentSaved,
    PidLidLogDocumentRouted,
    PidLidLogDocumentPosted,
    PidLidLogTypeDesc,
    PidLidNoteColor,
    PidLidNoteWidth,
    PidLidNoteHeight,
    PidLidNoteX,
    PidLidNoteY,
    PidLidPostRssChannelLink,
    PidLidPostRssItemLink,
    PidLidPostRssItemHash,
    PidLidPostRssItemGuid,
    PidLidPostRssChannel,
    PidLidPostRssItemXml,
    PidLidPostRssSubscription,
    PidNameAttachmentMacContentType,
    PidNameAttachmentMacInfo,
    PidLidClientIntent,
    PidLidServerProcessed,
    PidLidServerProcessingActions,
    PidNameAutomaticSpeechRecognitionData,
    PidNameAudioNotes,
    PidLidRemoteTransferSize,
    *map(internet_header, _COMMON_HEADERS),
)
