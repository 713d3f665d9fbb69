"""EntryIDs and conversation indexes against what MFCMAPI shows of them ([MS-OXCDATA] 2.2, [MS-OXOMSG] 2.2.1.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from store.mapi import conversationindex
from store.mapi import entryid as e
from store.mapi.storeentryid import MailboxName, ServerNames
from tests.store.mapi.mfcmapi import Figure, figures, pairs

NOT_DECODED: Final = {
    "its type 0x30 is none that a contact's EntryID has": {"37"},
    "three octets are not even flags and a provider": {"39"},
}
NOT_THE_SAME_OCTETS: Final = {
    "the X500 DN is not ASCII, and octets of something else follow it": {"24"},
    "the offset of the second name is that of the names before they were made anonymous": {"31", "32"},
}


def guid(value: UUID) -> str:
    return f"{{{value}}}".upper()


def long(value: int) -> str:
    return f"{value:012X}"


def of_provider(entry: bytes) -> list[Figure]:
    return [("abFlags", int.from_bytes(entry[:4], "little")), ("Provider GUID", guid(UUID(bytes_le=entry[4:20])))]


def of_store(entry: e.StoreEntryId | e.ForeignStoreEntryId) -> list[Figure]:
    found: list[Figure] = [("Version", 0), ("Flag", 0)]
    if isinstance(entry, e.ForeignStoreEntryId):
        left = bytes(-(23 + len(entry.dll_name)) % 4) + entry.entry
        return [
            *found,
            ("DLLFileName", entry.dll_name),
            ("Unparsed data size", len(left)),
            ("octets", left.hex().upper()),
        ]
    found += [("DLLFileName", "EMSMDB.DLL"), ("Wrapped Flags", 0), ("WrappedProviderUID", guid(entry.provider))]
    found += [("WrappedType", entry.type), ("ServerShortname", entry.server)]
    if entry.mailbox is not None:
        found.append(("MailboxDN", entry.mailbox))
    names = entry.names
    if isinstance(names, ServerNames):
        found += [("Magic", 0xF32135D8), ("Size", names.size or 0), ("Version", names.version), ("OffsetDN", 20)]
        found += [("DN", names.distinguished_name or ""), ("FQDN", names.domain_name or "")]
    elif isinstance(names, MailboxName):
        found += [
            ("Magic", 0xF43246E9),
            ("Size", names.size or 0),
            ("Version", names.version),
            ("OffsetSmtpAddress", 16),
        ]
        found.append(("SmtpAddress", names.smtp_address))
    return found + ([("octets", entry.rest.hex().upper())] if entry.rest else [])


def of_entry(data: bytes) -> list[Figure]:
    """What MFCMAPI shows of an EntryID, made of what we read."""
    entry, found = e.decode(data), of_provider(data)
    match entry:
        case e.OneOffEntryId():
            control = int.from_bytes(data[20:24], "little")
            found += [("dwBitmask", control), ("szDisplayName", entry.display_name)]
            found += [("szAddressType", entry.address_type), ("szEmailAddress", entry.email_address)]
            assert (control >> 16 & 1, control >> 31) == (not entry.rich_info, not entry.charset)
        case e.AddressBookEntryId():
            found += [("Version", 1), ("Type", entry.type), ("X500DN", entry.distinguished_name)]
        case e.FolderEntryId():
            found += [("Folder Type", entry.type), ("Database GUID", guid(entry.database))]
            found += [("octets", long(entry.counter)), ("octets", "0000")]
        case e.MessageEntryId():
            found += [("Message Type", entry.type), ("Folder Database GUID", guid(entry.folder_database))]
            found += [("octets", long(entry.folder_counter)), ("octets", "0000")]
            found += [("Message Database GUID", guid(entry.message_database))]
            found += [("octets", long(entry.message_counter)), ("octets", "0000")]
        case e.ContactEntryId():
            found += [("Version", 3), ("Type", entry.type), ("Index", entry.index)]
            found += [("EntryIDCount", len(entry.entry)), *of_entry(entry.entry)]
            if entry.rest:
                found += [("Unparsed data size", len(entry.rest)), ("octets", entry.rest.hex().upper())]
        case e.ContactContainerEntryId():
            found += [("Version", 3), ("Type", 3), ("muidID", guid(entry.id)), *of_entry(entry.entry)]
        case e.MemberEntryId():
            found += [("Wrapped Entry Type", entry.type), *of_entry(entry.entry)]
        case e.EphemeralEntryId():
            found[0:1] = [("abFlags[0]", 0x87), ("abFlags[1..3]", 0)]
            left = entry.minimal_id.to_bytes(4, "little").hex().upper()
            found += [("Version", 1), ("Type", entry.type), ("Unparsed data size", 4), ("octets", left)]
        case e.PersonalStoreEntryId():
            left = entry.node.to_bytes(4, "little").hex().upper()
            found += [("Unparsed data size", 4), ("octets", left)]
        case e.StoreEntryId() | e.ForeignStoreEntryId():
            found += of_store(entry)
    return found


def expected(shown: str) -> list[Figure]:
    """The lines that MFCMAPI shows, without the offset that it neither uses nor checks and with every name there is."""
    found = [figure for figure in figures(shown) if figure[0] != "OffsetFQDN"]
    for at, (name, _) in enumerate(found):
        if name == "DN" and found[at + 1][0] != "FQDN":
            found.insert(at + 1, ("FQDN", ""))
    return [(name, value.partition(" = ")[0]) if isinstance(value, str) else (name, value) for name, value in found]


def test_entry_ids() -> None:
    not_decoded, other_octets = set(), set()
    for number, octets, shown in pairs("ENTRYID"):
        try:
            entry = e.decode(octets)
        except e.EntryIdError:
            not_decoded.add(number)
            continue
        if number == "24":
            assert isinstance(entry, e.AddressBookEntryId)
            assert entry.type == 0x100
        else:
            assert of_entry(octets) == expected(shown), number
        try:
            same = entry.encode() == octets
        except e.EntryIdError:
            same = False
        if not same:
            other_octets.add(number)
    assert not_decoded == set().union(*NOT_DECODED.values())
    assert other_octets == set().union(*NOT_THE_SAME_OCTETS.values())


def test_flat_entry_lists() -> None:
    """[MS-OXCDATA] 2.3.3: what pads an entry is left out, and it is not always zeros."""
    for number, octets, shown in pairs("FLATENTRYLIST"):
        if number == "2":
            # An octet of the first entry is gone, so that the second begins in the middle of something.
            with pytest.raises(e.EntryIdError):
                e.decode_flat_entry_list(octets)
            continue
        entries = e.decode_flat_entry_list(octets)
        said = figures(shown)
        assert [len(entry) for entry in entries] == [value for name, value in said if name == "Size"]
        if number == "1":
            ours = [figure for entry in entries for figure in of_entry(entry)]
            kept = {name for name, _ in ours} - {"octets"}
            assert [one for one in ours if one[0] in kept] == [one for one in expected(shown) if one[0] in kept]
            assert e.decode_flat_entry_list(e.encode_flat_entry_list(entries)) == entries
            assert len(e.encode_flat_entry_list(entries)) in (len(octets), len(octets) + 3)


def test_entry_lists() -> None:
    """[MS-OXOSRCH] 2.2.1.2.8.1: the pads are pointers of the writer's memory."""
    for _, octets, shown in pairs("ENTRYLIST"):
        (entry,) = e.decode_entry_list(octets)
        said = expected(shown)
        assert of_entry(entry) == said[said.index(("abFlags", 0)) :]
        assert e.encode_entry_list([entry])[16:] == octets[16:]


