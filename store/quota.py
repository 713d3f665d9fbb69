"""Mailbox sizes and their limits ([MS-OXCSTOR] 2.2.2.1): octets of all placements, counted at each change."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from store.engine import Allocation, Reader, Statement, Work
from store.errors import NotFound, QuotaExceeded
from store.schema import mailbox


class Quota(NamedTuple):
    """How full a mailbox is and from which size on what happens, in octets; None is no limit."""

    used: int
    warn: int | None
    send: int | None
    """Prohibit send."""
    receive: int | None
    """Prohibit send and receive."""


_READ = Statement(
    select(mailbox.c.size, mailbox.c.quota_warn, mailbox.c.quota_send, mailbox.c.quota_recv).where(
        mailbox.c.mailbox_id == bindparam("m")
    ),
    "m",
)
_SET = Statement(
    update(mailbox)
    .where(mailbox.c.mailbox_id == bindparam("m"))
    .values(quota_warn=bindparam("warn"), quota_send=bindparam("send"), quota_recv=bindparam("receive")),
    "m",
    "warn",
    "send",
    "receive",
)


def read(db: Reader) -> Quota:
    """Read the size and the limits. Raises NotFound."""
    row = db.one(_READ, (db.mailbox_id,))
    if row is None:
        raise NotFound(f"there is no mailbox {db.mailbox_id}")
    return Quota(*row)


def change(work: Work, *, warn: int | None, send: int | None, receive: int | None) -> None:
    """Set the limits, in octets; None lifts one."""
    work.run(_SET, (work.mailbox_id, warn, send, receive))


def check_room(db: Reader, octets: int) -> None:
    """Raise QuotaExceeded when that much more would pass the limit on receiving."""
    now = read(db)
    if now.receive is not None and now.used + octets > now.receive:
        raise QuotaExceeded(f"{now.used + octets} octets would be kept, {now.receive} are allowed")


def check_receive(allocation: Allocation) -> None:
    """Raise QuotaExceeded when what was just allotted would pass the limit on receiving."""
    limit = allocation.quota_receive
    if limit is not None and allocation.size > limit:
        raise QuotaExceeded(f"{allocation.size} octets would be kept, {limit} are allowed")
