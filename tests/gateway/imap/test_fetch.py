"""FETCH and UID FETCH over a real store."""

from __future__ import annotations

from store.ids import MessageFlag
from tests.gateway.imap.harness import MAIL, Server

HEADER, BODY = MAIL.split(b"\r\n\r\n")
HEADER += b"\r\n\r\n"

MULTI = b"\r\n".join(
    [
        b"From: bob@example.test",
        b"Subject: parts",
        b"Content-Type: multipart/mixed; boundary=x",
        b"",
        b"preamble",
        b"--x",
        b"Content-Type: text/plain",
        b"X-Part: one",
        b"",
        b"first",
        b"--x",
        b"Content-Type: message/rfc822",
        b"",
        b"Subject: inner",
        b"Content-Type: text/html",
        b"",
        b"<p>inner</p>",
        b"--x--",
        b"",
    ]
)


def literal(label: bytes, data: bytes) -> bytes:
    return b"%b {%d}\r\n%b" % (label, len(data), data) if data else label + b' ""'


async def test_metadata_in_the_order_asked(server: Server) -> None:
    """[RFC3501] 6.4.5: FLAGS INTERNALDATE RFC822.SIZE ENVELOPE UID."""
    server.deliver(flags=MessageFlag.SEEN | MessageFlag.FLAGGED, date=1_700_000_000)
    client = await server.client()
    assert await client.ok("FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)") == [
        rb'* 1 FETCH (UID 1 FLAGS (\Recent \Flagged \Seen) INTERNALDATE "14-Nov-2023 22:13:20 +0000" RFC822.SIZE %d)'
        % len(MAIL)
    ]
    (line,) = await client.ok("FETCH 1 ENVELOPE")
    assert line == (
        b'* 1 FETCH (ENVELOPE ("Mon, 02 Nov 2026 10:00:00 +0000" "hello" ((NIL NIL "bob" "example.test")) '
        b'((NIL NIL "bob" "example.test")) ((NIL NIL "bob" "example.test")) ((NIL NIL "alice" "example.test")) '
        b"NIL NIL NIL NIL))"
    )


async def test_bodystructure_and_body(server: Server) -> None:
    """[RFC3501] 6.4.5: BODY is BODYSTRUCTURE without extension data."""
    server.deliver()
    client = await server.client()
    (line,) = await client.ok("FETCH 1 BODY")
    assert line == b'* 1 FETCH (BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1))'.replace(
        b'("charset" "us-ascii")', line.split(b'"plain" ')[1].split(b" NIL NIL")[0]
    )
    (line,) = await client.ok("FETCH 1 BODYSTRUCTURE")
    assert line.startswith(b'* 1 FETCH (BODYSTRUCTURE ("text" "plain" ')


async def test_macros(server: Server) -> None:
    """[RFC3501] 6.4.5: ALL, FAST, FULL."""
    server.deliver()
    client = await server.client()
    (fast,) = await client.ok("FETCH 1 FAST")
    assert fast.startswith(b"* 1 FETCH (FLAGS (\\Recent) INTERNALDATE ")
    (full,) = await client.ok("FETCH 1 FULL")
    assert b" ENVELOPE (" in full
    assert b" BODY (" in full


async def test_the_octets_come_back_unchanged(server: Server) -> None:
    """[RFC3501] 7.4.2: BODY[] is the message itself; RFC822 and its kin are the same under other names."""
    raw = b"Subject: x\r\nFrom:  odd  spacing <a@b>\r\n\r\n8-bit \xe4\xff and\r\nlong" + b"y" * 5000 + b"\r\n"
    server.deliver(raw)
    client = await server.client()
    assert await client.ok("FETCH 1 BODY.PEEK[]") == [b"* 1 FETCH (%b)" % literal(b"BODY[]", raw)]
    head, _, body = raw.partition(b"\r\n\r\n")
    assert await client.ok("FETCH 1 RFC822.HEADER") == [
        b"* 1 FETCH (%b)" % literal(b"RFC822.HEADER", head + b"\r\n\r\n")
    ]
    (line,) = await client.ok("FETCH 1 RFC822.TEXT")
    assert literal(b"RFC822.TEXT", body) in line
    assert await client.ok("FETCH 1 RFC822") == [b"* 1 FETCH (%b)" % literal(b"RFC822", raw)]


