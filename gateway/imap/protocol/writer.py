"""Builds the octets of server responses ([RFC3501] 7, 9). Everything returns whole lines or ready pieces of lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from time import gmtime

from gateway.imap.protocol import utf7
from gateway.imap.protocol.fetch_types import FetchAttribute, FetchItem
from gateway.imap.protocol.numset import format_set

_ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_QUOTABLE_UTF8 = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\xff]*")
_ESCAPED = re.compile(rb'["\\]')
_NOT_TEXT = re.compile(rb"[\x00-\x1f\x7f]+")
_LONGEST_QUOTED = 1000
_MOST_RUNS = 350
"""Runs in one VANISHED response: some 8,000 octets at most, the line that [RFC7162] 4 expects everybody to take."""
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_SECONDS_OF_DAY = 86_400
_CLOCK = tuple(b"%02d:%02d:" % divmod(minute, 60) for minute in range(1440))
_SECONDS = tuple(b'%02d +0000"' % second for second in range(60))

# --- strings


def quoted(data: bytes) -> bytes:
    """A quoted string; the caller knows that `data` has no CR, LF, NUL or 8-bit octet ([RFC3501] 4.3)."""
    if b'"' in data or b"\\" in data:
        data = _ESCAPED.sub(rb"\\\g<0>", data)
    return b'"' + data + b'"'


def literal(data: bytes) -> bytes:
    """A literal ([RFC3501] 4.3, 4.3.1)."""
    return b"{%d}\r\n%b" % (len(data), data)


def string(data: bytes) -> bytes:
    """Quoted if it can be, else a literal ([RFC3501] 4.3)."""
    if len(data) <= _LONGEST_QUOTED and _QUOTABLE.fullmatch(data):
        return quoted(data)
    return literal(data)


def utf8_string(data: bytes) -> bytes:
    """As `string`, to a client that takes UTF-8 in quoted strings ([RFC6855] 3, [RFC9051] 4.3); `data` is UTF-8."""
    if len(data) <= _LONGEST_QUOTED and _QUOTABLE_UTF8.fullmatch(data):
        return quoted(data)
    return literal(data)


def nstring(data: bytes | None) -> bytes:
    """A string, or NIL for None ([RFC3501] 4.5)."""
    return b"NIL" if data is None else string(data)


def astring(data: bytes) -> bytes:
    """An atom if it can be, else a string; what would read as NIL is quoted ([RFC3501] 9 `astring`)."""
    if _ATOM.fullmatch(data) and data.upper() != b"NIL":
        return data
    return string(data)


@lru_cache(maxsize=4096)
def mailbox_name(name: str, *, utf8: bool = False) -> bytes:
    """A mailbox name as astring, in modified UTF-7 unless `utf8` ([RFC3501] 5.1.3, [RFC6855] 3)."""
    data = name.encode("utf-8", "replace") if utf8 else utf7.encode(name)
    return astring(data) if data.isascii() else utf8_string(data)


# --- dates


@lru_cache(maxsize=4096)
def _day(number: int) -> bytes:
    """The opening of a date-time for a day counted from 1970-01-01: `"17-Jul-1996 `."""
    moment = gmtime(number * _SECONDS_OF_DAY)
    return b'"%2d-%b-%04d ' % (moment.tm_mday, _MONTHS[moment.tm_mon - 1], moment.tm_year)


def internal_date(seconds: int) -> bytes:
    """A date-time in UTC, quoted, from seconds since 1970-01-01 UTC ([RFC3501] 2.3.3, 9 `date-time`)."""
    return internal_dates((seconds,))[0]


def internal_dates(column: Iterable[int]) -> list[bytes]:
    """What internal_date gives, for each of many in one call."""
    return [
        _day(moment // _SECONDS_OF_DAY) + _CLOCK[moment % _SECONDS_OF_DAY // 60] + _SECONDS[moment % 60]
        for moment in column
    ]


# --- status responses and their codes


@lru_cache(maxsize=1024)
def text(words: str) -> bytes:
    """Free text of a response: US-ASCII, no control characters, never empty ([RFC3501] 9 `text`)."""
    return _NOT_TEXT.sub(b" ", words.encode("ascii", "replace")) or b"-"


def status(tag: bytes, condition: bytes, words: str, code: bytes = b"") -> bytes:
    """`tag OK|NO|BAD|BYE [code] text` ([RFC3501] 7.1.1 to 7.1.5); the tag `*` makes it untagged."""
    if code:
        return b"%b %b [%b] %b\r\n" % (tag, condition, code, text(words))
    return b"%b %b %b\r\n" % (tag, condition, text(words))


def challenge(base64: bytes) -> bytes:
    """`+ base64`: one line, however long; empty is `+ ` ([RFC3501] 6.2.2)."""
    return b"+ %b\r\n" % base64


def code_number(name: bytes, number: int) -> bytes:
    """UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ ([RFC3501] 7.1, [RFC7162] 3.1.2.1)."""
    return b"%b %d" % (name, number)


def code_appenduid(uidvalidity: int, uids: Iterable[int]) -> bytes:
    """APPENDUID ([RFC4315] 3)."""
    return b"APPENDUID %d %b" % (uidvalidity, format_set(uids))


def code_copyuid(uidvalidity: int, source: Iterable[int], destination: Iterable[int]) -> bytes:
    """COPYUID; the two lists correspond ([RFC4315] 3)."""
    return b"COPYUID %d %b %b" % (uidvalidity, format_set(source), format_set(destination))


def code_modified(numbers: Iterable[int]) -> bytes:
    """MODIFIED: the messages that STORE left alone, by UID or number as the command named them ([RFC7162] 3.1.3)."""
    return b"MODIFIED " + format_set(numbers)


# --- untagged data


def exists(count: int) -> bytes:
    """`* n EXISTS` ([RFC3501] 7.3.1)."""
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """`* n RECENT` ([RFC3501] 7.3.2)."""
    return b"* %d RECENT\r\n" % count


def expunge(number: int) -> bytes:
    """`* n EXPUNGE` ([RFC3501] 7.4.1)."""
    return b"* %d EXPUNGE\r\n" % number


def vanished(runs: Iterable[range], *, earlier: bool = False) -> list[bytes]:
    """`* VANISHED 2:5,9`, as many lines as it takes to keep each short ([RFC7162] 3.2.10).

    `earlier`: the client was away when they went ([RFC7162] 3.2.10.1). Nothing gone: no line.
    """
    head = b"* VANISHED (EARLIER) " if earlier else b"* VANISHED "
    sets = [b"%d:%d" % (run.start, run.stop - 1) if len(run) > 1 else b"%d" % run.start for run in runs]
    step = _MOST_RUNS
    return [head + b",".join(sets[start : start + step]) + b"\r\n" for start in range(0, len(sets), step)]


def enabled(names: Iterable[bytes]) -> bytes:
    """`* ENABLED ...` ([RFC5161] 3.2)."""
    return b" ".join((b"* ENABLED", *names)) + b"\r\n"


def list_line(
    attributes: Iterable[bytes],
    delimiter: bytes | None,
    name: str,
    *,
    verb: bytes = b"LIST",
    extended: bytes = b"",
    utf8: bool = False,
) -> bytes:
    """`* LIST (attributes) "/" name`, or LSUB ([RFC3501] 7.2.2, 7.2.3).

    `extended` is ready extended data such as `("CHILDINFO" ("SUBSCRIBED"))` ([RFC5258] 4).
    """
    line = b"* %b (%b) %b %b" % (verb, b" ".join(attributes), nstring(delimiter), mailbox_name(name, utf8=utf8))
    return line + b" " + extended + b"\r\n" if extended else line + b"\r\n"


def status_line(name: str, items: Iterable[tuple[bytes, int | bytes]], *, utf8: bool = False) -> bytes:
    """`* STATUS name (ITEM n ...)` ([RFC3501] 7.2.4); a value that is no number comes as its ready bytes."""
    values = [b"%b %b" % (name, value if isinstance(value, bytes) else b"%d" % value) for name, value in items]
    return b"* STATUS %b (%b)\r\n" % (mailbox_name(name, utf8=utf8), b" ".join(values))


def search_line(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """`* SEARCH 2 3 6`, with `(MODSEQ n)` if asked and something was found ([RFC3501] 7.2.5, [RFC7162] 3.1.6)."""
    if not numbers:
        return b"* SEARCH\r\n"
    found = " ".join(map(str, numbers)).encode("ascii")
    if modseq is None:
        return b"* SEARCH %b\r\n" % found
    return b"* SEARCH %b (MODSEQ %d)\r\n" % (found, modseq)


def id_line(parameters: Iterable[tuple[str, str | None]] | None) -> bytes:
    """`* ID (...)` or `* ID NIL` ([RFC2971] 3.2)."""
    if parameters is None:
        return b"* ID NIL\r\n"
    pairs = [
        string(key.encode()) + b" " + nstring(None if value is None else value.encode()) for key, value in parameters
    ]
    return b"* ID (%b)\r\n" % b" ".join(pairs)


def namespace_line(*groups: Sequence[tuple[str, bytes | None]] | None, utf8: bool = False) -> bytes:
    """`* NAMESPACE personal others shared`: each a list of (prefix, delimiter), or None for NIL ([RFC2342] 5)."""

    def write(group: Sequence[tuple[str, bytes | None]] | None) -> bytes:
        if not group:
            return b"NIL"
        inner = [
            b"(%b %b)" % (utf8_string(prefix.encode()) if utf8 else string(utf7.encode(prefix)), nstring(delimiter))
            for prefix, delimiter in group
        ]
        return b"(" + b"".join(inner) + b")"

    return b"* NAMESPACE %b\r\n" % b" ".join(map(write, groups))


# --- FETCH


_PLACEHOLDER = {
    FetchAttribute.FLAGS: b"FLAGS (%b)",
    FetchAttribute.UID: b"UID %d",
    FetchAttribute.INTERNALDATE: b"INTERNALDATE %b",
    FetchAttribute.RFC822_SIZE: b"RFC822.SIZE %d",
    FetchAttribute.ENVELOPE: b"ENVELOPE %b",
    FetchAttribute.BODY: b"BODY %b",
    FetchAttribute.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
    FetchAttribute.MODSEQ: b"MODSEQ (%d)",
    FetchAttribute.SAVEDATE: b"SAVEDATE %b",
    FetchAttribute.EMAILID: b"EMAILID (%b)",
    FetchAttribute.THREADID: b"THREADID %b",
}


@lru_cache(maxsize=256)
def fetch_template(items: tuple[FetchItem, ...], *, uidonly: bool = False) -> bytes:
    """A %-template of one FETCH response line: the message number first, then one value for each item, in order.

    Values: FLAGS the flags joined by spaces, without parentheses; UID, RFC822.SIZE, MODSEQ a number; INTERNALDATE what
    internal_date gives, SAVEDATE that or NIL; ENVELOPE, BODY, BODYSTRUCTURE their ready bytes; EMAILID its octets,
    THREADID the same in parentheses or NIL; what has a label a ready nstring, literal8 or number.
    `uidonly`: the UID stands in place of the message number, and the response is UIDFETCH ([RFC9586] 3.2).
    """
    values = [
        _PLACEHOLDER[item] if isinstance(item, FetchAttribute) else item.label.replace(b"%", b"%%") + b" %b"
        for item in items
    ]
    return b"* %%d %b (%b)\r\n" % (b"UIDFETCH" if uidonly else b"FETCH", b" ".join(values))


def fetch_lines(template: bytes, rows: Iterable[tuple[object, ...]]) -> bytes:
    """FETCH response lines of many messages: one tuple (number, value, ...) each, as `zip` over columns gives them.

    The cheapest way to many lines: 0.2 µs each for FLAGS and UID.
    """
    fill: Callable[[object], bytes] = template.__mod__
    return b"".join(map(fill, rows))
