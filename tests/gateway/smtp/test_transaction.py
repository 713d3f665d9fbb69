"""MAIL, RCPT, DATA, BDAT and their limits, over a socket."""

from __future__ import annotations

import asyncio
import base64
import smtplib
import tracemalloc

import pytest

from gateway.services.outcomes import Refusal
from gateway.smtp.profile import BareNewline, Service, SmtpLimits
from store.errors import QuotaExceeded, Unavailable

from .support import FakeDelivery, client, serving, unconnected

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


async def begin(one, recipient=b"alice@example.test"):
    assert (await one.say(b"MAIL FROM:<s@other.test>")).startswith("250 2.1.0")
    assert (await one.say(b"RCPT TO:<%b>" % recipient)).startswith("250 2.1.5")


async def test_a_message_goes_through():
    """[RFC5321] 3.3: MAIL, RCPT, DATA, 354, 250."""
    async with serving() as server, client(server.port) as one:
        await begin(one)
        assert (await one.say(b"DATA")).startswith("354 ")
        assert (await one.say(MESSAGE + b".")).startswith("250 2.6.0")
        assert (await one.say(b"QUIT")).startswith("221 2.0.0")
        assert await one.rest() == b""
    (message,) = server.delivery.messages
    assert message.raw == MESSAGE
    assert message.reverse_path == "s@other.test"
    assert message.recipients == ["alice@example.test"]
    assert message.received == b"Received: from client.test ([127.0.0.1])\r\n\tby mx.example.test with ESMTP"


async def test_smtplib_delivers_to_several():
    async with serving() as server:

        def run():
            with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as smtp:
                return smtp.sendmail(
                    "s@other.test", ["alice@example.test", "nobody@example.test", "bob@example.test"], MESSAGE
                )

        refused = await asyncio.to_thread(run)
    assert refused == {"nobody@example.test": (550, b"5.1.1 User unknown")}
    assert server.delivery.messages[0].recipients == ["alice@example.test", "bob@example.test"]


async def test_pipelined_commands_are_answered_in_one_piece():
    """[RFC2920] 3.2: replies to pipelined commands may be sent together."""
    async with serving() as server, client(server.port) as one:
        one.send(b"MAIL FROM:<s@other.test>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<no@example.test>\r\nDATA\r\n")
        assert await one.codes(4) == ["250", "250", "550", "354"]
        one.send(MESSAGE + b".\r\nQUIT\r\n")
        assert await one.codes(2) == ["250", "221"]


async def test_commands_before_a_half_close_are_answered():
    async with serving() as server, client(server.port) as one:
        one.send(b"NOOP\r\nRSET\r\n")
        one.writer.write_eof()
        assert (await one.rest()).count(b"250 ") == 2


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"a\r\n..b\r\n...\r\n.\r\n", b"a\r\n.b\r\n..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
    ],
)
async def test_transparency(sent, kept):
    """[RFC5321] 4.5.2: a leading period is doubled on the way, and an empty message is possible."""
    async with serving() as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        one.send(sent)
        assert await one.codes(1) == ["250"]
        assert server.delivery.messages[0].raw == kept


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\n"])
@pytest.mark.parametrize("split", [False, True])
async def test_nothing_but_crlf_dot_crlf_ends_data(end, split):
    """[RFC5321] 4.1.1.4: smuggled commands stay part of the message."""
    smuggled = b"Subject: x\r\n\r\nbody" + end + b"MAIL FROM:<evil@other.test>\r\nRCPT TO:<bob@example.test>\r\n"
    async with serving() as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        if split:
            for octet in smuggled:
                one.send(bytes([octet]))
                await asyncio.sleep(0)
        else:
            one.send(smuggled)
        one.send(b"\r\n.\r\n")
        assert await one.codes(1) == ["250"]
        assert (await one.say(b"NOOP")).startswith("250")
        (message,) = server.delivery.messages
        assert message.raw.endswith(b"RCPT TO:<bob@example.test>\r\n\r\n")


@pytest.mark.parametrize("body", [b"a\nb\r\n", b"a\rb\r\n", b"\r\n\n", b"a\r"])
async def test_bare_newlines_can_be_refused(body):
    """[RFC5321] 2.3.8: CR and LF only together."""
    limits = SmtpLimits(bare_newline=BareNewline.REJECT)
    async with serving(limits=limits) as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        assert await one.say(body + b"\r\n.") == "550 5.6.11 Bare linefeeds are illegal"
        assert not server.delivery.messages


