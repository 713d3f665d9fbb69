"""The selected folder of a session: its view, its watermark, what is \\Recent in it ([RFC3501] 2.3, 5.2)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.imap.flags import SHOWN, FlagNames
from gateway.imap.place import Place
from gateway.imap.protocol.fetch_types import FetchItem
from gateway.imap.view import FolderView
from store.changes import Change, MessageRow


class Watcher(Protocol):
    """Something that follows the selected folder, such as a search whose result is kept up to date ([RFC5267] 4.3)."""

    async def prepare(self, changes: Sequence[Change], *, last: bool) -> None:
        """Look at what changed, the session's own changes too. May fail: then it is asked again, of the same and more.

        Many changes come in portions; behind the `last` one the client is up to date. Raises StoreError.
        """
        ...

    def leave(self) -> None:
        """Tell what is to be told before the changes are: numbers are as they were."""
        ...

    def enter(self) -> None:
        """Tell what is to be told after the changes were: numbers are as they are now."""
        ...


class Selected:
    """The selected folder as this session sees it."""

    __slots__ = (
        "flags",
        "folder_id",
        "fresh",
        "made",
        "mailbox",
        "name",
        "own",
        "read_only",
        "recent",
        "settable",
        "settled",
        "shows_recent",
        "uidvalidity",
        "view",
        "watchers",
        "watermark",
    )

    def __init__(
        self, place: Place, name: str, view: FolderView, watermark: int, *, read_only: bool, settable: int = SHOWN
    ) -> None:
        self.mailbox, row = place
        self.flags = FlagNames()
        """The names of the flags in this mailbox."""
        self.folder_id = row.id
        self.name = name
        self.uidvalidity = row.uidvalidity
        self.view = view
        self.watermark = watermark
        self.read_only = read_only
        self.settable = settable
        """The flags that the user may change, as bits; \\Deleted among them means that it may expunge, too."""
        self.recent: list[tuple[int, int]] = []
        """UIDs that are \\Recent here: pairs first, end (not included), ascending."""
        self.own: list[tuple[int, int]] = []
        """Mod-sequences, first and last of a run, of flag changes that the client knows from its own command.

        Ascending and apart: commands that follow one another make many of them, and each is asked for every message.
        """
        self.watchers: list[Watcher] = []
        self.fresh: dict[int, tuple[FetchItem, ...]] = {}
        """New messages, by UID, of which watchers want items to be told, and the items ([RFC5465] 5.2, 7)."""
        self.made: set[int] = set()
        """UIDs that this session has put in and not been told of, while there are watchers ([RFC5465] 5.2)."""
        self.shows_recent = True
        """\\Recent and RECENT exist for the client; [RFC9051] appendix E has done away with them."""
        self.settled = 0
        """While an expunge is held back: the mod-sequence up to which the client knows everything; else 0."""

    def is_at(self, place: Place) -> bool:
        """Whether a place is the selected folder."""
        return self.folder_id == place.row.id and self.mailbox.ref == place.mailbox.ref

    def ask(self, uids: Iterable[int], items: tuple[FetchItem, ...]) -> None:
        """Have items told of new messages; what several watchers ask for is told once ([RFC5465] 5.2)."""
        for uid in uids:
            self.fresh[uid] = tuple(dict.fromkeys((*self.fresh.get(uid, ()), *items)))

    def note_made(self, uids: Iterable[int]) -> None:
        """Remember that the session has put in these messages by itself."""
        if self.watchers:
            self.made.update(uids)

    def take_fresh(self) -> dict[int, tuple[FetchItem, ...]]:
        """The messages of which items are to be told now, and the items; not the session's own ([RFC5465] 5.2)."""
        fresh, self.fresh = self.fresh, {}
        if self.made:
            fresh = {uid: items for uid, items in fresh.items() if uid not in self.made}
            newest = self.view.uids[-1] if self.view.uids else 0
            self.made = {uid for uid in self.made if uid > newest}
        return fresh

    def is_recent(self, uid: int) -> bool:
        """Whether the message is \\Recent in this session ([RFC3501] 2.3.2)."""
        return any(first <= uid < end for first, end in self.recent)

    def add_recent(self, first: int, end: int) -> None:
        """Take UIDs from `first` up to `end`, not included, as \\Recent."""
        if first >= end or not self.shows_recent:
            return
        if self.recent and self.recent[-1][1] >= first:
            first = min(first, self.recent.pop()[0])
        self.recent.append((first, end))

    def recent_places(self, uids: Sequence[int]) -> list[range]:
        """Where, among ascending UIDs, those that are \\Recent stand."""
        places = [range(bisect_left(uids, first), bisect_left(uids, end)) for first, end in self.recent]
        return [place for place in places if place]

    def count_recent(self) -> int:
        """How many messages of the view are \\Recent."""
        uids = self.view.uids
        return sum(bisect_left(uids, end) - bisect_left(uids, first) for first, end in self.recent)

    def note_own(self, modseqs: Iterable[int], taken: range = range(0)) -> None:
        """Remember that the client knows of the versions with these mod-sequences from its own command.

        `taken` are numbers that were set aside for the command, used or not: they are one run, where those of the
        messages have gaps wherever UIDs have (store.flags).
        """
        for modseq in sorted(modseq for modseq in modseqs if modseq > self.watermark and modseq not in taken):
            self._note_run(modseq, modseq)
        if taken:
            self._note_run(taken[0], taken[-1])

    def _note_run(self, first: int, last: int) -> None:
        own = self.own
        start = stop = bisect_left(own, (first, first))
        if start and own[start - 1][1] >= first - 1:
            start -= 1
        while stop < len(own) and own[stop][0] <= last + 1:
            stop += 1
        if start < stop:
            first, last = min(first, own[start][0]), max(last, own[stop - 1][1])
        own[start:stop] = [(first, last)]

    def knows_all(self, modseq: int) -> bool:
        """Whether everything up to a mod-sequence is the session's own change, so that there is nothing to pull."""
        reached = self.watermark
        for first, last in self.own:
            if first <= reached + 1:
                reached = max(reached, last)
        return reached == modseq

    def is_own(self, row: MessageRow) -> bool:
        """Whether the client knows this version of the message from its own command."""
        return self._is_in_a_run(row.modseq)

    def knows(self, modseq: int) -> bool:
        """Whether the client knows of the change with this mod-sequence: it was told, or made it."""
        return modseq <= self.watermark or self._is_in_a_run(modseq)

    def _is_in_a_run(self, modseq: int) -> bool:
        place = bisect_left(self.own, (modseq + 1, 0))
        return place > 0 and self.own[place - 1][1] >= modseq
