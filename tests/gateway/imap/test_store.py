"""STORE, EXPUNGE, COPY, MOVE, APPEND."""

from __future__ import annotations

import re

from store.ids import MessageFlag
from tests.gateway.imap.harness import MAIL, Server


async def test_store(server: Server) -> None:
    """[RFC3501] 6.4.6: FLAGS replaces, +FLAGS adds, -FLAGS removes; the new flags are answered unless .SILENT."""
    server.deliver()
    client = await server.client()
    assert await client.ok(r"STORE 1 +FLAGS (\Seen \Flagged)") == [rb"* 1 FETCH (FLAGS (\Recent \Flagged \Seen))"]
    assert await client.ok(r"STORE 1 -FLAGS \Seen") == [rb"* 1 FETCH (FLAGS (\Recent \Flagged))"]
    assert await client.ok(r"STORE 1 FLAGS (\Answered)") == [rb"* 1 FETCH (FLAGS (\Recent \Answered))"]
    assert await client.ok(r"STORE 1 FLAGS.SILENT (\Draft)") == []
    assert await client.ok("NOOP") == []
    assert await client.ok("FETCH 1 FLAGS") == [rb"* 1 FETCH (FLAGS (\Recent \Draft))"]
    assert await client.ok("STORE 1 FLAGS ()") == [rb"* 1 FETCH (FLAGS (\Recent))"]


async def test_uid_store_carries_the_uid(server: Server) -> None:
    """[RFC3501] 6.4.8."""
    server.deliver()
    client = await server.client()
    assert await client.ok(r"UID STORE 1 +FLAGS (\Seen)") == [rb"* 1 FETCH (FLAGS (\Recent \Seen) UID 1)"]
    assert await client.ok(r"UID STORE 77 +FLAGS (\Seen)") == []


async def test_keywords(server: Server) -> None:
    """[RFC3501] 2.3.2: new keywords may be made; they compare without case."""
    server.deliver()
    client = await server.client()
    lines = await client.ok("STORE 1 +FLAGS (Work $Forwarded)")
    assert lines[0].startswith(b"* FLAGS (")
    assert lines[-1] == rb"* 1 FETCH (FLAGS (\Recent $Forwarded Work))"
    assert await client.ok("STORE 1 -FLAGS (WORK)") == [rb"* 1 FETCH (FLAGS (\Recent $Forwarded))"]
    assert (await client(r"STORE 1 +FLAGS (\Recent)"))[-1][:2] in (b"NO", b"BA")
    assert (await client(r"STORE 1 +FLAGS (\Nonsense)"))[-1][:2] in (b"NO", b"BA")
    assert (await client("STORE 1 +FLAGS (" + " ".join(f"k{n}" for n in range(70)) + ")"))[-1].startswith(b"NO [LIMIT]")


async def test_flags_of_others_are_told(server: Server) -> None:
    """[RFC3501] 7.4.2, 5.2: another session's change comes as an untagged FETCH with the next command, once."""
    server.deliver()
    server.deliver()
    first, second = await server.client(), await server.client()
    await second.ok(r"STORE 2 +FLAGS.SILENT (\Flagged)")
    assert await first.ok("NOOP") == [rb"* 2 FETCH (FLAGS (\Recent \Flagged))"]
    assert await first.ok("NOOP") == []
    assert await second.ok("NOOP") == []


async def test_own_and_foreign_changes_side_by_side(server: Server) -> None:
    """A change by another is told even when it falls between two of one's own."""
    for _ in range(3):
        server.deliver()
    first, second = await server.client(), await server.client()
    first.connection.dataReceived(b"a STORE 1 +FLAGS.SILENT (\\Seen)\r\nb STORE 3 +FLAGS.SILENT (\\Seen)\r\n")
    server.mailbox.set_flags(server.mailbox.folder(("INBOX",)).id, [2], add=MessageFlag.FLAGGED)
    await first.settle()
    lines = first.take()
    assert [line for line in lines if line.startswith(b"*")] == [rb"* 2 FETCH (FLAGS (\Recent \Flagged))"]
    assert await second.ok("NOOP") == [
        rb"* 1 FETCH (FLAGS (\Seen))",
        rb"* 2 FETCH (FLAGS (\Flagged))",
        rb"* 3 FETCH (FLAGS (\Seen))",
    ]