async def test_null_reverse_path_and_nested_mail():
    """[RFC5321] 4.5.5: `<>` is a sender, and a transaction is open after it."""
    async with serving() as server, client(server.port) as one:
        assert (await one.say(b"MAIL FROM:<>")).startswith("250")
        assert (await one.say(b"MAIL FROM:<>")).startswith("503")
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"DATA")
        await one.say(MESSAGE + b".")
        assert server.delivery.messages[0].reverse_path == ""


async def test_order_of_commands():
    """[RFC5321] 4.1.4: 503 for a command out of order; RSET and EHLO end a transaction."""
    async with serving(limits=SmtpLimits(max_errors=100)) as server, client(server.port, hello=None) as one:
        assert (await one.say(b"MAIL FROM:<a@b.test>")).startswith("503 5.5.2 Send hello")
        await one.say(b"HELO client.test")
        assert (await one.say(b"RCPT TO:<bob@example.test>")).startswith("503")
        assert (await one.say(b"DATA")).startswith("503")
        await begin(one)
        assert (await one.say(b"RSET")).startswith("250")
        assert (await one.say(b"RCPT TO:<bob@example.test>")).startswith("503")
        await begin(one)
        await one.say(b"EHLO client.test")
        assert (await one.say(b"DATA")).startswith("503")


async def test_data_without_a_valid_recipient():
    """[RFC2920] 3.1: a pipelining client learns at DATA that no recipient was taken."""
    async with serving() as server, client(server.port) as one:
        one.send(b"MAIL FROM:<s@other.test>\r\nRCPT TO:<no@example.test>\r\nDATA\r\n")
        assert await one.codes(3) == ["250", "550", "554"]


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"MAIL FROM:<a@b.test> SIZE=999999999", "552 5.3.4"),
        (b"MAIL FROM:<a@b.test> SIZE=12 BODY=8BITMIME", "250"),
        (b"MAIL FROM:<a@b.test> body=7bit smtputf8", "250"),
        (b"MAIL FROM:<a@b.test> AUTH=<>", "250"),
        (b"MAIL FROM:<a@b.test> AUTH=e+3Dmc2@example.com", "250"),
        (b"MAIL FROM:<a@b.test> BODY=BINARYMIME", "555 5.5.4"),
        (b"MAIL FROM:<a@b.test> RET=FULL", "555 5.5.4"),
        (b"MAIL FROM:<a@b.test> SIZE=x", "501 5.5.4"),
        (b"MAIL FROM:<a@b.test> SIZE", "501 5.5.4"),
        (b"MAIL FROM:<a@b.test> SIZE=1 SIZE=2", "501 5.5.4"),
        (b"MAIL FROM:<a@b.test> =", "501 5.5.4"),
        (b"MAIL FROM:a@b.test", "250"),
        (b"MAIL FROM: <a@b.test>", "250"),
        (b"MAIL FROM:<a b@b.test>", "501 5.1.7"),
        (b"MAIL FROM:<a@b.test>x", "501 5.1.7"),
        (b"MAIL FROM:", "501 5.1.7"),
        (b"MAIL TO:<a@b.test>", "501 5.5.4"),
        (b"MAIL", "501 5.5.4"),
        ("MAIL FROM:<ü@b.test>".encode(), "553 5.6.7"),
        ("MAIL FROM:<ü@b.test> SMTPUTF8".encode(), "250"),
        (b"MAIL FROM:<\xff@b.test> SMTPUTF8", "501 5.1.7"),
    ],
)
async def test_mail_parameters(command, reply):
    """[RFC5321] 4.1.1.11, [RFC1870] 6.1, [RFC6152] 3, [RFC4954] 5, [RFC6531] 3.4."""
    async with serving() as server, client(server.port) as one:
        assert (await one.say(command)).startswith(reply)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"RCPT TO:<alice@example.test>", "250 2.1.5"),
        (b"RCPT TO:<@relay.test:alice@example.test>", "250 2.1.5"),
        (b'RCPT TO:<"alice"@example.test>', "250 2.1.5"),
        (b"RCPT TO:<alice@example.test> NOTIFY=NEVER", "555 5.5.4"),
        (b"RCPT TO:<someone@other.test>", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain"),
        (b"RCPT TO:<nobody@example.test>", "550 5.1.1"),
        (b"RCPT TO:<full@example.test>", "552 5.2.2"),
        (b"RCPT TO:<gone@example.test>", "550 5.2.1"),
        (b"RCPT TO:<later@example.test>", "451 4.3.0"),
        (b"RCPT TO:<>", "501 5.1.3"),
        (b"RCPT FROM:<alice@example.test>", "501 5.5.4"),
        ("RCPT TO:<grüße@example.test>".encode(), "553 5.6.7"),
    ],
)
async def test_recipients(command, reply):
    """[RFC5321] 4.1.1.3, appendix C for the source route."""
    refusals = {
        "full@example.test": Refusal.FULL,
        "gone@example.test": Refusal.DISABLED,
        "later@example.test": Refusal.TEMPORARY,
    }
    async with serving(delivery=FakeDelivery(refusals=refusals)) as server, client(server.port) as one:
        await one.say(b"MAIL FROM:<s@other.test>")
        assert (await one.say(command)).startswith(reply)


