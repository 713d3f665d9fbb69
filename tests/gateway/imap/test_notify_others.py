"""NOTIFY in others' mailboxes ([RFC5465] 3.1, 9): nobody hears of what may not be read."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from conversion.mime.rendition import render
from directory.errors import DirectoryUnavailable
from gateway.imap.commands import notify
from gateway.imap.notify import Notifier, Watched
from gateway.imap.protocol.notify_types import EventGroup, Scope
from gateway.imap.protocol.types import MailboxName
from gateway.imap.session import Session
from gateway.services import sharing
from store.mapi.message import MessageContent
from store.permissions import NONE
from tests.gateway.imap.harness import MAIL
from tests.gateway.imap.street import READ, SEE, Street

ALICE = "Other Users/alice@example.test"
PAIR = "(MessageNew MessageExpunge)"


def deliver(street: Street, owner: str, *folders: str) -> None:
    mailbox = street.box(owner)
    for folder in folders:
        row = mailbox.folder((folder,))
        mailbox.deliver(row.id, MessageContent({}), mime=render(MAIL), internal_date=int(time.time()))


async def test_counts_are_for_who_may_read(street: Street) -> None:
    """[RFC4314] 4: STATUS takes the right to read, also when nobody asked for it; also when it was taken away since."""
    street.share("alice", "Seen", "bob", SEE)
    street.share("alice", "Read", "bob", READ)
    bob = await street.user("bob")
    found = await bob.ok(f'NOTIFY SET (mailboxes ("{ALICE}/Seen" "{ALICE}/Read") {PAIR})')
    assert found == [b'* LIST (\\NoAccess) "/" "%b/Seen"' % ALICE.encode()]
    deliver(street, "alice", "Seen", "Read")
    assert await bob.ok("NOOP") == [b'* STATUS "%b/Read" (MESSAGES 1 UIDNEXT 2)' % ALICE.encode()]
    street.share("alice", "Read", "bob", SEE)
    deliver(street, "alice", "Seen", "Read")
    assert await bob.ok("NOOP") == [b'* LIST (\\NoAccess \\HasNoChildren) "/" "%b/Read"' % ALICE.encode()]
    deliver(street, "alice", "Seen", "Read")
    assert await bob.ok("NOOP") == []


async def test_a_subtree_may_be_all_that_another_shows(street: Street) -> None:
    """[RFC5465] 6.5: everything below a name, be that the name of another's mailbox or of all of them."""
    street.share("alice", "Read", "bob", READ)
    street.share("carol", "Plans", "bob", READ)
    bob = await street.user("bob")
    await bob.ok(f'NOTIFY SET (subtree "{ALICE}" {PAIR})')
    deliver(street, "alice", "Read")
    deliver(street, "carol", "Plans")
    heard = b'* STATUS "Other Users/%b" (MESSAGES %d UIDNEXT %d)'
    assert await bob.ok("NOOP") == [heard % (b"alice@example.test/Read", 1, 2)]
    await bob.ok(f'NOTIFY SET (subtree "Other Users" {PAIR})')
    deliver(street, "alice", "Read")
    deliver(street, "carol", "Plans")
    expected = [heard % (b"alice@example.test/Read", 2, 3), heard % (b"carol@example.test/Plans", 2, 3)]
    assert sorted(await bob.ok("NOOP")) == expected


async def test_annotations_that_may_not_be_read_stop_nothing(street: Street) -> None:
    """[RFC5465] 3.1, [RFC5464] 3.3: what the user has no right to is passed over, and the rest is told."""
    street.share("alice", "Seen", "bob", SEE)
    street.share("alice", "Read", "bob", READ)
    bob = await street.user("bob")
    await bob.ok(f'NOTIFY SET (subtree "{ALICE}" (MailboxMetadataChange))')
    alice = await street.user("alice")
    await alice.ok('SETMETADATA Seen (/shared/comment "one")')
    await alice.ok('SETMETADATA Read (/shared/comment "two")')
    told = b'* METADATA "%b/Read" /shared/comment' % ALICE.encode()
    assert await bob.ok("NOOP") == [told]
    street.share("alice", "Seen", "bob", NONE)
    await alice.ok('SETMETADATA Read (/shared/comment "three")')
    lost = b'* LIST (\\NoAccess \\NonExistent \\HasNoChildren) "/" "%b/Seen"' % ALICE.encode()  # [RFC5465] 5.9
    assert await bob.ok("NOOP") == [lost, told]


BOX = b'"/" "%b/Box"' % ALICE.encode()


