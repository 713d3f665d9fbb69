"""Answers to what SCRAM and EXTERNAL ask: a user's keys, and whose a certificate is.

Both look users up as LogonService does (`find_user`), and raise LogonRefused (UNAVAILABLE) when the directory is away.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from directory.errors import ProviderError
from directory.model import Principal
from directory.secrets import SCRAM_ITERATIONS, SCRAM_SALT, ScramSecret
from gateway.sasl.external import AskCertificate
from gateway.sasl.peer import PeerInfo
from gateway.sasl.scram import AskScram, ScramKeys
from gateway.services.logon import LogonPolicy, LogonRefused, RefusalKind
from gateway.services.names import LoginName, one_spelling, parse_login

__all__ = ["CertificateVerifier", "ScramVerifier", "certificate_names"]

FindUser = Callable[[LoginName], Principal | None]
"""LogonService.find_user."""

UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""The otherName that holds a user principal name, in certificates of Windows domains ([MS-WCCE] 2.2.2.7.7.4)."""

_Answer = TypeVar("_Answer")


class ScramDirectory(Protocol):
    """directory.sql.SqlDirectory."""

    def scram_secret(self, principal_id: int) -> ScramSecret | None:
        """Return the keys of an account, where they are known."""


class ScramVerifier:
    """Answers AskScram: an account's keys, or for anybody else keys that look real and that no proof fits."""

    def __init__(
        self,
        directory: ScramDirectory,
        find_user: FindUser,
        policy: LogonPolicy,
        *,
        decoy_key: bytes,
        iterations: int = SCRAM_ITERATIONS,
        salt_length: int = SCRAM_SALT,
        inline: bool = True,
    ) -> None:
        """`decoy_key` is a secret that outlives restarts and is the same for all workers: decoys must not change.

        `iterations` and `salt_length` are as in real secrets. `inline`: the directory's look-ups are short.
        """
        if len(decoy_key) < 16:
            raise ValueError("the key for decoys is too short")
        self._directory = directory
        self._find_user = find_user
        self._policy = policy
        self._key = decoy_key
        self._iterations = iterations
        self._salt_length = salt_length
        self._inline = inline

    async def __call__(self, ask: AskScram, peer: PeerInfo) -> ScramKeys:
        """Find the keys."""
        return await _look_up(self._find, ask.login, inline=self._inline)

    def _find(self, login: str) -> ScramKeys:
        name = parse_login(login)
        decoy = self._decoy(name)  # for everybody: an account that exists must not answer sooner
        user = self._find_user(name)
        secret = self._directory.scram_secret(user.id) if user is not None else None
        if user is None or secret is None:
            return decoy
        return ScramKeys(secret.salt, secret.iterations, secret.stored_key, secret.server_key, user.id)

    def _decoy(self, name: LoginName) -> ScramKeys:
        """Make up keys. All spellings of a name get the same salt, as they would if there were an account."""
        account = one_spelling(name, self._policy.default_domain, self._policy.netbios_domain)
        salt, stored, server = (
            hmac.digest(self._key, b"\0".join((purpose, account.encode("utf-8", "replace"))), "sha256")
            for purpose in (b"scram salt", b"scram stored key", b"scram server key")
        )
        return ScramKeys(salt[: self._salt_length], self._iterations, stored, server)


class CertificateVerifier:
    """Answers AskCertificate by the names that the certification authority vouches for."""

    def __init__(self, find_user: FindUser, *, inline: bool = True) -> None:
        self._find_user = find_user
        self._inline = inline

    async def __call__(self, ask: AskCertificate, peer: PeerInfo) -> str | None:
        """Find the account."""
        return await _look_up(self._find, ask, inline=self._inline)

    def _find(self, ask: AskCertificate) -> str | None:
        """Take the first name that is an account; first of all the one that the client picked."""
        names = list(certificate_names(ask.certificate))
        picked = (ask.authorization or "").casefold()
        names.sort(key=lambda name: name.casefold() != picked)
        return next((name for name in names if self._find_user(LoginName(name)) is not None), None)


def certificate_names(der: bytes) -> Iterator[str]:
    """List a certificate's addresses: SAN rfc822Name, SAN UPN, then the subject's emailAddress ([RFC5280] 4.2.1.6).

    Only what has the form of an address: another would be read as another form of login name. A certificate that
    cannot be read has none.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        names = _alternative_names(certificate)
        names += [
            attribute.value
            for attribute in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
            if isinstance(attribute.value, str)
        ]
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType):
        return
    for name in dict.fromkeys(names):
        if name.isprintable() and name.count("@") == 1 and not set(name) & {"/", "\\", " "} and len(name) <= 320:
            yield name


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    """List rfc822Names, then UPNs."""
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    names = list(alternative.get_values_for_type(x509.RFC822Name))
    others = alternative.get_values_for_type(x509.OtherName)
    return names + [_utf8_string(other.value) for other in others if other.type_id == UPN]


def _utf8_string(der: bytes) -> str:
    """Read a UTF8String ([X.690] 8.1.3, 8.23); "" when it is none."""
    if len(der) < 2 or der[0] != 0x0C:
        return ""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    try:
        return der[start:].decode() if len(der) - start == length else ""
    except UnicodeDecodeError:
        return ""


_Question = TypeVar("_Question")


async def _look_up(find: Callable[[_Question], _Answer], question: _Question, *, inline: bool) -> _Answer:
    """Ask the directory, in a thread where it may take long."""
    try:
        return find(question) if inline else await asyncio.to_thread(find, question)
    except ProviderError as error:
        raise LogonRefused(RefusalKind.UNAVAILABLE, str(error)) from error
