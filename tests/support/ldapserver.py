"""A small LDAP server that does what a test tells it to ([RFC4511]), in threads; its BER is its own, not ldap3's."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

BIND, SEARCH, UNBIND, EXTENDED = 0x60, 0x63, 0x42, 0x77
START_TLS = b"1.3.6.1.4.1.1466.20037"


@dataclass
class Account:
    """An entry; one without a password cannot bind."""

    dn: str
    attributes: dict[str, list[bytes]]
    password: bytes = b""


@dataclass
class Told:
    """A bind as it arrived."""

    dn: str
    password: bytes
    tls: bool


@dataclass
class LdapServer:
    """Listens on loopback from `start` to `stop`; the port stays its own over a restart."""

    accounts: list[Account] = field(default_factory=list)
    base: str = "dc=example,dc=test"
    context: ssl.SSLContext | None = None
    """With it StartTLS works, and `ldaps` makes every connection TLS."""
    ldaps: bool = False
    port: int = 0
    bind_result: tuple[int, str] | None = None
    """What binds of accounts are answered, whatever the password."""
    search_result: int = 0
    silent: bool = False
    """Takes connections and requests, and answers none."""
    garbage: bool = False
    """Answers searches with octets that are no LDAP."""
    hang_up_after: int = 0
    """Closes a connection after so many answers, as servers do with idle ones."""
    see_base: bool = True
    references: bool = False
    """Adds references to other servers to each search, as Active Directory does."""
    connections: int = 0
    searches: list[str] = field(default_factory=list)
    binds: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"{'ldaps' if self.ldaps else 'ldap'}://127.0.0.1:{self.port}"

    def start(self) -> LdapServer:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        self._spawn(self._accept, self._listening)
        return self

    def stop(self) -> None:
        self._listening.close()
        with socket.socket() as knock:  # wakes accept()
            knock.connect_ex(("127.0.0.1", self.port))
        self.hang_up()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        self._threads.clear()

    def hang_up(self) -> None:
        """Close every connection."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _spawn(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]  # a callable
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(client)
            self._spawn(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        line: socket.socket = client
        try:
            if self.ldaps:
                assert self.context is not None
                line = self.context.wrap_socket(client, server_side=True)
                self._open.add(line)
            answers = 0
            while True:
                request = _read_message(line)
                if request is None:
                    return
                number, operation, body = request
                if operation == UNBIND:
                    return
                if self.silent:
                    continue
                if operation == EXTENDED and START_TLS in body:
                    code = 0 if self.context is not None else 2
                    line.sendall(_message(number, _tlv(0x78, _result(code, "no TLS here" if code else ""))))
                    if self.context is not None:
                        line = self.context.wrap_socket(line, server_side=True)
                        self._open.add(line)
                    continue
                tls = isinstance(line, ssl.SSLSocket)
                line.sendall(self._bind(number, body, tls) if operation == BIND else self._search(number, body))
                answers += 1
                if answers == self.hang_up_after:
                    return
        except (OSError, ValueError, IndexError):  # gone, or speaking something else
            return
        finally:
            for one in (client, line):
                self._open.discard(one)
                one.close()

    def _bind(self, number: int, body: bytes, tls: bool) -> bytes:
        (_, _), (_, name), (kind, password) = _parts(body)
        assert kind == 0x80
        told = Told(name.decode(), password, tls)
        self.binds.append(told)
        found = next((one for one in self.accounts if one.dn == told.dn), None)
        code, text = (0, "") if found is not None and password and found.password == password else (49, "wrong")
        if not password:
            code, text = 0, ""  # an unauthenticated bind succeeds, as in Active Directory
        if self.bind_result is not None and not told.dn.startswith("cn=service"):
            code, text = self.bind_result
        return _message(number, _tlv(0x61, _result(code, text)))

    def _search(self, number: int, body: bytes) -> bytes:
        if self.garbage:
            return b"\x30\x05\x02\x01\x07\x04\x80"
        parts = _parts(body)
        base, scope, limit = parts[0][1].decode(), parts[1][1][0], int.from_bytes(parts[3][1], "big")
        query = parts[6]
        self.searches.append(write_filter(*query))
        wanted = {value.decode().lower() for _, value in _parts(parts[7][1])}
        if scope == 0:
            there = self.see_base and base == self.base
            found = [Account(base, {"objectClass": [b"domain"]})] if there else []
        else:
            found = [one for one in self.accounts if one.dn.endswith(base) and _matches(one, *query)]
        code = self.search_result
        if limit and len(found) > limit:
            found, code = found[:limit], 4
        answer = b""
        for one in found:
            lists = b"".join(
                _tlv(0x30, _tlv(4, name.encode()) + _tlv(0x31, b"".join(_tlv(4, value) for value in values)))
                for name, values in one.attributes.items()
                if name.lower() in wanted
            )
            answer += _message(number, _tlv(0x64, _tlv(4, one.dn.encode()) + _tlv(0x30, lists)))
        if self.references:
            answer += _message(number, _tlv(0x73, _tlv(4, b"ldap://127.0.0.1:1/dc=elsewhere")))
        return answer + _message(number, _tlv(0x65, _result(code, "")))


def write_filter(tag: int, value: bytes) -> str:
    """Write a filter as text ([RFC4515])."""
    if tag in (0xA0, 0xA1):
        return f"({'&' if tag == 0xA0 else '|'}{''.join(write_filter(*part) for part in _parts(value))})"
    if tag == 0xA2:
        return f"(!{write_filter(*_parts(value)[0])})"
    if tag == 0x87:
        return f"({value.decode()}=*)"
    (_, name), (_, wanted) = _parts(value)
    return f"({name.decode()}={wanted.decode('utf-8', 'backslashreplace')})"


def _matches(one: Account, tag: int, value: bytes) -> bool:
    if tag == 0xA0:
        return all(_matches(one, *part) for part in _parts(value))
    if tag == 0xA1:
        return any(_matches(one, *part) for part in _parts(value))
    if tag == 0xA2:
        return not _matches(one, *_parts(value)[0])
    attributes = {name.lower(): values for name, values in one.attributes.items()}
    if tag == 0x87:
        return value.decode().lower() in attributes
    assert tag == 0xA3, "only equality"
    (_, name), (_, wanted) = _parts(value)
    held = attributes.get(name.decode().lower(), [])
    return wanted.lower() in [each.lower() for each in held]


def _read_message(line: socket.socket) -> tuple[int, int, bytes] | None:
    head = _exactly(line, 2)
    if head is None:
        return None
    length = head[1]
    if length & 0x80:
        more = _exactly(line, length & 0x7F)
        if more is None:
            return None
        length = int.from_bytes(more, "big")
    body = _exactly(line, length)
    if body is None:
        return None
    (_, number), (operation, content) = _parts(body)[:2]
    return int.from_bytes(number, "big"), operation, content


def _exactly(line: socket.socket, count: int) -> bytes | None:
    data = b""
    while len(data) < count:
        piece = line.recv(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    return list(_each(data))


def _each(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(data):
        tag, length = data[place], data[place + 1]
        place += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[place : place + count], "big")
            place += count
        yield tag, data[place : place + length]
        place += length


def _tlv(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _result(code: int, text: str) -> bytes:
    return _tlv(0x0A, bytes((code,))) + _tlv(4, b"") + _tlv(4, text.encode())


def _message(number: int, operation: bytes) -> bytes:
    return _tlv(0x30, _tlv(2, number.to_bytes(4, "big")) + operation)


def person(
    number: int, uid: str, password: str, base: str = "dc=example,dc=test", **others: Sequence[str] | str
) -> Account:
    """Make an account as OpenLDAP has it."""
    attributes: dict[str, list[bytes]] = {
        "objectClass": [b"person", b"inetOrgPerson"],
        "entryUUID": [f"00000000-0000-4000-8000-{number:012d}".encode()],
        "uid": [uid.encode()],
        "cn": [uid.title().encode()],
        "mail": [f"{uid}@example.test".encode()],
    }
    for name, value in others.items():
        attributes[name] = [each.encode() for each in ([value] if isinstance(value, str) else value)]
    return Account(
        f"uid={uid},ou=people,dc=example,dc=test", {k: v for k, v in attributes.items() if v}, password.encode()
    )
