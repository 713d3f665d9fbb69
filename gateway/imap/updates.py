"""The untagged updates that a session owes its client: what changed in the selected folder ([RFC3501] 5.2, 7.4).

What other sessions change is found in one way only: `sync` compares the folder's modseq with the session's own
watermark and pulls `changes_since` (docs/architecture.md, decision 11).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import ParamSpec, TypeVar

from gateway.imap.flags import FlagNames
from gateway.imap.notify import Events, Notifier
from gateway.imap.protocol import writer
from gateway.imap.protocol.fetch_types import FetchAttribute
from gateway.imap.protocol.numset import runs_of
from gateway.imap.selected import Selected
from gateway.imap.state import State
from gateway.imap.view import Exists, Expunged, FlagsOf
from gateway.imap.wire import Wire
from store.changes import Change, FlagsChanged, FlagUpdate, MessageCreated, MessageRow
from store.errors import AccessDenied, NotFound
from store.mailbox import Mailbox
from store.messages import Arrived
from store.permissions import allowed_flags

P = ParamSpec("P")
T = TypeVar("T")

PORTION = 128
"""Changes that are told at a time."""


class Updates:
    """The half of a session that tells its client what changed; the other half is gateway.imap.session.Session."""

    __slots__ = ("condstore", "left", "notify", "qresync", "selected", "state", "uidonly", "wire")

    wire: Wire
    state: State
    selected: Selected | None
    left: tuple[int, int] | None
    """The modseq and UIDVALIDITY of the selected folder as the command under way has left them, where that is known."""
    notify: Notifier | None
    condstore: bool
    qresync: bool
    uidonly: bool

    @property
    @abstractmethod
    def mailbox(self) -> Mailbox:
        """The mailbox that the selected folder is in."""

    @property
    @abstractmethod
    def flags(self) -> FlagNames:
        """The names of the flags in that mailbox."""

    @property
    @abstractmethod
    def folder_selected(self) -> Selected:
        """The selected folder."""

    @property
    @abstractmethod
    def tells_uid(self) -> bool:
        """Whether FETCH responses that no FETCH asked for carry the UID."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Queue octets for the client."""

    @abstractmethod
    async def read(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a short read of the store."""

    @abstractmethod
    async def write(self, mailbox: Mailbox, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a change of a mailbox."""

    @abstractmethod
    async def _standing(self) -> tuple[int, int]:
        """The modseq and the UIDVALIDITY of the selected folder."""

    async def sync(self, *, expunge: bool, forced: bool = False) -> None:
        """Tell the client what changed in the selected folder since it was last told.

        EXPUNGE is held back unless `expunge`: not during FETCH, STORE and SEARCH by number ([RFC3501] 7.4.1), nor when
        a command with message numbers is on its way already ([RFC3501] 5.5); `forced`, for EXPUNGE and MOVE, does not
        wait for that.
        """
        selected = self.selected
        left, self.left = self.left, None
        if selected is None:
            return
        if not (self._wants_selected or forced):
            return
        try:
            if not selected.mailbox.whole:
                await self._look_at_rights(selected)
            modseq, uidvalidity = left or await self._standing()
            if uidvalidity != selected.uidvalidity:
                raise NotFound("deleted and made again")
            known = selected.knows_all(modseq) and not (selected.watchers and modseq > selected.watermark)
            if known and not (expunge and selected.view.pending):
                selected.watermark = modseq
                selected.own.clear()
                if selected.settled:
                    self._tell_settled(selected, selected.settled)
                return
            settled = selected.watermark
            while True:
                reached, changes = await self.read(
                    self.mailbox.changes_since, selected.folder_id, selected.watermark, most=PORTION
                )
                last = reached >= modseq
                await self._take_in(selected, reached, changes, expunge=expunge, forced=forced, last=last)
                if last:
                    break
                await self.wire.drain()  # others have the loop in between
            if self.qresync:
                self._tell_settled(selected, settled)
        except (NotFound, AccessDenied):
            self.selected = None
            self.state = State.AUTHENTICATED
            self.wire.give_up(b"The selected mailbox is gone.")

    @property
    def _wants_selected(self) -> bool:
        """Whether anything is to be told of the selected mailbox without being asked ([RFC5465] 3.1)."""
        return self.notify is None or bool(self.notify.selected)

    async def _look_at_rights(self, selected: Selected) -> None:
        """Tell which flags last when the user's rights in another's folder have changed ([RFC4314] 5.1.1)."""
        settable = allowed_flags(await self.read(selected.mailbox.rights, selected.folder_id))
        if settable != selected.settable:
            selected.settable = settable
            if not selected.read_only:
                self.send_flags(selected)

    async def _take_in(
        self,
        selected: Selected,
        reached: int,
        changes: list[Change],
        *,
        expunge: bool,
        forced: bool,
        last: bool = True,
    ) -> None:
        """Tell the client of the changes up to a mod-sequence."""
        await self._prepare(selected, changes)
        for watcher in selected.watchers:
            await watcher.prepare(changes, last=last)
            await self.wire.drain()  # others have the loop in between
        # From here on nothing can fail: what is taken out of the log is told.
        selected.watermark = reached
        told: list[Change] = changes
        if selected.own:
            told = [c for c in changes if not (isinstance(c, FlagsChanged) and selected.is_own(c.row))]
            selected.own = [run for run in selected.own if run[1] > reached]
        if self.notify is not None and not self.notify.selected & Events.FLAG_CHANGE:
            told = [c for c in told if not isinstance(c, FlagsChanged)]
        for watcher in selected.watchers:
            watcher.leave()
        self._tell(selected, told, expunge=expunge and (forced or self.wire.expunge_is_safe()))
        for watcher in selected.watchers:
            watcher.enter()

    async def appended(self, selected: Selected, arrived: Arrived, known: int | None) -> None:
        """Take over the messages that this session has put into its folder, next to the mod-sequence `known` or not.

        When the client knew all that had happened until then, it is told of them here, and nothing needs to be read.
        """
        rows = arrived.rows
        selected.note_made(row.uid for row in rows)
        if arrived.recent_from:
            selected.add_recent(arrived.recent_from, rows[-1].uid + 1)
        if arrived.next_to and selected.watermark == known and not selected.own and self._wants_selected:
            changes: list[Change] = [MessageCreated(row) for row in rows]
            await self._take_in(selected, rows[-1].modseq, changes, expunge=False, forced=False)
            self.left = (selected.watermark, selected.uidvalidity)

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
        vanished = self.qresync or self.uidonly  # [RFC7162] 3.2.10, [RFC9586] 3.3 to 3.5
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

    def send_flags_of(self, update: FlagUpdate, *, downwards: bool = False) -> None:
        """Send `flags_line` of the messages that STORE was given; those that are not in the view are passed over.

        With `downwards` the highest come first.
        """
        uids, modseqs, flags, keywords = update.uids, update.modseqs, update.flags, update.keywords
        numbers: Sequence[int] = self.folder_selected.view.sequences(uids)
        if 0 in numbers:
            uids, modseqs, flags, keywords, numbers = (
                list(compress(column, numbers)) for column in (uids, modseqs, flags, keywords, numbers)
            )
        if not numbers:
            return
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
        rows: Iterable[tuple[object, ...]] = zip(*columns, strict=True)
        self.send(writer.fetch_lines(template, reversed(list(rows)) if downwards else rows))

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
            lasting = self.flags.permanent(selected.settable)
            self.send(b"* OK [PERMANENTFLAGS (%b)] Flags permitted.\r\n" % lasting)

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
