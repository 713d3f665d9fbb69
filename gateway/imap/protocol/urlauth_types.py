"""Values of the commands about URLs that carry authorization: RESETKEY GENURLAUTH URLFETCH ([RFC4467] 7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.types import MailboxName


@dataclass(frozen=True, slots=True)
class ResetKey:
    """RESETKEY ([RFC4467] 7)."""

    mailbox: MailboxName | None
    """None: the keys of all mailboxes."""
    mechanisms: tuple[str, ...] = ()
    """Upper case."""


@dataclass(frozen=True, slots=True)
class GenUrlAuth:
    """GENURLAUTH ([RFC4467] 7)."""

    rumps: tuple[tuple[bytes, str], ...]
    """URLs without a token, as sent, each with its mechanism in upper case."""


class UrlData(Enum):
    """What URLFETCH gives of a URL ([RFC5524] 3.1)."""

    BODY = b"BODY"
    BINARY = b"BINARY"
    BODYPARTSTRUCTURE = b"BODYPARTSTRUCTURE"


@dataclass(frozen=True, slots=True)
class UrlWanted:
    """One URL of URLFETCH."""

    url: bytes
    """As sent."""
    data: tuple[UrlData, ...] = ()
    """What is asked for by name; empty: the text alone, in the plain form of the reply."""


@dataclass(frozen=True, slots=True)
class UrlFetch:
    """URLFETCH ([RFC4467] 7, [RFC5524] 3.1)."""

    urls: tuple[UrlWanted, ...]
