"""Commands for any state: CAPABILITY NOOP LOGOUT ID; and CHECK ([RFC3501] 6.1, 6.4.1, [RFC2971])."""

from __future__ import annotations

import logging

from gateway.imap import texts
from gateway.imap.errors import Reply, ok
from gateway.imap.protocol import writer
from gateway.imap.protocol.types import Id, NoArguments
from gateway.imap.session import Session

MAX_DEVICE = 100
"""Characters of a client's name that are kept."""

log = logging.getLogger(__name__)


async def capability(session: Session, args: NoArguments) -> Reply:
    """CAPABILITY ([RFC3501] 6.1.1)."""
    session.send(b"* CAPABILITY %b\r\n" % session.capabilities())
    return ok(b"CAPABILITY completed.")


async def noop(session: Session, args: NoArguments) -> Reply:
    """NOOP: the changes that wait are sent before its reply, as before any other ([RFC3501] 6.1.2)."""
    return ok(b"NOOP completed.")


async def check(session: Session, args: NoArguments) -> Reply:
    """CHECK: everything is on disk before any reply, so there is nothing to do ([RFC3501] 6.4.1)."""
    return ok(b"CHECK completed.")


async def logout(session: Session, args: NoArguments) -> Reply:
    """LOGOUT ([RFC3501] 6.1.3)."""
    await session.deselect()
    session.send(b"* BYE %b\r\n" % texts.translate(session.language, session.personality.farewell))
    session.log_out()
    return ok(b"LOGOUT completed.")


async def identify(session: Session, args: Id) -> Reply:
    """ID: who we are; the version only if the administrator shows it ([RFC2971] 3.1, 7)."""
    if args.parameters:
        log.debug("client %s: %r", session.wire.peer, args.parameters[:30])
        given = {key.lower(): value for key, value in args.parameters if value}
        device = " ".join(given[key] for key in ("name", "version") if key in given)
        if device:
            session.client_named(device[:MAX_DEVICE])
    version = session.services.settings.version
    session.send(writer.id_line([("name", "oxgate"), *([("version", version)] if version else [])]))
    return ok(b"ID completed.")
