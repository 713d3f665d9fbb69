"""Terms of texts, questions of strings, and the files of the full-text index."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from store import textindexterms
from store.textindexfile import Document, Segment, numbers_of, octets_of, write
from store.textindexterms import LONGEST, WITHIN, Terms, question, windows


def test_windows_hold_whatever_is_not_too_long() -> None:
    for size in (LONGEST + 1, LONGEST + 31, LONGEST + 32, LONGEST + 33, 200):
        run = bytes(random.Random(size).choices(b"abcdefghij", k=size))
        cut = windows(run)
        assert all(len(one) == LONGEST for one in cut)
        for start in range(size - WITHIN + 1):
            assert any(run[start : start + WITHIN] in one for one in cut)


def test_a_term_across_slices_is_one_term(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textindexterms, "_SLICE", 4)
    for text in ("alpha beta gamma_delta", "älpha bétà 漢字漢字漢 gamma", "漢字漢字漢字漢字", "xx 漢字yy"):
        cut, whole = Terms(), Terms()
        cut.add(text)
        monkeypatch.setattr(textindexterms, "_SLICE", 1 << 20)
        whole.add(text)
        monkeypatch.setattr(textindexterms, "_SLICE", 4)
        assert (cut.words, cut.windows, cut.pairs) == (whole.words, whole.windows, whole.pairs)


def test_ascii_is_cut_as_other_text_is() -> None:
    text = "".join(map(chr, range(128))) + " a_b c1d A-B"
    quick, other = Terms(), Terms()
    quick.add(text)
    other.add(text + "\u00a0")
    assert quick.words == other.words


def test_long_strings_ask_a_bounded_number_of_questions() -> None:
    for needle in ("a" * 100_000, "ab " * 10_000, "漢" * 10_000, ("x" * 50 + " ") * 1000):
        wanted = question(needle)
        assert sum(1 + len(one.windows) + len(one.pairs) for one in wanted.clauses) < 100


def test_a_segment_gives_back_its_postings(tmp_path: Path) -> None:
    chance = random.Random(3)
    regions = [
        {
            b"%d-%d" % (region, number): octets_of(
                sorted(chance.sample(range(500), chance.choice((1, 2, 31, 32, 500))))
            )
            for number in range(chance.choice((0, 1, 63, 64, 65, 300)))
        }
        for region in range(6)
    ]
    path = tmp_path / "1-900.text"
    documents = [Document(2 * number, number, number == 7) for number in range(500)]
    write(path, 5, (1, 900), documents, (sorted(one.items()) for one in regions), durable=False)
    segment = Segment(path)
    assert (segment.low, segment.high, segment.count, segment.signature) == (1, 900, 500, 5)
    assert segment.document(7) == documents[7]
    opened = segment.open()
    for region, expected in enumerate(regions):
        for base in (0, 1, 15_000):
            given_back = [
                pair for terms, found in opened.postings(region, base) for pair in zip(terms, found, strict=True)
            ]
            shifted = {term: [base + one for one in numbers_of(found)] for term, found in expected.items()}
            assert {term: list(numbers_of(found)) for term, found in given_back} == shifted
            assert [term for term, _ in given_back] == sorted(expected)
        for term in list(expected)[::29]:
            found, complete = opened.find(region, b"\n" + term + b"\n")
            assert complete
            assert [place for place, flag in enumerate(segment.flags(found)) if flag] == list(
                numbers_of(expected[term])
            )
    opened.close()
