"""Mailbox names and folders: paths, which folders show, special uses ([RFC3501] 5.1.1, [RFC6154] 2)."""

from __future__ import annotations

from gateway.imap.errors import no
from gateway.imap.protocol.types import INBOX
from store.changes import FolderRow
from store.ids import SpecialFolder

SPECIAL_USES: dict[SpecialFolder | None, bytes] = {
    SpecialFolder.SENT_ITEMS: b"\\Sent",
    SpecialFolder.DELETED_ITEMS: b"\\Trash",
    SpecialFolder.DRAFTS: b"\\Drafts",
    SpecialFolder.JUNK_EMAIL: b"\\Junk",
    SpecialFolder.ARCHIVE: b"\\Archive",
}
"""The special-use attribute of a well-known folder ([RFC6154] 2)."""

_HIDDEN = frozenset(
    {
        SpecialFolder.OUTBOX,
        SpecialFolder.SYNC_ISSUES,
        SpecialFolder.CONFLICTS,
        SpecialFolder.LOCAL_FAILURES,
        SpecialFolder.SERVER_FAILURES,
        SpecialFolder.CONVERSATION_ACTIONS,
    }
)
"""Folders that hold a client's working state; Exchange shows none of them over IMAP."""


def path_of(name: str) -> tuple[str, ...]:
    """The path that a mailbox name stands for.

    Raises Refusal for a name that no folder can have: an empty level or a control character.
    """
    path = tuple(name.split("/"))
    if not all(path) or any(ord(character) < 0x20 or character == "\x7f" for character in name):
        raise no(b"Invalid mailbox name.", b"CANNOT")
    if path[0].upper() == INBOX:
        path = (INBOX, *path[1:])
    return path


def name_of(row: FolderRow) -> str:
    """The mailbox name of a folder."""
    return "/".join(row.path)


def is_visible(row: FolderRow) -> bool:
    """Whether the folder holds mail that IMAP shows (docs/architecture.md, decision 15)."""
    if not row.path or row.special in _HIDDEN:
        return False
    container = row.container_class
    return not container or container == "IPF.Note" or container.startswith("IPF.Note.")
