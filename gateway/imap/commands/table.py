"""Every IMAP command as a row of one table: its states, its coroutine, its specification ([RFC3501] 6).

CAPABILITY, the state check, the pipelining guard and docs/spec-coverage.md read this table; a command that is not here
does not exist.

To a client that has enabled IMAP4rev2 the same rows, grammar and responses serve as for IMAP4rev1, but for what
`Session.rev2` changes:

[RFC9051] 2.2.1, 2.3.1.1, 2.3.1.2, 2.3.2, 2.3.3, 2.3.4, 2.3.5, 2.3.6, 3.1, 3.2, 3.3, 3.4, 4.1, 4.1.1, 4.2, 4.3,
[RFC9051] 4.3.1, 4.4, 4.5, 5.1.1, 5.1.2, 5.1.2.1, 5.1.2.2, 5.2, 5.3, 5.4, 5.5, 6.1.1, 6.1.2, 6.1.3, 6.2.1,
[RFC9051] 6.2.2, 6.2.3, 6.3.1, 6.3.1.1, 6.3.2, 6.3.3, 6.3.4, 6.3.5, 6.3.6, 6.3.7, 6.3.8, 6.3.9, 6.3.9.1,
[RFC9051] 6.3.9.2, 6.3.9.3, 6.3.9.4, 6.3.9.5, 6.3.9.6, 6.3.9.7, 6.3.10, 6.3.11, 6.3.12, 6.3.13, 6.4.1, 6.4.2,
[RFC9051] 6.4.3, 6.4.4, 6.4.4.1, 6.4.4.2, 6.4.4.3, 6.4.5, 6.4.5.1, 6.4.6, 6.4.7, 6.4.8, 6.4.9, 7.1.1, 7.1.2,
[RFC9051] 7.1.3, 7.1.5, 7.2.1, 7.2.2, 7.3.1, 7.3.2, 7.3.3, 7.3.4, 7.3.5, 7.4.1, 7.5.1, 7.5.2, 7.6, 9, 11.2,
[RFC9051] 11.4, 11.5, appendix A, appendix A.1, appendix B, appendix D, appendix E.
"""

from __future__ import annotations

from functools import lru_cache

from gateway.imap.commands import mailbox_rows, message_rows, search_rows, session_rows, urlauth_rows
from gateway.imap.commands.command import Command
from gateway.imap.environment import ImapSettings
from gateway.imap.personality import PERSONALITIES
from gateway.imap.session import Session
from gateway.imap.state import State

TABLE: tuple[Command, ...] = (
    *session_rows.ROWS,
    *mailbox_rows.ROWS,
    *message_rows.ROWS,
    *urlauth_rows.ROWS,
    *search_rows.ROWS,
)

BY_NAME = {command.name: command for command in TABLE}


@lru_cache(maxsize=16)
def _always(settings: ImapSettings) -> bytes:
    """What the rows of the table bring, in any state."""
    given = [row.capability for row in TABLE if row.capability is not None]
    names = ["IMAP4rev1", "LITERAL+", *(each if isinstance(each, str) else each(settings) for each in given)]
    return " ".join(filter(None, names)).encode("ascii")


def capabilities(session: Session) -> bytes:
    """The capability list as it stands now, without the word CAPABILITY ([RFC3501] 6.1.1, 7.2.1, [MS-OXIMAP4] 1.7)."""
    settings = session.services.settings
    if session.state is not State.NOT_AUTHENTICATED:
        return _listed(settings)
    return _listed_before(settings, session.wire.can_start_tls, tuple(session.mechanisms()))


@lru_cache(maxsize=16)
def _listed(settings: ImapSettings) -> bytes:
    """The capability list of who has signed in."""
    listed = PERSONALITIES[settings.personality].capabilities
    always = _always(settings)
    return always if listed is None else _as(listed, always)


@lru_cache(maxsize=64)
def _listed_before(settings: ImapSettings, starttls: bool, mechanisms: tuple[str, ...]) -> bytes:
    """The capability list of who has not."""
    listed = PERSONALITIES[settings.personality].capabilities
    names = [_always(settings)]
    if starttls:
        names.append(b"STARTTLS")
    names += [b"AUTH=" + name.encode() for name in mechanisms]
    if "PLAIN" not in mechanisms:
        names.append(b"LOGINDISABLED")
    found = b" ".join(names)
    return found if listed is None else _as(listed, found)


def _as(listed: tuple[str, ...], found: bytes) -> bytes:
    """The capabilities as another server lists them: of what there is what it has, in its order."""
    names = found.decode("ascii").split()
    shown: list[str] = []
    for each in listed:
        if each == "AUTH=":
            shown += [name for name in names if name.startswith(each)]
            shown += [name for name in ("LOGINDISABLED", "STARTTLS") if name in names]
        elif each in names or each == "IMAP4":
            shown.append(each)
    # What holds under any name has to be told under any ([RFC9738] 3).
    shown += [name for name in names if name.startswith("MESSAGELIMIT=")]
    return " ".join(shown).encode("ascii")


def takes_numbers(line: bytes) -> bool:
    """Whether a command line that waits may name messages by number, so that nothing may be renumbered before it."""
    words = line.split(None, 2)
    if len(words) < 2:
        return False
    name = words[1].upper()
    if name == b"UID":
        # The keys of UID SEARCH, SORT and THREAD may hold numbers ([RFC3501] 6.4.8, [RFC5256] 3).
        return len(words) > 2 and words[2].upper().startswith((b"SEARCH ", b"SORT ", b"THREAD "))
    row = BY_NAME.get(name.decode("ascii", "replace"))
    return row is not None and row.uses_sequence_numbers
