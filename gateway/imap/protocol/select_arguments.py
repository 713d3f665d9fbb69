"""Parses the arguments of SELECT and EXAMINE ([RFC3501] 6.3.1, 6.3.2, [RFC4466] 2.1, [RFC7162] 7)."""

from __future__ import annotations

from functools import partial

from gateway.imap.protocol.mailbox_types import Resync, Select
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.types import STAR, SequenceSet


def _select(scanner: Scanner, *, read_only: bool) -> Select:
    """A mailbox and perhaps `(CONDSTORE)` or `(QRESYNC (...))`, or both ([RFC7162] 3.1.8, 3.2.5)."""
    mailbox = scanner.mailbox()
    if scanner.peek() != 0x20 or scanner.line[scanner.position + 1 : scanner.position + 2] != b"(":
        return Select(mailbox, read_only)
    scanner.space()
    scanner.opening()

    def parameter() -> Resync | None:
        name = scanner.word("a parameter")
        if name == b"CONDSTORE":
            return None
        if name != b"QRESYNC":
            scanner.fail(f"Unknown parameter {name[:40].decode('ascii')}")
        return _resync(scanner)

    given = scanner.items(parameter, 2)
    if len(given) > len(set(map(type, given))):
        scanner.fail("The same parameter twice")
    qresync = next((parameter for parameter in given if parameter is not None), None)
    return Select(mailbox, read_only, condstore=None in given, qresync=qresync)


def _resync(scanner: Scanner) -> Resync:
    """`SP (uidvalidity modseq [known-uids] [(known-numbers known-uids)])` ([RFC7162] 3.2.5, 7).

    Quirk: the mod-sequence 0 is taken, and means since ever.
    """
    scanner.space()
    scanner.opening()
    uidvalidity = scanner.number("a UIDVALIDITY", least=1)
    scanner.space()
    modseq = scanner.modseq()
    uids = None
    match = None
    if scanner.peek() == 0x20 and scanner.line[scanner.position + 1 : scanner.position + 2] != b"(":
        scanner.space()
        uids = _known(scanner)
    if scanner.peek() == 0x20:
        scanner.space()
        scanner.opening()
        numbers = _known(scanner)
        scanner.space()
        match = numbers, _known(scanner)
        scanner.closing()
    scanner.closing()
    return Resync(uidvalidity, modseq, uids, match)


def _known(scanner: Scanner) -> SequenceSet:
    """A sequence set in which `*` is not allowed ([RFC7162] 7 `known-uids`)."""
    numbers = scanner.sequence_set(saved=False)
    if any(STAR in pair for pair in numbers.ranges):
        scanner.fail("* cannot stand for what a client knows")
    return numbers


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"EXAMINE": ("EXAMINE", partial(_select, read_only=True)),
    b"SELECT": ("SELECT", partial(_select, read_only=False)),
}
