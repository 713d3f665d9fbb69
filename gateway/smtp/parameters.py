"""The parameters of MAIL and RCPT ([RFC5321] 4.1.1.11)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.smtp.replies import (
    BAD_PARAMETER,
    MESSAGE_TOO_LARGE,
    UNKNOWN_PARAMETER,
    Refused,
)

_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([!-<>-~\u0080-\ud7ff\ue000-\U0010ffff]++))?\Z")
_XTEXT = re.compile(r"(?>(?:[!-*,-<>-~]|\+[0-9A-F]{2})+)\Z")
_COUNT_LIMIT = 20


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What MAIL declared."""

    size: int = 0
    """Octets that the client announces ([RFC1870] 3); 0 for none."""
    smtputf8: bool = False
    """The client asks for internationalised mail ([RFC6531] 3.4)."""


def split_parameters(text: str) -> dict[str, str | None]:
    """Split `KEY=value KEY …` into upper-case keys and values. Raises Refused for bad grammar or a key given twice."""
    found: dict[str, str | None] = {}
    words = text.split()
    if len(words) > _COUNT_LIMIT:
        raise Refused(BAD_PARAMETER)
    for word in words:
        match = _PARAMETER.match(word)
        if match is None:
            raise Refused(BAD_PARAMETER)
        key = match[1].upper()
        if key in found:
            raise Refused(BAD_PARAMETER)
        found[key] = match[2]
    return found


def mail_parameters(text: str, *, max_size: int) -> MailParameters:
    """Read the parameters of MAIL: SIZE, BODY, SMTPUTF8 and AUTH.

    Raises Refused: an unknown one with 555 5.5.4 ([RFC5321] 4.1.1.11), a size over the limit with 552 5.3.4
    ([RFC1870] 6.1), BINARYMIME with 555, for it is not advertised ([RFC3030] 3).
    """
    size, utf8 = 0, False
    for key, value in split_parameters(text).items():
        if key == "SIZE":
            if value is None or not (value.isascii() and value.isdigit()) or len(value) > 20:
                raise Refused(BAD_PARAMETER)
            size = int(value)
            if size > max_size:
                raise Refused(MESSAGE_TOO_LARGE)
        elif key == "BODY":
            _check_body(value)
        elif key == "SMTPUTF8":
            if value is not None:
                raise Refused(BAD_PARAMETER)
            utf8 = True
        elif key == "AUTH":
            # [RFC4954] 5: syntactically checked, never trusted.
            if value is None or not (value == "<>" or _XTEXT.match(value)):
                raise Refused(BAD_PARAMETER)
        else:
            raise Refused(UNKNOWN_PARAMETER)
    return MailParameters(size, utf8)


def _check_body(value: str | None) -> None:
    """BODY is 7BIT or 8BITMIME ([RFC6152] 3)."""
    if value is None:
        raise Refused(BAD_PARAMETER)
    if value.upper() not in ("7BIT", "8BITMIME"):
        raise Refused(UNKNOWN_PARAMETER)


def rcpt_parameters(text: str) -> None:
    """No parameter of RCPT is advertised: any well-formed one is 555 5.5.4."""
    if split_parameters(text):
        raise Refused(UNKNOWN_PARAMETER)
