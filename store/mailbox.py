"""Mailbox: the API of one logon. Thin: it checks rights, opens the unit of work, and hands on to the module that knows.

Every method that changes something is one transaction of its own, unless it is called inside `Store.group`, whose
transaction it joins. Everything that comes back is a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from store import (
    changelog,
    crossing,
    entries,
    flags,
    folders,
    keywords,
    messages,
    origins,
    permissions,
    quota,
    subscriptions,
    transfer,
)
from store.changes import FlagUpdate, FolderRow, MessageRow, Transfer
from store.engine import Work
from store.errors import AlreadyExists, NotFound
from store.ids import SYSTEM_FLAGS, SpecialFolder
from store.index import FolderIndex
from store.logon import Parts
from store.mailboxreading import MailboxReading
from store.mapi.message import MessageContent, MimeRendition
from store.messages import Delivery
from store.pace import FIRST, paced
from store.permissions import FlagChange, Rights
from store.search import Progress

__all__ = ["Mailbox", "Parts"]

_MANY = 20
"""Messages from which a change of flags is written into the index, instead of being read again."""


class Mailbox(MailboxReading):
    """A mailbox as one user sees it: here, and nowhere above, its rights in folders are checked.

    A folder that the user may not see is a folder that is not there.
    """

    __slots__ = ()

    # ------------------------------------------------------------------------------------------------- folders

    def folders(self) -> list[FolderRow]:
        """Read the folders of the IPM subtree that the user may see, in the order of their paths, mail or not."""
        rows = folders.rows(self._shard, self._trees)
        who = self.as_user
        if who is None:
            return rows
        with self._shard.read() as db:
            held = permissions.everywhere(db, who)
        return [row for row in rows if held[row.id] & Rights.FOLDER_VISIBLE]

    def folder(self, folder: int | tuple[str, ...] | SpecialFolder) -> FolderRow:
        """Read one folder afresh, by FID counter or by path in any case. Raises NotFound, also for a hidden one."""
        row = folders.read(self._shard, self._trees, folder)
        if self._who is not None and not self.rights(row.id) & Rights.FOLDER_VISIBLE:
            raise NotFound(f"folder {row.id} is not visible")
        return row

    def create_folder(
        self, path: tuple[str, ...], *, container_class: str = "IPF.Note", parents: bool = True
    ) -> FolderRow:
        """Create a folder, its superiors too with `parents` ([RFC3501] 6.3.3).

        Raises AlreadyExists, NotFound (a superior, without `parents`), TooLarge, Conflict.
        """
        with self._shard.write() as work:
            self._need(work, folders.nearest(work, self._trees, path), Rights.CREATE_SUBFOLDER)
            made = folders.create(work, self._trees, path, container_class, parents=parents)
            return folders.read(self._shard, self._trees, made)

    def rename_folder(self, folder_id: int, path: tuple[str, ...]) -> None:
        """Give a folder a new path ([RFC3501] 6.3.5). The Inbox stays: its messages move to a new folder of that path.

        Raises NotFound, AlreadyExists, AccessDenied, Conflict, TooLarge.
        """
        with self._shard.write() as work:
            self._need(work, folder_id, Rights.FOLDER_OWNER)
            self._need(work, folders.nearest(work, self._trees, path[:-1]), Rights.CREATE_SUBFOLDER)
            if folder_id != SpecialFolder.INBOX:
                folders.rename(work, self._trees, folder_id, path)
                return
            self._need(work, folder_id, Rights.READ_ANY | Rights.DELETE_ANY)
            if self._trees.get(work).find(path) is not None:
                raise AlreadyExists(f"the folder {'/'.join(path)!r} is there already")
            target = folders.create(work, self._trees, path, "IPF.Note", parents=True)
            entries.duplicate(work, folder_id, target)
            transfer.move(work, folder_id, transfer.present(work, folder_id), target)

    def delete_folder(self, folder_id: int, *, progress: Progress | None = None) -> None:
        """Delete a folder with its messages; one with children leaves its name, not selectable ([RFC3501] 6.3.4).

        Its messages go first; of many, most in transactions of their own, and `progress` is told after each how many
        of how many are gone.

        Raises NotFound, AccessDenied (a special folder), Conflict (only the name is left and children are there).
        """
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.FOLDER_OWNER)
            folders.check_removable(db, self._trees, folder_id)
            present = transfer.present(db, folder_id)
        if not self._shard.inside():
            for part in paced(present[FIRST:], progress):
                with self._shard.write() as work:
                    transfer.remove(work, self._blobs, folder_id, part)
        with self._shard.write() as work:
            self._need(work, folder_id, Rights.FOLDER_OWNER)
            folders.check_removable(work, self._trees, folder_id)
            transfer.remove(work, self._blobs, folder_id, transfer.present(work, folder_id))
            folders.remove(work, self._trees, folder_id)
            changelog.forget(work, folder_id)
            work.after_commit(lambda: self._parts.indexes.forget(self._shard, folder_id))

    def subscriptions(self) -> list[str]:
        """Read the names subscribed to, full paths joined with `/`."""
        with self._shard.read() as db:
            return subscriptions.read(db, self._user)

    def subscribe(self, path: str) -> None:
        """Subscribe to a name; there need not be a folder ([RFC3501] 6.3.6). Raises TooLarge."""
        with self._shard.write() as work:
            subscriptions.add(work, self._user, path)
            work.touch(0, 1)

    def unsubscribe(self, path: str) -> None:
        """Unsubscribe from a name; nothing happens when it is not subscribed to."""
        with self._shard.write() as work:
            subscriptions.remove(work, self._user, path)
            work.touch(0, 1)

    # ------------------------------------------------------------------------------------------------ messages

    def deliver(
        self,
        folder_id: int,
        content: MessageContent | None,
        *,
        mime: MimeRendition,
        flags: int = 0,
        keywords: Iterable[str] = (),
        internal_date: int | None = None,
    ) -> MessageRow:
        """Write a message into a folder. Raises NotFound, QuotaExceeded, TooLarge, Unavailable.

        Without `content` its properties are read from the MIME by the store's reader when they are first asked for
        (docs/decisions/0013). ValueError when the store has no reader.
        """
        if content is None and self._parts.reader is None:
            raise ValueError("a store without a MIME reader takes no message without its properties")
        self._check(folder_id, Rights.CREATE)
        if self.as_user is not None:
            flags, keywords = self._given(folder_id, flags, keywords)
        self._parts.texts.arrived(self.ref)
        return messages.deliver(
            self._shard,
            self._blobs,
            folder_id,
            content,
            mime,
            flags=flags,
            names=keywords,
            internal_date=internal_date,
            max_message=self._parts.max_message,
        )

    def deliver_all(
        self,
        folder_id: int,
        deliveries: Sequence[Delivery],
        *,
        claim: bool = False,
        known: int | None = None,
        hierarchy: int | None = None,
    ) -> messages.Arrived:
        """Write messages into a folder, all of them or none; else as `deliver` without content.

        With `claim` what is \\Recent in the folder now is the caller's, as with `claim_recent`. `known` is a
        mod-sequence of the folder since which something may have happened, `hierarchy` the version in which the folder
        was remembered: Conflict where that is past.
        """
        if self._parts.reader is None:
            raise ValueError("a store without a MIME reader takes no message without its properties")
        self._check(folder_id, Rights.CREATE)
        if claim:
            self._check(folder_id, Rights.READ_ANY)
        if self.as_user is not None:
            deliveries = [
                one._replace(flags=bits, keywords=tuple(names))
                for one in deliveries
                for bits, names in [self._given(folder_id, one.flags, one.keywords)]
            ]
        self._parts.texts.arrived(self.ref, len(deliveries))
        return messages.deliver_all(
            self._shard,
            self._blobs,
            folder_id,
            deliveries,
            claim=claim,
            known=known,
            hierarchy=hierarchy,
            max_message=self._parts.max_message,
        )

    def claim_recent(self, folder_id: int) -> int:
        """Take the \\Recent messages for one session: give the UID they begin from ([RFC3501] 2.3.2)."""
        self._check(folder_id, Rights.READ_ANY)
        return folders.claim_recent(self._shard, folder_id)

    def set_flags(
        self,
        folder_id: int,
        uids: Sequence[int],
        *,
        add: int = 0,
        remove: int = 0,
        add_keywords: Iterable[str] = (),
        remove_keywords: Iterable[str] = (),
        replace: bool = False,
        unchanged_since: int | None = None,
    ) -> FlagUpdate:
        """Change flags and keywords of many messages ([RFC3501] 6.4.6, [RFC7162] 3.1.3). Raises TooLarge."""
        with self._shard.write() as work:
            if (who := self.as_user) is not None:
                wanted = FlagChange(add, remove, tuple(add_keywords), tuple(remove_keywords), replace)
                held = permissions.rights(work, folder_id, who)
                known = keywords.names(work).values()
                add, remove, add_keywords, remove_keywords, replace = permissions.allowed_change(held, wanted, known)
            state = work.one(changelog.STATE, (work.mailbox_id, folder_id)) if len(uids) > _MANY else None
            update = flags.set_flags(
                work,
                folder_id,
                uids,
                add=add,
                remove=remove,
                add_keywords=add_keywords,
                remove_keywords=remove_keywords,
                replace=replace,
                unchanged_since=unchanged_since,
                index=self._standing(work, folder_id, uids),
            )
            if state is not None:
                self._advance(work, folder_id, (state[0], state[1]), update)
            return update

    def _advance(self, work: Work, folder_id: int, before: tuple[int, int], update: FlagUpdate) -> None:
        """Have the index take over what this unit of work has changed since `before`, instead of reading it again."""
        modseq = changelog.state(work, folder_id)[0]
        changed = (update.uids, update.modseqs, update.flags, update.keywords)
        indexes, shard = self._parts.indexes, self._shard
        work.after_commit(lambda: indexes.advance(shard, folder_id, before, modseq, changed))

    def copy(self, folder_id: int, uids: Sequence[int], target_id: int, *, whole: bool = False) -> Transfer:
        """Add placements of messages to a folder ([RFC3501] 6.4.7). Raises NotFound, QuotaExceeded, TooLarge.

        With `whole` it is all of them or none: Conflict if one is not there.
        """
        with self._shard.write() as work:
            self._need(work, folder_id, Rights.READ_ANY)
            self._need(work, target_id, Rights.CREATE)
            index = self._standing(work, folder_id, uids)
            done = transfer.copy(work, folder_id, uids, target_id, whole=whole, index=index)
            self._withdraw_flags(work, target_id, done.destination)
            return done

    def move(
        self, folder_id: int, uids: Sequence[int], target_id: int, *, progress: Progress | None = None
    ) -> Transfer:
        """Take messages to another folder ([RFC6851]). Raises NotFound, TooLarge.

        Many are taken in several transactions, each message in one: that is all that [RFC6851] 3.3 asks for. After each
        `progress` is told how many of how many are done.
        """
        source: list[int] = []
        destination: list[int] = []
        uidvalidity = 0
        for part in self._parts_of(uids, progress) if uids else [uids]:
            with self._shard.write() as work:
                self._need(work, folder_id, Rights.READ_ANY | Rights.DELETE_ANY)
                self._need(work, target_id, Rights.CREATE)
                done = transfer.move(work, folder_id, part, target_id, self._standing(work, folder_id, part))
                self._withdraw_flags(work, target_id, done.destination)
            uidvalidity = done.uidvalidity
            source += done.source
            destination += done.destination
        return Transfer(uidvalidity, source, destination)

    def _parts_of(self, uids: Sequence[int], progress: Progress | None = None) -> Iterable[Sequence[int]]:
        """Cut UIDs into the parts for one transaction each; inside a unit of work there is but one."""
        return [uids] if self._shard.inside() else paced(uids, progress)

    def _standing(self, work: Work, folder_id: int, uids: Sequence[int]) -> FolderIndex | None:
        """The index of a folder if it is in memory and shows what the unit of work sees, for many messages."""
        state = work.one(changelog.STATE, (work.mailbox_id, folder_id)) if len(uids) > _MANY else None
        return None if state is None else self._parts.indexes.standing(self._shard, folder_id, state[0], state[1])

    def copy_from(
        self,
        source: Mailbox,
        folder_id: int,
        uids: Sequence[int],
        target_id: int,
        *,
        whole: bool = False,
        progress: Progress | None = None,
    ) -> Transfer:
        """Add messages of another mailbox to a folder of this one, all of them or none.

        It is one transaction here; the other mailbox is only read. Flags, keywords and dates go along, as far as the
        rights here allow. `progress` is told after each message how many of how many are made. Raises what `copy` does.
        """
        source.demand(folder_id, Rights.READ_ANY)
        with source._shard.read() as db:
            there, octets = crossing.size(db, folder_id, uids)
        with self._shard.write() as work:
            self._need(work, target_id, Rights.CREATE)
            quota.check_room(work, octets)
            moved: list[int] = []
            made: list[int] = []
            for parcel in crossing.pack(
                source.ref, source._shard, source._blobs, folder_id, uids if whole else there, whole=whole
            ):
                row = self.deliver(
                    target_id,
                    parcel.content,
                    mime=parcel.mime,
                    flags=parcel.flags,
                    keywords=parcel.keywords,
                    internal_date=parcel.internal_date,
                )
                origins.keep(work, row.item_id, parcel.name)
                moved.append(parcel.uid)
                made.append(row.uid)
                if progress is not None:
                    progress(len(made), len(there))
            return Transfer(folders.read(self._shard, self._trees, target_id).uidvalidity, moved, made)

    def _given(self, folder_id: int, bits: int, names: Iterable[str]) -> tuple[int, Iterable[str]]:
        """Leave of the flags of a new message those that its writer may set; the others are dropped ([RFC4314] 4)."""
        held = self.rights(folder_id)
        return bits & permissions.allowed_flags(held), names if held & Rights.EDIT_ANY else ()

    def _withdraw_flags(self, work: Work, folder_id: int, uids: Sequence[int]) -> None:
        """Take from copies in another's folder the flags that the user may not set there ([RFC4314] 4)."""
        who = self.as_user
        if who is None or not uids:
            return
        held = permissions.rights(work, folder_id, who)
        denied = int(SYSTEM_FLAGS) & ~permissions.allowed_flags(held)
        if denied:
            names = () if held & Rights.EDIT_ANY else tuple(keywords.names(work).values())
            flags.set_flags(work, folder_id, uids, remove=denied, remove_keywords=names)

    def expunge(
        self, folder_id: int, uids: Sequence[int] | None = None, *, progress: Progress | None = None
    ) -> list[int]:
        """Remove the messages marked \\Deleted, of those in `uids` when given; return the UIDs ([RFC3501] 6.4.3).

        Many are removed in several transactions; after each `progress` is told how many of how many are done.
        """
        if uids is None:
            with self._shard.read() as db:
                uids = transfer.marked(db, folder_id)
        return self._remove(folder_id, sorted(set(uids)), only_marked=True, progress=progress)

    def remove_messages(self, folder_id: int, uids: Sequence[int]) -> list[int]:
        """Remove messages whatever their flags; return the UIDs that were there ([RFC1939] 6)."""
        return self._remove(folder_id, sorted(set(uids)), only_marked=False)

    def _remove(
        self, folder_id: int, uids: Sequence[int], *, only_marked: bool, progress: Progress | None = None
    ) -> list[int]:
        """Remove in parts, each a transaction, so that many messages do not lock the mailbox for long."""
        self._check(folder_id, Rights.DELETE_ANY)
        gone: list[int] = []
        for part in self._parts_of(uids, progress):
            with self._shard.write() as work:
                gone += transfer.remove(work, self._blobs, folder_id, part, only_marked=only_marked)
        return gone

    def prune(self, folder_id: int, *, before: float | None = None) -> None:
        """Forget tombstones made before a moment (Unix seconds; 90 days ago when none is given)."""
        with self._shard.write() as work:
            changelog.prune(work, folder_id, before=before)
