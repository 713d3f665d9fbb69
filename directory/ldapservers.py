"""LDAP servers that are asked in the order of the settings: connections, TLS, failover. Only this module speaks ldap3.

    servers = LdapServers(settings)
    answer = servers.ask(lambda link: link.find(...))    # DirectoryUnavailable: none of them answers

A server that fails is not asked again for a while (`hold_down`); then one caller at a time tries it. Connections are
kept and given to one thread at a time. A link that failed is thrown away: ldap3 would open it anew, and without TLS.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import ldap3
from ldap3.core.results import (
    RESULT_INAPPROPRIATE_AUTHENTICATION,
    RESULT_INSUFFICIENT_ACCESS_RIGHTS,
    RESULT_INVALID_CREDENTIALS,
    RESULT_NO_SUCH_OBJECT,
    RESULT_SIZE_LIMIT_EXCEEDED,
    RESULT_SUCCESS,
    RESULT_UNWILLING_TO_PERFORM,
)

from directory.errors import DirectoryUnavailable

log = logging.getLogger("oxgate.upstream")

T = TypeVar("T")

REFUSALS = frozenset(
    {
        RESULT_INVALID_CREDENTIALS,
        RESULT_NO_SUCH_OBJECT,
        RESULT_INAPPROPRIATE_AUTHENTICATION,
        RESULT_INSUFFICIENT_ACCESS_RIGHTS,
        RESULT_UNWILLING_TO_PERFORM,
    }
)
"""Results of a bind that are about the account ([RFC4511] A.2); the others are about the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """How the servers are reached."""

    servers: tuple[str, ...]
    """`ldaps://host[:port]` or `ldap://host[:port]`, in the order in which they are asked."""
    starttls: bool = True
    """Whether `ldap://` goes over to TLS first ([RFC4511] 4.14); False lets passwords travel in clear."""
    ca: Path | None = None
    """A PEM file: the CA of the servers; None: those that the system trusts."""
    bind_dn: str = ""
    """Who looks accounts up; empty: anonymous."""
    bind_password_file: Path | None = None
    """The file with its password, on one line; read whenever a connection is made."""
    timeout: float = 5.0
    """Seconds to wait for a connection, and for each answer."""
    connections: int = 4
    """Links kept, and in use at a time."""
    hold_down: float = 30.0
    """Seconds for which a server that failed is not asked."""


class ServerTrouble(Exception):
    """This server cannot say; another may. The text is for the log and names no password."""


