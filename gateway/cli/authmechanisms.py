"""The client's side of the mechanisms, for `oxgate auth test`: each says in words what it sends and what it heard.

Words never hold a secret: a password, a token or a response computed from one is written `<hidden>`.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from gateway.sasl.ntlm import Variant
from gateway.sasl.ntlmclient import NtlmClient
from gateway.sasl.ntlmmessages import Av, NtlmSyntaxError, read_challenge, read_pairs

HIDDEN = "<hidden>"


class Turn(NamedTuple):
    """What the client says next."""

    data: bytes
    words: str
    """What that is, without secrets."""
    heard: str = ""
    """What the challenge before it meant."""


class ClientError(Exception):
    """The client cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Try:
    """What is to be tried: who, with what, over what."""

    login: str
    secret: str = field(repr=False)
    """A password or a token."""
    mailbox: str = ""
    protocol: str = "imap"
    host: str = ""
    port: int = 0
    end_point: bytes = b""
    """The channel binding of the connection, once there is TLS."""

    @property
    def delegate_login(self) -> str:
        """The login name that asks for another's mailbox ([MS-OXIMAP4] 2.2.2)."""
        return f"{self.login}/{self.mailbox}" if self.mailbox else self.login

    @property
    def as_mailbox(self) -> str:
        """The words that name the mailbox."""
        return f", mailbox {self.mailbox}" if self.mailbox else ""


class Client(Protocol):
    """One exchange, seen from the client."""

    def first(self) -> Turn | None:
        """Give the initial response; None: the server speaks first."""

    def answer(self, challenge: bytes) -> Turn:
        """Answer a challenge. Raises ClientError."""


class Plain:
    """[RFC4616]."""

    def __init__(self, trial: Try) -> None:
        self._try = trial

    def first(self) -> Turn:
        """Name and password, in one message."""
        parts = (self._try.mailbox, self._try.login, self._try.secret)
        return Turn(
            "\0".join(parts).encode(),
            f"the name {self._try.login}{self._try.as_mailbox}, and the password {HIDDEN}",
        )

    def answer(self, challenge: bytes) -> Turn:
        """There is nothing more to say."""
        raise ClientError("the server asks for more than PLAIN has")


class Login:
    """[MS-XLOGIN] 2.2.2."""

    def __init__(self, trial: Try) -> None:
        self._try = trial

    def first(self) -> None:
        """The server asks first."""

    def answer(self, challenge: bytes) -> Turn:
        """Answer the prompt; many clients compare it with just these two."""
        if challenge == b"Username:":
            name = self._try.delegate_login
            return Turn(name.encode(), f"the name {name}", "It asks for the name.")
        if challenge == b"Password:":
            return Turn(self._try.secret.encode(), f"the password {HIDDEN}", "It asks for the password.")
        raise ClientError(f"the prompt {challenge[:40]!r} is neither `Username:` nor `Password:`")


class Ntlm:
    """[MS-NLMP] 3.1."""

    def __init__(self, trial: Try, variant: Variant) -> None:
        domain, _, user = trial.login.rpartition("\\")
        self._bound = bool(trial.end_point)
        self._variant = variant
        self._name = f"domain {domain}, user {user}" if domain else f"user {user}"
        self._client = NtlmClient(
            user,
            trial.secret,
            domain=domain,
            workstation="OXGATE-TEST",
            end_point=trial.end_point if variant == "NTLM" else b"",
            service=f"{trial.protocol}/{trial.host}",
            variant=variant,
        )

    def first(self) -> Turn:
        """The NEGOTIATE_MESSAGE."""
        return Turn(self._client.negotiate(), "what this client can do (NEGOTIATE); neither name nor secret is in it")

    def answer(self, challenge: bytes) -> Turn:
        """The AUTHENTICATE_MESSAGE."""
        try:
            heard = _ntlm_challenge(challenge)
            message = self._client.authenticate(challenge)
        except NtlmSyntaxError as error:
            raise ClientError(f"the server's NTLM message cannot be read: {error}") from error
        if self._variant == "NTLM":
            binding = "bound to this TLS connection" if self._bound else "not bound to a TLS connection"
            words = f"{self._name}, the NTLMv2 response {HIDDEN}, {binding} (AUTHENTICATE)"
        else:
            words = f"{self._name}, the {self._variant} response {HIDDEN} (AUTHENTICATE)"
        return Turn(message, words, heard)


