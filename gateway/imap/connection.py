"""One client connection: octets in, commands one after another, octets out ([RFC3501] 2.2).

Rules of the executor:
- Commands run strictly one at a time, in the order sent, and begin where their octets arrive. A task exists only while
  one has to wait for something: an idle connection, in IDLE too, is a few objects and no coroutine.
- Input is taken while a command runs, up to PAUSE_AT octets; then the transport stops reading.
- Replies are handed to the transport together when nothing more is to be done at once: at the end of the input, when a
  command has to wait for something, and at FLUSH_AT octets; `drain` waits for the client. A write costs more than most
  commands do.
- What a client does wrong, the store refuses or a bug breaks ends a command, never the connection. The connection ends
  after LOGOUT, too many bad commands or failed logins, at a timeout, and at shutdown.
- A client that vanishes ends no change that has begun; a command that only reads ends where it would wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from twisted.python.failure import Failure

from gateway.imap import texts
from gateway.imap.commands import fresh, idle, notify
from gateway.imap.commands.table import BY_NAME, capabilities, takes_numbers
from gateway.imap.environment import ImapServices
from gateway.imap.errors import SERVER_BUG, Refusal, Reply, reply_for
from gateway.imap.octets import OctetStream
from gateway.imap.protocol import writer
from gateway.imap.protocol.framing import (
    LIMITS,
    LIMITS_BEFORE_LOGIN,
    Event,
    Frame,
    Limits,
    LiteralWanted,
    RawLine,
)
from gateway.imap.protocol.numset import BadNumber
from gateway.imap.protocol.parser import parse
from gateway.imap.protocol.types import BadCommand, BadMailboxName, Command, UnsupportedCharset
from gateway.imap.session import Session
from gateway.imap.state import State
from gateway.runtime import eager
from gateway.runtime.tls import tls_facts
from gateway.sasl.peer import PeerInfo
from store.errors import StoreError

log = logging.getLogger(__name__)

PAUSE_AT = 256 * 1024
"""Octets of unread input at which reading stops while a command runs."""
COMPRESSOR_RESTS = 10.0
"""Seconds without a command after which an idle connection's compressor gives its memory back."""
SLICE = 0.002
"""Seconds after which a client with many commands waiting lets others have the loop: all such clients together."""


@lru_cache(maxsize=8)
def _limits(max_message: int) -> Limits:
    return replace(LIMITS, append=max_message)


