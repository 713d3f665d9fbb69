"""The pairs of MFCMAPI's own tests: octets in hexadecimal, and the text that it shows of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.corpora import CORPORA

FOLDER = CORPORA / "mapi-blobs" / "mfcmapi" / "UnitTest" / "SmartViewTestData"
_FIGURE = re.compile(r"[\s|]*(?:(?P<name>[^=:]+?)\s*[=:] ?(?P<value>.*)|(?P<heading>.+))")
_NUMBER = re.compile(r"0x([0-9A-F]+)\b")
_OCTETS = re.compile(r"\d+ lpb: ?([0-9A-F]*)")

Figure = tuple[str, int | str]


def pairs(name: str) -> list[tuple[str, bytes, str]]:
    """Give number, octets and text of a structure's pairs; skip the test where there are none."""
    found = sorted((FOLDER / "In").glob(f"{name}-*.dat"))
    if not found:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    return [(path.stem.rpartition("-")[2], octets(path), text(path)) for path in found]


def octets(path: Path) -> bytes:
    return bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", path.read_text("utf-8-sig")))


def text(path: Path) -> str:
    data = (FOLDER / "Out" / path.name.replace("-", "-out-")).read_bytes()
    return data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig").replace("\r", "").rstrip("\0")


def figures(shown: str) -> list[Figure]:
    """Give every line that says something: its name, and a number, octets in hexadecimal or the text that it says."""
    found: list[Figure] = []
    for line in shown.split("\n"):
        match = _FIGURE.fullmatch(line)
        if match is None or match["name"] is None:
            continue
        name, value = match["name"], match["value"]
        if line_of_octets := _OCTETS.match(value):
            found.append(("octets" if name == "cb" else name, line_of_octets[1]))
        elif number := _NUMBER.match(value):
            found.append((name, int(number[1], 16)))
        else:
            found.append((name, value))
    return found
