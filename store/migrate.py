"""Bringing databases to the present schema."""

from __future__ import annotations

import sqlite3


def upgrade_file(connection: sqlite3.Connection) -> None:
    """Bring a mailbox file to the present schema."""
