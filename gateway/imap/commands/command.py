"""What a row of the command table says of a command ([RFC3501] 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.imap.environment import ImapSettings
from gateway.imap.errors import Reply
from gateway.imap.session import Session
from gateway.imap.state import State

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
    capability: str | Callable[[ImapSettings], str] | None = None
    """What CAPABILITY lists because this command is here, blank-separated; or what makes that of the settings."""
    uses_sequence_numbers: bool = False
    """In its plain form it names messages by number: no EXPUNGE may come between ([RFC3501] 5.5, 7.4.1)."""
    tells_state: bool = False
    """It answers with the state of the mailbox: what changes meanwhile waits for the next command. Clients do not count
    down by an EXPUNGE or a VANISHED that comes before SELECT has ended."""
