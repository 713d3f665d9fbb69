"""The folders that every mailbox is born with ([MS-OXOSFLD] 2.2, [MS-OXCSTOR] 2.2.1.1.3)."""

from __future__ import annotations

from store.folders import new_folder
from store.foldertree import KIND_GENERIC, KIND_ROOT
from store.ids import MailboxKind, SpecialFolder

_S = SpecialFolder
# folder, parent, display name, container class
_PRIVATE: tuple[tuple[SpecialFolder, SpecialFolder | None, str, str], ...] = (
    (_S.ROOT, None, "Root", ""),
    (_S.DEFERRED_ACTION, _S.ROOT, "Deferred Action", ""),
    (_S.SPOOLER_QUEUE, _S.ROOT, "Spooler Queue", ""),
    (_S.IPM_SUBTREE, _S.ROOT, "Top of Information Store", ""),
    (_S.INBOX, _S.IPM_SUBTREE, "Inbox", "IPF.Note"),
    (_S.OUTBOX, _S.IPM_SUBTREE, "Outbox", "IPF.Note"),
    (_S.SENT_ITEMS, _S.IPM_SUBTREE, "Sent Items", "IPF.Note"),
    (_S.DELETED_ITEMS, _S.IPM_SUBTREE, "Deleted Items", "IPF.Note"),
    (_S.COMMON_VIEWS, _S.ROOT, "Common Views", ""),
    (_S.SCHEDULE, _S.ROOT, "Schedule", ""),
    (_S.FINDER, _S.ROOT, "Finder", ""),
    (_S.PERSONAL_VIEWS, _S.ROOT, "Views", ""),
    (_S.SHORTCUTS, _S.ROOT, "Shortcuts", ""),
    (_S.DRAFTS, _S.IPM_SUBTREE, "Drafts", "IPF.Note"),
    (_S.CALENDAR, _S.IPM_SUBTREE, "Calendar", "IPF.Appointment"),
    (_S.CONTACTS, _S.IPM_SUBTREE, "Contacts", "IPF.Contact"),
    (_S.TASKS, _S.IPM_SUBTREE, "Tasks", "IPF.Task"),
    (_S.NOTES, _S.IPM_SUBTREE, "Notes", "IPF.StickyNote"),
    (_S.JOURNAL, _S.IPM_SUBTREE, "Journal", "IPF.Journal"),
    (_S.JUNK_EMAIL, _S.IPM_SUBTREE, "Junk E-mail", "IPF.Note"),
    (_S.ARCHIVE, _S.IPM_SUBTREE, "Archive", "IPF.Note"),
    (_S.SYNC_ISSUES, _S.IPM_SUBTREE, "Sync Issues", "IPF.Note"),
    (_S.CONFLICTS, _S.SYNC_ISSUES, "Conflicts", "IPF.Note"),
    (_S.LOCAL_FAILURES, _S.SYNC_ISSUES, "Local Failures", "IPF.Note"),
    (_S.SERVER_FAILURES, _S.SYNC_ISSUES, "Server Failures", "IPF.Note"),
    (_S.FREEBUSY_DATA, _S.ROOT, "Freebusy Data", ""),
    (_S.CONVERSATION_ACTIONS, _S.IPM_SUBTREE, "Conversation Action Settings", "IPF.Configuration"),
    (_S.RECOVERABLE_ITEMS, _S.ROOT, "Recoverable Items", ""),
    (_S.DELETIONS, _S.RECOVERABLE_ITEMS, "Deletions", ""),
    (_S.VERSIONS, _S.RECOVERABLE_ITEMS, "Versions", ""),
    (_S.PURGES, _S.RECOVERABLE_ITEMS, "Purges", ""),
)
_PUBLIC = {_S.ROOT, _S.IPM_SUBTREE, _S.INBOX, _S.RECOVERABLE_ITEMS, _S.DELETIONS, _S.VERSIONS, _S.PURGES}


def folders(mailbox_id: int, kind: MailboxKind, uidvalidity: int) -> list[dict[str, int | str | bytes | None]]:
    """Give the rows of a new mailbox's folders; each takes the change number that equals its identifier.

    A public mailbox has the root, the IPM subtree, an Inbox for its mail, and the recoverable items only.
    """
    chosen = [row for row in _PRIVATE if kind is not MailboxKind.PUBLIC or row[0] in _PUBLIC]
    return [
        new_folder(
            mailbox_id,
            special,
            parent,
            name,
            container_class,
            cn=special,
            uidvalidity=uidvalidity,
            kind=KIND_ROOT if parent is None else KIND_GENERIC,
            special=special,
            subfolders=sum(1 for row in chosen if row[1] == special),
        )
        for special, parent, name, container_class in chosen
    ]
