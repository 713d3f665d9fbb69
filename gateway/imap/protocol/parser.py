"""Turns a frame into a Command: the grammar of [RFC3501] 9 and of the extensions, by recursive descent.

The arguments are read by one module a family of commands; each gives its table of names ([RFC2177] 4, [RFC7888] 8).
Strict, but for the quirks that the scanner's docstrings name. Every list, depth and number has a limit, and the cost is
linear in the frame.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NoReturn

from gateway.imap.protocol import (
    acl_arguments,
    fetch_arguments,
    mailbox_arguments,
    message_arguments,
    metadata_arguments,
    notify_arguments,
    quota_arguments,
    search_arguments,
    select_arguments,
    session_arguments,
    urlauth_arguments,
)
from gateway.imap.protocol.framing import Frame
from gateway.imap.protocol.scanner import ParseArguments, Scanner
from gateway.imap.protocol.types import NO_ARGUMENTS, BadCommand, BadMailboxName, Command

MAX_TAG = 100
"""Octets of a tag."""

_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
_HEAD = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}) ([A-Za-z]+)')

_COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    **session_arguments.COMMANDS,
    **notify_arguments.COMMANDS,
    **select_arguments.COMMANDS,
    **mailbox_arguments.COMMANDS,
    **message_arguments.COMMANDS,
    **acl_arguments.COMMANDS,
    **quota_arguments.COMMANDS,
    **metadata_arguments.COMMANDS,
    **fetch_arguments.COMMANDS,
    **urlauth_arguments.COMMANDS,
    **search_arguments.COMMANDS,
}
_UID_COMMANDS: dict[bytes, tuple[str, ParseArguments]] = {
    **message_arguments.UID_COMMANDS,
    **fetch_arguments.UID_COMMANDS,
    **search_arguments.UID_COMMANDS,
}

_ALONE = session_arguments.ALONE | urlauth_arguments.MAY_BE_BARE | search_arguments.ALONE
"""Commands that may have arguments, or none."""

_REPEATED = frozenset((b"SELECT", b"EXAMINE", b"STATUS", b"LIST", b"LSUB"))
"""Commands that come again and again with the same arguments, by all users alike: what was read of them is kept."""
_LONGEST_KEPT = 128
"""Octets of a line of which that is done."""

COMMANDS = frozenset(word for word, _ in (*_COMMANDS.values(), *_UID_COMMANDS.values()))
"""The names that Command.name can have."""


def parse(frame: Frame, *, utf8: bool = False) -> Command:
    """Parse one command. `utf8`: mailbox names come in UTF-8, not modified UTF-7.

    Raises BadCommand, and UnsupportedCharset for a SEARCH in an unknown charset. There are no experimental commands
    ([RFC3501] 6.5.1).
    """
    line = frame.parts[0]
    head = _HEAD.match(line)
    if head is None:
        _fail_head(Scanner(frame.parts, utf8=utf8))
    name = head[2].upper()
    if name in _REPEATED and len(line) <= _LONGEST_KEPT and len(frame.parts) == 1:
        try:
            return Command(head[1], *_read_before(line[head.start(2) :], utf8))
        except (BadCommand, BadMailboxName):
            pass  # what is wrong is told of the line as it came
    return _read(frame, head, name, utf8)


@lru_cache(maxsize=512)
def _read_before(line: bytes, utf8: bool) -> tuple[str, object]:
    """The name and the arguments of a line without its tag."""
    frame = Frame((b"A " + line,))
    head = _HEAD.match(frame.parts[0])
    assert head is not None
    command = _read(frame, head, head[2].upper(), utf8)
    return command.name, command.args


def _read(frame: Frame, head: re.Match[bytes], name: bytes, utf8: bool) -> Command:
    """Read the arguments of a command, the tag and the name being read."""
    scanner = Scanner(frame.parts, utf8=utf8)
    line = frame.parts[0]
    scanner.tag = head[1]
    scanner.position = head.end()
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
    if scanner.peek() >= 0 or name not in _ALONE:
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


__all__ = ["COMMANDS", "BadCommand", "parse"]
