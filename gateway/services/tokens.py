"""Access tokens of an OpenID Connect issuer: JSON Web Tokens ([RFC7519], [RFC9068]), verified by the issuer's keys.

    verifier = TokenVerifier(OAuthSettings(issuer="https://id.example.com/realms/mail", audience=("mail",)))
    answer = await verifier(AskToken(...), peer)       # TokenAnswer, or TokenRefusal

What keeps a forged token out ([RFC8725]): only the algorithms of the settings, all of them asymmetric, so neither
`none` nor a public key taken for a shared secret; a key serves only its own algorithm and kind; issuer and audience
must be named as in the settings. What was wrong with a token is logged; the client learns only what it can mend.

The issuer's keys are fetched in a thread, kept, and fetched again when they are old or a token names an unknown one,
at most once a minute. The issuer may be away: as long as the key of a token is known, that does not matter.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from joserfc import jwk, jws
from joserfc.errors import JoseError

from gateway.sasl.bearer import MAX_TOKEN, AskToken, TokenAnswer, TokenRefusal
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import LogonRefused, RefusalKind

__all__ = ["OAuthSettings", "TokenVerifier"]

log = logging.getLogger("oxgate.tokens")

REFRESH_SECONDS = 60.0
"""Between two attempts to fetch the keys: anybody can make up tokens with unknown ones."""
RETRY_SECONDS = 5.0
"""The same while there are none yet, so that nobody can sign in."""
OLD_SECONDS = 3600.0
"""Age at which keys are fetched again, so that a key that the issuer has withdrawn goes here too."""
MAX_DOCUMENT = 512 * 1024
"""Octets of a key set or a discovery document."""
MAX_KEYS = 64
"""Keys of a set that are looked at; issuers have two to ten."""
TIMEOUT = 10.0
"""Seconds for one document, from the first octet to the last."""

_TYPES = ("jwt", "at+jwt", "application/at+jwt", "application/jwt")
"""`typ` of what may be an access token ([RFC9068] 2.1, [RFC8725] 3.11); without one it is not known to be another."""

_KINDS = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""The kind of key that a family of algorithms takes ([RFC7518] 3.1, [RFC8037] 3.1). No family with a shared secret."""


@dataclass(frozen=True, slots=True)
class OAuthSettings:
    """Whose tokens are taken, and for what."""

    issuer: str
    """As in `iss`, character by character; an https URL."""
    audience: Collection[str]
    """`aud` must name one of these: a token for another service is no good here ([RFC9068] 4)."""
    jwks_url: str = ""
    """Where the keys are; empty: the issuer's `/.well-known/openid-configuration` says."""
    scopes: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By protocol: scopes or roles of which a token must have one. A protocol that is not there needs none."""
    claims: Sequence[str] = ("upn", "preferred_username", "email")
    """Claims that name the account; the first one that a token has counts."""
    algorithms: Collection[str] = ("RS256", "ES256", "PS256")
    leeway: float = 60.0
    """Seconds that the issuer's clock and ours may differ."""
    grace: float = 60.0
    """Seconds that a session outlives its token."""
    ca_file: Path | None = None
    """CA of the issuer's certificate, PEM; None: those that the system trusts."""


