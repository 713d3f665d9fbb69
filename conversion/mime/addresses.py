"""Address lists as bytes, read tolerantly ([RFC5322] 3.4, 4.4).

Names, local parts and domains stay octets, undecoded: IMAP's ENVELOPE wants them so, and `words` decodes them for a
Message object. The cost is linear: a list of plain mailboxes is read by one regular expression, anything else by
a tokenizer that never goes back.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from conversion.mime.headers import unfold


class Address(NamedTuple):
    """One entry of an address list.

    A mailbox has `local` and `domain` (None where it is missing). A group begins with an entry whose `local` is the
    group's name and whose `domain` is None with `group` "start", and ends with one of `group` "end" ([RFC3501] 7.4.2).
    """

    name: bytes | None
    route: bytes | None
    local: bytes | None
    domain: bytes | None
    group: str = ""


GROUP_END = Address(None, None, None, None, "end")
MAX_ADDRESSES = 50_000
MAX_TOKENS = 2_000
"""Words and signs of one entry; what follows them, up to the comma, counts for nothing."""

_ATEXT = rb"!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~\x80-\xff"
# The forms that nearly all mail uses: `local@domain`, `<local@domain>`, `Words <...>`, `"Words" <...>`.
SIMPLE_MAILBOX = re.compile(
    rb"[ \t]*+(?:"
    rb"(?>(?:\"([^\"\\\r\n\0]*+)\"[ \t]*+|([" + _ATEXT + rb"][" + _ATEXT + rb". ]*+))?)"
    rb"<([" + _ATEXT + rb"]++(?>(?:\.[" + _ATEXT + rb"]++)*))@([" + _ATEXT + rb"]++(?>(?:\.[" + _ATEXT + rb"]++)*))>"
    rb"|([" + _ATEXT + rb"]++(?>(?:\.[" + _ATEXT + rb"]++)*))@([" + _ATEXT + rb"]++(?>(?:\.[" + _ATEXT + rb"]++)*))"
    rb")[ \t]*+(?:,|\Z)"
)
_TOKENS = re.compile(
    rb"([ \t\r\n]*+)(?:"
    rb"(=\?[^?\s]++\?[bBqQ]\?[^?\s]*+\?=|[" + _ATEXT + rb"]++)"
    rb"|\"((?>(?:[^\"\\]++|\\.)*))\"?"
    rb"|(\[(?>(?:[^\]\\]++|\\.)*)\]?)"
    rb"|(.))",
    re.S,
)
_COMMENT_MARK = re.compile(rb"\\.?|[()]", re.S)
_PAIR = re.compile(rb"\\(.)", re.S)


class _Token(NamedTuple):
    """One token of an entry. `kind` is W for words, C for comments, or the special character itself."""

    kind: bytes
    text: bytes
    spaced: bool


def parse_addresses(value: bytes) -> list[Address]:
    """Parse the raw value of an address field ([RFC5322] 3.4); whatever it is, never raises.

    Read are also: comments as names, obsolete routes, missing angle brackets, `;` between mailboxes, raw 8-bit octets,
    blanks around the dots of obsolete syntax. At most `MAX_ADDRESSES` entries are returned.
    """
    return read_addresses(unfold(value), 0, MAX_ADDRESSES)


def read_addresses(value: bytes, at: int, most: int) -> list[Address]:
    """Parse an unfolded list from an entry's offset on; `most` is how many entries are found before it stops."""
    found: list[Address] = []
    end = len(value)
    while at < end and len(found) < most:
        match = SIMPLE_MAILBOX.match(value, at)
        if match is None:
            at = _read_entries(value, at, found)
            continue
        quoted, words, local, domain, bare_local, bare_domain = match.groups()
        at = match.end()
        if bare_local is not None:
            found.append(Address(None, None, bare_local, bare_domain))
        elif words is not None:
            name = words.rstrip(b" ")
            if name.find(b"  ") >= 0:
                name = b" ".join(name.split())
            found.append(Address(name, None, local, domain))
        else:
            found.append(Address(quoted or None, None, local, domain))
    return found


def _unpair(text: bytes) -> bytes:
    return _PAIR.sub(rb"\1", text) if b"\\" in text else text


def _comment(value: bytes, start: int) -> tuple[bytes, int]:
    """Return the text of the comment whose opening parenthesis ends at `start`, and the offset after it."""
    depth = 1
    at = start
    while match := _COMMENT_MARK.search(value, at):
        at = match.end()
        if match[0] == b"(":
            depth += 1
        elif match[0] == b")":
            depth -= 1
            if not depth:
                return _unpair(value[start : at - 1]), at
    return b"", len(value)


