"""One IMAP session: its state, its selected folder, what its commands need of the store ([RFC3501] 3).

The session knows nothing of sockets: it writes through a Wire. What it owes its client of others' changes is in
gateway.imap.updates; a hint merely says when to look.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Collection
from functools import partial
from typing import ParamSpec, TypeVar, cast

from gateway.imap import texts
from gateway.imap.collation import DEFAULT
from gateway.imap.environment import ImapServices
from gateway.imap.errors import no
from gateway.imap.flags import DELETED, FlagNames
from gateway.imap.names import is_visible, path_of, shared_space
from gateway.imap.notify import Events, Notifier
from gateway.imap.personality import PERSONALITIES, Personality
from gateway.imap.place import Namespaces, Place
from gateway.imap.protocol.types import MailboxName, SequenceSet
from gateway.imap.selected import Selected
from gateway.imap.state import State
from gateway.imap.updates import Updates
from gateway.imap.view import FolderView
from gateway.imap.wire import Wire
from gateway.services.logon import Logon
from gateway.services.watch import Subscription
from store.changes import FolderRow, Touched
from store.foldertree import KIND_GENERIC, Node, Remembered
from store.index import FolderIndex
from store.mailbox import Mailbox
from store.permissions import ALL, Rights, allowed_flags
from store.search import Progress

P = ParamSpec("P")
T = TypeVar("T")


MANY = 100
"""Messages from which a change is made in a thread."""
BATCH = 2000
"""Messages whose flags are changed in one transaction: it takes some milliseconds."""

WRITING = int(Rights.CREATE | Rights.EDIT_ANY | Rights.DELETE_ANY)
"""Rights of which one is enough for a mailbox not to be read-only ([RFC4314] 5.2)."""


class Session(Updates):
    """The state of one connection, for the commands."""

    __slots__ = (
        "_capabilities",
        "_index",
        "_offered",
        "_watching",
        "by_uid",
        "comparator",
        "failed_logons",
        "home",
        "language",
        "logon",
        "namespaces",
        "rev2",
        "services",
        "tag",
        "utf8",
    )

    def __init__(self, services: ImapServices, wire: Wire, capabilities: Callable[[Session], bytes]) -> None:
        self.services = services
        self.wire = wire
        self._capabilities = capabilities
        self.tag = b"*"
        """The tag of the command under way, for ESEARCH and the like."""
        self.failed_logons = 0
        self._offered: tuple[bool, list[str]] | None = None
        self._watching: Subscription | None = None
        self._begin()

    def _begin(self) -> None:
        """Stand where a connection does after its greeting: everything that UNAUTHENTICATE takes back ([RFC8437] 3)."""
        self.state = State.NOT_AUTHENTICATED
        self.logon: Logon | None = None
        self.home = cast(Mailbox, None)
        """The mailbox that the user signed in to; there is none before."""
        self.namespaces = cast(Namespaces, None)
        """What mailbox names mean to the user; there are none before either."""
        self.selected: Selected | None = None
        self.notify: Notifier | None = None
        """What NOTIFY asked for; None before its first use."""
        self.language = texts.DEFAULT
        """The language of what replies say ([RFC5255] 3)."""
        self.comparator = DEFAULT
        """How texts compare ([RFC5255] 4.7)."""
        self.condstore = False
        """Untagged FETCH carries MODSEQ ([RFC7162] 3.1)."""
        self.qresync = False
        """QRESYNC was enabled: VANISHED takes the place of EXPUNGE ([RFC7162] 3.2.3)."""
        self.rev2 = False
        """IMAP4rev2 was enabled: the replies are those of [RFC9051]."""
        self.utf8 = False
        """UTF8=ACCEPT was enabled: messages and names may be in UTF-8 ([RFC6855] 3)."""
        self.uidonly = False
        """UIDONLY was enabled: nothing is called by its number ([RFC9586] 3)."""
        self.by_uid = False
        """The command under way is a UID command: its FETCH replies carry the UID ([RFC3501] 6.4.8)."""
        self._index: FolderIndex | None = None
        self.left = None

    @property
    def utf8_names(self) -> bool:
        """Whether mailbox names go over the wire in UTF-8, not in modified UTF-7 ([RFC6855] 3, [RFC9051] 5.1)."""
        return self.utf8 or self.rev2

    @property
    def tells_uid(self) -> bool:
        """Whether FETCH responses that no FETCH asked for carry the UID.

        [RFC3501] 6.4.8; [RFC7162] 3.2.4: with MODSEQ always; [RFC9051] 7.5.2: in any case; [RFC5465] 5.1: for who has
        asked for FlagChange.
        """
        asked = self.notify is not None and bool(self.notify.selected & Events.FLAG_CHANGE)
        return self.by_uid or self.condstore or self.rev2 or asked

    # --- output and store calls

    def send(self, data: bytes) -> None:
        """Queue octets for the client."""
        self.wire.send(data)

    async def read(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a short read of the store."""
        return await self.services.runner.read(fn, *args, **kwargs)

    async def write(self, mailbox: Mailbox, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a change of a mailbox; it is durable when this returns."""
        self._index = None
        return await self.services.runner.write(mailbox.ref, partial(fn, *args, **kwargs))

    async def write_many(
        self, mailbox: Mailbox, count: int, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a change of `count` messages; many of them in a thread, in transactions of their own."""
        if count <= MANY:
            return await self.write(mailbox, fn, *args, **kwargs)
        self._index = None
        return await self.services.runner.run(fn, *args, **kwargs)

    async def index(self) -> FolderIndex:
        """The index of the selected folder, up to date.

        It is brought up to date once in a turn of the loop: what commits while many commands of one input are carried
        out was not done before they were sent. Its own changes the session sees at once.
        """
        if self._index is None:
            index = await self.read_index(self.mailbox, self.folder_selected.folder_id)
            self._keep_index(index)
            return index
        return self._index

    async def read_index(self, mailbox: Mailbox, folder_id: int) -> FolderIndex:
        """The index of a folder: at once where that is short work, else by a thread, and nobody waits for it."""
        if self.services.runner.inline:
            index = mailbox.index_at_hand(folder_id)
            if index is not None:
                return index
        return await self.services.runner.run(mailbox.index, folder_id)

    async def _standing(self) -> tuple[int, int]:
        """The modseq and UIDVALIDITY of the selected folder, as old as its index where that was looked at just now."""
        index = self._index
        if index is not None:
            return index.modseq, index.uidvalidity
        return await self.read(self.mailbox.standing, self.folder_selected.folder_id)

    def _keep_index(self, index: FolderIndex) -> None:
        self._index = index
        if not self.wire.holds_loop:
            asyncio.get_running_loop().call_soon(self.forget_index)

    def forget_index(self) -> None:
        """The loop has its turn: others may commit now."""
        self._index = None

    async def marked(self, within: Collection[int] | None = None) -> list[int]:
        """The UIDs, ascending, of what is marked \\Deleted in the selected folder, of `within` if given."""
        marked = (await self.index()).flagged(DELETED)
        if within is None:
            return marked
        wanted = set(within)
        return [uid for uid in marked if uid in wanted]

    async def expunge_marked(self, within: Collection[int] | None = None, *, progress: Progress | None = None) -> int:
        """Remove what is marked \\Deleted in the selected folder, of the UIDs `within` if given; return how many went.

        The store removes many in several transactions, so that nobody waits long, and tells `progress` after each.
        """
        folder_id = self.folder_selected.folder_id
        marked = await self.marked(within)
        if not marked:
            return 0
        expunge = self.mailbox.expunge
        return len(await self.write_many(self.mailbox, len(marked), expunge, folder_id, marked, progress=progress))

    # --- state

    @property
    def mailbox(self) -> Mailbox:
        """The mailbox that the selected folder is in; only in the selected state."""
        return self.folder_selected.mailbox

    @property
    def flags(self) -> FlagNames:
        """The names of the flags in that mailbox."""
        return self.folder_selected.flags

    @property
    def folder_selected(self) -> Selected:
        """The selected folder; only in the selected state."""
        assert self.selected is not None
        return self.selected

    def writable_folder(self) -> Selected:
        """The selected folder; Refusal NO [READ-ONLY] if it was opened by EXAMINE."""
        selected = self.folder_selected
        if selected.read_only:
            raise no(b"The mailbox is selected read-only.", b"READ-ONLY")
        return selected

    def uids_of(self, messages: SequenceSet, *, uid: bool) -> list[int]:
        """The UIDs that a set of numbers or UIDs names, ascending. Raises BadNumber."""
        view = self.folder_selected.view
        uids: list[int] = []
        for start, stop in view.select(messages, uid=uid):
            uids += view.uids[start:stop]
        return uids

    @property
    def personality(self) -> Personality:
        """Whose face the server shows."""
        return PERSONALITIES[self.services.settings.personality]

    def welcome(self) -> bytes:
        """The response code of a greeting and of a sign-in: the capabilities, or nothing."""
        return b"CAPABILITY " + self.capabilities() if self.personality.tells_capability else b""

    def capabilities(self) -> bytes:
        """What CAPABILITY lists in the present state."""
        return self._capabilities(self)

    def mechanisms(self) -> list[str]:
        """SASL mechanisms that this connection may use now; without PLAIN it is LOGINDISABLED."""
        tls = self.wire.tls
        if self._offered is None or self._offered[0] is not tls:
            self._offered = tls, self.services.signin.offered(self.wire.peer)
        return self._offered[1]

    async def enter(self, logon: Logon) -> None:
        """Open the mailbox and enter the authenticated state."""
        self.home = await self.read(self.services.store.open, logon.ref)
        self.logon = logon
        sharing = self.services.sharing
        guest = None if sharing is None else sharing.guest(logon)
        self.namespaces = Namespaces(self.home, self.read, sharing, guest)
        self.services.signin.entered(logon)
        self.state = State.AUTHENTICATED
        self.wire.logged_on()

    def has_expired(self) -> bool:
        """Whether what the user signed in by is good no longer, such as a token, or the right to it is gone."""
        return self.logon is not None and self.services.signin.has_ended(self.logon)

    def client_named(self, device: str) -> None:
        """Note what the client calls itself, for the ledger of devices ([RFC2971] 3.1)."""
        self.wire.called(device)
        if self.logon is not None:
            self.services.signin.named(self.logon, self.wire.peer, device)

    def note_failed_logon(self) -> None:
        """Count a failed login; too many end the connection."""
        self.failed_logons += 1
        if self.failed_logons >= self.services.settings.max_logon_failures:
            self.wire.give_up(b"Too many failed logins.")

    def sign_off(self) -> None:
        """Forget the user and all that was agreed on; the connection goes on ([RFC8437] 3, 4.1)."""
        self.end_idle()
        self.end_notify()
        self._begin()
        self.wire.signed_off()

    def log_out(self) -> None:
        """Enter the logout state: nothing more is read."""
        self.state = State.LOGOUT

    def close(self) -> None:
        """Let go of everything, the wire too: the connection is gone, and should not wait for the garbage collector."""
        self.end_idle()
        self.end_notify()
        self.wire = cast(Wire, None)
        self.selected = None
        self.home = cast(Mailbox, None)
        self.namespaces = cast(Namespaces, None)
        self.state = State.LOGOUT

    # --- IDLE

    def begin_idle(self) -> None:
        """Be woken by changes of the selected folder from now on."""
        if self.selected is not None:
            self._watching = self.services.watch.subscribe(self.mailbox.ref.id, self._hinted)

    def end_idle(self) -> None:
        """Be woken no more."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def end_notify(self) -> None:
        """Forget what NOTIFY asked for."""
        if self.notify is not None:
            self.notify.cancel()
            self.notify = None

    def _hinted(self, touched: Touched) -> None:
        selected = self.selected
        if selected is not None and touched.folder_id in (0, selected.folder_id):
            self.wire.wake()

    def enable_condstore(self) -> None:
        """A CONDSTORE enabling command was given ([RFC7162] 3.1)."""
        if not self.condstore:
            self.condstore = True
            if self.selected is not None:
                # [RFC7162] 3.1.2.1: the client needs a starting point for the folder that is open already.
                self.send(b"* OK [HIGHESTMODSEQ %d] Highest.\r\n" % max(self.selected.watermark, 1))

    # --- folders

    def shows(self, row: FolderRow | Node) -> bool:
        """Whether the folder is a mailbox to this session."""
        return bool(row.path) and (self.services.settings.show_all_folders or is_visible(row))

    def remembered(self, name: MailboxName) -> Remembered | None:
        """A folder of the user's own mailbox that was there a while ago; None where `place` has to look.

        What is done in it is to be held to the version of the tree (Mailbox.deliver_all). Raises Refusal NO [CANNOT].
        """
        if shared_space(name.value) is not None:
            return None
        found = self.home.remembered(path_of(name.value))
        if found is None or found.node.kind != KIND_GENERIC or not self.shows(found.node):
            return None
        return found

    async def place(self, name: MailboxName, *, missing: bytes = b"NONEXISTENT", selectable: bool = True) -> Place:
        """The folder of that name, freshly read, and the mailbox that it is in.

        Raises Refusal NO with the response code `missing` where there is none, or none that shows, and, unless
        `selectable` is false, NO [CANNOT] where only a name stands.
        """
        place = await self.namespaces.find(name.value)
        if place is None or not self.shows(place.row):
            raise no(b"Mailbox does not exist.", missing)
        if selectable and not place.row.selectable:
            raise no(b"Mailbox is only a name; nothing can be in it.", b"CANNOT")
        return place

    async def count_recent(self, place: Place) -> int:
        """How many messages of the folder would be \\Recent to the next session that selects it ([RFC3501] 6.3.10)."""
        mailbox, row = place
        if self.selected is not None and self.selected.is_at(place):
            return self.selected.count_recent()
        first = await self.read(mailbox.recent_from, row.id)
        if first >= row.uidnext:
            return 0
        uids = (await self.read_index(mailbox, row.id)).uids
        return len(uids) - bisect_left(uids, first)

    async def select(self, place: Place, name: str, *, read_only: bool) -> tuple[Selected, FolderIndex]:
        """Make the folder the selected one, read-only for who may change nothing in it ([RFC4314] 5.2).

        EXAMINE leaves \\Recent to others ([RFC3501] 6.3.2).
        """
        mailbox, row = place
        held = ALL if mailbox.whole else await self.read(mailbox.rights, row.id)
        read_only = read_only or not int(held) & WRITING
        first = end = 0
        if not self.rev2:
            first, end = row.recent_uid, row.uidnext
            if first < end and not read_only:
                first, end = await self._recent(mailbox, row.id, end, claim=True)
        index = mailbox.index_standing(row) if mailbox.whole else None
        if index is None:
            index = await self.read_index(mailbox, row.id)
        self._keep_index(index)
        selected = Selected(
            place, name, FolderView(index.uids), index.modseq, read_only=read_only, settable=allowed_flags(held)
        )
        selected.flags.learn(await self.read(mailbox.keyword_names))
        selected.shows_recent = not self.rev2
        selected.add_recent(first, end)
        self.selected = selected
        self.state = State.SELECTED
        return selected, index

    async def deselect(self) -> None:
        """Leave the selected folder without expunging anything."""
        if self.selected is not None:
            self.selected = None
            self.state = State.AUTHENTICATED
