"""From oxgate.toml to the wire: what section [pop3] says, a whole server does."""

from __future__ import annotations

import poplib

from tests.support.server import RunningServer, ServedProcess

from .support import client

EXCHANGE = {"personality": "exchange2019", "exclusive": True, "expire": "retrieved"}
OURS = {"login_delay": 3600, "language": "fr", "international": "refuse", "implementation": False}


async def sign_in(one):
    await one.say(b"USER alice")
    return await one.say(b"PASS password")


async def test_an_exchange_server_with_a_lock(tmp_path):
    """[RFC2449] 8.1.2: the lock holds over workers; Exchange's face has no code for it."""
    with ServedProcess(tmp_path, workers=2, sections={"pop3": EXCHANGE}) as server:
        port = server.ports["pop3"]
        pop = poplib.POP3("127.0.0.1", port)
        assert pop.getwelcome() == b"+OK The Microsoft Exchange POP3 service is ready."
        pop.quit()
        async with client(port) as one:
            assert await one.say(b"CAPA") == b"+OK"
            lines = await one.lines()
            assert [line.split()[0] for line in lines] == [b"TOP", b"UIDL", b"SASL", b"USER", b"STLS", b"EXPIRE"]
            assert await sign_in(one) == b"+OK User successfully logged on."
            for _ in range(8):  # some of them at the other worker
                async with client(port) as two:
                    assert await sign_in(two) == b"-ERR Another POP3 session has the mailbox open"


async def test_the_delay_and_the_language(tmp_path):
    """[RFC2449] 6.5: loopback is trusted unless the settings say otherwise."""
    sections = {"pop3": OURS, "protection": {"trusted": []}}
    async with RunningServer(tmp_path, sections=sections) as server:
        async with client(server.ports["pop3"]) as one:
            assert {b"LOGIN-DELAY 3600", b"UTF8 USER", b"LANG"} <= set(await one.ask(b"CAPA"))
            assert (await one.say(b"LANG *")).startswith(b"+OK fr ")
            assert (await sign_in(one)).startswith(b"+OK")
            assert b"IMPLEMENTATION oxgate" not in await one.ask(b"CAPA")
        for _ in range(2):
            async with client(server.ports["pop3"]) as two:
                assert (await sign_in(two)).startswith(b"-ERR [LOGIN-DELAY] ")
