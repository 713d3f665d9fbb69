"""What a POP3 session is and has ([RFC1939] 3, 4); what its commands do is in `authorization` and `transaction`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.pop3.errors import Reply, reply_for
from gateway.pop3.lock import MaildropLocks
from gateway.pop3.logindelay import LoginDelay
from gateway.pop3.maildrop import Maildrop
from gateway.pop3.message import MessageReader
from gateway.pop3.personality import OXGATE, Personality
from gateway.pop3.protocol import TERMINATOR
from gateway.pop3.texts import Text
from gateway.runtime.worker import StoreRunner
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import Logon
from gateway.services.signin import SignInService
from store.errors import StoreError
from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.mailbox import Mailbox

log = logging.getLogger("oxgate.pop3")

_LARGE_MAILBOX = 5000
"""Messages from which the snapshot at sign-in is taken in a thread."""


class Disconnected(Exception):
    """The peer is gone."""


class CutShort(ConnectionError):
    """A reply cannot be finished: the connection ends without its last line, so that the client knows."""


class Wire(Protocol):
    """The connection, as the session sees it."""

    peer: str

    @property
    def peer_info(self) -> PeerInfo:
        """Who is at the other end, and what protects the line."""

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""

    @property
    def offers_tls(self) -> bool:
        """Whether STLS is possible now."""

    def write(self, data: bytes) -> None:
        """Queue octets."""

    async def settle(self) -> None:
        """Send what is queued, wait while the peer does not read, let others work. Raises ConnectionError."""

    async def next_line(self) -> bytes:
        """Wait for a line that is no command. Raises Disconnected, LineTooLong."""

    def start_tls(self) -> None:
        """Drop what was pipelined, flush, shake hands."""

    def hang_up(self) -> None:
        """Close after the queued replies."""


@dataclass(frozen=True, slots=True)
class Pop3Services:
    """What the POP3 front end needs of the rest."""

    signin: SignInService
    open: Callable[[MailboxRef], Mailbox]
    """`Store.open`."""
    runner: StoreRunner
    delay: LoginDelay | None = None
    """None: users may sign in as often as they like."""
    locks: MaildropLocks | None = None
    """None: several sessions may have a maildrop open."""


@dataclass(frozen=True, slots=True)
class Pop3Limits:
    """Limits of one connection. Times are in seconds."""

    max_errors: int = 10
    """Bad commands until the connection is closed."""
    max_logon_failures: int = 3
    before_logon: float = 60.0
    """Absolute: commands do not restart it."""
    idle: float = 600.0
    """After sign-in; [RFC1939] 3 forbids less than ten minutes."""


@dataclass(frozen=True, slots=True)
class Pop3Options:
    """What an administrator may choose."""

    personality: Personality = OXGATE
    language: str = "en"
    """What `LANG *` chooses."""
    refuse_international: bool = False
    """Whether a client that has not said UTF8 is refused internationalised messages, instead of getting surrogates."""
    remove_retrieved: bool = False
    """Whether QUIT removes what the session has retrieved: EXPIRE 0 ([RFC2449] 6.7)."""
    implementation: bool = True
    """Whether those who are signed in learn what the server is ([RFC2449] 6.9)."""


class State:
    """Where a session is ([RFC1939] 3), as bits: they are compared at every command, and Flag is slow.

    UPDATE is no state of its own, it is what QUIT does.
    """

    AUTHORIZATION = 1
    TRANSACTION = 2
    ANY = AUTHORIZATION | TRANSACTION


class Session:
    """What one client may do and has done."""

    def __init__(self, wire: Wire, services: Pop3Services, limits: Pop3Limits, options: Pop3Options) -> None:
        self.state = State.AUTHORIZATION
        self.wire = wire
        self.services = services
        self.options = options
        self.voice = options.personality.voice()
        self.utf8 = False
        """Whether the client has said UTF8 ([RFC6856] 2.1)."""
        self.user: bytes | None = None
        """What USER said last."""
        self.drop = Maildrop()
        self.retrieved: set[int] | None = None
        """Positions that were retrieved, where QUIT is to remove them."""
        self.mailbox: Mailbox | None = None
        self.folder_id = 0
        self.reader: MessageReader | None = None
        self._limits = limits
        self._errors = 0
        self._logon_failures = 0
        self._logon: Logon | None = None
        self._lock: int | None = None

    # Replies

    def greet(self) -> None:
        """Say the greeting; no timestamp, since APOP is not offered ([RFC1939] 7 APOP, [MS-STANXPOP3] 2.2.10)."""
        self.ok(Text.GREETING)

    def ok(self, text: Text, *numbers: int) -> None:
        """Write a positive reply."""
        self.wire.write(self.voice.ok(text, *numbers))

    def err(self, reply: Reply) -> None:
        """Write a negative reply that is no fault of the client."""
        self.wire.write(self.voice.err(*reply))

    def refuse(self, text: Text, code: bytes = b"") -> None:
        """Answer a bad command and count it."""
        self.wire.write(self.voice.err(text, code))
        self._errors += 1
        if self._errors >= self._limits.max_errors:
            self.wire.write(self.voice.err(Text.TOO_MANY_ERRORS, b"SYS/PERM"))
            self.wire.hang_up()

    async def listing(self, head: bytes, pieces: Iterable[bytes]) -> None:
        """Write a reply of many lines, none of which begins with a dot ([RFC1939] 3), as fast as the client reads."""
        self.wire.write(head)
        first = True
        for piece in pieces:
            if not first:
                await self.wire.settle()
            first = False
            self.wire.write(piece)
        self.wire.write(TERMINATOR)

    # Signing in

    def mechanisms(self) -> list[str]:
        """SASL mechanisms that can be used on this connection now."""
        return self.services.signin.offered(self.wire.peer_info)

    @property
    def has_expired(self) -> bool:
        """Whether what the user signed in by is good no longer, such as a token, or the right to it is gone."""
        return self._logon is not None and self.services.signin.has_ended(self._logon)

    async def enter(self, logon: Logon) -> None:
        """Open the maildrop of who has signed in, where nothing is against it ([RFC1939] 4). Raises StoreError."""
        delay, address = self.services.delay, self.wire.peer
        if delay is not None:
            seconds = delay.wait(logon, address)
            if seconds:
                self.logon_failed(Reply(Text.TOO_SOON, b"LOGIN-DELAY"), seconds)
                return
        if self.services.locks is not None:
            self._lock = self.services.locks.acquire(logon.ref.id)
            if self._lock is None:
                self.logon_failed(Reply(Text.IN_USE, b"IN-USE"))
                return
        try:
            await self._open(logon.ref)
            self.services.signin.entered(logon)
            if delay is not None:
                delay.entered(logon, address)
        except BaseException:  # whatever it is, the client may try again, and others must not find the maildrop in use
            self.close()
            raise
        self._logon = logon
        self.state = State.TRANSACTION
        self.ok(Text.LOGGED_ON)

    def logon_failed(self, reply: Reply, *numbers: int) -> None:
        """Answer a sign-in that came to nothing, and count it."""
        self.wire.write(self.voice.err(reply.text, reply.code, *numbers))
        self._logon_failures += 1
        if self._logon_failures >= self._limits.max_logon_failures:
            self.wire.hang_up()

    async def _open(self, ref: MailboxRef) -> None:
        """Take the snapshot that the session works on ([RFC1939] 4). Raises StoreError."""
        runner = self.services.runner
        mailbox = await runner.read(self.services.open, ref)
        inbox = await runner.read(mailbox.folder, SpecialFolder.INBOX)
        call = runner.run if inbox.total > _LARGE_MAILBOX else runner.read
        index = await call(mailbox.index, inbox.id)
        # The index is shared with other sessions and moves on: these are copies.
        repeated = index.flagged(int(MessageFlag.REPEATED))
        self.drop = Maildrop(index.uids[:], index.sizes[:], index.item_ids[:], repeated)
        self.mailbox, self.folder_id = mailbox, inbox.id
        self.reader = MessageReader(runner, mailbox)

    # The end

    def store_failed(self, command: str, error: StoreError) -> None:
        """Answer a command that the store could not carry out."""
        log.warning("%s: %s: %s: %s", self.wire.peer, command, type(error).__name__, error)
        self.err(reply_for(error))

    def drop_retrieved(self) -> None:
        """Mark what was retrieved, as EXPIRE 0 announces ([RFC2449] 6.7)."""
        for at in self.retrieved or ():
            if self.drop.position(at + 1) is not None:
                self.drop.mark(at)

    def close(self) -> None:
        """Let go of the maildrop; nothing is deleted without QUIT ([RFC1939] 6)."""
        if self._lock is not None and self.services.locks is not None:
            self.services.locks.release(self._lock)
            self._lock = None
