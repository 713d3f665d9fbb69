"""Parses GETQUOTA GETQUOTAROOT SETQUOTA ([RFC9208] 7)."""

from __future__ import annotations

from gateway.imap.protocol.quota_types import GetQuota, GetQuotaRoot, Resource, SetQuota
from gateway.imap.protocol.scanner import ParseArguments, Scanner

MAX_ROOT = 1000
"""Octets of a root's name."""
MAX_RESOURCES = 20
MOST = 0x7FFF_FFFF_FFFF_FFFF
"""The largest number of a resource: 63 bits ([RFC9208] 7 `resource-limit`)."""


def _root(scanner: Scanner) -> str:
    raw = scanner.astring("a quota root")
    if len(raw) > MAX_ROOT:
        scanner.fail(f"A quota root has at most {MAX_ROOT} octets")
    return raw.decode("utf-8", "replace")


def _get(scanner: Scanner) -> GetQuota:
    return GetQuota(_root(scanner))


def _get_root(scanner: Scanner) -> GetQuotaRoot:
    return GetQuotaRoot(scanner.mailbox())


def _set(scanner: Scanner) -> SetQuota:
    """A root and `(STORAGE 512 ...)`, which may be empty."""
    root = _root(scanner)
    scanner.space()
    scanner.opening()
    if scanner.accept(b")"):
        return SetQuota(root, ())

    def limit() -> Resource:
        name = scanner.word("a resource").decode("ascii")
        scanner.space()
        return Resource(name, scanner.number("a limit", most=MOST))

    return SetQuota(root, tuple(scanner.items(limit, MAX_RESOURCES)))


COMMANDS: dict[bytes, tuple[str, ParseArguments | None]] = {
    b"GETQUOTA": ("GETQUOTA", _get),
    b"GETQUOTAROOT": ("GETQUOTAROOT", _get_root),
    b"SETQUOTA": ("SETQUOTA", _set),
}