async def test_internationalised_mail():
    """[RFC6531] 3.4: with SMTPUTF8 an address may hold any UTF-8; [RFC6531] 4.3: UTF8SMTP in Received."""
    async with serving() as server, client(server.port) as one:
        await one.say("MAIL FROM:<jürgen@exämple.test> SMTPUTF8".encode())
        assert (await one.say("RCPT TO:<grüße@example.test>".encode())).startswith("250")
        await one.say(b"DATA")
        await one.say(MESSAGE + b".")
        (message,) = server.delivery.messages
        assert message.reverse_path == "jürgen@exämple.test"
        assert message.recipients == ["grüße@example.test"]
        assert message.received.endswith(b"with UTF8SMTP")


async def test_too_many_recipients():
    """[RFC5321] 4.5.3.1.10: 452, and those before it are kept."""
    async with serving(limits=SmtpLimits(max_recipients=1)) as server, client(server.port) as one:
        await begin(one)
        assert (await one.say(b"RCPT TO:<bob@example.test>")).startswith("452 4.5.3")
        await one.say(b"DATA")
        assert (await one.say(MESSAGE + b".")).startswith("250")


@pytest.mark.parametrize("size", [1001, 5000])
async def test_an_oversize_message_is_swallowed_and_refused(size):
    """[RFC1870] 6.3: 552 after the end, and the connection goes on."""
    async with serving(limits=SmtpLimits(max_message=1000)) as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        one.send(b"x" * (size - 2) + b"\r\n.\r\n")
        assert (await one.reply())[0].startswith("552 5.3.4")
        assert (await one.say(b"NOOP")).startswith("250")
        await begin(one)
        await one.say(b"DATA")
        one.send(b"x" * 998 + b"\r\n.\r\n")
        assert (await one.reply())[0].startswith("250")


async def test_a_flood_is_cut_off():
    async with serving(limits=SmtpLimits(max_message=1000)) as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        for _ in range(40):
            one.send(b"x" * 10_000)
        assert (await one.rest()).startswith(b"421 4.3.0")


async def test_a_large_message_arrives_whole():
    raw = b"Subject: big\r\n\r\n" + b"0123456789abcdef" * 4 * 40_000 + b"\r\n"
    async with serving() as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        one.send(raw + b".\r\n")
        assert (await one.reply())[0].startswith("250")
        assert server.delivery.messages[0].raw == raw


async def test_one_reply_for_all_recipients_of_smtp():
    """[RFC5321] 4.2.5: a temporary failure of one makes the sender come again."""
    delivery = FakeDelivery()
    delivery.known = {"alice@example.test": QuotaExceeded("full"), "bob@example.test": Unavailable("locked")}
    async with serving(delivery=delivery) as server, client(server.port) as one:
        await begin(one)
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"DATA")
        assert (await one.say(MESSAGE + b".")).startswith("451 4.3.0")
        await begin(one)
        await one.say(b"DATA")
        assert (await one.say(MESSAGE + b".")).startswith("552 5.2.2")


async def test_a_bug_is_answered_vaguely(caplog):
    """Nothing of an exception reaches the wire, and the connection goes on."""
    delivery = FakeDelivery(fails=ZeroDivisionError("secret detail"))
    async with serving(delivery=delivery) as server, client(server.port) as one:
        await begin(one)
        await one.say(b"DATA")
        assert await one.say(MESSAGE + b".") == "451 4.3.0 Temporary server error, try again later"
        assert (await one.say(b"NOOP")).startswith("250")
    assert "secret detail" in caplog.text


# BDAT


async def test_bdat_example_of_the_standard():
    """[RFC3030] 2: two chunks, LAST with zero octets."""
    async with serving() as server, client(server.port) as one:
        await begin(one)
        one.send(b"BDAT 20\r\n" + b"Subject: x\r\n\r\n.\r\nab\n" + b"BDAT 3\r\n" + b"c\r\n" + b"BDAT 0 LAST\r\n")
        first, second, last = [(await one.reply())[0] for _ in range(3)]
        assert first.startswith("250 2.0.0 20 octets")
        assert second.startswith("250 2.0.0 3 octets")
        assert last.startswith("250 2.6.0")
        assert server.delivery.messages[0].raw == b"Subject: x\r\n\r\n.\r\nab\nc\r\n"
        await begin(one)
        one.send(b"bdat 4 last\r\na\r\nb")
        assert await one.codes(1) == ["250"]
        assert server.delivery.messages[1].raw == b"a\r\nb"


