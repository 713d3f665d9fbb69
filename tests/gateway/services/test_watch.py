"""Hints: merged per loop turn, harmless once cancelled, safe from any thread."""

from __future__ import annotations

import asyncio
import gc
import weakref

from gateway.services.watch import PAUSE_SECONDS, Watch
from store.changes import Touched


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_call_a_turn_and_folder_with_the_newest_change() -> None:
    """Ten hints merged into one pull are right by construction (docs/architecture.md, decision 11)."""
    watch = Watch()
    heard: list[Touched] = []
    watch.subscribe(1, heard.append)
    for cn in (5, 9, 7):
        watch.publish(Touched(1, 10, cn))
    watch.publish(Touched(1, 11, 8))
    watch.publish(Touched(2, 10, 8))
    assert heard == []
    await turns()
    assert heard == [Touched(1, 10, 9), Touched(1, 11, 8)]


async def test_cancelled_subscription_hears_nothing_and_is_let_go() -> None:
    class Session:
        def hinted(self, touched: Touched) -> None:
            raise AssertionError("hinted after cancel")

    watch = Watch()
    session = Session()
    subscription = watch.subscribe(1, session.hinted)
    watch.publish(Touched(1, 10, 5))
    subscription.cancel()
    subscription.cancel()
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    await turns()


async def test_cancel_from_within_a_hint() -> None:
    watch = Watch()
    heard: list[str] = []
    second = watch.subscribe(1, lambda touched: heard.append("second"))

    def first(touched: Touched) -> None:
        heard.append("first")
        second.cancel()

    watch.subscribe(1, first)
    third = watch.subscribe(1, lambda touched: heard.append("third"))
    watch.publish(Touched(1, 10, 5))
    await turns()
    assert heard == ["second", "first", "third"]
    heard.clear()
    watch.publish(Touched(1, 10, 6))
    await turns()
    assert heard == ["first", "third"]
    third.cancel()


class Forwarded:
    """Stands for the other workers: what they were sent, call by call."""

    def __init__(self) -> None:
        self.calls: list[list[Touched]] = []

    def __call__(self, *hints: Touched) -> None:
        self.calls.append(list(hints))


async def test_own_hints_are_forwarded_and_foreign_ones_are_not() -> None:
    forwarded = Forwarded()
    watch = Watch(forwarded)
    heard: list[Touched] = []
    watch.subscribe(1, heard.append)
    watch.publish(Touched(1, 10, 5))
    watch.publish(Touched(7, 10, 5))
    watch.notify(Touched(1, 12, 6))
    watch.notify(Touched(1, 10, 4))
    await turns()
    assert forwarded.calls == [[Touched(1, 10, 5), Touched(7, 10, 5)]]
    assert heard == [Touched(1, 10, 5), Touched(1, 12, 6)]


async def test_the_others_are_told_at_once_and_then_now_and_then() -> None:
    """A stream of changes does not wake every worker for each of them."""
    forwarded = Forwarded()
    watch = Watch(forwarded)
    loop = asyncio.get_running_loop()
    heard: list[Touched] = []
    watch.subscribe(1, heard.append)
    watch.publish(Touched(1, 10, 1))
    await turns()
    assert forwarded.calls == [[Touched(1, 10, 1)]], "the first after a rest"
    started = loop.time()
    cn = 1
    while loop.time() < started + 20 * PAUSE_SECONDS:
        cn += 1
        watch.publish(Touched(1, 10, cn))
        await asyncio.sleep(0)
    assert len(heard) >= cn - 1, "sessions here wait for nothing"
    await asyncio.sleep(2 * PAUSE_SECONDS)
    assert forwarded.calls[-1] == [Touched(1, 10, cn)]
    assert 2 <= len(forwarded.calls) <= (loop.time() - started) / PAUSE_SECONDS + 2
    assert all(len(call) == 1 for call in forwarded.calls), "the newest of each folder"


async def test_what_waits_to_be_forwarded_leaves_at_the_end() -> None:
    forwarded = Forwarded()
    watch = Watch(forwarded)
    watch.publish(Touched(1, 10, 1))
    await turns()
    watch.publish(Touched(1, 10, 2))
    await turns()
    watch.publish(Touched(2, 10, 3))
    watch.close()
    expected = [[Touched(1, 10, 1)], [Touched(1, 10, 2), Touched(2, 10, 3)]]
    assert forwarded.calls == expected
    await asyncio.sleep(2 * PAUSE_SECONDS)
    assert forwarded.calls == expected


async def test_a_peer_that_cannot_be_told_silences_nobody() -> None:
    def broken(*hints: Touched) -> None:
        raise BrokenPipeError

    watch = Watch(broken)
    heard: list[Touched] = []
    watch.subscribe(1, heard.append)
    for cn in (1, 2):
        watch.publish(Touched(1, 10, cn))
        await turns()
    watch.close()
    assert heard == [Touched(1, 10, 1), Touched(1, 10, 2)]


async def test_from_another_thread() -> None:
    watch = Watch()
    heard: asyncio.Future[Touched] = asyncio.get_running_loop().create_future()
    watch.subscribe(1, heard.set_result)
    await asyncio.to_thread(watch.publish, Touched(1, 10, 5))
    assert await asyncio.wait_for(heard, 5) == Touched(1, 10, 5)


async def test_a_failing_session_does_not_silence_the_others() -> None:
    def broken(touched: Touched) -> None:
        raise ZeroDivisionError

    watch = Watch()
    heard: list[Touched] = []
    watch.subscribe(1, broken)
    watch.subscribe(1, heard.append)
    watch.publish(Touched(1, 10, 5))
    await turns()
    assert heard == [Touched(1, 10, 5)]


async def test_lost_hints_make_every_session_look() -> None:
    watch = Watch()
    heard: list[Touched] = []
    watch.subscribe(1, heard.append)
    watch.subscribe(2, heard.append)
    await asyncio.to_thread(watch.missed)
    await turns()
    assert heard == [Touched(1, 0, 0), Touched(2, 0, 0)]
