"""CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB STATUS."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.commands.patterns import NamePattern
from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server


def naive(pattern: str, name: str) -> bool:
    """The definition of [RFC3501] 6.3.8, word by word, exponential."""
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(naive(pattern[1:], name[n:]) for n in range(len(name) + 1))
    if pattern[0] == "%":
        level = name.split("/")[0]
        return any(naive(pattern[1:], name[n:]) for n in range(len(level) + 1))
    return bool(name) and pattern[0] == name[0] and naive(pattern[1:], name[1:])


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=8))
def test_patterns_mean_what_the_rfc_says(pattern: str, name: str) -> None:
    """[RFC3501] 6.3.8."""
    assert NamePattern(pattern).matches(name) == naive(pattern, name)


@pytest.mark.parametrize("pattern", ["inbox", "INBOX", "in%", "*x", "%", "*", "iNb*"])
def test_inbox_matches_in_any_case(pattern: str) -> None:
    """[RFC3501] 6.3.8: the criterion for INBOX is a comparison without case."""
    assert NamePattern(pattern).matches("INBOX")


def test_patterns_take_linear_time() -> None:
    began = time.process_time()
    assert not NamePattern("*a" * 400 + "b").matches("a" * 900)
    assert not NamePattern("%*" * 400 + "b").matches("a/" * 450)
    assert time.process_time() - began < 0.5


async def names(client: Client, command: str) -> dict[bytes, set[bytes]]:
    """Mailbox name -> attributes."""
    found = {}
    for line in await client.ok(command):
        attributes, _, name = line.partition(b"(")[2].partition(b') "/" ')
        found[name.strip(b'"')] = set(attributes.split())
    return found


async def test_list_of_a_new_mailbox(server: Server) -> None:
    """[RFC6154] 2, [RFC3348] 3; calendar and contacts are no mailboxes (docs/architecture.md, decision 15)."""
    client = await server.client(None)
    found = await names(client, 'LIST "" "*"')
    assert b"\\HasNoChildren" in found[b"INBOX"]
    uses = {next(iter(a & {b"\\Sent", b"\\Trash", b"\\Drafts", b"\\Junk", b"\\Archive"}), None) for a in found.values()}
    assert uses - {None} == {b"\\Sent", b"\\Trash", b"\\Drafts", b"\\Junk", b"\\Archive"}
    assert not {b"Calendar", b"Contacts", b"Tasks", b"Notes", b"Journal", b"Outbox"} & set(found)
    assert (await client("SELECT Calendar"))[-1].startswith(b"NO [NONEXISTENT]")


async def test_list_delimiter(server: Server) -> None:
    """[RFC3501] 6.3.8: an empty name asks for the delimiter."""
    client = await server.client(None)
    assert await client.ok('LIST "" ""') == [b'* LIST (\\Noselect) "/" ""']


async def test_list_levels_and_reference(server: Server) -> None:
    """[RFC3501] 6.3.8, 6.3.3: superiors are made; `%` stops at the delimiter; the reference is put before."""
    client = await server.client(None)
    await client.ok("CREATE foo/bar/baz")
    top = await names(client, 'LIST "" "foo%"')
    assert top == {b"foo": {b"\\HasChildren"}}
    assert set(await names(client, 'LIST "" foo*')) == {b"foo", b"foo/bar", b"foo/bar/baz"}
    assert set(await names(client, "LIST foo/ %")) == {b"foo/bar"}
    assert set(await names(client, 'LIST "" foo/%/baz')) == {b"foo/bar/baz"}
    assert await names(client, 'LIST "" nothing*') == {}


async def test_create(server: Server) -> None:
    """[RFC3501] 6.3.3; [RFC5530] 3."""
    client = await server.client(None)
    await client.ok("CREATE a")
    assert (await client("CREATE a"))[-1].startswith(b"NO [ALREADYEXISTS]")
    assert (await client("CREATE inbox"))[-1].startswith(b"NO [ALREADYEXISTS]")
    await client.ok("CREATE b/")
    await client.ok('CREATE "Gr&APwA3w-e"')
    assert b"Gr&APwA3w-e" in await names(client, 'LIST "" *')
    assert (await client('CREATE "x//y"'))[-1].startswith(b"NO [CANNOT]")
    assert (await client('CREATE ""'))[-1][:2] in (b"NO", b"BA")
    assert (await client("CREATE " + "y" * 300))[-1].startswith(b"NO [LIMIT]")


async def test_delete(server: Server) -> None:
    """[RFC3501] 6.3.4: inferiors stay, and with them the name."""
    client = await server.client(None)
    await client.ok("CREATE foo/bar")
    await client.ok("DELETE foo")
    found = await names(client, 'LIST "" foo*')
    assert b"\\Noselect" in found[b"foo"]
    assert b"\\Noselect" not in found[b"foo/bar"]
    assert (await client("SELECT foo"))[-1].startswith(b"NO")
    assert (await client("DELETE foo"))[-1].startswith(b"NO [HASCHILDREN]")
    await client.ok("DELETE foo/bar")
    await client.ok("DELETE foo")
    assert await names(client, 'LIST "" foo*') == {}
    assert (await client("DELETE foo"))[-1].startswith(b"NO [NONEXISTENT]")
    assert (await client("DELETE INBOX"))[-1].startswith(b"NO")
    assert (await client("DELETE Drafts"))[-1].startswith(b"NO")


async def test_delete_of_a_selected_mailbox(server: Server) -> None:
    """The own session leaves it; another's is told BYE, because its numbers stand for nothing any more."""
    client = await server.client(None)
    await client.ok("CREATE x")
    await client.ok("SELECT x")
    other = await server.client("x")
    await client.ok("DELETE x")
    assert (await client("CHECK"))[-1].startswith(b"BAD")
    lines = await other.send(b"a NOOP\r\n")
    assert lines[-1].startswith(b"* BYE")