def _read_entries(value: bytes, at: int, found: list[Address]) -> int:
    """Read one entry, or one group with its members, by tokens; return the offset after it."""
    tokens: list[_Token] = []
    in_group = in_angle = in_route = False
    end = len(value)
    while at < end:
        match = _TOKENS.match(value, at)
        if match is None:
            break  # only blanks are left
        at = match.end()
        spaced = match.start(1) != match.end(1)
        kind = match.lastindex
        del tokens[MAX_TOKENS:]
        if kind != 5:
            text = match[kind or 2]
            tokens.append(_Token(b"W", _unpair(text) if kind == 3 else text, spaced))
            continue
        char = match[5]
        if char == b"(":
            text, at = _comment(value, at)
            tokens.append(_Token(b"C", text, spaced))
        elif char == b"," and in_route:
            tokens.append(_Token(char, char, spaced))
        elif char in (b",", b";"):
            _add_mailbox(tokens, found)
            tokens.clear()
            in_angle = in_route = False
            if char == b";" and in_group:
                found.append(GROUP_END)
                return _skip_comma(value, at)
            if not in_group:
                return at
        elif char == b":" and not in_angle and not in_group:
            found.append(Address(None, None, _phrase(tokens), None, "start"))
            tokens.clear()
            in_group = True
        else:
            # The obsolete route `<@a,@b:local@domain>` has commas of its own ([RFC5322] 4.4).
            if char == b"@" and in_angle and tokens[-1].kind == b"<":
                in_route = True
            elif char in (b":", b">"):
                in_route = False
            in_angle = char == b"<" or (in_angle and char != b">")
            tokens.append(_Token(char, char, spaced))
    _add_mailbox(tokens, found)
    if in_group:
        found.append(GROUP_END)
    return end


def _skip_comma(value: bytes, at: int) -> int:
    """Return the offset after the comma that may follow a group."""
    rest = at
    while rest < len(value) and value[rest] in b" \t\r\n":
        rest += 1
    return rest + 1 if value.startswith(b",", rest) else rest


def _phrase(tokens: list[_Token]) -> bytes:
    """Join the tokens of a display name: one blank between words, none around what was written together."""
    out: list[bytes] = []
    previous = b""
    for kind, text, spaced in tokens:
        if kind == b"C":
            continue
        if out and (spaced or (kind == b"W" and previous == b"W")):
            out.append(b" ")
        out.append(text)
        previous = kind
    return b"".join(out)


def _joined(tokens: list[_Token]) -> bytes:
    """Join the tokens of a local part or domain; blanks around dots fall away ([RFC5322] 4.4)."""
    out: list[bytes] = []
    previous = b""
    for kind, text, _ in tokens:
        if kind == b"C":
            continue
        if kind == b"W" and previous == b"W":
            out.append(b" ")
        out.append(text)
        previous = kind
    return b"".join(out)


def _add_mailbox(tokens: list[_Token], found: list[Address]) -> None:
    """Interpret the tokens of one mailbox ([RFC5322] 3.4, 4.4) and add it, if there is anything in it."""
    kinds = [token.kind for token in tokens]
    if b"<" not in kinds:
        _add_bare(tokens, found)
        return
    opening = kinds.index(b"<")
    closing = kinds.index(b">", opening) if b">" in kinds[opening:] else len(tokens)
    name = _phrase(tokens[:opening]) or None
    route: bytes | None = None
    spec = tokens[opening + 1 : closing]
    inner = kinds[opening + 1 : closing]
    if inner[:1] == [b"@"] and b":" in inner:
        colon = inner.index(b":")
        route = _joined(spec[:colon])
        spec = spec[colon + 1 :]
    local, domain = _split(spec)
    found.append(Address(name, route, local, domain))


def _split(spec: list[_Token]) -> tuple[bytes | None, bytes | None]:
    """Cut an addr-spec at its first at-sign; None for a half that is missing."""
    for index, token in enumerate(spec):
        if token.kind == b"@":
            return _joined(spec[:index]) or None, _joined(spec[index + 1 :]) or None
    return _joined(spec) or None, None


def _add_bare(tokens: list[_Token], found: list[Address]) -> None:
    """Interpret a mailbox without angle brackets: `local@domain`, with a comment as its name in the old way.

    Where brackets or commas were forgotten, words side by side tell what is what: `Ann Lee ann@domain`, `a@x b@y`.
    """
    first = next((index for index, token in enumerate(tokens) if token.kind != b"C"), None)
    if first is None:
        return
    comments = [token.text for token in tokens[first:] if token.kind == b"C"]
    words = [token for token in tokens[first:] if token.kind != b"C"]
    starts = [0, *(at for at in range(1, len(words)) if words[at - 1].kind == words[at].kind == b"W"), len(words)]
    before = len(found)
    name_start = 0
    for start, end in pairwise(starts):
        run = words[start:end]
        if any(token.kind == b"@" for token in run):
            found.append(Address(_phrase(words[name_start:start]) or None, None, *_split(run)))
            name_start = end
    rest = words[name_start:]
    if len(found) == before:
        single = len(starts) == 2
        found.append(Address(None, None, _joined(rest), None) if single else Address(_phrase(rest), None, None, None))
    if found[-1].name is None and (comments or rest):
        name = comments[-1] if comments else _phrase(rest) if name_start else b""
        found[-1] = found[-1]._replace(name=name or None)
