"""XOAUTH2 (Google, Microsoft) and OAUTHBEARER ([RFC7628]): an access token in place of a password.

Whether a token is any good only a verifier can tell: AskToken asks, TokenAnswer or TokenRefusal answers. A refusal is
told to the client as a challenge with a JSON object, so that it can fetch a better token; whatever it sends then, the
exchange has failed ([RFC7628] 3.2.3; XOAUTH2 clients send an empty line, a dummy or `*`).
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from gateway.sasl.mechanism import MAX_NAME, Ask, Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.registry import Mechanism

MAX_TOKEN = 12_288
"""Octets of an access token; those of large issuers have 1 to 4 KiB."""

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*+")
"""b64token ([RFC6750] 2.1)."""

_SCHEME = re.compile(rb"bearer +", re.IGNORECASE)

_SASLNAME = re.compile(r"(?:[^=,\0]|=2C|=3D)+")
"""A name with `,` and `=` escaped ([RFC5801] 4)."""

_STATUS = {"invalid_request": "400"}
"""XOAUTH2 says in the numbers of HTTP what OAUTHBEARER says in words; what is not here is 401."""


@dataclass(frozen=True, slots=True)
class AskToken(Ask):
    """Whose token is this, and is it good here? Answered by TokenAnswer or TokenRefusal.

    An empty token is a client's question which scope and issuer are wanted ([RFC7628] 4.3), to be refused.
    """

    mechanism: str
    token: str = field(repr=False)
    authorization: str | None = None
    """The identity to act as; in XOAUTH2 the name in `user=`, mostly that of the token's owner himself."""

    @property
    def login(self) -> str:
        """Who tries, as far as the client has said."""
        return self.authorization or ""


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The token is good."""

    login: str
    """Its owner."""
    authorization: str | None = None
    """The identity to act as."""
    until: float | None = None
    """Unix seconds at which the session must end."""


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """The token is no good. The client learns the first three, the log the rest."""

    status: str = "invalid_token"
    """An error of the registry that [RFC6750] 3.1 began: invalid_request, invalid_token, insufficient_scope."""
    scope: str = ""
    """The scopes that would do, divided by spaces."""
    configuration: str = ""
    """Where the issuer describes itself, as a URL."""
    reason: str = "token refused"
    login: str = ""
    """Whom the token names, as far as that is known."""


class _BearerExchange(ABC):
    """What both have in common: one message with a token, and the refusal ([RFC7628] 3.2, 3.2.1)."""

    __slots__ = ("_asked", "_refusal")
    name: str
    client_first = True

    def __init__(self) -> None:
        self._asked: AskToken | None = None
        self._refusal: Failure | None = None

    @property
    def ending(self) -> Failure | None:
        """What the exchange ends with, whatever the client's next line is; None: that depends on the line."""
        return self._refusal

    def step(self, response: bytes | None) -> Step:
        """Ask for the message with an empty challenge, read it, or end what has failed."""
        if self._refusal is not None:
            return self._refusal
        if response is None:
            return Challenge(b"")
        step = self._read(response)
        if isinstance(step, AskToken):
            self._asked = step
        return step

    def answer(self, answer: TokenAnswer | TokenRefusal) -> Step:
        """Take the verifier's word."""
        if isinstance(answer, TokenAnswer):
            return ProvedAttempt(self.name, answer.login, answer.authorization, until=answer.until)
        login = answer.login or (self._asked.login if self._asked is not None else "")
        self._refusal = Failure(FailureKind.CREDENTIALS, answer.reason, login)
        return Challenge(json.dumps(self._tell(answer), separators=(",", ":")).encode())

    @abstractmethod
    def _read(self, message: bytes) -> AskToken | Failure: ...

    @abstractmethod
    def _tell(self, refusal: TokenRefusal) -> dict[str, str]: ...


