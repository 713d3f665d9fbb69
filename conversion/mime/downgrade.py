"""Surrogates of internationalised messages, for clients that know no UTF-8 in headers ([RFC6858], [RFC6857]).

    needs_utf8(header)                                 # whether a message is one that only such clients can read
    ranges = header_ranges(structure)                  # where headers stand: the message's, its parts', enclosed ones'
    header = surrogate_header(raw[start:end])          # ASCII; the same octets where nothing is to do
    message = surrogate(raw, structure)                # a whole message

Only header fields that are not ASCII change; bodies keep every octet. As [RFC6858] 2.1 to 2.4 have it, an address that
is not ASCII is replaced by an invalid one whose display name shows it; a subject and other text become encoded words
([RFC2047]), and a field that can be shown in no way is left out. Names of files and other parameters are not taken
away but encoded by [RFC2231], as [RFC6857] has it. Octets that are no UTF-8 are read as they are elsewhere, by guess.
"""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote

from conversion.mime.addresses import Address, parse_addresses
from conversion.mime.headers import parse_media
from conversion.mime.parts import DEFAULT_LIMITS, Structure
from conversion.mime.words import decode_unstructured

INVALID = b"invalid@internationalized-address.invalid"
"""[RFC6858] 2.1: nobody's address, for ever ([RFC2606] 2)."""

