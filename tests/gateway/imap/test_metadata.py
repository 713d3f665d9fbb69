"""GETMETADATA SETMETADATA ([RFC5464])."""

from __future__ import annotations

from store.entries import MAX_ENTRIES, MAX_VALUE
from tests.gateway.imap.harness import Server
from tests.gateway.imap.street import EDIT, READ, Street


async def test_set_get_and_remove(server: Server) -> None:
    """[RFC5464] 4.2, 4.3, 4.4.1, 6.3.1, 6.3.2: names in any case; NIL for what is asked for and not there."""
    client = await server.client(None)
    await client.ok('SETMETADATA INBOX (/private/Comment "mine" /shared/comment {4+}\r\nours)')
    assert await client.ok("GETMETADATA inbox (/SHARED/comment /private/comment /private/none)") == [
        b'* METADATA INBOX (/shared/comment "ours" /private/comment "mine" /private/none NIL)'
    ]
    await client.ok("SETMETADATA INBOX (/private/comment NIL)")
    assert await client.ok('GETMETADATA INBOX "/private/comment"') == [b"* METADATA INBOX (/private/comment NIL)"]
    assert (await client("GETMETADATA Nowhere /private/comment"))[-1].startswith(b"NO [NONEXISTENT]")
    assert (await client("SETMETADATA INBOX (/private x)"))[-1].startswith((b"NO", b"BAD"))


async def test_values_of_any_octets(server: Server) -> None:
    """[RFC5464] 5: line ends make a literal, NUL a literal8."""
    client = await server.client(None)
    await client.ok(b'SETMETADATA INBOX (/private/a ~{4+}\r\n\0\r\n\xff /private/b {3+}\r\n\r\nx /private/c "")')
    assert await client.ok("GETMETADATA INBOX (/private/a /private/b /private/c)") == [
        b'* METADATA INBOX (/private/a ~{4}\r\n\0\r\n\xff /private/b {3}\r\n\r\nx /private/c "")'
    ]


async def test_depth_and_size(server: Server) -> None:
    """[RFC5464] 4.2.1, 4.2.2."""
    client = await server.client(None)
    await client.ok(
        'SETMETADATA INBOX (/private/f "top" /private/f/a "1" /private/f/b "22" /private/f/b/c "333" /private/fx "n")'
    )
    assert await client.ok("GETMETADATA (DEPTH 1) INBOX /private/f") == [
        b'* METADATA INBOX (/private/f "top" /private/f/a "1" /private/f/b "22")'
    ]
    (line,) = await client.ok("GETMETADATA (DEPTH infinity) INBOX /private/f")
    assert line.endswith(b'/private/f/b/c "333")')
    assert (await client.ok("GETMETADATA (DEPTH infinity) INBOX /private"))[0].count(b"/private") == 5
    assert await client.ok("GETMETADATA (DEPTH 1) INBOX /private/none") == []
    *lines, reply = await client("GETMETADATA (MAXSIZE 2 DEPTH infinity) INBOX /private/f")
    assert lines == [b'* METADATA INBOX (/private/f/a "1" /private/f/b "22")']
    assert reply.startswith(b"OK [METADATA LONGENTRIES 3]")


async def test_limits(server: Server) -> None:
    """[RFC5464] 4.3: MAXSIZE and TOOMANY; nothing is set then."""
    client = await server.client(None)
    long = b"x" * (MAX_VALUE + 1)
    reply = await client(b'SETMETADATA INBOX (/private/a "1" /private/b {%d+}\r\n%b)' % (len(long), long))
    assert reply[-1].startswith(b"NO [METADATA MAXSIZE %d]" % MAX_VALUE)
    assert await client.ok("GETMETADATA INBOX /private/a") == [b"* METADATA INBOX (/private/a NIL)"]
    for start in range(0, MAX_ENTRIES, 100):
        pairs = " ".join(f'/private/{number} "x"' for number in range(start, start + 100))
        await client.ok(f"SETMETADATA INBOX ({pairs})")
    assert (await client('SETMETADATA INBOX (/private/more "x")'))[-1].startswith(b"NO [METADATA TOOMANY]")
    assert (await client(f'SETMETADATA INBOX (/shared/{"n" * 300} "x")'))[-1].startswith(b"NO [LIMIT]")


async def test_whose_entries(street: Street) -> None:
    """[RFC5464] 3.1, 3.3: private ones of each user apart; shared ones for who may change the mailbox."""
    street.share("bob", "Box", "alice", READ)
    name = '"Other Users/bob@example.test/Box"'
    alice, bob = await street.user("alice"), await street.user("bob")
    await alice.ok(f'SETMETADATA {name} (/private/comment "alice")')
    await bob.ok('SETMETADATA Box (/private/comment "bob" /shared/comment "for all")')
    assert await alice.ok(f"GETMETADATA {name} (/private/comment /shared/comment)") == [
        f'* METADATA {name} (/private/comment "alice" /shared/comment "for all")'.encode()
    ]
    assert (await alice(f'SETMETADATA {name} (/private/comment "x" /shared/comment "x")'))[-1].startswith(
        b"NO [NOPERM]"
    )
    assert await bob.ok("GETMETADATA Box /private/comment") == [b'* METADATA Box (/private/comment "bob")']
    assert (await alice.ok(f"GETMETADATA {name} /private/comment"))[0].endswith(b'"alice")')
    street.share("bob", "Box", "alice", EDIT)
    await alice.ok(f'SETMETADATA {name} (/shared/comment "alice\'s")')
    assert (await bob.ok("GETMETADATA Box /shared/comment"))[0].endswith(b'"alice\'s")')


async def test_entries_of_the_server(street: Street) -> None:
    """[RFC5464] 3.2, 6.2.1, 6.2.2: shared ones are the administrator's, private ones everybody's own."""
    street.directory.set_server_entry("/admin", b"mailto:postmaster@example.test")
    alice, bob = await street.user("alice"), await street.user("bob")
    assert await alice.ok('GETMETADATA "" (/shared/admin /shared/comment)') == [
        b'* METADATA "" (/shared/admin "mailto:postmaster@example.test" /shared/comment NIL)'
    ]
    assert (await alice('SETMETADATA "" (/shared/comment "x")'))[-1].startswith(b"NO [NOPERM]")
    await alice.ok('SETMETADATA "" (/private/vendor/x "y")')
    assert await alice.ok('GETMETADATA (DEPTH infinity) "" /private') == [b'* METADATA "" (/private/vendor/x "y")']
    assert await bob.ok('GETMETADATA (DEPTH infinity) "" /private') == []
    street.directory.set_server_entry("/admin", None)
    assert await alice.ok('GETMETADATA "" /shared/admin') == [b'* METADATA "" (/shared/admin NIL)']
