"""Spec coverage: the catalogue of sections against the citations in the code and in the tests.

`python -m tests.spec.coverage` writes docs/spec-coverage.md. A citation is the document in brackets and the section
behind it, as in `[RFC3501] 6.4.5`; more sections may follow after a comma or `and`, and `6.3.3 to 6.3.10` stands for
all between.

The catalogue has one file for each document, tests/spec/catalog/<document>.tsv: a first line `# title`, then section,
status and subject, separated by tabs. Status: `yes` it is done, with code and test; `no` it is not; `n/a` it asks
nothing of a server (headings, introductions, references, what concerns clients alone).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CATALOG = ROOT / "tests" / "spec" / "catalog"
PAGE = ROOT / "docs" / "spec-coverage.md"
CODE = ("config", "conversion", "directory", "gateway", "store")
TESTS = ("tests",)
STATUSES = ("yes", "no", "n/a")

_SECTION = r"(?:appendix )?(?:\d+(?:\.\d+)*|(?<=appendix )[A-Z](?:\.\d+)*)"
_CITATION = re.compile(rf"\[((?:RFC|MS-)[A-Z0-9]+)\] ({_SECTION}(?:(?:, | and | to ){_SECTION})*)(?![\w-])")
_SPLIT = re.compile(r"(, | and | to )")

Places = dict[tuple[str, str], set[str]]
"""(document, section) -> files that cite it."""


@dataclass(frozen=True, slots=True)
class Section:
    """One line of the catalogue."""

    number: str
    status: str
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the catalogue."""

    name: str
    """As in citations: `RFC3501`."""
    title: str
    sections: tuple[Section, ...]


@dataclass(slots=True)
class Coverage:
    """Everything that the page shows."""

    documents: list[Document]
    code: Places = field(default_factory=dict)
    tests: Places = field(default_factory=dict)


class CatalogError(ValueError):
    """A file of the catalogue is malformed; the message names file and line."""


def read_document(path: Path) -> Document:
    """Read one file of the catalogue. Raises CatalogError."""
    lines = path.read_text("utf-8").splitlines()
    if not lines or not lines[0].startswith("# "):
        raise CatalogError(f"{path.name}: the first line is not `# title`")
    sections: list[Section] = []
    seen: set[str] = set()
    for number, line in enumerate(lines[1:], start=2):
        parts = line.split("\t")
        if len(parts) != 3 or parts[1] not in STATUSES or not parts[2] or parts[0] in seen:
            raise CatalogError(f"{path.name}:{number}: not a section, a status and a title, or twice the same section")
        seen.add(parts[0])
        sections.append(Section(*parts))
    return Document(path.stem.upper(), lines[0][2:], tuple(sections))


def read_catalog(folder: Path = CATALOG) -> list[Document]:
    """Read the whole catalogue, RFCs by number, then Microsoft's documents by name."""
    documents = [read_document(path) for path in folder.glob("*.tsv")]
    return sorted(
        documents, key=lambda d: (not d.name.startswith("RFC"), len(d.name) if "RFC" in d.name else 0, d.name)
    )


def citations(text: str) -> Iterator[tuple[str, str]]:
    """The (document, section) pairs that a text cites."""
    for match in _CITATION.finditer(text):
        last = ""
        separator = ""
        for part in _SPLIT.split(match[2]):
            if part in (", ", " and ", " to "):
                separator = part
                continue
            section = part.removeprefix("appendix ")
            if separator == " to ":
                yield from ((match[1], between) for between in _between(last, section))
            yield match[1], section
            last = section


def _between(first: str, last: str) -> Iterator[str]:
    """The sections between two of the same level."""
    prefix, _, start = first.rpartition(".")
    other, _, stop = last.rpartition(".")
    if prefix == other and start.isdigit() and stop.isdigit():
        for number in range(int(start) + 1, int(stop)):
            yield f"{prefix}.{number}" if prefix else str(number)


def scan(root: Path, folders: Iterable[str]) -> Places:
    """Look through the Python files (and transcripts) below `folders`."""
    places: Places = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".py", ".txt") or "__pycache__" in path.parts or "spec" in path.parts:
                continue
            if path.suffix == ".txt" and "transcripts" not in path.parts:
                continue
            for pair in citations(path.read_text("utf-8")):
                places.setdefault(pair, set()).add(path.relative_to(root).as_posix())
    return places


def measure(root: Path = ROOT) -> Coverage:
    """Read the catalogue and scan the tree."""
    return Coverage(read_catalog(), scan(root, CODE), scan(root, TESTS))


def problems(coverage: Coverage) -> list[str]:
    """What contradicts itself: yes without code or test, citations of what the catalogue does not know."""
    found: list[str] = []
    for document in coverage.documents:
        for section in document.sections:
            pair = (document.name, section.number)
            if section.status == "yes" and pair not in coverage.code:
                found.append(f"[{document.name}] {section.number} is yes, but no code cites it")
            if section.status == "yes" and pair not in coverage.tests:
                found.append(f"[{document.name}] {section.number} is yes, but no test cites it")
    known = {document.name: {section.number for section in document.sections} for document in coverage.documents}
    for places in (coverage.code, coverage.tests):
        for (name, number), files in sorted(places.items()):
            if name in known and number not in known[name]:
                found.append(f"[{name}] {number} is cited in {', '.join(sorted(files))}, but is not in the catalogue")
    return found


def render(coverage: Coverage) -> str:
    """The page, as Markdown."""
    out = [
        "# Spec coverage",
        "",
        "Written by `make spec` from the catalogue (`tests/spec/catalog/`), the code and the tests; not by hand.",
        "",
        "**yes**: done, with code and test. **no**: not done. **n/a**: asks nothing of a server.",
        "",
        "| document | yes | no | n/a |",
        "|---|---|---|---|",
    ]
    for document in coverage.documents:
        counts = [sum(section.status == status for section in document.sections) for status in STATUSES]
        anchor = document.name.lower()
        out.append(f"| [{document.name}](#{anchor}) {document.title} | {counts[0]} | {counts[1]} | {counts[2]} |")
    for document in coverage.documents:
        out += ["", f"## {document.name}", "", document.title, ""]
        out += ["| section | subject | status | code | tests |", "|---|---|---|---|---|"]
        for section in document.sections:
            pair = (document.name, section.number)
            code, tests = (_places(places.get(pair, ())) for places in (coverage.code, coverage.tests))
            out.append(f"| {section.number} | {section.title} | {section.status} | {code} | {tests} |")
    cited = {name for places in (coverage.code, coverage.tests) for name, _ in places}
    others = sorted(cited - {document.name for document in coverage.documents}, key=lambda name: (len(name), name))
    out += ["", "## Cited, not catalogued yet", "", " ".join(f"[{name}]" for name in others) or "none", ""]
    return "\n".join(out)


def _places(files: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in sorted(files))


def main() -> int:
    """Write the page; say what contradicts itself."""
    coverage = measure()
    PAGE.write_text(render(coverage), "utf-8")
    found = problems(coverage)
    for line in found:
        print(line, file=sys.stderr)
    print(f"{PAGE.relative_to(ROOT)}: {len(coverage.documents)} documents, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
