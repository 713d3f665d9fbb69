"""Reads search keys and the charset of their texts ([RFC3501] 6.4.4, 9 `search-key`; [RFC7162] 3.1.5)."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from collections.abc import Callable

from gateway.imap.protocol.dates import parse_date
from gateway.imap.protocol.scanner import Scanner
from gateway.imap.protocol.search_types import (
    AgeKey,
    All,
    And,
    DateKey,
    DateRelation,
    EnvelopeKey,
    FlagKey,
    HeaderKey,
    ModSeqKey,
    Not,
    ObjectKey,
    Or,
    RecentKey,
    SavedKey,
    SearchKey,
    SequenceKey,
    SizeKey,
    TextKey,
    UidKey,
)
from gateway.imap.protocol.types import SequenceSet, UnsupportedCharset

MAX_DEPTH = 50
"""Levels of NOT, parentheses, and OR within OR's first key."""
_LONG_CHAIN = 16
_LETTER_O = (0x4F, 0x6F)
_SET_MARKS = (0x24, 0x2A)
"""`$` and `*`."""
MAX_KEYS = 2000
"""Keys in one SEARCH."""

CHARSETS = ("US-ASCII", "UTF-8")
"""The charsets that BADCHARSET names; others that are known are taken as well."""

_KNOWN_CHARSETS = {
    "us-ascii", "ascii", "ansi_x3.4-1968", "utf-8", "utf8",
    *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)),
    *(f"windows-{page}" for page in range(1250, 1259)),
    "koi8-r", "koi8-u", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr",
}  # fmt: skip

_FLAGS = {
    b"ANSWERED": "\\Answered",
    b"DELETED": "\\Deleted",
    b"DRAFT": "\\Draft",
    b"FLAGGED": "\\Flagged",
    b"SEEN": "\\Seen",
}
_PLAIN: dict[bytes, SearchKey] = {
    b"ALL": All(),
    b"RECENT": RecentKey(True),
    b"OLD": RecentKey(False),
    b"SAVEDATESUPPORTED": All(),
    b"NEW": And((RecentKey(True), FlagKey("\\Seen", False))),
    **{name: FlagKey(flag, True) for name, flag in _FLAGS.items()},
    **{b"UN" + name: FlagKey(flag, False) for name, flag in _FLAGS.items()},
}
_DATES = {
    prefix + relation.value.encode(): (relation, prefix == b"SENT")
    for relation in DateRelation
    for prefix in (b"", b"SENT")
}
_ENVELOPE = frozenset((b"FROM", b"TO", b"CC", b"BCC", b"SUBJECT"))
_OTHERS = (b"BODY", b"TEXT", b"HEADER", b"KEYWORD", b"UNKEYWORD", b"LARGER", b"SMALLER", b"UID", b"MODSEQ")
_BESIDE = (b"UIDAFTER", b"UIDBEFORE")
_LAST_UID = (1 << 32) - 1
_AGES = (b"OLDER", b"YOUNGER")
_SAVED = {b"SAVED" + relation.value.encode(): relation for relation in DateRelation}
_OBJECTS = (b"EMAILID", b"THREADID")
_WITH_ARGUMENT = frozenset((*_ENVELOPE, *_DATES, *_OTHERS, *_AGES, *_SAVED, *_OBJECTS, *_BESIDE))
_OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


class Keys:
    """The keys of one command and what they say of it."""

    __slots__ = ("key", "modseq")

    def __init__(self, key: SearchKey, modseq: bool) -> None:
        self.key = key
        """Those of the top level, joined: an And if there are several."""
        self.modseq = modseq
        """A MODSEQ key is among them."""


def read_keys(scanner: Scanner, charset: str | None, *, saves: bool) -> Keys:
    """Read `search-key *(SP search-key)` to the end of the command. UnsupportedCharset carries `saves`."""
    reader = _KeyReader(scanner, _decoder(scanner, charset, saves=saves))
    keys = [reader.key(0)]
    while scanner.accept(b" "):
        if scanner.peek() < 0:
            break  # a space too many at the end is passed over, as everywhere
        keys.append(reader.key(0))
    scanner.end()
    return Keys(keys[0] if len(keys) == 1 else And(tuple(keys)), reader.modseq)


def _decoder(scanner: Scanner, charset: str | None, *, saves: bool) -> Callable[[bytes], str]:
    """How texts are decoded.

    Quirk: without CHARSET, which means US-ASCII, 8-bit octets are taken as UTF-8, or else as ISO-8859-1.
    """
    if charset is None:

        def guess(data: bytes) -> str:
            try:
                return data.decode("utf-8")
            except UnicodeDecodeError:
                return data.decode("latin-1")

        return guess
    if charset.lower() not in _KNOWN_CHARSETS:
        raise UnsupportedCharset(scanner.tag, "The specified charset is not supported", CHARSETS, saves=saves)
    decode = codecs.lookup(charset).decode

    def strictly(data: bytes) -> str:
        try:
            return decode(data)[0]
        except UnicodeDecodeError:
            scanner.fail(f"Text is not in the charset {charset}")

    return strictly


def _chain(keys: list[SearchKey]) -> SearchKey:
    result = keys[-1]
    for key in reversed(keys[:-1]):
        result = Or(key, result)
    return result


def _balance(keys: list[SearchKey]) -> SearchKey:
    if len(keys) == 1:
        return keys[0]
    middle = len(keys) // 2
    return Or(_balance(keys[:middle]), _balance(keys[middle:]))


