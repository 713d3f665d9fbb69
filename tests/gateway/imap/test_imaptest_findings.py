"""What a compliance tester and a look at the wire by hand found, each with the rule it broke."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.imap.commands import search, store
from gateway.imap.protocol import message_types as mt
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types
from gateway.services.reading import MailReader
from store.ids import MessageFlag
from store.store import Store, StoreSettings
from tests.gateway.imap.harness import MAIL, REF, Client, Server


async def test_id_of_the_largest_size_allowed(server: Server) -> None:
    """[RFC2971] 3.3: 30 pairs, names of 30 octets, values of 1024; a quoted value may need two octets for each."""
    client = server.connect()
    client.take()
    for value in ("v" * 1024, '\\"' * 1024):
        pairs = " ".join(f'"{n:030d}" "{value}"' for n in range(30))
        lines = await client(f"ID ({pairs})")
        assert lines[-1].startswith(b"OK"), lines


BROKEN = ("R&D", "&AOQ", "a&-&AOQ-&AOQ-b&")


@pytest.mark.parametrize("name", BROKEN)
async def test_a_name_that_is_no_utf7_names_nothing(server: Server, name: str) -> None:
    """[RFC3501] 6.3.1, 9 `mailbox`: any astring is well formed; where there is no such mailbox the reply is NO."""
    client = await server.client(None)
    for command in ("SELECT", "EXAMINE", "DELETE", "CREATE", "SUBSCRIBE", "RENAME INBOX"):
        lines = await client(f"{command} {name}")
        assert lines[-1].startswith(b"NO [CANNOT] Mailbox name is not modified UTF-7"), command
    assert (await client(f"STATUS {name} (MESSAGES)"))[-1].startswith(b"NO ")


@pytest.mark.parametrize("name", BROKEN)
async def test_a_pattern_that_is_no_utf7_matches_nothing(server: Server, name: str) -> None:
    """[RFC3501] 6.3.8: no mailbox has a name that matches, which is no error."""
    client = await server.client(None)
    for command in (f'LIST "" {name}', f'LIST "" {name}%*', f"LIST {name} *", f'LSUB "" {name}*', f'LIST {name} ""'):
        lines = await client(command)
        assert lines == [b"OK " + command[:4].encode() + b" completed."], command
    lines = await client.ok(f'LIST () "" ({name} INBOX)')
    assert len(lines) == 1
    assert lines[0].endswith(b" INBOX")


async def test_empty_sender_and_reply_to_are_those_of_from(server: Server) -> None:
    """[RFC3501] 7.4.2: fields "present but empty" are set like those that are absent."""
    server.deliver(b"From: a@x.test\r\nSender: \r\nReply-To:\r\n\r\nbody\r\n")
    client = await server.client()
    (line,) = await client.ok("FETCH 1 ENVELOPE")
    assert line == b"* 1 FETCH (ENVELOPE (NIL NIL %b %b %b NIL NIL NIL NIL NIL))" % ((b'((NIL NIL "a" "x.test"))',) * 3)


async def _second_gone(server: Server) -> Client:
    """A client that sees three messages, the second of which someone else has expunged without its knowing."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [2])
    return client


async def test_silent_store_passes_over_what_others_expunged(server: Server) -> None:
    """[RFC2180] 4.2.1: with .SILENT the reply is OK when all that is left was changed; [RFC5530] 3, EXPUNGEISSUED."""
    client = await _second_gone(server)
    lines = await client(r"STORE 1:3 +FLAGS.SILENT (\Deleted)")
    assert lines == [b"OK [EXPUNGEISSUED] Some of the messages have been expunged."]
    assert (await client(r"STORE 2 +FLAGS.SILENT (\Deleted)"))[-1].startswith(b"OK [EXPUNGEISSUED]")
    assert await client.ok("EXPUNGE") == [b"* 3 EXPUNGE", b"* 2 EXPUNGE", b"* 1 EXPUNGE"]


async def test_store_of_some_that_others_expunged(server: Server) -> None:
    """[RFC2180] 4.2.3, [RFC5530] 3: the rest is changed and told; where nothing is left it is OK too, as in Dovecot."""
    client = await _second_gone(server)
    lines = await client(r"STORE 1:3 +FLAGS (\Flagged)")
    assert [line for line in lines if b" FETCH " in line] == [
        rb"* 1 FETCH (FLAGS (\Recent \Flagged))",
        rb"* 3 FETCH (FLAGS (\Recent \Flagged))",
    ]
    assert lines[-1].startswith(b"OK [EXPUNGEISSUED]")
    assert (await client(r"STORE 2 +FLAGS (\Flagged)"))[-1].startswith(b"OK [EXPUNGEISSUED]")
    assert (await client(r"UID STORE 2 +FLAGS (\Flagged)"))[-1].startswith(b"OK STORE")


