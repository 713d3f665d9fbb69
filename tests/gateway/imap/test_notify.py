"""NOTIFY ([RFC5465]): what a client hears of without asking."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from gateway.imap.commands import notify
from store.ids import MessageFlag
from tests.gateway.imap.harness import MAIL, Client, Server

PAIR = "(MessageNew MessageExpunge)"
ALL = "(MessageNew MessageExpunge FlagChange)"


def folder(server: Server, name: str) -> int:
    return server.mailbox.folder(tuple(name.split("/"))).id


async def heard(client: Client) -> list[bytes]:
    """What has come without a command."""
    await client.settle()
    return client.take()


async def test_other_mailboxes(server: Server) -> None:
    """[RFC5465] 3.1, 5.2, 5.3: STATUS, outside of any command."""
    client = await server.client()
    assert await client.ok(f"NOTIFY SET STATUS (mailboxes Archive {PAIR})") == [
        b"* STATUS Archive (MESSAGES 0 UIDNEXT 1 UIDVALIDITY %d)" % server.mailbox.folder(("Archive",)).uidvalidity
    ]
    server.deliver(folder="Archive")
    assert await heard(client) == [b"* STATUS Archive (MESSAGES 1 UIDNEXT 2)"]
    server.mailbox.set_flags(folder(server, "Archive"), [1], add=MessageFlag.SEEN)
    server.deliver(folder="Drafts")
    assert await heard(client) == []
    server.mailbox.remove_messages(folder(server, "Archive"), [1])
    assert await heard(client) == [b"* STATUS Archive (MESSAGES 0 UIDNEXT 2)"]
    await client.ok("NOTIFY NONE")
    server.deliver(folder="Archive")
    assert await heard(client) == []


async def test_flags_of_other_mailboxes(server: Server) -> None:
    """[RFC5465] 5.1: HIGHESTMODSEQ with CONDSTORE, else only what UNSEEN tells."""
    server.deliver(folder="Archive")
    plain = await server.client()
    modern = await server.client(None)
    await modern.ok("ENABLE CONDSTORE")
    row = server.mailbox.folder(("Archive",))
    assert await plain.ok(f"NOTIFY SET STATUS (personal {PAIR}) (subtree Archive {ALL})")
    (line,) = await modern.ok(f"NOTIFY SET STATUS (subtree Archive {ALL})")
    assert line == b"* STATUS Archive (MESSAGES 1 UIDNEXT 2 UIDVALIDITY %d HIGHESTMODSEQ %d)" % (
        row.uidvalidity,
        row.modseq,
    )
    server.mailbox.set_flags(row.id, [1], add=MessageFlag.FLAGGED)
    assert await heard(plain) == []
    (line,) = await heard(modern)
    modseq = server.mailbox.folder(row.id).modseq
    assert line == b"* STATUS Archive (UIDVALIDITY %d HIGHESTMODSEQ %d)" % (row.uidvalidity, modseq)
    server.mailbox.set_flags(row.id, [1], add=MessageFlag.SEEN)
    assert await heard(plain) == [b"* STATUS Archive (UNSEEN 0)"]
    assert b"UNSEEN 0" in (await heard(modern))[0]


async def test_selected(server: Server) -> None:
    """[RFC5465] 6.1.1, 5.1 to 5.3: at once, with the items that were asked for of new messages."""
    server.deliver()
    client = await server.client()
    await client.ok("NOTIFY SET (selected (MessageNew (uid body.peek[header.fields (subject)]) MessageExpunge))")
    server.deliver()
    lines = await heard(client)
    assert lines[:2] == [b"* 2 EXISTS", b"* 2 RECENT"]
    assert lines[2].startswith(b"* 2 FETCH (UID 2 BODY[HEADER.FIELDS (subject)] {18}")
    server.mailbox.set_flags(folder(server, "INBOX"), [2], add=MessageFlag.SEEN)
    assert await heard(client) == []  # no FlagChange
    server.mailbox.remove_messages(folder(server, "INBOX"), [1])
    assert await heard(client) == [b"* 1 EXPUNGE"]
    # Of its own messages the client gets no FETCH.
    lines = await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(MAIL), MAIL))
    assert lines == [b"* 2 EXISTS", b"* 2 RECENT"]
    for command in ("COPY 1 INBOX", "MOVE 1 INBOX", "UID COPY 1:* INBOX"):
        assert not any(b"FETCH" in line for line in await client.ok(command))
    # The next mailbox that is selected is the one meant.
    await client.ok("SELECT Archive")
    server.deliver(folder="Archive")
    assert b"* 1 EXISTS" in await heard(client)
    server.deliver()
    assert await heard(client) == []


async def test_selected_delayed(server: Server) -> None:
    """[RFC5465] 6.1.2: an expunge waits for a command that may renumber, IDLE too."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    await client.ok(f"NOTIFY SET (selected-delayed {ALL})")
    server.mailbox.remove_messages(folder(server, "INBOX"), [1])
    server.mailbox.set_flags(folder(server, "INBOX"), [3], add=MessageFlag.SEEN)
    assert await heard(client) == [b"* 3 FETCH (FLAGS (\\Recent \\Seen) UID 3)"]  # [RFC5465] 5.1: with UID
    assert await client.ok("FETCH 2 (UID)") == [b"* 2 FETCH (UID 2)"]
    assert await client.ok("NOOP") == [b"* 1 EXPUNGE"]
    await client.send(b"i IDLE\r\n")
    server.mailbox.remove_messages(folder(server, "INBOX"), [2])
    assert await heard(client) == [b"* 1 EXPUNGE"]


