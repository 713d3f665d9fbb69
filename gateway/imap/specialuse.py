"""Special uses that users give their mailboxes: by CREATE, and as an annotation ([RFC6154] 3, 4)."""

from __future__ import annotations

from gateway.imap.errors import no
from gateway.imap.names import SPECIAL_USES

USE_ENTRY = "/specialuse"
"""The private annotation that holds them, separated by blanks ([RFC6154] 4)."""

_USES = {use.lower(): use for use in SPECIAL_USES.values()}


def special_uses(text: str) -> list[bytes]:
    """The special uses in a text; Refusal NO [USEATTR] for one that no mailbox can be given.

    \\All and \\Flagged would be collections of what is in other mailboxes ([RFC6154] 2); there are none here.
    """
    found = []
    for word in text.split():
        use = _USES.get(word.encode("ascii", "replace").lower())
        if use is None:
            raise no(b"No mailbox can be given that special use.", b"USEATTR")
        found.append(use)
    return list(dict.fromkeys(found))
