"""Sign-ins whose mailbox is served by another host ([RFC2221])."""

from __future__ import annotations

from pathlib import Path

from directory.model import GrantKind, PrincipalKind
from gateway.imap.environment import ImapSettings
from tests.gateway.imap.street import Street


async def test_a_mailbox_elsewhere(tmp_path: Path) -> None:
    """[RFC2221] 3, 4.1, 5: NO [REFERRAL url]; whose mailbox is here signs in as ever."""
    street = Street(tmp_path, ImapSettings(referrals=(("west", "imap.west.example.test:1143"),)))
    try:
        erin = street.directory.add(PrincipalKind.USER, "erin@example.test", shard="west")
        far = street.directory.add(PrincipalKind.SHARED, "far@example.test", shard="west")
        street.directory.grant(GrantKind.FULL_ACCESS, far.id, street.entry("alice").id)
        client = street.connect()
        assert b" LOGIN-REFERRALS" in client.take()[0]
        (reply,) = await client("LOGIN erin password")
        assert reply == (
            b"NO [REFERRAL imap://erin%40example.test;AUTH=*@imap.west.example.test:1143/]"
            b" The mailbox is on another server."
        )
        (reply,) = await client("LOGIN alice/far password")
        assert b"[REFERRAL imap://alice%40example.test%2Ffar;AUTH=*@" in reply
        await client.ok("LOGIN alice password")
        assert erin.shard == "west"
        assert not any(b"far@" in line for line in await client.ok('LIST "" "Other Users/%"'))
    finally:
        await street.close()


async def test_there_is_no_other_server(street: Street) -> None:
    """[RFC2221] 3: then the capability is not there either."""
    assert not street.services.settings.referrals
    assert b"REFERRAL" not in street.connect().take()[0]