@pytest.mark.parametrize("name", ["REPORTTAG", "EXTENDEDRULEACTION", "SEARCHFOLDERDEFINITION"])
def test_folders_within_other_structures(name: str) -> None:
    count = 0
    for _, octets, shown in pairs(name):
        said = expected(shown)
        for at, (field, kind) in enumerate(said):
            if field == "Folder Type":
                (_, provider), (_, database), (_, counter) = said[at - 1], said[at + 1], said[at + 2]
                counted = int(str(counter), 16)
                entry = e.FolderEntryId(UUID(str(provider)), UUID(str(database)), counted, int(kind))
                assert octets.count(entry.encode()) >= 1
                assert e.decode(entry.encode()) == entry
                count += 1
    assert count


def test_special_folders() -> None:
    """PidTagAdditionalRenEntryIdsEx: the EntryIDs of folders that have a purpose ([MS-OXOSFLD] 2.2.4)."""
    for _, octets, shown in pairs("ADDITIONALRENENTRYIDSEX"):
        for field, value in figures(shown):
            if field == "octets" and len(str(value)) == 92:
                data = bytes.fromhex(str(value))
                entry = e.decode(data)
                assert isinstance(entry, e.FolderEntryId)
                assert entry.encode() == data
                assert data in octets


def moment(shown: str) -> datetime:
    return datetime.strptime(shown, "%I:%M:%S.%f %p %m/%d/%Y")


def of_filetime(value: int) -> datetime:
    when = datetime(1601, 1, 1) + timedelta(microseconds=value // 10)
    return when - timedelta(microseconds=when.microsecond % 1000)


def test_conversation_indexes() -> None:
    """MFCMAPI shows a GUID whose first fields are turned; [MS-OXOMSG] 2.2.1.3 has them in big-endian order.

    It takes the 16 bits of the FILETIME's lower half that there are for the lowest ones, not the highest, and all times
    are too early by as much.
    """
    for _, octets, shown in pairs("CONVERSATIONINDEX"):
        index = conversationindex.decode(octets)
        ours: list[Figure] = [("LowDateTime", index.time >> 16 & 0xFFFF), ("HighDateTime", index.time >> 32)]
        ours.append(("GUID", guid(UUID(bytes_le=index.guid.bytes))))
        early = (index.time & 0xFFFFFFFF) - (index.time >> 16 & 0xFFFF)
        times = [of_filetime(index.time - early)]
        for level in index.levels:
            ours += [("DeltaCode", str(level.delta_code)), ("TimeDelta", level.time_delta)]
            ours += [("Random", level.random), ("ResponseLevel", level.level)]
            times.append(of_filetime(index.time_of(level) - early))
        said = figures(shown)
        assert [one for one in said if "FILETIME" not in one[0] and one[0] != "Time"] == ours
        assert [moment(str(value)) for name, value in said if name in ("Current FILETIME", "Time")] == times
        assert index.encode() == octets