@dataclass(frozen=True, slots=True)
class LdapEntry:
    """An entry as a server gave it."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]
    """By attribute name in lower case."""

    def text(self, attribute: str) -> list[str]:
        """Give the values of an attribute that are text."""
        found = []
        for value in self.values.get(attribute.lower(), ()):
            try:
                found.append(value.decode())
            except UnicodeDecodeError:
                continue
        return found


class Bound(NamedTuple):
    """What a server says to a password."""

    right: bool
    reason: str
    """Its words, where it is not."""


class Link:
    """One server, for one thread at a time: a connection for lookups, and one on which users are bound."""

    def __init__(self, address: Callable[[], Any], settings: LdapSettings, private: bool) -> None:
        """Connect to what `address` makes, an ldap3.Server. Raises ServerTrouble."""
        self._address = address
        self._settings = settings
        self._private = private
        self._binder: Any = None
        self._lookup = self._connect()
        try:
            self._bind_service()
        except ServerTrouble:
            self.close()
            raise

    def find(self, base: str, query: str, attributes: Sequence[str], limit: int) -> list[LdapEntry]:
        """Find at most `limit` entries below a DN. Referrals are not followed. Raises ServerTrouble."""
        return self._search(base, query, ldap3.SUBTREE, attributes, limit)

    def holds(self, dn: str) -> bool:
        """Tell whether an entry can be seen. Raises ServerTrouble."""
        return bool(self._search(dn, "(objectClass=*)", ldap3.BASE, [ldap3.NO_ATTRIBUTES], 1))

    def bind(self, dn: str, password: bytes) -> Bound:
        """Say whether this is the password of a DN. Raises ServerTrouble.

        An empty password would be an unauthenticated bind, which succeeds for anybody ([RFC4513] 5.1.2): it is refused.
        """
        if not dn or not password:
            return Bound(False, "empty name or password")
        if self._binder is None:
            self._binder = self._connect()
        result = self._simple_bind(self._binder, dn, password)
        if result["result"] == RESULT_SUCCESS:
            return Bound(True, "")
        if result["result"] in REFUSALS:
            return Bound(False, _words(result))
        raise ServerTrouble(f"bind of a user: {_words(result)}")

    def close(self) -> None:
        """Hang up."""
        for connection in (self._lookup, self._binder):
            if connection is not None:
                connection.strategy.close()  # without an unbind request: nobody waits for it

    def _connect(self) -> Any:
        """Open a connection, and put it under TLS. Nobody is bound on it yet."""
        connection = ldap3.Connection(
            self._address(),
            auto_bind=ldap3.AUTO_BIND_NONE,
            auto_referrals=False,
            auto_range=False,
            auto_escape=False,
            check_names=False,
            raise_exceptions=False,
            # ldap3 hands it to struct.pack as a whole number
            receive_timeout=max(1, round(self._settings.timeout)),
        )
        try:
            with _trouble("connecting"):
                connection.open(read_server_info=False)
                if self._private and not isinstance(connection.socket, ssl.SSLSocket):
                    connection.start_tls(read_server_info=False)
            self._check_private(connection)
        except ServerTrouble:
            if connection.socket is not None:
                connection.socket.close()
            raise
        return connection

    def _check_private(self, connection: Any) -> None:
        if connection.closed or (self._private and not isinstance(connection.socket, ssl.SSLSocket)):
            raise ServerTrouble("the connection was closed")

    def _bind_service(self) -> None:
        settings = self._settings
        if not settings.bind_dn:
            return  # a new connection is anonymous ([RFC4513] 4)
        password = b""
        if settings.bind_password_file is not None:
            try:
                password = settings.bind_password_file.read_bytes().rstrip(b"\r\n")
            except OSError as error:
                raise ServerTrouble(f"the password of {settings.bind_dn}: {error}") from error
        if not password:
            raise ServerTrouble(f"{settings.bind_dn} has no password: upstream.bind_password_file is missing or empty")
        result = self._simple_bind(self._lookup, settings.bind_dn, password)
        if result["result"] != RESULT_SUCCESS:
            raise ServerTrouble(f"{settings.bind_dn} cannot sign in: {_words(result)}")

    def _simple_bind(self, connection: Any, dn: str, password: bytes) -> Any:
        """Send a simple bind. As octets: ldap3 runs text through SASLprep, which can make it empty ([RFC4013] 2.1)."""
        self._check_private(connection)
        with _trouble("bind"):
            try:
                connection.rebind(user=dn, password=password, authentication=ldap3.SIMPLE, read_server_info=False)
            finally:
                connection.password = connection.request = None
        return connection.result

    def _search(self, base: str, query: str, scope: str, attributes: Sequence[str], limit: int) -> list[LdapEntry]:
        connection = self._lookup
        with _trouble("search"):
            connection.search(
                base,
                query,
                search_scope=scope,
                dereference_aliases=ldap3.DEREF_NEVER,
                attributes=list(attributes),
                size_limit=limit,
                time_limit=max(1, round(self._settings.timeout)),
            )
            result = connection.result
            found = [
                LdapEntry(one["dn"], {name.lower(): tuple(values) for name, values in one["raw_attributes"].items()})
                for one in connection.response or ()
                if one["type"] == "searchResEntry"
            ]
        if result["result"] in (RESULT_SUCCESS, RESULT_SIZE_LIMIT_EXCEEDED):
            return found
        if result["result"] == RESULT_NO_SUCH_OBJECT:
            return []
        raise ServerTrouble(f"search: {_words(result)}")


class LdapServers:
    """All servers, with their links. Safe to use from many threads; made after the fork."""

    def __init__(self, settings: LdapSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Set up; nothing is connected yet. Raises DirectoryUnavailable (the CA file cannot be read), ValueError."""
        self._settings = settings
        self._room = threading.BoundedSemaphore(settings.connections)
        try:
            context = ssl.create_default_context(cafile=settings.ca)
        except OSError as error:
            raise DirectoryUnavailable(f"the CA file {settings.ca} cannot be read: {error}") from error
        self._servers = [_Server(url, settings, context, clock) for url in settings.servers]

    def ask(self, work: Callable[[Link], T]) -> T:
        """Do something with the first server that answers.

        Raises:
            DirectoryUnavailable: none does, or all links stay in use.
        """
        if not self._room.acquire(timeout=self._settings.timeout):
            raise DirectoryUnavailable("every connection to the upstream directory is in use")
        try:
            for server in self._servers:
                if server.may_be_asked():
                    try:
                        answer = server.run(work)
                    except ServerTrouble as trouble:
                        server.hold(trouble)
                    else:
                        server.answered()
                        return answer
        finally:
            self._room.release()
        raise DirectoryUnavailable("no upstream directory server answers")

    def close(self) -> None:
        """Hang up everywhere."""
        for server in self._servers:
            server.close()


