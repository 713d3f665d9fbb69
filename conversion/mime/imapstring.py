"""IMAP's strings as written in ENVELOPE and BODYSTRUCTURE ([RFC3501] 4.3, 9)."""

from __future__ import annotations

import re

_UNSAFE = re.compile(rb"[\"\\\r\n\0\x80-\xff]")
_NOT_QUOTABLE = re.compile(rb"[\r\n\x80-\xff]")
_SPECIAL = re.compile(rb"([\"\\])")
# `in` is quick for the number of an octet and `find` for more; `in` for octets catches an exception first.
_TAB = ord("\t")
_BLANKS = re.compile(rb"[ \t]{2,}|\t")


def string(value: bytes) -> bytes:
    """Write a string: quoted where it may be, as a literal where it holds 8-bit octets, CR or LF ([RFC3501] 4.3).

    A literal cannot hold NUL either (CHAR8 is 0x01 to 0xFF), so 0x80 stands in its place.
    """
    if _UNSAFE.search(value) is None:
        return b'"%b"' % value
    if b"\0" in value:
        value = value.replace(b"\0", b"\x80")
    if _NOT_QUOTABLE.search(value) is None:
        return b'"%b"' % _SPECIAL.sub(rb"\\\1", value)
    return b"{%d}\r\n%b" % (len(value), value)


def nstring(value: bytes | None) -> bytes:
    """Write a string, or NIL for None ([RFC3501] 9)."""
    return b"NIL" if value is None else string(value)


def text(value: bytes) -> bytes:
    """Write a string meant for people: runs of blanks become one blank, as servers commonly show Subject and names."""
    if _TAB in value or value.find(b"  ") >= 0:
        value = _BLANKS.sub(b" ", value)
    return string(value)
