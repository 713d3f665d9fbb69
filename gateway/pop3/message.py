"""Messages on their way out: whole where they are small, else in pieces, so that none takes more memory than a piece.

A client that has not said UTF8 gets the surrogate of an internationalised message ([RFC6856] 4, [RFC6858] 4), and any
other as it came: conversion.mime.downgrade tells which is which.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable

from conversion.mime.downgrade import asciified, header_ranges, needs_utf8, surrogate, surrogate_header
from conversion.mime.headers import header_end
from conversion.mime.parts import DEFAULT_LIMITS, unpack
from gateway.runtime.worker import StoreRunner
from store.errors import Unavailable
from store.mailbox import Mailbox

WHOLE = 262_144
"""Octets up to which a message is read at once."""
PIECE = 262_144
TOP_PIECE = 32_768
"""Octets that TOP reads at a time; a header and some lines are seldom more."""


class MessageReader:
    """Reads the messages of one maildrop. Every method raises StoreError: NotFound when another session was faster."""

    def __init__(self, runner: StoreRunner, mailbox: Mailbox) -> None:
        self._runner = runner
        self._mailbox = mailbox

    def whole(self, item: int) -> Awaitable[bytes]:
        """Read a message."""
        return self._runner.read(self._mailbox.raw, item)

    async def surrogate(self, item: int, raw: bytes) -> bytes:
        """Give what a client that knows no UTF-8 gets for a message."""
        if not needs_utf8(raw[: header_end(raw)]):
            return raw
        return surrogate(raw, unpack(await self._runner.read(self._mailbox.parts, item)))

    async def needs_utf8(self, item: int) -> bool:
        """Tell whether a message is internationalised."""
        return await self._runner.run(_needs_utf8, self._mailbox, item)

    async def pieces(self, item: int, size: int, *, utf8: bool, piece: int = PIECE) -> AsyncGenerator[bytes, None]:
        """Read a message of `size` octets, or its surrogate, in pieces of about `piece` octets, as far as is asked."""
        window = _Window(self._runner, self._mailbox, item, size, piece)
        at = 0
        if not utf8 and await self.needs_utf8(item):
            structure = unpack(await self._runner.read(self._mailbox.parts, item))
            for start, end in header_ranges(structure):
                while at < start:
                    got = await window.read(at, start)
                    at += len(got)
                    yield got
                while at < end and end - start > DEFAULT_LIMITS.header_bytes:
                    got = await window.read(at, end)
                    at += len(got)
                    yield asciified(got)
                header = b""
                while at < end:
                    header += await window.read(at, end)
                    at = start + len(header)
                yield surrogate_header(header)
        while at < size:
            got = await window.read(at, size)
            at += len(got)
            yield got


class _Window:
    """The piece of a message read last."""

    def __init__(self, runner: StoreRunner, mailbox: Mailbox, item: int, size: int, piece: int) -> None:
        self._runner = runner
        self._mailbox = mailbox
        self._item = item
        self._size = size
        self._piece = piece
        self._start = 0
        self._data = b""

    async def read(self, start: int, end: int) -> bytes:
        """Give octets from `start` on, not beyond `end`, at least one. Raises StoreError: Unavailable at their end."""
        if not self._start <= start < self._start + len(self._data):
            length = min(self._piece, self._size - start)
            self._data = await self._runner.run(self._mailbox.raw, self._item, start, length)
            self._start = start
            if not self._data:
                raise Unavailable(f"item {self._item} ends before octet {start} of {self._size}")
        if start == self._start and end >= self._start + len(self._data):
            return self._data
        return self._data[start - self._start : end - self._start]


def _needs_utf8(mailbox: Mailbox, item: int) -> bool:
    end = unpack(mailbox.parts(item)).root.body_start
    return needs_utf8(mailbox.raw(item, 0, min(end, DEFAULT_LIMITS.header_bytes)))
