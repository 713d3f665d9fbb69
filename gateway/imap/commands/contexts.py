"""Searches whose results are kept up to date: SEARCH and SORT RETURN (UPDATE), CANCELUPDATE ([RFC5267] 4.3).

A context follows the selected folder (gateway.imap.selected.Watcher). At every change it asks its question again of the
messages that changed, and of no others: what a message is sorted by never changes, so the order of the rest stands.
UPDATE with items has those told of new messages among the results ([RFC5465] 7).

What leaves the results is told before the EXPUNGE that may be its cause, and what enters them after the EXISTS, so that
message numbers are good when they are read ([RFC5267] 4.3.3, 4.3.4, appendix A.3).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from gateway.imap.commands import criteria
from gateway.imap.commands.results import evaluate
from gateway.imap.commands.sorting import Sorter
from gateway.imap.errors import Reply, bad, ok
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import search_types as st
from gateway.imap.session import Session
from store.changes import Change, MessageCreated, MessageDeleted
from store.index import FolderIndex

MAX_CONTEXTS = 16
"""Contexts of one session."""
MAX_SORTED = 100_000
"""Results of all sorted contexts of a session when the last one is made, for they keep what they are sorted by."""
_FEW = 16

Rank = tuple[Any, ...]
"""What a message is sorted by, ascending, its UID last."""


def check_tag(session: Session, returns: st.Returns | None) -> None:
    """Refuse UPDATE under a tag that a context has already ([RFC5267] 4.3)."""
    if returns is not None and returns.update and any(each.tag == session.tag for each in _contexts(session)):
        raise bad(b"The tag is in use by a search that is kept up to date.")


async def follow(
    session: Session,
    search: st.Search,
    uids: Sequence[int],
    sorter: Sorter | None = None,
    index: FolderIndex | None = None,
    correlators: bytes = b"",
) -> None:
    """Keep the results of a search up to date that asks for it; `uids` are in their order, and all in the index.

    Beyond a limit the search is not followed, and the client is told so ([RFC5267] 4.3.1).
    """
    if search.returns is None or not search.returns.update:
        return
    others = _contexts(session)
    results: _Results
    if sorter is None or index is None:
        results = _Results(uids)
        room = True
    else:
        room = (
            sum(len(each.results) for each in others if isinstance(each.results, _SortedResults)) + len(uids)
            <= MAX_SORTED
        )
        if room:
            results = _SortedResults(uids, sorter, await _ranks(session, sorter, index, uids))
    if len(others) >= MAX_CONTEXTS or not room:
        session.send(responses.noupdate(session.tag))
        return
    session.folder_selected.watchers.append(Context(session, search, results, correlators))


async def cancel(session: Session, args: st.CancelUpdate) -> Reply:
    """CANCELUPDATE: nothing more is told of these searches ([RFC5267] 4.3.5)."""
    contexts = {each.tag: each for each in _contexts(session)}
    if not all(tag in contexts for tag in args.tags):
        raise bad(b"No search of that tag is kept up to date.")
    gone = {contexts[tag] for tag in args.tags}
    selected = session.folder_selected
    selected.watchers = [each for each in selected.watchers if each not in gone]
    return ok(b"CANCELUPDATE completed.")


def _contexts(session: Session) -> list[Context]:
    return [each for each in session.folder_selected.watchers if isinstance(each, Context)]


async def _ranks(session: Session, sorter: Sorter, index: FolderIndex, uids: Sequence[int]) -> list[Rank]:
    """What messages are sorted by, in the order given; those that are not in the index are left out."""

    def work() -> list[Rank]:
        return sorter.ranks(index, [place for uid in uids if (place := index.position(uid)) >= 0])

    return await (session.read if len(uids) <= _FEW else session.services.runner.run)(work)


class Move(NamedTuple):
    """Results that come or go together: the position of the first, counted from 1, or 0 in mailbox order."""

    position: int
    uids: list[int]


class _Results:
    """The results of a search in mailbox order: UIDs, ascending ([RFC5267] 4.1)."""

    def __init__(self, uids: Iterable[int]) -> None:
        self.uids = array("I", uids)

    def __len__(self) -> int:
        return len(self.uids)

    def has(self, uid: int) -> bool:
        """Whether a message is among them."""
        place = bisect_left(self.uids, uid)
        return place < len(self.uids) and self.uids[place] == uid

    async def prepare(self, session: Session, entering: list[int]) -> list[Rank]:
        """What is needed to add messages; nothing here."""
        return [(uid,) for uid in entering]

    def remove(self, uids: Sequence[int]) -> list[Move]:
        """Take out messages, ascending; tell which, in the order to tell it."""
        self.uids = _without(self.uids, set(uids))
        return [Move(0, list(uids))]

    def add(self, ranks: Sequence[Rank]) -> list[Move]:
        """Put in messages; tell which, in the order to tell it."""
        uids = [rank[-1] for rank in ranks]
        if uids and self.uids and uids[0] > self.uids[-1]:
            self.uids.extend(uids)
        else:
            self.uids = array("I", sorted([*self.uids, *uids]))
        return [Move(0, uids)]


class _SortedResults(_Results):
    """The results of a sort: `uids` are for looking up, the ranks in their order are the results themselves."""

    def __init__(self, uids: Sequence[int], sorter: Sorter, ranks: list[Rank]) -> None:
        super().__init__(sorted(uids))
        self._sorter = sorter
        self._ranks = ranks

    async def prepare(self, session: Session, entering: list[int]) -> list[Rank]:
        """What the messages are sorted by."""
        index = await session.read(session.mailbox.index, session.folder_selected.folder_id)
        return sorted(await _ranks(session, self._sorter, index, entering))

    def remove(self, uids: Sequence[int]) -> list[Move]:
        """From the last to the first, so that the positions of those that are told later stay."""
        super().remove(uids)
        gone = set(uids)
        places = [place for place, rank in enumerate(self._ranks) if rank[-1] in gone]
        moves = _moves(places, [self._ranks[place][-1] for place in places])
        self._ranks = [rank for rank in self._ranks if rank[-1] not in gone]
        return moves[::-1]

    def add(self, ranks: Sequence[Rank]) -> list[Move]:
        """From the first to the last: each is told its final position, for all before it are there already."""
        super().add(sorted(ranks, key=lambda rank: rank[-1]))
        places = [bisect_left(self._ranks, rank) + number for number, rank in enumerate(ranks)]
        self._ranks = sorted([*self._ranks, *ranks])  # two runs: a merge
        return _moves(places, [rank[-1] for rank in ranks])


def _without(uids: array[int], gone: set[int]) -> array[int]:
    return array(uids.typecode, [uid for uid in uids if uid not in gone])


def _moves(places: Sequence[int], uids: Sequence[int]) -> list[Move]:
    """Group ascending places that are neighbours."""
    moves: list[Move] = []
    for place, uid in zip(places, uids, strict=True):
        if moves and moves[-1].position + len(moves[-1].uids) == place + 1:
            moves[-1].uids.append(uid)
        else:
            moves.append(Move(place + 1, [uid]))
    return moves


class Context:
    """One search that is kept up to date: a Watcher of the selected folder."""

    def __init__(self, session: Session, search: st.Search, results: _Results, correlators: bytes = b"") -> None:
        self._session = session
        self.tag = session.tag
        self.results = results
        self._uid = search.uid
        self._correlators = correlators
        # [RFC5267] 4.3: message numbers are those of the time when the command came.
        self._key = criteria.frozen(session.folder_selected.view, search.key)
        self._moves_on = criteria.moves_on(self._key)
        self._comparator = session.comparator
        self._items = () if search.returns is None else search.returns.items
        self._leaving: list[int] = []
        self._entering: list[Rank] = []

    async def prepare(self, changes: Sequence[Change], *, last: bool) -> None:
        """Find out what leaves the results and what enters them; nothing is told or kept yet. Raises StoreError.

        A question whose answer moves with time is asked of all messages, once, with the last of the changes.
        """
        selected = self._session.folder_selected
        deleted = {change.uid for change in changes if isinstance(change, MessageDeleted)}
        changed = {change.row.uid for change in changes if not isinstance(change, MessageDeleted)} - deleted
        there = (await self._session.read(selected.mailbox.index, selected.folder_id)).uids
        wanted = await criteria.restriction(
            self._session, selected, self._key, comparator=self._comparator, last=there[-1] if there else 0
        )
        asked = sorted(changed.union(selected.view.uids) if self._moves_on and last else changed)
        found = set(await evaluate(self._session, selected, wanted, uids=asked)) if asked else set()
        results = self.results
        left = deleted.union(asked) - found
        self._leaving = sorted(uid for uid in left if results.has(uid))
        entering = sorted(uid for uid in found if not results.has(uid))
        self._entering = await results.prepare(self._session, entering)
        if self._items:
            # [RFC5465] 7: of new messages, not of those that enter because their flags have changed.
            new = {change.row.uid for change in changes if isinstance(change, MessageCreated)}
            selected.ask(new.intersection(entering), self._items)

    def leave(self) -> None:
        """Tell what leaves, before the cause is told ([RFC5267] 4.3.4)."""
        if self._leaving:
            self._tell(b"REMOVEFROM", self.results.remove(self._leaving))
            self._leaving = []

    def enter(self) -> None:
        """Tell what enters, after the cause was told ([RFC5267] 4.3.3)."""
        if self._entering:
            self._tell(b"ADDTO", self.results.add(self._entering))
            self._entering = []

    def _tell(self, word: bytes, moves: Sequence[Move]) -> None:
        view = self._session.folder_selected.view
        number: Callable[[int], int] = int if self._uid else view.sequence
        pairs = [(move.position, list(map(number, move.uids))) for move in moves]
        self._session.send(responses.update(self.tag, word, pairs, uid=self._uid, place=self._correlators))