class _Server:
    """One server, whether it is held down, and its idle links."""

    def __init__(self, url: str, settings: LdapSettings, context: ssl.SSLContext, clock: Callable[[], float]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname:
            raise ValueError(f"{url} is no URL of an LDAP server; write it like ldaps://dc1.example.com")
        self.url = url
        self._settings = settings
        self._private = parts.scheme == "ldaps" or settings.starttls
        self._address = partial(  # an ldap3.Server holds the state of a connection
            ldap3.Server,
            parts.hostname,
            port=parts.port or (636 if parts.scheme == "ldaps" else 389),
            use_ssl=parts.scheme == "ldaps",
            tls=_Tls(context, parts.hostname),
            get_info=ldap3.NONE,
            connect_timeout=settings.timeout,
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._failed = False
        self._held_until = 0.0

    def may_be_asked(self) -> bool:
        """Tell whether it is worth trying; of a server that failed, only one caller at a time is told so."""
        with self._lock:
            now = self._clock()
            if now < self._held_until:
                return False
            if self._failed:
                self._held_until = now + self._settings.hold_down
            return True

    def hold(self, trouble: ServerTrouble) -> None:
        """Leave it alone for a while."""
        log.warning("%s: %s; not asked for %g s", self.url, trouble, self._settings.hold_down)
        with self._lock:
            self._failed = True
            self._held_until = self._clock() + self._settings.hold_down

    def answered(self) -> None:
        """Note that it is well."""
        with self._lock:
            again, self._failed, self._held_until = self._failed, False, 0.0
        if again:
            log.info("%s answers again", self.url)

    def run(self, work: Callable[[Link], T]) -> T:
        """Do something over an idle link; should the server have closed that meanwhile, over a new one."""
        with self._lock:
            link = self._idle.pop() if self._idle else None
        if link is not None:
            try:
                return self._over(link, work)
            except ServerTrouble:
                self.close()  # the others are as old
        return self._over(Link(self._address, self._settings, self._private), work)

    def close(self) -> None:
        """Hang up the idle links."""
        with self._lock:
            links, self._idle = self._idle, []
        for link in links:
            link.close()

    def _over(self, link: Link, work: Callable[[Link], T]) -> T:
        try:
            answer = work(link)
        except BaseException:
            link.close()
            raise
        with self._lock:
            self._idle.append(link)
        return answer


class _Tls(ldap3.Tls):  # type: ignore[misc]  # ldap3 ships no types
    """TLS as Python's ssl does it: the chain and the name, or the IP address, are checked in the handshake."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context = context
        self._host = host

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        """Put a connection under TLS; ldap3 calls it for ldaps:// and for StartTLS."""
        connection.socket = self._context.wrap_socket(connection.socket, server_hostname=self._host)


@contextmanager
def _trouble(doing: str) -> Iterator[None]:
    """Make one kind of everything that goes wrong in ldap3: what a server sends may upset it anywhere."""
    try:
        yield
    except Exception as error:
        raise ServerTrouble(f"{doing}: {error or type(error).__name__}") from error


def _words(result: Mapping[str, Any]) -> str:
    """Write a result for the log."""
    message = "".join(char if char.isprintable() else " " for char in str(result.get("message") or "")).strip()
    return f"{result['description']} ({message})" if message else str(result["description"])
