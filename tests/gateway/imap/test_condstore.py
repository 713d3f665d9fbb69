"""CONDSTORE ([RFC7162] 3.1)."""

from __future__ import annotations

import re

from tests.gateway.imap.harness import Client, Server


def modseq(line: bytes) -> int:
    found = re.search(rb"MODSEQ \(?(\d+)", line)
    assert found, line
    return int(found[1])


async def start(server: Server, count: int = 3) -> Client:
    for _ in range(count):
        server.deliver()
    client = await server.client(None)
    await client.ok("ENABLE CONDSTORE")
    await client.ok("SELECT INBOX")
    return client


async def test_fetch_modseq(server: Server) -> None:
    """[RFC7162] 3.1.4.2: the item; asking for it enables the extension ([RFC7162] 3.1); then 3.2.4: UID and MODSEQ."""
    server.deliver()
    client = await server.client()
    other = await server.client()
    lines = await client.ok("FETCH 1 (UID MODSEQ)")
    assert re.fullmatch(rb"\* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)", lines[-1])
    assert any(line.startswith(b"* OK [HIGHESTMODSEQ ") for line in lines)
    await other.ok(r"STORE 1 +FLAGS (\Seen)")
    (line,) = await client.ok("NOOP")
    assert re.fullmatch(rb"\* 1 FETCH \(FLAGS \(\\Recent \\Seen\) UID 1 MODSEQ \(\d+\)\)", line)


async def test_not_enabled_no_modseq(server: Server) -> None:
    """[RFC7162] 3.1: an old client never sees MODSEQ in a FETCH."""
    server.deliver()
    client = await server.client()
    assert b"MODSEQ" not in b"".join(await client.ok(r"STORE 1 +FLAGS (\Seen)"))


async def test_select_parameter_and_status_enable(server: Server) -> None:
    """[RFC7162] 3.1.8, 3.1.7."""
    server.deliver()
    for command in ("SELECT INBOX (CONDSTORE)", "STATUS INBOX (HIGHESTMODSEQ)"):
        client = await server.client(None)
        await client.ok(command)
        await client.ok("EXAMINE INBOX")
        client = await server.client(None)
        await client.ok(command)
        await client.ok("SELECT INBOX")
        (line,) = await client.ok(r"STORE 1 +FLAGS (\Flagged)")
        assert b"MODSEQ (" in line


async def test_changedsince(server: Server) -> None:
    """[RFC7162] 3.1.4.1: only what changed since, and MODSEQ with it."""
    client = await start(server)
    (line,) = await client.ok("STATUS INBOX (HIGHESTMODSEQ)")
    before = modseq(line)
    await client.ok(r"STORE 2 +FLAGS.SILENT (\Seen)")
    (line,) = await client.ok(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {before})")
    assert line.startswith(rb"* 2 FETCH (FLAGS (\Recent \Seen) MODSEQ (")
    assert modseq(line) > before
    assert await client.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq(line)})") == []


async def test_unchangedsince(server: Server) -> None:
    """[RFC7162] 3.1.3: what had changed is left alone and named in [MODIFIED]; the rest is changed."""
    client = await start(server)
    (line,) = await client.ok("STATUS INBOX (HIGHESTMODSEQ)")
    before = modseq(line)
    await client.ok(r"STORE 2 +FLAGS.SILENT (\Seen)")
    lines = await client(rf"STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS.SILENT (\Deleted)")
    assert lines[-1].startswith(b"OK [MODIFIED 2]")
    assert [line.split()[1] for line in lines[:-1]] == [b"1", b"3"]
    assert all(modseq(line) > before for line in lines[:-1])
    (line,) = await client.ok("FETCH 2 FLAGS")
    assert b"Deleted" not in line
    lines = await client(rf"UID STORE 2 (UNCHANGEDSINCE {before}) FLAGS ()")
    assert lines[-1].startswith(b"OK [MODIFIED 2]")
    assert (await client(r"STORE 1 (UNCHANGEDSINCE 0) +FLAGS (\Seen)"))[-1].startswith(b"OK [MODIFIED 1]")


async def test_silent_store_tells_the_modseq(server: Server) -> None:
    """[RFC7162] 3.1.3: .SILENT suppresses the flags, not the MODSEQ; 3.2.4: nor the UID."""
    client = await start(server)
    (line,) = await client.ok(r"STORE 1 +FLAGS.SILENT (\Seen)")
    assert re.fullmatch(rb"\* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)", line)
    (line,) = await client.ok(r"UID STORE 1 -FLAGS.SILENT (\Seen)")
    assert re.fullmatch(rb"\* 1 FETCH \(UID 1 MODSEQ \(\d+\)\)", line)


async def test_search_modseq(server: Server) -> None:
    """[RFC7162] 3.1.5: the reply carries the highest mod-sequence of what was found; none where nothing was."""
    client = await start(server)
    await client.ok(r"STORE 2 +FLAGS.SILENT (\Seen)")
    (line,) = await client.ok("FETCH 2 MODSEQ")
    newest = modseq(line)
    assert await client.ok(f"SEARCH MODSEQ {newest}") == [b"* SEARCH 2 (MODSEQ %d)" % newest]
    assert await client.ok(f"UID SEARCH OR MODSEQ {newest} UID 1") != []
    assert await client.ok(f"SEARCH MODSEQ {newest + 1}") == [b"* SEARCH"]


async def test_expunge_tells_the_new_highest(server: Server) -> None:
    """[RFC7162] 3.2.7."""
    client = await start(server)
    await client.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    lines = await client("EXPUNGE")
    assert re.match(rb"OK \[HIGHESTMODSEQ \d+\]", lines[-1])


async def test_every_change_raises_the_mod_sequence(server: Server) -> None:
    """[RFC7162] 3.1: strictly growing, a removal included."""
    client = await start(server, 2)
    seen = []
    for command in (r"STORE 1 +FLAGS (\Seen)", r"STORE 1 -FLAGS (\Seen)", r"STORE 2 +FLAGS (\Deleted)", "EXPUNGE"):
        await client.ok(command)
        (line,) = await client.ok("STATUS INBOX (HIGHESTMODSEQ)")
        seen.append(modseq(line))
    assert seen == sorted(set(seen))
