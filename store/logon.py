"""What a logon's handle of a mailbox stands on: whose it is, its rights in folders, limits and annotations.

Mailbox (store.mailbox) is this and the folders and messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from store import accesskeys, entries, origins, permissions, previews, quota
from store.blob import BlobStore
from store.engine import Reader, Shard
from store.errors import AccessDenied
from store.foldertree import Trees
from store.ids import MailboxRef
from store.indexcache import IndexCache
from store.permissions import Member, Principals, Rights, Who
from store.quota import Quota
from store.readagain import ReadAgain
from store.reading import MimeReader
from store.textindex import TextIndexes


class Parts:
    """What the handles of one mailbox share in a process."""

    __slots__ = (
        "__weakref__",
        "blobs",
        "indexes",
        "max_message",
        "read_again",
        "reader",
        "ref",
        "shard",
        "text_index",
        "texts",
        "trees",
    )

    def __init__(
        self,
        ref: MailboxRef,
        shard: Shard,
        blobs: BlobStore,
        indexes: IndexCache,
        *,
        max_message: int,
        reader: MimeReader | None,
        texts: TextIndexes,
        read_again: ReadAgain,
    ) -> None:
        self.ref = ref
        self.shard = shard
        self.blobs = blobs
        self.indexes = indexes
        self.trees = Trees()
        self.max_message = max_message
        self.reader = reader
        self.texts = texts
        self.read_again = read_again
        self.text_index = texts.of(ref, shard, blobs)


class MailboxLogon:
    """A mailbox as one user sees it, without what is in it."""

    __slots__ = ("_blobs", "_parts", "_shard", "_trees", "_who", "ref")

    def __init__(self, parts: Parts, who: Who = None) -> None:
        self.ref = parts.ref
        self._who = who
        self._parts = parts
        self._shard = parts.shard
        self._blobs = parts.blobs
        self._trees = parts.trees

    @property
    def as_user(self) -> Principals | None:
        """The user, or the user followed by the groups it belongs to; None for the owner with all rights."""
        return self._who() if callable(self._who) else self._who

    @property
    def whole(self) -> bool:
        """Whether it was opened with all rights for good, so that none need be asked for."""
        return self._who is None

    @property
    def _user(self) -> bytes:
        """The principal of the logon; the owner's is empty."""
        who = self.as_user
        return b"" if not who else who if isinstance(who, bytes) else who[0]

    def _need(self, db: Reader, folder_id: int, needed: Rights) -> None:
        """Raise AccessDenied without some rights in a folder."""
        if self._who is not None:
            permissions.require(db, folder_id, self.as_user, needed)

    def _check(self, folder_id: int, needed: Rights) -> None:
        if self._who is not None:
            with self._shard.read() as db:
                self._need(db, folder_id, needed)

    def demand(self, folder_id: int, needed: Rights) -> None:
        """Raise AccessDenied unless the user has some rights in a folder."""
        self._check(folder_id, needed)

    # ---------------------------------------------------------------------------------------------------- quota

    def demand_room(self, octets: int) -> None:
        """Raise QuotaExceeded unless so many more octets may be kept, as it is now."""
        with self._shard.read() as db:
            quota.check_room(db, octets)

    def quota(self) -> Quota:
        """Read the size of the mailbox and its limits."""
        with self._shard.read() as db:
            return quota.read(db)

    def set_quota(self, *, warn: int | None = None, send: int | None = None, receive: int | None = None) -> None:
        """Set the limits, in octets; None lifts one. Raises AccessDenied for anybody but the owner."""
        if self.as_user is not None:
            raise AccessDenied("only the owner's logon sets limits")
        with self._shard.write() as work:
            quota.change(work, warn=warn, send=send, receive=receive)

    # -------------------------------------------------------------------------------------------------- rights

    def rights(self, folder_id: int) -> Rights:
        """Give the rights of the user in a folder; the owner has them all ([MS-OXCPERM] 2.2.7)."""
        who = self.as_user
        if who is None:
            return permissions.ALL
        with self._shard.read() as db:
            return permissions.rights(db, folder_id, who)

    def permissions(self, folder_id: int) -> list[Member]:
        """Read the members of a folder, Default and Anonymous first. Raises AccessDenied to all but its owners."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.FOLDER_OWNER)
            return permissions.read(db, folder_id)

    def set_permission(self, folder_id: int, principal: bytes, rights: int | None) -> None:
        """Give a principal (empty: everybody) rights in a folder; None takes them away ([MS-OXCPERM] 2.2.2).

        Raises NotFound, AccessDenied, ValueError for bits that mean nothing.
        """
        with self._shard.write() as work:
            self._need(work, folder_id, Rights.FOLDER_OWNER)
            permissions.change(work, folder_id, principal, rights)

    def change_permission(self, folder_id: int, principal: bytes, change: Callable[[Rights], Rights | None]) -> None:
        """Make new rights of those that a principal has in a folder; None takes its membership away.

        Raises what `set_permission` does.
        """
        with self._shard.write() as work:
            self._need(work, folder_id, Rights.FOLDER_OWNER)
            members = permissions.read(work, folder_id)
            held = next((one.rights for one in members if one.principal == principal), permissions.NONE)
            permissions.change(work, folder_id, principal, change(held))

    def shows_anything(self) -> bool:
        """Tell whether the user sees some folder of the mailbox."""
        who = self.as_user
        if who is None:
            return True
        with self._shard.read() as db:
            return any(held & Rights.FOLDER_VISIBLE for held in permissions.everywhere(db, who).values())

    def shown_to(self) -> set[bytes]:
        """Give the principals that see some folder of the mailbox; permissions.DEFAULT stands for everybody."""
        with self._shard.read() as db:
            return permissions.shown_to(db)

    # --------------------------------------------------------------------------------------------- annotations

    def annotations(self, folder_id: int, *, private: bytes | None = None) -> dict[str, bytes]:
        """Read the annotations of a folder (0: of the mailbox): the shared ones, or those of the user `private`.

        Raises NotFound, AccessDenied.
        """
        with self._shard.read() as db:
            if folder_id:
                self._need_some(db, folder_id)
            return entries.read(db, folder_id, entries.SHARED if private is None else private)

    def _need_some(self, db: Reader, folder_id: int) -> None:
        """Raise AccessDenied to who cannot read, add or edit messages: [RFC5464] 3.3."""
        who = self.as_user
        if who is not None:
            held = permissions.rights(db, folder_id, who)
            if not held & Rights.FOLDER_VISIBLE or not held & (Rights.READ_ANY | Rights.CREATE | Rights.EDIT_ANY):
                raise AccessDenied(f"folder {folder_id}: {held!r} is not enough for its annotations")

    def annotated(self, name: str, *, private: bytes) -> dict[int, bytes]:
        """Read one of a user's private annotations on all folders: by folder, its value."""
        with self._shard.read() as db:
            return entries.named(db, private, name)

    def annotate(
        self, folder_id: int, changes: Iterable[tuple[str, bytes | None]], *, private: bytes | None = None
    ) -> None:
        """Set annotations of a folder (0: of the mailbox), all or none; None removes one ([RFC5464] 4.3).

        Shared ones take the right to edit. Raises NotFound, AccessDenied, TooLarge (the limits of store.entries).
        """
        with self._shard.write() as work:
            if folder_id and private is not None:
                self._need_some(work, folder_id)
            elif folder_id:
                self._need(work, folder_id, Rights.FOLDER_VISIBLE | Rights.EDIT_ANY)
            elif private is None and self.as_user is not None:
                raise AccessDenied("only the owner annotates the whole mailbox")
            who = entries.SHARED if private is None else private
            grows = False
            for name, value in changes:
                entries.write(work, folder_id, who, name, value)
                grows = grows or value is not None
            if grows:
                entries.check(work, who)
            work.touch(0, 1)

    # --------------------------------------------------------------------------------------------- access keys

    def access_key(self, folder_id: int) -> bytes | None:
        """Read the user's mailbox access key for a folder ([RFC4467] 2.2); None: the user has given no URL away."""
        with self._shard.read() as db:
            return accesskeys.read(db, folder_id, self._user)

    def make_access_key(self, folder_id: int) -> bytes:
        """Give the user's key for a folder, which is made if there is none. Raises AccessDenied."""
        with self._shard.write() as work:
            self._need(work, folder_id, Rights.READ_ANY)
            return accesskeys.make(work, folder_id, self._user)

    def reset_access_keys(self, folder_id: int | None) -> None:
        """Forget the user's key for a folder, or with None all the user's keys here ([RFC4467] 7)."""
        with self._shard.write() as work:
            accesskeys.reset(work, folder_id, self._user)

    # --------------------------------------------------------------------------------------- names and previews

    def names(self, item_ids: Sequence[int]) -> dict[int, str]:
        """Give the names of items, the same in every mailbox that a message goes to ([RFC8474] 5.1)."""
        with self._shard.read() as db:
            kept = origins.read(db, item_ids)
        return {item_id: kept.get(item_id) or origins.name(self.ref, item_id) for item_id in item_ids}

    def named(self, name: str) -> set[int]:
        """Give the items that bear a name, be they there or not."""
        with self._shard.read() as db:
            return origins.find(db, self.ref, name)

    def previews(self, item_ids: Sequence[int]) -> dict[int, str]:
        """Read the previews that are kept, by item."""
        with self._shard.read() as db:
            return previews.read(db, item_ids)

    def keep_previews(self, made: Mapping[int, str]) -> None:
        """Keep previews of items that have none; items that are gone are left out."""
        if made:
            with self._shard.write() as work:
                previews.keep(work, made)