async def test_bdat_and_data_do_not_mix():
    """[RFC3030] 2: DATA after BDAT is 503; RSET ends the transaction."""
    async with serving() as server, client(server.port) as one:
        await begin(one)
        one.send(b"BDAT 2\r\nab")
        assert await one.codes(1) == ["250"]
        assert (await one.say(b"DATA")).startswith("503")
        assert (await one.say(b"RSET")).startswith("250")
        await begin(one)
        assert (await one.say(b"DATA")).startswith("354")
        assert (await one.say(MESSAGE + b".")).startswith("250")


async def test_a_refused_chunk_is_swallowed():
    """[RFC3030] 2: the octets are read whatever the answer, and the rest of the transaction is refused."""
    async with serving(limits=SmtpLimits(max_message=1000, max_errors=100)) as server, client(server.port) as one:
        one.send(b"BDAT 12 LAST\r\nQUIT\r\nQUIT\r\n")
        assert await one.codes(1) == ["503"]
        one.send(b"MAIL FROM:<s@other.test>\r\nRCPT TO:<no@example.test>\r\nBDAT 6 LAST\r\nQUIT\r\n")
        assert await one.codes(3) == ["250", "550", "554"]
        assert (await one.say(b"RSET")).startswith("250")
        await begin(one)
        one.send(b"BDAT 1001\r\n" + b"x" * 1001 + b"BDAT 6\r\nQUIT\r\n" + b"BDAT 0 LAST\r\n")
        replies = [(await one.reply())[0] for _ in range(3)]
        assert [reply[:9] for reply in replies] == ["552 5.3.4", "503 5.5.1", "503 5.5.1"]
        assert not server.delivery.messages
        await one.say(b"RSET")
        await begin(one)
        one.send(b"BDAT 1 LAST\r\nx")
        assert await one.codes(1) == ["250"]


@pytest.mark.parametrize("arg", [b"", b" x", b" -1", b" 1 FIRST", b" 1 LAST LAST", b" 9999999999999"])
async def test_a_chunk_of_unknown_size_ends_the_connection(arg):
    """What follows cannot be told from commands."""
    async with serving() as server, client(server.port) as one:
        one.send(b"BDAT" + arg + b"\r\nMAIL FROM:<evil@other.test>\r\n")
        assert (await one.rest()).startswith(b"501 5.5.4 Invalid arguments\r\n")


async def test_a_huge_chunk_is_not_waited_for():
    async with serving(limits=SmtpLimits(max_message=1000)) as server, client(server.port) as one:
        await begin(one)
        one.send(b"BDAT 99999999\r\n")
        assert (await one.rest()).startswith(b"552 5.3.4")


@pytest.mark.parametrize("size", [0, 2])
async def test_small_chunks_take_no_more_memory_than_their_octets(size):
    """[RFC3030] 2 has no least size of a chunk: what is kept of them is bounded by the size of the message alone."""
    connection = unconnected()
    await connection._execute(b"EHLO client.test")
    await connection._execute(b"MAIL FROM:<s@other.test>")
    await connection._execute(b"RCPT TO:<alice@example.test>")

    async def send(count):
        for _ in range(count):
            connection.octets.feed(b"ab"[:size])
            await connection._execute(b"BDAT %d" % size)
            connection._out.clear()

    await send(100)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await send(3000)
        assert tracemalloc.get_traced_memory()[0] - before < 3000 * size * 1.5 + 2048
    finally:
        tracemalloc.stop()
    assert connection.envelope.chunks == b"ab" * (3100 * size // 2)


# LMTP


async def test_lmtp_answers_for_each_recipient():
    """[RFC2033] 4.2: one reply a successful RCPT after the dot, in order."""
    delivery = FakeDelivery()
    delivery.known["bob@example.test"] = QuotaExceeded("full")
    async with (
        serving(Service.LMTP, delivery=delivery) as server,
        client(server.port, hello=b"LHLO relay.test") as one,
    ):
        await begin(one)
        await one.say(b"RCPT TO:<no@example.test>")
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"RCPT TO:<alice@example.test>")
        await one.say(b"DATA")
        one.send(MESSAGE + b".\r\n")
        assert await one.codes(3) == ["250", "552", "250"]
        assert server.delivery.messages[0].separately
        assert server.delivery.messages[0].received.endswith(b"with LMTP")
        await begin(one)
        await one.say(b"RCPT TO:<bob@example.test>")
        one.send(b"BDAT 1 LAST\r\nx")
        assert await one.codes(2) == ["250", "552"]


