"""LMTP: as SMTP, with LHLO and one reply for each recipient ([RFC2033] 3).

PIPELINING and ENHANCEDSTATUSCODES are there as it demands; its port is never 25 ([RFC2033] 5).
"""

from __future__ import annotations

from aiosmtpd.smtp import syntax

from gateway.smtp import replies
from gateway.smtp.replies import Refused
from gateway.smtp.transaction import SmtpConnection


class LmtpConnection(SmtpConnection):
    """One LMTP connection. The replies after DATA and BDAT LAST are in transaction.py."""

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str | None) -> None:
        """Greet; LHLO means what EHLO means in SMTP ([RFC2033] 4.1)."""
        if not hostname:
            raise Refused(replies.SYNTAX)
        await super().smtp_EHLO(hostname)

    async def smtp_HELO(self, hostname: str | None) -> None:
        """Not in LMTP ([RFC2033] 4.1)."""
        raise Refused(replies.UNRECOGNIZED)

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """Not in LMTP ([RFC2033] 4.1)."""
        raise Refused(replies.UNRECOGNIZED)
