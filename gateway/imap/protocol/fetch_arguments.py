"""Parses the arguments of FETCH ([RFC3501] 6.4.5, 9 `fetch`, `section`; [RFC7162] 3.1.4)."""

from __future__ import annotations

import re
from functools import partial

from gateway.imap.protocol.fetch_types import BodySection, Fetch, FetchAttribute, FetchItem, Section, SectionKind
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.writer import astring

MAX_ITEMS = 256
"""Items in one FETCH."""
MAX_FIELDS = 1000
"""Field names in one HEADER.FIELDS."""
MAX_DEPTH = 100
"""Part numbers in one section."""

_FAST = (FetchAttribute.FLAGS, FetchAttribute.INTERNALDATE, FetchAttribute.RFC822_SIZE)
_ALL = (*_FAST, FetchAttribute.ENVELOPE)
_MACROS: dict[bytes, tuple[FetchItem, ...]] = {b"FAST": _FAST, b"ALL": _ALL, b"FULL": (*_ALL, FetchAttribute.BODY)}
_ATTRIBUTES: dict[bytes, FetchItem] = {attribute.value: attribute for attribute in FetchAttribute}
_ATTRIBUTES[b"RFC822"] = BodySection(Section(), peek=False, partial=None, label=b"RFC822")
_ATTRIBUTES[b"RFC822.HEADER"] = BodySection(
    Section((), SectionKind.HEADER), peek=True, partial=None, label=b"RFC822.HEADER"
)
_ATTRIBUTES[b"RFC822.TEXT"] = BodySection(Section((), SectionKind.TEXT), peek=False, partial=None, label=b"RFC822.TEXT")
_KINDS = {kind.value: kind for kind in SectionKind if kind.value}
_NUMBERS = re.compile(rb"[1-9]\d{0,9}(?:\.[1-9]\d{0,9})*")

# Clients ask the same items again and again, so what the text after the sequence set means is remembered.
_known: dict[tuple[bytes, bool], tuple[tuple[FetchItem, ...], int | None, bool]] = {}
_KNOWN_MOST = 512
_KNOWN_LONGEST = 512


def _parse_fetch(scanner: Scanner, *, uid: bool) -> Fetch:
    """FETCH and UID FETCH, after the command's name and a space ([RFC3501] 6.4.5, 6.4.8)."""
    messages = scanner.sequence_set()
    scanner.space()
    if scanner.single:
        text = scanner.line[scanner.position :]
        known = _known.get((text, uid))
        if known is None:
            known = _parse_items(scanner, uid=uid)
            if len(text) <= _KNOWN_LONGEST:
                if len(_known) >= _KNOWN_MOST:
                    _known.clear()
                _known[text, uid] = known
        scanner.position = len(scanner.line)
    else:
        known = _parse_items(scanner, uid=uid)
    return Fetch(messages, known[0], uid, known[1], known[2])


def _parse_items(scanner: Scanner, *, uid: bool) -> tuple[tuple[FetchItem, ...], int | None, bool]:
    """The items and the modifiers up to the end of the command."""
    items: list[FetchItem] = []
    if scanner.accept(b"("):
        items = scanner.items(lambda: _item(scanner), MAX_ITEMS)
    else:
        start = scanner.position
        macro = _MACROS.get(scanner.word("a FETCH item"))
        if macro is not None:
            items.extend(macro)
        else:
            scanner.position = start
            items.append(_item(scanner))
    changed_since, vanished = None, False
    if scanner.peek() == 0x20 and scanner.line[scanner.position + 1 : scanner.position + 2] == b"(":
        scanner.space()
        changed_since, vanished = _modifiers(scanner, uid=uid)
    scanner.end()
    if uid and FetchAttribute.UID not in items:
        items.insert(0, FetchAttribute.UID)  # [RFC3501] 6.4.8: replies to UID FETCH carry the UID, asked for or not
    if changed_since is not None and FetchAttribute.MODSEQ not in items:
        items.append(FetchAttribute.MODSEQ)  # [RFC7162] 3.1.4.1: CHANGEDSINCE asks for MODSEQ, too
    return tuple(dict.fromkeys(items)), changed_since, vanished


