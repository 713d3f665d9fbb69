"""The composition root: the only place that turns settings into parts and joins the parts.

    serve(settings) -> exit status       # supervisor and workers; blocks
    application = build(settings)        # one server in the caller's loop: await start(), await stop(grace)

What one worker is made of, from the bottom:

    SqlDirectory   Store -> Watch -> hints of the other workers
         |           |        |
      Entrance   StoreRunner  |
         |           |        |
         +-- DeliveryService  |
         |           |        |
    IMAP, POP3, SMTP front ends, each on its Listeners
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import shutil
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Listener as ListenerSettings
from config.settings import Settings
from conversion.mime.text import MimeText
from directory.errors import ProviderError, SecretsUnavailable
from gateway.imap.environment import ImapServices, ImapSettings
from gateway.imap.frontend import ImapFrontEnd
from gateway.opening import make_reader, open_directory, open_store
from gateway.pop3.lock import MaildropLocks
from gateway.pop3.logindelay import LoginDelay
from gateway.pop3.personality import PERSONALITIES
from gateway.pop3.server import Pop3FrontEnd
from gateway.pop3.session import Pop3Limits, Pop3Options, Pop3Services
from gateway.runtime import logs, memory
from gateway.runtime.connections import ConnectionLimits, Connections
from gateway.runtime.listeners import BindError, Binding, Endpoint, Listener, bind
from gateway.runtime.process import FrontEnd, StartError, WorkerLink, run_inprocess, run_worker
from gateway.runtime.supervisor import Supervisor
from gateway.runtime.tls import TlsContexts, TlsError
from gateway.runtime.worker import StoreRunner
from gateway.services.delivery import DeliveryService, DeliverySettings
from gateway.services.indexing import Indexing
from gateway.services.sharing import Sharing
from gateway.services.submission import SubmissionPolicy
from gateway.services.watch import Forward, Watch
from gateway.signing_in import Entrance, Shared
from gateway.smtp.profile import BareNewline, Service, SmtpLimits
from gateway.smtp.server import SmtpFrontEnd, SmtpPort
from gateway.smtp.session import SmtpServices
from store.changes import Touched
from store.errors import StoreError
from store.notify import HintPipe, PostgresHints
from store.spool import Spool

log = logging.getLogger("oxgate")

SMTP_SERVICES = {"smtp": Service.TRANSFER, "submission": Service.SUBMISSION, "lmtp": Service.LMTP}
IDLE_MAILBOX_SECONDS = 5.0
"""How long a mailbox file that nobody uses stays open, with its page cache and its two connections."""
MANY_MAILBOXES = 32
"""Mailboxes closed after which their memory is given back at once."""


@dataclass(frozen=True, slots=True)
class Port:
    """A listener of the settings, bound."""

    settings: ListenerSettings
    binding: Binding


class Application:
    """Everything that one worker runs. Made inside or outside of the loop, started inside.

    `ports` maps each listener's name to the port really bound.
    """

    def __init__(
        self,
        settings: Settings,
        ports: Sequence[Port],
        contexts: TlsContexts | None,
        *,
        worker: int,
        shared: Shared,
    ) -> None:
        self.settings = settings
        self.ports = {port.settings.name: port.binding.endpoint.port for port in ports}
        self.contexts = contexts
        self._bound = ports
        self._worker = worker
        self._shared = shared
        self._front_ends: list[FrontEnd] = []
        self._parts = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open directory and store, start the front ends. Raises StartError."""
        with explained(self.settings):
            directory = open_directory(self.settings)
            self._parts.callback(directory.close)
            directory.ensure_key()
            watch = self._start_watch()
            store = open_store(self.settings, reader=make_reader(self.settings, directory), publish=watch.publish)
            self._parts.callback(store.close)
            spool = Spool(self.settings.spool_location)
            self._parts.callback(spool.close)
        runner = StoreRunner(inline=store.inline, group=store.group, attempt=store.attempt)
        self._parts.push_async_callback(runner.close)
        self.store, self.directory, self.watch, self.runner = store, directory, watch, runner
        entrance = Entrance(self.settings, directory, store, self._shared, first=self._worker == 0)
        self._parts.push_async_callback(entrance.close)
        self.signin = entrance.open()
        self.delivery = DeliveryService(
            provider=directory,
            store=store,
            runner=runner,
            spool=spool,
            settings=delivery_settings(self.settings),
        )
        self._start_task(self.delivery.run_spool())
        self._start_task(self._close_idle())
        if self.settings.search.index != "never":
            share = self.settings.search.index_share / 100
            self._start_task(Indexing(store, MimeText, share=share, sweeps=self._worker == 0).run())
        self._front_ends = self._make_front_ends()
        for front_end in self._front_ends:
            await front_end.start()

    async def stop(self, grace: float) -> None:
        """Drain the front ends together, then take down the rest in the reverse order of its making."""
        front_ends, self._front_ends = self._front_ends, []
        results = await asyncio.gather(*(each.stop(grace) for each in front_ends), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                log.error("a front end did not stop cleanly", exc_info=result)
        await self._parts.aclose()
        for port in self._bound:
            port.binding.close()

    def reload(self) -> None:
        """Read the certificates again. Raises TlsError, and goes on with the old ones."""
        if self.contexts is not None:
            self.contexts.reload()

    # -- parts

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)

        async def end() -> None:
            task.cancel()
            await asyncio.wait([task])

        self._parts.push_async_callback(end)

    async def _close_idle(self) -> None:
        closed = 0
        while True:
            await asyncio.sleep(IDLE_MAILBOX_SECONDS / 2)
            try:
                newly = self.store.close_idle(IDLE_MAILBOX_SECONDS)
            except StoreError as error:
                log.warning("closing idle mailboxes: %s", error)
                continue
            closed += newly
            if closed and (closed >= MANY_MAILBOXES or not newly):
                closed = 0
                memory.give_back()

    def _start_watch(self) -> Watch:
        """Join this worker to the others: by pipes on this host, by PostgreSQL between hosts."""
        hints = HintPipe(self.settings.general.data / "run", f"worker-{self._worker}")
        self._parts.callback(hints.close)
        forward: list[Forward] = [hints.publish]

        def tell(*touched: Touched) -> None:
            for each in forward:
                each(*touched)

        watch = Watch(tell)

        def receive(all_touched: Iterable[Touched]) -> None:
            for touched in all_touched:
                watch.notify(touched)

        loop = asyncio.get_running_loop()
        loop.add_reader(hints.fileno(), lambda: receive(hints.receive()))
        self._parts.callback(loop.remove_reader, hints.fileno())
        if self.settings.store.url:
            hosts = PostgresHints(self.settings.store.url, receive, reconnected=watch.missed)
            hosts.start()
            self._parts.callback(hosts.close)
            forward.append(hosts.publish)
        self._parts.callback(watch.close)
        return watch

    def _make_front_ends(self) -> list[FrontEnd]:
        settings = self.settings
        door = self._shared.gate.door(self._worker)
        limits = ConnectionLimits(settings.limits.connections, settings.limits.connections_per_host, door)
        imap: list[Listener] = []
        pop3: list[Listener] = []
        smtp: list[SmtpPort] = []
        for port in self._bound:
            listener = self._listener(port, limits)
            protocol = port.settings.protocol
            if protocol == "imap":
                imap.append(listener)
            elif protocol == "pop3":
                pop3.append(listener)
            else:
                smtp.append(SmtpPort(listener, SMTP_SERVICES[protocol]))
        made: list[FrontEnd] = []
        if imap:
            made.append(ImapFrontEnd(self._imap_services(), imap))
        if pop3:
            made.append(Pop3FrontEnd(self._pop3_services(), pop3, pop3_limits(settings), pop3_options(settings)))
        if smtp:
            made.append(SmtpFrontEnd(self._smtp_services(), smtp, smtp_limits(settings)))
        return made

    def _listener(self, port: Port, limits: ConnectionLimits) -> Listener:
        context = self.contexts.context if self.contexts is not None else None
        return Listener(
            port.binding.endpoint,
            port.binding.sockets[self._worker],
            implicit=context if port.settings.tls == "implicit" else None,
            starttls=context if port.settings.tls == "starttls" else None,
            connections=Connections(limits),
        )

    def _imap_services(self) -> ImapServices:
        return ImapServices(
            runner=self.runner,
            store=self.store,
            signin=self.signin,
            watch=self.watch,
            settings=imap_settings(self.settings),
            account_of=self.signin.account_of,
            sharing=Sharing(self.directory, self.store),
        )

    def _pop3_services(self) -> Pop3Services:
        pop3, trusted = self.settings.pop3, self.settings.protection.trusted
        locks = MaildropLocks(self.settings.general.data / "run" / "pop3") if pop3.exclusive else None
        delay = LoginDelay(pop3.login_delay, self._shared.counters, trusted) if pop3.login_delay else None
        return Pop3Services(signin=self.signin, open=self.store.open, runner=self.runner, delay=delay, locks=locks)

    def _smtp_services(self) -> SmtpServices:
        return SmtpServices(
            delivery=self.delivery,
            signin=self.signin,
            senders=SubmissionPolicy(provider=self.directory, runner=self.runner),
            hostname=self.settings.general.hostname,
        )


