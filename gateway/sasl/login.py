"""The LOGIN mechanism, with the prompts that Microsoft clients compare ([MS-XLOGIN] 2.2.2, 3.1.5.1)."""

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

USERNAME_PROMPT = b"Username:"
PASSWORD_PROMPT = b"Password:"


class LoginExchange:
    """Name, then password; a name sent with the command skips the first prompt ([MS-XLOGIN] 2.2.2).

    What it keeps is the name; whether it has one says what comes next ([MS-XLOGIN] 3.2.1, 3.2.5.1 to 3.2.5.3).
    """

    __slots__ = ("_login",)
    name: ClassVar[str] = "LOGIN"
    client_first: ClassVar[bool] = False

    def __init__(self) -> None:
        self._login: str | None = None

    def step(self, response: bytes | None) -> Step:
        """Prompt for what is missing, then hand out the attempt."""
        if response is None:
            return Challenge(USERNAME_PROMPT)
        if self._login is None:
            if len(response) > MAX_NAME:
                return Failure(FailureKind.MALFORMED, "name too long")
            self._login = decode_text(response)
            return Challenge(PASSWORD_PROMPT)
        if len(response) > MAX_PASSWORD:
            return Failure(FailureKind.MALFORMED, "password too long")
        if not self._login or not response:
            return Failure(FailureKind.CREDENTIALS, "empty name or password", self._login)
        if b"\0" in response or "\0" in self._login:
            return Failure(FailureKind.MALFORMED, "NUL in name or password")
        return PasswordAttempt(self._login, decode_text(response), mechanism=self.name)


def decode_text(data: bytes) -> str:
    """Decode what a client typed: UTF-8, else Windows-1252 as older clients send, else Latin-1, which cannot fail."""
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")
