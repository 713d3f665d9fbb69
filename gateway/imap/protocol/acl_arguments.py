"""Parses SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS ([RFC4314] 7)."""

from __future__ import annotations

from gateway.imap.protocol.acl_types import Acl, Identified, RightsChange, SetAcl
from gateway.imap.protocol.scanner import ParseArguments, Scanner

MAX_IDENTIFIER = 1000
"""Octets of an identifier."""
RIGHTS = frozenset("lrswipkxteacd")
"""Letters that mean something, the obsolete ones too ([RFC4314] 2.1, 2.1.1)."""


def _acl(scanner: Scanner) -> Acl:
    return Acl(scanner.mailbox())


def _identifier(scanner: Scanner) -> str:
    raw = scanner.astring("an identifier")
    if not raw or len(raw) > MAX_IDENTIFIER:
        scanner.fail(f"An identifier has from 1 to {MAX_IDENTIFIER} octets")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        scanner.fail("The identifier is not UTF-8")


def _identified(scanner: Scanner) -> Identified:
    mailbox = scanner.mailbox()
    scanner.space()
    return Identified(mailbox, _identifier(scanner))


def _set(scanner: Scanner) -> SetAcl:
    """Mailbox, identifier and rights; a right that nobody knows is BAD ([RFC4314] 3.1)."""
    mailbox = scanner.mailbox()
    scanner.space()
    identifier = _identifier(scanner)
    scanner.space()
    raw = scanner.astring("rights")
    sign = raw[:1] if raw[:1] in (b"+", b"-") else b""
    rights = raw[len(sign) :].decode("ascii", "replace")
    for letter in rights:
        if letter not in RIGHTS:
            scanner.fail("There is no such right")
    return SetAcl(mailbox, identifier, RightsChange(sign), rights)


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"SETACL": ("SETACL", _set),
    b"DELETEACL": ("DELETEACL", _identified),
    b"GETACL": ("GETACL", _acl),
    b"LISTRIGHTS": ("LISTRIGHTS", _identified),
    b"MYRIGHTS": ("MYRIGHTS", _acl),
}
