"""Whatever a POP3 client sends: replies of the right shape, no exception, the same however the stream is cut.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import asyncio
import logging
import os
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address

from gateway.pop3.connection import Pop3Connection
from gateway.pop3.session import Pop3Limits, Pop3Options, Pop3Services
from gateway.sasl.registry import Mechanisms
from gateway.services.signin import SignInService
from store.errors import NotFound, Unavailable
from tests.gateway.pop3.support import FakeLogon

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "150"))
MESSAGES = {
    1: b"Subject: x\r\n\r\n.dot\r\nline\r\n",
    2: b"no end",
    3: NotFound("gone"),
    4: Unavailable("locked"),
    5: b"",
}

LINES = [
    *(b"USER alice", b"PASS secret word", b"PASS x", b"USER", b"AUTH", b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH x", b"*"),
    *(b"AUTH PLAIN AGFsaWNlAHNlY3JldCB3b3Jk", b"AGFsaWNlAHNlY3JldCB3b3Jk", b"=", b"CAPA", b"NOOP", b"STLS", b"QUIT"),
    *(b"STAT", b"LIST", b"LIST 1", b"UIDL", b"UIDL 9", b"RETR 1", b"RETR 2", b"RETR 3", b"RETR 4", b"RETR 5", b"RSET"),
    *(b"TOP 1 0", b"TOP 1 1", b"TOP 2 99999", b"TOP 3 1", b"TOP x y", b"DELE 1", b"DELE 1", b"DELE 2", b"DELE \xb2"),
    *(b"", b" ", b"\x00", b"x" * 2000, b"y" * 13_000, b"\xff\xfe", b"retr 1 2"),
]
STREAMS = st.lists(
    st.tuples(st.sampled_from(LINES) | st.binary(max_size=12), st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r", b""])),
    max_size=40,
).map(lambda parts: b"".join(line + end for line, end in parts))


class FakeMailbox:
    """Five messages, one of them gone and one behind a lock."""

    ref = None

    def folder(self, which):
        return SimpleNamespace(id=5, total=5, uidvalidity=7)

    def index(self, folder_id):
        sizes = [len(raw) if isinstance(raw, bytes) else 10 for raw in MESSAGES.values()]
        return SimpleNamespace(uidvalidity=7, uids=list(MESSAGES), sizes=sizes, item_ids=list(MESSAGES))

    def raw(self, item_id, start=0, length=None):
        raw = MESSAGES[item_id]
        if isinstance(raw, Exception):
            raise raw
        return raw[start:] if length is None else raw[start : start + length]

    def remove_messages(self, folder_id, uids):
        return list(uids)


class Runner:
    """Calls at once."""

    async def read(self, fn, *args):
        return fn(*args)

    run = read

    async def write(self, ref, fn):
        return fn()


class MemoryTransport:
    """Keeps what is written."""

    tls = False

    id = 1

    def __init__(self, protocol):
        self.protocol = protocol
        self.written = bytearray()
        self.closed = False

    def write(self, data):
        self.written += data

    async def drain(self):
        if self.closed:
            raise ConnectionResetError

    def loseConnection(self):
        if not self.closed:
            self.closed = True
            self.protocol.connectionLost(None)

    def getPeer(self):
        return IPv4Address("TCP", "192.0.2.1", 1)

    def pauseProducing(self):
        pass

    resumeProducing = pauseProducing


async def talk(pieces):
    """Feed pieces to a connection; what it wrote."""
    signin = SignInService(FakeLogon(), Mechanisms(in_clear=lambda address: True))
    services = Pop3Services(signin, lambda ref: FakeMailbox(), Runner())
    connection = Pop3Connection(
        set(), services, Pop3Limits(max_errors=1000, max_logon_failures=100), Pop3Options(), None
    )
    transport = MemoryTransport(connection)
    connection.makeConnection(transport)
    for piece in pieces:
        if transport.closed:
            break
        connection.dataReceived(piece)
        await asyncio.sleep(0)
    if not transport.closed:
        connection.readConnectionLost()
    while not transport.closed:
        await asyncio.sleep(0)
    return bytes(transport.written)


def check_shape(written):
    """Every reply begins with +OK, -ERR or `+ `; multi-line ones end with a lone dot."""
    lines = written.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line.startswith((b"+OK", b"-ERR ", b"+ ")) for line in lines[:1])


@settings(max_examples=EXAMPLES, deadline=None)
@given(signed_in=st.booleans(), stream=STREAMS, data=st.data())
def test_any_stream(signed_in, stream, data):
    if signed_in:
        stream = b"USER alice\r\nPASS secret word\r\n" + stream
    pieces, rest = [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
    errors = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = errors.append
    logging.getLogger("oxgate.pop3").addHandler(handler)
    try:
        whole, cut = (asyncio.run(talk(each)) for each in ([stream] if stream else [], pieces))
    finally:
        logging.getLogger("oxgate.pop3").removeHandler(handler)
    assert not errors
    assert whole == cut
    check_shape(whole)
