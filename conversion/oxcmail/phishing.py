"""The mark of messages that are likely to be phishing ([MS-OXPHISH] 2.2.1).

Whether a mark counts is said by a number that only the mailbox knows: a sender cannot mark, nor unmark, a message.
"""

from __future__ import annotations

from collections.abc import Sequence

from store.mapi import tags
from store.mapi.types import PropertyBag

_STAMP = 0x0FFFFFFF
_ENABLED = 0x10000000
_PLACE = 5
"""The place of the number among the values of PidTagAdditionalRenEntryIds ([MS-OXPHISH] 3.1.5)."""


def mailbox_stamp(values: Sequence[bytes]) -> int | None:
    """Give the mailbox's number out of PidTagAdditionalRenEntryIds of its Inbox; None where it has none."""
    value = values[_PLACE] if len(values) > _PLACE else b""
    stamp = int.from_bytes(value, "little") & _STAMP if len(value) == 4 else 0
    return stamp or None


def is_marked(properties: PropertyBag, stamp: int | None) -> bool:
    """Whether a message is marked as likely to be phishing, so that nothing in it may be followed.

    Not so once the user has enabled it ([MS-OXPHISH] 2.2.1.1).
    """
    value = properties.get(tags.PidNamePhishingStamp)
    if stamp is None or not isinstance(value, int):
        return False
    return value & _STAMP == stamp and not value & _ENABLED


def mark(stamp: int, *, enabled: bool = False) -> int:
    """Make PidNamePhishingStamp for a message ([MS-OXPHISH] 2.2.1.1)."""
    return (stamp & _STAMP) | (_ENABLED if enabled else 0)
