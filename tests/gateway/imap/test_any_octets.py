"""Whatever a client sends: no internal error, no half line, no task left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.imap.environment import ImapSettings
from tests.gateway.imap.harness import Server
from tests.support.examples import examples

WORDS = [
    b"a ",
    b"\r\n",
    b"a NOOP\r\n",
    b"a FETCH 1 ",
    b"a UID FETCH 1:* ",
    b"(FLAGS BODY[])\r\n",
    b"BODY[1.2.HEADER]<0.5>\r\n",
    b"a SEARCH ",
    b"OR SEEN ",
    b"NOT ",
    b"SUBJECT x\r\n",
    b"a STORE 1 +FLAGS (\\Seen k)\r\n",
    b"a IDLE\r\n",
    b"DONE\r\n",
    b"{3}\r\n",
    b"{3+}\r\n",
    b"abc",
    b"a APPEND INBOX {5+}\r\nx: y\n\r\n",
    b'a LIST "" *\r\n',
    b"a CREATE &AOk-\r\n",
    b"(",
    b")",
    b"a COPY 1 INBOX\r\n",
    b"a MOVE 1 Drafts\r\n",
    b"a EXPUNGE\r\n",
    b"a SELECT INBOX\r\n",
    b"a CLOSE\r\n",
    b"a STATUS INBOX (MESSAGES)\r\n",
    b"a UNSELECT\r\n",
    b"a DELETE &AOk-\r\n",
    b"a RENAME &AOk- x/y\r\n",
    b"a UID STORE 1:* (UNCHANGEDSINCE 5) -FLAGS (\\Deleted)\r\n",
    b"a UID EXPUNGE 1:*\r\n",
]


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=12), max_size=30), st.integers(1, 40))
async def test_no_octets_break_the_connection(words: list[bytes], step: int) -> None:
    """Whatever a client sends, every reply is a reply, and nothing is an internal error."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), ImapSettings(max_bad_commands=1000))
        server.deliver()
        client = await server.client()
        octets = b"".join(words)
        for start in range(0, len(octets), step):
            client.connection.dataReceived(octets[start : start + step])
        await client.settle()
        output = bytes(client.transport.output)
        assert b"SERVERBUG" not in output
        assert not output or output.endswith(b"\r\n")
        client.transport.lose()
        await client.settle()
        assert client.connection._task is None
        await server.close()