class BadToken(Exception):
    """A token that is refused; the text is for the log."""

    def __init__(self, reason: str, status: str = "invalid_token", login: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.login = login


class UnknownKey(Exception):
    """No key of the set can have signed the token."""


class IssuerAway(Exception):
    """The issuer does not answer, or not with what was asked for."""


class TokenVerifier:
    """Answers AskToken. One instance serves a worker, on its loop."""

    def __init__(
        self,
        settings: OAuthSettings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError for a URL or an algorithm that cannot be."""
        for url in (settings.issuer, *filter(None, [settings.jwks_url])):
            if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
                raise ValueError(f"{url}: not an https URL")
        if not settings.audience:
            raise ValueError("no audience: tokens for other services would be taken")
        if unfit := [name for name in settings.algorithms if name[:2] not in _KINDS]:
            raise ValueError(f"{unfit[0]}: not an algorithm with a public key")
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._registry = jws.JWSRegistry(algorithms=list(settings.algorithms), strict_check_header=False)
        self._registry.max_header_length = MAX_TOKEN  # 512 by default: certificates in the header would not fit
        self._configuration = settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        self._fetcher = _Fetcher(settings.ca_file)
        self._keys: list[jwk.Key] = []
        self._fetched = -math.inf
        self._tried = -math.inf
        self._away = ""
        self._fetching: asyncio.Task[None] | None = None

    async def __call__(self, ask: AskToken, peer: PeerInfo) -> TokenAnswer | TokenRefusal:
        """Verify a token. Raises LogonRefused (UNAVAILABLE) where that takes a key that cannot be had now."""
        wanted = self._settings.scopes.get(peer.protocol, ())
        try:
            login, until = await self._verify(ask.token, wanted)
        except BadToken as bad:
            log.info("token of %r refused, %s %s: %s", bad.login, peer.protocol, peer.address, bad)
            return TokenRefusal(bad.status, " ".join(wanted), self._configuration, str(bad), bad.login)
        return TokenAnswer(login, ask.authorization, until)

    def close(self) -> None:
        """Stop fetching."""
        if self._fetching is not None:
            self._fetching.cancel()

    async def _verify(self, token: str, wanted: Collection[str]) -> tuple[str, float]:
        """Tell who owns the token and until when it is good ([RFC7519] 7.2). Raises BadToken, LogonRefused."""
        if not token:
            raise BadToken("no token", "invalid_token")
        signed = self._read(token)
        if self._monotonic() - self._fetched > OLD_SECONDS:
            await self._refresh(wait=not self._keys)
        try:
            self._check_signature(signed)
        except UnknownKey as unknown:
            await self._refresh()
            try:
                self._check_signature(signed)
            except UnknownKey:
                if self._away:
                    raise LogonRefused(RefusalKind.UNAVAILABLE, f"issuer's keys: {self._away}") from None
                raise BadToken(str(unknown)) from None
        return self._check_claims(signed.payload, wanted)

    def _read(self, token: str) -> jws.CompactSignature:
        """Take a token apart, before anything in it is believed ([RFC7519] 6, 8)."""
        try:
            signed = jws.extract_compact(token.encode(), registry=self._registry)
            header = signed.headers()
            if not isinstance(header, dict):
                raise BadToken("not a signed JSON Web Token", "invalid_request")
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
            raise BadToken("not a signed JSON Web Token", "invalid_request") from None
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._settings.algorithms:
            raise BadToken(f"algorithm {algorithm!r:.40} is not allowed")
        if "crit" in header:
            raise BadToken("header has critical extensions")
        kind = header.get("typ", "JWT")
        if not isinstance(kind, str) or kind.lower() not in _TYPES:
            raise BadToken(f"type {kind!r:.40} is not that of an access token")
        return signed

    def _check_signature(self, signed: jws.CompactSignature) -> None:
        """Check the signature. Raises UnknownKey, BadToken."""
        header = signed.headers()
        algorithm, kid = header["alg"], header.get("kid")
        keys = [
            key
            for key in self._keys
            if key.key_type == _KINDS[algorithm[:2]]
            and key.get("alg", algorithm) == algorithm
            and (kid is None or key.kid == kid)
        ]
        if not keys:
            raise UnknownKey(f"issuer has no {algorithm} key {kid!r:.80}")
        for key in keys:
            try:
                if jws.validate_compact(signed, key, registry=self._registry):
                    return
            except (JoseError, ValueError, TypeError) as error:
                log.debug("key %s: %s", key.kid, error)
        if kid is None:
            raise UnknownKey("signed by none of the issuer's keys")
        raise BadToken("wrong signature")

    def _check_claims(self, payload: bytes, wanted: Collection[str]) -> tuple[str, float]:
        """Read the claims of a token whose signature is right.

        [RFC7519] 4.1, 4.1.1, 4.1.3 to 4.1.5, 7.3; [RFC9068] 4.
        """
        try:
            claims = json.loads(payload)
        except (ValueError, RecursionError):
            raise BadToken("claims are not JSON") from None
        if not isinstance(claims, dict):
            raise BadToken("claims are not an object")
        settings, now = self._settings, self._clock()
        login = self._login(claims)
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, begins, issued = (_seconds(claims.get(name)) for name in ("exp", "nbf", "iat"))
        reason = ""
        if claims.get("iss") != settings.issuer:
            reason = "another issuer"
        elif not any(isinstance(each, str) and each in settings.audience for each in audiences):
            reason = "another audience"
        elif expires is None:
            reason = "no time of expiry"
        elif now >= expires + settings.leeway:
            reason = f"expired {now - expires:.0f} s ago"
        elif any(name in claims and time is None for name, time in (("nbf", begins), ("iat", issued))):
            reason = "times are not numbers"
        elif begins is not None and now < begins - settings.leeway:
            reason = f"not valid for another {begins - now:.0f} s"
        elif issued is not None and now < issued - settings.leeway:
            reason = f"issued {issued - now:.0f} s from now"
        elif "cnf" in claims:
            reason = "bound to a key, which cannot be proved here"
        if reason or expires is None:
            raise BadToken(reason, login=login)
        if wanted and not _granted(claims) & set(wanted):
            raise BadToken(f"no scope or role of: {' '.join(wanted)}", "insufficient_scope", login)
        if not login:
            raise BadToken(f"names no account in: {' '.join(settings.claims)}")
        return login, expires + max(settings.leeway, settings.grace)

    def _login(self, claims: dict[str, Any]) -> str:
        """Find the account's name, among the private claims ([RFC7519] 4.3): "" when there is none.

        A separator would make it another form of login name ([MS-OXIMAP4] 2.2.2), with a domain or mailbox of the
        user's choice where the issuer lets users choose names. A mail address may be anybody's unless the issuer says
        that it has verified it: guests of a Microsoft tenant have the one that their own administrator wrote down.
        """
        for name in self._settings.claims:
            value = claims.get(name)
            if not isinstance(value, str) or not value:
                continue
            if name == "email" and claims.get("email_verified") not in (True, "true"):
                continue
            return value if value.isprintable() and len(value) <= 320 and not set(value) & {"/", "\\"} else ""
        return ""

    async def _refresh(self, *, wait: bool = True) -> None:
        """Fetch the keys again, unless that was tried a moment ago; everybody who wants it waits for the same fetch."""
        if self._fetching is None:
            if self._monotonic() - self._tried < (REFRESH_SECONDS if self._keys else RETRY_SECONDS):
                return
            self._tried = self._monotonic()
            self._fetching = asyncio.create_task(self._fetch(), name="fetch the issuer's keys")
        if wait:
            await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            keys = await asyncio.wait_for(asyncio.to_thread(self._load), 2 * TIMEOUT)
        except (IssuerAway, TimeoutError) as error:
            self._away = str(error) or "timeout"
            log.warning("keys of %s cannot be fetched: %s", self._settings.issuer, self._away)
        except Exception:
            self._away = "unexpected answer"
            log.exception("keys of %s cannot be fetched", self._settings.issuer)
        else:
            self._keys, self._away = keys, ""
            self._fetched = self._monotonic()
            log.info("keys of %s fetched: %s", self._settings.issuer, " ".join(str(key.kid) for key in keys))
        finally:
            self._fetching = None

    def _load(self) -> list[jwk.Key]:
        """Fetch the keys, in a thread. Raises IssuerAway."""
        url = self._settings.jwks_url
        if not url:
            found = self._fetcher.get(self._configuration)
            if found.get("issuer") != self._settings.issuer:  # [OpenID Connect Discovery] 4.3
                raise IssuerAway(f"{self._configuration} is about another issuer")
            url = str(found.get("jwks_uri"))
            if urlsplit(url).scheme != "https":
                raise IssuerAway(f"{self._configuration} names no https URL of keys")
        listed = self._fetcher.get(url).get("keys")
        keys = [key for each in listed[:MAX_KEYS] if (key := _read_key(each))] if isinstance(listed, list) else []
        if not keys:
            raise IssuerAway(f"{url} has no keys that could be used")
        return keys


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is asked for is where the settings say: a redirect could lead out of TLS, or to a neighbour."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Do not follow."""


class _Fetcher:
    """Gets JSON objects over HTTPS; the environment's proxies are used."""

    def __init__(self, ca_file: Path | None) -> None:
        context = ssl.create_default_context(cafile=ca_file)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect())

    def get(self, url: str) -> dict[str, Any]:
        """Get one object. Raises IssuerAway."""
        try:
            document = json.loads(self._read(url))
        except urllib.error.HTTPError as error:
            error.close()
            raise IssuerAway(f"{url}: {error}") from error
        except (OSError, HTTPException, ValueError, RecursionError) as error:
            raise IssuerAway(f"{url}: {error}") from error
        if not isinstance(document, dict):
            raise IssuerAway(f"{url}: not a JSON object")
        return document

    def _read(self, url: str) -> bytes:
        end = time.monotonic() + TIMEOUT
        request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310 - https only, checked
        data = bytearray()
        with self._opener.open(request, timeout=TIMEOUT / 2) as response:
            while piece := response.read1(65_536):
                data += piece
                if len(data) > MAX_DOCUMENT:
                    raise IssuerAway(f"{url}: over {MAX_DOCUMENT} octets")
                if time.monotonic() > end:
                    raise IssuerAway(f"{url}: takes over {TIMEOUT:.0f} s")
        return bytes(data)


def _read_key(data: Any) -> jwk.Key | None:
    """Read one key of a set; None for what does not verify signatures, or not safely: a shared secret, a short key."""
    if not isinstance(data, dict) or data.get("kty") not in _KINDS.values() or data.get("use", "sig") != "sig":
        return None
    if data["kty"] == "RSA" and len(str(data.get("n", ""))) < 340:  # 2048 bits in base64url are 342 characters
        return None
    try:
        key = jwk.import_key({name: value for name, value in data.items() if name != "key_ops"}, data["kty"])
        _ = key.public_key
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        log.debug("key %r of the issuer is left out: %s", data.get("kid"), error)
        return None
    return key


def _seconds(value: Any) -> float | None:
    """Read a NumericDate ([RFC7519] 2)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _granted(claims: dict[str, Any]) -> set[str]:
    """Collect scopes and roles: `scope` ([RFC9068] 2.2.3), `scp` and `roles` (Microsoft), as a string or a list."""
    granted: set[str] = set()
    for name in ("scope", "scp", "roles"):
        value = claims.get(name)
        if isinstance(value, str):
            granted.update(value.split())
        elif isinstance(value, list):
            granted.update(each for each in value if isinstance(each, str))
    return granted
