"""Parses the arguments of FETCH ([RFC3501] 6.4.5, 9 `fetch`, `section`; [RFC7162] 3.1.4).

The extensions' grammars: [RFC3516] 7, [RFC8474] 7, [RFC8514] 5, [RFC8970] 6, [RFC9394] 4.
"""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

from gateway.imap.protocol.fetch_types import (
    BinarySection,
    BinarySize,
    BodySection,
    Fetch,
    FetchAttribute,
    FetchItem,
    Preview,
    Section,
    SectionKind,
)
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
_FETCH_MODIFIER = re.compile(rb"(?:CHANGEDSINCE|VANISHED|PARTIAL)\b", re.IGNORECASE)
_NUMBERS = re.compile(rb"[1-9]\d{0,9}(?:\.[1-9]\d{0,9})*")


class _Modifiers(NamedTuple):
    """What may follow the items."""

    changed_since: int | None = None
    vanished: bool = False
    partial: tuple[int, int] | None = None


_NO_MODIFIERS = _Modifiers()

# Clients ask the same items again and again, so what the text after the sequence set means is remembered.
_known: dict[tuple[bytes, bool], tuple[tuple[FetchItem, ...], _Modifiers]] = {}
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
    return Fetch(messages, known[0], uid, *known[1])


def _parse_items(scanner: Scanner, *, uid: bool) -> tuple[tuple[FetchItem, ...], _Modifiers]:
    """The items and the modifiers up to the end of the command."""
    items: list[FetchItem] = []
    if scanner.accept(b"("):
        items = scanner.items(lambda: read_item(scanner), MAX_ITEMS)
    else:
        start = scanner.position
        macro = _MACROS.get(scanner.word("a FETCH item"))
        if macro is not None:
            items.extend(macro)
        else:
            scanner.position = start
            items.append(read_item(scanner))
    modifiers = _NO_MODIFIERS
    if scanner.peek() == 0x20 and scanner.line[scanner.position + 1 : scanner.position + 2] == b"(":
        scanner.space()
        modifiers = _modifiers(scanner, uid=uid)
    scanner.end()
    if uid and FetchAttribute.UID not in items:
        items.insert(0, FetchAttribute.UID)  # [RFC3501] 6.4.8: replies to UID FETCH carry the UID, asked for or not
    if modifiers.changed_since is not None and FetchAttribute.MODSEQ not in items:
        items.append(FetchAttribute.MODSEQ)  # [RFC7162] 3.1.4.1: CHANGEDSINCE asks for MODSEQ, too
    return tuple(dict.fromkeys(items)), modifiers


def _modifiers(scanner: Scanner, *, uid: bool) -> _Modifiers:
    """`(CHANGEDSINCE n)`, of UID FETCH with VANISHED beside it, and PARTIAL, in any order.

    [RFC7162] 3.1.4.1, 3.2.6; [RFC9394] 3.3. Quirk: 0 is taken, and means since ever; clients without a cache send it.
    """
    scanner.opening()
    given: dict[bytes, int | tuple[int, int] | bool] = {}

    def modifier() -> None:
        name = scanner.word("a FETCH modifier")
        if name in given:
            scanner.fail("The same modifier twice")
        if name == b"VANISHED" and uid:
            given[name] = True
            return
        if name not in (b"CHANGEDSINCE", b"PARTIAL"):
            scanner.fail(f"Unknown FETCH modifier {name[:40].decode('ascii')}")
        scanner.space()
        given[name] = scanner.modseq() if name == b"CHANGEDSINCE" else scanner.partial_range()

    scanner.items(modifier, 3)
    if b"VANISHED" in given and b"CHANGEDSINCE" not in given:
        scanner.fail("VANISHED needs CHANGEDSINCE beside it")
    changed_since, window = given.get(b"CHANGEDSINCE"), given.get(b"PARTIAL")
    assert changed_since is None or isinstance(changed_since, int)
    assert window is None or isinstance(window, tuple)
    return _Modifiers(changed_since, b"VANISHED" in given, window)


def read_item(scanner: Scanner) -> FetchItem:
    """One `fetch-att`."""
    word = scanner.word("a FETCH item")
    if scanner.peek() == 0x5B:
        if word in (b"BODY", b"BODY.PEEK"):
            return _body_section(scanner, peek=word == b"BODY.PEEK")
        if word in (b"BINARY", b"BINARY.PEEK", b"BINARY.SIZE"):
            return _binary(scanner, word)
    if word == b"PREVIEW":
        return _preview(scanner)
    item = _ATTRIBUTES.get(word)
    if item is None:
        scanner.fail(f"Unknown FETCH item {word[:40].decode('ascii')}")
    return item


