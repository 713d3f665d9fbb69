"""GETQUOTA GETQUOTAROOT SETQUOTA ([RFC9208])."""

from __future__ import annotations

from directory.model import GrantKind
from tests.gateway.imap.street import READ, SEE, Street
from tests.support.storemail import deliver


async def test_ones_own_quota(street: Street) -> None:
    """[RFC9208] 3.1, 3.2, 4.1.1, 4.1.2, 4.2.1, 4.2.2, 4.3.1, 5.1: STORAGE in units of 1024 octets, used rounded up."""
    bob = street.box("bob")
    client = await street.user("bob")
    for name in ("INBOX", "Not/yet"):
        assert await client.ok(f"GETQUOTAROOT {name}") == [
            f"* QUOTAROOT {name} bob@example.test".encode(),
            b"* QUOTA bob@example.test ()",
        ]
    assert await client.ok("GETQUOTA bob@example.test") == [b"* QUOTA bob@example.test ()"]
    bob.set_quota(receive=10 * 1024 + 1)
    size = deliver(bob, 5).size
    assert 0 < size < 1024
    assert await client.ok("GETQUOTAROOT Drafts") == [
        b"* QUOTAROOT Drafts bob@example.test",
        b"* QUOTA bob@example.test (STORAGE 1 10)",
    ]
    assert await client.ok("GETQUOTA BOB@example.test") == [b"* QUOTA bob@example.test (STORAGE 1 10)"]
    for root in ("alice@example.test", "nobody@example.test", '""', "sales@example.test"):
        assert (await client(f"GETQUOTA {root}"))[-1].startswith(b"NO [NONEXISTENT]")
    big = b"x" * 11_000
    assert (await client(b"APPEND INBOX {%d+}\r\n%b" % (len(big), big)))[-1].startswith(b"NO [OVERQUOTA]")


async def test_quotas_of_others(street: Street) -> None:
    """[RFC9208] 6: `r` for GETQUOTAROOT; a root by its name tells those to whom the mailbox is open as a whole."""
    street.box("bob").set_quota(receive=1 << 20)
    street.box("sales").set_quota(receive=1 << 20)
    street.share("bob", "Read", "alice", READ)
    street.share("bob", "Seen", "alice", SEE)
    client = await street.user("alice")
    name = '"Other Users/bob@example.test/{}"'.format
    assert (await client(f"GETQUOTAROOT {name('Seen')}"))[-1].startswith(b"NO [NOPERM]")
    assert await client.ok(f"GETQUOTAROOT {name('Read')}") == [
        f"* QUOTAROOT {name('Read')} bob@example.test".encode(),
        b"* QUOTA bob@example.test (STORAGE 0 1024)",
    ]
    assert (await client("GETQUOTA bob@example.test"))[-1].startswith(b"NO [NOPERM]")
    assert await client.ok("GETQUOTA sales@example.test") == [b"* QUOTA sales@example.test (STORAGE 0 1024)"]


async def test_setting_quotas(street: Street) -> None:
    """[RFC9208] 4.1.3: by a grant to administer; the owner and everybody else get NO."""
    street.box("bob").set_quota(warn=100, receive=1 << 20)
    dave, bob = await street.user("dave"), await street.user("bob")
    for client in (dave, bob):
        for root in ("bob@example.test", "nobody@example.test"):
            assert (await client(f"SETQUOTA {root} (STORAGE 1)"))[-1].startswith(b"NO [NOPERM]")
    street.directory.grant(GrantKind.ADMINISTER, street.entry("bob").id, street.entry("dave").id)
    assert await dave.ok("SETQUOTA bob@example.test (STORAGE 2048)") == [b"* QUOTA bob@example.test (STORAGE 0 2048)"]
    assert street.box("bob").quota()[1:] == (100, None, 2 << 20)
    assert (await dave("SETQUOTA bob@example.test (MESSAGE 5)"))[-1].startswith(b"NO [CANNOT]")
    assert (await dave("SETQUOTA bob@example.test (STORAGE 9223372036854775807)"))[-1].startswith(b"NO [LIMIT]")
    assert await dave.ok("SETQUOTA bob@example.test ()") == [b"* QUOTA bob@example.test ()"]
    assert street.box("bob").quota().receive is None
    assert (await dave('SELECT "Other Users/bob@example.test/INBOX"'))[-1].startswith(b"NO [NONEXISTENT]")


async def test_capabilities(street: Street) -> None:
    """[RFC9208] 3: STORAGE is the one resource."""
    (line,) = await (await street.user("bob")).ok("CAPABILITY")
    words = line.split()
    assert {b"QUOTA", b"QUOTASET", b"QUOTA=RES-STORAGE"} <= set(words)
    assert not any(word.startswith(b"QUOTA=RES-") and word != b"QUOTA=RES-STORAGE" for word in words)