# -- settings into the values of the parts


LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
"""Names of this server in URLs that clients on the same machine use."""


def imap_settings(settings: Settings) -> ImapSettings:
    """Give what the IMAP front end goes by."""
    return ImapSettings(
        show_all_folders=settings.imap.show_nonmail_folders,
        hosts=frozenset(
            name.lower()
            for name in (settings.general.hostname, settings.default_domain, *settings.general.domains, *LOOPBACK)
        ),
        referrals=tuple((shard, host) for shard, _, host in (one.partition("=") for one in settings.imap.referrals)),
        submit_users=frozenset(settings.imap.submit_users),
        max_message=settings.limits.message_size,
        login_timeout=settings.auth.timeout,
        idle_timeout=settings.imap.idle_timeout,
        keepalive=settings.imap.keepalive,
        language=settings.imap.language,
        personality=settings.imap.personality,
        message_limit=settings.imap.messages_per_command,
        unauthenticate=settings.imap.unauthenticate,
        max_logon_failures=settings.auth.max_failures,
    )


def pop3_limits(settings: Settings) -> Pop3Limits:
    """Give what the POP3 front end goes by."""
    return Pop3Limits(
        max_logon_failures=settings.auth.max_failures,
        before_logon=settings.auth.timeout,
        idle=settings.pop3.idle_timeout,
    )


