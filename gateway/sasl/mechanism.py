"""The shape of a SASL mechanism, and the line rules that every protocol shares ([RFC4422] 3.3, 3.4, 3.4.1, 4, 5).

An exchange is sans-IO: it is fed decoded responses and answers with the next step.

    Challenge        octets for the client; its response is the next call of `step`
    Ask              a question that only a verifier can answer: is this proof right, what are this user's keys. Whoever
                     drives the exchange finds the answer, which may take a while, and hands it to `answer`
    PasswordAttempt  the end: a name and a password, still to be verified
    ProvedAttempt    the end: the mechanism and its verifier have established who it is; what he may is still open
    Failure          the end, without a sign-in

gateway.services.signin drives exchanges for all front ends. `respond` does what every protocol does alike with a line:
`*`, base64, its length; it serves the initial response as well (there `=` stands for an empty one, [RFC4954] 4,
[RFC4959] 3). Nothing here is repeated to a log: the reprs hide what is secret.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from gateway.sasl.peer import PeerInfo

MAX_LINE = 17_408
"""Octets of one base64 line, CRLF not counted. [RFC4954] 4 asks for 12,288; an access token of 12 KiB needs more."""

MAX_NAME = 1024
"""Octets of an identity: [RFC4616] 2 asks for at least 255 characters."""

MAX_PASSWORD = 1024
"""Octets of a password; a longer one would only buy hashing time."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server's next words, not yet in base64; empty is a challenge too."""

    data: bytes
    text: str = ""
    """What SMTP says in place of empty data, as it is ([MS-OXSMTP] 2.2.1: any text will do)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to a verifier. Each mechanism that asks has its own kind, and says there what the answer is."""


@dataclass(frozen=True, slots=True)
class PasswordAttempt:
    """An exchange that ended with a name and a clear password, still to be verified.

    `login` is as typed, in any of the forms of [MS-OXIMAP4] 2.2.2. `authorization` is the identity to act as
    ([RFC4616] 2), None when it is the same.
    """

    login: str
    password: str = field(repr=False)
    authorization: str | None = None
    mechanism: str = "PLAIN"
    """PLAIN, LOGIN, or COMMAND for IMAP LOGIN and POP3 PASS."""


@dataclass(frozen=True, slots=True)
class ProvedAttempt:
    """An exchange that ended with a proof of who it is."""

    mechanism: str
    """What it was proved by, for audit and policy: the mechanism's name, or a variant such as `NTLMv1`."""
    login: str
    """The name proved, in any of the forms of [MS-OXIMAP4] 2.2.2."""
    authorization: str | None = None
    """The identity to act as, None when it is the same."""
    principal: int = 0
    """The number of the account, where the verifier has found it; 0: it is still to be looked up."""
    until: float | None = None
    """Unix seconds at which the proof runs out, such as a token's; None for never."""
    last: bytes | None = field(default=None, repr=False)
    """What the client still has to hear once it is signed in, and answers with nothing ([RFC4422] 3.6)."""


class FailureKind(Enum):
    """Why an exchange ended without an attempt."""

    MALFORMED = auto()
    """Not base64, or not the mechanism's message."""
    UNREADABLE = auto()
    """Base64 of what NTLM cannot read; IMAP answers as it does a wrong password ([MS-OXIMAP4] 3.2.5.1.2.4)."""
    TOO_LONG = auto()
    """A line over MAX_LINE; in SMTP `500 5.5.6` ([RFC4954] 4)."""
    CANCELLED = auto()
    """The client sent `*`."""
    UNSUPPORTED = auto()
    """No mechanism of that name here."""
    NEEDS_TLS = auto()
    """There is one, but not without TLS."""
    CREDENTIALS = auto()
    """Well formed and hopeless: an empty name or password. Answered like a wrong password ([MS-XLOGIN] 3.2.5)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An exchange that is over. `text` names no secret and may go into a reply or a log."""

    kind: FailureKind
    text: str
    login: str = ""
    """Who tried, as far as the client has said; for the audit log."""
    mechanism: str = ""
    """The variant of the mechanism, such as `NTLMv1`, where it has some; for the audit log."""


Step = Challenge | Ask | PasswordAttempt | ProvedAttempt | Failure


class SaslExchange(Protocol):
    """One authentication exchange, used once."""

    @property
    def name(self) -> str:
        """The registered mechanism name, upper case."""
        ...

    @property
    def client_first(self) -> bool:
        """Whether the client speaks first ([RFC4422] 5, item 2a)."""
        ...

    def step(self, response: bytes | None) -> Step:
        """Take the client's response (None: it has sent none yet) and say what comes next."""
        ...


class AskingExchange(SaslExchange, Protocol):
    """An exchange that may return an Ask."""

    def answer(self, answer: Any) -> Step:
        """Take the answer to the Ask returned last, and say what comes next."""
        ...


class SaslSyntaxError(ValueError):
    """A response line that is not what [RFC4954] 4 allows."""


class SaslTooLong(SaslSyntaxError):
    """A response line over MAX_LINE octets."""


def is_cancel(line: bytes) -> bool:
    """Tell whether the client gave up with `*` ([RFC3501] 6.2.2, [RFC4954] 4); trailing blanks are forgiven."""
    return line.rstrip() == b"*"


def decode_response(line: bytes) -> bytes:
    """Decode one response line, without its CRLF; `=` and an empty line are the empty response ([RFC4954] 4).

    Strict: no character outside the alphabet, no blank inside, padding where it belongs ([RFC4648] 3.3). Trailing
    blanks are forgiven. Raises SaslSyntaxError, SaslTooLong.
    """
    if len(line) > MAX_LINE:
        raise SaslTooLong("response line too long")
    line = line.rstrip(b" \t\r\n")
    if not line or line == b"=":
        return b""
    if len(line) % 4 or b"===" in line:  # strict_mode lets surplus padding through
        raise SaslSyntaxError("response is not base64")
    try:
        return binascii.a2b_base64(line, strict_mode=True)
    except binascii.Error as error:
        raise SaslSyntaxError("response is not base64") from error


def encode_challenge(challenge: Challenge) -> bytes:
    """Put a challenge into base64 on one line, however long, without CRLF."""
    return binascii.b2a_base64(challenge.data, newline=False)


def respond(exchange: SaslExchange, line: bytes | None) -> Step:
    """Feed the client's line, still in base64, to an exchange (None: AUTH came without an initial response)."""
    if line is None:
        return exchange.step(None)
    if is_cancel(line):
        return Failure(FailureKind.CANCELLED, "cancelled by client")
    try:
        response = decode_response(line)
    except SaslTooLong as error:
        return Failure(FailureKind.TOO_LONG, str(error))
    except SaslSyntaxError as error:
        return Failure(FailureKind.MALFORMED, str(error))
    return exchange.step(response)


MechanismFactory = Callable[[PeerInfo], SaslExchange]
