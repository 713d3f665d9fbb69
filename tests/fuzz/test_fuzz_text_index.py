"""A segment of the full-text index whose octets are not as they were written: the right answer, or none.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from store.textindexfile import REGIONS, Damaged, Document, Segment, octets_of, write

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "75"))

_DOCUMENTS = [Document(3 * number + 1, number, number == 5) for number in range(90)]
_TERMS = [(b"T%03d" % number, octets_of(range(number % 7, 90, number % 40 + 1))) for number in range(150)]


def _written() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1-300.text"
        write(path, 9, (1, 300), _DOCUMENTS, (_TERMS[region::REGIONS] for region in range(REGIONS)), durable=False)
        return path.read_bytes()


_WHOLE = _written()


def _answers(path: Path) -> list[object]:
    segment = Segment(path)
    with closing(segment.open()) as opened:
        found: list[object] = [opened.find(region, b"\nT0") for region in range(REGIONS)]
        found += [list(opened.postings(region)) for region in range(REGIONS)]
    return [*found, segment.low, segment.high, segment.signature, segment.items.tolist(), segment.opaque]


def _in_file(data: bytes) -> list[object]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "1-300.text"
        path.write_bytes(data)
        return _answers(path)


_RIGHT = _in_file(_WHOLE)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(_WHOLE) - 1), st.binary(min_size=1, max_size=8)), max_size=3),
    st.one_of(st.none(), st.integers(0, len(_WHOLE))),
    st.binary(max_size=4),
)
def test_a_damaged_segment_gives_no_wrong_answer(edits: list[tuple[int, bytes]], cut: int | None, more: bytes) -> None:
    data = bytearray(_WHOLE)
    for place, octets in edits:
        data[place : place + len(octets)] = octets
    try:
        answers = _in_file(bytes(data[:cut]) + more)
    except Damaged:
        return
    assert answers == _RIGHT


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=400))
def test_other_files_are_no_segments(data: bytes) -> None:
    try:
        _in_file(data)
    except Damaged:
        return
    raise AssertionError("taken for a segment")
