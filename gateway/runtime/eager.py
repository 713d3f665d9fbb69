"""Begin a coroutine at once; a task takes over only where it has to wait.

Most commands wait for nothing: what a task would cost them is more than they do, and another turn of the loop, with
its system call, on top.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

Work = Coroutine[Any, Any, None]

if sys.version_info >= (3, 12):

    def begin(loop: asyncio.AbstractEventLoop, work: Work) -> asyncio.Task[None] | None:
        """Run `work` until it waits or ends; return the task that goes on, None when it has ended.

        Raises what ends `work` before it waits; what ends it later is in the task.
        """
        task = asyncio.Task(work, loop=loop, eager_start=True)
        return task.result() if task.done() else task

else:

    def begin(loop: asyncio.AbstractEventLoop, work: Work) -> asyncio.Task[None] | None:
        """Run `work` until it waits or ends; return the task that goes on, None when it has ended.

        Raises what ends `work` before it waits; what ends it later is in the task. Up to there no task is the current
        one: `work` must not begin with what wants that, such as asyncio.timeout.
        """
        try:
            awaited = work.send(None)
        except StopIteration:
            return None
        return loop.create_task(_rest(work, awaited))

    @coroutine
    def _rest(work: Work, awaited: object) -> Generator[object, None, None]:
        """Go on with what has begun and waits for `awaited`: what a task would have got from it the task gets now."""
        while True:
            told: BaseException | None = None
            try:
                yield awaited
            except BaseException as error:  # it is told the work: that it is to end, an interruption
                told = error
            try:
                awaited = work.send(None) if told is None else work.throw(told)
            except StopIteration:
                return