async def test_lmtp_answers_for_each_recipient_when_the_last_chunk_is_refused():
    """[RFC2033] 4.2, 4.3: one reply a successful RCPT after BDAT LAST, whatever is wrong; one for any other chunk."""
    async with (
        serving(Service.LMTP, limits=SmtpLimits(max_message=50)) as server,
        client(server.port, hello=b"LHLO relay.test") as one,
    ):
        await begin(one)
        await one.say(b"RCPT TO:<no@example.test>")
        await one.say(b"RCPT TO:<bob@example.test>")
        one.send(b"BDAT 100 LAST\r\n" + b"x" * 100 + b"NOOP\r\n")
        assert await one.codes(3) == ["552", "552", "250"]
        one.send(b"BDAT 1 LAST\r\nxNOOP\r\n")
        assert await one.codes(3) == ["503", "503", "250"]
        await one.say(b"RSET")
        await begin(one)
        await one.say(b"RCPT TO:<bob@example.test>")
        one.send(b"BDAT 100\r\n" + b"x" * 100 + b"BDAT 1 LAST\r\nxNOOP\r\n")
        assert await one.codes(4) == ["552", "503", "503", "250"]
        await one.say(b"RSET")
        one.send(b"MAIL FROM:<s@other.test>\r\nBDAT 1 LAST\r\nxNOOP\r\n")
        assert await one.codes(3) == ["250", "503", "250"], "without a recipient there is one reply"
        assert not server.delivery.messages


async def test_lmtp_command_set():
    """[RFC2033] 4.1: no EHLO, no HELO; [RFC2033] 4.2: DATA without a recipient is 503."""
    async with serving(Service.LMTP) as server, client(server.port, hello=None) as one:
        assert (await one.say(b"EHLO relay.test")).startswith("500")
        assert (await one.say(b"HELO relay.test")).startswith("500")
        one.send(b"LHLO relay.test\r\n")
        lines = [line[4:] for line in await one.reply()]
        assert {"PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "CHUNKING"} <= set(lines)
        one.send(b"MAIL FROM:<>\r\nRCPT TO:<no@example.test>\r\nDATA\r\n")
        assert await one.codes(3) == ["250", "550", "503"]


async def test_lmtp_answers_for_each_recipient_even_when_all_fails():
    async with (
        serving(
            Service.LMTP, delivery=FakeDelivery(fails=RuntimeError("bug")), limits=SmtpLimits(max_message=50)
        ) as server,
        client(server.port, hello=b"LHLO relay.test") as one,
    ):
        for body, code in ((b"x", "451"), (b"x" * 60, "552")):
            await begin(one)
            await one.say(b"RCPT TO:<bob@example.test>")
            await one.say(b"DATA")
            one.send(body + b"\r\n.\r\n")
            assert await one.codes(2) == [code, code]


@pytest.mark.parametrize("bdat", [False, True])
async def test_the_author_of_a_message_is_checked_at_its_end(bdat):
    """[RFC6409] 6.1: 550 5.7.60 for a From that the user may not use, whatever the reverse-path is."""
    raw = b"From: boss@example.test\r\n\r\ntext\r\n"
    async with serving(Service.SUBMISSION, plaintext=True) as server, client(server.port) as one:
        assert (await one.say(b"AUTH PLAIN " + base64.b64encode(b"\0alice\0secret"))).startswith("235")
        for path in (b"", b"alice@example.test"):
            assert (await one.say(b"MAIL FROM:<" + path + b">")).startswith("250")
            assert (await one.say(b"RCPT TO:<bob@example.test>")).startswith("250")
            if bdat:
                one.send(b"BDAT %d LAST\r\n" % len(raw) + raw)
            else:
                assert (await one.say(b"DATA")).startswith("354")
                one.send(raw + b".\r\n")
            assert await one.reply() == ["550 5.7.60 SMTP; Client does not have permissions to send as this sender"]
        assert not server.delivery.messages
    async with serving(plaintext=True) as server, client(server.port) as one:  # a stranger's From is not ours to check
        assert (await one.say(b"MAIL FROM:<someone@elsewhere.test>")).startswith("250")
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"DATA")
        one.send(raw + b".\r\n")
        assert (await one.reply())[0].startswith("250")
