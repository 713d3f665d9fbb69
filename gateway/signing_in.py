"""What signing in is made of, as the settings say: the part of the composition root that is about mechanisms.

    shared = Shared.create(settings, workers=count)          # before the fork
    entrance = Entrance(settings, directory, store, shared)  # in a worker, inside the loop
    signin = entrance.open()                                 # for the front ends
    await entrance.close()

A mechanism is offered where its listener and the client's network may use it, and where it can work: NTLM and SCRAM
want the key that seals their secrets, tokens an issuer, Kerberos a keytab, EXTERNAL a certificate that was shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from config.settings import Settings
from directory.errors import ProviderError
from directory.model import Principal
from directory.networks import parsed_address
from directory.remembered import Memory
from directory.secrets import SCRAM_ITERATIONS, SCRAM_SALT
from directory.signins import OK, SignInStore
from directory.sql import SqlDirectory
from gateway.opening import make_mailbox
from gateway.runtime.process import StartError
from gateway.runtime.sharedcounters import ConnectionGate, SharedCounters
from gateway.sasl.bearer import BEARER_MECHANISMS, AskToken
from gateway.sasl.external import EXTERNAL_MECHANISM, AskCertificate
from gateway.sasl.kerberos import KerberosAcceptor, kerberos_mechanisms
from gateway.sasl.mechanism import Ask
from gateway.sasl.ntlm import AskNtlm, ChannelBinding, NtlmExchange, NtlmSettings
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import PASSWORD_MECHANISMS, Mechanism, Mechanisms
from gateway.sasl.scram import AskScram, scram_mechanisms
from gateway.services.audit import Audit
from gateway.services.guard import Guard, GuardSettings
from gateway.services.ledger import Retention, SignInLog
from gateway.services.logon import LogonPolicy, LogonService
from gateway.services.ntlm import LocalNtlmVerifier
from gateway.services.proofs import CertificateVerifier, ScramVerifier
from gateway.services.signin import SignInService, Verifier
from gateway.services.standing import Standing
from gateway.services.tokens import OAuthSettings, TokenVerifier
from gateway.services.winbind import Winbind
from store.store import Store

if TYPE_CHECKING:
    from directory.upstream import Upstream
    from directory.upstreamsettings import UpstreamSettings

log = logging.getLogger("oxgate")

PLUS = "SCRAM-SHA-256-PLUS"


@dataclass(frozen=True, slots=True)
class Shared:
    """Memory that all workers have in common. Made before the fork."""

    counters: SharedCounters
    gate: ConnectionGate
    upstream: Memory | None
    """Passwords that the upstream server found right."""

    @classmethod
    def create(cls, settings: Settings, *, workers: int) -> Shared:
        """Make it for that many workers."""
        memory = None
        if settings.upstream.servers:
            import directory.upstream  # noqa: F401  # here, so that the workers have its pages in common

            memory = Memory()
        return cls(SharedCounters.create(settings.protection.slots), ConnectionGate.create(workers), memory)


class Entrance:
    """Everything in a worker that signing in takes."""

    def __init__(
        self, settings: Settings, directory: SqlDirectory, store: Store, shared: Shared, *, first: bool = True
    ) -> None:
        """`first` tells the one worker that fills in what all share."""
        self._settings = settings
        self._directory = directory
        self._store = store
        self._inline = store.inline
        self._shared = shared
        self._first = first
        self._verifiers: dict[type[Ask], Verifier] = {}
        self._parts = AsyncExitStack()

    def open(self) -> SignInService:
        """Make the parts. Raises StartError for settings that cannot work; `close` lets go of what was made."""
        settings = self._settings
        ledger = SignInLog(settings.signins_location, retention=Retention(settings.audit.days, settings.audit.rows))
        ledger.start()
        self._parts.push_async_callback(asyncio.to_thread, ledger.stop)
        policy = logon_policy(settings)
        guard = Guard(self._shared.counters, guard_settings(settings))
        if self._first:
            self._remember_clients(guard)
        self.logon = LogonService(
            self._directory,
            policy,
            inline=self._inline,
            upstream=self._open_upstream(),
            guard=guard,
            audit=Audit(ledger),
        )
        self._parts.callback(self.logon.close)
        found = {each.name: each for each in self._mechanisms(policy)}
        order = dict.fromkeys([*map(str.upper, settings.auth.mechanisms), *found])
        self.mechanisms = Mechanisms(
            [found[name] for name in order if name in found],
            allowed=MechanismPolicy(settings),
            in_clear=plaintext_policy(settings.auth.plaintext_without_tls),
        )
        standing = Standing(self._directory, None if self._inline else asyncio.to_thread)
        watch = asyncio.get_running_loop().create_task(standing.watch(), name="watch over sign-ins")
        self._parts.push_async_callback(asyncio.wait, [watch])
        self._parts.callback(watch.cancel)
        return SignInService(self.logon, self.mechanisms, self._verifiers, standing)

    async def close(self) -> None:
        """Let go of threads, helpers and connections; what is to be recorded is written first."""
        await self._parts.aclose()

    def _open_upstream(self) -> Upstream | None:
        if not self._settings.upstream.servers:
            return None
        from directory.upstream import Upstream  # the LDAP client is loaded only where it is used: it costs 0.15 s

        def provision(principal: Principal) -> None:
            make_mailbox(self._settings, self._store, principal)

        with explained("upstream"):
            upstream = Upstream(
                upstream_settings(self._settings), self._directory, provision, memory=self._shared.upstream
            )
        self._parts.callback(upstream.close)
        return upstream

    def _remember_clients(self, guard: Guard) -> None:
        """Tell the guard, in a thread, who signed in from where before the server was started."""
        settings = self._settings

        def remember() -> None:
            now = time.time()
            try:
                with contextlib.closing(SignInStore(settings.signins_location)) as store:
                    for device in store.devices(since=now - settings.protection.known_days * 86_400.0):
                        if device.count:
                            seen = device.last if device.outcome == OK else device.first
                            guard.remember(device.account, device.address, now - seen)
            except ProviderError as error:
                log.warning("who signed in from where before the start is not known: %s", error)

        task = asyncio.get_running_loop().create_task(asyncio.to_thread(remember), name="remember clients")
        self._parts.push_async_callback(asyncio.wait, [task])

    # -- mechanisms

    def _mechanisms(self, policy: LogonPolicy) -> Iterator[Mechanism]:
        """Yield the mechanisms that can work here, and remember who answers what they ask."""
        enabled = self._settings.enabled_mechanisms
        yield from PASSWORD_MECHANISMS
        if enabled & {"SCRAM-SHA-256", PLUS}:
            yield from self._scram(policy)
        if enabled & {"XOAUTH2", "OAUTHBEARER"} and self._settings.oauth.issuer:
            with explained("oauth"):
                tokens = TokenVerifier(oauth_settings(self._settings))
            self._parts.callback(tokens.close)
            self._verifiers[AskToken] = tokens
            yield from BEARER_MECHANISMS
        if "EXTERNAL" in enabled:
            self._verifiers[AskCertificate] = CertificateVerifier(self.logon.find_user, inline=self._inline)
            yield EXTERNAL_MECHANISM
        if enabled & {"GSSAPI", "GSS-SPNEGO"} and self._settings.kerberos.keytab is not None:
            yield from self._kerberos()
        if "NTLM" in enabled:
            yield from self._ntlm()

    def _scram(self, policy: LogonPolicy) -> Iterator[Mechanism]:
        if not self._directory.sealer.ready:
            log.warning("SCRAM is not offered: there is no key file %s", self._settings.secrets_key)
            return
        if self._settings.upstream.servers:
            # A client that knows SCRAM uses it, and could never get into an account whose password is upstream.
            log.info("SCRAM is not offered: the keys of upstream accounts are not known here")
            return
        self._verifiers[AskScram] = ScramVerifier(
            self._directory,
            self.logon.find_user,
            policy,
            decoy_key=self._directory.sealer.derive("SCRAM decoys"),
            iterations=SCRAM_ITERATIONS,
            salt_length=SCRAM_SALT,
            inline=self._inline,
        )
        yield from scram_mechanisms(lambda peer: self.mechanisms.offers(PLUS, peer))

    def _kerberos(self) -> Iterator[Mechanism]:
        kerberos = self._settings.kerberos
        assert kerberos.keytab is not None
        realms = dict(one.split("=", 1) for one in kerberos.realms)
        acceptor = KerberosAcceptor(kerberos.keytab, realms, default_domain=self._settings.default_domain)
        with explained("kerberos"):
            acceptor.check()
        yield from kerberos_mechanisms(acceptor)

    def _ntlm(self) -> Iterator[Mechanism]:
        ntlm = self._settings.ntlm
        fallback = None
        if ntlm.winbind:
            winbind = Winbind(ntlm.winbind, ntlm.winbind_processes)
            self._parts.push_async_callback(winbind.close)
            fallback = winbind.verify
        elif not self._directory.sealer.ready:
            log.warning("NTLM is not offered: there is neither a key file %s nor winbind", self._settings.secrets_key)
            return
        self._verifiers[AskNtlm] = LocalNtlmVerifier(
            self._directory, self.logon.find_user, fallback, run=None if self._inline else asyncio.to_thread
        )
        values = ntlm_settings(self._settings)
        yield Mechanism("NTLM", lambda peer: NtlmExchange(values, peer), shows_secret=False)


class MechanismPolicy:
    """Which mechanisms a client may use: those of the smallest network of the settings that holds its address, else
    `auth.mechanisms`; and where its listener has a list, only those in it."""

    def __init__(self, settings: Settings) -> None:
        self._usual = _names(settings.auth.mechanisms)
        self._listeners = {one.name: _names(one.mechanisms) for one in settings.listeners if one.mechanisms}
        networks = [(ipaddress.ip_network(one.address), _names(one.mechanisms)) for one in settings.networks]
        self._networks = sorted(networks, key=lambda one: -one[0].prefixlen)
        self._at = functools.lru_cache(maxsize=1024)(self._at_address)

    def __call__(self, name: str, peer: PeerInfo) -> bool:
        """Whether the client may use a mechanism."""
        return name in self._at(peer.address) and name in self._listeners.get(peer.listener, (name,))

    def _at_address(self, text: str) -> frozenset[str]:
        address = parsed_address(text)
        if address is not None:
            for network, names in self._networks:
                if address in network:
                    return names
        return self._usual


def _names(mechanisms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.upper() for name in mechanisms)


def plaintext_policy(word: str) -> Callable[[str], bool]:
    """Turn `auth.plaintext_without_tls` into a question about the client's IP address."""
    if word == "loopback":
        return is_loopback

    def same_for_all(peer: str) -> bool:
        return word == "always"

    return same_for_all


