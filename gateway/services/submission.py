"""Who may hand in mail in whose name: the reverse-path, and the From and Sender fields ([RFC6409] 6.1, 8.1)."""

from __future__ import annotations

import asyncio
import re
from itertools import chain
from typing import NamedTuple

from conversion.mime.addresses import MAX_ADDRESSES, parse_addresses
from directory.grants import may_send_as, may_send_on_behalf
from directory.model import Principal
from directory.provider import DirectoryProvider
from gateway.runtime.worker import StoreRunner

_EMPTY_LINE = re.compile(rb"\n\r?\n")
"""What ends a header, once delivery has made CRLF of a bare LF."""

_ASIDE = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)"|\((?>(?:[^()\\]++|\\.)*)\)', re.DOTALL)
"""A quoted string, or a comment without another in it."""

_BEHIND = re.compile(rb">[ \t\n]*+[^,; \t\n]")
"""Something behind an address in angle brackets, which another reader might take for the address."""

_FIELD = re.compile(
    rb"^(from|sender|resent-from|resent-sender)[ \t]*+:((?>[^\n]*+(?>(?:\n[ \t][^\n]*+)*)))",
    re.IGNORECASE | re.MULTILINE,
)
"""A field wherever some reader might see one: behind lines that are none, behind a bare CR, and more than once."""


SHORT_HEADER = 65_536
"""Octets of a header that is read on the loop."""

MAX_NESTING = 4
"""Comments within comments that are read."""


class _Names(NamedTuple):
    """Addresses of a message's originators."""

    authors: list[str]
    senders: list[str]
    resenders: list[str]


class SubmissionPolicy:
    """Checks in whose name a signed-in user sends. Raises DirectoryUnavailable."""

    def __init__(self, *, provider: DirectoryProvider, runner: StoreRunner) -> None:
        self._provider = provider
        self._runner = runner

    async def may_send(self, user: Principal, reverse_path: str) -> bool:
        """Say whether the reverse-path is the user's own address, an alias, or one that a grant gives it.

        The null path is anybody's: it says only that no report is wanted ([RFC5321] 4.5.5).
        """
        if not reverse_path or _is_own(user, reverse_path):
            return True
        return await self._runner.read(self._may_be_from, user, reverse_path)

    async def missing_fields(self, user: Principal, raw: bytes) -> bytes | None:
        """Say what must be put before a message that a user hands in; None: this user may not send it.

        Each address in From must be the user's own or one that it may send as, and so must Sender. Where From has an
        address for which the user may only send on behalf, Sender must say so; it is added when it is missing, as is
        From ([RFC6409] 8.1, [RFC5322] 3.6.2). What was resent is in the user's own name or one that it may send as.
        """
        short = raw.find(b"\r\n\r\n", 0, SHORT_HEADER) >= 0
        names = _read_names(raw) if short else await asyncio.to_thread(_read_names, raw)
        if names is None:
            return None
        if names.authors and all(_is_own(user, name) for name in chain.from_iterable(names)):
            return b""
        return await self._runner.read(self._judge, user, names)

    def _judge(self, user: Principal, names: _Names) -> bytes | None:
        if not all(self._may_be_sender(user, name) for name in (*names.senders, *names.resenders)):
            return None
        own = b"<" + user.address.encode() + b">\r\n"
        if not names.authors:
            return b"From: " + own
        if all(self._may_be_sender(user, name) for name in names.authors):
            return b""
        if not all(self._may_be_from(user, name) for name in names.authors):
            return None
        return b"" if names.senders else b"Sender: " + own

    def _may_be_sender(self, user: Principal, name: str) -> bool:
        owner = user if _is_own(user, name) else self._provider.by_address(name)
        return owner is not None and may_send_as(self._provider, user, owner)

    def _may_be_from(self, user: Principal, name: str) -> bool:
        owner = user if _is_own(user, name) else self._provider.by_address(name)
        return owner is not None and may_send_on_behalf(self._provider, user, owner)


def _is_own(user: Principal, name: str) -> bool:
    folded = name.casefold()
    return any(folded == own.casefold() for own in user.addresses)


def _read_names(raw: bytes) -> _Names | None:
    """Read the addresses in all fields that name originators; None: one of the fields has none that could be read."""
    if raw.startswith((b" ", b"\t")):
        return None  # it would go on with whatever field is put before it
    end = raw.find(b"\r\n\r\n")
    header = raw if end < 0 else raw[:end]
    earlier = _EMPTY_LINE.search(header)
    if earlier is not None:
        header = header[: earlier.start()]
    if raw.startswith((b"\n", b"\r\n")):
        header = b""
    lines = header.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = _Names([], [], [])
    for field in _FIELD.finditer(lines):
        read = parse_addresses(field[2])
        entries = [entry for entry in read if not entry.group]
        names = [
            b"@".join((entry.local, entry.domain)).decode("utf-8", "replace")
            for entry in entries
            if entry.local and entry.domain
        ]
        if not names or len(names) != len(entries) or len(read) >= MAX_ADDRESSES or _is_ambiguous(field[2]):
            return None
        kind = field[1].lower()
        (found.authors if kind == b"from" else found.senders if kind == b"sender" else found.resenders).extend(names)
    return found


def _is_ambiguous(value: bytes) -> bool:
    """Whether other readers may see other addresses in a field: `<one@example.com> <two@example.com>`."""
    if b">" not in value:
        return False
    for _ in range(MAX_NESTING):  # what is nested deeper, or unclosed, stays and is refused
        value = _ASIDE.sub(b"", value)
    return _BEHIND.search(value) is not None
