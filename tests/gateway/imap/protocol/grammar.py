"""Commands as octets, and what the parser makes of them."""

from __future__ import annotations

import pytest

from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import types as t
from gateway.imap.protocol.framing import LIMITS, Frame, Framing, LiteralWanted
from gateway.imap.protocol.parser import parse

CRLF = b"\r\n"


def read(octets: bytes, *, utf8: bool = False) -> t.Command:
    framing = Framing(LIMITS)
    framing.feed(octets + CRLF)
    while isinstance(event := framing.pull(), LiteralWanted):
        pass
    assert isinstance(event, Frame), event
    return parse(event, utf8=utf8)


def args(octets: bytes) -> t.Arguments:
    return read(octets).args


def refused(octets: bytes) -> t.BadCommand:
    with pytest.raises(t.BadCommand) as caught:
        read(octets)
    return caught.value


def name(value: str) -> t.MailboxName:
    return t.MailboxName(value)


def numbers(*ranges: tuple[int, int]) -> t.SequenceSet:
    return t.SequenceSet(ranges)


def body(
    kind: ft.SectionKind = ft.SectionKind.WHOLE,
    part: tuple[int, ...] = (),
    fields: tuple[bytes, ...] = (),
    *,
    peek: bool = False,
    partial: tuple[int, int] | None = None,
    label: bytes,
) -> ft.BodySection:
    return ft.BodySection(ft.Section(part, kind, fields), peek, partial, label)
