"""Whatever an SMTP or LMTP client sends: replies of the right shape, no exception, the same however the stream is cut.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.runtime.connections import Connections
from gateway.sasl.registry import Mechanisms
from gateway.services.signin import SignInService
from gateway.smtp.lmtp import LmtpConnection
from gateway.smtp.profile import Profile, Service, SmtpLimits
from gateway.smtp.session import SmtpServices
from gateway.smtp.transaction import SmtpConnection
from tests.gateway.smtp.support import FakeDelivery, FakeLogon, FakeSenders

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "40"))
LIMITS = SmtpLimits(max_message=500, max_recipients=3, max_errors=1000, max_logon_failures=100)
REPLY = re.compile(rb"[2-5]\d\d[ -][ -~\x80-\xff]*\Z")

LINES = [
    *(b"EHLO c.test", b"LHLO c.test", b"HELO c.test", b"EHLO", b"RSET", b"NOOP", b"QUIT", b"DATA", b"HELP", b"VRFY x"),
    *(b"MAIL FROM:<s@other.test>", b"MAIL FROM:<>", b"MAIL FROM:<a@b> SIZE=1 BODY=8BITMIME", b"MAIL FROM:<\xff>"),
    *(b"RCPT TO:<alice@example.test>", b"RCPT TO:<bob@example.test>", b"RCPT TO:<x@y.test>", b"RCPT TO:<", b"STARTTLS"),
    *(b"BDAT 5", b"BDAT 5 LAST", b"BDAT 0 LAST", b"BDAT 600", b"BDAT x", b"BDAT 99999999999"),
    *(b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH PLAIN AGFsaWNlAHNlY3JldA==", b"AUTH x", b"*", b"=", b"AGFsaWNlAHNlY3JldA=="),
    *(b"Subject: x", b"", b".", b"..", b".x", b"12345", b"\x00", b"x" * 600, b"y" * 17_000, b"\xff\xfe"),
]
ENDS = [b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""]
BEGINNINGS = [
    b"",
    b"EHLO c.test\r\nLHLO c.test\r\n",
    b"LHLO c\r\nEHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\n",
]
BEGINNINGS.append(
    b"EHLO c\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
)
STREAMS = st.lists(st.tuples(st.sampled_from(LINES) | st.binary(max_size=12), st.sampled_from(ENDS)), max_size=40).map(
    lambda parts: b"".join(line + end for line, end in parts)
)


class MemoryTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self):
        super().__init__({"peername": ("192.0.2.1", 1)})
        self.written = bytearray()
        self.closed = False
        self.protocol = None

    def write(self, data):
        self.written += data

    def close(self):
        if not self.closed:
            self.closed = True
            self.protocol.connection_lost(None)

    abort = close

    def is_closing(self):
        return self.closed

    def can_write_eof(self):
        return False

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


async def talk(service, pieces):
    """Feed pieces to a connection; what it wrote, and what was delivered."""
    delivery = FakeDelivery()
    signin = SignInService(FakeLogon(), Mechanisms(in_clear=lambda address: True))
    services = SmtpServices(delivery, signin, FakeSenders(), "mx.example.test")
    kind = LmtpConnection if service is Service.LMTP else SmtpConnection
    connection = kind(asyncio.get_running_loop(), Connections(), LIMITS, services, Profile(service))
    transport = MemoryTransport()
    transport.protocol = connection
    connection.connection_made(transport)
    for piece in pieces:
        if transport.closed:
            break
        connection.data_received(piece)
        await asyncio.sleep(0)
    if not transport.closed:
        connection.eof_received()
    await asyncio.wait_for(connection._task, 5)
    assert transport.closed
    return bytes(transport.written), [(m.raw, m.reverse_path, m.recipients) for m in delivery.messages]


@pytest.mark.parametrize("service", list(Service))
@settings(max_examples=EXAMPLES, deadline=None)
@given(beginning=st.sampled_from(BEGINNINGS), stream=STREAMS, data=st.data())
def test_any_stream(service, beginning, stream, data):
    stream = beginning + stream
    pieces, rest = [], stream
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(rest[:size])
        rest = rest[size:]
    errors = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = errors.append
    logging.getLogger("oxgate.smtp").addHandler(handler)
    try:
        whole, cut = (asyncio.run(talk(service, each)) for each in ([stream] if stream else [], pieces))
    finally:
        logging.getLogger("oxgate.smtp").removeHandler(handler)
    assert not errors
    assert whole == cut
    lines = whole[0].split(b"\r\n")
    assert lines.pop() == b""
    assert all(REPLY.match(line) for line in lines)
