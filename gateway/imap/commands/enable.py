"""ENABLE: what changes the server's replies, only for a client that asks for it ([RFC5161])."""

from __future__ import annotations

from gateway.imap.errors import Reply, ok
from gateway.imap.protocol import writer
from gateway.imap.protocol.types import Enable
from gateway.imap.session import Session

_SWITCHES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "CONDSTORE": (b"CONDSTORE", ("condstore",)),
    "IMAP4REV2": (b"IMAP4rev2", ("rev2",)),
    "QRESYNC": (b"QRESYNC", ("condstore", "qresync")),
    "UIDONLY": (b"UIDONLY", ("uidonly",)),
    "UTF8=ACCEPT": (b"UTF8=ACCEPT", ("utf8",)),
}
"""Upper case -> as its specification writes it, and the session's switches; the last one is its own.

[RFC7162] 3.1, 3.2.3, [RFC9051] 6.3.1, [RFC9586] 3.1, [RFC6855] 3.
"""


async def enable(session: Session, args: Enable) -> Reply:
    """ENABLE: all that it names and that there is; the rest is passed over ([RFC5161] 3.1).

    The reply names what was not enabled before ([RFC5161] 3.2). It is for the authenticated state only, so that no
    response changes its form under way.
    """
    named = [_SWITCHES[name] for name in dict.fromkeys(args.capabilities) if name in _SWITCHES]
    session.send(writer.enabled([word for word, switches in named if not getattr(session, switches[-1])]))
    for _, switches in named:
        for switch in switches:
            setattr(session, switch, True)
    return ok(b"ENABLE completed.")