async def test_rights_that_go_and_come_back(street: Street) -> None:
    """[RFC5465] 5.9, 5: nothing is told without them; with them again, what has changed meanwhile."""
    street.share("alice", "Box", "bob", READ)
    bob = await street.user("bob")
    await bob.ok(f'NOTIFY SET (mailboxes "{ALICE}/Box" {PAIR})')
    street.share("alice", "Box", "bob", SEE)
    assert await bob.ok("NOOP") == [b"* LIST (\\NoAccess \\HasNoChildren) " + BOX]
    deliver(street, "alice", "Box")
    assert await bob.ok("NOOP") == []
    street.share("alice", "Box", "bob", NONE)
    assert await bob.ok("NOOP") == [b"* LIST (\\NoAccess \\NonExistent \\HasNoChildren) " + BOX]
    deliver(street, "alice", "Box")
    assert await bob.ok("NOOP") == []
    street.share("alice", "Box", "bob", SEE)
    assert await bob.ok("NOOP") == []
    street.share("alice", "Box", "bob", READ)
    status = b'* STATUS "%b/Box" (MESSAGES %d UIDNEXT %d)'
    assert await bob.ok("NOOP") == [status % (ALICE.encode(), 2, 3), b"* LIST (\\HasNoChildren) " + BOX]
    deliver(street, "alice", "Box")
    assert await bob.ok("NOOP") == [status % (ALICE.encode(), 3, 4)]
    # What is deleted is no matter of rights; nobody has asked for MailboxName.
    mailbox = street.box("alice")
    mailbox.delete_folder(mailbox.folder(("Box",)).id)
    assert await bob.ok("NOOP") == []


async def test_rights_that_are_given_later(street: Street) -> None:
    """[RFC5465] 3.1, 5.4, 5.9: what may not be seen is watched once it may; the right to see it is its creation."""
    street.share("alice", "Box", "bob", NONE)
    street.share("alice", "Closed", "bob", NONE)
    bob = await street.user("bob")
    assert await bob.ok(f'NOTIFY SET STATUS (subtree "{ALICE}" (MessageNew MessageExpunge MailboxName))') == []
    street.share("alice", "Box", "bob", READ)
    found = await bob.ok("NOOP")
    assert b"* LIST (\\HasNoChildren) " + BOX in found
    assert not any(b"Closed" in line for line in found)
    deliver(street, "alice", "Box", "Closed")
    assert await bob.ok("NOOP") == [b'* STATUS "%b/Box" (MESSAGES 1 UIDNEXT 2)' % ALICE.encode()]
    street.share("alice", "Box", "bob", NONE)
    assert b"* LIST (\\NoAccess \\NonExistent \\HasNoChildren) " + BOX in await bob.ok("NOOP")


async def test_what_could_not_be_read_at_first(street: Street) -> None:
    """[RFC5465] 3.1, 5.9: \\NoAccess for every kind of event; its state is told once it may be."""
    street.share("alice", "Box", "bob", SEE)
    bob = await street.user("bob")
    assert await bob.ok(f'NOTIFY SET (mailboxes "{ALICE}/Box" (MailboxName))') == [b"* LIST (\\NoAccess) " + BOX]
    assert await bob.ok(f'NOTIFY SET STATUS (mailboxes "{ALICE}/Box" {PAIR})') == [b"* LIST (\\NoAccess) " + BOX]
    street.share("alice", "Box", "bob", READ)
    row = street.box("alice").folder(("Box",))
    assert await bob.ok("NOOP") == [
        b'* STATUS "%b/Box" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY %d)' % (ALICE.encode(), row.uidvalidity),
        b"* LIST (\\HasNoChildren) " + BOX,
    ]


async def test_rights_of_a_group_go_without_a_hint(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5465] 5.9: they are asked for at the next event, which is not told."""
    monkeypatch.setattr(sharing, "STALE", 0)
    street.share("alice", "Box", "team", READ)
    bob = await street.user("bob")
    await bob.ok(f'NOTIFY SET (mailboxes "{ALICE}/Box" {PAIR})')
    street.directory.remove_member(street.entry("team").id, street.entry("bob").id)
    deliver(street, "alice", "Box")
    assert await bob.ok("NOOP") == [b"* LIST (\\NoAccess \\NonExistent \\HasNoChildren) " + BOX]
    street.directory.add_member(street.entry("team").id, street.entry("bob").id)
    deliver(street, "alice", "Box")
    status = b'* STATUS "%b/Box" (MESSAGES 2 UIDNEXT 3)' % ALICE.encode()
    assert await bob.ok("NOOP") == [status, b"* LIST (\\HasNoChildren) " + BOX]


async def test_subscriptions_lead_further(street: Street) -> None:
    """[RFC5465] 6.4: the list of what is watched is made anew when the subscriptions change."""
    street.share("alice", "Read", "bob", READ)
    bob = await street.user("bob")
    other = await street.user("bob")
    await bob.ok(f"NOTIFY SET (subscribed {PAIR})")
    deliver(street, "alice", "Read")
    assert await bob.ok("NOOP") == []
    await other.ok(f'SUBSCRIBE "{ALICE}/Read"')
    assert await bob.ok("NOOP") == []
    deliver(street, "alice", "Read")
    assert await bob.ok("NOOP") == [b'* STATUS "%b/Read" (MESSAGES 2 UIDNEXT 3)' % ALICE.encode()]
    await other.ok(f'UNSUBSCRIBE "{ALICE}/Read"')
    deliver(street, "alice", "Read")
    assert await bob.ok("NOOP") == []
    # The session's own subscriptions count as well.
    await bob.ok(f'SUBSCRIBE "{ALICE}/Read"')
    deliver(street, "alice", "Read")
    assert await bob.ok("NOOP") == [b'* STATUS "%b/Read" (MESSAGES 4 UIDNEXT 5)' % ALICE.encode()]


async def test_too_many_owners(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5465] 3.1: NO; what was asked for before stays."""
    bob = await street.user("bob")
    await bob.ok(f"NOTIFY SET (mailboxes Archive {PAIR})")
    monkeypatch.setattr(notify, "MAX_OWNERS", 2)
    others = " ".join(f'"Other Users/{name}@example.test"' for name in ("alice", "carol"))
    assert (await bob(f"NOTIFY SET (subtree ({others}) {PAIR})"))[-1].startswith(b"NO [NOTIFICATIONOVERFLOW]")
    deliver(street, "bob", "Archive")
    assert await bob.ok("NOOP") == [b"* STATUS Archive (MESSAGES 1 UIDNEXT 2)"]


