"""Large messages in pieces, and large maildrops."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mime.downgrade import surrogate
from conversion.mime.parts import pack
from conversion.mime.structure import scan
from gateway.pop3 import message
from gateway.pop3.maildrop import LINES
from gateway.pop3.message import PIECE, MessageReader
from store.mailbox import Mailbox

from .support import INBOX, SEED, client, put, serving

HEAD = b"Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"


class OneMessage:
    """A mailbox that counts what is read of its only message."""

    def __init__(self, raw):
        self.octets = raw
        self.read = 0
        self.largest = 0

    def parts(self, item):
        return pack(scan(self.octets))

    def raw(self, item, start=0, length=None):
        found = self.octets[start:] if length is None else self.octets[start : start + length]
        self.read += len(found)
        self.largest = max(self.largest, len(found))
        return found


class Runner:
    async def run(self, fn, *args):
        return fn(*args)

    read = run


async def collect(raw, piece, *, utf8):
    reader = MessageReader(Runner(), OneMessage(raw))
    return b"".join([got async for got in reader.pieces(1, len(raw), utf8=utf8, piece=piece)])


INTERNATIONAL = "From: jürgen@exämple.test\r\n".encode()
PARTS = st.lists(
    st.sampled_from(
        [
            b"--b\r\n\r\nplain\r\n",
            "--b\r\nContent-Description: é\r\n\r\né\r\n".encode(),
            b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: \xe4\r\n\r\n\xe4\r\n",
            b"--b\r\n",
            b".\r\n",
        ]
    ),
    max_size=6,
).flatmap(
    lambda parts: st.sampled_from([b"", INTERNATIONAL]).map(
        lambda sender: sender + HEAD + b"".join(parts) + b"--b--\r\n"
    )
)


@settings(deadline=None)
@given(PARTS, st.integers(1, 200))
async def test_pieces_are_the_message(raw, piece):
    """The same as the whole, or of an internationalised message its surrogate, whatever the size of the pieces."""
    assert await collect(raw, piece, utf8=True) == raw
    wanted = surrogate(raw, scan(raw)) if raw.startswith(INTERNATIONAL) else raw
    assert await collect(raw, piece, utf8=False) == wanted


async def test_a_huge_header_in_pieces():
    """Over a megabyte no fields are looked for; still nothing but ASCII is sent ([RFC6856] 2.1)."""
    raw = INTERNATIONAL + b"Subject: \xc3\xa9" + b"x" * (1 << 20) + b"\r\n\r\n\xc3\xa9"
    assert await collect(raw, 100_000, utf8=False) == surrogate(raw, scan(raw))


async def test_large_messages(tmp_path):
    """[RFC1939] 5 RETR, 7 TOP: in pieces, dots doubled wherever the pieces meet."""
    line = b"." * 996 + b"\r\n"
    large = HEAD + b"--b\r\n\r\n" + line * (3 * PIECE // len(line)) + b"--b\r\n\r\nend"
    async with serving(tmp_path, seed=(large,)) as server, client(server.port) as one:
        await one.log_on()
        assert await one.say(b"RETR 1") == b"+OK %d octets" % len(large)
        assert b"\r\n".join(line.removeprefix(b".") for line in await one.lines()) == large
        top = await one.ask(b"TOP 1 500")
        assert b"\r\n".join(line.removeprefix(b".") for line in top) == b"\r\n".join(large.split(b"\r\n")[:503])
        assert len(await one.ask(b"TOP 1 999999999")) == large.count(b"\r\n") + 1
        assert await one.say(b"NOOP") == b"+OK"


async def test_top_reads_only_what_it_needs(tmp_path, monkeypatch):
    large = OneMessage(HEAD + b"--b\r\n\r\n" + b"text\r\n" * 1_000_000)
    async with serving(tmp_path, seed=(large.octets,)) as server:
        read = type(server.mailbox).raw
        asked = []

        def note(self, item, start=0, length=None):
            found = read(self, item, start, length)
            asked.append(len(found))
            return found

        monkeypatch.setattr(type(server.mailbox), "raw", note)
        async with client(server.port) as one:
            await one.log_on()
            assert len(await one.ask(b"TOP 1 10")) == 13
        assert sum(asked) <= 2 * message.TOP_PIECE


async def test_a_large_maildrop(tmp_path):
    """[RFC1939] 5, 7: listings and QUIT over several pieces."""
    count = 2 * LINES + 7
    async with serving(tmp_path, seed=()) as server:
        first = put(server.mailbox, SEED[0])
        for _ in range(11):
            uids = list(server.mailbox.index(INBOX).uids)
            server.mailbox.copy(INBOX, uids[: count - len(uids)], INBOX)
        assert len(server.mailbox.index(INBOX)) == count
        async with client(server.port) as one:
            await one.log_on()
            assert await one.ask(b"LIST") == [b"%d %d" % (n, len(SEED[0])) for n in range(1, count + 1)]
            names = await one.ask(b"UIDL")
            assert len({line.split()[1] for line in names}) == count
            one.send(b"".join(b"DELE %d\r\n" % n for n in range(2, count + 1)) + b"LIST\r\nQUIT\r\n")
            text = await one.rest()
        assert text.endswith(b"+OK 1 %d\r\n1 %d\r\n.\r\n+OK The oxgate POP3 service is signing off.\r\n" % (23, 23))
        assert list(server.mailbox.index(INBOX).uids) == [first]


@pytest.mark.parametrize("command", [b"RETR 1", b"TOP 1 999999999"])
async def test_a_message_that_breaks_off_ends_the_connection(tmp_path, command):
    """[RFC1939] 3: within a multi-line reply there is no place for another; without its end it is seen to be cut."""
    large = HEAD + b"--b\r\n\r\n" + b"text\r\n" * (3 * PIECE // 6)
    async with serving(tmp_path, seed=(large,)) as server:
        (file,) = (path for path in tmp_path.glob("blobs/**/*") if path.is_file())
        file.write_bytes(large[: 2 * PIECE + 100])
        async with client(server.port) as one:
            await one.log_on()
            one.send(command + b"\r\nNOOP\r\n")
            text = await one.rest()
        head, _, sent = text.partition(b"\r\n")
        assert head.startswith(b"+OK")
        assert large.startswith(sent)
        assert len(sent) > PIECE


async def test_a_defect_within_a_message_ends_the_connection(tmp_path, monkeypatch):
    large = HEAD + b"--b\r\n\r\n" + b"text\r\n" * (3 * PIECE // 6)
    read = Mailbox.raw

    def fail(self, item, start=0, length=None):
        if start:
            raise ZeroDivisionError
        return read(self, item, start, length)

    async with serving(tmp_path, seed=(large,)) as server, client(server.port) as one:
        monkeypatch.setattr(Mailbox, "raw", fail)
        await one.log_on()
        one.send(b"RETR 1\r\nNOOP\r\n")
        text = await one.rest()
        assert text == b"+OK %d octets\r\n" % len(large) + large[:PIECE]


async def test_a_message_that_is_not_there_at_all_is_refused(tmp_path):
    """Nothing is sent of it yet, so there is place for -ERR."""
    large = HEAD + b"--b\r\n\r\n" + b"text\r\n" * (3 * PIECE // 6)
    async with serving(tmp_path, seed=(large,)) as server:
        (file,) = (path for path in tmp_path.glob("blobs/**/*") if path.is_file())
        file.write_bytes(b"")
        async with client(server.port) as one:
            await one.log_on()
            assert (await one.say(b"RETR 1")).startswith(b"-ERR [SYS/TEMP]")
            assert await one.say(b"NOOP") == b"+OK"