class XOAuth2Exchange(_BearerExchange):
    """`user=` name ^A `auth=Bearer ` token ^A ^A; `user` may be a shared mailbox."""

    __slots__ = ()
    name = "XOAUTH2"

    def _read(self, message: bytes) -> AskToken | Failure:
        pairs = _pairs(message)
        if pairs is None or b"auth" not in pairs or b"user" not in pairs:
            return Failure(FailureKind.MALFORMED, "XOAUTH2 message is malformed")
        token = _token(pairs[b"auth"])
        user = _text(pairs[b"user"])
        if token is None or user is None:
            return Failure(FailureKind.MALFORMED, "XOAUTH2 message is malformed")
        return AskToken(self.name, token, user or None)

    def _tell(self, refusal: TokenRefusal) -> dict[str, str]:
        return {
            "status": _STATUS.get(refusal.status, "401"),
            "schemes": "bearer",
            **({"scope": refusal.scope} if refusal.scope else {}),
        }


class OAuthBearerExchange(_BearerExchange):
    """A GS2 header, ^A, `key=value` ^A ..., ^A ([RFC7628] 3.1, 3.1.1). No channel binding ([RFC7628] 3)."""

    __slots__ = ()
    name = "OAUTHBEARER"

    def _read(self, message: bytes) -> AskToken | Failure:
        header, _, rest = message.partition(b"\1")
        pairs = _pairs(rest)
        flag, *after = header.split(b",")
        if flag not in (b"n", b"y") or len(after) != 2 or after[1] or pairs is None or b"auth" not in pairs:
            return Failure(FailureKind.MALFORMED, "OAUTHBEARER message is malformed")
        token = _token(pairs[b"auth"])
        authorization = read_authzid(after[0])
        if token is None or authorization is None:
            return Failure(FailureKind.MALFORMED, "OAUTHBEARER message is malformed")
        return AskToken(self.name, token, authorization or None)

    def _tell(self, refusal: TokenRefusal) -> dict[str, str]:
        """[RFC7628] 3.2.2."""
        return {
            "status": refusal.status,
            **({"scope": refusal.scope} if refusal.scope else {}),
            **({"openid-configuration": refusal.configuration} if refusal.configuration else {}),
        }


BEARER_MECHANISMS = (
    Mechanism("OAUTHBEARER", lambda peer: OAuthBearerExchange()),
    Mechanism("XOAUTH2", lambda peer: XOAuth2Exchange()),
)


def read_authzid(field: bytes) -> str | None:
    """Read the `a=` of a GS2 header ([RFC5801] 4): "" when there is none, None when it is wrong."""
    if not field:
        return ""
    return read_saslname(field[2:]) if field.startswith(b"a=") else None


def read_saslname(data: bytes) -> str | None:
    """Decode a saslname ([RFC5801] 4, [RFC5802] 5.1): UTF-8, `=2C` is a comma, `=3D` an equals sign. None: wrong."""
    text = _text(data)
    if text is None or not _SASLNAME.fullmatch(text):
        return None
    return text.replace("=2C", ",").replace("=3D", "=")


def _pairs(data: bytes) -> dict[bytes, bytes] | None:
    """Read `key=value` ^A ... ^A; None: it is not that, or names a key twice."""
    if not data.endswith(b"\1\1"):
        return None
    pairs: dict[bytes, bytes] = {}
    for pair in data[:-2].split(b"\1"):
        key, equals, value = pair.partition(b"=")
        if not equals or not key.isalpha() or key in pairs:
            return None
        pairs[key] = value
    return pairs


def _token(value: bytes) -> str | None:
    """Read `Bearer` and a token; an empty value is an empty token ([RFC7628] 4.3); None: it is something else."""
    if not value:
        return ""
    scheme = _SCHEME.match(value)
    token = value[scheme.end() :] if scheme else b""
    return token.decode() if len(token) <= MAX_TOKEN and _TOKEN.fullmatch(token) else None


def _text(data: bytes) -> str | None:
    """Decode a name."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if len(data) <= MAX_NAME and "\0" not in text else None
