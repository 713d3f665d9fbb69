"""States and commands of a POP3 session ([RFC1939] 4 to 7, [RFC2449], [RFC5034], [RFC2595] 4)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Flag, auto
from typing import NamedTuple, Protocol

from gateway.pop3 import protocol
from gateway.pop3.errors import LOGON_REPLIES, reply_for
from gateway.pop3.maildrop import Maildrop
from gateway.pop3.protocol import Command, LineTooLong, err, message_number, multi_line, ok
from gateway.runtime.worker import StoreRunner
from gateway.sasl.mechanism import Challenge, FailureKind, encode_challenge
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import Logon, LogonRefused
from gateway.services.signin import ExchangeFailed, SignInService
from store.errors import NotFound, StoreError
from store.ids import MailboxRef, SpecialFolder
from store.mailbox import Mailbox

log = logging.getLogger("oxgate.pop3")

_LARGE_MAILBOX = 5000
"""Messages from which the snapshot at sign-in is taken in a thread."""
_NEEDS_TLS = err(b"Signing in without TLS is not permitted; use STLS", b"SYS/PERM")
_ONLY_AUTH = err(b"Signing in by USER is not permitted; use AUTH", b"SYS/PERM")
_TOP_WINDOW = 65_536
"""Octets that TOP reads first; a header and some lines are seldom more."""


class Disconnected(Exception):
    """The peer is gone."""


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


class State(Flag):
    """Where a session is ([RFC1939] 3); UPDATE is no state of its own, it is what QUIT does."""

    AUTHORIZATION = auto()
    TRANSACTION = auto()
    ANY = AUTHORIZATION | TRANSACTION


class _Row(NamedTuple):
    """One command: the states it is valid in, what runs it, and whether it takes an argument (None: it may)."""

    states: State
    run: Callable[[Session, Command], Awaitable[None]]
    argument: bool | None


class Session:
    """What one client may do and has done."""

    def __init__(self, wire: Wire, services: Pop3Services, limits: Pop3Limits) -> None:
        self.state = State.AUTHORIZATION
        self._wire = wire
        self._services = services
        self._limits = limits
        self._user: bytes | None = None
        self._errors = 0
        self._logon_failures = 0
        self._logon: Logon | None = None
        self._mailbox: Mailbox | None = None
        self._folder_id = 0
        self._drop = Maildrop(0, (), (), ())

    def greet(self) -> None:
        """Say the greeting; no timestamp, since APOP is not offered ([RFC1939] 7 APOP, [MS-STANXPOP3] 2.2)."""
        self._wire.write(ok(b"The oxgate POP3 service is ready."))

    def refuse(self, reply: bytes) -> None:
        """Answer a bad command and count it."""
        self._wire.write(reply)
        self._errors += 1
        if self._errors >= self._limits.max_errors:
            self._wire.write(err(b"Too many bad commands", b"SYS/PERM"))
            self._wire.hang_up()

    async def execute(self, line: bytes) -> None:
        """Run one command line and write its answer."""
        command = protocol.parse(line)
        row = COMMANDS.get(command.name)
        if row is None:
            self.refuse(err(b"Protocol error. Command is not known"))
        elif self.state not in row.states:
            self.refuse(err(b"Command is not valid in this state."))
        elif len(line) > protocol.COMMAND_LIMIT and command.name != "AUTH":
            self.refuse(err(b"Line too long"))
        elif row.argument is not None and bool(command.argument.strip()) != row.argument:
            self.refuse(err(b"Protocol error. Invalid arguments"))
        else:
            try:
                await row.run(self, command)
            except StoreError as error:
                log.warning("%s: %s: %s: %s", self._wire.peer, command.name, type(error).__name__, error)
                self._wire.write(reply_for(error))
            except (Disconnected, ConnectionError):
                raise
            except Exception:
                log.exception("%s: %s failed", self._wire.peer, command.name)
                self._wire.write(err(b"Server error, try again later", b"SYS/TEMP"))

    # Any state

    async def capa(self, command: Command) -> None:
        """List the capabilities of this moment.

        [RFC2449] 5, 6.1 to 6.4, 6.6 to 6.9, [RFC3206] 6, [RFC5034] 3, [RFC2595] 4.
        """
        lines = [b"TOP", b"UIDL", b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE", b"EXPIRE NEVER"]
        mechanisms = self._mechanisms()
        if "PLAIN" in mechanisms:
            lines.append(b"USER")
        if mechanisms:
            lines.append(b"SASL " + " ".join(mechanisms).encode())
        if self._wire.offers_tls and self.state is State.AUTHORIZATION:
            lines.append(b"STLS")
        if self.state is State.TRANSACTION:
            lines.append(b"IMPLEMENTATION oxgate")
        self._wire.write(multi_line(b"Capability list follows", lines))

    async def noop(self, command: Command) -> None:
        """Do nothing ([RFC1939] 5)."""
        self._wire.write(ok())

    async def quit(self, command: Command) -> None:
        """End; from TRANSACTION, remove what was marked ([RFC1939] 6).

        Messages that another session removed meanwhile are gone as wished. When the store fails nothing is removed.
        """
        self._wire.hang_up()
        doomed, mailbox, folder_id = self._drop.doomed(), self._mailbox, self._folder_id
        if doomed and mailbox is not None:
            await self._services.runner.write(mailbox.ref, lambda: mailbox.remove_messages(folder_id, doomed))
        self._wire.write(ok(b"The oxgate POP3 service is signing off."))

    # AUTHORIZATION

    def _mechanisms(self) -> list[str]:
        return self._services.signin.offered(self._wire.peer_info)

    async def user(self, command: Command) -> None:
        """Take a name, which may have blanks; it is never said whether it exists ([RFC1939] 7, [MS-OXPOP3] 2.2.2).

        Without TLS there is no signing in, but where the policy allows it ([RFC2595] 2.2, 2.3).
        """
        if not self._services.signin.takes_passwords(self._wire.peer_info):
            self.refuse(_ONLY_AUTH if self._wire.tls else _NEEDS_TLS)
            return
        self._user = command.argument
        self._wire.write(ok())

    async def password(self, command: Command) -> None:
        """Sign in with the name of USER; blanks belong to the password ([RFC1939] 7 PASS)."""
        if self._user is None:
            self.refuse(err(b"Command is not valid in this state."))
            return
        name, self._user = self._user, None
        try:
            logon = await self._services.signin.password(_text(name), _text(command.argument), self._wire.peer_info)
        except ExchangeFailed as failed:
            self._exchange_failed(failed.kind)
        except LogonRefused as refused:
            self._logon_failed(LOGON_REPLIES[refused.kind])
        else:
            await self._enter(logon)

    async def auth(self, command: Command) -> None:
        """Sign in by SASL ([RFC5034] 4, [MS-OXPOP3] 2.2.1); a bare AUTH lists the mechanisms ([MS-OXPOP3] 1.7).

        The coroutine is the state machine of [MS-OXPOP3] 3.2.1, 3.2.1.1, 3.2.1.2: it is inside the exchange as long as
        it asks for lines ([MS-OXPOP3] 3.2.4, 3.2.5, 3.2.5.1, 3.2.5.2), and what a mechanism makes of a line is
        a challenge, a success or a failure ([MS-OXPOP3] 3.2.5.2.1, 3.2.5.2.2, 3.2.5.2.3, 3.2.5.2.4); `*` ends it
        ([MS-OXPOP3] 3.2.5.3).
        """
        words = command.words()
        if not words:
            self._wire.write(multi_line(b"", [name.encode() for name in self._mechanisms()]))
            return
        if len(words) > 2:
            self._exchange_failed(FailureKind.UNSUPPORTED)
            return
        try:
            signin = self._services.signin.begin(words[0].decode("ascii", "replace"), self._wire.peer_info)
            step = await signin.step(words[1] if len(words) == 2 else None)
            while isinstance(step, Challenge):
                self._wire.write(protocol.challenge(encode_challenge(step)))
                step = await signin.step(await self._wire.next_line())
        except ExchangeFailed as failed:
            self._exchange_failed(failed.kind)
        except LineTooLong:
            self._exchange_failed(FailureKind.TOO_LONG)
        except LogonRefused as refused:
            self._logon_failed(LOGON_REPLIES[refused.kind])
        else:
            await self._enter(step)

    def _exchange_failed(self, kind: FailureKind) -> None:
        match kind:
            case FailureKind.CANCELLED:
                self._wire.write(err(b"The AUTH protocol exchange was canceled by the client"))
            case FailureKind.UNSUPPORTED:
                self.refuse(err(b"Unrecognized authentication type"))
            case FailureKind.NEEDS_TLS:
                self.refuse(_NEEDS_TLS)
            case _:
                self.refuse(err(b"Protocol error. Invalid authentication response"))

    async def stls(self, command: Command) -> None:
        """Go over to TLS; what was pipelined behind the command is dropped ([RFC2595] 4)."""
        if not self._wire.offers_tls:
            self.refuse(err(b"Command is not valid in this state."))
            return
        self._user = None
        self._wire.write(ok(b"Begin TLS negotiation"))
        self._wire.start_tls()

    @property
    def has_expired(self) -> bool:
        """Whether what the user signed in by is good no longer, such as a token, or the right to it is gone."""
        return self._logon is not None and self._services.signin.has_ended(self._logon)

    async def _enter(self, logon: Logon) -> None:
        await self._open(logon.ref)
        self._logon = logon
        self._services.signin.entered(logon)
        self.state = State.TRANSACTION
        self._wire.write(ok(b"User successfully logged on."))

    def _logon_failed(self, reply: bytes) -> None:
        self._wire.write(reply)
        self._logon_failures += 1
        if self._logon_failures >= self._limits.max_logon_failures:
            self._wire.hang_up()

    async def _open(self, ref: MailboxRef) -> None:
        """Take the snapshot that the session works on ([RFC1939] 4). Raises StoreError."""
        runner = self._services.runner
        mailbox = await runner.read(self._services.open, ref)
        inbox = await runner.read(mailbox.folder, SpecialFolder.INBOX)
        call = runner.run if inbox.total > _LARGE_MAILBOX else runner.read
        index = await call(mailbox.index, inbox.id)
        # The index is shared with other sessions and moves on: these are copies.
        self._drop = Maildrop(inbox.uidvalidity, index.uids[:], index.sizes[:], index.item_ids[:])
        self._mailbox, self._folder_id = mailbox, inbox.id

    # TRANSACTION

    async def stat(self, command: Command) -> None:
        """Count messages and octets ([RFC1939] 5)."""
        self._wire.write(ok(b"%d %d" % self._drop.remaining()))

    async def list(self, command: Command) -> None:
        """List sizes ([RFC1939] 5)."""
        if not command.argument.strip():
            self._wire.write(multi_line(b"%d %d" % self._drop.remaining(), self._drop.scan_listing()))
            return
        at = self._position(command)
        if at is not None:
            self._wire.write(ok(b"%d %d" % (at + 1, self._drop.sizes[at])))

    async def uidl(self, command: Command) -> None:
        """List unique-ids ([RFC1939] 7)."""
        if not command.argument.strip():
            self._wire.write(multi_line(b"", self._drop.unique_ids()))
            return
        at = self._position(command)
        if at is not None:
            self._wire.write(ok(b"%d %b" % (at + 1, self._drop.unique_id(at))))

    async def retr(self, command: Command) -> None:
        """Send a message whole, lines ending with CRLF, of the size that LIST gave ([RFC1939] 5, 11)."""
        at = self._position(command)
        if at is None:
            return
        raw = await self._raw(at)
        write = self._wire.write
        write(b"+OK %d octets\r\n" % self._drop.sizes[at])
        write(protocol.stuffed(raw))
        write(protocol.TERMINATOR)

    async def top(self, command: Command) -> None:
        """Send the header and some lines ([RFC1939] 7 TOP)."""
        words = command.words()
        lines = message_number(words[1]) if len(words) == 2 else None
        if lines is None:
            self.refuse(err(b"Protocol error. Invalid arguments"))
            return
        at = self._position(command._replace(argument=words[0]))
        if at is None:
            return
        raw = await self._raw(at, _TOP_WINDOW)
        size = self._drop.sizes[at]
        if len(raw) < size and (raw.find(b"\r\n\r\n") < 0 or raw.count(b"\n") < lines + _header_lines(raw)):
            raw = await self._raw(at)
        self._wire.write(ok())
        self._wire.write(protocol.stuffed(protocol.top(raw, _header_end(raw), lines)))
        self._wire.write(protocol.TERMINATOR)

    async def dele(self, command: Command) -> None:
        """Mark a message as deleted ([RFC1939] 5)."""
        at = self._position(command)
        if at is not None:
            self._drop.deleted.add(at)
            self._wire.write(ok())

    async def rset(self, command: Command) -> None:
        """Unmark all ([RFC1939] 5)."""
        self._drop.deleted.clear()
        self._wire.write(ok(b"%d %d" % self._drop.remaining()))

    def _position(self, command: Command) -> int | None:
        at = self._drop.position(message_number(command.argument.strip()))
        if at is None:
            self._wire.write(err(b"No such message"))
        return at

    async def _raw(self, at: int, length: int | None = None) -> bytes:
        """Read the octets of a message. Raises NotFound when another session has removed it."""
        if self._mailbox is None:
            raise NotFound("no mailbox")
        return await self._services.runner.read(self._mailbox.raw, self._drop.items[at], 0, length)


def _header_end(raw: bytes) -> int:
    if raw.startswith(b"\r\n"):
        return 2
    at = raw.find(b"\r\n\r\n")
    return len(raw) if at < 0 else at + 4


def _header_lines(raw: bytes) -> int:
    return raw.count(b"\n", 0, _header_end(raw))


def _text(octets: bytes) -> str:
    """Decode a name or password as older clients send it: UTF-8, else Latin-1."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


COMMANDS: dict[str, _Row] = {
    "CAPA": _Row(State.ANY, Session.capa, False),
    "NOOP": _Row(State.TRANSACTION, Session.noop, False),
    "QUIT": _Row(State.ANY, Session.quit, False),
    "USER": _Row(State.AUTHORIZATION, Session.user, True),
    "PASS": _Row(State.AUTHORIZATION, Session.password, None),
    "AUTH": _Row(State.AUTHORIZATION, Session.auth, None),
    "STLS": _Row(State.AUTHORIZATION, Session.stls, False),
    "STAT": _Row(State.TRANSACTION, Session.stat, False),
    "LIST": _Row(State.TRANSACTION, Session.list, None),
    "UIDL": _Row(State.TRANSACTION, Session.uidl, None),
    "RETR": _Row(State.TRANSACTION, Session.retr, True),
    "TOP": _Row(State.TRANSACTION, Session.top, True),
    "DELE": _Row(State.TRANSACTION, Session.dele, True),
    "RSET": _Row(State.TRANSACTION, Session.rset, False),
}
"""Every command; APOP is left out, as Exchange does ([MS-STANXPOP3] 2.2)."""
