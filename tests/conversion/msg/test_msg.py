"""Message files: written and read, in Unicode and not, with messages and objects inside."""

from __future__ import annotations

import contextlib
import io
import struct
from uuid import UUID

import olefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.errors import ConversionError
from conversion.msg.compound import SIGNATURE, Storage, read_compound, write_compound
from conversion.msg.reader import MAX_DEPTH, read_msg
from conversion.msg.writer import write_msg
from conversion.receipt import NoteKind, Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import PropertyName, PropertyTag, PropertyType
from tests.support.examples import examples

SET = UUID("9b5093e0-5734-4a7f-b88f-b4d0220b5ada")
MASK = {tags.PidTagStoreSupportMask: 0x40000}
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)
FINITE = st.floats(allow_nan=False, width=32)
VALUES = {
    PropertyType.INTEGER16: st.integers(-(1 << 15), (1 << 15) - 1),
    PropertyType.INTEGER32: st.integers(-(1 << 31), (1 << 31) - 1),
    PropertyType.FLOATING32: FINITE,
    PropertyType.FLOATING64: st.floats(allow_nan=False),
    PropertyType.CURRENCY: st.integers(-(1 << 63), (1 << 63) - 1),
    PropertyType.FLOATING_TIME: st.floats(allow_nan=False),
    PropertyType.BOOLEAN: st.booleans(),
    PropertyType.INTEGER64: st.integers(-(1 << 63), (1 << 63) - 1),
    PropertyType.STRING: TEXT,
    PropertyType.TIME: st.integers(0, 1 << 60),
    PropertyType.GUID: st.uuids(),
    PropertyType.BINARY: st.binary(max_size=5000),
}
MANY = {
    PropertyType(kind | 0x1000): st.lists(value, max_size=4).map(tuple)
    for kind, value in VALUES.items()
    if kind is not PropertyType.BOOLEAN
}


@st.composite
def bags(draw):
    found = {}
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from([*VALUES, *MANY]))
        key = draw(
            st.integers(0x1000, 0x2FFF).map(lambda number, kind=kind: PropertyTag.of(number, kind))
            | st.integers(0, 0xFFFF).map(lambda number, kind=kind: PropertyName(SET, number, kind))
            | TEXT.filter(bool).map(lambda name, kind=kind: PropertyName(SET, name, kind))
        )
        if not any(
            (key[:2] == other[:2]) if isinstance(key, tuple) and isinstance(other, tuple) else False for other in found
        ):
            found[key] = draw((VALUES | MANY)[kind])
    return found


def message(depth):
    attachments = st.builds(AttachmentContent, bags(), st.none() | st.binary(max_size=100))
    if depth:
        attachments |= st.builds(AttachmentContent, bags(), message(depth - 1))
    rows = st.builds(RecipientRow, st.sampled_from(RecipientType), bags())
    return st.builds(
        MessageContent,
        bags(),
        st.lists(rows, max_size=2).map(tuple),
        st.lists(attachments, max_size=2).map(tuple),
    )


def as_read(content):
    """What a file gives back: with the properties that it needs beside those that were put in."""
    return MessageContent(
        {**content.properties, **MASK},
        tuple(
            RecipientRow(
                row.type, {tags.PidTagRecipientType: int(row.type), tags.PidTagRowid: number, **row.properties}
            )
            for number, row in enumerate(content.recipients)
        ),
        tuple(
            AttachmentContent(
                {
                    **one.properties,
                    tags.PidTagAttachMethod: 5 if isinstance(one.data, MessageContent) else 1,
                    tags.PidTagAttachNumber: number,
                },
                as_read(one.data) if isinstance(one.data, MessageContent) else one.data,
            )
            for number, one in enumerate(content.attachments)
        ),
    )


@settings(max_examples=examples(25))
@given(message(2))
def test_a_message_comes_back(content):
    """All types of properties, names, recipients, attachments, messages inside.

    [MS-OXMSG] 2.1.2, 2.1.3, 2.1.4, 2.1.4.1, 2.1.4.2.1, 2.1.4.2.2; [MS-OXMSG] 2.2, 2.2.1, 2.2.2, 2.3;
    [MS-OXMSG] 2.4, 2.4.1.1 to 2.4.1.3, 2.4.2, 2.4.2.1, 2.4.2.1.1, 2.4.2.2.
    """
    receipt = Receipt()
    assert read_msg(write_msg(content, receipt=receipt), receipt=receipt) == as_read(content)
    assert receipt.count == 0


def test_strings_in_a_code_page():
    """[MS-OXMSG] 2.1.1.1: a file that is not in Unicode says its code page; what that lacks is noted."""
    many = PropertyTag.of(0x3A58, PropertyType.MULTIPLE_STRING)
    content = MessageContent({tags.PidTagSubject: "Größe", many: ("ä", "ö")}, (), ())
    receipt = Receipt()
    data = write_msg(content, code_page=1252, receipt=receipt)
    root = read_compound(data)
    assert root.stream("__substg1.0_0037001E") == "Größe".encode("cp1252")
    assert root.stream("__substg1.0_0037001F") is None
    assert receipt.count == 0
    found = read_msg(data).properties
    assert found[tags.PidTagSubject] == "Größe"
    assert found[many] == ("ä", "ö")
    assert found[tags.PidTagStoreSupportMask] == 0
    write_msg(MessageContent({tags.PidTagSubject: "日本"}), code_page=1252, receipt=receipt)
    assert [note.what for note in receipt] == ["characters that code page 1252 does not have"]


