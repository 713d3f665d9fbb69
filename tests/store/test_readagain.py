"""ReadAgain: what is kept of ready metadata, what it costs, and when it is given back."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable
from uuid import UUID, uuid4

import pytest

from store import readagain
from store.errors import AccessDenied
from store.ids import SpecialFolder
from store.mailbox import Mailbox
from store.readagain import FEW, ONCE, ReadAgain, Run
from tests.store.conftest import World
from tests.support.storemail import fill

INBOX = SpecialFolder.INBOX
BOX = UUID(int=7)


def run(first: int, count: int = FEW, octets: int = 10) -> Run:
    """A run whose values tell their item."""
    items = array("Q", range(first, first + count))
    return Run(items, tuple(b"e%d" % i for i in items), tuple((b"s%d" % i).ljust(octets) for i in items))


def scan(cache: ReadAgain, runs: Iterable[Run], box: UUID = BOX) -> int:
    """Read as a client does that walks through a folder; return how many runs were at hand."""
    hits = 0
    for one in runs:
        found = cache.get(box, one.items)
        if found is None:
            cache.offer(box, one)
        else:
            assert found == one
            hits += 1
    return hits


def test_what_is_read_twice_is_kept() -> None:
    """The third walk finds all; another mailbox, a part of a run, and other items between two ends find nothing."""
    cache = ReadAgain()
    folder = [run(1 + n * FEW) for n in range(5)]
    assert [scan(cache, folder) for _ in range(3)] == [0, 0, 5]
    assert cache.get(uuid4(), folder[0].items) is None
    assert cache.get(BOX, folder[0].items[1:]) is None
    assert cache.get(BOX, folder[0].items[:3] + folder[0].items[5:]) is None


def test_few_are_not_kept() -> None:
    """What is quick to read takes no memory."""
    cache = ReadAgain()
    assert [scan(cache, [run(1, FEW - 1)]) for _ in range(3)] == [0, 0, 0]
    assert cache.used == 0


@pytest.mark.parametrize("walks", [1, 3])
def test_a_large_folder_drives_nothing_out(walks: int) -> None:
    """One walk through any folder, and any number of walks through one that cannot be kept, leave the rest alone."""
    cache = ReadAgain()
    small = [run(1 + n * FEW) for n in range(3)]
    large = [run(10_000 + n * FEW) for n in range(ONCE + 1)]
    for _ in range(2):
        scan(cache, small)
    used = cache.used
    for _ in range(walks):
        assert scan(cache, large) == 0
    assert cache.used == used
    assert scan(cache, small) == len(small)


def test_memory_is_bounded() -> None:
    """The bound holds whatever is offered, the count is that of what is there, and the least recently used goes."""
    each = run(1_000, octets=100).weight
    cache = ReadAgain(memory=10 * each)
    chance = random.Random(5)
    runs = [run(1_000 + n * FEW, octets=chance.choice([50, 100, 200])) for n in range(30)]
    for _ in range(500):
        one = chance.choice(runs)
        scan(cache, [one])
        assert cache.used <= 10 * each
        assert cache.used == sum(each.run.weight for each in cache._kept.values())
        last = next(reversed(cache._kept.values()), None)
        assert last is None or cache.get(BOX, one.items) in (None, last.run)
    cache.drop(BOX)
    assert cache.used == 0


def test_one_large_run_is_not_kept() -> None:
    """A run that would drive out much is not worth it."""
    one = run(1, octets=1000)
    cache = ReadAgain(memory=one.weight * 7)
    assert [scan(cache, [one]) for _ in range(3)] == [0, 0, 0]


def test_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody asks for is given back, what is asked for stays."""
    now = 100.0
    monkeypatch.setattr(readagain, "monotonic", lambda: now)
    cache = ReadAgain()
    old, new = run(1), run(1000)
    for _ in range(2):
        scan(cache, [old, new])
    now = 104.0
    scan(cache, [new])
    now = 106.0
    cache.rest(5)
    assert cache.get(BOX, old.items) is None
    assert cache.get(BOX, new.items) == new
    assert cache.used == new.weight
    now = 200.0
    cache.rest(5)
    assert cache.used == 0


def read(mailbox: Mailbox, user: Mailbox | None = None) -> object:
    """All metadata of the Inbox, by its index."""
    index = mailbox.index(INBOX)
    uids, *columns = (user or mailbox).metadata(INBOX, index.uids[:], index.item_ids[:])
    return [list(uids), *map(list, columns)]


def test_a_mailbox_gives_what_it_kept(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same columns from memory as from the database; new and expunged messages, and rights, count at once."""
    monkeypatch.setattr(readagain, "FEW", 3)
    world = make_world()
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 5)
    first = read(mailbox)
    known = world.store._read_again
    assert (read(mailbox), known.used > 0, read(mailbox)) == (first, True, first)
    guest = world.store.open(mailbox.ref, as_user=b"guest")
    with pytest.raises(AccessDenied):
        read(mailbox, guest)
    fill(mailbox, INBOX, 1)
    assert read(mailbox) == read(world.other_process().open(mailbox.ref))
    mailbox.expunge(INBOX, [3])
    assert read(mailbox) == read(world.other_process().open(mailbox.ref))
    world.store.close_idle(0)
    assert known.used == 0
    for _ in range(2):
        fill(mailbox, INBOX, 3)
        read(mailbox)
    index = mailbox.index(INBOX)
    for _ in range(2):
        mailbox.metadata(INBOX, index.uids[-3:], index.item_ids[-3:])
    assert known.used > 0
    world.store.remove(mailbox.ref)
    assert known.used == 0
