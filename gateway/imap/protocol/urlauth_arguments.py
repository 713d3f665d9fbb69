"""Parses the arguments of RESETKEY, GENURLAUTH and URLFETCH ([RFC4467] 9, [RFC5524] 5)."""

from __future__ import annotations

from collections.abc import Callable

from gateway.imap.protocol.scanner import ParseArguments, Scanner, T
from gateway.imap.protocol.urlauth_types import GenUrlAuth, ResetKey, UrlData, UrlFetch, UrlWanted

MAX_URLS = 500
"""URLs in one command."""

_DATA = {data.value: data for data in UrlData}


def _reset_key(scanner: Scanner) -> ResetKey:
    """A mailbox and mechanisms, or nothing."""
    if scanner.peek() < 0:
        return ResetKey(None)
    mailbox = scanner.mailbox()
    if scanner.peek() < 0:
        return ResetKey(mailbox)
    scanner.space()
    return ResetKey(mailbox, tuple(_list(scanner, lambda: _mechanism(scanner))))


def _generate(scanner: Scanner) -> GenUrlAuth:
    """Pairs of a rump URL and a mechanism."""
    return GenUrlAuth(tuple(_list(scanner, lambda: _rump(scanner))))


def _fetch(scanner: Scanner) -> UrlFetch:
    """URLs, each alone or in parentheses with what is wanted of it."""
    return UrlFetch(tuple(_list(scanner, lambda: _wanted(scanner))))


def _list(scanner: Scanner, read: Callable[[], T]) -> list[T]:
    """One or more things, blanks between them, up to the end."""
    found = [read()]
    while scanner.peek() == 0x20 and scanner.line[scanner.position :].strip(b" "):
        if len(found) >= MAX_URLS:
            scanner.fail(f"More than {MAX_URLS} URLs in one command")
        scanner.space()
        found.append(read())
    return found


def _mechanism(scanner: Scanner) -> str:
    return scanner.word("a mechanism").decode("ascii")


def _rump(scanner: Scanner) -> tuple[bytes, str]:
    url = scanner.astring("a URL")
    scanner.space()
    return url, _mechanism(scanner)


def _wanted(scanner: Scanner) -> UrlWanted:
    if not scanner.accept(b"("):
        return UrlWanted(scanner.astring("a URL"))
    url = scanner.astring("a URL")
    if scanner.accept(b")"):
        return UrlWanted(url)
    scanner.space()
    return UrlWanted(url, tuple(dict.fromkeys(scanner.items(lambda: _data(scanner), len(UrlData)))))


def _data(scanner: Scanner) -> UrlData:
    word = scanner.word("BODY, BINARY or BODYPARTSTRUCTURE")
    found = _DATA.get(word)
    if found is None:
        scanner.fail(f"Unknown URLFETCH parameter {word[:40].decode('ascii')}")
    return found


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"GENURLAUTH": ("GENURLAUTH", _generate),
    b"RESETKEY": ("RESETKEY", _reset_key),
    b"URLFETCH": ("URLFETCH", _fetch),
}

MAY_BE_BARE = frozenset((b"RESETKEY",))
"""Commands whose arguments may all be missing."""