_ADDRESSES = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-reply-to resent-to resent-cc resent-bcc "
    b"return-path disposition-notification-to mail-followup-to mail-reply-to".split()
)
_TEXTS = frozenset(
    b"subject comments keywords content-description organization thread-topic list-id user-agent".split()
)
_PARAMETERS = frozenset((b"content-type", b"content-disposition"))
_CORRESPONDENTS = re.compile(
    rb"^(?:from|sender|reply-to|to|cc|bcc)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))", re.I | re.M
)
# A field with its folded lines, or a line that is none; linear, as in conversion.mime.headers.
_LINE = re.compile(rb"^(?:([!-9;-~]++)[ \t]*+:)?[^\n]*+(?>(?:\n[ \t][^\n]*+)*)\n?", re.M)
_ASCIIFIED = bytes(range(128)) + b"?" * 128
_WORD_OCTETS = 39
"""Octets of UTF-8 in an encoded word: 52 of base64, so that a word stays within 75 ([RFC2047] 2)."""
_TOKEN = re.compile(rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+\Z")
_ATOMS = re.compile(rb"[!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~]+(?:[ .][!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~]+)*\Z")


def needs_utf8(header: bytes) -> bool:
    """Whether a message with this header is an internationalised one: somebody's address in it is not ASCII.

    Only such a message cannot be written to, answered or sent on by a client without UTF-8 ([RFC6855] 7). Raw octets
    elsewhere, in a subject or a display name, are in much mail that never was internationalised, in any charset;
    clients have always been given them as they came, and signatures cover them.
    """
    if header.isascii():
        return False
    for match in _CORRESPONDENTS.finditer(header, 0, DEFAULT_LIMITS.header_bytes):
        if not match[1].isascii() and any(map(_is_international, parse_addresses(match[1]))):
            return True
    return False


def _is_international(address: Address) -> bool:
    if not address.local or not address.domain or address.group:
        return False
    spec = address.local + b"@" + address.domain
    if spec.isascii():
        return False
    try:
        spec.decode()
    except UnicodeDecodeError:
        return False
    return True


def header_ranges(structure: Structure) -> list[tuple[int, int]]:
    """List where the headers of a message stand, ascending, the blank line of each included."""
    return [(part.header_start, part.body_start) for part in structure.walk() if part.body_start > part.header_start]


def surrogate(raw: bytes, structure: Structure) -> bytes:
    """Give a message with ASCII headers; the same object where nothing is to do."""
    if raw.isascii():
        return raw
    out: list[bytes] = []
    at = 0
    for start, end in header_ranges(structure):
        header = raw[start:end]
        made = surrogate_header(header)
        if made is not header:
            out += (raw[at:start], made)
            at = end
    if not out:
        return raw
    out.append(raw[at:])
    return b"".join(out)


def surrogate_header(header: bytes) -> bytes:
    """Give a header in ASCII ([RFC6858] 2); the same object where nothing is to do.

    In one of more than a megabyte, which is beyond what fields are looked for in, question marks stand for the rest.
    """
    if header.isascii():
        return header
    if len(header) > DEFAULT_LIMITS.header_bytes:
        return asciified(header)
    out: list[bytes] = []
    at = 0
    for match in _LINE.finditer(header):
        line = match[0]
        if line.isascii():
            continue
        out.append(header[at : match.start()])
        at = match.end()
        if match[1] is not None:
            out.append(_surrogate_field(match[1], line[match.end(1) - match.start() :].lstrip(b" \t")[1:]))
    out.append(header[at:])
    return b"".join(out)


def asciified(octets: bytes) -> bytes:
    """Put a question mark in the place of every octet that is not ASCII."""
    return octets.translate(_ASCIIFIED)


def _surrogate_field(name: bytes, value: bytes) -> bytes:
    """Give the lines of a field, empty where it cannot be shown ([RFC6858] 2.4)."""
    kind = name.lower()
    if kind in _ADDRESSES:
        return _field(name, _addresses(value))
    if kind in _TEXTS or kind.startswith(b"x-"):
        return _field(name, encode_words(decode_unstructured(value)))
    if kind in _PARAMETERS:
        return _field(name, _media(value))
    return b""


def _field(name: bytes, value: bytes) -> bytes:
    return name + b": " + value + b"\r\n"


def encode_words(text: str) -> bytes:
    """Encode text as encoded words, each on a line of its own ([RFC2047] 2, 5)."""
    words: list[bytes] = []
    piece = b""
    for char in text:
        octets = char.encode("utf-8", "replace")
        if len(piece) + len(octets) > _WORD_OCTETS:
            words.append(piece)
            piece = b""
        piece += octets
    words.append(piece)
    return b"\r\n ".join([b"=?utf-8?B?" + b64encode(word) + b"?=" for word in words if word])


def _addresses(value: bytes) -> bytes:
    """Write an address list in ASCII ([RFC6858] 2.1)."""
    out: list[bytes] = []
    members: list[bytes] | None = None
    for address in parse_addresses(value):
        if address.group == "start":
            members = []
            out.append(_phrase(address.local or b"") + b": ")
        elif address.group == "end":
            out[-1] += b", ".join(members or []) + b";"
            members = None
        elif members is not None and out:
            members.append(_mailbox(address))
        else:
            out.append(_mailbox(address))
    if members:
        out[-1] += b", ".join(members) + b";"
    return b",\r\n ".join(out)


def _mailbox(address: Address) -> bytes:
    local, domain = address.local or b"", address.domain or b""
    if local.isascii() and domain.isascii():
        spec = _quoted(local, _ATOMS if b" " not in local else None) + (b"@" + domain if domain else b"")
        return spec if address.name is None else _phrase(address.name) + b" <" + spec + b">"
    shown = local + b"@" + domain if domain else local
    name = shown if address.name is None else address.name + b" " + shown
    return _phrase(name) + b" <" + INVALID + b">"


def _phrase(name: bytes) -> bytes:
    """Write a display name: as it is, quoted, or in encoded words."""
    return _quoted(name, _ATOMS) if name.isascii() else encode_words(decode_unstructured(name))


def _quoted(text: bytes, plain: re.Pattern[bytes] | None) -> bytes:
    if plain is not None and plain.match(text):
        return text
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _media(value: bytes) -> bytes:
    """Write the value of Content-Type or Content-Disposition in ASCII: parameters by [RFC2231] 4 ([RFC6857] 3.1.4)."""
    media = parse_media(value)
    kind = _ascii(media.type) + (b"/" + _ascii(media.subtype) if media.subtype else b"")
    out = [kind]
    for key, given in media.parameters:
        if not key.isascii():
            continue
        if given.isascii():
            out.append(key + b"=" + (given if _TOKEN.match(given) else _quoted(given, None)))
        else:
            text = decode_unstructured(given)
            out.append(key.rstrip(b"*") + b"*=utf-8''" + quote(text, safe="").encode("ascii"))
    return b";\r\n ".join(out)


def _ascii(word: bytes) -> bytes:
    return bytes(octet for octet in word if octet < 0x80) or b"x-unknown"
