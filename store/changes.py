"""Rows and change records that the store returns: values, never live rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from store.ids import SpecialFolder


class FolderRow(NamedTuple):
    """One folder as it stood when it was read."""

    id: int
    parent_id: int | None
    name: str
    path: tuple[str, ...]
    """Names from below the IPM subtree down to this folder; the Inbox is `("INBOX",)`; empty for folders outside."""
    special: SpecialFolder | None
    container_class: str
    """PidTagContainerClass, such as `IPF.Note`; empty for none."""
    uidvalidity: int
    uidnext: int
    modseq: int
    """The highest change of any message in it, tombstones included: HIGHESTMODSEQ ([RFC7162] 3.1.2.1)."""
    total: int
    unread: int
    size: int
    subfolders: int
    deleted: int
    """Messages marked \\Deleted."""
    cn: int
    recent_uid: int
    """The UID from which messages are \\Recent ([RFC3501] 2.3.2)."""
    selectable: bool = True
    """False: deleted while it had children, so only its name stands: \\Noselect ([RFC3501] 6.3.4)."""


class MessageRow(NamedTuple):
    """One placement of a message in a folder."""

    uid: int
    mid: int
    item_id: int
    modseq: int
    flags: int
    """MessageFlag bits."""
    keywords: int
    """Bits that Mailbox.keyword_names explains."""
    internal_date: int
    """Seconds since 1970-01-01 UTC."""
    size: int
    """Octets of the MIME rendition, exact."""
    save_modseq: int


Columns = tuple[Sequence[int], ...]
"""Messages column by column, in the order of a MessageRow and ascending by UID: far cheaper for many than rows."""


class MessageCreated(NamedTuple):
    """A placement that is new to the folder since the asked change number."""

    row: MessageRow


class FlagsChanged(NamedTuple):
    """A placement whose flags or keywords changed."""

    row: MessageRow


class MessageDeleted(NamedTuple):
    """A placement that is gone: expunged, moved away, or replaced under a new UID."""

    uid: int
    modseq: int


Change = MessageCreated | FlagsChanged | MessageDeleted


class Touched(NamedTuple):
    """The hint that leaves the store after a commit: something up to change number `cn` happened in `folder_id`.

    `folder_id` 0 means the folder hierarchy. A lost hint costs latency, never data (docs/architecture.md, decision 11).
    """

    mailbox_id: int
    folder_id: int
    cn: int


class FlagUpdate(NamedTuple):
    """What STORE did: the messages as they are now, by columns, and those that were left alone."""

    columns: Columns
    modified: list[int]
    """UIDs left alone because they had changed ([RFC7162] 3.1.3)."""
    before: Sequence[int]
    """The mod-sequence that each of the messages had."""
    taken: range = range(0)
    """The change numbers that were set aside: those of the messages that changed, and some that nobody has."""

    @property
    def uids(self) -> Sequence[int]:
        """The UIDs."""
        return self.columns[0]

    @property
    def modseqs(self) -> Sequence[int]:
        """The mod-sequences now."""
        return self.columns[3]

    @property
    def flags(self) -> Sequence[int]:
        """MessageFlag bits now."""
        return self.columns[4]

    @property
    def keywords(self) -> Sequence[int]:
        """Keyword bits now."""
        return self.columns[5]

    @property
    def rows(self) -> list[MessageRow]:
        """The messages as rows."""
        return [MessageRow(*row) for row in zip(*self.columns, strict=True)]


class Transfer(NamedTuple):
    """What COPY or MOVE did: UIDs in pairs, in source order ([RFC4315] 3)."""

    uidvalidity: int
    source: list[int]
    destination: list[int]
