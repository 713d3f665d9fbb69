"""Hints: merged per loop turn, harmless once cancelled, safe from any thread."""

from __future__ import annotations

import asyncio
import gc
import weakref

from gateway.services.watch import Watch
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


async def test_own_hints_are_forwarded_and_foreign_ones_are_not() -> None:
    forwarded: list[Touched] = []
    watch = Watch(forwarded.append)
    heard: list[Touched] = []
    watch.subscribe(1, heard.append)
    watch.publish(Touched(1, 10, 5))
    watch.publish(Touched(7, 10, 5))
    watch.notify(Touched(1, 12, 6))
    watch.notify(Touched(1, 10, 4))
    await turns()
    assert forwarded == [Touched(1, 10, 5), Touched(7, 10, 5)]
    assert heard == [Touched(1, 10, 5), Touched(1, 12, 6)]


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
