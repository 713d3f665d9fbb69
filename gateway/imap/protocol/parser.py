"""Turns a frame into a Command: the grammar of [RFC3501] 9 and of the extensions, by recursive descent.

The extensions' grammars: [RFC2177] 4, [RFC2342] 6, [RFC2971] 4, [RFC3691] 4, [RFC4315] 4, [RFC4959] 7, [RFC5161] 4,
[RFC6154] 6, [RFC6851] 5, [RFC7162] 7, [RFC7888] 8.
Strict, but for the quirks that the scanner's docstrings name. Every list, depth and number has a limit, and the cost is
linear in the frame.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NoReturn

from gateway.imap.protocol.dates import parse_date_time
from gateway.imap.protocol.fetch_arguments import parse_fetch
from gateway.imap.protocol.framing import Frame
from gateway.imap.protocol.scanner import Scanner
from gateway.imap.protocol.search_arguments import parse_search
from gateway.imap.protocol.types import (
    NO_ARGUMENTS,
    Append,
    Arguments,
    Authenticate,
    BadCommand,
    BadMailboxName,
    Command,
    Copy,
    Create,
    Enable,
    Id,
    List,
    ListOption,
    Login,
    MailboxName,
    Move,
    OneMailbox,
    Rename,
    Select,
    Status,
    StatusItem,
    Store,
    StoreAction,
    UidExpunge,
)

MAX_TAG = 100
"""Octets of a tag."""
MAX_PATTERNS = 100
"""Patterns in one extended LIST."""
MAX_ID_PAIRS = 30
MAX_ID_FIELD = 30
MAX_ID_VALUE = 1024
"""The three limits of [RFC2971] 3.3."""

_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
_HEAD = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}) ([A-Za-z]+)')
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}|=")
_STATUS_ITEMS = {item.value: item for item in StatusItem}
_LIST_OPTIONS = {option.value: option for option in ListOption}
_SELECTION = frozenset((ListOption.SUBSCRIBED, ListOption.REMOTE, ListOption.RECURSIVEMATCH, ListOption.SPECIAL_USE))
_RETURN = frozenset((ListOption.SUBSCRIBED, ListOption.CHILDREN, ListOption.SPECIAL_USE))

ParseArguments = Callable[[Scanner], Arguments]


def parse(frame: Frame, *, utf8: bool = False) -> Command:
    """Parse one command. `utf8`: mailbox names come in UTF-8, not modified UTF-7.

    Raises BadCommand, and UnsupportedCharset for a SEARCH in an unknown charset. There are no experimental commands
    ([RFC3501] 6.5.1).
    """
    scanner = Scanner(frame.parts, utf8=utf8)
    line = frame.parts[0]
    head = _HEAD.match(line)
    if head is None:
        _fail_head(scanner)
    scanner.tag = head[1]
    scanner.position = head.end()
    name = head[2].upper()
    found = _COMMANDS.get(name)
    if found is None:
        if name == b"UID":
            return _parse_uid(scanner)
        scanner.fail(f"Unknown command {name[:40].decode('ascii')}")
    word, read = found
    if read is None:
        if scanner.position != len(line) or not scanner.single:
            scanner.end()
        return Command(head[1], word, NO_ARGUMENTS)
    scanner.space()
    arguments = read(scanner)
    scanner.end()
    return Command(head[1], word, arguments)


def _fail_head(scanner: Scanner) -> NoReturn:
    """Say what is wrong with the start of a command."""
    tag = _TAG.match(scanner.line)
    if tag is None:
        scanner.fail("A command begins with a tag")
    if tag.end() > MAX_TAG:
        scanner.fail(f"Tag is over the limit of {MAX_TAG} octets")
    scanner.position = tag.end()
    if scanner.peek() not in (-1, 0x20):
        scanner.fail(f"Octet {tag.end() + 1} is not allowed in a tag")
    scanner.tag = tag[0]
    scanner.expected("a space and a command")


def _parse_uid(scanner: Scanner) -> Command:
    """UID and the command behind it ([RFC3501] 6.4.8, [RFC4315] 2.1, [RFC6851] 3.2)."""
    scanner.space()
    name = scanner.word("a command after UID")
    found = _UID_COMMANDS.get(name)
    if found is None:
        scanner.fail(f"UID {name[:40].decode('ascii')} is not a command")
    word, read = found
    scanner.space()
    arguments = read(scanner)
    scanner.end()
    return Command(scanner.tag, word, arguments)


# --- any state and before login


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


# --- mailboxes


def _select(scanner: Scanner, *, read_only: bool) -> Select:
    """A mailbox and perhaps `(CONDSTORE)` ([RFC3501] 6.3.1, 6.3.2, [RFC7162] 3.1.8)."""
    mailbox = scanner.mailbox()
    if scanner.peek() != 0x20 or scanner.line[scanner.position + 1 : scanner.position + 2] != b"(":
        return Select(mailbox, read_only)
    scanner.space()
    scanner.opening()

    def parameter() -> None:
        name = scanner.word("a parameter")
        if name != b"CONDSTORE":
            scanner.fail(f"Unknown parameter {name[:40].decode('ascii')}")

    scanner.items(parameter, 10)
    return Select(mailbox, read_only, condstore=True)


def _one_mailbox(scanner: Scanner) -> OneMailbox:
    return OneMailbox(scanner.mailbox())


def _create(scanner: Scanner) -> Create:
    """A mailbox and perhaps `(USE (\\Sent ...))` ([RFC3501] 6.3.3, [RFC6154] 3)."""
    mailbox = scanner.mailbox()
    if scanner.peek() != 0x20 or scanner.line[scanner.position + 1 : scanner.position + 2] != b"(":
        return Create(mailbox)
    scanner.space()
    scanner.opening()
    name = scanner.word("a parameter")
    if name != b"USE":
        scanner.fail(f"Unknown parameter {name[:40].decode('ascii')}")
    scanner.space()
    scanner.opening()

    def use() -> str:
        if not scanner.accept(b"\\"):
            scanner.expected("a special use")
        return "\\" + scanner.atom("a special use").decode("ascii")

    uses = [] if scanner.accept(b")") else scanner.items(use, 20)
    scanner.closing()
    return Create(mailbox, tuple(uses))


def _rename(scanner: Scanner) -> Rename:
    """The old and the new name ([RFC3501] 6.3.5)."""
    source = scanner.mailbox()
    scanner.space()
    return Rename(source, scanner.mailbox())


def _lsub(scanner: Scanner) -> List:
    """Reference and pattern ([RFC3501] 6.3.9)."""
    reference = _if_name(scanner.mailbox)
    scanner.space()
    return _listing(reference, [_if_name(scanner.pattern)], List(_ROOT, (), subscribed_only=True))


_ROOT = MailboxName("")


def _if_name(read: Callable[[], MailboxName]) -> MailboxName | None:
    """A name or pattern; None for one that can match nothing because it is not modified UTF-7, which is no error."""
    try:
        return read()
    except BadMailboxName:
        return None


def _listing(reference: MailboxName | None, patterns: list[MailboxName | None], command: List) -> List:
    """The command with its names; with no patterns where none can match."""
    if reference is None:
        return command
    return replace(command, reference=reference, patterns=tuple(name for name in patterns if name is not None))


def _list(scanner: Scanner) -> List:
    """Reference and pattern; the extended form as far as SPECIAL-USE needs it ([RFC3501] 6.3.8, [RFC6154] 2)."""
    select: frozenset[ListOption] = frozenset()
    if scanner.peek() == 0x28:
        select = _options(scanner, _SELECTION, "selection")
        scanner.space()
        if ListOption.RECURSIVEMATCH in select and ListOption.SUBSCRIBED not in select:
            scanner.fail("RECURSIVEMATCH needs SUBSCRIBED beside it")
    reference = _if_name(scanner.mailbox)
    scanner.space()
    patterns: list[MailboxName | None]
    if scanner.accept(b"("):
        patterns = scanner.items(lambda: _if_name(scanner.pattern), MAX_PATTERNS)
    else:
        patterns = [_if_name(scanner.pattern)]
    returns: frozenset[ListOption] = frozenset()
    if scanner.line[scanner.position : scanner.position + 8].upper() == b" RETURN ":
        scanner.position += 8
        returns = _options(scanner, _RETURN, "return")
    return _listing(reference, patterns, List(_ROOT, (), select=select, returns=returns))


def _options(scanner: Scanner, allowed: frozenset[ListOption], kind: str) -> frozenset[ListOption]:
    """A parenthesized list of LIST options, which may be empty ([RFC5258] 3)."""
    scanner.opening()
    if scanner.accept(b")"):
        return frozenset()

    def option() -> ListOption:
        name = scanner.word(f"a {kind} option")
        found = _LIST_OPTIONS.get(name)
        if found is None or found not in allowed:
            scanner.fail(f"Unknown {kind} option {name[:40].decode('ascii')}")
        return found

    return frozenset(scanner.items(option, 20))


def _status(scanner: Scanner) -> Status:
    """A mailbox and the counts wanted ([RFC3501] 6.3.10)."""
    mailbox = scanner.mailbox()
    scanner.space()
    scanner.opening()

    def item() -> StatusItem:
        name = scanner.word("a STATUS item")
        found = _STATUS_ITEMS.get(name)
        if found is None:
            scanner.fail(f"Unknown STATUS item {name[:40].decode('ascii')}")
        return found

    return Status(mailbox, tuple(dict.fromkeys(scanner.items(item, 50))))


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


# --- messages


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


_COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    **{
        name.encode(): (name, None)
        for name in (
            "CAPABILITY", "CHECK", "CLOSE", "EXPUNGE", "IDLE", "LOGOUT", "NAMESPACE", "NOOP", "STARTTLS", "UNSELECT",
        )
    },
    b"APPEND": ("APPEND", _append),
    b"AUTHENTICATE": ("AUTHENTICATE", _authenticate),
    b"COPY": ("COPY", partial(_copy, uid=False)),
    b"CREATE": ("CREATE", _create),
    b"DELETE": ("DELETE", _one_mailbox),
    b"ENABLE": ("ENABLE", _enable),
    b"EXAMINE": ("EXAMINE", partial(_select, read_only=True)),
    b"FETCH": ("FETCH", partial(parse_fetch, uid=False)),
    b"ID": ("ID", _id),
    b"LIST": ("LIST", _list),
    b"LOGIN": ("LOGIN", _login),
    b"LSUB": ("LSUB", _lsub),
    b"MOVE": ("MOVE", partial(_move, uid=False)),
    b"RENAME": ("RENAME", _rename),
    b"SEARCH": ("SEARCH", partial(parse_search, uid=False)),
    b"SELECT": ("SELECT", partial(_select, read_only=False)),
    b"STATUS": ("STATUS", _status),
    b"STORE": ("STORE", partial(_store, uid=False)),
    b"SUBSCRIBE": ("SUBSCRIBE", _one_mailbox),
    b"UNSUBSCRIBE": ("UNSUBSCRIBE", _one_mailbox),
}  # fmt: skip

_UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {
    b"COPY": ("COPY", partial(_copy, uid=True)),
    b"EXPUNGE": ("UID EXPUNGE", _uid_expunge),
    b"FETCH": ("FETCH", partial(parse_fetch, uid=True)),
    b"MOVE": ("MOVE", partial(_move, uid=True)),
    b"SEARCH": ("SEARCH", partial(parse_search, uid=True)),
    b"STORE": ("STORE", partial(_store, uid=True)),
}

COMMANDS = frozenset(word for word, _ in (*_COMMANDS.values(), *_UID_COMMANDS.values()))
"""The names that Command.name can have."""

__all__ = ["COMMANDS", "BadCommand", "parse"]
