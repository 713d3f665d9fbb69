"""docs/imap.md, beside the command table."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.imap.commands.table import TABLE
from gateway.imap.environment import ImapSettings

PAGE = Path(__file__).parents[3] / "docs" / "imap.md"


def test_the_page_has_every_capability() -> None:
    """With a value, such as THREAD=, RIGHTS= or APPENDLIMIT, as its name."""
    settings = ImapSettings(referrals=(("west", "imap.west.example.test"),))
    given = [row.capability for row in TABLE if row.capability is not None]
    names = " ".join(each if isinstance(each, str) else each(settings) for each in given).split()
    rows = re.findall(r"(?m)^\| ([^|]+) \|.*\|$", PAGE.read_text("utf-8"))
    shown = {name for row in rows for name in row.split(", ")}
    values = {"APPENDLIMIT", "PREVIEW", "RIGHTS=", "THREAD="}
    missing = [
        name for name in names if name not in shown and not any(name.startswith(each) for each in values & shown)
    ]
    assert missing == []
