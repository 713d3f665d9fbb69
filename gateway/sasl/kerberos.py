"""GSSAPI ([RFC4752]) and GSS-SPNEGO ([MS-ADTS] 5.1.1.1.2): a Kerberos ticket in place of a password.

The optional package `gssapi` does the work, by the system's Kerberos library and the keys of a keytab; it is imported
when it is first used. No call leaves the machine, so all are short. No security layer is offered: TLS is there for
that. No channel binding is asked for: the clients send none.

    GSSAPI      C: token  S: token ...  C: empty  S: wrapped(layers, size)  C: wrapped(layer, size, authzid)
    GSS-SPNEGO  C: token  S: token ...  C: empty
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.sasl.mechanism import MAX_NAME, Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanism

MAX_ROUNDS = 8
"""Tokens of a client before it is done; Kerberos takes one, SPNEGO two or three."""

_NO_LAYER = 1
"""[RFC4752] 3.3."""

_PRINCIPAL = re.compile(r"(?P<user>[^@/\\\s\0]+)@(?P<realm>[^@/\\\s\0]+)")
"""A user's principal. One with an instance (alice/admin, imap/host) is no mail user; nor is an escaped one."""


class KerberosAcceptor:
    """The server's side of Kerberos: its keys, and which users of which realms it takes."""

    def __init__(self, keytab: Path, realms: Mapping[str, str], *, default_domain: str = "") -> None:
        """`realms` says which mail domain the users of a realm have: alice@REALM signs in as alice@domain.

        Without any, users of the keytab's own realm are taken, in `default_domain`.
        """
        self._keytab = keytab
        self._realms = dict(realms)
        self._default_domain = default_domain
        self._gssapi: Any = None
        self._credentials: Any = None

    def check(self) -> None:
        """See at start whether it will work. Raises ValueError that says how to mend it."""
        try:
            self._load()
        except ImportError as error:
            raise ValueError(f"Kerberos needs the package's extra: pip install 'oxgate[kerberos]' ({error})") from error
        except Exception as error:  # GSSError, whose class is known only once the import has worked
            raise ValueError(f"Kerberos: keytab {self._keytab}: {_say(error)}") from error

    def accept(self) -> Any:
        """Begin a security context. Raises what gssapi raises."""
        self._load()
        return self._gssapi.SecurityContext(creds=self._credentials, usage="accept")

    def login(self, context: Any) -> str | None:
        """Find the login name of who proved to be at the other end; None: nobody from whom mail is expected."""
        principal = _PRINCIPAL.fullmatch(str(context.initiator_name))
        if principal is None:
            return None
        realm = principal["realm"]
        if self._realms:
            domain = self._realms.get(realm)
        else:
            own = str(context.target_name).rpartition("@")[2]
            domain = self._default_domain if realm == own else None
        return f"{principal['user']}@{domain}" if domain else None

    def _load(self) -> None:
        """Import the library and read the keys, once."""
        if self._credentials is None:
            self._gssapi = importlib.import_module("gssapi")
            if not self._keytab.is_file():  # the library would say so only at the first sign-in
                raise FileNotFoundError(f"{self._keytab}: no such file")
            store = {"keytab": f"FILE:{self._keytab}"}
            self._credentials = self._gssapi.Credentials(usage="accept", store=store)


class KerberosExchange:
    """One exchange of either mechanism."""

    client_first = True

    def __init__(self, acceptor: KerberosAcceptor, *, spnego: bool) -> None:
        self.name = "GSS-SPNEGO" if spnego else "GSSAPI"
        self._acceptor = acceptor
        self._context: Any = None
        self._rounds = 0
        self._login = ""
        self._next: Callable[[bytes], Step] = self._accept

    def step(self, response: bytes | None) -> Step:
        """Take the client's next token."""
        if response is None:
            return Challenge(b"")
        try:
            return self._next(response)
        except Exception as error:  # GSSError and what else a C library's binding may raise for odd octets
            return Failure(FailureKind.CREDENTIALS, f"{self.name}: {_say(error)}", self._login)

    def _accept(self, token: bytes) -> Step:
        """Go on with the context ([RFC4752] 3.2)."""
        self._rounds += 1
        if not token or self._rounds > MAX_ROUNDS:
            return Failure(FailureKind.MALFORMED, f"{self.name}: no token")
        if self._context is None:
            self._context = self._acceptor.accept()
        answer: bytes | None = self._context.step(token)
        if not self._context.complete:
            return Challenge(answer or b"")
        login = self._acceptor.login(self._context)
        if login is None:
            reason = f"{self.name}: {self._context.initiator_name} is of no realm that signs in here"
            return Failure(FailureKind.CREDENTIALS, reason)
        self._login = login
        self._next = self._accepted
        return Challenge(answer) if answer else self._accepted(b"")

    def _accepted(self, response: bytes) -> Step:
        """Offer what security layers there are, none; SPNEGO has no words for that, and is done."""
        if response:
            return Failure(FailureKind.MALFORMED, f"{self.name}: words after the last token", self._login)
        if self.name == "GSS-SPNEGO":
            return ProvedAttempt(self.name, self._login)
        self._next = self._finish
        return Challenge(self._context.wrap(bytes([_NO_LAYER, 0, 0, 0]), False).message)

    def _finish(self, response: bytes) -> Step:
        """Read the client's choice: no layer, its largest message, which then means nothing, and the authzid."""
        chosen = self._context.unwrap(response).message
        if len(chosen) < 4 or chosen[0] != _NO_LAYER:
            return Failure(FailureKind.MALFORMED, f"{self.name}: a security layer that was not offered", self._login)
        if len(chosen) > 4 + MAX_NAME or 0 in chosen[4:]:
            return Failure(FailureKind.MALFORMED, f"{self.name}: authorization identity", self._login)
        return ProvedAttempt(self.name, self._login, chosen[4:].decode() or None)


def kerberos_mechanisms(acceptor: KerberosAcceptor) -> tuple[Mechanism, ...]:
    """Both mechanisms. They show no secret, so they are on offer without TLS as well."""

    def make(spnego: bool) -> Callable[[PeerInfo], KerberosExchange]:
        return lambda peer: KerberosExchange(acceptor, spnego=spnego)

    return (
        Mechanism("GSS-SPNEGO", make(True), shows_secret=False),
        Mechanism("GSSAPI", make(False), shows_secret=False),
    )


def _say(error: Exception) -> str:
    """Write an error of the library on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
