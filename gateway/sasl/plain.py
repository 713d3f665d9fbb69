"""The PLAIN mechanism ([RFC4616])."""

from __future__ import annotations

from typing import ClassVar

from gateway.sasl.mechanism import (
    MAX_NAME,
    MAX_PASSWORD,
    Challenge,
    Failure,
    FailureKind,
    PasswordAttempt,
    Step,
)


class PlainExchange:
    """One message, `[authzid] NUL authcid NUL passwd` in UTF-8 ([RFC4616] 2)."""

    __slots__ = ()
    name: ClassVar[str] = "PLAIN"
    client_first: ClassVar[bool] = True

    def step(self, response: bytes | None) -> Step:
        """Ask for the message with an empty challenge, or read it."""
        if response is None:
            return Challenge(b"")
        return read_message(response)


def read_message(message: bytes) -> PasswordAttempt | Failure:
    """Take a PLAIN message apart ([RFC4616] 2).

    An empty authzid means none. Names and passwords over the limits, extra NULs and anything but UTF-8 are malformed;
    an empty authcid or password fails like a wrong one.
    """
    parts = message.split(b"\0", 3)
    if len(parts) != 3:
        return Failure(FailureKind.MALFORMED, "PLAIN wants three fields")
    authzid, authcid, password = parts
    if len(authzid) > MAX_NAME or len(authcid) > MAX_NAME or len(password) > MAX_PASSWORD:
        return Failure(FailureKind.MALFORMED, "PLAIN field too long")
    try:
        attempt = PasswordAttempt(authcid.decode(), password.decode(), authzid.decode() or None)
    except UnicodeDecodeError:
        return Failure(FailureKind.MALFORMED, "PLAIN is not UTF-8")
    if not attempt.login or not attempt.password:
        return Failure(FailureKind.CREDENTIALS, "empty name or password", attempt.login)
    return attempt
