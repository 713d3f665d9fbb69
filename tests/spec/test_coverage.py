"""The coverage page tells the truth, and the tool that writes it works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.coverage import (
    PAGE,
    CatalogError,
    Coverage,
    Document,
    Section,
    citations,
    measure,
    problems,
    read_document,
    render,
    scan,
)


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    return measure()


def test_nothing_contradicts_itself(coverage: Coverage) -> None:
    assert problems(coverage) == []


def test_the_page_is_up_to_date(coverage: Coverage) -> None:
    assert PAGE.exists(), "run `make spec`"
    assert PAGE.read_text("utf-8") == render(coverage), "docs/spec-coverage.md is out of date: run `make spec`"


# The document names below are made up, so that this file cites nothing.
def cite(text: str) -> list[str]:
    return [section for _, section in citations(text.replace("@", "[RFC1]"))]


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("see @ 6.4.5.", ["6.4.5"]),
        ("(@ 6.4.5, 7.4.2)", ["6.4.5", "7.4.2"]),
        ("@ 5.1 and 5.2; 9", ["5.1", "5.2"]),
        ("@ 6.3.3 to 6.3.6", ["6.3.3", "6.3.4", "6.3.5", "6.3.6"]),
        ("@ 4.1.1.3, appendix C)", ["4.1.1.3", "C"]),
        ("@ says 5", []),
        ("@, 5", []),
        ("@ 9 `astring`", ["9"]),
        ("@ 4: 12,288 octets", ["4"]),
        ("@ 4th", []),
    ],
)
def test_citations(text: str, sections: list[str]) -> None:
    assert cite(text) == sections


def test_problems_are_found() -> None:
    document = Document("RFC1", "t", (Section("1", "yes", "a"), Section("2", "yes", "b"), Section("3", "no", "c")))
    coverage = Coverage([document], {("RFC1", "1"): {"x.py"}}, {("RFC1", "2"): {"t.py"}, ("RFC1", "9"): {"t.py"}})
    assert problems(coverage) == [
        "[RFC1] 1 is yes, but no test cites it",
        "[RFC1] 2 is yes, but no code cites it",
        "[RFC1] 9 is cited in t.py, but is not in the catalogue",
    ]
    page = render(coverage)
    assert "| [RFC1](#rfc1) t | 2 | 1 | 0 |" in page
    assert "| 1 | a | yes | `x.py` |  |" in page


def test_scanning_reads_code_and_transcripts(tmp_path: Path) -> None:
    (tmp_path / "tests" / "transcripts").mkdir(parents=True)
    (tmp_path / "tests" / "transcripts" / "a.txt").write_text("# [RFC1] 1\n")
    (tmp_path / "tests" / "b.txt").write_text("# [RFC1] 2\n")
    (tmp_path / "tests" / "c.py").write_text("# [MS-X] 3\n")
    assert scan(tmp_path, ["tests"]) == {("RFC1", "1"): {"tests/transcripts/a.txt"}, ("MS-X", "3"): {"tests/c.py"}}


@pytest.mark.parametrize(
    "text", ["", "1\tyes\ta\n", "# t\n1\tmaybe\ta\n", "# t\n1\tyes\n", "# t\n1\tyes\ta\n1\tno\tb\n"]
)
def test_malformed_catalogues(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rfc1.tsv"
    path.write_text(text)
    with pytest.raises(CatalogError):
        read_document(path)
