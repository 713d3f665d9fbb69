"""Which mechanisms there are, and which of them a connection may be offered ([RFC4422] 3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.sasl.login import LoginExchange
from gateway.sasl.mechanism import MechanismFactory, SaslExchange
from gateway.sasl.peer import PeerInfo
from gateway.sasl.plain import PlainExchange


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism as this server offers it."""

    name: str
    """As registered, upper case."""
    make: MechanismFactory
    shows_secret: bool = True
    """The client sends what would let a listener sign in: only under TLS, or where a policy does without."""
    usable: Callable[[PeerInfo], bool] = lambda peer: True
    """Whether this connection has what the mechanism needs, such as a client certificate."""


PASSWORD_MECHANISMS = (
    Mechanism("PLAIN", lambda peer: PlainExchange()),
    Mechanism("LOGIN", lambda peer: LoginExchange()),
)

Allowed = Callable[[str, PeerInfo], bool]
"""Whether a mechanism is enabled for a connection, by its listener and network."""


CLIENTS = 1024
"""Kinds of peers for which the offer is remembered."""


class Mechanisms:
    """The mechanisms of a server, in the order of preference."""

    def __init__(
        self,
        mechanisms: Sequence[Mechanism] = PASSWORD_MECHANISMS,
        *,
        allowed: Allowed = lambda name, peer: True,
        in_clear: Callable[[str], bool] = lambda address: False,
    ) -> None:
        """`in_clear` says whether a client at an IP address may show its password without TLS."""
        self._mechanisms = {each.name: each for each in mechanisms}
        self._allowed = allowed
        self._in_clear = in_clear
        self._offers: dict[tuple[object, ...], list[str]] = {}
        """What was on offer lately: it hangs on a few facts of a peer, and on nothing that changes."""

    def offered(self, peer: PeerInfo) -> list[str]:
        """Names to advertise: only what works on this connection now ([RFC4616] 4, [RFC4954] 4)."""
        facts = (peer.address, peer.listener, peer.tls, bool(peer.end_point), bool(peer.unique), bool(peer.certificate))
        names = self._offers.get(facts)
        if names is None:
            if len(self._offers) >= CLIENTS:
                self._offers.clear()
            private = self.is_private(peer)
            names = [each.name for each in self._mechanisms.values() if self._works(each, peer, private)]
            self._offers[facts] = names
        return names.copy()

    def offers(self, name: str, peer: PeerInfo) -> bool:
        """Whether `offered` lists a mechanism; the name in upper case."""
        each = self._mechanisms.get(name)
        return each is not None and self._works(each, peer, self.is_private(peer))

    def _works(self, each: Mechanism, peer: PeerInfo, private: bool) -> bool:
        return (private or not each.shows_secret) and each.usable(peer) and self._allowed(each.name, peer)

    def is_private(self, peer: PeerInfo) -> bool:
        """Whether a secret may be shown on this connection."""
        return peer.tls or self._in_clear(peer.address)

    def known(self, name: str, peer: PeerInfo) -> bool:
        """Whether the connection could use a mechanism once TLS protects it."""
        return name.upper() in self._mechanisms and self._allowed(name.upper(), peer)

    def create(self, name: str, peer: PeerInfo) -> SaslExchange | None:
        """Start an exchange of a mechanism that is on offer; the name matches in any case. None: it is not."""
        name = name.upper()
        return self._mechanisms[name].make(peer) if self.offers(name, peer) else None