async def test_nothing_of_the_selected_mailbox(server: Server) -> None:
    """[RFC5465] 3.1: unless it is asked for; what has gathered comes with the next NOTIFY that does."""
    server.deliver()
    client = await server.client()
    await client.ok(f"NOTIFY SET (personal {PAIR})")
    server.deliver()
    assert await heard(client) == []
    assert await client.ok("NOOP") == []
    assert await client.ok(f"NOTIFY SET (selected {ALL})") == [b"* 2 EXISTS", b"* 2 RECENT"]
    await client.ok("NOTIFY NONE")
    server.deliver()
    assert await client.ok("NOOP") == []
    await client.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    assert b"* 1 EXPUNGE" in await client.ok("EXPUNGE")


async def test_idle_tells_the_same(server: Server) -> None:
    """[RFC5465] 4."""
    client = await server.client()
    await client.ok(f"NOTIFY SET (selected {PAIR}) (mailboxes Archive {PAIR})")
    await client.send(b"i IDLE\r\n")
    server.deliver(folder="Archive")
    assert await heard(client) == [b"* STATUS Archive (MESSAGES 1 UIDNEXT 2)"]
    assert (await client.send(b"DONE\r\n"))[-1].startswith(b"i OK")


async def test_names(server: Server) -> None:
    """[RFC5465] 5.4: made, renamed, deleted; the parent is affected as well; not what the client does by itself."""
    client = await server.client(None)
    await client.ok("NOTIFY SET (personal (MailboxName))")
    other = await server.client(None)
    await other.ok("CREATE Work/Plans")
    lines = await heard(client)
    assert b'* LIST (\\HasChildren) "/" Work' in lines
    assert b'* LIST (\\HasNoChildren) "/" Work/Plans' in lines
    await other.ok("RENAME Work Job")
    assert await heard(client) == [b'* LIST (\\HasChildren) "/" Job ("OLDNAME" (Work))']
    await other.ok("DELETE Job/Plans")
    assert await heard(client) == [
        b'* LIST (\\HasNoChildren) "/" Job',
        b'* LIST (\\NonExistent \\HasNoChildren) "/" Job/Plans',
    ]
    assert await client.ok("CREATE Own") == []
    assert await heard(client) == []
    assert await heard(other) == []


async def test_subscriptions(server: Server) -> None:
    """[RFC5465] 5.5, 6, 6.2 to 6.4: \\Subscribed tells; the list of those that are watched is made anew."""
    client = await server.client(None)
    await client.ok(f"NOTIFY SET (personal (SubscriptionChange)) (subscribed {PAIR})")
    other = await server.client(None)
    server.deliver(folder="Archive")
    assert await heard(client) == []
    await other.ok("SUBSCRIBE Archive")
    assert await heard(client) == [b'* LIST (\\Subscribed \\HasNoChildren \\Archive) "/" Archive']
    server.deliver(folder="Archive")
    assert await heard(client) == [b"* STATUS Archive (MESSAGES 2 UIDNEXT 3)"]
    await other.ok("UNSUBSCRIBE Archive")
    assert await heard(client) == [b'* LIST (\\HasNoChildren \\Archive) "/" Archive']
    assert await client.ok("SUBSCRIBE Archive") == []
    assert await heard(client) == []


async def test_annotations(server: Server) -> None:
    """[RFC5465] 5.6, 5.7, [RFC5464] 4.4.2: the names of the entries."""
    client = await server.client(None)
    await client.ok("NOTIFY SET (mailboxes INBOX (MailboxMetadataChange)) (personal (ServerMetadataChange))")
    other = await server.client(None)
    await other.ok('SETMETADATA INBOX (/shared/comment "x" /private/comment "y")')
    assert await heard(client) == [b"* METADATA INBOX /private/comment /shared/comment"]
    await other.ok('SETMETADATA "" (/private/comment "y")')
    assert await heard(client) == [b'* METADATA "" /private/comment']
    await other.ok("SETMETADATA INBOX (/shared/comment NIL)")
    assert await heard(client) == [b"* METADATA INBOX /shared/comment"]


