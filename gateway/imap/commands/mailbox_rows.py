"""The rows of the command table about mailboxes."""

from __future__ import annotations

from gateway.imap.commands import acl, anytime, listing, mailboxes, metadata, quota, select, statuses
from gateway.imap.commands.command import LOGGED_IN, Command
from gateway.imap.protocol import acl_types as at
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import metadata_types as et
from gateway.imap.protocol import quota_types as qt
from gateway.imap.protocol import types
from gateway.imap.rights import NEW
from gateway.imap.state import State

ROWS: tuple[Command, ...] = (
    Command(
        "SELECT",
        LOGGED_IN,
        bt.Select,
        select.select,
        ("[RFC3501] 6.3.1", "[RFC7162] 3.1.1, 3.1.8, 3.2.2, 3.2.5"),
        "CONDSTORE QRESYNC",
        tells_state=True,
    ),
    Command("EXAMINE", LOGGED_IN, bt.Select, select.select, ("[RFC3501] 6.3.2",), tells_state=True),
    Command("CHECK", State.SELECTED, types.NoArguments, anytime.check, ("[RFC3501] 6.4.1",)),
    Command("CLOSE", State.SELECTED, types.NoArguments, select.close, ("[RFC3501] 6.4.2",)),
    Command("UNSELECT", State.SELECTED, types.NoArguments, select.unselect, ("[RFC3691] 2",), "UNSELECT"),
    Command(
        "CREATE",
        LOGGED_IN,
        bt.Create,
        mailboxes.create,
        ("[RFC3501] 6.3.3", "[RFC6154] 3", "[RFC8474] 4.1"),
        "CREATE-SPECIAL-USE",
    ),
    Command("DELETE", LOGGED_IN, bt.OneMailbox, mailboxes.delete, ("[RFC3501] 6.3.4",)),
    Command("RENAME", LOGGED_IN, bt.Rename, mailboxes.rename, ("[RFC3501] 6.3.5",)),
    Command("SUBSCRIBE", LOGGED_IN, bt.OneMailbox, mailboxes.subscribe, ("[RFC3501] 6.3.6",)),
    Command("UNSUBSCRIBE", LOGGED_IN, bt.OneMailbox, mailboxes.unsubscribe, ("[RFC3501] 6.3.7",)),
    Command(
        "LIST",
        LOGGED_IN,
        bt.List,
        listing.list_mailboxes,
        (
            *("[RFC3501] 6.3.8", "[RFC3348] 3", "[RFC5258] 3", "[RFC5819] 2", "[RFC6154] 2", "[RFC8440] 3"),
            "[RFC9590] 3",
        ),
        "CHILDREN SPECIAL-USE LIST-EXTENDED LIST-STATUS LIST-MYRIGHTS LIST-METADATA",
    ),
    Command("LSUB", LOGGED_IN, bt.List, listing.list_mailboxes, ("[RFC3501] 6.3.9",)),
    Command(
        "STATUS",
        LOGGED_IN,
        bt.Status,
        statuses.status,
        ("[RFC3501] 6.3.10", "[RFC7162] 3.1.7", "[RFC8438] 3", "[RFC7889] 3", "[RFC8474] 4.3"),
        "STATUS=SIZE",
    ),
    Command("NAMESPACE", LOGGED_IN, types.NoArguments, mailboxes.namespace, ("[RFC2342] 5",), "NAMESPACE"),
    Command("SETACL", LOGGED_IN, at.SetAcl, acl.set_acl, ("[RFC4314] 3.1",), f"ACL RIGHTS={NEW}"),
    Command("DELETEACL", LOGGED_IN, at.Identified, acl.delete_acl, ("[RFC4314] 3.2",)),
    Command("GETACL", LOGGED_IN, at.Acl, acl.get_acl, ("[RFC4314] 3.3",)),
    Command("LISTRIGHTS", LOGGED_IN, at.Identified, acl.list_rights, ("[RFC4314] 3.4",)),
    Command("MYRIGHTS", LOGGED_IN, at.Acl, acl.my_rights, ("[RFC4314] 3.5",)),
    Command("GETQUOTA", LOGGED_IN, qt.GetQuota, quota.get, ("[RFC9208] 4.1.1",), quota.CAPABILITIES),
    Command("GETQUOTAROOT", LOGGED_IN, qt.GetQuotaRoot, quota.get_root, ("[RFC9208] 4.1.2",)),
    Command("SETQUOTA", LOGGED_IN, qt.SetQuota, quota.set_quota, ("[RFC9208] 4.1.3",)),
    Command("GETMETADATA", LOGGED_IN, et.GetMetadata, metadata.get, ("[RFC5464] 4.2",), "METADATA"),
    Command("SETMETADATA", LOGGED_IN, et.SetMetadata, metadata.set_metadata, ("[RFC5464] 4.3",)),
)