async def test_a_silent_store_hides_nothing_of_others(server: Server) -> None:
    """[RFC3501] 6.4.6: .SILENT is about the own change; what another session did is told all the same."""
    for _ in range(4):
        server.deliver()
    first, second = await server.client(), await server.client()
    inbox = server.mailbox.folder(("INBOX",)).id
    server.mailbox.set_flags(inbox, [2], add=MessageFlag.SEEN)
    server.mailbox.set_flags(inbox, [4], add=MessageFlag.SEEN)
    server.mailbox.set_flags(inbox, [3], add=MessageFlag.DRAFT)
    assert await first.ok(r"STORE 1:3 +FLAGS.SILENT (\Seen)") == [
        rb"* 2 FETCH (FLAGS (\Recent \Seen))",
        rb"* 3 FETCH (FLAGS (\Recent \Seen \Draft))",
        rb"* 4 FETCH (FLAGS (\Recent \Seen))",
    ]
    assert len(await second.ok("NOOP")) == 4


async def test_expunge_waits_for_a_command_that_may_carry_it(server: Server) -> None:
    """[RFC3501] 7.4.1: not during FETCH, STORE, SEARCH by number; during their UID forms and NOOP it may come."""
    for _ in range(4):
        server.deliver()
    first, second = await server.client(), await server.client()
    await second.ok(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    assert await second.ok("EXPUNGE") == [b"* 2 EXPUNGE"]
    for command in ("FETCH 1 UID", r"STORE 1 +FLAGS.SILENT (\Seen)", "SEARCH ALL"):
        assert not [line for line in await first.ok(command) if line.endswith(b"EXPUNGE")], command
    assert await first.ok("FETCH 4 UID") == [b"* 4 FETCH (UID 4)"]
    assert b"* 2 EXPUNGE" in await first.ok("UID FETCH 4 UID")
    assert await first.ok("FETCH 3 UID") == [b"* 3 FETCH (UID 4)"]


async def test_expunge_waits_for_pipelined_numbers(server: Server) -> None:
    """[RFC3501] 5.5: a command with numbers that has been sent already keeps them."""
    for _ in range(3):
        server.deliver()
    first, second = await server.client(), await server.client()
    await second.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await second.ok("EXPUNGE")
    lines = await first.send(b"a NOOP\r\nb FETCH 3 UID\r\n")
    assert lines == [b"a OK NOOP completed.", b"* 3 FETCH (UID 3)", b"b OK FETCH completed."]
    lines = await first.send(b"a NOOP\r\nb UID FETCH 3 UID\r\n")
    assert lines[0] == b"* 1 EXPUNGE"


async def test_expunge(server: Server) -> None:
    """[RFC3501] 6.4.3, 7.4.1: numbers are right at the moment each response is read."""
    for _ in range(5):
        server.deliver()
    client = await server.client()
    await client.ok(r"STORE 2,3,5 +FLAGS.SILENT (\Deleted)")
    numbers = [int(line.split()[1]) for line in await client.ok("EXPUNGE")]
    uids = [1, 2, 3, 4, 5]
    for number in numbers:
        del uids[number - 1]
    assert uids == [1, 4]
    assert await client.ok("FETCH 1:2 UID") == [b"* 1 FETCH (UID 1)", b"* 2 FETCH (UID 4)"]
    assert await client.ok("EXPUNGE") == []


async def test_uid_expunge(server: Server) -> None:
    """[RFC4315] 2.1: only what is in the set and marked."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    await client.ok(r"STORE 1:2 +FLAGS.SILENT (\Deleted)")
    assert await client.ok("UID EXPUNGE 2:3") == [b"* 2 EXPUNGE"]
    assert [line.split()[4] for line in await client.ok("FETCH 1:* UID")] == [b"1)", b"3)"]


async def test_close_expunges_in_silence_and_unselect_does_not(server: Server) -> None:
    """[RFC3501] 6.4.2, [RFC3691] 2."""
    server.deliver()
    client = await server.client()
    await client.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await client.ok("UNSELECT")
    assert await client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]
    await client.ok("SELECT INBOX")
    assert await client.ok("CLOSE") == []
    assert await client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]


async def test_copy(server: Server) -> None:
    """[RFC3501] 6.4.7, [RFC4315] 3: flags and date go along, COPYUID has the UIDs, [TRYCREATE]."""
    server.deliver(date=1_700_000_000, flags=MessageFlag.FLAGGED)
    server.deliver()
    client = await server.client()
    assert (await client("COPY 1 nothing"))[-1].startswith(b"NO [TRYCREATE]")
    await client.ok("CREATE there")
    lines = await client("COPY 1:2 there")
    assert re.fullmatch(rb"OK \[COPYUID \d+ 1:2 1:2\] COPY completed\.", lines[-1])
    await client.ok("SELECT there")
    (line,) = await client.ok("FETCH 1 (FLAGS INTERNALDATE)")
    assert line == rb'* 1 FETCH (FLAGS (\Recent \Flagged) INTERNALDATE "14-Nov-2023 22:13:20 +0000")'
    assert (await client("UID COPY 99 there"))[-1].startswith(b"OK")
    lines = await client.ok("UID COPY 1 there")
    assert b"* 3 EXISTS" in lines


async def test_move(server: Server) -> None:
    """[RFC6851] 3.1, 4.3: COPYUID in an untagged OK, then EXPUNGE, then the tagged OK."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    await client.ok("CREATE there")
    lines = await client("MOVE 1,3 there")
    assert re.fullmatch(rb"\* OK \[COPYUID \d+ 1,3 1:2\] .*", lines[0])
    assert lines[1:3] == [b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
    assert lines[3] == b"OK MOVE completed."
    lines = await client("UID MOVE 2 there")
    assert re.fullmatch(rb"\* OK \[COPYUID \d+ 2 3\] .*", lines[0])
    assert lines[1] == b"* 1 EXPUNGE"
    assert (await client("UID MOVE 2 there"))[-1].startswith(b"OK")
    assert (await client("UID MOVE 2 nothing"))[-1].startswith(b"NO [TRYCREATE]")
    assert await client.ok("STATUS there (MESSAGES)") == [b"* STATUS there (MESSAGES 3)"]


async def test_move_in_a_full_mailbox(server: Server) -> None:
    """[RFC6851] 4.1: a move takes no room; [RFC6851] 3.3: a copy does."""
    server.deliver()
    client = await server.client()
    await client.ok("CREATE there")
    server.mailbox.set_quota(receive=10)
    assert (await client("APPEND there {3+}\r\nabc"))[-1].startswith(b"NO [OVERQUOTA]")
    await client.ok("MOVE 1 there")
    assert await client.ok("STATUS there (MESSAGES)") == [b"* STATUS there (MESSAGES 1)"]


async def test_append(server: Server) -> None:
    """[RFC3501] 6.3.11, [RFC4315] 3: flags, date, APPENDUID; the octets come back as they were sent."""
    client = await server.client()
    lines = await client(b'APPEND INBOX (\\Seen $Label1) "17-Jul-1996 02:44:25 -0700" {%d+}\r\n%b' % (len(MAIL), MAIL))
    assert b"* 1 EXISTS" in lines
    assert re.fullmatch(rb"OK \[APPENDUID \d+ 1\] APPEND completed\.", lines[-1])
    lines = await client.ok("FETCH 1 (FLAGS INTERNALDATE BODY.PEEK[])")
    assert lines[-1] == (
        rb'* 1 FETCH (FLAGS (\Recent \Seen $Label1) INTERNALDATE "17-Jul-1996 09:44:25 +0000" BODY[] {%d}' % len(MAIL)
        + b"\r\n%b)" % MAIL
    )


async def test_append_that_fails(server: Server) -> None:
    """[RFC3501] 6.3.11: [TRYCREATE]; [RFC5530] 3: OVERQUOTA; [RFC7889] 4: TOOBIG, before the client sends it."""
    client = await server.client(None)
    assert (await client(b"APPEND nothing {3+}\r\nabc"))[-1].startswith(b"NO [TRYCREATE]")
    assert (await client(b"APPEND INBOX {99999999999}"))[-1].startswith(b"NO [TOOBIG]")
    assert (await client(b"APPEND INBOX {0+}\r\n"))[-1].startswith(b"NO")  # [RFC3502] 6.3.11: given up
    server.mailbox.set_quota(receive=100)
    assert (await client(b"APPEND INBOX {3+}\r\nabc"))[-1].startswith(b"OK")
    assert (await client(b"APPEND INBOX {%d+}\r\n%b" % (len(MAIL), MAIL)))[-1].startswith(b"NO [OVERQUOTA]")
    assert await client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 1)"]


async def test_append_of_bare_line_feeds(server: Server) -> None:
    """Line ends become CRLF ([RFC3501] 2.3.1... a literal holds [RFC5322] text); nothing else is touched."""
    client = await server.client()
    await client.ok(b"APPEND INBOX {14+}\r\nSubject: x\n\ny\n")
    (line,) = await client.ok("FETCH 1 BODY.PEEK[]")
    assert line.endswith(b"{17}\r\nSubject: x\r\n\r\ny\r\n)")
