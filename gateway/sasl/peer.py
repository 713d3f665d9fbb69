"""Who is at the other end of a connection, as far as signing in wants to know."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """Who is asking, and over what. Made anew after STARTTLS."""

    protocol: str
    """imap, pop3, smtp, ldap or http."""
    address: str
    """The client's IP address."""
    tls: bool = False
    """Whether TLS protects the line."""
    connection: int = 0
    """Number of the connection, as in the log."""
    listener: str = ""
    """The listener's name in the settings."""
    end_point: bytes = field(default=b"", repr=False)
    """Channel binding `tls-server-end-point`: the hash of our certificate ([RFC5929] 4.1); empty without TLS."""
    unique: bytes = field(default=b"", repr=False)
    """Channel binding `tls-unique` ([RFC5929] 3.1): only up to TLS 1.2, else empty."""
    certificate: bytes = field(default=b"", repr=False)
    """The client's certificate in DER, which TLS has verified; empty when it showed none."""
    device: str = ""
    """What the client calls itself: by IMAP ID, by EHLO; whatever it likes, and shown as such."""
