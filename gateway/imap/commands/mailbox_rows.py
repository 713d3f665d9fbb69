"""The rows of the command table about mailboxes."""

from __future__ import annotations

from gateway.imap.commands import anytime, mailboxes, select
from gateway.imap.commands.command import LOGGED_IN, Command
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import types
from gateway.imap.state import State

ROWS: tuple[Command, ...] = (
    Command(
        "SELECT",
        LOGGED_IN,
        bt.Select,
        select.select,
        ("[RFC3501] 6.3.1", "[RFC7162] 3.1.1, 3.1.8, 3.2.2, 3.2.5"),
        "CONDSTORE QRESYNC",
    ),
    Command("EXAMINE", LOGGED_IN, bt.Select, select.select, ("[RFC3501] 6.3.2",)),
    Command("CHECK", State.SELECTED, types.NoArguments, anytime.check, ("[RFC3501] 6.4.1",)),
    Command("CLOSE", State.SELECTED, types.NoArguments, select.close, ("[RFC3501] 6.4.2",)),
    Command("UNSELECT", State.SELECTED, types.NoArguments, select.unselect, ("[RFC3691] 2",), "UNSELECT"),
    Command("CREATE", LOGGED_IN, bt.Create, mailboxes.create, ("[RFC3501] 6.3.3",)),
    Command("DELETE", LOGGED_IN, bt.OneMailbox, mailboxes.delete, ("[RFC3501] 6.3.4",)),
    Command("RENAME", LOGGED_IN, bt.Rename, mailboxes.rename, ("[RFC3501] 6.3.5",)),
    Command("SUBSCRIBE", LOGGED_IN, bt.OneMailbox, mailboxes.subscribe, ("[RFC3501] 6.3.6",)),
    Command("UNSUBSCRIBE", LOGGED_IN, bt.OneMailbox, mailboxes.unsubscribe, ("[RFC3501] 6.3.7",)),
    Command(
        "LIST",
        LOGGED_IN,
        bt.List,
        mailboxes.list_mailboxes,
        ("[RFC3501] 6.3.8", "[RFC3348] 3", "[RFC6154] 2"),
        "CHILDREN SPECIAL-USE",
    ),
    Command("LSUB", LOGGED_IN, bt.List, mailboxes.list_mailboxes, ("[RFC3501] 6.3.9",)),
    Command("STATUS", LOGGED_IN, bt.Status, mailboxes.status, ("[RFC3501] 6.3.10", "[RFC7162] 3.1.7")),
    Command("NAMESPACE", LOGGED_IN, types.NoArguments, mailboxes.namespace, ("[RFC2342] 5",), "NAMESPACE"),
)