def _body_section(scanner: Scanner, *, peek: bool) -> BodySection:
    """`[section]<first.most>`, the name before it read already ([RFC3501] 9 `section`, `fetch-att`)."""
    found, text = read_section(scanner)
    window = _octets(scanner)
    label = b"BODY" + text if window is None else b"BODY%b<%d>" % (text, window[0])
    return BodySection(found, peek, window, label)


def read_section(scanner: Scanner) -> tuple[Section, bytes]:
    """`[section]`: what it means, and how the reply spells it ([RFC3501] 9 `section`)."""
    scanner.accept(b"[")
    numbers, label = _part_numbers(scanner)
    kind = SectionKind.WHOLE
    if scanner.accept(b".") if numbers else scanner.peek() != 0x5D:
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
    return Section(numbers, kind, fields), b"[" + label + b"]"


def _part_numbers(scanner: Scanner) -> tuple[tuple[int, ...], bytes]:
    """Part numbers joined by dots, if they come next, and how they are spelled ([RFC3501] 9 `section-part`)."""
    match = _NUMBERS.match(scanner.line, scanner.position)
    if match is None:
        return (), b""
    scanner.position = match.end()
    numbers = tuple(map(int, match[0].split(b".")))
    if len(numbers) > MAX_DEPTH:
        scanner.fail(f"More than {MAX_DEPTH} part numbers in a section")
    return numbers, match[0]


def _octets(scanner: Scanner) -> tuple[int, int] | None:
    """`<first.most>`, if it comes next ([RFC3501] 9 `fetch-att`)."""
    if not scanner.accept(b"<"):
        return None
    first = scanner.number("the first octet of a partial")
    if not scanner.accept(b"."):
        scanner.expected('"."')
    most = scanner.number("the length of a partial", least=1)
    if not scanner.accept(b">"):
        scanner.expected('">"')
    return first, most


def _binary(scanner: Scanner, word: bytes) -> BinarySection | BinarySize:
    """`[part]<first.most>` of BINARY, `[part]` of BINARY.SIZE ([RFC3516] 7)."""
    scanner.accept(b"[")
    numbers, text = _part_numbers(scanner)
    if not scanner.accept(b"]"):
        scanner.expected('"]"')
    if word == b"BINARY.SIZE":
        return BinarySize(numbers, b"BINARY.SIZE[%b]" % text)
    window = _octets(scanner)
    label = b"BINARY[%b]" % text if window is None else b"BINARY[%b]<%d>" % (text, window[0])
    return BinarySection(numbers, word == b"BINARY.PEEK", window, label)


def _preview(scanner: Scanner) -> Preview:
    """PREVIEW and its modifiers ([RFC8970] 6).

    Quirk: the forms of the draft, `(FUZZY)` and `(LAZY=FUZZY)`, that clients of Dovecot 2.3 use.
    """
    start = scanner.position
    if not scanner.accept(b" ("):
        return Preview()
    if _FETCH_MODIFIER.match(scanner.line, scanner.position):
        scanner.position = start  # PREVIEW was the only item, and the parenthesis is that of the modifiers
        return Preview()
    words = scanner.items(lambda: _preview_modifier(scanner), 4)
    return Preview(
        lazy=any(word.startswith(b"LAZY") for word in words), fuzzy=any(word.endswith(b"FUZZY") for word in words)
    )


def _preview_modifier(scanner: Scanner) -> bytes:
    word = scanner.word("a PREVIEW modifier")
    if word == b"LAZY" and scanner.accept(b"="):
        word = b"LAZY=" + scanner.word("FUZZY")
    if word not in (b"LAZY", b"FUZZY", b"LAZY=FUZZY"):
        scanner.fail(f"Unknown PREVIEW modifier {word[:40].decode('ascii')}")
    return word


def _field_name(scanner: Scanner) -> bytes:
    name = scanner.astring("a header field name")
    if not name or any(octet < 0x21 or octet > 0x7E or octet == 0x3A for octet in name):
        scanner.fail("Header field names are printable US-ASCII without spaces and colons")
    return name


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {b"FETCH": ("FETCH", partial(_parse_fetch, uid=False))}

UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {b"FETCH": ("FETCH", partial(_parse_fetch, uid=True))}
