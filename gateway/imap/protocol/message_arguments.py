"""Parses the arguments of the commands that write messages: APPEND STORE COPY MOVE EXPUNGE ([RFC3501] 6.3.11, 6.4).

The extensions' grammars: [RFC4315] 4, [RFC6851] 5, [RFC7162] 7.
"""

from __future__ import annotations

from functools import partial

from gateway.imap.protocol.dates import parse_date_time
from gateway.imap.protocol.message_types import Append, Copy, Move, Store, StoreAction, UidExpunge
from gateway.imap.protocol.scanner import ParseArguments, Scanner


def _append(scanner: Scanner) -> Append:
    """Mailbox, flags, date, message ([RFC3501] 6.3.11)."""
    mailbox = scanner.mailbox()
    scanner.space()
    flags: tuple[str, ...] = ()
    date = None
    if scanner.peek() == 0x28:
        flags = scanner.flag_list()
        scanner.space()
    if scanner.peek() == 0x22:
        date = parse_date_time(scanner.string("a date and time"))
        if date is None:
            scanner.fail('Dates look like "17-Jul-1996 02:44:25 -0700"')
        scanner.space()
    return Append(mailbox, flags, date, scanner.literal("the message as a literal"))


def _store(scanner: Scanner, *, uid: bool) -> Store:
    """Messages, what to do, flags ([RFC3501] 6.4.6, [RFC7162] 3.1.3)."""
    messages = scanner.sequence_set()
    scanner.space()
    unchanged_since = None
    if scanner.accept(b"("):
        name = scanner.word("a STORE modifier")
        if name != b"UNCHANGEDSINCE":
            scanner.fail(f"Unknown STORE modifier {name[:40].decode('ascii')}")
        scanner.space()
        unchanged_since = scanner.modseq()
        scanner.closing()
        scanner.space()
    action = StoreAction.REPLACE
    if scanner.accept(b"+"):
        action = StoreAction.ADD
    elif scanner.accept(b"-"):
        action = StoreAction.REMOVE
    item = scanner.word("FLAGS or FLAGS.SILENT")
    if item not in (b"FLAGS", b"FLAGS.SILENT"):
        scanner.fail(f"Unknown STORE item {item[:40].decode('ascii')}")
    scanner.space()
    if scanner.peek() == 0x28:
        flags = scanner.flag_list()
    else:
        named = [scanner.flag()]
        while scanner.peek() == 0x20 and scanner.line[scanner.position :].strip(b" "):
            scanner.space()
            named.append(scanner.flag())
            if len(named) > 1000:
                scanner.fail("More than 1000 flags")
        flags = tuple(dict.fromkeys(named))
    return Store(messages, action, flags, item == b"FLAGS.SILENT", unchanged_since, uid)


def _copy(scanner: Scanner, *, uid: bool) -> Copy:
    """Messages and a mailbox ([RFC3501] 6.4.7)."""
    messages = scanner.sequence_set()
    scanner.space()
    return Copy(messages, scanner.mailbox(), uid)


def _move(scanner: Scanner, *, uid: bool) -> Move:
    """Messages and a mailbox ([RFC6851] 3.1, 3.2)."""
    messages = scanner.sequence_set()
    scanner.space()
    return Move(messages, scanner.mailbox(), uid)


def _uid_expunge(scanner: Scanner) -> UidExpunge:
    """UIDs ([RFC4315] 2.1)."""
    return UidExpunge(scanner.sequence_set())


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"APPEND": ("APPEND", _append),
    b"COPY": ("COPY", partial(_copy, uid=False)),
    b"EXPUNGE": ("EXPUNGE", None),
    b"MOVE": ("MOVE", partial(_move, uid=False)),
    b"STORE": ("STORE", partial(_store, uid=False)),
}

UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {
    b"COPY": ("COPY", partial(_copy, uid=True)),
    b"EXPUNGE": ("UID EXPUNGE", _uid_expunge),
    b"MOVE": ("MOVE", partial(_move, uid=True)),
    b"STORE": ("STORE", partial(_store, uid=True)),
}