@functools.lru_cache(maxsize=1024)
def is_loopback(peer: str) -> bool:
    """Whether the client is on this machine."""
    address = parsed_address(peer)
    return address is not None and address.is_loopback


# -- settings into the values of the parts


def logon_policy(settings: Settings) -> LogonPolicy:
    """Give what signing in goes by."""
    return LogonPolicy(
        default_domain=settings.default_domain,
        netbios_domain=settings.netbios_domain,
        domains=frozenset(name.lower() for name in settings.general.domains),
        tarpit=settings.auth.tarpit,
    )


def guard_settings(settings: Settings) -> GuardSettings:
    """Give what the guard goes by."""
    given = settings.protection
    return GuardSettings(
        default_domain=settings.default_domain,
        netbios_domain=settings.netbios_domain,
        tarpit=settings.auth.tarpit,
        max_tarpit=given.max_tarpit,
        window=given.window,
        account_failures=given.account_failures,
        address_failures=given.address_failures,
        refusal=given.refusal,
        known=given.known_days * 86_400.0,
        trusted=given.trusted,
    )


def oauth_settings(settings: Settings) -> OAuthSettings:
    """Give what tokens are verified by."""
    given = settings.oauth
    scopes: Mapping[str, tuple[str, ...]] = {
        "imap": given.imap_scopes,
        "pop3": given.pop3_scopes,
        "smtp": given.smtp_scopes,
    }
    return OAuthSettings(
        issuer=given.issuer,
        audience=given.audience,
        jwks_url=given.jwks_url,
        scopes=scopes,
        claims=given.claims,
        algorithms=given.algorithms,
        leeway=given.leeway,
        grace=given.grace,
        ca_file=given.ca,
    )


