"""Message files of others: the properties that another reader wrote down, and back into a file without a loss."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from xml.etree import ElementTree

import olefile
import pytest

from conversion.msg.compound import Storage, read_compound, write_compound
from conversion.msg.reader import read_msg
from conversion.msg.writer import write_msg
from conversion.receipt import Receipt
from conversion.rtf.lzfu import decompress
from store.mapi import tags
from store.mapi.types import PropertyName, PropertyTag

CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[4] / "shared" / "corpora")
FILES = sorted((CORPORA / "msg").glob("**/*.msg"))
pytestmark = pytest.mark.skipif(not FILES, reason="the corpora are not here (OXGATE_CORPORA names their folder)")


def flat(storage, prefix=""):
    found = {}
    for name, entry in storage.entries.items():
        found |= flat(entry, f"{prefix}{name}/") if isinstance(entry, Storage) else {prefix + name: entry}
    return found


def streams(data):
    """What olefile finds in a file."""
    with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_INCORRECT) as file:
        return {"/".join(path): file.openstream(path).read() for path in file.listdir()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files(path):
    """[MS-OXMSG] 2.2, [MS-CFB] 2.2: read, written, read again; olefile finds the same in ours as in theirs."""
    data = path.read_bytes()
    storage = read_compound(data)
    assert flat(storage) == streams(data) == streams(write_compound(storage))
    receipt = Receipt()
    content = read_msg(data, receipt=receipt)
    assert [note.what for note in receipt if note.what != "it has no name"] == []
    written = write_msg(content)
    again = read_msg(written)
    mask = {tags.PidTagStoreSupportMask: again.properties[tags.PidTagStoreSupportMask]}
    assert again.properties == {**content.properties, **mask}
    assert again.recipients == content.recipients
    assert len(again.attachments) == len(content.attachments)
    assert write_msg(again) == written
    assert len(streams(written)) >= len(flat(storage)) * 0.6


RUBY = CORPORA / "msg" / "ruby-msg" / "test"
DESCRIBED = {
    "contact-unicode.xml": "contact-unicode.msg",
    "qwerty2.xml": "qwerty_2-with_custom_properties.msg",
    "qwerty3.xml": "qwerty_3.msg",
}
"""Description -> the file that it is of."""
WITHOUT_FILE = {"Swetlana Novikova.xml": "the file that it describes is not among the samples"}


def test_every_description_has_a_verdict():
    assert len(FILES) == 22
    assert {path.name for path in RUBY.glob("*.xml")} == DESCRIBED.keys() | WITHOUT_FILE.keys()


@pytest.mark.parametrize("description", DESCRIBED)
def test_properties(description):
    """Every property that the description has is there, with its value, named ones too; so are those of recipients."""
    root = ElementTree.fromstring((RUBY / description).read_bytes())
    content = read_msg((RUBY / DESCRIBED[description]).read_bytes())
    section, rtf = root.find(".//MSGFILE/PROPERTIES"), root.find(".//MSGFILE/CALCULATED_PROPERTIES/RTFBody")
    assert section is not None
    assert rtf is not None
    count = section.find("PROPERTYCOUNT")
    assert count is not None
    assert _compare(section, content.properties) == int(count.get("count", ""))
    compressed = content.properties.get(tags.PidTagRtfCompressed)
    ours = decompress(compressed).decode("cp1252") if isinstance(compressed, bytes) else ""
    assert ours.split() == (rtf.text or "").split()
    assert root.findall(".//MSGFILE/ATTACHMENTS/*") == list(content.attachments) == []
    recipients = root.findall(".//MSGFILE/RECIPIENTS/RECIPIENT")
    for row, recipient in zip(recipients, content.recipients, strict=True):
        assert _compare(row, recipient.properties) == len(row)


def _compare(section, properties):
    """Compare the rows of a description that say a value; give their number."""
    values = {
        f"{key.id:04X}" if isinstance(key, PropertyTag) else _spelled(key): value
        for key, value in properties.items()
        if isinstance(key, PropertyName) or key.id < 0x8000
    }
    compared = 0
    for row in section.findall("PROPERTY"):
        kind, text = row.get("type"), row.text or ""
        name = row.get("name", "") if row.get("IsNamedProperty") == "True" else row.get("propid", "")[:4]
        value = values[name]
        if kind == "System.String":
            assert isinstance(value, str)
            assert value.replace("\r\n", "\n") == text.replace("\r\n", "\n"), name
        elif kind == "System.Byte[]":
            assert value == base64.b64decode(text), name
        elif kind in ("System.Int32", "System.Int16"):
            assert value == int(text), name
        elif kind == "System.DateTime":
            assert value == int(text, 16), name
        elif kind == "System.Boolean":
            assert value is (text.strip() == "True"), name
        elif kind is None:
            assert value == tuple(int(one.text or "") for one in row.findall("INDEXEDVALUE")), name
        else:
            assert kind == "NULL", (kind, name)
            assert not value, name
        compared += 1
    return compared


def _spelled(name):
    """A named property as the descriptions spell it."""
    key = name.key.upper() if isinstance(name.key, str) else f"0X{name.key:04X}"
    return f"{{{str(name.set).upper()}}}{key}"
