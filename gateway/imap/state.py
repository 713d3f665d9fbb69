"""The states of a session ([RFC3501] 3)."""

from __future__ import annotations

from enum import IntFlag


class State(IntFlag):
    """The states of [RFC3501] 3; a command's row names those it may be used in."""

    NOT_AUTHENTICATED = 1
    """[RFC3501] 3.1."""
    AUTHENTICATED = 2
    """[RFC3501] 3.2."""
    SELECTED = 4
    """[RFC3501] 3.3."""
    LOGOUT = 8
    """[RFC3501] 3.4."""