class ImapConnection(OctetStream):
    """A Twisted protocol over gateway.runtime.transport; the wire of one Session."""

    __slots__ = (
        "_bad",
        "_began",
        "_closing",
        "_connections",
        "_dirty",
        "_farewell",
        "_heard",
        "_idling",
        "_listener",
        "_paused",
        "_peer",
        "_services",
        "_starttls",
        "_task",
        "_then",
        "_told",
        "_turn",
        "_waiter",
        "_working",
        "session",
    )

    def __init__(
        self,
        services: ImapServices,
        connections: set[ImapConnection],
        starttls: ssl.SSLContext | None = None,
        listener: str = "",
    ) -> None:
        self._services = services
        self._listener = listener
        self._connections = connections
        self._starttls = starttls
        super().__init__()
        self._working = False
        self._task: asyncio.Task[None] | None = None  # of work that has had to wait
        self._waiter: asyncio.Future[None] | None = None
        self._idling = b""  # the tag of the IDLE that goes on
        self._dirty = False  # an IDLE has something to look at
        self._then: Callable[[], None] | None = None  # to do once the reply to this command is out
        self._farewell = b""
        self._closing = False
        self._paused = False
        self._bad = 0  # BAD replies in a row
        self._began = self._heard = self._told = 0.0
        self._turn = 0.0  # when a command of this connection last got the loop
        self._peer: PeerInfo | None = None
        self.session = Session(services, self, capabilities)

    # --- Twisted's side

    def connectionMade(self) -> None:
        """Greet the client ([RFC3501] 7.1.1)."""
        self._loop = asyncio.get_running_loop()
        self._began = self._heard = self._told = self._loop.time()
        self._connections.add(self)
        self.wire.write(Reply(b"OK", self.session.personality.greeting, self.session.welcome()).line(b"*"))

    def dataReceived(self, data: bytes) -> None:
        """Take octets; wake or start the executor."""
        if self._closing:
            return
        assert self._loop is not None
        self._heard = self._loop.time()
        self._feed(data)
        if not self._working:
            event = self._pull()
            if event is None:
                return
            self._ahead = event
            self._start()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._working and not self._paused and self._unread > PAUSE_AT:
            self._paused = True
            self.wire.pauseProducing()

    def connectionLost(self, reason: Failure | None = None) -> None:
        """The client is gone; a running command finishes by itself."""
        self._closing = True
        self._connections.discard(self)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError("connection lost"))
        if not self._working:
            self.session.close()

    # --- the executor

    def _start(self) -> None:
        """Carry out what waits, up to where it has to wait for something: a task does the rest."""
        assert self._loop is not None
        self._working = self.holds_loop = True
        try:
            self._task = eager.begin(self._loop, self._work())
        finally:
            self.holds_loop = False
            self.session.forget_index()
        self.flush()

    async def _work(self) -> None:
        """Carry out what waits, and end."""
        assert self._loop is not None
        self._turn = self._loop.time()
        try:
            while not self._closing:
                event = self._next()
                if event is not None:
                    await self._handle(event)
                elif self._dirty and (self._idling or self.session.notify is not None):
                    await self._push()
                else:
                    break
                if self._loop.time() - self._turn > SLICE:
                    await self.drain()
            if self._farewell and not self._closing:  # it came in between
                self._say_farewell()
        except ConnectionError:
            self._closing = True
        except Exception:
            log.exception("connection of %s ends by a bug", self.peer)
            self._closing = True
            self.wire.abortConnection()
        finally:
            self._working = False
            self._task = None
            self._heard = self._loop.time()
            self.flush()
            if self._closing:
                self.session.close()
        if self._paused and not self._closing:
            self._paused = False
            self.wire.resumeProducing()

    def _next(self) -> Event | None:
        event, self._ahead = self._ahead, None
        if event is None:
            event = self._pull()
        if self._paused and self._unread < PAUSE_AT // 2:
            self._paused = False
            self.wire.resumeProducing()
        return event

    async def _handle(self, event: Event) -> None:
        if isinstance(event, RawLine):
            await self._end_idle(event)
        elif isinstance(event, Frame):
            await self._run(event)
        elif isinstance(event, LiteralWanted):
            self.send(b"+ Ready for additional command text.\r\n")
            self.flush()
        else:
            self._finish(event.tag, Reply(event.status, writer.text(event.text), event.code))

    async def _run(self, frame: Frame) -> None:
        try:
            command = parse(frame, utf8=self.session.utf8_names)
        except UnsupportedCharset as error:
            code = b"BADCHARSET (%b)" % b" ".join(charset.encode("ascii", "replace") for charset in error.charsets)
            if error.saves and self.session.selected is not None:
                self.session.selected.view.saved = ()
            self._finish(error.tag, Reply(b"NO", writer.text(error.text), code))
            return
        except BadMailboxName as error:
            self._finish(error.tag, Reply(b"NO", writer.text(error.text), b"CANNOT"))
            return
        except BadCommand as error:
            self._finish(error.tag, Reply(b"BAD", writer.text(error.text)))
            return
        except Exception:
            log.exception("a command of %s cannot be read", self.peer)
            self._finish(frame.parts[0].split(b" ", 1)[0] or b"*", SERVER_BUG)
            return
        reply = await self._carry_out(command)
        if reply is idle.WAITING:
            self._begin_idle(command.tag)
        else:
            self._finish(command.tag, reply)

    async def _carry_out(self, command: Command) -> Reply:
        """Run one command; every error but the loss of the connection becomes its reply."""
        session = self.session
        row = BY_NAME.get(command.name)
        if row is None or not session.personality.has(command.name):
            return Reply(b"BAD", b"Unknown command.")
        if not int(row.states) & int(session.state):  # as enumerations they take a microsecond to compare
            return Reply(b"BAD", b"Command is not valid in this state.")
        session.tag = command.tag
        session.by_uid = row.uses_sequence_numbers and bool(getattr(command.args, "uid", False))
        if session.uidonly and row.uses_sequence_numbers and not session.by_uid:
            return Reply(b"BAD", b"UIDONLY is enabled: messages have no numbers.", b"UIDREQUIRED")  # [RFC9586] 3.2
        try:
            reply = await row.run(session, command.args)
        except Refusal as refusal:
            reply = refusal.reply
        except BadNumber as error:
            reply = Reply(b"BAD", writer.text(str(error)))
        except StoreError as error:
            log.info("%s of %s: %s: %s", command.name, self.peer, type(error).__name__, error)
            reply = reply_for(error)
        except ConnectionError:
            raise
        except Exception:
            log.exception("%s of %s failed", command.name, self.peer)
            reply = SERVER_BUG
        goes_on = reply is not idle.WAITING and session.state is not State.LOGOUT
        if session.selected is not None and goes_on and not row.tells_state:
            await self._update(expunge=session.by_uid or not row.uses_sequence_numbers)
        session.by_uid = False
        if session.notify is not None and goes_on:
            await notify.after_command(session, command.args)
        return reply

    async def _update(self, *, expunge: bool, forced: bool = False) -> None:
        """Send the untagged updates that are due; what goes wrong costs the updates, not the command."""
        try:
            await self.session.sync(expunge=expunge, forced=forced)
            await fresh.tell(self.session)
        except StoreError as error:
            log.info("update of %s: %s: %s", self.peer, type(error).__name__, error)
        except ConnectionError:
            raise
        except Exception:
            log.exception("update of %s failed", self.peer)

    def _finish(self, tag: bytes, reply: Reply) -> None:
        """Send the tagged reply, and what must follow it."""
        if self.session.language != texts.DEFAULT:
            reply = reply._replace(text=texts.translate(self.session.language, reply.text))
        self.send(reply.line(tag))
        if reply.status == b"BAD":
            self._bad += 1
            if self._bad >= self._services.settings.max_bad_commands:
                self.give_up(b"Too many bad commands.")
        else:
            self._bad = 0
        if self.session.state is State.LOGOUT:
            self._close()
        elif self._farewell:
            self._say_farewell()
        elif self._then is not None:
            then, self._then = self._then, None
            then()

    def _say_farewell(self) -> None:
        self.send(b"* BYE %b\r\n" % texts.translate(self.session.language, self._farewell))
        self._close()

    def _close(self) -> None:
        self.flush()
        self._closing = True
        self.wire.loseConnection()

    def _begin_tls(self) -> None:
        """Drop what came in the clear, and shake hands ([RFC3501] 6.2.1)."""
        self.flush()
        self._drop("STARTTLS")
        assert self._starttls is not None
        self._peer = None
        self.wire.startTLS(self._starttls)

    # --- IDLE ([RFC2177] 3)

    def _begin_idle(self, tag: bytes) -> None:
        self._idling = tag
        self._told = self._heard
        self._dirty = True  # what came between the last update and the subscription
        self._framing.expect_line()
        self.flush()

    async def _push(self) -> None:
        """Tell a client that idles, or has asked for it by NOTIFY, what changed ([RFC5465] 4)."""
        self._dirty = False
        wanted = self.session.notify
        at_once = wanted is not None and not wanted.delayed
        await self._update(expunge=bool(self._idling) or at_once, forced=at_once)
        if wanted is not None and self.session.notify is wanted:
            await notify.push(self.session)
        if self._out and self._loop is not None:
            self._told = self._loop.time()

    async def _end_idle(self, line: RawLine) -> None:
        tag, self._idling = self._idling, b""
        reply = idle.end(self.session, line.data)
        await self._update(expunge=True)
        self._finish(tag, reply)

    # --- timers and shutdown

    def check(self, now: float) -> None:
        """Look at the clock; the front end calls this every few seconds ([RFC3501] 5.4)."""
        if self._closing:
            return
        settings = self._services.settings
        if self._compression is not None and not self._working and now - self._heard >= COMPRESSOR_RESTS:
            self._compression.rest()
        if self._stalls(now, settings.stall_timeout):
            self.wire.abortConnection()
        elif self.session.state is State.NOT_AUTHENTICATED and now - self._began >= settings.login_timeout:
            self.say_bye(b"Timed out waiting for login.")
        elif self.session.has_expired():
            self.shut_down(b"The sign-in has expired; sign in again.")
        elif self._working:
            return
        elif now - self._heard >= settings.idle_timeout:
            self.say_bye(b"Autologout; idle for too long.")
        elif self._idling and now - self._told >= settings.keepalive:
            self._told = now
            self.send(b"* OK Still here\r\n")
            self.flush()
            self.wake()  # a lost hint is made good here

    def say_bye(self, reason: bytes) -> None:
        """End the connection now, between two responses."""
        self._farewell = reason
        self._say_farewell()

    def shut_down(self, reason: bytes = b"Server is shutting down.") -> None:
        """End the connection as soon as the command that runs has its reply."""
        if self._closing:
            return
        if not self._working or self._waiter is not None:
            self.say_bye(reason)
        else:
            self._farewell = reason

    # --- the session's wire

    @property
    def tls(self) -> bool:
        """Whether TLS protects the connection."""
        return self.wire.tls

    @property
    def can_start_tls(self) -> bool:
        """Whether STARTTLS is on offer here."""
        return self._starttls is not None and not self.wire.tls

    @property
    def peer(self) -> PeerInfo:
        """Who is at the other end."""
        if self._peer is None:
            address = getattr(self.wire.getPeer(), "host", "local")
            facts = tls_facts(self.wire.get_extra_info("ssl_object") if self.wire.tls else None)
            self._peer = PeerInfo("imap", address, self.wire.tls, self.wire.id, self._listener, *facts)
        return self._peer

    def called(self, device: str) -> None:
        """Note what the client calls itself."""
        self._peer = replace(self.peer, device=device)

    async def drain(self) -> None:
        """Wait while the client is slow, and let others have the loop in time; ConnectionError when it is gone."""
        await self.wire.drain()
        assert self._loop is not None
        users = self.session.services.loop_users
        if self._loop.time() - self._turn > SLICE / (1 + users.waiting):
            # A client that takes everything at once never makes us wait.
            await users.let_others()
            self._turn = self._loop.time()

    async def ask(self, challenge: bytes) -> bytes | None:
        """Send `+ challenge` and return the client's next line; None if it was over the limit ([RFC3501] 6.2.2)."""
        assert self._loop is not None
        self.send(writer.challenge(challenge))
        self._framing.expect_line()
        self.flush()
        while (event := self._pull()) is None:
            if self._closing:
                raise ConnectionResetError("connection lost")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        assert isinstance(event, RawLine)
        return None if event.overlong else event.data

    def expunge_is_safe(self) -> bool:
        """Whether no command with message numbers is on its way: then EXPUNGE may renumber ([RFC3501] 5.5)."""
        if self._idling or self._nothing_waits:
            return self._ahead is None and self._nothing_waits
        if self._ahead is None:
            self._ahead = self._pull()
        ahead = self._ahead
        return isinstance(ahead, Frame) and not takes_numbers(ahead.parts[0]) and self._nothing_waits

    def abort(self) -> None:
        """Cut the connection: what was announced cannot be sent."""
        self._closing = True
        self.wire.abortConnection()

    def start_tls_after_reply(self) -> None:
        """Begin TLS once the reply to this command is out."""
        self._then = self._begin_tls

    @property
    def compressed(self) -> bool:
        """Whether both sides compress what they send."""
        return self._compression is not None and not self._compression.ending

    def compress_after_reply(self) -> None:
        """Begin to compress once the reply to this command is out."""
        self._then = self._begin_compression

    def logged_on(self) -> None:
        """The limits of a stranger end here."""
        self._framing.limits = _limits(self._services.settings.max_message)
        self._bad = 0

    def signed_off(self) -> None:
        """The session has begun anew; the reply to the command is the last that is compressed ([RFC8437] 3, 4.1)."""
        assert self._loop is not None
        self._framing.limits = LIMITS_BEFORE_LOGIN
        self._began = self._loop.time()
        self._then = self._end_compression

    def wake(self) -> None:
        """Something happened that an IDLE should tell, or NOTIFY."""
        if (self._idling or self.session.notify is not None) and not self._closing:
            self._dirty = True
            if not self._working:
                # Not at once: whoever tells has others to tell, and many may have to look.
                assert self._loop is not None
                self._working = True
                self._task = self._loop.create_task(self._work())

    def give_up(self, reason: bytes) -> None:
        """Say BYE and close after the present command."""
        self._farewell = self._farewell or reason