def ntlm_settings(settings: Settings) -> NtlmSettings:
    """Give who this server is to NTLM clients."""
    host = settings.general.hostname
    return NtlmSettings(
        netbios_domain=settings.netbios_domain,
        netbios_host=host.split(".")[0].upper()[:15],
        dns_domain=settings.default_domain,
        dns_host=host,
        channel_binding=cast(ChannelBinding, settings.ntlm.channel_binding),
        max_skew=settings.ntlm.max_skew,
    )


def upstream_settings(settings: Settings) -> UpstreamSettings:
    """Give where upstream accounts are."""
    from directory.upstreamsettings import UpstreamSettings

    given = settings.upstream
    return UpstreamSettings(
        servers=given.servers,
        starttls=given.starttls,
        ca=given.ca,
        bind_dn=given.bind_dn,
        bind_password_file=given.bind_password_file,
        timeout=given.timeout,
        connections=given.connections,
        hold_down=given.hold_down,
        base=given.base,
        kind=given.kind,
        filter=given.filter,
        login=given.login,
        account=given.account,
        guid=given.guid,
        address=given.address,
        display_name=given.display_name,
        netbios_domain=given.netbios_domain or settings.netbios_domain,
        dns_domain=given.dns_domain or settings.default_domain,
        default_domain=settings.default_domain,
        cache=given.cache,
        outage=given.outage,
    )


@contextmanager
def explained(section: str) -> Iterator[None]:
    """Turn what a part says of its settings into a StartError that names the section."""
    try:
        yield
    except (ProviderError, ValueError, OSError) as error:
        raise StartError(f"[{section}]: {error}") from error