async def test_body_sets_seen_and_says_so(server: Server) -> None:
    """[RFC3501] 6.4.5: BODY[] sets \\Seen, the change is part of the reply; PEEK and RFC822.HEADER do not set it."""
    server.deliver()
    client = await server.client()
    await client.ok("FETCH 1 (BODY.PEEK[] RFC822.HEADER)")
    assert await client.ok("FETCH 1 FLAGS") == [rb"* 1 FETCH (FLAGS (\Recent))"]
    assert await client.ok("FETCH 1 BODY[TEXT]") == [
        rb"* 1 FETCH (%b FLAGS (\Recent \Seen))" % literal(b"BODY[TEXT]", BODY)
    ]
    assert await client.ok("FETCH 1 BODY[TEXT]") == [b"* 1 FETCH (%b)" % literal(b"BODY[TEXT]", BODY)]
    assert await client.ok("NOOP") == []


async def test_seen_when_flags_are_asked_too(server: Server) -> None:
    """[RFC3501] 6.4.5: with FLAGS among the items they show the new state, once."""
    server.deliver()
    client = await server.client()
    assert await client.ok("FETCH 1 (FLAGS BODY[TEXT])") == [
        rb"* 1 FETCH (FLAGS (\Recent \Seen) %b)" % literal(b"BODY[TEXT]", BODY)
    ]


async def test_common_header_fields_set_seen_without_peek(server: Server) -> None:
    """[RFC3501] 6.4.5: every BODY[...] without PEEK sets \\Seen, wherever it is answered from."""
    server.deliver()
    client = await server.client()
    (line,) = await client.ok("FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]")
    assert line == (
        rb"* 1 FETCH (%b FLAGS (\Recent \Seen))" % literal(b"BODY[HEADER.FIELDS (SUBJECT)]", b"Subject: hello\r\n\r\n")
    )


async def test_partial(server: Server) -> None:
    """[RFC3501] 6.4.5: <origin.count> gives that range, the reply echoes the origin; past the end it is empty."""
    server.deliver()
    client = await server.client()
    for first, count in ((0, 10), (3, 7), (len(MAIL) - 2, 100), (0, 100_000)):
        (line,) = await client.ok(f"FETCH 1 BODY.PEEK[]<{first}.{count}>")
        assert line == b"* 1 FETCH (%b)" % literal(b"BODY[]<%d>" % first, MAIL[first : first + count])
    (line,) = await client.ok("FETCH 1 BODY.PEEK[]<9999.1>")
    assert line == b"* 1 FETCH (%b)" % literal(b"BODY[]<9999>", b"")


async def test_header_fields(server: Server) -> None:
    """[RFC3501] 6.4.5: HEADER.FIELDS and .NOT: lines as they stand, in their order, then the blank line."""
    raw = b"Subject: a\r\n folded\r\nX-One: 1\r\nTo: b\r\nX-One: 2\r\n\r\nbody"
    server.deliver(raw)
    client = await server.client()
    cases = {
        "HEADER.FIELDS (To Subject)": b"Subject: a\r\n folded\r\nTo: b\r\n\r\n",
        "HEADER.FIELDS (x-one)": b"X-One: 1\r\nX-One: 2\r\n\r\n",
        "HEADER.FIELDS (X-None)": b"\r\n",
        "HEADER.FIELDS.NOT (X-One To)": b"Subject: a\r\n folded\r\n\r\n",
        "HEADER": b"Subject: a\r\n folded\r\nX-One: 1\r\nTo: b\r\nX-One: 2\r\n\r\n",
    }
    for section, expected in cases.items():
        (line,) = await client.ok(f"FETCH 1 BODY.PEEK[{section}]")
        assert line.endswith(b"{%d}\r\n%b)" % (len(expected), expected)), section