async def test_names_are_looked_up_not_tried(street: Street) -> None:
    """Which events a mailbox has does not cost more the more names were given."""

    class Counted(str):
        compared = 0

        def __eq__(self, other: object) -> bool:
            Counted.compared += 1
            return str.__eq__(self, str(other))

        def startswith(self, *args: object) -> bool:
            Counted.compared += 1
            return False

        __hash__ = str.__hash__

    names = tuple(MailboxName(f"a{number}") for number in range(1000))
    groups = [EventGroup(scope, ("MESSAGENEW",), names) for scope in (Scope.SUBTREE, Scope.MAILBOXES)]
    notifier = Notifier(street.watch, street.connect().connection, groups)
    assert notifier.events_for(Counted("x/y"), personal=True) == 0
    assert Counted.compared < 10
    assert notifier.events_for("a7/b/c", personal=True)
    assert not notifier.events_for("a7b", personal=True)


async def test_a_directory_that_is_away_costs_only_time(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be looked at is told once it can be, after a command and outside of any; the connection lasts."""
    alice = await street.user("alice")
    watching = await street.user("alice", "INBOX")
    await watching.ok("NOTIFY SET (personal (ServerMetadataChange MailboxName SubscriptionChange))")

    def away(*args: object) -> list[str]:
        raise DirectoryUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(street.directory, "server_entries", away)
        assert (await watching("CREATE own"))[-1].startswith(b"OK")
        await alice.ok('SETMETADATA INBOX (/private/comment "x")')
        await alice.ok("CREATE others")
        await watching.settle()
        assert not watching.transport.lost
    watching.take()
    street.directory.set_server_entry("/comment", b"here")
    assert await watching.ok("NOOP") == [b'* METADATA "" /shared/comment']


async def test_folders_of_others_that_cannot_be_looked_at_now(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox whose rights cannot be found out is looked at again later; what was found before that is told."""
    street.share("alice", "Read", "bob", READ)
    street.share("alice", "Zoo", "bob", READ)
    bob = await street.user("bob")
    await bob.ok(f'NOTIFY SET (subtree "{ALICE}" {PAIR})')
    readable = notify.notify_rights.readable
    asked = []

    async def failing(session: Session, watched: Watched, folders: Iterable[int]) -> set[int]:
        asked.append(1)
        if len(asked) > 1:
            raise DirectoryUnavailable("away")
        return await readable(session, watched, folders)

    with monkeypatch.context() as patch:
        patch.setattr(notify.notify_rights, "readable", failing)
        deliver(street, "alice", "Read", "Zoo")
        told = await bob.ok("NOOP")
    assert len(told) == 1
    told += await bob.ok("NOOP")
    heard = b'* STATUS "%b/%b" (MESSAGES 1 UIDNEXT 2)'
    assert sorted(told) == [heard % (ALICE.encode(), name) for name in (b"Read", b"Zoo")]


async def test_subscriptions_are_told_late_not_never(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that fails after the subscriptions were read leaves them as they were told."""
    alice = await street.user("alice")
    watching = await street.user("alice")
    await watching.ok("NOTIFY SET (personal (MailboxName SubscriptionChange))")

    async def away(*args: object) -> dict[str, bool]:
        raise DirectoryUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(notify.notify_rights, "compare", away)
        await alice.ok("SUBSCRIBE Archive")
        await watching.settle()
    assert watching.take() == []
    assert await watching.ok("NOOP") == [b'* LIST (\\Subscribed \\HasNoChildren \\Archive) "/" Archive']