async def test_bad_events(server: Server) -> None:
    """[RFC5465] 3.1: NO with the names of all there are; nothing changes."""
    client = await server.client(None)
    await client.ok(f"NOTIFY SET (mailboxes Archive {PAIR})")
    for event in ("AnnotationChange", "X-Moon"):
        (reply,) = await client(f"NOTIFY SET (personal (MessageNew MessageExpunge {event}))")
        assert re.match(rb"NO \[BADEVENT \([A-Za-z ]+\)\]", reply)
        assert b"MailboxName" in reply
    server.deliver(folder="Archive")
    assert len(await heard(client)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "SET",
        "SET STATUS",
        "SOME",
        "SET (everything (MessageNew MessageExpunge))",
        "SET (personal (MessageNew))",
        "SET (personal (MessageExpunge))",
        "SET (personal (FlagChange))",
        "SET (personal ())",
        "SET (personal)",
        "SET (personal (MessageNew (uid) MessageExpunge))",
        "SET (selected (MailboxName))",
        "SET (selected (MessageNew MessageExpunge)) (selected-delayed NONE)",
        "SET (subtree (MessageNew MessageExpunge))",
        "SET (selected (MessageNew () MessageExpunge))",
    ],
)
async def test_malformed(server: Server, arguments: str) -> None:
    """[RFC5465] 3.1, 5, 6.1, 8"""
    client = await server.client(None)
    assert (await client(f"NOTIFY {arguments}"))[-1].startswith(b"BAD")


async def test_unknown_names_are_passed_over(server: Server) -> None:
    """[RFC5465] 3.1, 6.6: no wildcards, and no word about what is not there; it counts once it is."""
    client = await server.client(None)
    assert await client.ok(f'NOTIFY SET STATUS (mailboxes (Nowhere "INB*") {PAIR})') == []
    server.mailbox.create_folder(("Nowhere",))
    await heard(client)
    server.deliver(folder="Nowhere")
    assert await heard(client) == [b"* STATUS Nowhere (MESSAGES 1 UIDNEXT 2)"]


async def test_overflow(server: Server) -> None:
    """[RFC5465] 5.8: a client that takes nothing is told so, and is as after NOTIFY NONE."""
    client = await server.client(None)
    await client.ok(f"NOTIFY SET (personal {PAIR})")
    client.transport.unsent = 2 << 20
    server.deliver(folder="Archive")
    (line,) = await heard(client)
    assert line.startswith(b"* OK [NOTIFICATIONOVERFLOW]")
    client.transport.unsent = 0
    server.deliver(folder="Archive")
    assert await heard(client) == []


async def test_nothing_is_left(server: Server) -> None:
    """A connection that is gone listens no more, nor one that has signed off ([RFC8437] 4.1)."""
    gone = await server.client()
    await gone.ok(f"NOTIFY SET (selected {PAIR}) (personal {PAIR})")
    gone.transport.lose()
    client = await server.client()
    await client.ok(f"NOTIFY SET (selected {PAIR}) (personal {PAIR})")
    await client.ok("UNAUTHENTICATE")
    assert server.watch._subscriptions == {}
    server.deliver()
    assert await heard(client) == []


@pytest.mark.parametrize("asked", ["NONE", "SET (personal (MailboxName))"])
async def test_one_s_own_messages_where_nothing_is_wanted(server: Server, asked: str) -> None:
    """[RFC5465] 3.1: nothing is told of the selected mailbox, whichever command puts messages into it."""
    server.deliver()
    client = await server.client()
    await client.ok(f"NOTIFY {asked}")
    assert await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(MAIL), MAIL)) == []
    assert await client.ok("COPY 1 INBOX") == []
    assert await client.ok("NOOP") == []
    assert b"* 3 EXISTS" in await client.ok(f"NOTIFY SET (selected {PAIR})")


async def test_no_items_of_what_one_has_replaced(server: Server) -> None:
    """[RFC5465] 5.2: FETCH is for the messages that others have put in; REPLACE is as APPEND."""
    server.deliver()
    client = await server.client()
    await client.ok("NOTIFY SET (selected (MessageNew (FLAGS) MessageExpunge))")
    lines = await client.ok(b"REPLACE 1 INBOX {%d+}\r\n%b" % (len(MAIL), MAIL))
    assert [line for line in lines if b"FETCH" in line] == []
    assert b"* 1 EXPUNGE" in lines
    server.deliver()
    assert b"* 2 FETCH (FLAGS (\\Recent))" in await heard(client)


async def test_many_new_names(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """All names are gone through once, not for each of those that are told, and others have the loop in between."""
    client = await server.client()
    await client.ok("NOTIFY SET (personal (MailboxName))")
    for number in range(20):
        server.mailbox.create_folder((f"T{number % 2}", f"{number}"))
    gone_through: list[int] = []
    paused: list[int] = []
    parents_of, pause = notify.parents_of, notify._pause

    def counted(names: Iterable[str]) -> set[str]:
        gone_through.append(1)
        return parents_of(names)

    async def noted(number: int) -> None:
        paused.append(number)
        await pause(number)

    monkeypatch.setattr(notify, "parents_of", counted)
    monkeypatch.setattr(notify, "_pause", noted)
    lines = await client.ok("NOOP")
    assert len(lines) == 22
    assert {line.split(b'"/" ')[1] for line in lines if b"\\HasChildren" in line} == {b"T0", b"T1"}
    assert gone_through == [1]
    assert paused[-len(lines) :] == list(range(1, len(lines) + 1))
