"""Parses the arguments of the commands about mailboxes: CREATE RENAME LIST STATUS ... ([RFC3501] 6.3).

The extensions' grammars: [RFC2342] 6, [RFC3691] 4, [RFC5258] 6, [RFC5819] 4, [RFC6154] 6, [RFC8438] 4, [RFC8440] 5,
[RFC9590] 5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.imap.protocol.mailbox_types import (
    Create,
    List,
    ListOption,
    OneMailbox,
    Rename,
    Status,
    StatusItem,
)
from gateway.imap.protocol.metadata_arguments import entry_names
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.types import BadMailboxName, MailboxName

MAX_PATTERNS = 100
"""Patterns in one extended LIST."""

_STATUS_ITEMS = {item.value: item for item in StatusItem}
_LIST_OPTIONS = {option.value: option for option in ListOption}
_SELECTION = frozenset((ListOption.SUBSCRIBED, ListOption.REMOTE, ListOption.RECURSIVEMATCH, ListOption.SPECIAL_USE))
_BASE = frozenset((ListOption.SUBSCRIBED, ListOption.SPECIAL_USE))
_RETURN = frozenset((ListOption.SUBSCRIBED, ListOption.CHILDREN, ListOption.SPECIAL_USE, ListOption.MYRIGHTS))


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
    """Reference and pattern, or the extended form ([RFC3501] 6.3.8, [RFC5258] 3, 6).

    RECURSIVEMATCH needs an option beside it that selects something: BAD ([RFC5258] 3.1).
    """
    select: frozenset[ListOption] = frozenset()
    extended = scanner.peek() == 0x28
    if extended:
        select = _selection(scanner)
        scanner.space()
    reference = _if_name(scanner.mailbox)
    scanner.space()
    patterns: list[MailboxName | None]
    if scanner.accept(b"("):
        extended = True
        patterns = scanner.items(lambda: _if_name(scanner.pattern), MAX_PATTERNS)
    else:
        patterns = [_if_name(scanner.pattern)]
    command = List(_ROOT, (), select=select, extended=extended)
    if scanner.line[scanner.position : scanner.position + 8].upper() == b" RETURN ":
        scanner.position += 8
        command = _returns(scanner, replace(command, extended=True))
    return _listing(reference, patterns, command)


def _selection(scanner: Scanner) -> frozenset[ListOption]:
    """The parenthesized selection options, which may be none ([RFC5258] 3.1)."""
    scanner.opening()
    if scanner.accept(b")"):
        return frozenset()

    def option() -> ListOption:
        name = scanner.word("a selection option")
        found = _LIST_OPTIONS.get(name)
        if found is None or found not in _SELECTION:
            scanner.fail(f"Unknown selection option {name[:40].decode('ascii')}")
        return found

    select = frozenset(scanner.items(option, 20))
    if ListOption.RECURSIVEMATCH in select and not select & _BASE:
        scanner.fail("RECURSIVEMATCH needs another selection option beside it")
    return select


def _returns(scanner: Scanner, command: List) -> List:
    """The parenthesized return options ([RFC5258] 3.2, [RFC5819] 4, [RFC8440] 5, [RFC9590] 5)."""
    scanner.opening()
    if scanner.accept(b")"):
        return command
    status: list[StatusItem] = []
    metadata: list[str] = []

    def option() -> ListOption | None:
        name = scanner.word("a return option")
        if name == b"STATUS":
            scanner.space()
            status.extend(_status_items(scanner))
            return None
        if name == b"METADATA":
            scanner.space()
            metadata.extend(entry_names(scanner))
            return None
        found = _LIST_OPTIONS.get(name)
        if found is None or found not in _RETURN:
            scanner.fail(f"Unknown return option {name[:40].decode('ascii')}")
        return found

    plain = frozenset(found for found in scanner.items(option, 20) if found is not None)
    return replace(command, returns=plain, status=tuple(dict.fromkeys(status)), metadata=tuple(dict.fromkeys(metadata)))


def _status(scanner: Scanner) -> Status:
    """A mailbox and the items wanted ([RFC3501] 6.3.10)."""
    mailbox = scanner.mailbox()
    scanner.space()
    return Status(mailbox, tuple(dict.fromkeys(_status_items(scanner))))


def _status_items(scanner: Scanner) -> list[StatusItem]:
    """A parenthesized list of STATUS items."""
    scanner.opening()

    def item() -> StatusItem:
        name = scanner.word("a STATUS item")
        found = _STATUS_ITEMS.get(name)
        if found is None:
            scanner.fail(f"Unknown STATUS item {name[:40].decode('ascii')}")
        return found

    return scanner.items(item, 50)


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"CHECK": ("CHECK", None),
    b"CLOSE": ("CLOSE", None),
    b"CREATE": ("CREATE", _create),
    b"DELETE": ("DELETE", _one_mailbox),
    b"LIST": ("LIST", _list),
    b"LSUB": ("LSUB", _lsub),
    b"NAMESPACE": ("NAMESPACE", None),
    b"RENAME": ("RENAME", _rename),
    b"STATUS": ("STATUS", _status),
    b"SUBSCRIBE": ("SUBSCRIBE", _one_mailbox),
    b"UNSELECT": ("UNSELECT", None),
    b"UNSUBSCRIBE": ("UNSUBSCRIBE", _one_mailbox),
}
