"""What LogonService stands on, as it sees it: the directory, the guard against guessing, a server upstream."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from directory.apppasswords import AppPassword
from directory.model import Principal
from directory.provider import DirectoryProvider
from directory.rules import SignInRule
from gateway.sasl.peer import PeerInfo


class LogonDirectory(DirectoryProvider, Protocol):
    """The directory, with what signing in keeps there."""

    def remembers_password(self, principal_id: int, password: str, *, within: float = 0.0) -> bool:
        """Say whether verify_password would say yes at once."""

    def verify_app_password(self, principal_id: int, secret: str, scope: str, *, address: str) -> AppPassword | None:
        """Find the app password that this is; None: it is none, or not for this protocol, or has expired."""

    def explain_app_password(self, principal_id: int, secret: str, scope: str) -> str:
        """Say why verify_app_password said no to what is an app password; empty: it is none."""

    def lacks_secrets(self, principal_id: int, *, within: float = 0.0) -> bool:
        """Say whether something is wanted that only the clear password can give."""

    def fill_secrets(self, principal_id: int, password: str) -> bool:
        """Derive and keep it."""

    def rule_for(
        self, principal_id: int, mechanism: str, address: str, now: float, *, within: float = 0.0
    ) -> SignInRule | None:
        """Find the most specific rule in force."""


class Guard(Protocol):
    """services.guard.Guard: what stands against guessing."""

    def admission(self, login: str, peer: PeerInfo) -> AbstractAsyncContextManager[None]:
        """Hold a place for an attempt, perhaps after a while; raises LogonRefused(TOO_MANY), itself delayed."""

    def failed(self, login: str, peer: PeerInfo) -> None:
        """Count a failure."""

    def succeeded(self, login: str, peer: PeerInfo) -> None:
        """Note that the account signed in from there."""

    def delay(self, login: str, peer: PeerInfo) -> float:
        """Seconds until the failure is answered."""


class Upstream(Protocol):
    """directory.upstream.Upstream: a server that knows passwords."""

    def owns(self, principal: Principal) -> bool:
        """Say whether the account's password is there and not here."""

    def remembers(self, principal: Principal, password: str) -> bool:
        """Say whether `verify` would say yes at once."""

    def verify(
        self, user: str, domain: str | None, password: str, *, known: Principal | None = None
    ) -> Principal | None:
        """Give the account when the password is right. Raises ProviderError when no server can say."""

    def find(self, user: str, domain: str | None) -> Principal | None:
        """Find the account here that a name there means; asks nobody."""

    def introduce(self, user: str, domain: str | None) -> Principal | None:
        """Make the account of somebody whose name was proved otherwise. Raises ProviderError."""

    def is_fresh(self, principal: Principal) -> bool:
        """Say whether `current` would have nothing to ask."""

    def current(self, principal: Principal) -> Principal:
        """Give an account as it stands there now: it may be disabled."""
