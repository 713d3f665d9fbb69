"""SQLAlchemy's compiled statements, kept for all engines of the process: tests make thousands of engines.

An engine keeps what it compiled by its own dialect object, and compiles everything anew when the next one is made.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy.util import LRUCache


class Compiled(LRUCache[Any, Any]):
    """What is compiled, by the kind of dialect and the version of the server in place of the dialect object."""

    def get(self, key: Any, default: Any = None) -> Any:
        """Find a statement."""
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_by_kind(key), value)


def _by_kind(key: Any) -> Any:
    dialect = key[0]
    return (type(dialect), getattr(dialect, "server_version_info", None), *key[1:])


def keep_compiled() -> None:
    """From now on, engines have one memory."""
    compiled = Compiled(2000)
    make = sqlalchemy.create_engine

    def create_engine(*arguments: Any, **options: Any) -> sqlalchemy.Engine:
        engine = make(*arguments, **options)
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    sqlalchemy.create_engine = create_engine
