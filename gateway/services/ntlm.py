"""The verifier of NTLM responses for accounts that live here.

An account can sign in by NTLM when it has opted in, so that its NT hash is kept. NTLMv2 is taken from it anywhere;
NTLMv1 and NTLM2 session, whose hashes anybody who listens can find by trying, only where a rule allows them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from directory.errors import ProviderError
from directory.model import Principal
from gateway.sasl.ntlm import AskNtlm, NtlmProof, NtlmRefusal
from gateway.sasl.ntlmcrypto import verify_ntlm2_session, verify_ntlmv1, verify_ntlmv2
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import NOBODY, LogonRefused, RefusalKind
from gateway.services.names import LoginName, parse_login


class Finding(NamedTuple):
    """What the directory says of an account."""

    user: Principal | None
    key: bytes | None
    """Its NT hash."""
    elsewhere: bool
    """Whether somebody else may know its password."""
    allowed: bool
    """Whether the variant is, by a rule in force."""


class Rule(Protocol):
    """directory.rules.SignInRule."""

    @property
    def allow(self) -> bool:
        """Whether it allows or forbids."""


class NtlmDirectory(Protocol):
    """The part of the directory that NTLM wants."""

    def nt_hash(self, principal_id: int) -> bytes | None:
        """Give the NT hash of an account; None: it is not kept, or there is no such account."""

    def has_password(self, principal_id: int) -> bool:
        """Say whether an account has a password here."""

    def rule_for(self, principal_id: int, mechanism: str, address: str, now: float) -> Rule | None:
        """Give the most specific rule in force for an account and a mechanism at a client's IP address."""


class LocalNtlmVerifier:
    """Answers AskNtlm. Whether there is no such user, no NT hash or another password, the work is the same."""

    def __init__(
        self,
        directory: NtlmDirectory,
        find_user: Callable[[LoginName], Principal | None],
        fallback: Callable[[AskNtlm], Awaitable[bytes | None]] | None = None,
        *,
        run: Callable[[Callable[[], Finding]], Awaitable[Finding]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Look users up by `find_user`; those who have no password here go to `fallback` (winbind), if there is one.

        Whoever has one here is never asked about elsewhere: that would be another who bears the same name. `run` runs
        the lookups in a thread; None: they are short enough for the loop.
        """
        self._directory = directory
        self._find_user = find_user
        self._fallback = fallback
        self._run = run
        self._clock = clock

    async def __call__(self, ask: AskNtlm, peer: PeerInfo) -> NtlmProof | NtlmRefusal:
        """Verify a response. Raises LogonRefused (UNAVAILABLE) when nobody knows."""
        name = parse_login(ask.login)
        if name.mailbox is not None:
            return NtlmRefusal("NTLM opens one's own mailbox only; for another's sign in by LOGIN or PLAIN")
        try:
            if self._run is None:
                found = self._look_up(ask, peer, name)
            else:
                found = await self._run(lambda: self._look_up(ask, peer, name))
        except ProviderError as error:
            raise LogonRefused(RefusalKind.UNAVAILABLE, str(error)) from error
        user, key = found.user, found.key
        base_key = verify(ask, key or secrets.token_bytes(16))
        if not found.allowed:
            return NtlmRefusal(_advice(ask.variant, user, peer))
        if found.elsewhere and self._fallback is not None:
            if "@" in ask.user and ask.domain:
                # There it would be an account of that domain, here the address of somebody who may be in another.
                return NtlmRefusal("an address as the user's name, and a domain as well: leave one of them out")
            base_key = await self._fallback(ask)
        elif user is None:
            return NtlmRefusal("unknown user")
        elif key is None:
            return NtlmRefusal(f"no NT hash is kept; to keep one: oxgate user nt-hash enable {user.address}")
        if base_key is None:
            return NtlmRefusal("wrong password")
        return NtlmProof(base_key, user.id if user is not None else NOBODY, ask.login)

    def _look_up(self, ask: AskNtlm, peer: PeerInfo, name: LoginName) -> Finding:
        user = self._find_user(name)
        number = user.id if user is not None else NOBODY
        key = self._directory.nt_hash(number)
        elsewhere = key is None and not self._directory.has_password(number)
        if ask.variant == "NTLM":
            return Finding(user, key, elsewhere, True)
        rule = self._directory.rule_for(number, ask.variant, peer.address, self._clock())
        return Finding(user, key, elsewhere, rule is not None and rule.allow)


def verify(ask: AskNtlm, key: bytes) -> bytes | None:
    """Give the session base key when the response was made with this NT hash, else None."""
    if ask.variant == "NTLM":
        return verify_ntlmv2(key, ask.user, ask.domains, ask.server_challenge, ask.nt_response)
    if ask.variant == "NTLM2-SESSION":
        return verify_ntlm2_session(key, ask.server_challenge, ask.client_challenge, ask.nt_response)
    return verify_ntlmv1(key, ask.server_challenge, ask.nt_response)


def _advice(variant: str, user: Principal | None, peer: PeerInfo) -> str:
    """Say in the log what became of an old variant, and what its owner can do."""
    account = user.address if user is not None else "ADDRESS"
    return (
        f"{variant} is refused: make the client use NTLMv2 or a password over TLS; to allow it for a while: "
        f"oxgate devices allow {account} {variant} --network {peer.address} --until DATE"
    )
