"""What a session sees of its connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.sasl.peer import PeerInfo


class Wire(Protocol):
    """What a session needs of its connection."""

    @property
    def tls(self) -> bool:
        """Whether TLS protects the connection."""
        ...

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is on offer here."""
        ...

    @property
    def peer(self) -> PeerInfo:
        """Who is at the other end."""
        ...

    @property
    def unsent(self) -> int:
        """Octets that the client has not taken yet."""
        ...

    @property
    def holds_loop(self) -> bool:
        """Whether the loop has had no turn since it called the connection: then nothing else can have happened."""
        ...

    def send(self, data: bytes) -> None:
        """Queue octets for the client."""
        ...

    def send_parts(self, parts: Sequence[bytes]) -> None:
        """Queue octets that lie in pieces."""
        ...

    async def drain(self) -> None:
        """Wait while the client is slow to take what was handed over."""
        ...

    async def ask(self, challenge: bytes) -> bytes | None:
        """Send `+ challenge` and return the client's next line without its end; None if it was over the limit."""
        ...

    def flush(self) -> None:
        """Hand over what is queued without waiting."""
        ...

    def abort(self) -> None:
        """Cut the connection: what was announced cannot be sent."""
        ...

    def expunge_is_safe(self) -> bool:
        """Whether no command with message numbers has arrived already ([RFC3501] 5.5)."""
        ...

    def called(self, device: str) -> None:
        """Note what the client calls itself."""
        ...

    def start_tls_after_reply(self) -> None:
        """Begin TLS once the reply to this command is out."""
        ...

    @property
    def compressed(self) -> bool:
        """Whether both sides compress what they send."""
        ...

    def compress_after_reply(self) -> None:
        """Begin to compress once the reply to this command is out."""
        ...

    def signed_off(self) -> None:
        """Begin anew as after the greeting, once the reply to this command is out; TLS stays."""
        ...

    def logged_on(self) -> None:
        """The limits of a stranger end here."""
        ...

    def wake(self) -> None:
        """Something happened that an IDLE should tell."""
        ...

    def give_up(self, reason: bytes) -> None:
        """Say BYE and close after the present command."""
        ...