def _modifiers(scanner: Scanner, *, uid: bool) -> tuple[int, bool]:
    """`(CHANGEDSINCE n)`, of UID FETCH with VANISHED beside it, in any order ([RFC7162] 3.1.4.1, 3.2.6).

    Quirk: 0 is taken, and means since ever; clients without a cache send it.
    """
    scanner.opening()

    def modifier() -> int | None:
        name = scanner.word("a FETCH modifier")
        if name == b"VANISHED" and uid:
            return None
        if name != b"CHANGEDSINCE":
            scanner.fail(f"Unknown FETCH modifier {name[:40].decode('ascii')}")
        scanner.space()
        return scanner.modseq()

    given = scanner.items(modifier, 2)
    if len(given) > len(set(map(type, given))):
        scanner.fail("The same modifier twice")
    changed_since = next((value for value in given if value is not None), None)
    if changed_since is None:
        scanner.fail("VANISHED needs CHANGEDSINCE beside it")
    return changed_since, None in given


def _item(scanner: Scanner) -> FetchItem:
    """One `fetch-att`."""
    word = scanner.word("a FETCH item")
    if scanner.peek() == 0x5B and word in (b"BODY", b"BODY.PEEK"):
        return _body_section(scanner, peek=word == b"BODY.PEEK")
    item = _ATTRIBUTES.get(word)
    if item is None:
        scanner.fail(f"Unknown FETCH item {word[:40].decode('ascii')}")
    return item


def _body_section(scanner: Scanner, *, peek: bool) -> BodySection:
    """`[section]<first.most>`, the name before it read already ([RFC3501] 9 `section`, `fetch-att`)."""
    scanner.accept(b"[")
    numbers: tuple[int, ...] = ()
    match = _NUMBERS.match(scanner.line, scanner.position)
    kind = SectionKind.WHOLE
    label = b"BODY["
    if match is not None:
        scanner.position = match.end()
        numbers = tuple(map(int, match[0].split(b".")))
        if len(numbers) > MAX_DEPTH:
            scanner.fail(f"More than {MAX_DEPTH} part numbers in a section")
        label += match[0]
    if scanner.accept(b".") if match is not None else scanner.peek() != 0x5D:
        word = scanner.word("a section")
        found = _KINDS.get(word)
        if found is None or (found is SectionKind.MIME and not numbers):
            scanner.fail(f"Unknown section {word[:40].decode('ascii')}")
        kind = found
        label += b"." + word if numbers else word
    fields: tuple[bytes, ...] = ()
    if kind in (SectionKind.HEADER_FIELDS, SectionKind.HEADER_FIELDS_NOT):
        scanner.space()
        scanner.opening()
        names = scanner.items(lambda: _field_name(scanner), MAX_FIELDS)
        fields = tuple(dict.fromkeys(name.upper() for name in names))
        label += b" (" + b" ".join(map(astring, names)) + b")"
    if not scanner.accept(b"]"):
        scanner.expected('"]"')
    label += b"]"
    partial = None
    if scanner.accept(b"<"):
        first = scanner.number("the first octet of a partial")
        if not scanner.accept(b"."):
            scanner.expected('"."')
        partial = (first, scanner.number("the length of a partial", least=1))
        if not scanner.accept(b">"):
            scanner.expected('">"')
        label += b"<%d>" % first
    return BodySection(Section(numbers, kind, fields), peek, partial, label)


def _field_name(scanner: Scanner) -> bytes:
    name = scanner.astring("a header field name")
    if not name or any(octet < 0x21 or octet > 0x7E or octet == 0x3A for octet in name):
        scanner.fail("Header field names are printable US-ASCII without spaces and colons")
    return name


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {b"FETCH": ("FETCH", partial(_parse_fetch, uid=False))}

UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {b"FETCH": ("FETCH", partial(_parse_fetch, uid=True))}
