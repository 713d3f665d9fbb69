"""Where a mailbox name leads: a folder, and the mailbox (one user's store) that it is in ([RFC2342] 4, 5).

Three namespaces: one's own folders have no prefix; those of users and shared mailboxes stand below `Other Users/`, and
those of public mailboxes below `Public Folders/`, each below the address of its mailbox. What a user may not see there
is not there ([RFC4314] 6).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, NamedTuple

from directory.errors import ProviderError
from directory.model import Principal
from gateway.imap.errors import Refusal, no
from gateway.imap.names import OTHER_USERS, PUBLIC_FOLDERS, path_of, shared_space
from gateway.services.sharing import Guest, Sharing
from store.changes import FolderRow
from store.errors import NotFound
from store.mailbox import Mailbox

Read = Callable[..., Awaitable[Any]]
"""Session.read: calls something short, in a thread where it may block."""


class Place(NamedTuple):
    """A folder as one logon reaches it."""

    mailbox: Mailbox
    row: FolderRow


class Space(Enum):
    """A namespace of others' mailboxes, by its first level."""

    OTHERS = OTHER_USERS
    PUBLIC = PUBLIC_FOLDERS


class Neighbour(NamedTuple):
    """Another's mailbox, opened for the user of a session."""

    owner: Principal
    mailbox: Mailbox
    prefix: str
    """What its folders' names begin with: `Other Users/bob@example.test/`."""


class Namespaces:
    """Mailbox names as one session sees them. Without a Sharing there are one's own alone."""

    __slots__ = ("_guest", "_read", "_sharing", "home")

    def __init__(self, home: Mailbox, read: Read, sharing: Sharing | None, guest: Guest | None) -> None:
        self.home = home
        self._read = read
        self._sharing = sharing
        self._guest = guest

    @property
    def sharing(self) -> Sharing | None:
        """The others' mailboxes; None where there are none."""
        return self._sharing

    @property
    def guest(self) -> Guest:
        """Who the session is there."""
        assert self._guest is not None
        return self._guest

    async def ask(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a look-up of the directory; Refusal NO [UNAVAILABLE] while it is away."""
        try:
            return await self._read(call, *args, **kwargs)
        except ProviderError as error:
            raise away() from error

    async def find(self, name: str) -> Place | None:
        """The folder of a name, freshly read; None where there is none to be seen.

        Raises Refusal NO [CANNOT] for a name that no folder can have, NO [UNAVAILABLE].
        """
        try:
            mailbox, path = await self.into(name)
            return Place(mailbox, await self._read(mailbox.folder, path)) if path else None
        except NotFound:
            return None

    async def into(self, name: str) -> tuple[Mailbox, tuple[str, ...]]:
        """The mailbox that a name leads into, and the path there, whether it has such a folder or not.

        The path is empty for a name that stands for a whole mailbox or namespace. Raises NotFound where the user sees
        nothing of such a mailbox, and what `find` raises.
        """
        space = shared_space(name)
        if space is None:
            return self.home, path_of(name)
        if self._sharing is None:
            path_of(name)
            raise NotFound(f"there is no namespace {space!r}")
        _, _, rest = name.partition("/")
        address, _, inner = rest.partition("/")
        if not address:
            path_of(name)
            return self.home, ()
        neighbour = await self.neighbour(Space(space), address)
        if neighbour is None:
            path_of(name)
            raise NotFound(f"no mailbox of {address!r} is to be seen")
        return neighbour.mailbox, path_of(inner) if inner else ()

    async def neighbour(self, space: Space, address: str, *, shown: bool = True) -> Neighbour | None:
        """Another's mailbox by its address; None where the user sees nothing of it, unless `shown` is false."""
        sharing = self._sharing
        assert sharing is not None
        owner = await self.ask(sharing.find, self.guest, address, public=space is Space.PUBLIC)
        if owner is None:
            return None
        opened = await self.open(space, owner)
        if opened is None or not shown:
            return opened
        return opened if await self.ask(opened.mailbox.shows_anything) else None

    async def open(self, space: Space, owner: Principal) -> Neighbour | None:
        """Open another's mailbox, whatever there is to be seen; None where it is missing."""
        assert self._sharing is not None
        try:
            mailbox = await self.ask(self._sharing.open, self.guest, owner)
        except NotFound:
            return None
        return Neighbour(owner, mailbox, f"{space.value}/{owner.address}/")

    async def spelled(self, name: str) -> str:
        """A name as LIST has it: one that leads into another's mailbox comes in any case."""
        space = shared_space(name)
        if space is None or self._sharing is None:
            return name
        address, _, inner = name.partition("/")[2].partition("/")
        neighbour = await self.neighbour(Space(space), address) if address else None
        return name if neighbour is None else (neighbour.prefix + inner).removesuffix("/")

    async def owners(self, space: Space) -> list[Principal]:
        """The owners of mailboxes in which the user may see something."""
        if self._sharing is None:
            return []
        if space is Space.PUBLIC:
            found: list[Principal] = await self.ask(self._sharing.public)
        else:
            found = await self.ask(self._sharing.others, self.guest)
        return found


def away() -> Refusal:
    """The refusal while the directory does not answer."""
    return no(b"That cannot be found out just now; try again later.", b"UNAVAILABLE")
