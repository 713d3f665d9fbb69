"""The cards of calcard's corpus, and what its own parser makes of them ([MS-OXVCARD] 2.1.3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conversion.receipt import Receipt
from conversion.vcard.lines import VERSIONS
from conversion.vcard.reader import read_vcards
from conversion.vcard.writer import write_vcards
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.fuzz.test_fuzz_vcard import check_content
from tests.support.corpora import CORPORA

FOLDER = CORPORA / "vcard" / "calcard" / "resources" / "vcard"
_LINE = re.compile(r'(?:[^:;".]+\.)?([^:;".]+)((?:;[^:;"]*(?:"[^"]*"[^:;"]*)*)*):(.*)', re.S)
# A parameter with a quotation mark that is none: its parser and ours part it at different colons.
_OTHERWISE = {"003.vcf", "046.vcf"}


def cards(text: str) -> list[list[tuple[str, str]]]:
    """Read what calcard wrote, by hand: names and values of each outermost card."""
    found: list[list[tuple[str, str]]] = []
    for line in re.sub(r"\r?\n[ \t]", "", text).splitlines():
        match = _LINE.fullmatch(line)
        name, value = (match[1].upper(), match[3]) if match else ("", "")
        if name == "BEGIN":
            found.append([])
        elif found and name:
            found[-1].append((name, value))
    return found


def plain(text: str) -> str:
    """Undo escapes, and make all space alike."""
    text = re.sub(r"\\([nr,;:\\])", lambda match: " " if match[1] in "nr" else match[1], text)
    return " ".join(text.split())


def fields(value: str) -> list[str]:
    """Part a structure at its semicolons."""
    return [plain(field) for field in re.split(r"(?<!\\);", value)]


def without_commas(text: str) -> str:
    """Make lists and texts with commas alike."""
    return " ".join(text.replace(",", " ").split())


def texts(content: MessageContent) -> set[str]:
    """All texts of a contact."""
    return {without_commas(value) for value in content.properties.values() if isinstance(value, str)}


@pytest.fixture(scope="module")
def files() -> list[Path]:
    found = sorted(FOLDER.glob("*.vcf")) if FOLDER.is_dir() else []
    if not found:
        pytest.skip(f"no cards in {FOLDER} (set OXGATE_CORPORA)")
    return found


def test_all_are_read_and_written(files: list[Path]) -> None:
    for path in files:
        contents = read_vcards(path.read_bytes())
        for content in contents:
            check_content(content)
        for version in VERSIONS:
            again = read_vcards(write_vcards(contents, version=version))
            assert [one.properties for one in again] == [one.properties for one in contents], (path.name, version)


def test_expected_values(files: list[Path]) -> None:
    """Names, addresses of all kinds, telephones, organisations and dates are those that calcard reads."""
    compared = 0
    for path in files:
        if path.name in _OTHERWISE:
            continue
        expected = cards(path.with_name(path.name + ".out").read_text("utf-8"))
        receipt = Receipt()
        contents = read_vcards(path.read_bytes(), receipt=receipt)
        noted = {note.place.rpartition(", ")[2] for note in receipt}
        assert len(contents) == len(expected), path.name
        for content, lines in zip(contents, expected, strict=True):
            compared += compare(content, lines, noted, path.name)
    assert compared > 500


def compare(content: MessageContent, lines: list[tuple[str, str]], noted: set[str], where: str) -> int:
    """Look for every value; what the receipt speaks of may be missing."""
    found = texts(content)
    compared = 0
    for name, value in lines:
        wanted: list[str] = []
        if name in ("N", "ADR", "ORG") and name not in noted:
            wanted = fields(value)[: 1 if name == "ORG" else None]
        elif name in ("FN", "EMAIL", "TEL", "TITLE", "NICKNAME", "ROLE", "NOTE") and name not in noted:
            wanted = [plain(value)]
            if value.startswith(("tel:", "mailto:")):
                wanted = [wanted[0].partition(":")[2].partition(";ext=")[0]]
        elif name == "BDAY" and name not in noted:
            assert content.properties[tags.PidTagBirthday] == content.properties[tags.PidLidBirthdayLocal]
        for text in filter(None, wanted):
            same = without_commas(text)
            assert any(same == other or (name in ("TEL", "NICKNAME", "NOTE") and same in other) for other in found), (
                where,
                name,
                text,
            )
            compared += 1
    return compared
