"""The grammar by example: APPEND, FETCH, STORE, and the other commands about messages but SEARCH."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import message_types as mt
from gateway.imap.protocol import types as t
from gateway.imap.protocol.fetch_types import FetchAttribute as Item
from tests.gateway.imap.protocol.grammar import args, body, name, numbers, read, refused


def test_append() -> None:
    """[RFC3501] 6.3.11, 9 `date-time`"""

    def append(mailbox: str, flags: tuple[str, ...], date: int | None, message: bytes) -> mt.Append:
        return mt.Append(name(mailbox), (mt.NewMessage(flags, date, (message,)),))

    assert args(b"A003 APPEND saved-messages (\\Seen) {5}\r\nDate:") == append(
        "saved-messages", ("\\Seen",), None, b"Date:"
    )
    when = int(dt.datetime(1996, 7, 17, 9, 44, 25, tzinfo=dt.UTC).timestamp())
    assert args(b'a APPEND x () "17-Jul-1996 02:44:25 -0700" {1+}\r\nm') == append("x", (), when, b"m")
    assert args(b'a APPEND x " 7-Jul-1996 02:44:25 +0000" {0+}\r\n') == append(
        "x", (), when - 10 * 86400 - 7 * 3600, b""
    )
    assert args(b"a APPEND {1+}\r\nx {1+}\r\nm") == append("x", (), None, b"m")


def test_append_of_several_messages() -> None:
    """[RFC3502] 6.3.11, [RFC4466] 3 `append-message`"""
    assert args(b"a APPEND x (\\Seen) {1+}\r\nm {2+}\r\nno (k) {1+}\r\np  ") == mt.Append(
        name("x"),
        (
            mt.NewMessage(("\\Seen",), None, (b"m",)),
            mt.NewMessage((), None, (b"no",)),
            mt.NewMessage(("k",), None, (b"p",)),
        ),
    )
    refused(b"a APPEND x {1+}\r\nm{1+}\r\nn")
    refused(b"a APPEND x {1+}\r\nm (\\Seen)")


def test_append_of_binary_and_utf8() -> None:
    """[RFC3516] 7, [RFC6855] 4"""
    assert args(b"a APPEND x ~{3+}\r\na\0b") == mt.Append(
        name("x"), (mt.NewMessage((), None, (b"a\0b",), binary=True),)
    )
    assert args(b"a APPEND x UTF8 (~{3+}\r\na\0b)") == mt.Append(
        name("x"), (mt.NewMessage((), None, (b"a\0b",), binary=True, utf8=True),)
    )
    refused(b"a APPEND x UTF8 ({3+}\r\nabc)")
    refused(b"a APPEND ~{1+}\r\nx {1+}\r\nm")
    refused(b"a LOGIN ~{1+}\r\nx y")


def test_append_that_puts_a_message_together() -> None:
    """[RFC4469] 5"""
    assert args(
        b'a APPEND x (\\Seen) CATENATE (TEXT {2+}\r\nhi url "/x/;UID=3" URL {4+}\r\n/a/b text ~{1+}\r\n\0)'
    ) == (
        mt.Append(
            name("x"),
            (
                mt.NewMessage(
                    ("\\Seen",),
                    None,
                    (b"hi", mt.UrlPart(b"/x/;UID=3"), mt.UrlPart(b"/a/b"), b"\0"),
                    catenate=True,
                    binary=True,
                ),
            ),
        )
    )
    several = args(b"a APPEND x CATENATE (URL a) {1+}\r\nm CATENATE (UTF8 (~{1+}\r\nn))")
    assert [one.parts for one in several.messages] == [(mt.UrlPart(b"a"),), (b"m",), (b"n",)]
    for text in (b"CATENATE ()", b"CATENATE (FILE x)", b"CATENATE URL x", b"CATENATE (TEXT x)", b"JOIN (URL x)"):
        refused(b"a APPEND x " + text)


def test_replace() -> None:
    """[RFC8508] 5"""
    message = mt.NewMessage(("\\Draft",), None, (b"m",))
    assert args(b"a REPLACE 4 Drafts (\\Draft) {1+}\r\nm") == mt.Replace(4, name("Drafts"), message)
    assert args(b"a UID REPLACE * Drafts (\\Draft) {1+}\r\nm") == mt.Replace(0, name("Drafts"), message, uid=True)
    for text in (b"1:2 x {1+}\r\nm", b"0 x {1+}\r\nm", b"1 x", b"1 x {1+}\r\nm {1+}\r\nm"):
        refused(b"a REPLACE " + text)


def test_fetch_items_of_the_extensions() -> None:
    """[RFC3516] 7, [RFC8474] 7, [RFC8514] 5, [RFC8970] 6"""

    def items(text: bytes) -> tuple[ft.FetchItem, ...]:
        found: tuple[ft.FetchItem, ...] = args(b"a FETCH 1 " + text).items
        return found

    assert items(b"(BINARY[1.2]<3.4> BINARY.PEEK[] binary.size[2])") == (
        ft.BinarySection((1, 2), False, (3, 4), b"BINARY[1.2]<3>"),
        ft.BinarySection((), True, None, b"BINARY[]"),
        ft.BinarySize((2,), b"BINARY.SIZE[2]"),
    )
    assert items(b"(SAVEDATE EMAILID THREADID)") == (
        ft.FetchAttribute.SAVEDATE,
        ft.FetchAttribute.EMAILID,
        ft.FetchAttribute.THREADID,
    )
    assert items(b"PREVIEW") == (ft.Preview(),)
    assert items(b"(PREVIEW (LAZY) UID)") == (ft.Preview(lazy=True), ft.FetchAttribute.UID)
    assert items(b"PREVIEW (FUZZY)") == (ft.Preview(fuzzy=True),)
    assert items(b"(PREVIEW (LAZY=FUZZY))") == items(b"(PREVIEW (LAZY FUZZY))") == (ft.Preview(lazy=True, fuzzy=True),)
    assert items(b"PREVIEW (CHANGEDSINCE 5)")[0] == ft.Preview()
    for text in (b"BINARY[TEXT]", b"BINARY.SIZE[1]<0.1>", b"BINARY", b"PREVIEW (EAGER)", b"PREVIEW ()", b"EMAIL"):
        refused(b"a FETCH 1 " + text)


def test_fetch_modifiers_together() -> None:
    """[RFC9394] 3.3, 4, [RFC7162] 3.2.6"""
    assert args(b"a UID FETCH 1:* UID (PARTIAL -1:-30)").partial == (-1, -30)
    both = args(b"a UID FETCH 1:* UID (VANISHED PARTIAL 30:1 CHANGEDSINCE 7)")
    assert (both.partial, both.changed_since, both.vanished) == ((1, 30), 7, True)
    for text in (b"PARTIAL 1:-2", b"PARTIAL 0:1", b"PARTIAL 1", b"PARTIAL 1:2 PARTIAL 1:2", b"VANISHED PARTIAL 1:2"):
        refused(b"a UID FETCH 1:* UID (" + text + b")")


@pytest.mark.parametrize(
    "date",
    [
        b"7-Jul-1996 02:44:25 +0000",
        b"31-Feb-1996 02:44:25 +0000",
        b"17-Foo-1996 02:44:25 +0000",
        b"17-Jul-1996 24:44:25 +0000",
        b"17-Jul-1996 02:44:25",
        b"17-Jul-0000 02:44:25 +0000",
    ],
)
def test_append_refuses_dates_that_are_none(date: bytes) -> None:
    assert "Dates look like" in refused(b'a APPEND x "' + date + b'" {1+}\r\nm').text


def test_append_needs_a_literal() -> None:
    refused(b'a APPEND x "hello"')
    refused(b"a APPEND x")
    refused(b"a APPEND x (\\Seen)")
    assert refused(b"a APPEND x {1+}\r\nm (\\Seen)").tag == b"a"


# --- messages


@pytest.mark.parametrize(
    ("macro", "items"),
    [
        (b"FAST", (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE)),
        (b"ALL", (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE, Item.ENVELOPE)),
        (b"FULL", (Item.FLAGS, Item.INTERNALDATE, Item.RFC822_SIZE, Item.ENVELOPE, Item.BODY)),
    ],
)
def test_fetch_macros(macro: bytes, items: tuple[ft.FetchItem, ...]) -> None:
    """[RFC3501] 6.4.5"""
    assert args(b"a FETCH 1 " + macro) == ft.Fetch(numbers((1, 1)), items)
    refused(b"a FETCH 1 (" + macro + b")")


def test_fetch_as_in_the_example() -> None:
    """[RFC3501] 6.4.5"""
    assert args(b"A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])") == ft.Fetch(
        numbers((2, 4)),
        (
            Item.FLAGS,
            body(ft.SectionKind.HEADER_FIELDS, (), (b"DATE", b"FROM"), label=b"BODY[HEADER.FIELDS (DATE FROM)]"),
        ),
    )


@pytest.mark.parametrize(
    ("text", "item"),
    [
        (b"BODY[]", body(label=b"BODY[]")),
        (b"body.peek[]", body(label=b"BODY[]", peek=True)),
        (b"BODY[1]", body(part=(1,), label=b"BODY[1]")),
        (b"BODY[HEADER]", body(ft.SectionKind.HEADER, label=b"BODY[HEADER]")),
        (b"BODY[text]<0.2048>", body(ft.SectionKind.TEXT, partial=(0, 2048), label=b"BODY[TEXT]<0>")),
        (b"BODY[4.2.2.1]", body(part=(4, 2, 2, 1), label=b"BODY[4.2.2.1]")),
        (b"BODY[4.1.MIME]", body(ft.SectionKind.MIME, (4, 1), label=b"BODY[4.1.MIME]")),
        (b"BODY[3.HEADER]", body(ft.SectionKind.HEADER, (3,), label=b"BODY[3.HEADER]")),
        (
            b"BODY[3.HEADER.FIELDS.NOT (Subject)]",
            body(ft.SectionKind.HEADER_FIELDS_NOT, (3,), (b"SUBJECT",), label=b"BODY[3.HEADER.FIELDS.NOT (Subject)]"),
        ),
        (
            b'BODY.PEEK[HEADER.FIELDS ("Date" {4+}\r\nFrom)]<7.1>',
            body(
                ft.SectionKind.HEADER_FIELDS,
                (),
                (b"DATE", b"FROM"),
                peek=True,
                partial=(7, 1),
                label=b"BODY[HEADER.FIELDS (Date From)]<7>",
            ),
        ),
        (b"RFC822", body(label=b"RFC822")),
        (b"RFC822.HEADER", body(ft.SectionKind.HEADER, peek=True, label=b"RFC822.HEADER")),
        (b"RFC822.TEXT", body(ft.SectionKind.TEXT, label=b"RFC822.TEXT")),
        (b"RFC822.SIZE", Item.RFC822_SIZE),
        (b"BODY", Item.BODY),
        (b"BODYSTRUCTURE", Item.BODYSTRUCTURE),
        (b"modseq", Item.MODSEQ),
    ],
)
def test_fetch_items(text: bytes, item: ft.FetchItem) -> None:
    """[RFC3501] 6.4.5; [RFC7162] 3.1.4.2"""
    assert args(b"a FETCH 1 " + text) == ft.Fetch(numbers((1, 1)), (item,))
    assert args(b"a FETCH 1 (" + text + b")") == ft.Fetch(numbers((1, 1)), (item,))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"()",
        b"FOO",
        b"BODY[",
        b"BODY[0]",
        b"BODY[1.]",
        b"BODY[MIME]",
        b"BODY[1.FOO]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b'BODY[HEADER.FIELDS ("a b")]',
        b"BODY[HEADER.FIELDS (a:)]",
        b"BODY[]<0>",
        b"BODY[]<0.0>",
        b"BODY[]<-1.5>",
        b"BODY[]<0.4294967296>",
        b"BODY.PEEK",
        b"BODYSTRUCTURE[]",
        b"FLAGS UID",
        b"(FLAGS  UID)",
        b"(FLAGS UID",
        b"FLAGS)",
        b"ALL FAST",
        b"BODY[" + b"1." * 100 + b"1]",
        b"(" + b"FLAGS " * 256 + b"UID)",
        b"FLAGS (VANISHED)",
        b"FLAGS (CHANGEDSINCE 9223372036854775808)",
    ],
)
def test_fetch_refuses(text: bytes) -> None:
    assert refused(b"tag FETCH 1 " + text).tag == b"tag"


def test_uid_fetch_adds_the_uid() -> None:
    """[RFC3501] 6.4.8"""
    assert read(b"A999 UID FETCH 4827313:4828442 FLAGS") == t.Command(
        b"A999", "FETCH", ft.Fetch(numbers((4827313, 4828442)), (Item.UID, Item.FLAGS), uid=True)
    )
    assert args(b"a uid fetch * (FLAGS UID)") == ft.Fetch(numbers((t.STAR, t.STAR)), (Item.FLAGS, Item.UID), uid=True)


def test_changedsince_adds_modseq() -> None:
    """[RFC7162] 3.1.4.1"""
    assert args(b"s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)") == ft.Fetch(
        numbers((1, t.STAR)), (Item.UID, Item.FLAGS, Item.MODSEQ), uid=True, changed_since=12345
    )


def test_changedsince_may_be_zero() -> None:
    """A named quirk: the grammar of [RFC7162] 7 wants 1 at least"""
    command = args(b"a FETCH 1 FLAGS (CHANGEDSINCE 0)")
    assert isinstance(command, ft.Fetch)
    assert command.changed_since == 0


def test_a_remembered_fetch_means_the_same() -> None:
    for _ in range(3):
        assert args(b"a FETCH 7 (UID FLAGS)") == ft.Fetch(numbers((7, 7)), (Item.UID, Item.FLAGS))
        assert args(b"a UID FETCH 7 (FLAGS)") == ft.Fetch(numbers((7, 7)), (Item.UID, Item.FLAGS), uid=True)
        assert args(b"a FETCH 7 (FLAGS)") == ft.Fetch(numbers((7, 7)), (Item.FLAGS,))


@pytest.mark.parametrize(
    ("text", "action", "silent"),
    [
        (b"FLAGS", mt.StoreAction.REPLACE, False),
        (b"FLAGS.SILENT", mt.StoreAction.REPLACE, True),
        (b"+flags", mt.StoreAction.ADD, False),
        (b"+FLAGS.SILENT", mt.StoreAction.ADD, True),
        (b"-FLAGS", mt.StoreAction.REMOVE, False),
        (b"-FLAGS.silent", mt.StoreAction.REMOVE, True),
    ],
)
def test_store(text: bytes, action: mt.StoreAction, silent: bool) -> None:
    """[RFC3501] 6.4.6"""
    expected = mt.Store(numbers((2, 4)), action, ("\\Deleted", "$Forwarded"), silent)
    assert args(b"A003 STORE 2:4 " + text + b" (\\deleted $Forwarded \\Deleted)") == expected
    assert args(b"A003 STORE 2:4 " + text + b" \\Deleted $Forwarded") == expected
    assert args(b"A003 STORE 2:4 " + text + b" ()") == mt.Store(numbers((2, 4)), action, (), silent)


def test_store_unchanged_since() -> None:
    """[RFC7162] 3.1.3"""
    assert args(b"a103 UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)") == mt.Store(
        numbers((6, 6), (4, 4), (8, 8)), mt.StoreAction.ADD, ("\\Deleted",), True, 12121230045, uid=True
    )
    assert args(b"a STORE 1 (UNCHANGEDSINCE 0) FLAGS ()") == mt.Store(
        numbers((1, 1)), mt.StoreAction.REPLACE, (), unchanged_since=0
    )


@pytest.mark.parametrize(
    "text",
    [
        b"FLAGS",
        b"FLAGS ",
        b"FLAGS (\\Recent)",
        b"FLAGS (\\Foo)",
        b"FLAGS (\\*)",
        b"FLAGS (a(b))",
        b"=FLAGS (\\Seen)",
        b"FLAGS.LOUD (\\Seen)",
        b"(FOO 1) FLAGS (\\Seen)",
        b"FLAGS (" + b"a " * 1001 + b")",
    ],
)
def test_store_refuses(text: bytes) -> None:
    """[RFC3501] 2.3.2: \\Recent cannot be altered by a client"""
    assert refused(b"t STORE 1 " + text).tag == b"t"


def test_copy_move_expunge() -> None:
    """[RFC3501] 6.4.7; [RFC6851] 3.1, 3.2; [RFC4315] 2.1"""
    assert args(b"A003 COPY 2:4 MEETING") == mt.Copy(numbers((2, 4)), name("MEETING"))
    assert args(b"a UID MOVE 42:69 foo") == mt.Move(numbers((42, 69)), name("foo"), uid=True)
    assert args(b"a MOVE 1 foo") == mt.Move(numbers((1, 1)), name("foo"))
    assert read(b"A003 UID EXPUNGE 3000:3002") == t.Command(
        b"A003", "UID EXPUNGE", mt.UidExpunge(numbers((3000, 3002)))
    )
    assert args(b"a UID COPY 1 x") == mt.Copy(numbers((1, 1)), name("x"), uid=True)
    assert refused(b"a UID NOOP").text == "UID NOOP is not a command"
