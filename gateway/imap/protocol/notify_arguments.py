"""Parses the arguments of NOTIFY ([RFC5465] 8)."""

from __future__ import annotations

from gateway.imap.protocol.fetch_arguments import read_item
from gateway.imap.protocol.fetch_types import FetchItem
from gateway.imap.protocol.notify_types import EventGroup, Notify, Scope
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.types import MailboxName

MAX_GROUPS = 100
MAX_MAILBOXES = 1000
"""Names in one group."""
MAX_EVENTS = 50
MAX_ITEMS = 256

_SCOPES = {scope.value: scope for scope in Scope}
_SELECTED = (Scope.SELECTED, Scope.SELECTED_DELAYED)


def _notify(scanner: Scanner) -> Notify:
    """`NONE`, or `SET` with or without `STATUS` and the groups of events."""
    word = scanner.word("SET or NONE")
    if word == b"NONE":
        return Notify(())
    if word != b"SET":
        scanner.fail("NOTIFY takes SET or NONE")
    scanner.space()
    status = scanner.peek() != 0x28
    if status:
        if scanner.word("STATUS or a group of events") != b"STATUS":
            scanner.expected("STATUS or a group of events")
        scanner.space()
    groups = [_group(scanner)]
    while scanner.peek() == 0x20 and scanner.line[scanner.position :].strip(b" "):
        if len(groups) >= MAX_GROUPS:
            scanner.fail(f"More than {MAX_GROUPS} groups of events")
        scanner.space()
        groups.append(_group(scanner))
    return Notify(tuple(groups), status)


def _group(scanner: Scanner) -> EventGroup:
    """`(mailboxes events)`."""
    scanner.opening()
    scope = _SCOPES.get(scanner.word("which mailboxes"))
    if scope is None:
        scanner.expected("which mailboxes")
    mailboxes: tuple[MailboxName, ...] = ()
    scanner.space()
    if scope in (Scope.SUBTREE, Scope.MAILBOXES):
        if scanner.accept(b"("):
            mailboxes = tuple(scanner.items(scanner.mailbox, MAX_MAILBOXES))
        else:
            mailboxes = (scanner.mailbox(),)
        scanner.space()
    items: list[FetchItem] = []

    def event() -> str:
        name = scanner.atom("an event").upper().decode("ascii")
        if name == "MESSAGENEW" and scanner.line[scanner.position : scanner.position + 2] == b" (":
            if scope not in _SELECTED:
                scanner.fail("Only of the selected mailbox can items be told")
            scanner.position += 2
            items.extend(scanner.items(lambda: read_item(scanner), MAX_ITEMS))
        return name

    events: list[str] = []
    if scanner.accept(b"("):
        events = scanner.items(event, MAX_EVENTS)
    elif scanner.word("events") != b"NONE":
        scanner.expected("events or NONE")
    scanner.closing()
    return EventGroup(scope, tuple(dict.fromkeys(events)), mailboxes, tuple(dict.fromkeys(items)))


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {b"NOTIFY": ("NOTIFY", _notify)}
