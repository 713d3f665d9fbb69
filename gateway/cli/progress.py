"""A progress bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far a long command is; the value is a function that takes the number of units done since."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console  # rich takes a quarter of a second to import: only where it is seen
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def advancing(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Turn `advance` into what the store tells its progress: how many of how many are done."""
    shown = 0

    def tell(done: int, total: int) -> None:
        nonlocal shown
        advance(done - shown)
        shown = done

    return tell
