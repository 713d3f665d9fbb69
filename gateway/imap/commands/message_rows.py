"""The rows of the command table about messages."""

from __future__ import annotations

from gateway.imap.commands import append, copy, expunge, fetch, messagelimit, replace, store
from gateway.imap.commands.command import LOGGED_IN, Command
from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import message_types as mt
from gateway.imap.protocol import types
from gateway.imap.state import State

ROWS: tuple[Command, ...] = (
    Command(
        "APPEND",
        LOGGED_IN,
        mt.Append,
        append.append,
        ("[RFC3501] 6.3.11", "[RFC3502] 6.3.11", "[RFC4469] 3", "[RFC4315] 3"),
        append.capabilities,
    ),
    Command(
        "REPLACE",
        State.SELECTED,
        mt.Replace,
        replace.replace,
        ("[RFC8508] 3.1", "[RFC8508] 3.2", "[RFC8508] 3.3", "[RFC8508] 3.5"),
        "REPLACE",
        uses_sequence_numbers=True,
    ),
    Command(
        "FETCH",
        State.SELECTED,
        ft.Fetch,
        fetch.fetch,
        ("[RFC3501] 6.4.5", "[RFC3501] 6.4.8", "[RFC7162] 3.1.4", "[RFC3516] 4.1", "[RFC8970] 3.1", "[RFC8514] 4.2"),
        "BINARY PREVIEW PREVIEW=FUZZY SAVEDATE OBJECTID",
        uses_sequence_numbers=True,
    ),
    Command(
        "STORE",
        State.SELECTED,
        mt.Store,
        store.store,
        ("[RFC3501] 6.4.6", "[RFC3501] 6.4.8", "[RFC7162] 3.1.3", "[RFC9738] 3"),
        messagelimit.capabilities,
        uses_sequence_numbers=True,
    ),
    Command(
        "COPY",
        State.SELECTED,
        mt.Copy,
        copy.copy,
        ("[RFC3501] 6.4.7", "[RFC3501] 6.4.8", "[RFC4315] 3"),
        uses_sequence_numbers=True,
    ),
    Command(
        "MOVE",
        State.SELECTED,
        mt.Move,
        copy.move,
        ("[RFC6851] 3.1", "[RFC6851] 3.2"),
        "MOVE",
        uses_sequence_numbers=True,
    ),
    Command("EXPUNGE", State.SELECTED, types.NoArguments, expunge.expunge, ("[RFC3501] 6.4.3",)),
    Command(
        "UID EXPUNGE",
        State.SELECTED,
        mt.UidExpunge,
        expunge.uid_expunge,
        ("[RFC4315] 2.1", "[MS-OXIMAP4] 2.2.3"),
        "UIDPLUS",
    ),
)
