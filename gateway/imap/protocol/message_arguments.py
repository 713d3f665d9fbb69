"""Parses the arguments of the commands that write messages: APPEND REPLACE STORE COPY MOVE ([RFC3501] 6.3.11, 6.4).

The extensions' grammars: [RFC3502] 6.3.11, [RFC3516] 7, [RFC4315] 4, [RFC4466] 3, [RFC4469] 5, [RFC6851] 5,
[RFC6855] 4, [RFC7162] 7, [RFC8508] 5.
"""

from __future__ import annotations

from functools import partial

from gateway.imap.protocol.dates import parse_date_time
from gateway.imap.protocol.message_types import (
    Append,
    Copy,
    Move,
    NewMessage,
    Replace,
    Store,
    StoreAction,
    UidExpunge,
    UrlPart,
)
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.types import STAR

MAX_MESSAGES = 1000
"""Messages in one APPEND."""
MAX_PARTS = 1000
"""Parts of one message that is put together."""

_WORD_BEGINS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def _append(scanner: Scanner) -> Append:
    """Mailbox and messages ([RFC3501] 6.3.11, [RFC3502] 6.3.11)."""
    mailbox = scanner.mailbox()
    messages = [_message(scanner)]
    while scanner.peek() == 0x20 and scanner.line[scanner.position :].strip(b" "):
        if len(messages) >= MAX_MESSAGES:
            scanner.fail(f"More than {MAX_MESSAGES} messages in one command")
        messages.append(_message(scanner))
    return Append(mailbox, tuple(messages))


def _replace(scanner: Scanner, *, uid: bool) -> Replace:
    """The message to replace, mailbox, message ([RFC8508] 5)."""
    target = STAR if scanner.accept(b"*") else scanner.number("a message number", least=1)
    scanner.space()
    mailbox = scanner.mailbox()
    return Replace(target, mailbox, _message(scanner), uid)


def _message(scanner: Scanner) -> NewMessage:
    """Flags, date, message, with the blank before each ([RFC4466] 3 `append-message`)."""
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
    if scanner.peek() not in _WORD_BEGINS:
        binary, text = _text(scanner)
        return NewMessage(flags, date, (text,), binary=binary)
    word = scanner.word("the message as a literal")
    scanner.space()
    scanner.opening()
    if word == b"UTF8":
        text = _utf8(scanner)
        return NewMessage(flags, date, (text,), binary=True, utf8=True)
    if word != b"CATENATE":
        scanner.fail(f"Unknown APPEND data {word[:40].decode('ascii')}")
    parts = scanner.items(lambda: _part(scanner), MAX_PARTS)
    return NewMessage(
        flags,
        date,
        tuple(part for part, _, _ in parts),
        catenate=True,
        binary=any(binary for _, binary, _ in parts),
        utf8=any(utf8 for _, _, utf8 in parts),
    )


def _part(scanner: Scanner) -> tuple[bytes | UrlPart, bool, bool]:
    """One `cat-part`, whether it came as literal8, and whether within UTF8 ([RFC4469] 5, [RFC6855] 4)."""
    word = scanner.word("TEXT or URL")
    scanner.space()
    if word == b"URL":
        return UrlPart(scanner.astring("a URL")), False, False
    if word == b"UTF8":
        scanner.opening()
        return _utf8(scanner), True, True
    if word != b"TEXT":
        scanner.fail(f"Unknown part {word[:40].decode('ascii')}")
    binary, text = _text(scanner)
    return text, binary, False


def _text(scanner: Scanner) -> tuple[bool, bytes]:
    """A literal or literal8; whether it was the latter ([RFC3516] 7)."""
    return scanner.accept(b"~"), scanner.literal("the message as a literal")


def _utf8(scanner: Scanner) -> bytes:
    """A literal8 and the parenthesis behind it ([RFC6855] 4)."""
    if not scanner.accept(b"~"):
        scanner.expected("the message as a literal8")
    text = scanner.literal("the message as a literal8")
    scanner.closing()
    return text


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
    b"REPLACE": ("REPLACE", partial(_replace, uid=False)),
    b"STORE": ("STORE", partial(_store, uid=False)),
}

UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {
    b"COPY": ("COPY", partial(_copy, uid=True)),
    b"EXPUNGE": ("UID EXPUNGE", _uid_expunge),
    b"MOVE": ("MOVE", partial(_move, uid=True)),
    b"REPLACE": ("REPLACE", partial(_replace, uid=True)),
    b"STORE": ("STORE", partial(_store, uid=True)),
}
