"""The forms in which users write who they are and whose mailbox they want ([MS-OXIMAP4] 2.2.2, [MS-OXPOP3] 2.2.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from directory.names import account_key, address_key

_SEPARATOR = re.compile(r"[/\\]")


class LoginName(NamedTuple):
    """A login name taken apart. None: not given."""

    user: str
    """An account name, or a UPN with `@`."""
    domain: str | None = None
    """The user's domain, NetBIOS or DNS name."""
    mailbox: str | None = None
    """The mailbox to open, by alias or UPN; None is the user's own."""


def parse_login(text: str) -> LoginName:
    """Take a login name apart; `/` and `\\` both separate, and nothing escapes them ([MS-OXIMAP4] 2.2.2).

    `user`, `user@domain`, `domain/user`, and for a delegate `domain/user/mailbox` and `user@domain/mailbox`. Of more
    than three parts the first is the domain, the last the mailbox: `/` is legal in an alias.
    """
    parts = _SEPARATOR.split(text)
    if len(parts) == 1:
        return LoginName(text)
    if len(parts) == 2:
        first, second = parts
        return LoginName(first, None, second) if "@" in first else LoginName(second, first)
    return LoginName("/".join(parts[1:-1]), parts[0], parts[-1])


def one_spelling(name: LoginName, default_domain: str, netbios_domain: str) -> str:
    """Write a login's user in the one way that all its spellings share, by its form alone: nobody is looked up.

    What counts names goes by it, and what must answer alike for names that do not exist. It folds what the directory
    folds, no less and no more: else whoever varies the spelling is somebody else each time, or finds out who exists.
    """
    if "@" in name.user:
        return address_key(name.user) or ""
    domain = (name.domain or "").lower()
    if not domain.isascii():
        return f"{domain}\\{account_key(name.user)}"  # no domain of ours, whatever an address would make of it
    return address_key(f"{name.user}@{default_domain if domain in ('', '.', netbios_domain.lower()) else domain}") or ""
