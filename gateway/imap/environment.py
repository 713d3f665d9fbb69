"""What every IMAP session of a worker shares: the settings, the store, signing in, the hints."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from directory.model import Principal
from gateway.runtime.worker import StoreRunner
from gateway.services.sharing import Sharing
from gateway.services.signin import SignInService
from gateway.services.watch import Watch
from store.sortkeys import SortKeys
from store.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class ImapSettings:
    """The values of the `imap` settings that the front end goes by.

    One object is like itself alone: what is kept by the settings is looked up too often to compare them all.
    """

    version: str = ""
    """Shown by ID; empty hides it."""
    show_all_folders: bool = False
    """Show calendar, contacts and the like as mailboxes (docs/architecture.md, decision 15)."""
    max_message: int = 50 * 1024 * 1024
    """Octets of a message that APPEND takes."""
    login_timeout: float = 60.0
    """Seconds from the greeting to a successful login, not prolonged by commands ([MS-STANXIMAP] 2.2.10)."""
    idle_timeout: float = 1800.0
    """Seconds without a command until the server logs the client out ([RFC3501] 5.4)."""
    keepalive: float = 120.0
    """Seconds between two signs of life in IDLE."""
    stall_timeout: float = 300.0
    """Seconds that a client may take nothing of what is sent to it."""
    hosts: frozenset[str] = frozenset()
    """Names of this server in URLs, lower case; empty: any name is taken for this server ([RFC5092] 4)."""
    referrals: tuple[tuple[str, str], ...] = ()
    """Shards that another server serves, and that server's host, perhaps with a port ([RFC2221] 4.1)."""
    submit_users: frozenset[str] = frozenset()
    """Accounts, by sign-in name, that may use URLs given to `submit+`: message submission servers ([RFC4467] 2.3)."""
    personality: str = "oxgate"
    """Whose face the server shows (gateway.imap.personality)."""
    language: str = "en"
    """What LANGUAGE default means ([RFC5255] 3.2)."""
    message_limit: int = 0
    """Messages that one command may touch; 0: any number ([RFC9738] 3)."""
    unauthenticate: bool = True
    """UNAUTHENTICATE is on offer ([RFC8437] 8)."""
    max_logon_failures: int = 3
    max_bad_commands: int = 10
    """Commands in a row that are answered BAD until the server hangs up."""

    def referral(self, shard: str) -> str | None:
        """The host that serves the mailboxes of a shard; None: this one."""
        return dict(self.referrals).get(shard) if self.referrals else None

    def is_here(self, host: str) -> bool:
        """Whether a name in a URL is this server's."""
        return not self.hosts or host in self.hosts


async def _no_account(name: str) -> Principal | None:
    return None


@dataclass(slots=True)
class LoopUsers:
    """Those that share the event loop of a worker.

    Of long commands that go on side by side each has its part of a slice of time: else who asks for little waits for
    a slice of each.
    """

    waiting: int = 0
    """Connections in the middle of a long command, which have let others have the loop."""

    async def let_others(self) -> None:
        """Let the others have their turn."""
        self.waiting += 1
        try:
            await asyncio.sleep(0)
        finally:
            self.waiting -= 1


@dataclass(frozen=True, slots=True)
class ImapServices:
    """What every session of a worker shares."""

    runner: StoreRunner
    store: Store
    signin: SignInService
    watch: Watch
    settings: ImapSettings = ImapSettings()
    account_of: Callable[[str], Awaitable[Principal | None]] = _no_account
    """Finds the account that a sign-in name means, for names in URLs."""
    sharing: Sharing | None = None
    """Other people's mailboxes; None: there are none."""
    loop_users: LoopUsers = field(default_factory=LoopUsers)
    sort_keys: SortKeys = field(default_factory=SortKeys)
