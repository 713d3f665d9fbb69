"""Which mechanisms there are, and which of them a connection may be offered."""

from __future__ import annotations

from gateway.sasl.login import LoginExchange
from gateway.sasl.mechanism import MechanismFactory, SaslExchange
from gateway.sasl.plain import PlainExchange

MECHANISMS: dict[str, MechanismFactory] = {
    PlainExchange.name: PlainExchange,
    LoginExchange.name: LoginExchange,
}
"""Name in upper case -> factory of a fresh exchange, in the order of preference."""


def create(name: str) -> SaslExchange | None:
    """Start an exchange of that mechanism; the name matches in any case. None: unknown."""
    factory = MECHANISMS.get(name.upper())
    return factory() if factory is not None else None


def offered(tls: bool, plaintext_allowed: bool) -> list[str]:
    """Names to advertise; those that show the password need TLS, or a policy that does without ([RFC4616] 4)."""
    return list(MECHANISMS) if tls or plaintext_allowed else []