def pop3_options(settings: Settings) -> Pop3Options:
    """Give how the POP3 front end behaves."""
    given = settings.pop3
    return Pop3Options(
        personality=PERSONALITIES[given.personality],
        language=given.language,
        refuse_international=given.international == "refuse",
        remove_retrieved=given.expire == "retrieved",
        implementation=given.implementation,
    )


def smtp_limits(settings: Settings) -> SmtpLimits:
    """Give what the SMTP front end goes by."""
    return SmtpLimits(
        max_message=settings.limits.message_size,
        max_recipients=settings.smtp.max_recipients,
        max_errors=settings.smtp.max_errors,
        max_logon_failures=settings.auth.max_failures,
        before_logon=settings.auth.timeout,
        idle=settings.smtp.idle_timeout,
        bare_newline=BareNewline(settings.smtp.bare_newlines),
    )


def delivery_settings(settings: Settings) -> DeliverySettings:
    """Give what local delivery goes by."""
    return DeliverySettings(
        hostname=settings.general.hostname,
        max_message=settings.limits.message_size,
        max_header=settings.smtp.max_header,
        max_hops=settings.smtp.max_hops,
        delimiter=settings.smtp.subaddress_delimiter,
        postmaster=settings.smtp.postmaster,
    )


# -- from settings to a running server


def build(settings: Settings) -> Application:
    """Make a server for the caller's own process and loop, its ports bound. Raises StartError."""
    check_data(settings.general.data)
    contexts = load_tls(settings)
    shared = Shared.create(settings, workers=1)
    return Application(settings, bind_all(settings, workers=1), contexts, worker=0, shared=shared)


