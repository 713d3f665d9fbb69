"""Who may open a mailbox, and who may send in its name. A group may be the delegate; then its members are."""

from __future__ import annotations

from directory.model import GrantKind, Principal
from directory.provider import DirectoryProvider


def may_open(provider: DirectoryProvider, user: Principal, owner: Principal) -> bool:
    """Say whether a user may open a whole mailbox: its own, or by a full-access grant ([MS-OXIMAP4] 2.2.2)."""
    return user.id == owner.id or _granted(provider, GrantKind.FULL_ACCESS, user, owner)


def may_send_as(provider: DirectoryProvider, user: Principal, owner: Principal) -> bool:
    """Say whether a user may send with the owner's address alone in From and Sender."""
    return user.id == owner.id or _granted(provider, GrantKind.SEND_AS, user, owner)


def may_send_on_behalf(provider: DirectoryProvider, user: Principal, owner: Principal) -> bool:
    """Say whether a user may send with the owner in From and itself in Sender; send-as includes it."""
    return may_send_as(provider, user, owner) or _granted(provider, GrantKind.SEND_ON_BEHALF, user, owner)


def may_administer(provider: DirectoryProvider, user: Principal, owner: Principal) -> bool:
    """Say whether a user may set how much a mailbox holds: by a grant alone, nobody sets the limits of its own."""
    return _granted(provider, GrantKind.ADMINISTER, user, owner)


def _granted(provider: DirectoryProvider, kind: GrantKind, user: Principal, owner: Principal) -> bool:
    if not user.enabled:
        return False
    if provider.is_granted(kind, owner.id, (user.id,)):
        return True
    groups = provider.groups_of(user.id)
    return bool(groups) and provider.is_granted(kind, owner.id, tuple(groups))
