"""The keyword registry: 63 names a mailbox, each a bit of `message.kw` ([RFC3501] 2.3.2, PidNameKeywords)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select

from store.engine import Reader, Statement, Work, insert_statement
from store.errors import TooLarge
from store.schema import keyword

MAX_KEYWORDS = 63
MAX_NAME = 255
"""Octets of one name."""

_ALL = Statement(
    select(keyword.c.bit, keyword.c.name, keyword.c.name_key)
    .where(keyword.c.mailbox_id == bindparam("m"))
    .order_by(keyword.c.bit),
    "m",
)
_ADD = insert_statement(keyword, "mailbox_id", "bit", "name", "name_key")


def names(db: Reader) -> dict[int, str]:
    """Read the registry: bit number (0 to 62) to the spelling of the first use."""
    return {bit: name for bit, name, _ in db.all(_ALL, (db.mailbox_id,))}


def mask(db: Reader, wanted: Iterable[str]) -> int:
    """Give the bits of those names that are registered, in any case."""
    keys = {name.casefold() for name in wanted}
    if not keys:
        return 0
    return sum(1 << bit for bit, _, key in db.all(_ALL, (db.mailbox_id,)) if key in keys)


def register(work: Work, wanted: Iterable[str]) -> int:
    """Give the bits of the names, registering the new ones. Raises TooLarge past 63 names or 255 octets."""
    spelled = {name.casefold(): name for name in reversed(list(wanted))}
    if not spelled:
        return 0
    known = {key: bit for bit, _, key in work.all(_ALL, (work.mailbox_id,))}
    bits = 0
    for key, name in reversed(spelled.items()):
        bit = known.get(key)
        if bit is None:
            bit = len(known)
            if bit >= MAX_KEYWORDS:
                raise TooLarge(f"a mailbox has at most {MAX_KEYWORDS} keywords")
            if not name or len(name.encode()) > MAX_NAME:
                raise TooLarge(f"a keyword has 1 to {MAX_NAME} octets")
            work.run(_ADD, (work.mailbox_id, bit, name, key))
            known[key] = bit
        bits |= 1 << bit
    return bits