def _ntlm_challenge(token: bytes) -> str:
    pairs = read_pairs(read_challenge(token).target_info)
    names = {"domain": Av.NB_DOMAIN_NAME, "host": Av.NB_COMPUTER_NAME, "DNS name": Av.DNS_COMPUTER_NAME}
    known = [f"{word} {pairs[key].decode('utf-16-le', 'replace')}" for word, key in names.items() if key in pairs]
    return f"An NTLM challenge: {', '.join(known) or 'no names'}."


class Bearer:
    """XOAUTH2, and OAUTHBEARER ([RFC7628])."""

    def __init__(self, trial: Try, *, standard: bool) -> None:
        self._try = trial
        self._standard = standard

    def first(self) -> Turn:
        """Name and token, in one message."""
        name = self._try.mailbox or self._try.login
        token = f"auth=Bearer {self._try.secret}\1"
        if self._standard:
            escaped = name.replace("=", "=3D").replace(",", "=2C")
            text = f"n,a={escaped},\1host={self._try.host}\1port={self._try.port}\1{token}\1"
        else:
            text = f"user={name}\1{token}\1"
        return Turn(text.encode(), f"the name {name} and the token {HIDDEN}")

    def answer(self, challenge: bytes) -> Turn:
        """Acknowledge the error, so that the refusal follows."""
        try:
            told = json.loads(challenge)
            parts = ", ".join(f"{key} {value}" for key, value in told.items())
        except (ValueError, AttributeError):
            parts = "in a form that is not JSON"
        return Turn(b"\1" if self._standard else b"", "that it has understood", f"The token is refused: {parts}.")


class Scram:
    """[RFC5802], [RFC7677]."""

    def __init__(self, trial: Try, *, plus: bool) -> None:
        scramp = importlib.import_module("scramp")
        self._name = trial.delegate_login
        binding = ("tls-server-end-point", trial.end_point) if plus else None
        name = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
        self._bound = plus
        self._client = scramp.ScramClient([name], self._name, trial.secret, channel_binding=binding)
        self._error = scramp.ScramException
        self._steps = iter((self._proof, self._check))

    def first(self) -> Turn:
        """The client-first-message."""
        return Turn(self._client.get_client_first().encode(), f"the name {self._name} and a random number")

    def answer(self, challenge: bytes) -> Turn:
        """The proof; then nothing, when the server's own proof is right."""
        step = next(self._steps, None)
        if step is None:
            raise ClientError("the server asks for more than SCRAM has")
        try:
            return step(challenge.decode())
        except (self._error, UnicodeDecodeError) as error:
            raise ClientError(f"the server's SCRAM message does not fit: {error}") from error

    def _proof(self, challenge: str) -> Turn:
        self._client.set_server_first(challenge)
        count = re.search(r",i=(\d+)", challenge)
        bound = ", bound to this TLS connection" if self._bound else ""
        heard = f"Salt and iteration count ({count[1] if count else '?'}) of the account; unknown names get some, too."
        return Turn(self._client.get_client_final().encode(), f"the proof {HIDDEN}{bound}", heard)

    def _check(self, challenge: str) -> Turn:
        self._client.set_server_final(challenge)
        return Turn(b"", "nothing more", "The server proved that it knows the keys as well.")


class External:
    """[RFC4422] A."""

    def __init__(self, trial: Try) -> None:
        self._try = trial

    def first(self) -> Turn:
        """Whom to act as; the proof is in the TLS connection."""
        name = self._try.mailbox
        return Turn(name.encode(), f"the mailbox {name}" if name else "nothing: the certificate says who it is")

    def answer(self, challenge: bytes) -> Turn:
        """There is nothing more to say."""
        raise ClientError("the server asks for more than EXTERNAL has")