async def test_search_tells_that_numbers_are_gone(server: Server) -> None:
    """[RFC5530] 3: the example of EXPUNGEISSUED is a SEARCH; its client should know why a number is missing."""
    client = await _second_gone(server)
    for _ in range(2):
        assert await client("SEARCH ALL") == [b"* SEARCH 1 3", b"OK [EXPUNGEISSUED] SEARCH completed."]
    await client.ok("NOOP")
    assert await client("SEARCH ALL") == [b"* SEARCH 1 2", b"OK SEARCH completed."]


async def test_copy_by_number_is_all_or_nothing(server: Server) -> None:
    """[RFC3501] 6.4.7: a COPY that cannot be done leaves the destination as it was."""
    server.mailbox.create_folder(("Target",))
    client = await _second_gone(server)
    assert await client("COPY 1:3 Target") == [b"NO [EXPUNGEISSUED] Some of the messages have been expunged."]
    assert await client.ok("STATUS Target (MESSAGES)") == [b"* STATUS Target (MESSAGES 0)", b"* 2 EXPUNGE"]
    assert (await client("COPY 1:2 Target"))[-1].startswith(b"OK [COPYUID ")


@pytest.mark.parametrize("command", ["COPY", "MOVE"])
async def test_uid_copy_and_move_of_what_is_gone_are_no_error(server: Server, command: str) -> None:
    """[RFC3501] 6.4.8: a UID that does not exist is ignored without any error, also one that did a moment ago."""
    server.mailbox.create_folder(("Target",))
    client = await _second_gone(server)
    lines = await client(f"UID {command} 2 Target")
    assert [line for line in lines if b"COPYUID" in line] == []
    assert lines[-1].startswith(b"OK ")
    assert await client.ok("STATUS Target (MESSAGES)") == [b"* STATUS Target (MESSAGES 0)"]
    lines = await client(f"UID {command} 1:3 Target")
    assert [line.split(b"]")[0].split()[-2:] for line in lines if b"COPYUID" in line] == [[b"1,3", b"1:2"]]
    assert lines[-1].startswith(b"OK ")


async def test_move_by_number_of_what_is_gone(server: Server) -> None:
    """[RFC6851] 3.3: each message is moved or not; of none the reply is NO."""
    server.mailbox.create_folder(("Target",))
    client = await _second_gone(server)
    assert (await client("MOVE 2 Target"))[-1].startswith(b"NO [EXPUNGEISSUED]")


async def test_a_long_message_that_goes_while_others_are_read(server: Server) -> None:
    """A message expunged between two reads is missing from FETCH; the others come ([RFC5530] 3)."""
    for n in range(2):
        server.deliver(MAIL + b"long line %d\r\n" % n * 4000)
    mailbox = server.mailbox
    inbox = mailbox.folder(("INBOX",)).id
    found = mailbox.raw_with_parts(inbox, [1, 2])
    assert next(found)[0] == 1
    mailbox.remove_messages(inbox, [2])
    assert list(found) == []


@pytest.mark.parametrize(
    ("field", "wanted", "there"),
    [
        ("<user (comment)@ (comment) x.test>", "user@x.test", True),
        ("<user@\r\n x.test>", "USER@X.test", True),
        ('"Joe \\"Q\\" Doe" <joe@x.test>', '"Joe \\"Q\\" Doe"', True),
        ("joe@x.test (Joe Doe)", '"Joe Doe <joe@x.test>"', True),
        ("=?utf-8?q?J=C3=B6?= <jo (c)@x.test>", "jo@x.test", True),
        ("Team: a@x.test, b@(us)x.test;", "b@x.test", True),
        ("<user (comment)@ (comment) x.test>", "usercomment", False),
        ("<user@x.test>", "user @x.test", False),
    ],
)
async def test_search_for_an_address_that_is_not_in_one_piece(
    server: Server, field: str, wanted: str, there: bool
) -> None:
    """[RFC3501] 6.4.4: FROM, TO, CC and BCC search the field of the envelope, where comments are no part of a mailbox.

    HEADER searches the text of the field as it is.
    """
    server.deliver(f"From: {field}\r\nCc: {field}\r\n\r\nbody\r\n".encode())
    client = await server.client()
    wanted = wanted if wanted.startswith('"') else f'"{wanted}"'
    found = [b"* SEARCH 1"] if there else [b"* SEARCH"]
    assert await client.ok(f"SEARCH FROM {wanted}") == found
    assert await client.ok(f"SEARCH CC {wanted}") == found
    assert await client.ok(f"SEARCH HEADER From {wanted}") == [b"* SEARCH"]


