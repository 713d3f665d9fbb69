"""Who sees something of whose mailbox: an index of the permissions that the stores keep (docs/decisions/0016).

The store of each mailbox decides; this only says where it is worth asking, so that nobody has to open ten thousand
mailboxes to list three. It may name a mailbox too many, never one too few: a principal is added before the store gives
it a right, and taken away after.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import select

from directory.model import Principal, PrincipalKind
from directory.schema import principal, server_entry, shown_mailbox
from directory.sqlcore import SqlCore

EVERYBODY = 0
"""The principal that stands for everybody who signs in."""


class Sharing(SqlCore):
    """The part of SqlDirectory about what is shared, and the annotations of the server."""

    def shown_to(self, principal_ids: Iterable[int]) -> tuple[Principal, ...]:
        """List the owners of mailboxes of which these principals, or everybody, may see something, by address.

        Public mailboxes are not among them: see `public_mailboxes`.
        """
        wanted = tuple(sorted({EVERYBODY, *principal_ids}))

        def load() -> tuple[Principal, ...]:
            owners = select(shown_mailbox.c.owner_id).where(shown_mailbox.c.principal_id.in_(wanted))
            found = self._entries(select(principal).where(principal.c.id.in_(owners)).order_by(principal.c.address))
            return tuple(one for one in found if one.kind is not PrincipalKind.PUBLIC)

        return self._answer(("shown", wanted), load)

    def public_mailboxes(self) -> tuple[Principal, ...]:
        """List the public mailboxes, by address."""
        wanted = select(principal).where(principal.c.kind == PrincipalKind.PUBLIC, principal.c.mailbox_id.is_not(None))
        return self._answer(("public",), lambda: tuple(self._entries(wanted.order_by(principal.c.address))))

    def shows(self, owner_id: int) -> frozenset[int]:
        """Give the principals that the index names for a mailbox."""
        rows = select(shown_mailbox.c.principal_id).where(shown_mailbox.c.owner_id == owner_id)
        return frozenset(self._column(rows))

    def show(self, owner_id: int, principal_id: int) -> None:
        """Note that a principal is about to see something of a mailbox."""
        if principal_id in self.shows(owner_id):
            return
        with self._database.write() as connection:
            if principal_id not in self.shows(owner_id):
                connection.execute(shown_mailbox.insert().values(owner_id=owner_id, principal_id=principal_id))

    def set_shown(self, owner_id: int, read: Callable[[], Collection[int]]) -> bool:
        """Bring the index of a mailbox to what `read` gives: the principals that see something of it. False: it was so.

        `read` is called while nobody else writes the index, so that what is committed before is not undone by an older
        reading.
        """
        if self.shows(owner_id) == frozenset(read()):
            return False
        with self._database.write() as connection:
            wanted, known = frozenset(read()), self.shows(owner_id)
            gone: Sequence[int] = sorted(known - wanted)
            if gone:
                connection.execute(
                    shown_mailbox.delete().where(
                        shown_mailbox.c.owner_id == owner_id, shown_mailbox.c.principal_id.in_(gone)
                    )
                )
            new = [{"owner_id": owner_id, "principal_id": one} for one in sorted(wanted - known)]
            if new:
                connection.execute(shown_mailbox.insert(), new)
        return True

    # Annotations of the server

    def server_entries(self) -> dict[str, bytes]:
        """Give the annotations of the server by their names in lower case, such as `/comment` ([RFC5464] 6.2.1)."""

        def load() -> dict[str, bytes]:
            with self._database.read() as connection:
                rows = connection.execute(select(server_entry.c.name, server_entry.c.value)).all()
            return {name: bytes(value) for name, value in sorted(rows)}

        return dict(self._answer(("server entries",), load))

    def set_server_entry(self, name: str, value: bytes | None) -> None:
        """Set an annotation of the server; None removes it."""
        with self._database.write() as connection:
            connection.execute(server_entry.delete().where(server_entry.c.name == name.lower()))
            if value is not None:
                connection.execute(server_entry.insert().values(name=name.lower(), value=value))
