"""Mailbox names and folders: paths, which folders show, special uses ([RFC3501] 5.1.1, [RFC6154] 2)."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.imap.errors import no
from gateway.imap.protocol.types import INBOX
from store.changes import FolderRow
from store.foldertree import Node
from store.ids import MailboxRef, SpecialFolder

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


OTHER_USERS = "Other Users"
PUBLIC_FOLDERS = "Public Folders"
"""The first levels of names that lead into others' mailboxes ([RFC2342] 4)."""

_SHARED = {name.casefold(): name for name in (OTHER_USERS, PUBLIC_FOLDERS)}


def shared_space(name: str) -> str | None:
    """The namespace of others' mailboxes that a name is in, in any case; None for a name of one's own."""
    return _SHARED.get(name.partition("/")[0].casefold())


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


def mailbox_id(ref: MailboxRef, row: FolderRow) -> bytes:
    """The identifier of a folder, kept when it is renamed and never given again ([RFC8474] 4).

    A name that is deleted while there are folders below it, and made again, is the same row of the store with a new
    UIDVALIDITY.
    """
    return b"F%x-%x-%x" % (ref.id, row.id, row.uidvalidity)


def name_of(row: FolderRow) -> str:
    """The mailbox name of a folder."""
    return "/".join(row.path)


def parents_of(names: Iterable[str]) -> set[str]:
    """Every name above one of these."""
    parents: set[str] = set()
    for name in names:
        cut = name.rfind("/")
        while cut > 0 and name[:cut] not in parents:
            parents.add(name[:cut])
            cut = name.rfind("/", 0, cut)
    return parents


def is_visible(row: FolderRow | Node) -> bool:
    """Whether the folder holds mail that IMAP shows (docs/architecture.md, decision 15)."""
    if not row.path or row.special in _HIDDEN or row.path[0].casefold() in _SHARED:
        return False
    container = row.container_class
    return not container or container == "IPF.Note" or container.startswith("IPF.Note.")