class _KeyReader:
    """Reads search keys, counting them."""

    __slots__ = ("_count", "_decode", "_scanner", "modseq")

    def __init__(self, scanner: Scanner, decode: Callable[[bytes], str]) -> None:
        self._scanner = scanner
        self._decode = decode
        self._count = 0
        self.modseq = False

    def key(self, depth: int) -> SearchKey:
        """One `search-key`."""
        scanner = self._scanner
        self._count += 1
        if depth > MAX_DEPTH:
            scanner.fail(f"Search keys are nested more than {MAX_DEPTH} deep")
        if self._count > MAX_KEYS:
            scanner.fail(f"More than {MAX_KEYS} search keys")
        first = scanner.peek()
        if first == 0x28:  # (
            scanner.position += 1
            keys = scanner.items(lambda: self.key(depth + 1), MAX_KEYS)
            return keys[0] if len(keys) == 1 else And(tuple(keys))
        if 0x30 <= first <= 0x39 or first in _SET_MARKS:
            return SequenceKey(scanner.sequence_set())
        name = scanner.word("a search key")
        plain = _PLAIN.get(name)
        if plain is not None:
            return plain
        if name == b"NOT":
            scanner.space()
            return Not(self.key(depth + 1))
        if name == b"OR":
            return self._alternatives(depth)
        return self._with_argument(name)

    def _alternatives(self, depth: int) -> SearchKey:
        """The rest of `OR key key`.

        Clients that look for many messages at once nest to the right, hundreds deep: `OR a OR b OR c d`. A chain is
        read without recursion, and a long one becomes a balanced tree, which means the same.
        """
        scanner = self._scanner
        keys: list[SearchKey] = []
        while True:
            scanner.space()
            keys.append(self.key(depth + 1))
            scanner.space()
            start = scanner.position
            if scanner.peek() in _LETTER_O and scanner.word("a search key") == b"OR":
                self._count += 1
                continue
            scanner.position = start
            keys.append(self.key(depth + 1))
            return _chain(keys) if len(keys) <= _LONG_CHAIN else _balance(keys)

    def _text(self) -> str:
        return self._decode(self._scanner.astring("a search text"))

    def _with_argument(self, name: bytes) -> SearchKey:
        """A key that takes arguments other than keys."""
        scanner = self._scanner
        if name not in _WITH_ARGUMENT:
            scanner.fail(f"Unknown search key {name[:40].decode('ascii')}")
        scanner.space()
        if name in _ENVELOPE:
            return EnvelopeKey(name.decode("ascii"), self._text())
        if name in (b"BODY", b"TEXT"):
            return TextKey(self._text(), name == b"TEXT")
        if name == b"HEADER":
            field = scanner.astring("a header field name").decode("latin-1")
            scanner.space()
            return HeaderKey(field, self._text())
        if name in (b"KEYWORD", b"UNKEYWORD"):
            return FlagKey(scanner.atom("a keyword").decode("ascii"), name == b"KEYWORD")
        if name in (b"LARGER", b"SMALLER"):
            return SizeKey(scanner.number("a number of octets"), name == b"LARGER")
        if name == b"UID":
            return UidKey(scanner.sequence_set())
        if name in _BESIDE:
            return self._beside(after=name == b"UIDAFTER")
        if name == b"MODSEQ":
            return self._modseq()
        if name in _AGES:  # [RFC5032] 3
            return AgeKey(scanner.number("a number of seconds", least=1), name == b"OLDER")
        if name in _SAVED:  # [RFC8514] 5
            return SavedKey(_SAVED[name], self._date())
        if name in _OBJECTS:
            return self._object(name)
        relation, sent = _DATES[name]
        return DateKey(relation, self._date(), sent)

    def _date(self) -> dt.date:
        """`date` or `"date"`."""
        date = parse_date(self._scanner.astring("a date"))
        if date is None:
            self._scanner.fail("Dates look like 1-Feb-1994")
        return date

    def _beside(self, *, after: bool) -> SearchKey:
        """`uniqueid`: the messages with higher UIDs, or with lower ones ([RFC9738] 3.2)."""
        uid = self._scanner.number("a UID", least=1)
        low, high = (uid + 1, _LAST_UID) if after else (1, uid - 1)
        return UidKey(SequenceSet(((low, high),))) if low <= high else Not(All())

    def _object(self, name: bytes) -> ObjectKey:
        """`objectid` ([RFC8474] 7)."""
        identifier = self._scanner.atom("an identifier").decode("ascii")
        if not _OBJECT_ID.fullmatch(identifier):
            self._scanner.fail("Identifiers are letters, digits, _ and -")
        return ObjectKey(identifier, name == b"THREADID")

    def _modseq(self) -> ModSeqKey:
        """`["/flags/\\\\Seen" all] n` ([RFC7162] 3.1.5, 7 `search-modsequence`)."""
        scanner = self._scanner
        self.modseq = True
        if scanner.peek() != 0x22:
            return ModSeqKey(scanner.modseq())
        entry = scanner.string("an entry name").decode("latin-1")
        if not entry.lower().startswith("/flags/"):
            scanner.fail("Entry names begin with /flags/")
        scanner.space()
        kind = scanner.word("an entry type").decode("ascii").lower()
        if kind not in ("priv", "shared", "all"):
            scanner.fail("Entry types are priv, shared and all")
        scanner.space()
        return ModSeqKey(scanner.modseq(), entry, kind)
