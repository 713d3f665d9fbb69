"""GETQUOTA GETQUOTAROOT SETQUOTA ([RFC9208]).

Each mailbox has one quota root, named by its owner's address ([RFC9208] 3.2). STORAGE is the size at which it takes no
more mail, and the one resource ([RFC9208] 3.1); to the other limits, at which the owner is warned and can send no more,
IMAP has no name. What does not fit is refused with OVERQUOTA ([RFC9208] 4.3.1) by the table in gateway.imap.errors.
"""

from __future__ import annotations

from directory.errors import ProviderError
from directory.model import Principal
from gateway.imap.errors import Reply, no, ok
from gateway.imap.names import path_of, shared_space
from gateway.imap.place import Space, away
from gateway.imap.protocol import writer
from gateway.imap.protocol.quota_types import GetQuota, GetQuotaRoot, SetQuota
from gateway.imap.session import Session
from store.mailbox import Mailbox
from store.permissions import Rights
from store.quota import Quota

CAPABILITIES = "QUOTA QUOTASET QUOTA=RES-STORAGE"
STORAGE = "STORAGE"
UNIT = 1024
"""Octets that STORAGE counts by ([RFC9208] 5.1)."""
MOST = 1 << 52
"""Units of the highest limit."""


async def get_root(session: Session, args: GetQuotaRoot) -> Reply:
    """GETQUOTAROOT: the root and what it says, for who may read the mailbox ([RFC9208] 4.1.2, 4.2.2, 6).

    One's own mailboxes need not be there; of others' a missing one is told like a hidden one.
    """
    if shared_space(args.mailbox.value) is None:
        path_of(args.mailbox.value.removesuffix("/"))
        mailbox = session.home
    else:
        mailbox, row = await session.place(args.mailbox, selectable=False)
        await session.read(mailbox.demand, row.id, Rights.READ_ANY)
    name = writer.mailbox_name(args.mailbox.value, utf8=session.utf8_names)
    owner = await _owner(session, mailbox)
    if owner is None:
        session.send(b"* QUOTAROOT %b\r\n" % name)
        return ok(b"GETQUOTAROOT completed.")
    session.send(b"* QUOTAROOT %b %b\r\n" % (name, writer.astring(owner.address.encode())))
    session.send(_line(owner.address, await session.read(mailbox.quota)))
    return ok(b"GETQUOTAROOT completed.")


async def get(session: Session, args: GetQuota) -> Reply:
    """GETQUOTA ([RFC9208] 4.1.1, 4.2.1): one's own, and those of mailboxes that are open as a whole."""
    mailbox = session.home
    owner = await _owner(session, mailbox)
    if owner is None or owner.address.lower() != args.root.lower():
        owner, mailbox = await _others(session, args.root)
    session.send(_line(owner.address, await session.read(mailbox.quota)))
    return ok(b"GETQUOTA completed.")


async def set_quota(session: Session, args: SetQuota) -> Reply:
    """SETQUOTA: for who was granted to administer the mailbox, nobody else; its owner neither ([RFC9208] 4.1.3).

    What is not named is lifted.
    """
    sharing = session.namespaces.sharing
    owner = None if sharing is None else await session.namespaces.ask(sharing.by_address, args.root)
    if sharing is None or owner is None or owner.mailbox_id is None:
        raise no(b"You may not set that quota.", b"NOPERM")
    if not await session.namespaces.ask(sharing.may_administer, session.namespaces.guest, owner):
        raise no(b"You may not set that quota.", b"NOPERM")
    limits = dict(args.limits)
    if limits.keys() - {STORAGE}:
        raise no(b"Only STORAGE can be limited.", b"CANNOT")
    if limits.get(STORAGE, 0) > MOST:
        raise no(b"That limit is too high; leave STORAGE out for none.", b"LIMIT")
    mailbox = await session.read(sharing.administered, owner)
    receive = limits[STORAGE] * UNIT if STORAGE in limits else None

    def change() -> Quota:
        old = mailbox.quota()
        mailbox.set_quota(warn=old.warn, send=old.send, receive=receive)
        return mailbox.quota()

    session.send(_line(owner.address, await session.write(mailbox, change)))
    return ok(b"SETQUOTA completed.")


async def _owner(session: Session, mailbox: Mailbox) -> Principal | None:
    """Whose quota a mailbox counts against."""
    sharing = session.namespaces.sharing
    if sharing is None or mailbox is session.home:
        return session.logon.owner if session.logon is not None and mailbox is session.home else None
    found: Principal | None = await session.namespaces.ask(sharing.owner_of, mailbox)
    return found


async def _others(session: Session, address: str) -> tuple[Principal, Mailbox]:
    """Another's mailbox by its quota root, if it is open as a whole."""
    for space in Space if session.namespaces.sharing is not None else ():
        found = await session.namespaces.neighbour(space, address)
        if found is not None:
            try:
                whole = await session.read(lambda mailbox: mailbox.as_user is None, found.mailbox)
            except ProviderError as error:
                raise away() from error
            if not whole:
                raise no(b"You may not see that quota.", b"NOPERM")
            return found.owner, found.mailbox
    raise no(b"There is no such quota root.", b"NONEXISTENT")


def _line(root: str, quota: Quota) -> bytes:
    """`* QUOTA root (STORAGE used limit)`; what has no limit is not listed ([RFC9208] 4.2.1, 5.1)."""
    listed = b""
    if quota.receive is not None:
        listed = b"%b %d %d" % (STORAGE.encode(), -(-quota.used // UNIT), quota.receive // UNIT)
    return b"* QUOTA %b (%b)\r\n" % (writer.astring(root.encode()), listed)
