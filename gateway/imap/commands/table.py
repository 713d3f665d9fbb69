"""Every IMAP command as a row of one table: its states, its coroutine, its specification ([RFC3501] 6).

CAPABILITY, the state check, the pipelining guard and docs/spec-coverage.md read this table; a command that is not here
does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.imap.commands import anytime, append, copy, expunge, fetch, idle, mailboxes, nonauth, search, select, store
from gateway.imap.errors import Reply
from gateway.imap.protocol import types
from gateway.imap.session import Session, State

ANY = State.NOT_AUTHENTICATED | State.AUTHENTICATED | State.SELECTED
LOGGED_IN = State.AUTHENTICATED | State.SELECTED


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    """As the parser gives it: upper case, `UID EXPUNGE` with its blank, the other UID forms under the plain name."""
    states: State
    arguments: type
    """The type of what `run` takes beside the session."""
    run: Callable[[Session, Any], Awaitable[Reply]]
    specs: tuple[str, ...]
    """Sections that define it."""
    capability: str | None = None
    """What CAPABILITY lists because this command is here."""
    uses_sequence_numbers: bool = False
    """In its plain form it names messages by number: no EXPUNGE may come between ([RFC3501] 5.5, 7.4.1)."""


TABLE: tuple[Command, ...] = (
    Command("CAPABILITY", ANY, types.NoArguments, anytime.capability, ("[RFC3501] 6.1.1",)),
    Command("NOOP", ANY, types.NoArguments, anytime.noop, ("[RFC3501] 6.1.2",)),
    Command("LOGOUT", ANY, types.NoArguments, anytime.logout, ("[RFC3501] 6.1.3",)),
    Command("ID", ANY, types.Id, anytime.identify, ("[RFC2971] 3.1",), "ID"),
    Command("STARTTLS", State.NOT_AUTHENTICATED, types.NoArguments, nonauth.starttls, ("[RFC3501] 6.2.1",)),
    Command(
        "AUTHENTICATE",
        State.NOT_AUTHENTICATED,
        types.Authenticate,
        nonauth.authenticate,
        ("[RFC3501] 6.2.2", "[RFC4959] 3", "[MS-OXIMAP4] 2.2.1"),
        "SASL-IR",
    ),
    Command("LOGIN", State.NOT_AUTHENTICATED, types.Login, nonauth.login, ("[RFC3501] 6.2.3", "[MS-OXIMAP4] 2.2.2")),
    Command("ENABLE", LOGGED_IN, types.Enable, anytime.enable, ("[RFC5161] 3.1",), "ENABLE"),
    Command(
        "SELECT", LOGGED_IN, types.Select, select.select, ("[RFC3501] 6.3.1", "[RFC7162] 3.1.1, 3.1.8"), "CONDSTORE"
    ),
    Command("EXAMINE", LOGGED_IN, types.Select, select.select, ("[RFC3501] 6.3.2",)),
    Command("CREATE", LOGGED_IN, types.Create, mailboxes.create, ("[RFC3501] 6.3.3",)),
    Command("DELETE", LOGGED_IN, types.OneMailbox, mailboxes.delete, ("[RFC3501] 6.3.4",)),
    Command("RENAME", LOGGED_IN, types.Rename, mailboxes.rename, ("[RFC3501] 6.3.5",)),
    Command("SUBSCRIBE", LOGGED_IN, types.OneMailbox, mailboxes.subscribe, ("[RFC3501] 6.3.6",)),
    Command("UNSUBSCRIBE", LOGGED_IN, types.OneMailbox, mailboxes.unsubscribe, ("[RFC3501] 6.3.7",)),
    Command(
        "LIST",
        LOGGED_IN,
        types.List,
        mailboxes.list_mailboxes,
        ("[RFC3501] 6.3.8", "[RFC3348] 3", "[RFC6154] 2"),
        "CHILDREN SPECIAL-USE",
    ),
    Command("LSUB", LOGGED_IN, types.List, mailboxes.list_mailboxes, ("[RFC3501] 6.3.9",)),
    Command("STATUS", LOGGED_IN, types.Status, mailboxes.status, ("[RFC3501] 6.3.10", "[RFC7162] 3.1.7")),
    Command("APPEND", LOGGED_IN, types.Append, append.append, ("[RFC3501] 6.3.11", "[RFC4315] 3")),
    Command("NAMESPACE", LOGGED_IN, types.NoArguments, mailboxes.namespace, ("[RFC2342] 5",), "NAMESPACE"),
    Command("IDLE", LOGGED_IN, types.NoArguments, idle.idle, ("[RFC2177] 3",), "IDLE"),
    Command("CHECK", State.SELECTED, types.NoArguments, anytime.check, ("[RFC3501] 6.4.1",)),
    Command("CLOSE", State.SELECTED, types.NoArguments, select.close, ("[RFC3501] 6.4.2",)),
    Command("UNSELECT", State.SELECTED, types.NoArguments, select.unselect, ("[RFC3691] 2",), "UNSELECT"),
    Command("EXPUNGE", State.SELECTED, types.NoArguments, expunge.expunge, ("[RFC3501] 6.4.3",)),
    Command(
        "UID EXPUNGE",
        State.SELECTED,
        types.UidExpunge,
        expunge.uid_expunge,
        ("[RFC4315] 2.1", "[MS-OXIMAP4] 2.2.3"),
        "UIDPLUS",
    ),
    Command(
        "SEARCH",
        State.SELECTED,
        types.Search,
        search.search,
        ("[RFC3501] 6.4.4", "[RFC3501] 6.4.8", "[RFC7162] 3.1.5"),
        uses_sequence_numbers=True,
    ),
    Command(
        "FETCH",
        State.SELECTED,
        types.Fetch,
        fetch.fetch,
        ("[RFC3501] 6.4.5", "[RFC3501] 6.4.8", "[RFC7162] 3.1.4"),
        uses_sequence_numbers=True,
    ),
    Command(
        "STORE",
        State.SELECTED,
        types.Store,
        store.store,
        ("[RFC3501] 6.4.6", "[RFC3501] 6.4.8", "[RFC7162] 3.1.3"),
        uses_sequence_numbers=True,
    ),
    Command(
        "COPY",
        State.SELECTED,
        types.Copy,
        copy.copy,
        ("[RFC3501] 6.4.7", "[RFC3501] 6.4.8", "[RFC4315] 3"),
        uses_sequence_numbers=True,
    ),
    Command(
        "MOVE",
        State.SELECTED,
        types.Move,
        copy.move,
        ("[RFC6851] 3.1", "[RFC6851] 3.2"),
        "MOVE",
        uses_sequence_numbers=True,
    ),
)

BY_NAME = {command.name: command for command in TABLE}

_ALWAYS = b" ".join(
    (b"IMAP4rev1", b"LITERAL+", *(row.capability.encode() for row in TABLE if row.capability is not None))
)


def capabilities(session: Session) -> bytes:
    """The capability list as it stands now, without the word CAPABILITY ([RFC3501] 6.1.1, 7.2.1, [MS-OXIMAP4] 1.7)."""
    if session.state is not State.NOT_AUTHENTICATED:
        return _ALWAYS
    names = [_ALWAYS]
    if session.wire.can_start_tls:
        names.append(b"STARTTLS")
    mechanisms = session.mechanisms()
    names += [b"AUTH=" + name.encode() for name in mechanisms]
    if "PLAIN" not in mechanisms:
        names.append(b"LOGINDISABLED")
    return b" ".join(names)


def takes_numbers(line: bytes) -> bool:
    """Whether a command line that waits may name messages by number, so that nothing may be renumbered before it."""
    words = line.split(None, 2)
    if len(words) < 2:
        return False
    name = words[1].upper()
    if name == b"UID":
        # The keys of UID SEARCH may hold numbers ([RFC3501] 6.4.8).
        return len(words) > 2 and words[2][:6].upper() == b"SEARCH"
    row = BY_NAME.get(name.decode("ascii", "replace"))
    return row is not None and row.uses_sequence_numbers
