"""Reads the arguments of the commands that search.

SEARCH ([RFC3501] 6.4.4, [RFC4466] 2.6.1, [RFC4731] 4), SORT and THREAD ([RFC5256] 5, [RFC5957] 5, [RFC5267] 5),
UPDATE with items ([RFC5465] 7).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gateway.imap.protocol.fetch_arguments import MAX_ITEMS, read_item
from gateway.imap.protocol.fetch_types import FetchItem
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.search_keys import read_keys
from gateway.imap.protocol.search_types import (
    Algorithm,
    CancelUpdate,
    Comparator,
    Criterion,
    MultiSearch,
    Returns,
    Search,
    Sort,
    SortKey,
    Source,
    SourceKind,
    Thread,
)

MAX_OPTIONS = 20
"""Options in one RETURN, doubles counted."""
MAX_STRINGS = 100
"""Tags in one CANCELUPDATE, and names in one COMPARATOR."""
MAX_SOURCES = 1000
"""Sources, and names in one of them, in one ESEARCH."""
MAX_CRITERIA = 20
"""Criteria in one SORT."""

_OPTIONS = {
    b"MIN": "minimum",
    b"MAX": "maximum",
    b"ALL": "all",
    b"COUNT": "count",
    b"SAVE": "save",
    b"UPDATE": "update",
    b"CONTEXT": "context",
}
"""Those without argument, with their names in Returns."""
_SOURCES = {kind.value.encode(): kind for kind in SourceKind}
_SORT_KEYS = {key.value.encode(): key for key in SortKey}
_ALGORITHMS = {algorithm.value.encode(): algorithm for algorithm in Algorithm}


def _parse_search(scanner: Scanner, *, uid: bool) -> Search:
    """SEARCH and UID SEARCH, after the command's name and a space ([RFC3501] 6.4.4, 6.4.8)."""
    returns = _returns(scanner)
    charset = None
    if scanner.line[scanner.position : scanner.position + 8].upper() == b"CHARSET ":
        scanner.position += 8
        charset = scanner.astring("a charset").decode("latin-1")
        scanner.space()
    return _search(scanner, returns, charset, uid=uid)


def _search(scanner: Scanner, returns: Returns | None, charset: str | None, *, uid: bool) -> Search:
    keys = read_keys(scanner, charset, saves=returns is not None and returns.save)
    return Search(keys.key, uid, charset, keys.modseq, returns)


def _returns(scanner: Scanner) -> Returns | None:
    """`RETURN (options) `, if it comes next ([RFC4466] 2.6.1, [RFC4731] 4).

    No options at all ask for ALL, and so does CONTEXT by itself, which is no more than a hint ([RFC5267] 4.2).
    """
    if scanner.line[scanner.position : scanner.position + 7].upper() != b"RETURN ":
        return None
    scanner.position += 7
    given: dict[str, bool] = {}
    ranges: list[tuple[int, int]] = []
    items: list[FetchItem] = []

    def option() -> None:
        name = scanner.word("a result option")
        if name == b"PARTIAL":
            scanner.space()
            ranges.append(scanner.partial_range())
        elif name in _OPTIONS:
            given[_OPTIONS[name]] = True
            # The grammar has no space before the items ([RFC5465] 8), the example has one ([RFC5465] 7).
            if name == b"UPDATE" and (scanner.accept(b" (") or scanner.accept(b"(")):
                items.extend(scanner.items(lambda: read_item(scanner), MAX_ITEMS))
        else:
            scanner.fail(f"Unknown result option {name[:40].decode('ascii')}")

    scanner.opening()
    if not scanner.accept(b")"):
        scanner.items(option, MAX_OPTIONS)
    scanner.space()
    if len(ranges) + given.get("all", False) > 1:
        # [RFC5267] 4.4, [RFC9394] 3.1
        scanner.fail("A search returns ALL or one PARTIAL")
    if not ranges and not given.keys() - {"context"}:
        given["all"] = True
    partial_range = ranges[0] if ranges else None
    return Returns(partial=partial_range, items=tuple(dict.fromkeys(items)), **given)


def _parse_sort(scanner: Scanner, *, uid: bool) -> Sort:
    """SORT and UID SORT ([RFC5256] 5 `sort`, [RFC5267] 5 `extended-sort`)."""
    returns = _returns(scanner)
    scanner.opening()
    program = scanner.items(lambda: _criterion(scanner), MAX_CRITERIA)
    scanner.space()
    return Sort(tuple(program), _criteria(scanner, returns, uid=uid))