def serve(settings: Settings, *, on_ready: Callable[[], None] | None = None, inprocess: bool = False) -> int:
    """Run supervisor and workers until a signal ends them; return the exit status.

    `on_ready` is called once, when every worker listens. `inprocess` forks nothing, for debugging.
    """
    logs.configure(settings.log.level, settings.log.format)
    raise_file_limit()
    count = 1 if inprocess else settings.workers.count or os.cpu_count() or 1
    try:
        check_data(settings.general.data)
        with explained(settings):
            # Creates or upgrades tables once, here; closed again, because no connection may cross a fork.
            directory = open_directory(settings)
            directory.ensure_key()
            directory.close()
            Spool(settings.spool_location).close()
        contexts = load_tls(settings)
        shared = Shared.create(settings, workers=count)
        ports = bind_all(settings, workers=count)
    except StartError as error:
        log.critical("cannot start: %s", error)
        return 1

    def ready() -> None:
        for port in ports:
            end = port.binding.endpoint
            log.info("%s listens on %s port %d", port.settings.name, end.host or "every address", end.port)
        if on_ready is not None:
            on_ready()

    def worker(link: WorkerLink) -> int:
        async def make() -> Application:
            return Application(settings, ports, contexts, worker=link.index, shared=shared)

        return run_worker(link, make, grace=settings.workers.grace)

    if inprocess:

        async def make() -> Application:
            return Application(settings, ports, contexts, worker=0, shared=shared)

        return run_inprocess(
            make, grace=settings.workers.grace, ready=ready, failed=lambda text: log.critical("cannot start: %s", text)
        )

    def release(index: int | None) -> None:
        for port in ports:
            port.binding.close(keep=index)

    return Supervisor(
        worker,
        workers=count,
        grace=settings.workers.grace,
        release=release,
        reload=contexts.reload if contexts is not None else lambda: None,
        on_ready=ready,
    ).run()


def bind_all(settings: Settings, *, workers: int) -> list[Port]:
    """Bind every listener; none stays bound when one fails. Raises StartError."""
    ports: list[Port] = []
    try:
        for each in settings.listeners:
            binding = bind(Endpoint(each.name, each.host, each.port), workers=workers)
            ports.append(Port(each, binding))
    except BindError as error:
        for port in ports:
            port.binding.close()
        raise StartError(str(error)) from error
    return ports


def load_tls(settings: Settings) -> TlsContexts | None:
    """Load the certificate; None where the settings name none and no port needs it. Raises StartError."""
    if settings.tls.certificate is None or settings.tls.key is None:
        needy = next((each.name for each in settings.listeners if each.tls == "implicit"), None)
        if needy is not None:
            raise StartError(
                f"listener {needy} speaks TLS, but tls.certificate and tls.key name no files. "
                "`oxgate init` makes a certificate; else set both, or remove the listener"
            )
        if any(each.tls == "starttls" for each in settings.listeners):
            log.warning("STARTTLS is not offered: tls.certificate and tls.key name no files")
        return None
    try:
        return TlsContexts(
            settings.tls.certificate,
            settings.tls.key,
            min_version=settings.tls.min_version,
            ciphers=settings.tls.ciphers,
            client_ca=settings.tls.client_ca,
        )
    except TlsError as error:
        raise StartError(str(error)) from error


def check_data(data: Path) -> None:
    """Check that the data folder can be used. Raises StartError."""
    if not data.is_dir():
        raise StartError(f"general.data: there is no folder {data}. Make it, or run `oxgate init`")
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        raise StartError(
            f"general.data: the user {os.getuid()} may not read and write {data}. "
            f"Run as the folder's owner, or `chown -R` it to the user that runs oxgate"
        )


@contextlib.contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Turn what can be wrong with databases and disk at the start into a StartError that says what to do."""
    try:
        yield
    except (ProviderError, StoreError, OSError) as error:
        data = settings.general.data
        text = str(error) or type(error).__name__
        if isinstance(error, SecretsUnavailable):
            raise StartError(text) from error  # it says what to do
        if isinstance(error, PermissionError):
            advice = f"make the user that runs oxgate the owner: `chown -R USER {data}`"
        elif shutil.disk_usage(data).free < 1024 * 1024:
            advice = f"the disk that holds {data} is full: free some space"
        elif settings.store.url or settings.directory.url:
            advice = "see that PostgreSQL runs, and that store.url and directory.url are right"
        else:
            advice = f"see that {data} is whole and writable, and that no other program has locked its files"
        raise StartError(f"{text}. What to do: {advice}") from error


def raise_file_limit() -> None:
    """Allow as many open files as the system lets this user have: every connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
