"""Keys, certificates, and S/MIME messages made by a library, checked by OpenSSL."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

HEADER = (
    b"From: Ann <ann@example.net>\r\nTo: Bob <bob@example.org>\r\nSubject: secret\r\n"
    b"Date: Mon, 1 Jan 2024 12:00:00 +0000\r\nMessage-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
)
INNER = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"Gr\xc3\xbc\xc3\x9fe  \r\n\tand blanks at the end of lines \r\nFrom here on\r\n.\r\n"
)


@dataclass(frozen=True)
class Identity:
    """A key with its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


@cache
def identity() -> Identity:
    """Make a key and a certificate, once a process."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Ann")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    return Identity(key, builder.sign(key, hashes.SHA256()))


def clear_signed(inner: bytes = INNER, header: bytes = HEADER) -> bytes:
    """A message signed in the clear."""
    signature = _sign(inner, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])
    return header + (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b'\tmicalg=sha-256; boundary="----=_b 1"\r\n\r\n'
        b"This is signed.\r\n\r\n------=_b 1\r\n" + inner + b"\r\n------=_b 1\r\n"
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + _lines(signature)
        + b"\r\n------=_b 1--\r\n\r\n"
    )


def opaque_signed(inner: bytes = INNER, kind: bytes = b"application/pkcs7-mime") -> bytes:
    """A message inside its signature."""
    return _opaque(_sign(inner, [pkcs7.PKCS7Options.Binary]), b"signed-data", kind)


def encrypted(inner: bytes = INNER, kind: bytes = b"application/pkcs7-mime") -> bytes:
    """A message for the one who has the key."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(inner).add_recipient(identity().certificate)
    data = builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    return _opaque(data, b"enveloped-data", kind)


def _sign(inner: bytes, options: list[pkcs7.PKCS7Options]) -> bytes:
    who = identity()
    builder = pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(who.certificate, who.key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, options)


def _opaque(data: bytes, what: bytes, kind: bytes) -> bytes:
    return (
        HEADER
        + b"Content-Type: %b; smime-type=%b;\r\n name=smime.p7m\r\n" % (kind, what)
        + b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m\r\n\r\n"
        + _lines(data)
        + b"\r\n"
    )


def _lines(data: bytes) -> bytes:
    from base64 import encodebytes

    return encodebytes(data).replace(b"\n", b"\r\n").rstrip(b"\r\n")


def verified(raw: bytes) -> bytes:
    """Give what was signed; fails the test where OpenSSL finds the signature wrong."""
    return _openssl(["-verify"], raw, "-CAfile")


def decrypted(raw: bytes) -> bytes:
    """Give what was encrypted; fails the test where OpenSSL cannot decrypt it."""
    return _openssl(["-decrypt"], raw, "-recip")


def _openssl(command: list[str], raw: bytes, certificate: str) -> bytes:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    who = identity()
    with TemporaryDirectory() as folder:
        pem, key = Path(folder, "c.pem"), Path(folder, "k.pem")
        pem.write_bytes(who.certificate.public_bytes(serialization.Encoding.PEM))
        private = serialization.PrivateFormat.PKCS8
        key.write_bytes(who.key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
        extra = ["-inkey", str(key)] if command == ["-decrypt"] else []
        arguments = [program, "smime", *command, certificate, str(pem), *extra]
        done = subprocess.run(arguments, input=raw, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
