"""Binding: every failure names the address and says what to do."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest
from twisted.internet.protocol import Protocol

from gateway.runtime.listeners import BindError, Endpoint, Listener, bind
from gateway.runtime.tls import TlsContexts, TlsError
from tests.support.certificates import write_certificate


@pytest.mark.parametrize("workers", [1, 2])
def test_port_in_use(workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BindError, match=rf"listener imap: cannot listen on 127\.0\.0\.1:{port}: another program"):
            bind(Endpoint("imap", "127.0.0.1", port), workers=workers)


def test_second_server_of_the_same_user_is_noticed() -> None:
    """SO_REUSEPORT alone would let both have the port."""
    first = bind(Endpoint("imap", "127.0.0.1", 0), workers=2)
    for sockets in first.sockets:
        sockets[0].listen()
    try:
        with pytest.raises(BindError, match="another program listens there"):
            bind(first.endpoint, workers=2)
    finally:
        first.close()


def test_no_such_address() -> None:
    with pytest.raises(BindError, match="this machine has no such address"):
        bind(Endpoint("imap", "192.0.2.1", 0))


def test_privileged_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(sock: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    class Forbidden(socket.socket):
        bind = forbidden  # type: ignore[assignment]

    monkeypatch.setattr(socket, "socket", Forbidden)
    with pytest.raises(BindError, match=r"listener imap: cannot listen on 127\.0\.0\.1:143: .*CAP_NET_BIND_SERVICE"):
        bind(Endpoint("imap", "127.0.0.1", 143))


def test_every_address_and_one_socket_a_worker() -> None:
    made = bind(Endpoint("imap", "", 0), workers=3)
    try:
        assert made.endpoint.port > 0
        assert len(made.sockets) == 3
        assert {each.getsockname()[1] for sockets in made.sockets for each in sockets} == {made.endpoint.port}
        made.close(keep=1)
        assert [each.fileno() >= 0 for sockets in made.sockets for each in sockets[:1]] == [False, True, False]
    finally:
        made.close()


async def test_stopped_listener_takes_nobody() -> None:
    made = bind(Endpoint("imap", "127.0.0.1", 0))
    listener = Listener(made.endpoint, made.sockets[0])
    await listener.serve(Protocol)
    socket.create_connection(("127.0.0.1", listener.port), 5).close()
    await listener.stop(1)
    made.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port), 5)


def test_bad_certificates(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    with pytest.raises(TlsError, match=r"tls\.certificate: cannot read .*absent\.pem: No such file"):
        TlsContexts(tmp_path / "absent.pem", key)
    other = tmp_path / "other"
    other.mkdir()
    for kind in ("ec", "rsa"):
        _, wrong = write_certificate(other, "other", kind)
        with pytest.raises(TlsError, match="is not the key of the certificate"):
            TlsContexts(certificate, wrong)
    with pytest.raises(TlsError, match="OpenSSL knows no cipher"):
        TlsContexts(certificate, key, ciphers="NONSENSE")
    key.write_text("nothing")
    with pytest.raises(TlsError, match="not usable as PEM"):
        TlsContexts(certificate, key)
