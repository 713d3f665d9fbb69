"""What the ports differ in, and the limits of a connection ([RFC5321] 4.5.3, [MS-OXSMTP] 3.2)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import Enum

from gateway.sasl.mechanism import MAX_LINE


class Service(Enum):
    """What a port is for."""

    TRANSFER = "smtp"
    """Mail from other hosts and local programs; anyone may hand in mail for local recipients."""
    SUBMISSION = "submission"
    """Mail from users, who sign in first ([RFC6409] 4.3)."""
    LMTP = "lmtp"
    """Mail from a queueing transfer agent, one reply a recipient ([RFC2033])."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a connection learns of its port."""

    service: Service
    starttls: ssl.SSLContext | None = None
    """The context for STARTTLS where the port offers it."""
    listener: str = ""
    """The listener's name in the settings."""

    @property
    def must_sign_in(self) -> bool:
        """Whether MAIL needs AUTH before it ([RFC6409] 4.3)."""
        return self.service is Service.SUBMISSION

    @property
    def offers_auth(self) -> bool:
        """Whether AUTH is there at all."""
        return self.service is not Service.LMTP

    @property
    def greeting(self) -> str:
        """The protocol word of the greeting."""
        return "LMTP" if self.service is Service.LMTP else "ESMTP"


class BareNewline(Enum):
    """What to do with a CR or LF that stands alone in a message."""

    NORMALISE = "normalise"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class SmtpLimits:
    """Limits of one connection. Times are in seconds, sizes in octets."""

    max_message: int = 37_748_736
    max_recipients: int = 1000
    """Recipients of one message; [RFC5321] 4.5.3.1.8 asks for at least 100."""
    max_errors: int = 5
    """Protocol errors until the connection is closed."""
    max_logon_failures: int = 3
    before_logon: float = 60.0
    """Seconds in which a client must have signed in where it must, and in which any AUTH must be through."""
    idle: float = 300.0
    """Seconds without a command, or without octets inside a message ([RFC5321] 4.5.3.2.7)."""
    handshake: float = 60.0
    """Seconds for a TLS handshake."""
    bare_newline: BareNewline = BareNewline.NORMALISE


COMMAND_LIMIT = 1024
"""Octets of a command line; [RFC5321] 4.5.3.1.4 says 512, and extensions add to it."""
COMMAND_LIMITS = {"AUTH": MAX_LINE + 40, "MAIL": 2048, "RCPT": 2048}
"""The longer ones: AUTH carries a mechanism and a response ([RFC4954] 4), paths may be UTF-8 ([RFC6531] 3.4)."""
