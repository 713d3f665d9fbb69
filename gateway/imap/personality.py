"""Whose face the server shows: its own, or that of a release of Exchange (docs/imap.md says what is known of it).

CAPABILITY still comes of the command table; a face leaves out what that release does not have, in its order, and the
commands that only those extensions bring are unknown. What a client can use without being told of it stays.
"""

from __future__ import annotations

from dataclasses import dataclass

_BASE = frozenset(
    [
        "CAPABILITY",
        "NOOP",
        "LOGOUT",
        "STARTTLS",
        "AUTHENTICATE",
        "LOGIN",
        "SELECT",
        "EXAMINE",
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "LIST",
        "LSUB",
        "STATUS",
        "APPEND",
        "CHECK",
        "CLOSE",
        "EXPUNGE",
        "SEARCH",
        "FETCH",
        "STORE",
        "COPY",
    ]
)
"""The commands of [RFC3501] 6."""
_BROUGHT = {"IDLE": "IDLE", "ID": "ID", "UNSELECT": "UNSELECT", "NAMESPACE": "NAMESPACE", "UIDPLUS": "UID EXPUNGE"}
_EXCHANGE = ("IMAP4", "IMAP4rev1", "AUTH=", "SASL-IR", "UIDPLUS", "MOVE", "ID", "UNSELECT", "CHILDREN", "IDLE")
_EXCHANGE_END = ("NAMESPACE", "LITERAL+")


@dataclass(frozen=True, slots=True)
class Personality:
    """One face."""

    name: str
    capabilities: tuple[str, ...] | None
    """What CAPABILITY may list, in this order, `AUTH=` being all mechanisms; None: all there is, in our order."""
    greeting: bytes
    farewell: bytes
    """The text of BYE after LOGOUT."""
    tells_capability: bool = True
    """Whether the greeting and the reply to a sign-in carry the capabilities."""

    def has(self, command: str) -> bool:
        """Whether a command exists under this name of the command table."""
        if self.capabilities is None or command in _BASE:
            return True
        return any(command == _BROUGHT.get(each, each) for each in self.capabilities)


OXGATE = Personality("oxgate", None, b"oxgate IMAP4 service is ready.", b"oxgate signing off.")


def _exchange(name: str, *, lacks: tuple[str, ...] = ()) -> Personality:
    listed = (*_EXCHANGE, *_EXCHANGE_END)
    return Personality(
        name,
        tuple(each for each in listed if each not in lacks),
        b"The Microsoft Exchange IMAP4 service is ready.",
        b"Microsoft Exchange Server IMAP4 server signing off.",
        tells_capability=False,
    )


PERSONALITIES = {
    each.name: each
    for each in (
        OXGATE,
        _exchange("exchange2013", lacks=("MOVE",)),
        _exchange("exchange2016"),
        _exchange("exchange2019"),
    )
}
"""By the value of the setting."""
