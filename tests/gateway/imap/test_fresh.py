"""Items of new messages: UPDATE (...) of SEARCH and SORT, by itself and beside NOTIFY ([RFC5465] 5.2, 7)."""

from __future__ import annotations

import pytest

from gateway.imap.commands import fresh
from store.ids import MessageFlag
from tests.gateway.imap.harness import MAIL, Client, Server


async def heard(client: Client) -> list[bytes]:
    """What has come without a command."""
    await client.settle()
    return client.take()


async def test_of_results_of_a_search(server: Server) -> None:
    """[RFC5465] 7: behind EXISTS, once the results are told; of no other messages, and of none whose flags changed."""
    server.deliver()
    client = await server.client()
    await client.ok("SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])) UNSEEN")
    tag = b"t%d" % client.number
    server.deliver(b"Subject: new\r\n\r\n")
    server.deliver(flags=MessageFlag.SEEN)
    assert await client.ok("NOOP") == [
        b"* 3 EXISTS",
        b"* 3 RECENT",
        b'* ESEARCH (TAG "%b") ADDTO (0 2)' % tag,
        b"* 2 FETCH (UID 2 BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: new\r\n\r\n)",
    ]
    server.mailbox.set_flags(server.mailbox.folder(("INBOX",)).id, [3], remove=MessageFlag.SEEN)
    assert await client.ok("NOOP") == [
        b"* 3 FETCH (FLAGS (\\Recent))",
        b'* ESEARCH (TAG "%b") ADDTO (0 3)' % tag,
    ]
    # What the client puts in by itself it knows ([RFC5465] 5.2); and nothing is left over for the next message.
    lines = await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(MAIL), MAIL))
    assert lines == [b"* 4 EXISTS", b"* 4 RECENT", b'* ESEARCH (TAG "%b") ADDTO (0 4)' % tag]
    assert client.connection.session.folder_selected.made == set()
    await client.ok(b'CANCELUPDATE "%b"' % tag)
    server.deliver()
    assert await client.ok("NOOP") == [b"* 5 EXISTS", b"* 5 RECENT"]


async def test_while_the_client_idles(server: Server) -> None:
    """[RFC5465] 7, 4: SORT, by UID; the message tells its UID to who must be told it ([RFC9051] 7.5.2)."""
    client = await server.client(None)
    await client.ok("ENABLE IMAP4rev2")
    await client.ok("SELECT INBOX")
    await client.ok("UID SORT RETURN (UPDATE (RFC822.SIZE)) (SUBJECT) UTF-8 ALL")
    tag = b"t%d" % client.number
    await client.send(b"i IDLE\r\n")
    server.deliver()
    assert await heard(client) == [
        b"* 1 EXISTS",
        b'* ESEARCH (TAG "%b") UID ADDTO (1 1)' % tag,
        b"* 1 FETCH (RFC822.SIZE %d UID 1)" % len(MAIL),
    ]


async def test_together_with_notify(server: Server) -> None:
    """[RFC5465] 5.2: what several have asked for is told in one FETCH, and once."""
    client = await server.client()
    await client.ok("NOTIFY SET (selected (MessageNew (uid flags) MessageExpunge))")
    await client.ok('SEARCH RETURN (UPDATE (FLAGS RFC822.SIZE)) SUBJECT "hello"')
    first = b"t%d" % client.number
    await client.ok("SEARCH RETURN (UPDATE (INTERNALDATE)) FLAGGED")
    second = b"t%d" % client.number
    server.deliver(date=0)
    server.deliver(b"Subject: x\r\n\r\n", flags=MessageFlag.FLAGGED, date=0)
    server.deliver(b"Subject: x\r\n\r\n")
    date = b'" 1-Jan-1970 00:00:00 +0000"'
    assert await heard(client) == [
        b"* 3 EXISTS",
        b"* 3 RECENT",
        b'* ESEARCH (TAG "%b") ADDTO (0 1)' % first,
        b'* ESEARCH (TAG "%b") ADDTO (0 2)' % second,
        b"* 1 FETCH (UID 1 FLAGS (\\Recent) RFC822.SIZE %d)" % len(MAIL),
        b"* 2 FETCH (UID 2 FLAGS (\\Recent \\Flagged) INTERNALDATE %b)" % date,
        b"* 3 FETCH (UID 3 FLAGS (\\Recent))",
    ]
    # Without MessageNew in the selected mailbox the results are not told of either ([RFC5465] 3.1).
    await client.ok("NOTIFY NONE")
    server.deliver()
    assert await heard(client) == []


async def test_of_what_has_gone_nothing_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that comes and goes before it is read is passed over ([RFC3501] 6.4.8)."""
    client = await server.client()
    await client.ok("SEARCH RETURN (UPDATE (UID ENVELOPE)) ALL")
    tell = fresh.tell
    folder = server.mailbox.folder(("INBOX",)).id

    async def late(session: object) -> None:
        server.mailbox.remove_messages(folder, [1])
        await tell(session)  # type: ignore[arg-type]  # as much of a Session as it needs

    monkeypatch.setattr(fresh, "tell", late)
    server.deliver()
    lines = await client.ok("NOOP")
    assert b"* 1 EXISTS" in lines
    assert not any(b"FETCH" in line for line in lines)
