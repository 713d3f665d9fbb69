"""A Macintosh file with both forks, whatever it came in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MacFile:
    """Both forks and what the Finder keeps of them."""

    name: str
    type: bytes
    """Four octets, such as b"TEXT"."""
    creator: bytes
    """Four octets."""
    data: bytes = field(repr=False)
    resource: bytes = field(repr=False, default=b"")
    flags: int = 0
    """Finder flags, 16 bits."""
    place: bytes = bytes(6)
    """Where it is shown, six octets: two coordinates in the window of a folder, and that folder."""


BLANK = b"\0\0\0\0"
"""A type or a creator that is not known."""


def four(code: bytes) -> bytes:
    """Make a type or creator four octets long."""
    return (code + BLANK)[:4]
