"""What a compliance tester and a look at the wire by hand found, each with the rule it broke."""

from __future__ import annotations

import pytest

from tests.gateway.imap.harness import Server


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
