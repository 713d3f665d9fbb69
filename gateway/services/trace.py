"""Trace header fields: what a delivery writes in front of a message, and what it reads there ([RFC5321] 4.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate
from typing import NamedTuple

_TRACE_FIELD = re.compile(rb"\nre(?:(ceived)|turn-path)[ \t]*:")
_UNSAFE = re.compile(r"[^A-Za-z0-9.:_\[\]-]")


class TraceFields(NamedTuple):
    """What a message's header says of its way."""

    header_length: int
    """Octets up to and including the blank line; the whole message when there is none."""
    hops: int
    """Received fields ([RFC5321] 6.3)."""
    own_hops: int
    """Received fields that this host wrote."""
    return_paths: tuple[tuple[int, int], ...]
    """Where Return-Path fields begin and end; a message on its way should have none."""


def read_trace(raw: bytes, hostname: bytes) -> TraceFields:
    """Find the trace fields of a message; `hostname` is the name that this host writes behind `by`."""
    end = 0 if raw.startswith(b"\r\n") else raw.find(b"\r\n\r\n") + 4
    length = end if end > 3 else 2 if raw.startswith(b"\r\n") else len(raw)
    # Lower case, and with a line end in front, behind which each field begins: that is found thrice as fast as the
    # start of a line in any case. So a place in it is one further on than in the message.
    header = b"\n" + raw[:length].lower()
    host = hostname.lower()
    needle = b"by " + host + b" "
    hops = own = 0
    paths = []
    for match in _TRACE_FIELD.finditer(header):
        value = match.end() - 1
        if match[1] is None:
            paths.append((match.start(), _field_end(raw, value, length)))
            continue
        hops += 1
        if header.find(host, match.end(), match.end() + 1000) >= 0 and needle in _unfolded(raw, value, length):
            own += 1
    return TraceFields(length, hops, own, tuple(paths))


def _unfolded(raw: bytes, start: int, end: int) -> bytes:
    """The value of a field, folding undone, lower case; at most 1,000 octets of it."""
    value = raw[start : _field_end(raw, start, min(end, start + 1000))]
    return b" ".join(value.lower().split()) + b" "


def _field_end(raw: bytes, start: int, end: int) -> int:
    at = start
    while True:
        at = raw.find(b"\n", at, end)
        if at < 0:
            return end
        at += 1
        if raw[at : at + 1] not in (b" ", b"\t"):
            return at


def without_return_path(raw: bytes, trace: TraceFields) -> bytes:
    """Take the Return-Path fields out of a header: the final delivery writes its own ([RFC5321] 4.4)."""
    kept: list[bytes] = []
    at = 0
    for start, end in trace.return_paths:
        kept.append(raw[at:start])
        at = end
    kept.append(raw[at:])
    return b"".join(kept)


@dataclass(frozen=True, slots=True)
class Hop:
    """The connection that a message came over."""

    hello: str
    """What the client called itself."""
    peer: str
    """The client's IP address; empty for none (a Unix socket)."""
    protocol: str
    """The `with` word, see protocol_name."""
    tls: str = ""
    """Version and cipher suite; empty without TLS."""


def protocol_name(*, lmtp: bool, extended: bool, utf8: bool, tls: bool, authenticated: bool) -> str:
    """Name the transmission type ([RFC3848], [RFC6531] 4.3)."""
    if utf8:
        name = "UTF8LMTP" if lmtp else "UTF8SMTP"
    elif lmtp:
        name = "LMTP"
    elif extended:
        name = "ESMTP"
    else:
        return "SMTP"
    return name + ("S" if tls else "") + ("A" if authenticated else "")


def received_prefix(hop: Hop, hostname: str) -> bytes:
    """Write a Received field up to the transmission type: what stays the same for every message of a connection."""
    hello = _UNSAFE.sub("?", hop.hello)[:255] or "unknown"
    literal = f"[IPv6:{hop.peer}]" if ":" in hop.peer else f"[{hop.peer}]" if hop.peer else "local"
    tls = f"\r\n\t({hop.tls})" if hop.tls else ""
    return f"Received: from {hello} ({literal})\r\n\tby {hostname} with {hop.protocol}{tls}".encode("ascii", "replace")


def received_suffix(message_id: str, recipient: str | None, now: float) -> bytes:
    """Write the rest of a Received field: id, the recipient when there is just one, and the date."""
    target = f"\r\n\tfor <{recipient}>" if recipient else ""
    return f" id {message_id}{target};\r\n\t{date_time(int(now))}\r\n".encode()


def return_path(reverse_path: str) -> bytes:
    """Write the Return-Path field of a final delivery ([RFC5321] 4.4); the null path is `<>`."""
    return f"Return-Path: <{reverse_path}>\r\n".encode()


class _DateCache:
    """Mail comes many to the second; formatting a date costs more than a lookup."""

    def __init__(self) -> None:
        self._second, self._text = -1, ""

    def __call__(self, second: int) -> str:
        if second != self._second:
            self._second, self._text = second, formatdate(second, localtime=True)
        return self._text


date_time = _DateCache()
"""`date_time(unix_seconds)`: a date as in [RFC5322] 3.3, local time with its offset."""