def test_strings_that_are_one_of_several():
    """[MS-OXMSG] 2.1.4.2.2: their lengths count the NUL at their end, which is in their streams."""
    many = PropertyTag.of(0x3A58, PropertyType.MULTIPLE_STRING)
    for page, tail in ((None, 2), (1252, 1)):
        root = read_compound(write_msg(MessageContent({many: ("\xe4", "")}), code_page=page))
        tag = 0x3A58101F if page is None else 0x3A58101E
        streams = [root.stream(f"__substg1.0_{tag:08X}-{number:08X}") for number in range(2)]
        assert streams == ["\xe4".encode("utf-16-le" if page is None else "cp1252") + bytes(tail), bytes(tail)]
        assert root.stream(f"__substg1.0_{tag:08X}") == struct.pack("<II", len(streams[0]), tail)


def test_strings_that_are_padded():
    """[MS-OXMSG] 2.1.3: a NUL at the end is none of the string's characters, and more of them are not either."""
    root = read_compound(write_msg(MessageContent({tags.PidTagSubject: "Test"})))
    root.entries["__substg1.0_0037001F"] = "Test\0\0\0".encode("utf-16-le")
    assert read_msg(write_compound(root)).properties[tags.PidTagSubject] == "Test"


def test_names_can_be_looked_up():
    """Each name is in the bucket of its hash; sets of Outlook's have no entry.

    [MS-OXMSG] 2.2.3, 2.2.3.1, 2.2.3.1.1 to 2.2.3.1.3, 2.2.3.2, 2.2.3.2.1 to 2.2.3.2.4.
    """
    names = [PropertyName(tags.PS_PUBLIC_STRINGS, "Keywords", 0x101F), PropertyName(SET, 0x8503, 0x000B)]
    content = MessageContent({names[0]: ("a",), names[1]: True}, (), ())
    table = read_compound(write_msg(content)).storage("__nameid_version1.0")
    assert table.stream("__substg1.0_00020102") == SET.bytes_le
    assert table.stream("__substg1.0_00030102") == struct.pack("<IHHIHH", 0, 2 << 1 | 1, 0, 0x8503, 3 << 1, 1)
    assert table.stream("__substg1.0_00040102") == struct.pack("<I", 16) + "Keywords".encode("utf-16-le")
    bucket = 0x1000 + (0x8503 ^ 3 << 1) % 31
    assert table.stream(f"__substg1.0_{bucket:04X}0102") == struct.pack("<IHH", 0x8503, 3 << 1, 1)


def test_the_mark_of_a_subjects_prefix():
    """[MS-OXMSG] keeps old files' subjects with two characters before them that say how long the prefix is."""
    content = MessageContent({tags.PidTagSubject: "\x01\x05RE: Test"})
    assert read_msg(write_msg(content)).properties[tags.PidTagSubject] == "RE: Test"


def test_objects():
    """[MS-OXMSG] 2.2.2.1, 2.2.2.2: a compound file is put in as the storage that it is, and comes out as a file."""
    inner = write_compound(Storage({"CONTENTS": b"x" * 5000, "sub": Storage({"a": b"1"})}))
    attachments = [AttachmentContent({tags.PidTagAttachMethod: 6}, data) for data in (inner, b"no compound file")]
    data = write_msg(MessageContent({}, (), tuple(attachments)))
    first = read_compound(data).storage("__attach_version1.0_#00000000")
    assert first.storage("__substg1.0_3701000D").stream("CONTENTS") == b"x" * 5000
    found = read_msg(data).attachments
    assert read_compound(found[0].data) == read_compound(inner)
    assert found[1].data == b"no compound file"


def test_slices_of_the_original():
    raw = b"head\r\n\r\naGVsbG8=\r\n"
    content = MessageContent({}, (), (AttachmentContent({}, MimeSlice(8, 10, "base64")),))
    assert read_msg(write_msg(content, raw=raw)).attachments[0].data == b"hello"
    receipt = Receipt()
    assert read_msg(write_msg(content, receipt=receipt)).attachments[0].data is None
    assert receipt.count == 1


def test_depth_has_an_end():
    content = MessageContent({tags.PidTagSubject: "inmost"})
    for _ in range(MAX_DEPTH - 1):
        content = MessageContent({}, (), (AttachmentContent({}, content),))
    receipt = Receipt()
    assert read_msg(write_msg(content, receipt=receipt), receipt=receipt).attachments
    assert receipt.count == 0
    content = MessageContent({}, (), (AttachmentContent({}, content),))
    found = read_msg(write_msg(content, receipt=receipt), receipt=receipt)
    assert [note.kind for note in receipt] == [NoteKind.ALTERED]
    for _ in range(MAX_DEPTH - 1):
        found = found.attachments[0].data
    (inmost,) = found.attachments
    assert inmost.properties[tags.PidTagAttachMethod] == 1
    assert inmost.properties[tags.PidTagAttachLongFilename] == "message.msg"
    assert read_msg(inmost.data).properties == {tags.PidTagSubject: "inmost", **MASK}


