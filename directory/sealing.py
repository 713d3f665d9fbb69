"""Sealing secrets under a key file, so that a copy of the database alone gives none of them away."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from directory.errors import SecretsUnavailable

KEY_FILE = Path("keys", "secrets.key")
"""The key file, from the data folder."""
KEY_OCTETS = 32

_NONCE_OCTETS = 12
_FORM = b"\x01"
"""First octet of everything sealed: AES-256-GCM, then the nonce, then ciphertext and tag."""


class Sealer:
    """AES-256-GCM ([RFC5116] 5.2) under the key of a file, which is read when it is first needed.

    The context is authenticated with what is sealed: a secret that is copied to another account's row opens no more.
    """

    def __init__(self, path: Path | None) -> None:
        """Seal under the key in a file; None: there is nothing to seal with, and every attempt says so."""
        self.path = path
        self._key: bytes | None = None

    @property
    def ready(self) -> bool:
        """Whether there is a key file; it may still turn out not to be readable."""
        return self._key is not None or (self.path is not None and os.path.exists(self.path))

    def seal(self, data: bytes, context: bytes) -> bytes:
        """Seal octets for a context.

        Raises:
            SecretsUnavailable: no usable key file.
        """
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return _FORM + nonce + AESGCM(self._usable()).encrypt(nonce, data, _FORM + context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Open what was sealed for the same context.

        Raises:
            SecretsUnavailable: no usable key file, not the one it was sealed under, or a damaged value.
        """
        cipher = AESGCM(self._usable())
        start = len(_FORM)
        nonce = sealed[start : start + _NONCE_OCTETS]
        try:
            if sealed[:start] != _FORM or len(nonce) < _NONCE_OCTETS:
                raise InvalidTag
            return cipher.decrypt(nonce, sealed[start + _NONCE_OCTETS :], _FORM + context)
        except InvalidTag:
            raise SecretsUnavailable(
                f"a secret in the directory was not sealed under {self.path}: put back the key file that belongs to"
                " this directory (all hosts need the same one). If it is lost, set the passwords anew"
            ) from None

    def derive(self, purpose: str) -> bytes:
        """Give 32 octets for another purpose: the same on every host and after every start, as the key is.

        Raises:
            SecretsUnavailable: no usable key file.
        """
        return hmac.digest(self._usable(), purpose.encode(), "sha256")

    def _usable(self) -> bytes:
        if self._key is None:
            self._key = self._read()
        return self._key

    def _read(self) -> bytes:
        if self.path is None:
            raise SecretsUnavailable("this directory has no key file to seal secrets with")
        try:
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                key = file.read(KEY_OCTETS + 1)
        except FileNotFoundError:
            raise SecretsUnavailable(
                f"there is no key file {self.path}: put it back from the backup or from another host of this server;"
                " where there never was one, `oxgate user nt-hash enable` makes it"
            ) from None
        except OSError as error:
            raise SecretsUnavailable(f"the key file {self.path} cannot be read: {error.strerror}") from error
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            raise SecretsUnavailable(f"others can read or change the key file {self.path}: run chmod 600 {self.path}")
        if len(key) != KEY_OCTETS:
            raise SecretsUnavailable(
                f"the key file {self.path} does not have {KEY_OCTETS} octets: put it back from the backup"
            )
        return key


def make_key(path: Path) -> bool:
    """Make a key file for its owner alone, in a folder likewise; False: there is one, and it stays.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_OCTETS))
            file.flush()
            os.fsync(file.fileno())
        os.link(made, path)  # whole or not at all, and never over another one
    except FileExistsError:
        return False
    finally:
        made.unlink(missing_ok=True)
    return True
