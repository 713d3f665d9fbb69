"""What a client that was away has missed: SELECT (QRESYNC ...), UID FETCH (... VANISHED) ([RFC7162] 3.2.5, 3.2.6)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from gateway.imap.errors import bad
from gateway.imap.protocol import writer
from gateway.imap.protocol.fetch_types import FetchAttribute
from gateway.imap.protocol.mailbox_types import Resync
from gateway.imap.protocol.numset import MAX_NUMBER, common_runs, resolve_uids, runs_of, uid_runs
from gateway.imap.protocol.types import SAVED, STAR, SequenceSet
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from gateway.imap.view import FolderView
from store.index import FolderIndex

BATCH = 2000
"""Messages whose flags are written at a time."""
_EVERY = SequenceSet(((1, STAR),))
_ITEMS = (FetchAttribute.UID, FetchAttribute.FLAGS, FetchAttribute.MODSEQ)


async def resynchronize(session: Session, selected: Selected, index: FolderIndex, known: Resync) -> None:
    """Tell what vanished from the mailbox, just selected, and which flags changed ([RFC7162] 3.2.5.1).

    UIDs that are new to the client are among the changed, as in the UID FETCH that this is equivalent to. What the
    client shows to know by its match data is not told again ([RFC7162] 3.2.5.2).
    """
    uids = known.uids or _EVERY
    after = matched(selected.view, known.match) if known.match is not None else 0
    await send_vanished(session, uids, known.modseq, after=after)
    # The index grows in place while we wait for anything; what has come since is none of the numbers of the view, which
    # is the beginning of it.
    changed = [
        place
        for start, stop in resolve_uids(uids, selected.view.uids)
        for place, modseq in enumerate(index.modseqs[start:stop], start)
        if modseq > known.modseq
    ]
    template = writer.fetch_template(_ITEMS, uidonly=session.uidonly)
    for start in range(0, len(changed), BATCH):
        places = changed[start : start + BATCH]
        told = [index.uids[place] for place in places]
        flags = session.flags.column(
            [index.flags[place] for place in places],
            [index.keywords[place] for place in places],
            selected.recent_places(told),
        )
        numbers = told if session.uidonly else [place + 1 for place in places]
        modseqs = [index.modseqs[place] for place in places]
        session.send(writer.fetch_lines(template, zip(numbers, told, flags, modseqs, strict=True)))
        await session.wire.drain()


async def send_vanished(session: Session, uids: SequenceSet, since: int, *, after: int = 0) -> None:
    """Send VANISHED (EARLIER) for those of a set of UIDs that went after a mod-sequence ([RFC7162] 3.2.6, 3.2.10.1).

    Only UIDs above `after` are told. What the client's view still holds is not: it learns of that by a VANISHED
    without EARLIER. Refusal BAD if QRESYNC is not enabled.
    """
    if not session.qresync:
        raise bad(b"Enable QRESYNC first.")
    selected = session.folder_selected
    gone = await session.read(session.mailbox.vanished_since, selected.folder_id, since)
    wanted = runs_of(selected.view.saved) if uids == SAVED else uid_runs(uids)
    told = common_runs(common_runs(gone, wanted), [range(after + 1, MAX_NUMBER + 1)])
    session.wire.send_parts(writer.vanished(_outside(told, selected.view.uids), earlier=True))


def _outside(runs: Iterable[range], uids: Sequence[int]) -> Iterable[range]:
    """The parts of runs in which none of some ascending UIDs stands."""
    for run in runs:
        start = run.start
        for uid in uids[bisect_left(uids, run.start) : bisect_left(uids, run.stop)]:
            if start < uid:
                yield range(start, uid)
            start = uid + 1
        if start < run.stop:
            yield range(start, run.stop)


def matched(view: FolderView, match: tuple[SequenceSet, SequenceSet]) -> int:
    """The largest UID for which a client shows that it knows its number; 0 for none ([RFC7162] 3.2.5.2).

    As many messages lie below it for the client as there are, so that the client knows of every expunge there. The
    sets are walked range by range, not number by number: they may name four thousand million.
    """
    largest = 0
    for number, uid, count in _pairs(*match):
        # UIDs grow at least as fast as numbers do: the pairs that match are neighbours.
        stop = min(count, len(view) - number + 1)
        place = bisect_left(range(max(stop, 0)), 1, key=lambda step: int(view.uid(number + step) > uid + step)) - 1
        if place >= 0 and view.uid(number + place) == uid + place:
            largest = max(largest, uid + place)
    return largest


def _pairs(numbers: SequenceSet, uids: SequenceSet) -> Iterable[tuple[int, int, int]]:
    """Runs of pairs: first number, first UID, how many. The longer of two sets of unequal size is cut."""
    ours = [(min(pair), max(pair)) for pair in reversed(numbers.ranges)]
    theirs = [(min(pair), max(pair)) for pair in reversed(uids.ranges)]
    while ours and theirs:
        number, last_number = ours.pop()
        uid, last_uid = theirs.pop()
        count = min(last_number - number, last_uid - uid) + 1
        yield number, uid, count
        if number + count <= last_number:
            ours.append((number + count, last_number))
        if uid + count <= last_uid:
            theirs.append((uid + count, last_uid))
