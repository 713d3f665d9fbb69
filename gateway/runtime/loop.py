"""The one event loop of a process: uvloop, with Twisted's reactor standing on it (docs/decisions).

`install` comes first in a worker, before anything imports `twisted.internet.reactor`; afterwards asyncio servers
(aiosmtpd), hosted Twisted protocols and Twisted's own listeners share the loop. Code that needs the loop asks
`asyncio.get_running_loop()`; code that needs the reactor takes it from `reactor()`. Timers are `loop.call_later`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.main import installReactor

try:
    import uvloop
except ImportError:  # a platform without uvloop: asyncio's own loop serves, slower
    uvloop = None  # type: ignore[assignment] # says that it is missing

T = TypeVar("T")


def new_loop() -> asyncio.AbstractEventLoop:
    """Make a uvloop loop, or asyncio's own where there is no uvloop."""
    if uvloop is None:
        return asyncio.new_event_loop()
    return cast(asyncio.AbstractEventLoop, uvloop.new_event_loop())


def install() -> asyncio.AbstractEventLoop:
    """Make the loop of this process and put Twisted's reactor on it; RuntimeError when a reactor exists already."""
    if "twisted.internet.reactor" in sys.modules:
        raise RuntimeError("a Twisted reactor is installed already: gateway.runtime.loop.install must come first")
    loop = new_loop()
    asyncio.set_event_loop(loop)
    installReactor(  # type: ignore[no-untyped-call] # Twisted has no types for it
        AsyncioSelectorReactor(loop)
    )
    return loop


def reactor() -> AsyncioSelectorReactor:
    """Return the reactor that `install` made."""
    from twisted.internet import reactor as installed  # noqa: TID251 - it comes from here

    return cast(AsyncioSelectorReactor, installed)


def run(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on the installed loop, with the reactor started; the process ends after it.

    The loop is not closed: closing would wait for handles that a broken part has left open, and the end of the
    process closes them anyway.
    """
    installed = reactor()
    installed.startRunning(installSignalHandlers=False)
    try:
        return loop.run_until_complete(main)
    finally:
        installed.stop()  # type: ignore[no-untyped-call] # as above
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
