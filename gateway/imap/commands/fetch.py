"""FETCH and UID FETCH ([RFC3501] 6.4.5, [RFC3501] 7.4.2, [RFC7162] 3.1.4, [RFC9394] 3.3).

A command is answered in batches of messages, column by column: every item gives one list of values, the lists are
zipped into a template, the lines are joined once. Flags, dates, sizes and mod-sequences come from the folder's index
in memory; ENVELOPE, BODYSTRUCTURE and the common header fields are ready bytes from one query a batch; the message
itself is read only for what nothing else answers (gateway.imap.commands.bodies).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, zip_longest

from gateway.imap.commands import attributes, binary, resync, sections, surrogates
from gateway.imap.commands.batch import Batch, Plan, align, changed, plan, slices, window
from gateway.imap.commands.bodies import LARGE, MUCH, Messages, load, send_at_hand, send_large, small_groups
from gateway.imap.commands.messagelimit import Limit
from gateway.imap.errors import Reply, no, ok
from gateway.imap.flags import SEEN
from gateway.imap.protocol import writer
from gateway.imap.protocol.fetch_types import BodySection, Fetch, FetchAttribute, FetchItem
from gateway.imap.protocol.numset import format_set
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from store.changes import MessageRow
from store.errors import NotFound, StoreError
from store.index import FolderIndex

log = logging.getLogger(__name__)

Column = Sequence[object]
Marked = Mapping[int, MessageRow]
"""UID -> row of messages that this FETCH has made \\Seen."""


async def fetch(session: Session, args: Fetch) -> Reply:
    """FETCH. A message that someone else has expunged is passed over; asked for by number it gives NO [EXPUNGEISSUED].

    UIDs that do not exist are passed over in silence ([RFC3501] 6.4.8). Of more messages than one command may touch
    the newest are answered, from the highest down; a PARTIAL that asks for more is refused ([RFC9738] 3.1).
    """
    selected = session.folder_selected
    wanted = plan(args.items)
    if wanted.modseq or args.changed_since is not None:
        session.enable_condstore()
    if args.vanished:
        await resync.send_vanished(session, args.messages, args.changed_since or 0)
    limit = Limit(session)
    if args.partial is not None and limit.is_over(abs(args.partial[1] - args.partial[0]) + 1):
        raise limit.refusal()  # [RFC9738] 3.1
    ranges = selected.view.select(args.messages, uid=args.uid)
    complete = known = True
    downgraded: set[int] = set()
    if ranges:
        index = await session.index()
        if args.partial is not None:
            if args.changed_since is not None:
                ranges = changed(selected.view.uids, ranges, index, args.changed_since)
            ranges = window(ranges, args.partial)
        elif limit.is_over(sum(stop - start for start, stop in ranges)):
            ranges = window(ranges, (-1, -limit.most))
            limit.last = selected.view.uids[ranges[0][0]]
        parts: Iterable[list[tuple[int, int]]] = slices(ranges, wanted.batch)
        for part in reversed(list(parts)) if limit.last else parts:
            batch = align(selected.view.uids, part, index)
            complete = complete and batch.complete
            if args.changed_since is not None:
                batch = batch.changed_since(index, args.changed_since)
            if batch.uids:
                answer = _Answer(session, selected, wanted, index, batch, downwards=limit.last > 0)
                complete = await answer.send() and complete
                known = known and answer.known
                downgraded |= answer.downgraded
                await session.wire.drain()
    if not complete and not args.uid:
        limit.tell()
        raise no(b"Some of the messages have been expunged.", b"EXPUNGEISSUED")
    if not known:
        limit.tell()
        raise binary.refusal()
    if downgraded:
        code = b"DOWNGRADED " + format_set(sorted(downgraded))  # [RFC6858] 3
        return limit.conclude(ok(b"FETCH completed.", code))
    return limit.conclude(ok(b"FETCH completed."))


class _Answer:
    """The answer for one batch."""

    __slots__ = (
        "batch",
        "complete",
        "downgraded",
        "downwards",
        "envelopes",
        "headers",
        "index",
        "known",
        "large",
        "looked_up",
        "marked",
        "plan",
        "selected",
        "session",
        "structures",
        "utf8",
    )

    def __init__(
        self,
        session: Session,
        selected: Selected,
        wanted: Plan,
        index: FolderIndex,
        batch: Batch,
        *,
        downwards: bool,
    ) -> None:
        self.session = session
        self.selected = selected
        self.plan = wanted
        self.index = index
        self.batch = batch
        self.downwards = downwards
        """The highest message is answered first ([RFC9738] 3.1)."""
        self.marked: Marked = {}
        self.envelopes: Sequence[bytes] = ()
        self.structures: Sequence[bytes] = ()
        self.headers: Sequence[bytes] = ()
        self.looked_up: attributes.Values = {}
        self.downgraded: set[int] = set()
        """UIDs of messages of which a surrogate was shown."""
        self.utf8 = session.utf8_names
        """The client has enabled UTF-8: headers are sent as they are ([RFC6855] 3)."""
        self.large = min(LARGE, MUCH // max(sum(wanted.reads), 1))
        """Octets of a message from which its sections are sent one after another: there may be hundreds of them."""
        self.complete = True
        self.known = True
        """The transfer encoding of every part that BINARY asks for is known."""

    async def send(self) -> bool:
        """Send it; False if a message has meanwhile gone."""
        if self.plan.marks_seen and not self.selected.read_only and self.selected.settable & SEEN:
            await self._mark_seen()
        if self.marked or self.plan.flags:
            await self.session.learn_keywords(self.batch.column(self.index.keywords))
        if len(self.batch.uids) == 1 and self.plan.only_messages and self._size(self.batch) <= self.large:
            await self._send_one()
        elif self.plan.messages:
            groups: Iterable[Batch] = small_groups(self.index, self.batch, self.large)
            for group in reversed(list(groups)) if self.downwards else groups:
                if self._size(group) > self.large:
                    await self._send_large(group)
                else:
                    await self._send_small(group)
                await self.session.wire.drain()
        else:
            self._emit(await self._read_stored(self.batch), ())
        return self.complete

    def _size(self, batch: Batch) -> int:
        """Octets of the first message."""
        return self.index.sizes[batch.places[0]]

    async def _mark_seen(self) -> None:
        """Set \\Seen where it is not, before the message leaves ([RFC3501] 6.4.5)."""
        flags = self.batch.column(self.index.flags)
        unseen = [uid for uid, bits in zip(self.batch.uids, flags, strict=True) if not bits & SEEN]
        if not unseen:
            return
        try:
            update = await self.session.write_many(
                self.selected.mailbox,
                len(unseen),
                self.selected.mailbox.set_flags,
                self.selected.folder_id,
                unseen,
                add=SEEN,
            )
        except StoreError as error:
            # The client asked for a text, not for a flag: it gets the text.
            log.info("\\Seen not set: %s: %s", type(error).__name__, error)
            return
        self.selected.note_own(update.modseqs)
        self.marked = {row.uid: row for row in update.rows}

    async def _read_stored(self, batch: Batch) -> Batch:
        """Read the ready bytes that the plan asks for, and leave out of the batch what has gone."""
        read, mailbox, folder_id = self.session.read, self.session.mailbox, self.selected.folder_id
        if self.plan.looked_up and batch.uids:
            batch = await self._look_up(batch)
        if self.plan.metadata and batch.uids:
            item_ids = batch.column(self.index.item_ids)
            uids, self.envelopes, self.structures = await read(mailbox.metadata, folder_id, batch.uids, item_ids)
            batch = self._present(batch, uids)
            if not (self.utf8 or surrogates.are_plain(self.envelopes, self.structures)):
                await self._downgrade(batch)
        if self.plan.headers and batch.uids:
            lines = await read(mailbox.common_headers, folder_id, batch.uids)
            there = self._present(batch, [row[0] for row in lines])
            if there is not batch and self.plan.metadata:
                return await self._read_stored(there)
            batch = there
            self.headers = [row[1] for row in lines]
            if not (self.utf8 or all(map(bytes.isascii, self.headers))):
                made = surrogates.headers(self.headers)
                self._note_downgraded(batch, self.headers, made)
                self.headers = made
        return batch

    def _note_downgraded(self, batch: Batch, stored: Sequence[bytes], shown: Sequence[bytes]) -> None:
        self.downgraded.update(uid for uid, old, new in zip(batch.uids, stored, shown, strict=True) if new is not old)

    async def _downgrade(self, batch: Batch) -> None:
        """Make ENVELOPE and BODYSTRUCTURE fit for a client that has not enabled UTF-8."""
        item_ids = batch.column(self.index.item_ids)
        envelopes, structures = await self.session.services.runner.run(
            surrogates.metadata, self.session.mailbox, item_ids, self.envelopes, self.structures
        )
        self._note_downgraded(batch, self.envelopes, envelopes)
        self.envelopes, self.structures = envelopes, structures

    async def _look_up(self, batch: Batch) -> Batch:
        """Read what attributes answers, and leave out of the batch what has gone."""
        selected = self.selected
        uids, self.looked_up = await attributes.read(
            self.session, selected, batch.uids, batch.column(self.index.item_ids), self.plan.looked_up
        )
        return self._present(batch, uids)

    def _present(self, batch: Batch, uids: Sequence[int]) -> Batch:
        """The batch without what has gone: of `uids` alone."""
        if len(uids) == len(batch.uids):
            return batch
        self.complete = False
        return batch.only(set(uids))

    async def _send_one(self) -> None:
        """Send one message that answers everything: what most clients ask for, one command after another."""
        try:
            raw = await self.session.read(self.session.mailbox.raw, self.index.item_ids[self.batch.places[0]])
        except NotFound:
            self.complete = False
            return
        messages = Messages(list(self.batch.uids), [raw], None)
        self._emit(self.batch, self._bodies(messages if self.utf8 else messages.surrogates()))

    def _bodies(self, messages: Messages) -> list[Column | None]:
        """The columns that the messages themselves answer; None for the others."""
        plan = self.plan
        self.downgraded.update(messages.downgraded)
        columns: list[Column | None] = [
            messages.column(item) if reads else None for item, reads in zip(plan.items, plan.reads, strict=True)
        ]
        if plan.binary:
            self.known = self.known and not any(map(binary.is_unknown, chain.from_iterable(filter(None, columns))))
        return columns

    async def _send_small(self, batch: Batch) -> None:
        messages = await self.session.read(
            load, self.session.mailbox, self.selected.folder_id, batch.uids, self.plan.parts, self.utf8
        )
        batch = await self._read_stored(self._present(batch, messages.uids))
        messages = messages.only(batch.uids)
        self._emit(batch, self._bodies(messages))

    async def _send_large(self, batch: Batch) -> None:
        """Send one message by pieces; everything but its sections is made as for any other."""
        surrogate = None
        if not self.utf8 and await self._needs_surrogate(batch):
            surrogate = await self.session.services.runner.run(
                load, self.session.mailbox, self.selected.folder_id, batch.uids, self.plan.parts, self.utf8
            )
            batch = self._present(batch, surrogate.uids)
        batch = await self._read_stored(batch)
        if batch.uids:
            items = self.plan.items
            if batch.uids[0] in self.marked:
                items += self._changed_items()
            reads = (*self.plan.reads, *(False for _ in items[len(self.plan.items) :]))
            columns = [None if read else self._column(item, batch)[0] for item, read in zip(items, reads, strict=True)]
            item_id = batch.column(self.index.item_ids)[0]
            try:
                number = (batch.uids if self.session.uidonly else batch.numbers)[0]
                if surrogate is None:
                    known = await send_large(self.session, number, item_id, items, columns)
                else:
                    self.downgraded.update(surrogate.downgraded)
                    known = await send_at_hand(self.session, number, surrogate, items, columns)
            except NotFound:
                self.complete = False
            else:
                self.known = self.known and known

    async def _needs_surrogate(self, batch: Batch) -> bool:
        item_id = batch.column(self.index.item_ids)[0]
        try:
            return await self.session.read(surrogates.is_needed, self.session.mailbox, item_id)
        except NotFound:
            return False

    def _emit(self, batch: Batch, bodies: Sequence[Column | None]) -> None:
        """Zip the columns into lines; `bodies` are those made already, none at all or one for each item."""
        if not batch.uids:
            return
        columns = [
            self._column(item, batch) if made is None else made for item, made in zip_longest(self.plan.items, bodies)
        ]
        extra = self._changed_items() if self.marked else ()
        uidonly = self.session.uidonly
        numbers = batch.uids if uidonly else batch.numbers  # [RFC9586] 3.2: `* uid UIDFETCH (...)`
        plain = writer.fetch_template(self.plan.items, uidonly=True) if uidonly else self.plan.template
        if not extra:
            lines: Iterable[tuple[object, ...]] = zip(numbers, *columns, strict=True)
            self.session.send(writer.fetch_lines(plain, reversed(list(lines)) if self.downwards else lines))
            return
        template = writer.fetch_template(self.plan.items + extra, uidonly=uidonly)
        more = [self._column(item, batch) for item in extra]
        rows = zip(batch.uids, zip(numbers, *columns, strict=True), zip(*more, strict=True), strict=True)
        marked = self.marked
        made_lines = [template % (row + end) if uid in marked else plain % row for uid, row, end in rows]
        self.session.wire.send_parts(made_lines[::-1] if self.downwards else made_lines)

    def _changed_items(self) -> tuple[FetchItem, ...]:
        """What the reply must say of a message that this FETCH made \\Seen, unless it was asked for anyway.

        [RFC3501] 6.4.5: flags that the FETCH itself has changed belong into its reply; [RFC7162] 3.1.4.2: and MODSEQ.
        """
        wanted: tuple[FetchItem, ...] = (FetchAttribute.FLAGS,)
        if self.session.condstore:
            wanted = (FetchAttribute.UID, FetchAttribute.FLAGS, FetchAttribute.MODSEQ)  # [RFC7162] 3.2.4
        elif self.session.rev2:
            wanted = (FetchAttribute.UID, FetchAttribute.FLAGS)  # [RFC9051] 7.5.2
        return tuple(item for item in wanted if item not in self.plan.items)

    def _column(self, item: FetchItem, batch: Batch) -> Column:
        """The values of one item, as the template wants them."""
        if isinstance(item, BodySection):
            return sections.header_column(item, self.headers)
        values = self.looked_up.get(item)
        if values is not None:
            return [values[uid] for uid in batch.uids]
        assert isinstance(item, FetchAttribute)
        return _COLUMNS[item](self, batch)

    def _flags(self, batch: Batch) -> Column:
        flags, keywords = batch.column(self.index.flags), batch.column(self.index.keywords)
        if self.marked:
            # The index that this command holds may be older than its own change.
            rows = self.marked
            flags = [rows[uid].flags if uid in rows else bits for uid, bits in zip(batch.uids, flags, strict=True)]
        return self.session.flags.column(flags, keywords, self.selected.recent_places(batch.uids))

    def _modseqs(self, batch: Batch) -> Column:
        modseqs = batch.column(self.index.modseqs)
        if not self.marked:
            return modseqs
        rows = self.marked
        return [rows[uid].modseq if uid in rows else value for uid, value in zip(batch.uids, modseqs, strict=True)]


_COLUMNS: dict[FetchAttribute, Callable[[_Answer, Batch], Column]] = {
    FetchAttribute.FLAGS: _Answer._flags,
    FetchAttribute.MODSEQ: _Answer._modseqs,
    FetchAttribute.UID: lambda answer, batch: batch.uids,
    FetchAttribute.INTERNALDATE: lambda answer, batch: writer.internal_dates(batch.column(answer.index.dates)),
    FetchAttribute.RFC822_SIZE: lambda answer, batch: batch.column(answer.index.sizes),
    FetchAttribute.ENVELOPE: lambda answer, batch: answer.envelopes,
    FetchAttribute.BODYSTRUCTURE: lambda answer, batch: answer.structures,
}