def _criterion(scanner: Scanner) -> Criterion:
    name = scanner.word("a sort criterion")
    reverse = name == b"REVERSE"
    if reverse:
        scanner.space()
        name = scanner.word("a sort criterion")
    key = _SORT_KEYS.get(name)
    if key is None:
        scanner.fail(f"Unknown sort criterion {name[:40].decode('ascii')}")
    return Criterion(key, reverse)


def _parse_thread(scanner: Scanner, *, uid: bool) -> Thread:
    """THREAD and UID THREAD ([RFC5256] 5 `thread`)."""
    name = scanner.atom("a threading algorithm").upper()
    algorithm = _ALGORITHMS.get(name)
    if algorithm is None:
        scanner.fail(f"Unknown threading algorithm {name[:40].decode('ascii')}")
    scanner.space()
    return Thread(algorithm, _criteria(scanner, None, uid=uid))


def _parse_cancel_update(scanner: Scanner) -> CancelUpdate:
    """CANCELUPDATE ([RFC5267] 5). Quirk: the tags need no quotes."""
    return CancelUpdate(tuple(_strings(scanner, "a tag")))


def _parse_comparator(scanner: Scanner) -> Comparator:
    """COMPARATOR, which may stand alone ([RFC5255] 4.10)."""
    if scanner.peek() < 0:
        return Comparator(())
    return Comparator(tuple(each.decode("latin-1") for each in _strings(scanner, "a comparator")))


def _strings(scanner: Scanner, what: str) -> list[bytes]:
    found = [scanner.astring(what)]
    while scanner.accept(b" "):
        if scanner.peek() < 0:
            break
        if len(found) >= MAX_STRINGS:
            scanner.fail(f"More than {MAX_STRINGS} strings")
        found.append(scanner.astring(what))
    return found


def _criteria(scanner: Scanner, returns: Returns | None, *, uid: bool) -> Search:
    """`charset 1*(SP search-key)`: the charset must be there ([RFC5256] 5 `search-criteria`)."""
    charset = scanner.astring("a charset").decode("latin-1")
    scanner.space()
    return _search(scanner, returns, charset, uid=uid)


def _parse_multi_search(scanner: Scanner) -> MultiSearch:
    """ESEARCH ([RFC7377] 3, 4): without sources it is the selected mailbox; it returns ALL unless it says otherwise."""
    sources = [Source(SourceKind.SELECTED)]
    if scanner.line[scanner.position : scanner.position + 4].upper() == b"IN (":
        scanner.position += 4
        sources = scanner.items(lambda: _source(scanner), MAX_SOURCES)
        scanner.space()
    search = _parse_search(scanner, uid=True)
    return MultiSearch(tuple(sources), replace(search, returns=search.returns or Returns(all=True)))


def _source(scanner: Scanner) -> Source:
    """`filter-mailboxes` ([RFC5465] 8, [RFC7377] 4)."""
    word = scanner.word("a source of mailboxes")
    kind = _SOURCES.get(word)
    if kind is None:
        scanner.fail(f"Unknown source {word[:40].decode('ascii')}")
    if kind not in (SourceKind.SUBTREE, SourceKind.SUBTREE_ONE, SourceKind.MAILBOXES):
        return Source(kind)
    scanner.space()
    if scanner.accept(b"("):
        return Source(kind, tuple(scanner.items(scanner.mailbox, MAX_SOURCES)))
    return Source(kind, (scanner.mailbox(),))


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"SEARCH": ("SEARCH", partial(_parse_search, uid=False)),
    b"SORT": ("SORT", partial(_parse_sort, uid=False)),
    b"THREAD": ("THREAD", partial(_parse_thread, uid=False)),
    b"CANCELUPDATE": ("CANCELUPDATE", _parse_cancel_update),
    b"COMPARATOR": ("COMPARATOR", _parse_comparator),
    b"ESEARCH": ("ESEARCH", _parse_multi_search),
}
ALONE = frozenset((b"COMPARATOR",))
"""Commands that may stand without arguments, although they can have some."""

UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {
    b"SEARCH": ("SEARCH", partial(_parse_search, uid=True)),
    b"SORT": ("SORT", partial(_parse_sort, uid=True)),
    b"THREAD": ("THREAD", partial(_parse_thread, uid=True)),
}
