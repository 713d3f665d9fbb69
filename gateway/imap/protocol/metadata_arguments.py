"""Parses GETMETADATA and SETMETADATA ([RFC5464] 5)."""

from __future__ import annotations

from gateway.imap.protocol.metadata_types import INFINITY, EntryValue, GetMetadata, SetMetadata
from gateway.imap.protocol.scanner import ParseArguments, Scanner

MAX_ENTRIES = 100
"""Entries that one command names."""
MAX_LENGTH = 1000
"""Octets of one name; the store keeps fewer."""

_DEPTHS = {b"0": 0, b"1": 1, b"INFINITY": INFINITY}


def entry_names(scanner: Scanner) -> tuple[str, ...]:
    """One entry, or several in parentheses."""
    if scanner.accept(b"("):
        return tuple(dict.fromkeys(scanner.items(lambda: _entry(scanner), MAX_ENTRIES)))
    return (_entry(scanner),)


def _entry(scanner: Scanner) -> str:
    """A name: ASCII without `*` and `%`, begins with a slash, has none at its end and no two together.

    What is neither private nor shared names nothing ([RFC5464] 3.2, 3.2.1).
    """
    raw = scanner.astring("the name of an entry")
    if len(raw) > MAX_LENGTH:
        scanner.fail(f"The name of an entry has at most {MAX_LENGTH} octets")
    name = raw.decode("ascii", "replace").lower()
    wrong = not raw.isascii() or any(octet < 0x20 or octet == 0x7F for octet in raw) or set(name) & {"*", "%"}
    if wrong or not name.startswith("/") or name.endswith("/") or "//" in name:
        scanner.fail("That is not the name of an entry")
    if name.split("/")[1] not in ("private", "shared"):
        scanner.fail("The name of an entry begins with /private or /shared")
    return name


def _get(scanner: Scanner) -> GetMetadata:
    """Options, mailbox and entries ([RFC5464] 4.2). Quirk: options behind the mailbox are taken, too.

    The examples of [RFC5464] 4.2.1 and 4.2.2 have them before the mailbox in one version and behind it in another.
    """
    max_size: int | None = None
    depth = 0

    def option() -> None:
        nonlocal max_size, depth
        name = scanner.word("an option of GETMETADATA")
        scanner.space()
        if name == b"MAXSIZE":
            max_size = scanner.number("a size")
        elif name == b"DEPTH":
            given = scanner.word("a depth")
            if given not in _DEPTHS:
                scanner.fail("DEPTH is 0, 1 or infinity")
            depth = _DEPTHS[given]
        else:
            scanner.fail(f"Unknown option {name[:40].decode('ascii')}")

    before = scanner.accept(b"(")
    if before:
        scanner.items(option, 10)
        scanner.space()
    mailbox = scanner.mailbox()
    scanner.space()
    if not before and scanner.peek() == 0x28 and scanner.line[scanner.position + 1 : scanner.position + 2].isalpha():
        scanner.opening()
        scanner.items(option, 10)
        scanner.space()
    return GetMetadata(mailbox, entry_names(scanner), max_size, depth)


def _set(scanner: Scanner) -> SetMetadata:
    """Mailbox, and entries with their values ([RFC5464] 4.3)."""
    mailbox = scanner.mailbox()
    scanner.space()
    scanner.opening()

    def pair() -> EntryValue:
        name = _entry(scanner)
        scanner.space()
        if scanner.accept(b"~"):
            return EntryValue(name, scanner.literal("a value"))
        return EntryValue(name, scanner.nstring("a value or NIL"))

    return SetMetadata(mailbox, tuple(scanner.items(pair, MAX_ENTRIES)))


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"GETMETADATA": ("GETMETADATA", _get),
    b"SETMETADATA": ("SETMETADATA", _set),
}