async def test_sections_of_parts(server: Server) -> None:
    """[RFC3501] 6.4.5: part numbers, MIME, and HEADER and TEXT of an enclosed message; NIL where there is no part."""
    server.deliver(MULTI)
    client = await server.client()
    inner = b"Subject: inner\r\nContent-Type: text/html\r\n\r\n<p>inner</p>"
    cases = {
        "1": b"first",
        "1.MIME": b"Content-Type: text/plain\r\nX-Part: one\r\n\r\n",
        "2": inner,
        "2.HEADER": b"Subject: inner\r\nContent-Type: text/html\r\n\r\n",
        "2.TEXT": b"<p>inner</p>",
        "2.1": b"<p>inner</p>",
        "2.HEADER.FIELDS (SUBJECT)": b"Subject: inner\r\n\r\n",
    }
    for section, expected in cases.items():
        (line,) = await client.ok(f"FETCH 1 BODY.PEEK[{section}]")
        assert line == b"* 1 FETCH (%b)" % literal(b"BODY[%b]" % section.encode(), expected), section
    for section in ("3", "1.HEADER", "1.2", "2.2"):
        assert await client.ok(f"FETCH 1 BODY.PEEK[{section}]") == [b"* 1 FETCH (BODY[%b] NIL)" % section.encode()]


async def test_several_items_and_messages(server: Server) -> None:
    for n in range(3):
        server.deliver(b"Subject: %d\r\n\r\n%d" % (n, n))
    client = await server.client()
    assert await client.ok("FETCH 1,3 (UID BODY.PEEK[TEXT] RFC822.SIZE)") == [
        b"* 1 FETCH (UID 1 BODY[TEXT] {1}\r\n0 RFC822.SIZE 15)",
        b"* 3 FETCH (UID 3 BODY[TEXT] {1}\r\n2 RFC822.SIZE 15)",
    ]