async def test_a_name_made_again_has_a_new_uidvalidity(server: Server) -> None:
    """[RFC3501] 6.3.3, 2.3.1.1."""
    client = await server.client(None)
    await client.ok("CREATE x")
    (before,) = await client.ok("STATUS x (UIDVALIDITY)")
    await client.ok("DELETE x")
    await client.ok("CREATE x")
    (after,) = await client.ok("STATUS x (UIDVALIDITY)")
    assert before != after


async def test_rename(server: Server) -> None:
    """[RFC3501] 6.3.5: inferiors go along; the target must not exist; superiors of the target are made."""
    client = await server.client(None)
    await client.ok("CREATE foo/bar")
    await client.ok("CREATE other")
    await client.ok("RENAME foo zowie/zap")
    found = await names(client, 'LIST "" *')
    assert {b"zowie", b"zowie/zap", b"zowie/zap/bar"} <= set(found)
    assert b"foo" not in found
    assert (await client("RENAME other zowie"))[-1].startswith(b"NO [ALREADYEXISTS]")
    assert (await client("RENAME nothing x"))[-1].startswith(b"NO [NONEXISTENT]")
    assert (await client("RENAME zowie zowie/zap/deep"))[-1].startswith(b"NO")
    assert (await client("RENAME Drafts x"))[-1].startswith(b"NO")


async def test_rename_inbox(server: Server) -> None:
    """[RFC3501] 6.3.5: the messages move to the new name, INBOX stays, empty."""
    server.deliver()
    client = await server.client(None)
    await client.ok("RENAME INBOX old-mail")
    assert await client.ok("STATUS INBOX (MESSAGES)") == [b"* STATUS INBOX (MESSAGES 0)"]
    assert await client.ok("STATUS old-mail (MESSAGES)") == [b"* STATUS old-mail (MESSAGES 1)"]


async def test_subscriptions(server: Server) -> None:
    """[RFC3501] 6.3.6, 6.3.7, 6.3.9: independent of what exists; `%` lists the level it stops at as \\Noselect."""
    client = await server.client(None)
    for name in [line.partition(b'"/" ')[2] for line in await client.ok('LSUB "" *')]:
        await client.ok(b"UNSUBSCRIBE " + name)
    await client.ok("CREATE foo/bar")
    await client.ok("SUBSCRIBE foo/bar")
    await client.ok("SUBSCRIBE gone")
    assert set(await names(client, 'LSUB "" *')) == {b"foo/bar", b"gone"}
    found = await names(client, 'LSUB "" %')
    assert set(found) == {b"foo", b"gone"}
    assert found[b"foo"] == {b"\\Noselect"}
    await client.ok("DELETE foo/bar")
    assert b"foo/bar" in await names(client, 'LSUB "" *')
    await client.ok("UNSUBSCRIBE foo/bar")
    await client.ok("UNSUBSCRIBE foo/bar")
    assert set(await names(client, 'LSUB "" *')) == {b"gone"}


async def test_list_extended(server: Server) -> None:
    """[RFC5258] 3.1, 3.2 and [RFC6154] 2, as far as SPECIAL-USE needs them."""
    client = await server.client(None)
    for name in [line.partition(b'"/" ')[2] for line in await client.ok('LSUB "" *')]:
        await client.ok(b"UNSUBSCRIBE " + name)
    await client.ok("CREATE foo/bar")
    await client.ok("SUBSCRIBE foo/bar")
    await client.ok("SUBSCRIBE gone")
    special = await names(client, 'LIST (SPECIAL-USE) "" "*"')
    assert len(special) == 5
    found = await names(client, 'LIST (SUBSCRIBED) "" "*"')
    assert set(found) == {b"foo/bar", b"gone"}
    assert {b"\\Subscribed", b"\\NonExistent"} <= found[b"gone"]
    assert b"\\Subscribed" in (await names(client, 'LIST "" foo/bar RETURN (SUBSCRIBED)'))[b"foo/bar"]
    (line,) = await client.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "foo"')
    assert line.endswith(b'("CHILDINFO" ("SUBSCRIBED"))')
    assert set(await names(client, 'LIST "" ("INBOX" "foo*")')) == {b"INBOX", b"foo", b"foo/bar"}


async def test_status(server: Server) -> None:
    """[RFC3501] 6.3.10, [RFC7162] 3.1.7: fresh, and without taking \\Recent away."""
    server.deliver(flags=MessageFlag.SEEN)
    server.deliver()
    client = await server.client(None)
    for _ in range(2):
        (line,) = await client.ok("STATUS inbox (MESSAGES RECENT UIDNEXT UNSEEN)")
        assert line == b"* STATUS INBOX (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 1)"
    (line,) = await client.ok("STATUS INBOX (HIGHESTMODSEQ UIDVALIDITY)")
    assert b"HIGHESTMODSEQ " in line
    assert (await client("STATUS nothing (MESSAGES)"))[-1].startswith(b"NO [NONEXISTENT]")


async def test_special_folders_stay(server: Server) -> None:
    """docs/quirks.md: the folders that every mailbox is born with keep their place and name."""
    client = await server.client()
    born = [line.split(b'"/" ')[1].strip(b'"').decode() for line in await client.ok('LIST "" *')]
    assert {"Drafts", "Sent Items", "Archive"} <= set(born)
    for name in born:
        assert (await client(f'DELETE "{name}"'))[-1].startswith(b"NO [CANNOT]"), name
        if name != "INBOX":
            assert (await client(f'RENAME "{name}" elsewhere'))[-1].startswith(b"NO [CANNOT]"), name
