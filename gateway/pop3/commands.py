"""Every command of POP3, and how a line becomes one ([RFC1939] 3)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from gateway.pop3 import authorization, protocol, transaction
from gateway.pop3.errors import Reply
from gateway.pop3.protocol import Command
from gateway.pop3.session import Disconnected, Session, State
from gateway.pop3.texts import Text
from store.errors import StoreError

log = logging.getLogger("oxgate.pop3")

_SERVER_ERROR = Reply(Text.SERVER_ERROR, b"SYS/TEMP")


class Row(NamedTuple):
    """One command: the states it is valid in, what runs it, and whether it takes an argument (None: it may)."""

    states: int
    run: Callable[[Session, Command], Awaitable[None]]
    argument: bool | None
    extension: bool = False
    """Whether only a personality with extensions knows it."""


COMMANDS: dict[str, Row] = {
    "CAPA": Row(State.ANY, authorization.capa, False),
    "LANG": Row(State.ANY, authorization.lang, None, extension=True),
    "NOOP": Row(State.TRANSACTION, transaction.noop, False),
    "QUIT": Row(State.ANY, transaction.quit_, False),
    "UTF8": Row(State.AUTHORIZATION, authorization.utf8, False, extension=True),
    "USER": Row(State.AUTHORIZATION, authorization.user, True),
    "PASS": Row(State.AUTHORIZATION, authorization.password, None),
    "AUTH": Row(State.AUTHORIZATION, authorization.auth, None),
    "STLS": Row(State.AUTHORIZATION, authorization.stls, False),
    "STAT": Row(State.TRANSACTION, transaction.stat, False),
    "LIST": Row(State.TRANSACTION, transaction.list_, None),
    "UIDL": Row(State.TRANSACTION, transaction.uidl, None),
    "RETR": Row(State.TRANSACTION, transaction.retr, True),
    "TOP": Row(State.TRANSACTION, transaction.top, True),
    "DELE": Row(State.TRANSACTION, transaction.dele, True),
    "RSET": Row(State.TRANSACTION, transaction.rset, False),
}
"""All that [RFC1939] has ([MS-STANOPOP3] 2.2.12) but APOP, which Exchange has not either ([MS-STANXPOP3] 2.2.10)."""


async def execute(session: Session, line: bytes) -> None:
    """Run one command line and write its answer. Raises Disconnected, ConnectionError."""
    command = protocol.parse(line)
    row = COMMANDS.get(command.name)
    if row is None or (row.extension and not session.options.personality.extensions):
        session.refuse(Text.UNKNOWN_COMMAND)
    elif not session.state & row.states:
        session.refuse(Text.WRONG_STATE)
    elif len(line) > protocol.COMMAND_LIMIT and command.name != "AUTH":
        session.refuse(Text.TOO_LONG)
    elif row.argument is not None and bool(command.argument.strip()) != row.argument:
        session.refuse(Text.BAD_ARGUMENTS)
    else:
        try:
            await row.run(session, command)
        except StoreError as error:
            session.store_failed(command.name, error)
        except (Disconnected, ConnectionError):
            raise
        except Exception:
            log.exception("%s: %s failed", session.wire.peer, command.name)
            session.err(_SERVER_ERROR)
