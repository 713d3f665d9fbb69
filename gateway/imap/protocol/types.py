"""Values of the IMAP grammar: what the parser makes of a command, free of any wire syntax ([RFC3501] 9).

Text that the user sees (mailbox names, search strings, login names) is `str`; what is compared or echoed octet for
octet (tags, header field names, reply labels) is `bytes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

STAR = 0
"""Stands for `*` in a SequenceSet: the largest number in use. No message has the number 0."""

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class MailboxName:
    """A mailbox name or a LIST pattern, decoded from modified UTF-7 ([RFC3501] 5.1.3).

    INBOX, in any case, and as the first level of a longer name, is spelled `INBOX` here ([RFC3501] 5.1).
    """

    value: str
    raw: bytes = field(default=b"", compare=False)
    """The octets that the client sent."""

    @property
    def is_inbox(self) -> bool:
        """Whether this is the primary mailbox."""
        return self.value == INBOX


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A sequence set as sent: pairs (first, last), both included; a single number is a pair of equals.

    A pair may run backwards, pairs may overlap, and STAR may stand on either side. numset resolves it.
    """

    ranges: tuple[tuple[int, int], ...]


SAVED = SequenceSet(())
"""`$`: the messages that the last SEARCH RETURN (SAVE) found ([RFC5182] 2.1). No other set is without ranges."""


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN ([RFC3501] 6.2.3)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE ([RFC3501] 6.2.2, [RFC4959] 3)."""

    mechanism: str
    """Upper case."""
    initial_response: bytes | None = field(default=None, repr=False)
    """Still base64; `=` stands for an empty one; None if there is none."""


@dataclass(frozen=True, slots=True)
class Id:
    """ID ([RFC2971] 3.1)."""

    parameters: tuple[tuple[str, str | None], ...] | None
    """None for NIL."""


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE ([RFC5161] 3.1)."""

    capabilities: tuple[str, ...]
    """Upper case."""


@dataclass(frozen=True, slots=True)
class Compress:
    """COMPRESS ([RFC4978] 3)."""

    algorithm: str
    """Upper case."""


@dataclass(frozen=True, slots=True)
class Language:
    """LANGUAGE ([RFC5255] 3.2)."""

    ranges: tuple[str, ...]
    """Language ranges in the order of preference; none to ask which languages there are."""


@dataclass(frozen=True, slots=True)
class NoArguments:
    """CAPABILITY NOOP LOGOUT STARTTLS CHECK CLOSE EXPUNGE UNSELECT IDLE NAMESPACE."""


NO_ARGUMENTS = NoArguments()


class Command(NamedTuple):
    """One parsed command."""

    tag: bytes
    name: str
    """Upper case. The UID forms of FETCH, SEARCH, STORE, COPY, MOVE have the plain name and `uid=True` in `args`;
    `UID EXPUNGE` has its own."""
    args: object


class BadCommand(Exception):
    """A command that breaks the grammar or a limit: answer `tag BAD text` ([RFC3501] 7.1.3).

    The tag is `*` where none could be read. The text is fit for the wire.
    """

    def __init__(self, tag: bytes, text: str) -> None:
        super().__init__(text)
        self.tag = tag
        self.text = text


class BadMailboxName(BadCommand):
    """A well-formed string that no mailbox can have as its name ([RFC3501] 5.1.3): answer `tag NO [CANNOT] text`."""


class UnsupportedCharset(BadCommand):
    """SEARCH in a charset that is not known: answer `tag NO [BADCHARSET (charsets)] text` ([RFC3501] 6.4.4, 7.1)."""

    def __init__(self, tag: bytes, text: str, charsets: tuple[str, ...], *, saves: bool = False) -> None:
        super().__init__(tag, text)
        self.charsets = charsets
        self.saves = saves
        """It was to save its result: there is none now ([RFC5182] 2.1)."""
