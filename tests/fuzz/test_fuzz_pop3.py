"""Whatever a POP3 client sends: replies of the right shape, no exception, the same however the stream is cut.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address

from conversion.mime.parts import pack
from conversion.mime.structure import scan
from gateway.pop3.connection import Pop3Connection
from gateway.pop3.personality import PERSONALITIES
from gateway.pop3.protocol import RESPONSE_LIMIT, Framing, LineTooLong
from gateway.pop3.session import Pop3Limits, Pop3Options, Pop3Services
from gateway.sasl.registry import Mechanisms
from gateway.services.signin import SignInService
from store.errors import NotFound, Unavailable
from tests.gateway.pop3.support import FakeLogon

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "75"))
MESSAGES = {
    1: b"Subject: x\r\n\r\n.dot\r\nline\r\n",
    2: b"no end",
    3: NotFound("gone"),
    4: Unavailable("locked"),
    5: b"",
    6: "Subject: é\r\nTo: é <é@é>\r\nContent-Type: text/plain; x=é\r\n\r\n.é\r\n".encode(),
    7: b"Subject: \xe9\r\n\r\n" + b".\xe9\r\n" * 90_000,
}

LINES = [
    *(b"USER alice", b"PASS secret word", b"PASS x", b"USER", b"AUTH", b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH x", b"*"),
    *(b"AUTH PLAIN AGFsaWNlAHNlY3JldCB3b3Jk", b"AGFsaWNlAHNlY3JldCB3b3Jk", b"=", b"CAPA", b"NOOP", b"STLS", b"QUIT"),
    *(b"STAT", b"LIST", b"LIST 1", b"UIDL", b"UIDL 9", b"RETR 1", b"RETR 2", b"RETR 3", b"RETR 4", b"RETR 5", b"RSET"),
    *(b"TOP 1 0", b"TOP 1 1", b"TOP 2 99999", b"TOP 3 1", b"TOP x y", b"DELE 1", b"DELE 1", b"DELE 2", b"DELE \xb2"),
    *(
        b"UTF8",
        b"LANG",
        b"LANG de",
        b"LANG *",
        b"lang fr-CA",
        b"LANG \xff",
        b"RETR 6",
        b"RETR 7",
        b"TOP 6 1",
        b"TOP 7 5",
    ),
    *("USER \u00e9".encode(), b"USER \xe9", b"PASS \xe9", "PASS \u0221".encode()),
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
        return SimpleNamespace(id=5, total=7, uidvalidity=7)

    def index(self, folder_id):
        sizes = [len(raw) if isinstance(raw, bytes) else 10 for raw in MESSAGES.values()]
        uids = list(MESSAGES)
        return SimpleNamespace(uidvalidity=7, uids=uids, sizes=sizes, item_ids=uids, flagged=lambda flag: uids[-1:])

    def replica_guid(self):
        return bytes(16)

    def parts(self, item_id):
        return pack(scan(self.raw(item_id)))

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


async def talk(pieces, options):
    """Feed pieces to a connection; what it wrote."""
    signin = SignInService(FakeLogon(), Mechanisms(in_clear=lambda address: True))
    services = Pop3Services(signin, lambda ref: FakeMailbox(), Runner())
    connection = Pop3Connection(set(), services, Pop3Limits(max_errors=1000, max_logon_failures=100), options, None)
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


def check_shape(written, options):
    """Every reply begins with +OK, -ERR or `+ `, and has no more than 512 octets; a code stands where it may."""
    lines = written.split(b"\r\n")
    assert lines.pop() == b""
    assert lines[0].startswith(b"+OK ")
    for line in lines:
        if line.startswith((b"+OK", b"-ERR")):
            assert len(line) <= 510
            assert line.decode()
        if line.startswith(b"-ERR ["):
            assert options.personality.extensions
            assert re.match(rb"-ERR \[(?:AUTH|SYS/TEMP|SYS/PERM|UTF8)\] ", line)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    signed_in=st.booleans(),
    stream=STREAMS,
    data=st.data(),
    options=st.builds(
        Pop3Options,
        personality=st.sampled_from(list(PERSONALITIES.values())),
        refuse_international=st.booleans(),
        remove_retrieved=st.booleans(),
    ),
)
def test_any_stream(signed_in, stream, data, options):
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
        whole, cut = (asyncio.run(talk(each, options)) for each in ([stream] if stream else [], pieces))
    finally:
        logging.getLogger("oxgate.pop3").removeHandler(handler)
    assert not errors
    assert whole == cut
    check_shape(whole, options)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\n", b"\r\n", b"x" * 18_000]), max_size=30))
def test_any_framing(pieces):
    """The buffer stays small, and lines do not depend on how they are cut."""
    found = []
    for cut in (pieces, [b"".join(pieces)]):
        framing, lines = Framing(), []
        for piece in cut:
            framing.feed(piece)
            while True:
                try:
                    line = framing.line()
                except LineTooLong:
                    line = "too long"
                if line is None:
                    break
                lines.append(line)
            assert framing.buffered <= RESPONSE_LIMIT
        found.append(lines)
    assert found[0] == found[1]
