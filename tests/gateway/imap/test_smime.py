"""Signed and encrypted messages as IMAP serves them: what OpenSSL says of them ([RFC8551])."""

from __future__ import annotations

from tests.gateway.imap.harness import Server
from tests.support.smime import INNER, clear_signed, decrypted, encrypted, opaque_signed, verified


async def test_signatures_hold(server: Server) -> None:
    """[RFC3501] 6.4.5: BODY[] is the message octet for octet, however it was read meanwhile."""
    client = await server.client()
    for number, (raw, check) in enumerate(
        ((clear_signed(), verified), (opaque_signed(), verified), (encrypted(), decrypted)), start=1
    ):
        server.deliver(raw)
        await client.ok("NOOP")
        (reply,) = await client.ok(f"FETCH {number} BODY.PEEK[]")
        served = reply.partition(b"}\r\n")[2].removesuffix(b")")
        assert served == raw
        assert check(served) == INNER
