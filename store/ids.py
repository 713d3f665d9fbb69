"""Identifiers and flags of stored objects ([MS-OXCDATA] 2.2, [MS-OXCMSG] 2.2.1.6)."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple
from uuid import UUID


class MailboxRef(NamedTuple):
    """Where a mailbox is: its number and GUID (allotted by the directory) and its shard (empty: the default)."""

    id: int
    guid: UUID
    shard: str = ""


class MailboxKind(IntEnum):
    """What a mailbox is for."""

    PRIVATE = 0
    SHARED = 1
    ROOM = 2
    EQUIPMENT = 3
    PUBLIC = 4


class MessageFlag(IntFlag):
    """`message.flags`: the MAPI message flags below 0x10000 ([MS-OXCMSG] 2.2.1.6), IMAP's and the store's above."""

    SEEN = 0x0001
    UNMODIFIED = 0x0002
    SUBMITTED = 0x0004
    DRAFT = 0x0008
    HAS_ATTACHMENT = 0x0010
    FROM_ME = 0x0020
    ASSOCIATED = 0x0040
    NOTIFY_READ = 0x0100
    NOTIFY_UNREAD = 0x0200
    EVER_READ = 0x0400
    FLAGGED = 0x0001_0000
    ANSWERED = 0x0002_0000
    FORWARDED = 0x0004_0000
    DELETED = 0x0008_0000
    MDN_SENT = 0x0010_0000
    REPEATED = 0x0020_0000
    """The Inbox had the same content already when this placement came: store.transfer sets it, and nobody else."""


SYSTEM_FLAGS = (
    MessageFlag.SEEN
    | MessageFlag.DRAFT
    | MessageFlag.FLAGGED
    | MessageFlag.ANSWERED
    | MessageFlag.FORWARDED
    | MessageFlag.DELETED
    | MessageFlag.MDN_SENT
)
"""The flags a client may set."""


class SpecialFolder(IntEnum):
    """`folder.special`: the well-known folders; the value is also the fixed counter of the folder's FID."""

    ROOT = 1
    DEFERRED_ACTION = 2
    SPOOLER_QUEUE = 3
    IPM_SUBTREE = 4
    INBOX = 5
    OUTBOX = 6
    SENT_ITEMS = 7
    DELETED_ITEMS = 8
    COMMON_VIEWS = 9
    SCHEDULE = 10
    FINDER = 11
    PERSONAL_VIEWS = 12
    SHORTCUTS = 13
    DRAFTS = 14
    CALENDAR = 15
    CONTACTS = 16
    TASKS = 17
    NOTES = 18
    JOURNAL = 19
    JUNK_EMAIL = 20
    ARCHIVE = 21
    SYNC_ISSUES = 22
    CONFLICTS = 23
    LOCAL_FAILURES = 24
    SERVER_FAILURES = 25
    FREEBUSY_DATA = 26
    CONVERSATION_ACTIONS = 27
    RECOVERABLE_ITEMS = 28
    DELETIONS = 29
    VERSIONS = 30
    PURGES = 31


FIRST_DYNAMIC_ID = 0x100
"""Folder and message counters below this are reserved for SpecialFolder."""
