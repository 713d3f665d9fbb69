"""Parses the arguments of the commands about the session: LOGIN AUTHENTICATE ID ENABLE ... ([RFC3501] 6.1, 6.2).

The extensions' grammars: [RFC2971] 4, [RFC4959] 7, [RFC4978] 5, [RFC5161] 4, [RFC5255] 3.5, [RFC8437] 6.
"""

from __future__ import annotations

import re

from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.types import Authenticate, Compress, Enable, Id, Language, Login

MAX_ID_PAIRS = 30
MAX_ID_FIELD = 30
MAX_ID_VALUE = 1024
"""The three limits of [RFC2971] 3.3."""

MAX_LANGUAGES = 50

_LANGUAGE_RANGE = re.compile(rb"\*|[A-Za-z]{1,8}(?:-(?:[A-Za-z0-9]{1,8}|\*))*")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}|=")


def _id(scanner: Scanner) -> Id:
    """`NIL` or `(field value ...)` ([RFC2971] 3.1, 3.3)."""
    if not scanner.accept(b"("):
        if scanner.nstring('"(" or NIL') is not None:
            scanner.fail("ID takes a list or NIL")
        return Id(None)
    if scanner.accept(b")"):
        return Id(())

    def pair() -> tuple[str, str | None]:
        field = scanner.string("a field name")
        scanner.space()
        value = scanner.nstring("a field value")
        if len(field) > MAX_ID_FIELD or (value is not None and len(value) > MAX_ID_VALUE):
            scanner.fail(f"ID takes field names of {MAX_ID_FIELD} and values of {MAX_ID_VALUE} octets at most")
        return field.decode("utf-8", "replace"), None if value is None else value.decode("utf-8", "replace")

    return Id(tuple(scanner.items(pair, MAX_ID_PAIRS)))


def _login(scanner: Scanner) -> Login:
    """User name and password ([RFC3501] 6.2.3)."""
    user = scanner.login_string("a user name")
    scanner.space()
    return Login(_credential(user), _credential(scanner.login_string("a password")))


def _credential(data: bytes) -> str:
    """Quirk: 8-bit octets are taken as UTF-8, or else as ISO-8859-1; the RFC knows US-ASCII only."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _authenticate(scanner: Scanner) -> Authenticate:
    """Mechanism and perhaps an initial response ([RFC3501] 6.2.2, [RFC4959] 3)."""
    mechanism = scanner.atom("a mechanism").upper().decode("ascii")
    if scanner.peek() < 0:
        return Authenticate(mechanism)
    scanner.space()
    match = _BASE64.match(scanner.line, scanner.position)
    if match is None:
        scanner.expected("a response in base64")
    scanner.position = match.end()
    return Authenticate(mechanism, match[0])


def _enable(scanner: Scanner) -> Enable:
    """One or more capabilities ([RFC5161] 3.1)."""
    capabilities = [scanner.atom("a capability").upper().decode("ascii")]
    while scanner.peek() == 0x20 and scanner.line[scanner.position :].strip(b" "):
        scanner.space()
        capabilities.append(scanner.atom("a capability").upper().decode("ascii"))
    return Enable(tuple(capabilities))


def _compress(scanner: Scanner) -> Compress:
    """An algorithm ([RFC4978] 3, 5)."""
    return Compress(scanner.atom("an algorithm").upper().decode("ascii"))


def _language(scanner: Scanner) -> Language:
    """Language ranges, or nothing ([RFC5255] 3.5)."""
    ranges: list[str] = []
    while scanner.peek() not in (-1, 0x20):
        text = b"*" if scanner.accept(b"*") else scanner.astring("a language range")
        if not _LANGUAGE_RANGE.fullmatch(text) or len(ranges) >= MAX_LANGUAGES:
            scanner.fail(f"Expected language ranges, at most {MAX_LANGUAGES}")
        ranges.append(text.decode("ascii"))
        if scanner.peek() == 0x20:
            scanner.space()
    return Language(tuple(ranges))


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"AUTHENTICATE": ("AUTHENTICATE", _authenticate),
    b"CAPABILITY": ("CAPABILITY", None),
    b"COMPRESS": ("COMPRESS", _compress),
    b"ENABLE": ("ENABLE", _enable),
    b"ID": ("ID", _id),
    b"IDLE": ("IDLE", None),
    b"LANGUAGE": ("LANGUAGE", _language),
    b"LOGIN": ("LOGIN", _login),
    b"LOGOUT": ("LOGOUT", None),
    b"NOOP": ("NOOP", None),
    b"STARTTLS": ("STARTTLS", None),
    b"UNAUTHENTICATE": ("UNAUTHENTICATE", None),
}

ALONE = frozenset((b"LANGUAGE",))
"""Commands that may have arguments, or none."""
