"""Where a mailbox name leads: a folder, and the mailbox (one user's store) that it is in."""

from __future__ import annotations

from typing import NamedTuple

from store.changes import FolderRow
from store.mailbox import Mailbox


class Place(NamedTuple):
    """A folder as one logon reaches it."""

    mailbox: Mailbox
    row: FolderRow