class Gssapi:
    """GSSAPI ([RFC4752]) with the ticket of `kinit`; GSS-SPNEGO without the step that agrees upon a layer."""

    def __init__(self, trial: Try, *, spnego: bool) -> None:
        self._gssapi = gssapi = importlib.import_module("gssapi")
        service = {"pop3": "pop"}.get(trial.protocol, trial.protocol)
        self._service = f"{service}@{trial.host}"
        self._mailbox = trial.mailbox
        self._spnego = spnego
        flag = gssapi.RequirementFlag
        self._context = gssapi.SecurityContext(
            name=gssapi.Name(self._service, gssapi.NameType.hostbased_service),
            mech=gssapi.OID.from_int_seq("1.3.6.1.5.5.2") if spnego else gssapi.MechType.kerberos,
            flags=[flag.mutual_authentication, flag.integrity, flag.out_of_sequence_detection],
            usage="initiate",
        )

    def first(self) -> Turn:
        """The first token."""
        return Turn(self._step(None), f"a ticket for {self._service}")

    def answer(self, challenge: bytes) -> Turn:
        """Tokens until the context stands; then that no layer is wanted, and whose mailbox."""
        if not self._context.complete:
            return Turn(self._step(challenge), "the next token", "A Kerberos token.")
        if self._spnego or not challenge:
            return Turn(b"", "nothing more")
        try:
            self._context.unwrap(challenge)
            wrapped = self._context.wrap(b"\1\0\0\0" + self._mailbox.encode(), False).message
        except self._gssapi.exceptions.GSSError as error:
            raise ClientError(f"Kerberos: {error}") from error
        return Turn(wrapped, "that it wants no security layer", "Which security layers there are.")

    def _step(self, token: bytes | None) -> bytes:
        try:
            return self._context.step(token) or b""
        except self._gssapi.exceptions.GSSError as error:
            raise ClientError(f"Kerberos: {error}; does `klist` show a ticket?") from error


Make = Callable[[Try], Client]

CLIENTS: Mapping[str, tuple[str, Make]] = {
    "PLAIN": ("PLAIN", Plain),
    "LOGIN": ("LOGIN", Login),
    "NTLM": ("NTLM", lambda trial: Ntlm(trial, "NTLM")),
    "NTLMv1": ("NTLM", lambda trial: Ntlm(trial, "NTLMv1")),
    "NTLM2-SESSION": ("NTLM", lambda trial: Ntlm(trial, "NTLM2-SESSION")),
    "XOAUTH2": ("XOAUTH2", lambda trial: Bearer(trial, standard=False)),
    "OAUTHBEARER": ("OAUTHBEARER", lambda trial: Bearer(trial, standard=True)),
    "SCRAM-SHA-256": ("SCRAM-SHA-256", lambda trial: Scram(trial, plus=False)),
    "SCRAM-SHA-256-PLUS": ("SCRAM-SHA-256-PLUS", lambda trial: Scram(trial, plus=True)),
    "EXTERNAL": ("EXTERNAL", External),
    "GSSAPI": ("GSSAPI", lambda trial: Gssapi(trial, spnego=False)),
    "GSS-SPNEGO": ("GSS-SPNEGO", lambda trial: Gssapi(trial, spnego=True)),
}
"""By the name of `--mechanism`: the name on the wire, and how to make the client."""

COMMAND = "COMMAND"
"""IMAP LOGIN, POP3 USER and PASS: no SASL mechanism."""
TOKENS = ("XOAUTH2", "OAUTHBEARER")
WITHOUT_SECRET = ("EXTERNAL", "GSSAPI", "GSS-SPNEGO")
NO_MAILBOX = ("NTLM", "NTLMv1", "NTLM2-SESSION", "GSS-SPNEGO")
"""Exchanges that have no place for another's mailbox."""


def missing_library(mechanism: str) -> str:
    """Say which package a mechanism needs and does not find; empty: none."""
    if mechanism not in ("GSSAPI", "GSS-SPNEGO"):
        return ""
    try:
        importlib.import_module("gssapi")
    except ImportError as error:
        return f"{mechanism} needs the package's extra: pip install 'oxgate[kerberos]' ({error})"
    return ""
