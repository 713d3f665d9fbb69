"""What a session remembers of its own changes (gateway.imap.selected)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.selected import Selected

_NUMBERS = st.integers(1, 40)


@given(_NUMBERS, st.lists(st.tuples(st.lists(_NUMBERS, max_size=4), _NUMBERS, st.integers(0, 5)), max_size=8))
def test_own_changes_beside_a_set(watermark: int, commands: list[tuple[list[int], int, int]]) -> None:
    """[RFC3501] 7.4.2: flags that the client has set by itself, in runs that are ascending and apart."""
    selected = object.__new__(Selected)
    selected.watermark, selected.own = watermark, []
    known: set[int] = set()
    for modseqs, first, count in commands:
        taken = range(first, first + count)
        selected.note_own(modseqs, taken)
        known.update(taken, (each for each in modseqs if each > watermark))
        flat = [end for run in selected.own for end in run]
        assert flat == sorted(flat)
        assert all(low[1] + 1 < high[0] for low, high in zip(selected.own, selected.own[1:], strict=False))
    for modseq in range(60):
        assert selected.knows(modseq) == (modseq <= watermark or modseq in known)
        whole = modseq >= watermark and known.issuperset(range(watermark + 1, modseq + 1))
        assert selected.knows_all(modseq) == (whole and modseq + 1 not in known)
