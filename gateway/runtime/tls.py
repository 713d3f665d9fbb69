"""The server's TLS context: made once before the workers fork, its certificate exchanged in place at SIGHUP.

`TlsContexts.context` is one `ssl.SSLContext` for the life of the process; give it to listeners, to `startTLS` and to
aiosmtpd alike. Made before the fork it carries the same ticket keys in every worker, so a client resumes its session
with any of them. After `reload` the context hands each new connection over to one with the new certificate.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsError(Exception):
    """A certificate or key that cannot be used; the text says which file and what to do."""


class TlsFacts(NamedTuple):
    """What signing in wants to know of a TLS connection, in the order of gateway.sasl.peer.PeerInfo."""

    end_point: bytes = b""
    unique: bytes = b""
    certificate: bytes = b""


class ServerContext(ssl.SSLContext):
    """A context that knows its certificate's channel binding, which the ssl module does not tell."""

    end_point = b""
    replaced = False
    """The certificate of this context took the place of another, which resumed sessions may still have seen."""


NO_TLS = TlsFacts()


def tls_facts(connection: ssl.SSLObject | ssl.SSLSocket | None) -> TlsFacts:
    """Tell what is known of a connection after its handshake; None is one without TLS.

    `tls-unique` exists up to TLS 1.2 only ([RFC9266] 3). A session that is resumed across an exchange of certificates
    has no `tls-server-end-point` here: which of them its client has seen, nobody can say.
    """
    if connection is None:
        return NO_TLS
    context = connection.context
    end_point, unique = b"", None
    if isinstance(context, ServerContext) and not (context.replaced and connection.session_reused):
        end_point = context.end_point
    if connection.version() in ("TLSv1", "TLSv1.1", "TLSv1.2"):
        unique = connection.get_channel_binding("tls-unique")
    certificate = connection.getpeercert(binary_form=True) if context.verify_mode is not ssl.CERT_NONE else None
    return TlsFacts(end_point, unique or b"", certificate or b"")


def end_point_binding(certificate: x509.Certificate) -> bytes:
    """Hash a certificate for the channel binding `tls-server-end-point` ([RFC5929] 4.1).

    The hash is that of its signature, but SHA-256 in place of MD5 and SHA-1. A signature without a hash of its own
    (Ed25519) leaves the binding undefined: the answer is empty then.
    """
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return b""
    if algorithm is None:
        return b""
    if isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


class TlsContexts:
    """Certificate, key and policy, as contexts. With `client_ca` clients may show a certificate. Raises TlsError."""

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        min_version: str = "1.2",
        ciphers: str = "",
        client_ca: Path | None = None,
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._min_version = VERSIONS[min_version]
        self._ciphers = ciphers
        self.context = self._load()
        self._current = self.context

    def reload(self) -> None:
        """Read both files again; on TlsError the old certificate stays in use."""
        current = self._load()
        current.replaced = True
        self._current = current
        self.context.sni_callback = self._hand_over

    def twisted(self) -> TwistedContexts:
        """Return the same for Twisted's own transports (gateway.runtime.fallback)."""
        return TwistedContexts(self._certificate, self._key, self._min_version)

    def _hand_over(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, old: ssl.SSLContext) -> None:
        # OpenSSL calls this for every ClientHello, with or without a server name ([RFC6066] 3). Loading into the old
        # context instead would keep the old certificate beside a new one of another key type.
        connection.context = self._current

    def _load(self) -> ServerContext:
        context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._min_version
        # Clients that just close are common; IMAP, POP3 and SMTP mark their own ends, so nothing is truncated unseen.
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_IGNORE_UNEXPECTED_EOF
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        if self._ciphers:
            try:
                context.set_ciphers(self._ciphers)
            except ssl.SSLError as error:
                raise TlsError(f"tls.ciphers: OpenSSL knows no cipher of {self._ciphers!r}") from error
        for what, path in (("certificate", self._certificate), ("key", self._key)):
            try:
                with path.open("rb"):
                    pass
            except OSError as error:
                raise TlsError(
                    f"tls.{what}: cannot read {path}: {error.strerror}. Name a PEM file that this user may read."
                ) from error
        try:
            context.load_cert_chain(self._certificate, self._key, password=_no_password)
        except ssl.SSLError as error:
            reason = error.reason or str(error)
            if "MISMATCH" in reason or reason == "NO_CERTIFICATE_ASSIGNED":
                text = f"tls.key: {self._key} is not the key of the certificate {self._certificate}"
            else:
                text = f"tls.certificate, tls.key: {self._certificate} and {self._key}: not usable as PEM ({reason})"
            raise TlsError(text) from error
        context.end_point = end_point_binding(x509.load_pem_x509_certificate(self._certificate.read_bytes()))
        if self._client_ca is not None:
            self._trust_clients(context, self._client_ca)
        return context

    def _trust_clients(self, context: ssl.SSLContext, path: Path) -> None:
        """Ask clients for a certificate; one that is shown must be good, none is good too."""
        try:
            context.load_verify_locations(path)
        except ssl.SSLError as error:
            raise TlsError(f"tls.client_ca: {path} holds no CA certificate in PEM form") from error
        except OSError as error:
            raise TlsError(
                f"tls.client_ca: cannot read {path}: {error.strerror}. Name a PEM file that this user may read."
            ) from error
        context.verify_mode = ssl.CERT_OPTIONAL


def _no_password() -> str:
    raise TlsError("tls.key: the key is encrypted; store it without a passphrase, readable by this user alone")


@implementer(IOpenSSLContextFactory)
class TwistedContexts:
    """Certificate and key for Twisted's TLS, which stands on pyOpenSSL."""

    def __init__(self, certificate: Path, key: Path, min_version: ssl.TLSVersion) -> None:
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_certificate_chain_file(str(certificate))
        self._context.use_privatekey_file(str(key))
        self._context.set_min_proto_version(min_version.value)

    def getContext(self) -> SSL.Context:
        """Serve Twisted."""
        return self._context
