"""What a connection remembers: of its client, and of the mail transaction under way ([RFC5321] 4.1.4)."""

from __future__ import annotations

from typing import Any

from aiosmtpd.smtp import Envelope, Session

from gateway.services.logon import Logon
from gateway.services.outcomes import Recipient


class ClientSession(Session):
    """What is known of the client. Attributes keep aiosmtpd's names; those of its hooks are not there."""

    auth_data: Logon | None  # type: ignore[assignment] # aiosmtpd declares it None

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.ssl: dict[str, Any] | None = None
        self.host_name: str | None = None
        """What the client called itself; None before EHLO, HELO or LHLO."""
        self.extended_smtp = False
        self.authenticated: bool | None = None
        self.auth_data = None
        """Who signed in."""


class MailEnvelope(Envelope):
    """The state of one transaction."""

    def __init__(self) -> None:
        self.mail_from: str | None = None
        """The reverse-path, `""` for the null one; None: no transaction."""
        self.smtp_utf8 = False
        self.size = 0
        """Octets that the client announced; 0 for none."""
        self.recipients: list[Recipient] = []
        self.tried = False
        """Some RCPT was well-formed, accepted or not."""
        self.chunks = bytearray()
        """The octets that BDAT has brought, and nothing of how many chunks they were."""
        self.bdat = False
        """BDAT has begun: DATA is out ([RFC3030] 2)."""
        self.bdat_failed = False
        """A chunk was refused: only RSET helps ([RFC3030] 2)."""
