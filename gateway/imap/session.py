"""One IMAP session: its state, its selected folder, the untagged updates it owes the client ([RFC3501] 3, 5.2, 7.4).

The session knows nothing of sockets: it writes through a Wire. What other sessions change reaches it in one way only:
`sync` compares the folder's modseq with the session's own watermark and pulls `changes_since` (docs/architecture.md,
decision 11). A hint merely says when to look.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import ParamSpec, TypeVar, cast

from gateway.imap.collation import DEFAULT
from gateway.imap.environment import ImapServices
from gateway.imap.errors import no
from gateway.imap.flags import DELETED, FlagNames
from gateway.imap.names import is_visible, path_of
from gateway.imap.place import Place
from gateway.imap.protocol import writer
from gateway.imap.protocol.fetch_types import FetchAttribute
from gateway.imap.protocol.numset import runs_of
from gateway.imap.protocol.types import MailboxName, SequenceSet
from gateway.imap.selected import Selected
from gateway.imap.state import State
from gateway.imap.view import Exists, Expunged, FlagsOf, FolderView
from gateway.imap.wire import Wire
from gateway.services.logon import Logon
from gateway.services.watch import Subscription
from store.changes import Change, FlagsChanged, FolderRow, MessageCreated, MessageRow, Touched
from store.errors import NotFound
from store.index import FolderIndex
from store.mailbox import Mailbox

P = ParamSpec("P")
T = TypeVar("T")


MANY = 100
"""Messages from which a change is made in a thread."""
BATCH = 2000
"""Messages whose flags are changed in one transaction: it takes some milliseconds."""
PORTION = 128
"""Changes that are told at a time."""


class Session:
    """The state of one connection, for the commands."""

    __slots__ = (
        "_capabilities",
        "_index",
        "_offered",
        "_watching",
        "by_uid",
        "comparator",
        "condstore",
        "failed_logons",
        "home",
        "logon",
        "qresync",
        "rev2",
        "selected",
        "services",
        "state",
        "tag",
        "uidonly",
        "utf8",
        "wire",
    )

    def __init__(self, services: ImapServices, wire: Wire, capabilities: Callable[[Session], bytes]) -> None:
        self.services = services
        self.wire = wire
        self._capabilities = capabilities
        self.state = State.NOT_AUTHENTICATED
        self.logon: Logon | None = None
        self.home = cast(Mailbox, None)
        """The mailbox that the user signed in to; there is none before."""
        self.selected: Selected | None = None
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
        self.tag = b"*"
        """The tag of the command under way, for ESEARCH and the like."""
        self.by_uid = False
        """The command under way is a UID command: its FETCH replies carry the UID ([RFC3501] 6.4.8)."""
        self.failed_logons = 0
        self._watching: Subscription | None = None
        self._index: FolderIndex | None = None
        self._offered: tuple[bool, list[str]] | None = None

    @property
    def utf8_names(self) -> bool:
        """Whether mailbox names go over the wire in UTF-8, not in modified UTF-7 ([RFC6855] 3, [RFC9051] 5.1)."""
        return self.utf8 or self.rev2

    @property
    def tells_uid(self) -> bool:
        """Whether FETCH responses that no FETCH asked for carry the UID.

        [RFC3501] 6.4.8; [RFC7162] 3.2.4: with MODSEQ always; [RFC9051] 7.5.2: in any case.
        """
        return self.by_uid or self.condstore or self.rev2

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
            index = await self._read_index(self.mailbox, self.folder_selected.folder_id)
            self._keep_index(index)
            return index
        return self._index

    async def _read_index(self, mailbox: Mailbox, folder_id: int) -> FolderIndex:
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
        asyncio.get_running_loop().call_soon(self._forget_index)

    def _forget_index(self) -> None:
        self._index = None

    async def expunge_marked(self, within: Collection[int] | None = None) -> int:
        """Remove what is marked \\Deleted in the selected folder, of the UIDs `within` if given; return how many went.

        The store removes many in several transactions, so that nobody waits long.
        """
        folder_id = self.folder_selected.folder_id
        index = await self.index()
        marked = index.flagged(DELETED)
        if within is not None:
            wanted = set(within)
            marked = [uid for uid in marked if uid in wanted]
        if not marked:
            return 0
        return len(await self.write_many(self.mailbox, len(marked), self.mailbox.expunge, folder_id, marked))

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

    def log_out(self) -> None:
        """Enter the logout state: nothing more is read."""
        self.state = State.LOGOUT

    def close(self) -> None:
        """Let go of everything, the wire too: the connection is gone, and should not wait for the garbage collector."""
        self.end_idle()
        self.wire = cast(Wire, None)
        self.selected = None
        self.home = cast(Mailbox, None)
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

    def shows(self, row: FolderRow) -> bool:
        """Whether the folder is a mailbox to this session."""
        return bool(row.path) and (self.services.settings.show_all_folders or is_visible(row))

    async def place(self, name: MailboxName, *, missing: bytes = b"NONEXISTENT", selectable: bool = True) -> Place:
        """The folder of that name, freshly read, and the mailbox that it is in.

        Raises Refusal NO with the response code `missing` where there is none, or none that shows, and, unless
        `selectable` is false, NO [CANNOT] where only a name stands.
        """
        path = path_of(name.value)
        try:
            row: FolderRow | None = await self.read(self.home.folder, path)
        except NotFound:
            row = None
        if row is None or not self.shows(row):
            raise no(b"Mailbox does not exist.", missing)
        if selectable and not row.selectable:
            raise no(b"Mailbox is only a name; nothing can be in it.", b"CANNOT")
        return Place(self.home, row)

    def count_recent(self, place: Place) -> int:
        """How many messages of the folder would be \\Recent to the next session that selects it ([RFC3501] 6.3.10)."""
        mailbox, row = place
        if self.selected is not None and self.selected.is_at(place):
            return self.selected.count_recent()
        first = mailbox.recent_from(row.id)
        if first >= row.uidnext:
            return 0
        uids = mailbox.index(row.id).uids
        return len(uids) - bisect_left(uids, first)

    async def select(self, place: Place, name: str, *, read_only: bool) -> tuple[Selected, FolderIndex]:
        """Make the folder the selected one. EXAMINE leaves \\Recent to others ([RFC3501] 6.3.2)."""
        mailbox, row = place
        first = end = 0
        if not self.rev2:
            first, end = await self._recent(mailbox, row.id, row.uidnext, claim=not read_only)
        index = await self._read_index(mailbox, row.id)
        self._keep_index(index)
        selected = Selected(place, name, FolderView(index.uids), index.modseq, read_only=read_only)
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

    async def _recent(self, mailbox: Mailbox, folder_id: int, uidnext: int, *, claim: bool) -> tuple[int, int]:
        """UIDs, first and end (not included), that are \\Recent now; with `claim` they are in no later session.

        It is a write only where something is recent.
        """
        first = await self.read(mailbox.recent_from, folder_id)
        if not claim or first >= uidnext:
            return first, uidnext

        def take() -> tuple[int, int]:
            return mailbox.claim_recent(folder_id), mailbox.folder(folder_id).uidnext

        return await self.write(mailbox, take)

    # --- untagged updates

    async def appended(self, selected: Selected, rows: Sequence[MessageRow], before: int, first: int) -> None:
        """Take over the messages that this session has put into its folder, whose modseq was `before`.

        They are \\Recent from the UID `first`, unless that is 0. When the client knew all that had happened until
        then, it is told of them here, and nothing needs to be read.
        """
        if first:
            selected.add_recent(first, rows[-1].uid + 1)
        if selected.watermark == before and not selected.own:
            changes: list[Change] = [MessageCreated(row) for row in rows]
            await self._take_in(selected, rows[-1].modseq, changes, expunge=False, forced=False)

    async def sync(self, *, expunge: bool, forced: bool = False) -> None:
        """Tell the client what changed in the selected folder since it was last told.

        EXPUNGE is held back unless `expunge`: not during FETCH, STORE and SEARCH by number ([RFC3501] 7.4.1), nor when
        a command with message numbers is on its way already ([RFC3501] 5.5); `forced`, for EXPUNGE and MOVE, does not
        wait for that.
        """
        selected = self.selected
        if selected is None:
            return
        try:
            modseq, uidvalidity = await self._standing()
            if uidvalidity != selected.uidvalidity:
                raise NotFound("deleted and made again")
            known = selected.knows_all(modseq) and not (selected.watchers and modseq > selected.watermark)
            if known and not (expunge and selected.view.pending):
                selected.watermark = modseq
                selected.own.clear()
                if selected.settled:
                    self._tell_settled(selected, selected.settled)
                return
            while True:
                reached, changes = await self.read(
                    self.mailbox.changes_since, selected.folder_id, selected.watermark, most=PORTION
                )
                await self._take_in(selected, reached, changes, expunge=expunge, forced=forced)
                if reached >= modseq:
                    break
                await self.wire.drain()  # others have the loop in between
        except NotFound:
            self.selected = None
            self.state = State.AUTHENTICATED
            self.wire.give_up(b"The selected mailbox is gone.")

    async def _take_in(
        self, selected: Selected, reached: int, changes: list[Change], *, expunge: bool, forced: bool
    ) -> None:
        """Tell the client of the changes up to a mod-sequence."""
        await self._prepare(selected, changes)
        for watcher in selected.watchers:
            await watcher.prepare(changes)
        # From here on nothing can fail: what is taken out of the log is told.
        settled = selected.watermark
        selected.watermark = reached
        told: list[Change] = changes
        if selected.own:
            told = [c for c in changes if not (isinstance(c, FlagsChanged) and selected.is_own(c.row))]
            selected.own = [run for run in selected.own if run[1] > reached]
        for watcher in selected.watchers:
            watcher.leave()
        self._tell(selected, told, expunge=expunge and (forced or self.wire.expunge_is_safe()))
        if self.qresync:
            self._tell_settled(selected, settled)
        for watcher in selected.watchers:
            watcher.enter()

    async def _prepare(self, selected: Selected, changes: list[Change]) -> None:
        """Take \\Recent for new messages, and learn the keywords that the changes bring."""
        uidnext = max((change.row.uid + 1 for change in changes if isinstance(change, MessageCreated)), default=0)
        if uidnext and selected.shows_recent and not selected.is_recent(uidnext - 1):
            first, end = await self._recent(selected.mailbox, selected.folder_id, uidnext, claim=not selected.read_only)
            selected.add_recent(first, end)
        await self.learn_keywords([change.row.keywords for change in changes if isinstance(change, FlagsChanged)])

    def _tell_settled(self, selected: Selected, settled: int) -> None:
        """See to it that a client that loses its connection has missed nothing ([RFC7162] 3.2, 6).

        While a VANISHED is held back the client must not take a mod-sequence that it has seen for the mailbox's: it is
        told how far it knows everything, and that that is over once it is.
        """
        if selected.view.pending:
            selected.settled = selected.settled or max(settled, 1)
            self.send(b"* OK [HIGHESTMODSEQ %d] VANISHED is delayed.\r\n" % selected.settled)
        elif selected.settled:
            selected.settled = 0
            self.send(b"* OK [HIGHESTMODSEQ %d] Highest.\r\n" % selected.watermark)

    def _tell(self, selected: Selected, changes: list[Change], *, expunge: bool) -> None:
        out: list[bytes] = []
        updates = selected.view.apply(changes, allow_expunge=expunge)
        vanished = self.qresync or self.uidonly  # [RFC7162] 3.2.10, [RFC9586] 3.3
        if vanished:
            out += writer.vanished(runs_of(sorted(u.uid for u in updates if isinstance(u, Expunged))))
        for update in updates:
            if isinstance(update, Expunged):
                if not vanished:
                    out.append(writer.expunge(update.sequence))
            elif isinstance(update, Exists):
                out.append(writer.exists(update.count))
                if selected.shows_recent:
                    out.append(writer.recent(selected.count_recent()))
            elif isinstance(update, FlagsOf):
                out.append(self.flags_line(update.sequence, update.row))
        self.wire.send_parts(out)

    def flags_line(self, sequence: int, row: MessageRow) -> bytes:
        """An untagged FETCH with the flags of one message ([RFC3501] 7.4.2, [RFC7162] 3.1.4.2)."""
        recent = self.folder_selected.is_recent(row.uid)
        flags = self.flags.text(row.flags, row.keywords, recent=recent)
        modseq = b" MODSEQ (%d)" % row.modseq if self.condstore else b""
        if self.uidonly:
            return b"* %d UIDFETCH (FLAGS (%b)%b)\r\n" % (row.uid, flags, modseq)  # [RFC9586] 3.2
        uid = b" UID %d" % row.uid if self.tells_uid else b""
        return b"* %d FETCH (FLAGS (%b)%b%b)\r\n" % (sequence, flags, uid, modseq)

    def send_flags_of(self, rows: Sequence[MessageRow]) -> None:
        """Send `flags_line` of messages in the order of their UIDs; those that are not in the view are passed over."""
        view = self.folder_selected.view
        numbers: Sequence[int] = view.sequences([row.uid for row in rows])
        if 0 in numbers:
            rows = [row for row, number in zip(rows, numbers, strict=True) if number]
            numbers = [number for number in numbers if number]
        if not rows:
            return
        uids, _, _, modseqs, flags, keywords, *_ = zip(*rows, strict=True)
        if self.uidonly:
            numbers = uids
        items = [FetchAttribute.FLAGS]
        columns: list[Sequence[object]] = [
            numbers,
            self.flags.column(flags, keywords, self.folder_selected.recent_places(uids)),
        ]
        if self.tells_uid and not self.uidonly:
            items.append(FetchAttribute.UID)
            columns.append(uids)
        if self.condstore:
            items.append(FetchAttribute.MODSEQ)
            columns.append(modseqs)
        template = writer.fetch_template(tuple(items), uidonly=self.uidonly)
        self.send(writer.fetch_lines(template, zip(*columns, strict=True)))

    async def learn_keywords(self, sets: Iterable[int]) -> None:
        """Know the names of all keyword bits; tell the client of new ones before they are used ([RFC3501] 7.2.6)."""
        if self.flags.knows(sets):
            return
        self.flags.learn(await self.read(self.mailbox.keyword_names))
        if self.selected is not None:
            self.send_flags(self.selected)

    def send_flags(self, selected: Selected) -> None:
        """The flags that apply to the folder, and those that last ([RFC3501] 7.2.6, 7.1)."""
        names = self.flags.all_names()
        self.send(b"* FLAGS (%b)\r\n" % names)
        if selected.read_only:
            self.send(b"* OK [PERMANENTFLAGS ()] Read-only mailbox.\r\n")
        else:
            more = b"" if self.flags.full else b" \\*"
            self.send(b"* OK [PERMANENTFLAGS (%b%b)] Flags permitted.\r\n" % (names, more))