@pytest.mark.parametrize("length", [0, 40_000, 300_000])
async def test_sections_hold_no_nul(server: Server, length: int) -> None:
    """[RFC3501] 9 `CHAR8`: a literal holds any octet but NUL; [RFC3501] 4.3.1: binary strings are not sent."""
    raw = b"Subject: a\0b\r\nX-A: c\0\r\n\r\n" + b"line\0\r\n" * (length // 7) + b"\0end\r\n"
    server.deliver(raw)
    client = await server.client()
    shown = raw.replace(b"\0", b"\x80")
    header, body = shown.split(b"\r\n\r\n", 1)
    for section, wanted in (
        ("", shown),
        ("HEADER", header + b"\r\n\r\n"),
        ("TEXT", body),
        ("1", body),
        ("HEADER.FIELDS (Subject)", b"Subject: a\x80b\r\n\r\n"),
        ("HEADER.FIELDS (X-A)", b"X-A: c\x80\r\n\r\n"),
        ("HEADER.FIELDS.NOT (Subject)", b"X-A: c\x80\r\n\r\n"),
    ):
        (line,) = await client.ok(f"FETCH 1 BODY.PEEK[{section}]")
        assert line.split(b"\r\n", 1)[1] == wanted + b")", section
    (line,) = await client.ok("FETCH 1 BODY.PEEK[TEXT]<0.5>")
    assert line.split(b"\r\n", 1)[1] == body[:5] + b")"


async def test_a_store_that_changes_nothing_makes_no_keyword(server: Server) -> None:
    """[RFC7162] 3.1.3: messages that fail the test are left alone, and so is the list of flags ([RFC3501] 7.2.6)."""
    server.deliver()
    client = await server.client()
    assert (await client("STORE 1 (UNCHANGEDSINCE 0) +FLAGS (Never)"))[-1].startswith(b"OK [MODIFIED 1]")
    assert await client.ok("UID STORE 99 +FLAGS (Never)") == []
    assert server.mailbox.keyword_names() == {}


async def test_permanent_flags_when_there_is_room_for_no_more(server: Server) -> None:
    r"""[RFC3501] 7.1: `\*` in PERMANENTFLAGS says that new keywords can be made; [RFC5530] 3, LIMIT."""
    server.deliver(keywords=[f"k{n}" for n in range(62)])
    client = await server.client(None)
    assert any(
        line.startswith(b"* OK [PERMANENTFLAGS (") and rb" \*)]" in line for line in await client.ok("SELECT INBOX")
    )
    lines = await client.ok("STORE 1 +FLAGS (last)")
    assert lines[1].startswith(b"* OK [PERMANENTFLAGS (")
    assert lines[1].endswith(b" last)] Flags permitted.")
    assert (await client("STORE 1 +FLAGS (more)"))[-1].startswith(b"NO [LIMIT]")


async def test_search_and_what_another_worker_did_in_the_same_turn(server: Server, tmp_path: Path) -> None:
    """[RFC5530] 3, EXPUNGEISSUED: also where the session's index is of a moment before."""
    server.deliver()
    server.deliver()
    client = await server.client()
    session = client.connection.session
    other = Store(StoreSettings(tmp_path, durable=False), reader=MailReader())
    await session.index()
    other.open(REF).remove_messages(session.folder_selected.folder_id, [2])
    reply = await search.search(session, st.Search(st.All(), uid=False))
    assert reply.code == b"EXPUNGEISSUED"
    other.close()


async def test_silent_store_and_what_another_worker_did_in_the_same_turn(server: Server, tmp_path: Path) -> None:
    """[RFC3501] 6.4.6: .SILENT is about the client's own change; what others changed must still be told (7.4.2)."""
    server.deliver()
    client = await server.client()
    session = client.connection.session
    other = Store(StoreSettings(tmp_path, durable=False), reader=MailReader())
    await session.index()
    other.open(REF).set_flags(session.folder_selected.folder_id, [1], add=MessageFlag.FLAGGED)
    first = types.SequenceSet(((1, 1),))
    await store.store(session, mt.Store(first, mt.StoreAction.ADD, ("\\Seen",), silent=True))
    assert await client.ok("NOOP") == [rb"* 1 FETCH (FLAGS (\Recent \Flagged \Seen))"]
    other.close()