async def test_uid_fetch(server: Server) -> None:
    """[RFC3501] 6.4.8: the UID is always in the reply; UIDs that are not there are passed over with OK."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    await client.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await client.ok("EXPUNGE")
    assert await client.ok("UID FETCH 1:2 FLAGS") == [rb"* 1 FETCH (UID 2 FLAGS (\Recent))"]
    assert await client.ok("UID FETCH 900 FLAGS") == []
    assert await client.ok("UID FETCH 900:* (UID)") == [b"* 2 FETCH (UID 3)"]
    assert [line[:10] for line in await client.ok("UID FETCH 1:* UID")] == [b"* 1 FETCH ", b"* 2 FETCH "]


async def test_number_beyond_the_end_is_bad(server: Server) -> None:
    """[RFC3501] 9 `seq-number`."""
    server.deliver()
    client = await server.client()
    assert (await client("FETCH 2 FLAGS"))[-1].startswith(b"BAD")


async def test_expunged_by_another_session(server: Server) -> None:
    """[RFC5530] 3: a number whose message is gone gives NO [EXPUNGEISSUED]; no EXPUNGE comes during FETCH."""
    for _ in range(3):
        server.deliver()
    first, second = await server.client(), await server.client()
    await second.ok(r"STORE 2 +FLAGS.SILENT (\Deleted)")
    await second.ok("EXPUNGE")
    lines = await first("FETCH 1:3 UID")
    assert [line for line in lines if b"EXPUNGE" in line and line.startswith(b"*")] == []
    assert b"* 1 FETCH (UID 1)" in lines
    assert b"* 3 FETCH (UID 3)" in lines
    assert lines[-1].startswith(b"NO [EXPUNGEISSUED]")
    lines = await first("UID FETCH 1:3 (UID BODY.PEEK[TEXT] ENVELOPE)")
    assert lines[-1].startswith(b"OK")
    assert b"* 2 EXPUNGE" in lines
    assert await first.ok("FETCH 1:2 UID") == [b"* 1 FETCH (UID 1)", b"* 2 FETCH (UID 3)"]


async def test_keywords_are_announced_before_they_are_used(server: Server) -> None:
    """[RFC3501] 7.2.6: FLAGS names the flags in use."""
    client = await server.client()
    server.deliver(keywords=["$Label1", "Work"])
    lines = await client.ok("NOOP")
    assert b"* 1 EXISTS" in lines
    lines = await client.ok("FETCH 1 FLAGS")
    assert lines[0].startswith(b"* FLAGS (")
    assert b"$Label1 Work)" in lines[0]
    assert lines[-1] == rb"* 1 FETCH (FLAGS (\Recent $Label1 Work))"
    server.deliver(keywords=["Work"])
    await client.ok("NOOP")
    assert await client.ok("FETCH 2 FLAGS") == [rb"* 2 FETCH (FLAGS (\Recent Work))"]


async def test_large_message_by_pieces(server: Server) -> None:
    """A message over the batch limit comes whole, in part and by section, whatever its size."""
    text = b"".join(b"line %07d\r\n" % n for n in range(60_000))
    raw = b"Subject: big\r\nX-Y: z\r\n\r\n" + text
    server.deliver()
    server.deliver(raw)
    server.deliver()
    client = await server.client()
    lines = await client.ok("FETCH 1:3 (UID BODY.PEEK[] FLAGS)")
    assert len(lines) == 3
    assert lines[1] == rb"* 2 FETCH (UID 2 %b FLAGS (\Recent))" % literal(b"BODY[]", raw)
    assert lines[2] == rb"* 3 FETCH (UID 3 %b FLAGS (\Recent))" % literal(b"BODY[]", MAIL)
    (line,) = await client.ok("FETCH 2 BODY.PEEK[TEXT]<300000.200000>")
    assert line == b"* 2 FETCH (%b)" % literal(b"BODY[TEXT]<300000>", text[300_000:500_000])
    (line,) = await client.ok("FETCH 2 (BODY.PEEK[HEADER.FIELDS (X-Y)] BODY.PEEK[1.MIME] BODY.PEEK[9] BODY)")
    assert b"BODY[HEADER.FIELDS (X-Y)] {10}\r\nX-Y: z\r\n\r\n " in line
    assert b" BODY[9] NIL BODY (" in line
    (line,) = await client.ok("UID FETCH 2 BODY[HEADER]")
    assert line.startswith(b"* 2 FETCH (UID 2 BODY[HEADER] {24}\r\n")
    assert line.endswith(rb" FLAGS (\Recent \Seen))")


async def test_many_messages_over_several_batches(server: Server) -> None:
    mailbox = server.mailbox
    inbox = mailbox.folder(("INBOX",)).id
    for n in range(700):
        server.deliver(b"Subject: %d\r\n\r\nx" % n)
    mailbox.set_flags(inbox, range(1, 701, 2), add=MessageFlag.SEEN)
    client = await server.client()
    lines = await client.ok("FETCH 1:* (UID FLAGS ENVELOPE)")
    assert len(lines) == 700
    assert lines[698].startswith(rb'* 699 FETCH (UID 699 FLAGS (\Recent \Seen) ENVELOPE (NIL "698"')
    assert lines[699].startswith(rb'* 700 FETCH (UID 700 FLAGS (\Recent) ENVELOPE (NIL "699"')
    odd = ",".join(str(n) for n in range(1, 701, 3))
    lines = await client.ok(f"UID FETCH {odd} (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    assert len(lines) == 234
    assert lines[1] == b"* 4 FETCH (UID 4 BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: 3\r\n\r\n)"


async def test_new_mail_waits_for_the_view(server: Server) -> None:
    """[RFC3501] 7.3.1: a message has no number before EXISTS has told of it."""
    server.deliver()
    client = await server.client()
    server.deliver()
    lines = await client("FETCH 1:* UID")
    assert lines[0] == b"* 1 FETCH (UID 1)"
    assert lines[1:3] == [b"* 2 EXISTS", b"* 2 RECENT"]


async def test_header_without_a_line_end(server: Server) -> None:
    """[RFC3501] 6.4.5: the blank line is there even where the message ends within its header."""
    server.deliver(b"Subject: a\r\nX-Y: b")
    client = await server.client()
    assert await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (X-Y)]") == [
        b"* 1 FETCH (%b)" % literal(b"BODY[HEADER.FIELDS (X-Y)]", b"X-Y: b\r\n\r\n")
    ]
    assert await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject X-Y)]") == [
        b"* 1 FETCH (%b)" % literal(b"BODY[HEADER.FIELDS (Subject X-Y)]", b"Subject: a\r\nX-Y: b\r\n\r\n")
    ]
    assert await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (Y)]") == [
        b"* 1 FETCH (%b)" % literal(b"BODY[HEADER.FIELDS (Y)]", b"\r\n")
    ]