def test_a_message_too_deep_is_kept_as_a_file(monkeypatch):
    monkeypatch.setattr("conversion.msg.reader.MAX_DEPTH", 2)
    inmost = MessageContent({tags.PidTagSubject: "inmost"})
    content = MessageContent({}, (), (AttachmentContent({}, MessageContent({}, (), (AttachmentContent({}, inmost),))),))
    receipt = Receipt()
    found = read_msg(write_msg(content), receipt=receipt).attachments[0].data.attachments[0].data
    assert found.startswith(SIGNATURE)
    assert [note.place for note in receipt] == ["attachment 0, message, attachment 0, message"]


def test_values_that_are_none_of_their_type():
    receipt = Receipt()
    bad = {
        tags.PidTagSubject: 7,
        tags.PidTagImportance: "x",
        PropertyTag(0x80010003): 1,
        tags.PidTagImportance: 1 << 40,
    }
    assert read_msg(write_msg(MessageContent(bad), receipt=receipt)).properties == MASK
    assert receipt.count == 3


@pytest.mark.parametrize(
    "data", [b"", b"x" * 1000, SIGNATURE, SIGNATURE + bytes(504), write_compound(Storage({"a": b"1"}))]
)
def test_what_is_no_message_file(data):
    with pytest.raises(ConversionError):
        read_msg(data)


SAMPLE = write_msg(
    MessageContent(
        {tags.PidTagSubject: "Test", PropertyName(SET, "name", 0x001F): "value", tags.PidTagBody: "b" * 5000},
        (RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: "x"}),),
        (AttachmentContent({}, b"data" * 2000), AttachmentContent({}, MessageContent({tags.PidTagSubject: "In"}))),
    )
)


@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 4), st.binary(min_size=1, max_size=4)), max_size=8),
    st.integers(0, len(SAMPLE)),
)
def test_damage_is_survived(changes, cut):
    """A message comes out, or an error of our own; never anything else."""
    data = bytearray(SAMPLE)
    for place, octets in changes:
        data[place : place + len(octets)] = octets
    with contextlib.suppress(ConversionError):
        read_msg(bytes(data[: max(cut, 2000)]))


def test_chains_that_never_end():
    """Every sector's follower is itself: what is read has the length of the file at most."""
    data = bytearray(SAMPLE)
    (fat,) = struct.unpack_from("<I", data, 76)
    for number in range(128):
        struct.pack_into("<I", data, (fat + 1) * 512 + 4 * number, number)
    with contextlib.suppress(ConversionError):
        read_msg(bytes(data))


def test_streams_that_share_their_sectors():
    """A sector is of one stream: else a small file would be a large one ([MS-CFB] 2.3)."""
    names = [f"s{number:02}" for number in range(40)]
    made = write_compound(Storage({"first": bytes(200_000)} | {name: bytes(5_000) for name in names}))
    start, size = 116, 120  # of an entry, whose name begins it ([MS-CFB] 2.6.1)
    first = made.index("first".encode("utf-16-le"))
    damaged = bytearray(made)
    for name in names:
        entry = made.index(name.encode("utf-16-le"))
        damaged[entry + start : entry + size + 4] = made[first + start : first + size + 4]
    receipt = Receipt()
    root = read_compound(bytes(damaged), receipt=receipt)
    lengths = [len(stream) for stream in root.entries.values()]
    assert 200_000 in lengths
    assert sum(lengths) <= len(damaged)
    assert receipt.count >= 38  # the file has room for two of them, at most


def test_compound_files_of_many_sectors():
    """[MS-CFB] 2.5: more sectors of the table than the header lists."""
    root = Storage({"large": bytes(8_000_000), "small": b"x", "empty": b"", "inner": Storage({"y": b"z" * 4096})})
    assert read_compound(write_compound(root)) == root


@pytest.mark.parametrize(
    "root",
    [
        Storage(),
        Storage({"empty": b""}),
        Storage({"small": b"x", "empty": b"", "inner": Storage({"empty": b"", "large": b"z" * 4096})}),
    ],
)
def test_another_reader_finds_no_fault_in_compound_files(root):
    """[MS-CFB] 2.6.3: a stream of no octets begins nowhere, an offence to some readers if it does not say so."""
    with olefile.OleFileIO(io.BytesIO(write_compound(root)), raise_defects=olefile.DEFECT_UNSURE) as file:
        assert file.listdir() == [["empty"]] * ("empty" in root.entries) + [
            path for path in (["inner", "empty"], ["inner", "large"], ["small"]) if path[0] in root.entries
        ]
        assert file.parsing_issues == []
