"""How a setting is declared: a field of a dataclass that says all there is to say about it."""

from __future__ import annotations

from dataclasses import field
from typing import Any, TypeVar, cast

from config.checks import Check

T = TypeVar("T")


def option(default: T, doc: str, *accepts: Check) -> T:
    """Declare a setting: its default, the line that explains it, and what it may hold."""
    spec: object = field(default=cast(Any, default), metadata={"doc": doc, "checks": accepts})
    return cast(T, spec)
