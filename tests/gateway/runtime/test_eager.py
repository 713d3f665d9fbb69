"""Coroutines that begin at once and become tasks only where they wait."""

from __future__ import annotations

import asyncio

import pytest

from gateway.runtime.eager import begin


async def test_what_waits_for_nothing_needs_no_task() -> None:
    done = []

    async def work() -> None:
        done.append(1)

    assert begin(asyncio.get_running_loop(), work()) is None
    assert done == [1]


async def test_a_task_goes_on_from_where_it_waits() -> None:
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    seen: list[object] = []

    async def work() -> None:
        seen.append("began")
        seen.append(await first)
        await asyncio.sleep(0)
        try:
            await second
        except ValueError as error:
            seen.append(str(error))

    task = begin(loop, work())
    assert seen == ["began"]
    assert task is not None
    first.set_result(1)
    second.set_exception(ValueError("no"))
    await task
    assert seen == ["began", 1, "no"]


async def test_giving_the_loop_its_turn_first() -> None:
    seen: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        seen.append("later")

    task = begin(asyncio.get_running_loop(), work())
    assert seen == []
    assert task is not None
    await task
    assert seen == ["later"]


async def test_an_end_from_outside_reaches_the_work() -> None:
    seen: list[str] = []
    loop = asyncio.get_running_loop()

    async def work() -> None:
        try:
            await loop.create_future()
        finally:
            seen.append("cleaned")

    task = begin(loop, work())
    assert task is not None
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cleaned"]


async def test_what_survives_an_end_from_outside_goes_on() -> None:
    loop = asyncio.get_running_loop()
    second = loop.create_future()

    async def work() -> None:
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            await second

    task = begin(loop, work())
    assert task is not None
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    second.set_result(None)
    await task


async def test_what_fails_later_fails_the_task() -> None:
    loop = asyncio.get_running_loop()

    async def work() -> None:
        await asyncio.sleep(0)
        raise KeyError("gone")

    task = begin(loop, work())
    assert task is not None
    with pytest.raises(KeyError):
        await task


async def test_what_fails_at_once_fails_here() -> None:
    """The same in every version of Python: an exception is nobody's to find in a task that nobody waits for."""

    async def work() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError):
        begin(asyncio.get_running_loop(), work())
