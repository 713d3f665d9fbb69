"""COMPRESS ([RFC4978])."""

from __future__ import annotations

from gateway.imap.errors import Reply, bad, ok
from gateway.imap.protocol.types import Compress
from gateway.imap.session import Session


async def compress(session: Session, args: Compress) -> Reply:
    """COMPRESS DEFLATE: both sides compress from behind the reply on ([RFC4978] 3). TLS here never compresses."""
    if args.algorithm != "DEFLATE":
        raise bad(b"Unknown compression algorithm.")
    if session.wire.compressed:
        raise bad(b"DEFLATE is active already.", b"COMPRESSIONACTIVE")
    session.wire.compress_after_reply()
    return ok(b"DEFLATE active.")
