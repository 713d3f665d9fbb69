"""The grammar by example: the inputs of [RFC3501] 6 and of the extensions, and what is refused."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from gateway.imap.protocol import acl_types as at
from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import message_types as mt
from gateway.imap.protocol import metadata_types as et
from gateway.imap.protocol import quota_types as qt
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from gateway.imap.protocol.fetch_types import FetchAttribute as Item
from gateway.imap.protocol.framing import LIMITS, Frame, Framing, LiteralWanted
from gateway.imap.protocol.parser import COMMANDS, parse

CRLF = b"\r\n"


def read(octets: bytes, *, utf8: bool = False) -> t.Command:
    framing = Framing(LIMITS)
    framing.feed(octets + CRLF)
    while isinstance(event := framing.pull(), LiteralWanted):
        pass
    assert isinstance(event, Frame), event
    return parse(event, utf8=utf8)


def args(octets: bytes) -> t.Arguments:
    return read(octets).args


def refused(octets: bytes) -> t.BadCommand:
    with pytest.raises(t.BadCommand) as caught:
        read(octets)
    return caught.value


def name(value: str) -> t.MailboxName:
    return t.MailboxName(value)


def numbers(*ranges: tuple[int, int]) -> t.SequenceSet:
    return t.SequenceSet(ranges)


def body(
    kind: ft.SectionKind = ft.SectionKind.WHOLE,
    part: tuple[int, ...] = (),
    fields: tuple[bytes, ...] = (),
    *,
    peek: bool = False,
    partial: tuple[int, int] | None = None,
    label: bytes,
) -> ft.BodySection:
    return ft.BodySection(ft.Section(part, kind, fields), peek, partial, label)


# --- commands without arguments


@pytest.mark.parametrize(
    "command",
    ["CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "CHECK", "CLOSE", "EXPUNGE", "UNSELECT", "IDLE", "NAMESPACE"],
)
def test_commands_without_arguments(command: str) -> None:
    """[RFC3501] 6.1.1, 6.1.2, 6.1.3, 6.2.1, 6.4.1, 6.4.2, 6.4.3; [RFC3691] 2; [RFC2177] 3; [RFC2342] 5"""
    for spelling in (command, command.lower(), command.title()):
        assert read(b"abcd " + spelling.encode()) == t.Command(b"abcd", command, t.NO_ARGUMENTS)
    assert refused(b"abcd " + command.encode() + b" x").tag == b"abcd"


def test_there_are_no_experimental_commands() -> None:
    """[RFC3501] 6.5.1"""
    assert refused(b"a XLIST x x").text == "Unknown command XLIST"


def test_every_name_is_known() -> None:
    assert {"UID EXPUNGE", "FETCH", "NOOP"} < COMMANDS
    assert "UID" not in COMMANDS


def test_spaces_at_the_end_are_passed_over() -> None:
    """A named quirk of Scanner.end"""
    assert read(b"a NOOP ").name == "NOOP"
    assert args(b"a SELECT x  ") == bt.Select(name("x"), read_only=False)
    assert args(b"a SEARCH ALL ") == st.Search(st.All())


# --- before login


def test_login() -> None:
    """[RFC3501] 6.2.3"""
    assert args(b"a001 LOGIN SMITH SESAME") == t.Login("SMITH", "SESAME")
    assert args(b'a LOGIN "al\\"i\\\\ce" "two words"') == t.Login('al"i\\ce', "two words")
    assert args(b'a LOGIN {5+}\r\nal ce ""') == t.Login("al ce", "")
    assert args(b"a LOGIN alice pass]word") == t.Login("alice", "pass]word")


def test_login_takes_backslashes_unquoted() -> None:
    """A named quirk of Scanner.login_string; [MS-OXIMAP4] 2.2.2"""
    assert args(b"a LOGIN EXAMPLE\\alice se\\cret") == t.Login("EXAMPLE\\alice", "se\\cret")
    assert args(b"a LOGIN example/alice/sales secret") == t.Login("example/alice/sales", "secret")


def test_login_takes_8_bit_octets() -> None:
    assert args('a LOGIN "jürgen" päss'.encode()) == t.Login("jürgen", "päss")
    assert args('a LOGIN "jürgen" x'.encode("latin-1")) == t.Login("jürgen", "x")


def test_a_password_is_not_shown() -> None:
    assert "SESAME" not in repr(read(b"a001 LOGIN SMITH SESAME"))
    assert "AGE" not in repr(read(b"a001 AUTHENTICATE PLAIN AGE="))


def test_authenticate() -> None:
    """[RFC3501] 6.2.2, [RFC4959] 3"""
    assert args(b"a AUTHENTICATE gssapi") == t.Authenticate("GSSAPI")
    assert args(b"C01 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=") == t.Authenticate("PLAIN", b"dGVzdAB0ZXN0AHRlc3Q=")
    assert args(b"D00 AUTHENTICATE EXTERNAL =") == t.Authenticate("EXTERNAL", b"=")
    assert refused(b"a AUTHENTICATE PLAIN a*b").tag == b"a"
    assert refused(b"a AUTHENTICATE").tag == b"a"


def test_id() -> None:
    """[RFC2971] 3.1"""
    assert args(b"a023 ID NIL") == t.Id(None)
    assert args(b'a042 ID ("name" "sodr" "version" NIL)') == t.Id((("name", "sodr"), ("version", None)))
    assert args(b"a ID ()") == t.Id(())
    assert args(b'a ID ("name" {4+}\r\nsodr)') == t.Id((("name", "sodr"),))


def test_id_limits() -> None:
    """[RFC2971] 3.3"""
    thirty = b" ".join(b'"k%d" "v"' % number for number in range(30))
    assert isinstance(args(b"a ID (" + thirty + b")"), t.Id)
    refused(b"a ID (" + thirty + b' "one" "more")')
    refused(b'a ID ("' + b"x" * 31 + b'" NIL)')
    refused(b'a ID ("x" "' + b"x" * 1025 + b'")')


def test_enable() -> None:
    """[RFC5161] 3.1"""
    assert args(b"t1 ENABLE CONDSTORE x-good-idea") == t.Enable(("CONDSTORE", "X-GOOD-IDEA"))
    refused(b"t1 ENABLE")


# --- mailboxes


def test_select_and_examine() -> None:
    """[RFC3501] 6.3.1, 6.3.2; [RFC7162] 3.1.8"""
    assert args(b"A142 SELECT INBOX") == bt.Select(name("INBOX"), read_only=False)
    assert read(b"A932 EXAMINE blurdybloop") == t.Command(
        b"A932", "EXAMINE", bt.Select(name("blurdybloop"), read_only=True)
    )
    assert args(b"A142 SELECT INBOX (CONDSTORE)") == bt.Select(name("INBOX"), False, condstore=True)
    assert refused(b"A142 SELECT INBOX (FOO)").text == "Unknown parameter FOO"


@pytest.mark.parametrize("spelling", [b"inbox", b"InBox", b'"INBOX"', b"{5+}\r\niNBOX"])
def test_inbox_in_any_case(spelling: bytes) -> None:
    """[RFC3501] 5.1"""
    assert args(b"a SELECT " + spelling) == bt.Select(name("INBOX"), read_only=False)


def test_inbox_in_ascii_only() -> None:
    """The capital of a dotless i is I"""
    assert args(b"a SELECT &ATE-nbox") == bt.Select(name("\u0131nbox"), read_only=False)


def test_inbox_above_other_names() -> None:
    assert args(b"a SELECT inbox/Sub") == bt.Select(name("INBOX/Sub"), read_only=False)
    assert args(b"a SELECT inboxes") == bt.Select(name("inboxes"), read_only=False)


def test_mailbox_names_are_decoded() -> None:
    """[RFC3501] 5.1.3"""
    command = args(b"a CREATE Entw&APw-rfe")
    assert command == bt.Create(name("Entwürfe"))
    assert isinstance(command, bt.Create)
    assert command.mailbox.raw == b"Entw&APw-rfe"
    assert "modified UTF-7" in refused(b"a CREATE Entw&APw").text
    refused('a CREATE "Entwürfe"'.encode())
    assert read('a CREATE "Entwürfe&"'.encode(), utf8=True).args == bt.Create(name("Entwürfe&"))


def test_mailbox_names_hold_no_controls() -> None:
    refused(b"a CREATE {3+}\r\na\0b")
    refused(b"a CREATE {4+}\r\na\r\nb")


def test_create_delete_rename_subscribe() -> None:
    """[RFC3501] 6.3.3, 6.3.4, 6.3.5, 6.3.6, 6.3.7"""
    assert args(b"A003 CREATE owatagusiam/") == bt.Create(name("owatagusiam/"))
    assert args(b"A683 DELETE blurdybloop") == bt.OneMailbox(name("blurdybloop"))
    assert args(b"Z433 RENAME INBOX old-mail") == bt.Rename(name("INBOX"), name("old-mail"))
    assert args(b"A002 SUBSCRIBE #news.comp.mail.mime") == bt.OneMailbox(name("#news.comp.mail.mime"))
    assert read(b"A002 UNSUBSCRIBE #news.comp.mail.mime").name == "UNSUBSCRIBE"


def test_create_with_special_use() -> None:
    """[RFC6154] 3, 5.3"""
    assert args(b"t2 CREATE MySpecial (USE (\\Drafts \\Sent))") == bt.Create(name("MySpecial"), ("\\Drafts", "\\Sent"))
    assert args(b"t2 CREATE MySpecial (USE ())") == bt.Create(name("MySpecial"))
    refused(b"t2 CREATE MySpecial (USE Drafts)")


@pytest.mark.parametrize(
    ("octets", "reference", "pattern"),
    [
        (b'A101 LIST "" ""', "", ""),
        (b'A102 LIST #news.comp.mail.misc ""', "#news.comp.mail.misc", ""),
        (b'A103 LIST /usr/staff/jones ""', "/usr/staff/jones", ""),
        (b"A202 LIST ~/Mail/ %", "~/Mail/", "%"),
        (b'a LIST "" "Entw&APw-*"', "", "Entwü*"),
        (b'a LIST "" {1+}\r\n*', "", "*"),
        (b'a LIST "" inbox', "", "INBOX"),
    ],
)
def test_list(octets: bytes, reference: str, pattern: str) -> None:
    """[RFC3501] 6.3.8"""
    assert args(octets) == bt.List(name(reference), (name(pattern),))


def test_lsub() -> None:
    """[RFC3501] 6.3.9"""
    assert args(b'A002 LSUB "#news." "comp.mail.*"') == bt.List(
        name("#news."), (name("comp.mail.*"),), subscribed_only=True
    )


def test_list_with_the_options_of_special_use() -> None:
    """[RFC6154] 2, 5.2"""
    assert args(b't1 LIST (SPECIAL-USE) "" "*"') == bt.List(
        name(""), (name("*"),), select=frozenset({bt.ListOption.SPECIAL_USE}), extended=True
    )
    assert args(b't2 LIST "" ("INBOX" "Sent") RETURN (SPECIAL-USE CHILDREN SUBSCRIBED)') == bt.List(
        name(""),
        (name("INBOX"), name("Sent")),
        returns=frozenset({bt.ListOption.SPECIAL_USE, bt.ListOption.CHILDREN, bt.ListOption.SUBSCRIBED}),
        extended=True,
    )
    assert args(b't3 LIST () "" % return ()') == bt.List(name(""), (name("%"),), extended=True)
    refused(b't3 LIST (RECURSIVEMATCH) "" %')
    refused(b't3 LIST "" % RETURN (STATUS)')


def test_status() -> None:
    """[RFC3501] 6.3.10, [RFC7162] 3.1.7"""
    assert args(b"A042 STATUS blurdybloop (UIDNEXT MESSAGES)") == bt.Status(
        name("blurdybloop"), (bt.StatusItem.UIDNEXT, bt.StatusItem.MESSAGES)
    )
    assert args(b"a STATUS x (highestmodseq unseen recent uidvalidity unseen)") == bt.Status(
        name("x"),
        (bt.StatusItem.HIGHESTMODSEQ, bt.StatusItem.UNSEEN, bt.StatusItem.RECENT, bt.StatusItem.UIDVALIDITY),
    )
    refused(b"a STATUS x ()")
    assert refused(b"a STATUS x (FOO)").text == "Unknown STATUS item FOO"


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


# --- SEARCH


def flag(name: str, present: bool = True) -> st.FlagKey:
    return st.FlagKey(name, present)


SEARCHES: list[tuple[bytes, st.SearchKey]] = [
    (
        b'FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"',
        st.And(
            (
                flag("\\Flagged"),
                st.DateKey(st.DateRelation.SINCE, dt.date(1994, 2, 1), sent=False),
                st.Not(st.EnvelopeKey("FROM", "Smith")),
            )
        ),
    ),
    (b'TEXT "string not in mailbox"', st.TextKey("string not in mailbox", headers=True)),
    (b"2:4,*", st.SequenceKey(numbers((2, 4), (0, 0)))),
    (b"ALL", st.All()),
    (b"ANSWERED", flag("\\Answered")),
    (b"BCC a", st.EnvelopeKey("BCC", "a")),
    (b"BEFORE 1-feb-1994", st.DateKey(st.DateRelation.BEFORE, dt.date(1994, 2, 1), sent=False)),
    (b"BODY x", st.TextKey("x", headers=False)),
    (b"CC a", st.EnvelopeKey("CC", "a")),
    (b"DELETED", flag("\\Deleted")),
    (b"DRAFT", flag("\\Draft")),
    (b"FLAGGED", flag("\\Flagged")),
    (b'HEADER X-Spam ""', st.HeaderKey("X-Spam", "")),
    (b"KEYWORD $Forwarded", flag("$Forwarded")),
    (b"LARGER 4096", st.SizeKey(4096, larger=True)),
    (b"NEW", st.And((st.RecentKey(True), flag("\\Seen", False)))),
    (b"OLD", st.RecentKey(False)),
    (b'ON "1-Feb-1994"', st.DateKey(st.DateRelation.ON, dt.date(1994, 2, 1), sent=False)),
    (
        b"OR SEEN (TO a SUBJECT b)",
        st.Or(flag("\\Seen"), st.And((st.EnvelopeKey("TO", "a"), st.EnvelopeKey("SUBJECT", "b")))),
    ),
    (b"RECENT", st.RecentKey(True)),
    (b"SENTBEFORE 01-Feb-1994", st.DateKey(st.DateRelation.BEFORE, dt.date(1994, 2, 1), sent=True)),
    (b"SENTON 28-Feb-1994", st.DateKey(st.DateRelation.ON, dt.date(1994, 2, 28), sent=True)),
    (b"SENTSINCE 28-Feb-1994", st.DateKey(st.DateRelation.SINCE, dt.date(1994, 2, 28), sent=True)),
    (b"SMALLER 1", st.SizeKey(1, larger=False)),
    (b"UID 443:557", st.UidKey(numbers((443, 557)))),
    (b"UNANSWERED UNDELETED", st.And((flag("\\Answered", False), flag("\\Deleted", False)))),
    (b"UNDRAFT UNFLAGGED", st.And((flag("\\Draft", False), flag("\\Flagged", False)))),
    (b"UNKEYWORD x", flag("x", False)),
    (b"UNSEEN", flag("\\Seen", False)),
    (b"((SEEN))", flag("\\Seen")),
    (b"NOT NOT ALL", st.Not(st.Not(st.All()))),
    (b'SUBJECT {3+}\r\na"b', st.EnvelopeKey("SUBJECT", 'a"b')),
]


@pytest.mark.parametrize(("text", "key"), SEARCHES)
def test_search(text: bytes, key: st.SearchKey) -> None:
    """[RFC3501] 6.4.4"""
    assert args(b"A282 SEARCH " + text) == st.Search(key)
    assert args(b"A282 UID SEARCH " + text) == st.Search(key, uid=True)


def test_search_with_a_charset() -> None:
    """[RFC3501] 6.4.4: the example with CHARSET UTF-8 and a literal"""
    text = "Привет"
    literal = b"{%d+}\r\n%b" % (len(text.encode()), text.encode())
    assert args(b"A284 SEARCH CHARSET UTF-8 TEXT " + literal) == st.Search(
        st.TextKey(text, headers=True), charset="UTF-8"
    )
    assert args(b'a SEARCH CHARSET KOI8-R TEXT "' + text.encode("koi8-r") + b'"') == st.Search(
        st.TextKey(text, headers=True), charset="KOI8-R"
    )


def test_search_in_an_unknown_charset() -> None:
    """[RFC3501] 6.4.4, 7.1: NO with BADCHARSET"""
    error = refused(b"a SEARCH CHARSET X-UNKNOWN ALL")
    assert isinstance(error, t.UnsupportedCharset)
    assert "UTF-8" in error.charsets
    for codec in (b"rot13", b"idna", b"utf-7", b"zlib"):
        assert isinstance(refused(b"a SEARCH CHARSET " + codec + b" ALL"), t.UnsupportedCharset)


def test_search_texts_outside_their_charset() -> None:
    assert not isinstance(refused(b'a SEARCH CHARSET US-ASCII TEXT "\xe9"'), t.UnsupportedCharset)
    refused(b'a SEARCH CHARSET UTF-8 TEXT "\xe9"')


def test_search_without_a_charset_takes_8_bit_octets() -> None:
    """A named quirk"""
    assert args('a SEARCH TEXT "é"'.encode()) == st.Search(st.TextKey("é", headers=True))
    assert args(b'a SEARCH TEXT "\xe9"') == st.Search(st.TextKey("é", headers=True))


def test_search_by_modseq() -> None:
    """[RFC7162] 3.1.5"""
    assert args(b'a SEARCH MODSEQ "/flags/\\\\draft" all 620162338') == st.Search(
        st.ModSeqKey(620162338, "/flags/\\draft", "all"), modseq=True
    )
    assert args(b"t SEARCH OR NOT MODSEQ 720162338 LARGER 50000") == st.Search(
        st.Or(st.Not(st.ModSeqKey(720162338)), st.SizeKey(50000, larger=True)), modseq=True
    )
    refused(b'a SEARCH MODSEQ "/foo" all 1')
    refused(b'a SEARCH MODSEQ "/flags/x" some 1')


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"FOO",
        b"()",
        b"(SEEN",
        b"SEEN)",
        b"OR SEEN",
        b"NOT",
        b"FROM",
        b"SINCE yesterday",
        b"SINCE 30-Feb-1994",
        b"LARGER x",
        b"LARGER 4294967296",
        b"KEYWORD \\Seen",
        b"0",
        b"1:",
        b"UID",
        b"SEEN  DELETED",
        b"CHARSET UTF-8",
        b"NOT " * 51 + b"ALL",
        b"(" * 52 + b"ALL" + b")" * 52,
        b"OR " * 51 + b"ALL" + b" ALL" * 51,
        b"SEEN " * 2000 + b"SEEN",
    ],
)
def test_search_refuses(text: bytes) -> None:
    assert refused(b"t SEARCH " + text).tag == b"t"


def test_nesting_up_to_the_limit() -> None:
    assert isinstance(args(b"a SEARCH " + b"NOT " * 50 + b"ALL"), st.Search)
    assert isinstance(args(b"a SEARCH " + b"(" * 50 + b"ALL" + b")" * 50), st.Search)


# --- tags and strings


@pytest.mark.parametrize(
    ("octets", "tag"),
    [
        (b"a", b"a"),
        (b"a ", b"a"),
        (b"a foo", b"a"),
        (b"a 1", b"a"),
        (b"a+b NOOP", b"*"),
        (b"+ NOOP", b"*"),
        (b" NOOP", b"*"),
        (b"* NOOP", b"*"),
        (b"\xff NOOP", b"*"),
        (b"a\0 NOOP", b"*"),
        (b"x" * 101 + b" NOOP", b"*"),
        (b"a  NOOP", b"a"),
        (b'a SELECT "x', b"a"),
        (b'a SELECT "x\\y"', b"a"),
        (b'a SELECT "x\0y"', b"a"),
        (b"a SELECT x y", b"a"),
        (b"a SELECT", b"a"),
        (b"a SELECT ", b"a"),
        (b"a SELECT x {1+}\r\ny", b"a"),
        (b"a NOOP {1+}\r\ny", b"a"),
        (b"a SELECT {1+}\r\nx y", b"a"),
        (b"a SELECT x{1+}\r\ny", b"a"),
        (b"a FETCH 1:4294967296 FLAGS", b"a"),
        (b"a COPY 1", b"a"),
    ],
)
def test_broken_commands_keep_their_tag(octets: bytes, tag: bytes) -> None:
    """[RFC3501] 2.2.1, 4.1, 4.2, 7.1.3: untagged where the tag cannot be told"""
    error = refused(octets)
    assert error.tag == tag
    assert error.text.isascii()
    assert error.text.isprintable()


def test_unusual_tags() -> None:
    """[RFC3501] 9 `tag`: any ASTRING-CHAR but +"""
    for tag in (b"]", b"A1.b-c", b"#$&", b"x" * 100):
        assert read(tag + b" NOOP").tag == tag


def test_long_uid_lists() -> None:
    """[RFC7162] 4 asks for 8,192 octets; clients send 64 KiB"""
    text = b",".join(b"%d" % number for number in range(1, 11_000))
    command = args(b"a UID FETCH " + text + b" (FLAGS)")
    assert isinstance(command, ft.Fetch)
    assert len(command.messages.ranges) == 10_999


def test_the_cost_is_linear() -> None:
    def cost(size: int) -> float:
        frame = Frame((b"a SEARCH " + b"SUBJECT " + b'"' + b"\\\\" * size + b'"',))
        start = time.process_time()
        parse(frame)
        return time.process_time() - start

    cost(1000)
    small = min(cost(20_000) for _ in range(3)) + 0.0005
    assert min(cost(400_000) for _ in range(3)) < small * 20 * 4


def test_a_string_that_never_ends_is_found_out_at_once() -> None:
    """Found by fuzzing: nested quantifiers made this exponential"""
    start = time.process_time()
    refused(b'a SELECT "' + b"x" * 60_000)
    refused(b'a SELECT "' + b'x\\"' * 20_000 + b"\\x")
    assert time.process_time() - start < 1


def test_a_long_chain_of_or_is_taken() -> None:
    """Clients look for many messages at once with OR nested to the right ([RFC3501] 6.4.4)."""
    count = 900
    keys = " ".join(f"OR HEADER Message-ID <{n}@x>" for n in range(count - 1)) + f" HEADER Message-ID <{count - 1}@x>"
    search = args(f"a SEARCH {keys}".encode())
    assert isinstance(search, st.Search)
    found = []
    todo, depth = [(search.key, 0)], 0
    while todo:
        key, level = todo.pop()
        depth = max(depth, level)
        if isinstance(key, st.Or):
            todo += [(key.right, level + 1), (key.left, level + 1)]
        else:
            assert isinstance(key, st.HeaderKey)
            found.append(key.value)
    assert found == [f"<{n}@x>" for n in range(count)]
    assert depth <= 11


def test_extended_list() -> None:
    """[RFC5258] 3, 6, [RFC5819] 4, [RFC8440] 5, [RFC9590] 5"""
    assert args(b'a LIST (SUBSCRIBED RECURSIVEMATCH REMOTE) "" (a b/%) RETURN (CHILDREN)') == bt.List(
        name(""),
        (name("a"), name("b/%")),
        select=frozenset({bt.ListOption.SUBSCRIBED, bt.ListOption.RECURSIVEMATCH, bt.ListOption.REMOTE}),
        returns=frozenset({bt.ListOption.CHILDREN}),
        extended=True,
    )
    assert args(
        b'a LIST "" % RETURN (STATUS (MESSAGES size) MYRIGHTS METADATA ("/shared/Comment" /private/x) SUBSCRIBED)'
    ) == bt.List(
        name(""),
        (name("%"),),
        returns=frozenset({bt.ListOption.MYRIGHTS, bt.ListOption.SUBSCRIBED}),
        extended=True,
        status=(bt.StatusItem.MESSAGES, bt.StatusItem.SIZE),
        metadata=("/shared/comment", "/private/x"),
    )
    assert args(b'a LIST (SPECIAL-USE RECURSIVEMATCH) "" *').select >= {bt.ListOption.RECURSIVEMATCH}
    refused(b'a LIST (RECURSIVEMATCH REMOTE) "" %')
    refused(b'a LIST (CHILDREN) "" %')
    refused(b'a LIST "" % RETURN (REMOTE)')
    refused(b'a LIST "" % RETURN (STATUS ())')
    refused(b'a LIST "" % RETURN (METADATA ())')
    refused(b'a LIST "" ()')


def test_acl() -> None:
    """[RFC4314] 3.1, 3.2, 3.3, 3.4, 3.5, 7"""
    assert args(b"A1 GETACL INBOX/Drafts") == at.Acl(name("INBOX/Drafts"))
    assert args(b"A1 MYRIGHTS inbox") == at.Acl(name("INBOX"))
    assert args(b"B1 DELETEACL INBOX Fred") == at.Identified(name("INBOX"), "Fred")
    assert args(b"a LISTRIGHTS x {3+}\r\n\xc3\xa9a") == at.Identified(name("x"), "\xe9a")
    assert args(b"A035 SETACL x Fred rwipslxetad") == at.SetAcl(
        name("x"), "Fred", at.RightsChange.REPLACE, "rwipslxetad"
    )
    assert args(b'A SETACL x Fred ""') == at.SetAcl(name("x"), "Fred", at.RightsChange.REPLACE, "")
    assert args(b"A SETACL x Fred +cda") == at.SetAcl(name("x"), "Fred", at.RightsChange.ADD, "cda")
    assert args(b"A SETACL x -Fred -lr") == at.SetAcl(name("x"), "-Fred", at.RightsChange.REMOVE, "lr")
    for wrong in (b"a SETACL x Fred lrq", b"a SETACL x Fred L", b"a SETACL x Fred 1", b'a SETACL x "" l'):
        refused(wrong)
    refused(b"a SETACL x Fred")
    refused(b"a LISTRIGHTS x {1+}\r\n\xff")


def test_quota() -> None:
    """[RFC9208] 4.1.1, 4.1.2, 4.1.3, 7"""
    assert args(b'S0 GETQUOTA "!partition/sda4"') == qt.GetQuota("!partition/sda4")
    assert args(b'A GETQUOTA ""') == qt.GetQuota("")
    assert args(b"G0003 GETQUOTAROOT INBOX") == qt.GetQuotaRoot(name("INBOX"))
    assert args(b'S0 SETQUOTA "#user/alice" (storage 510 MESSAGE 0)') == qt.SetQuota(
        "#user/alice", (qt.Resource("STORAGE", 510), qt.Resource("MESSAGE", 0))
    )
    assert args(b"S0 SETQUOTA x ()") == qt.SetQuota("x", ())
    refused(b"S0 SETQUOTA x (STORAGE)")
    refused(b"S0 SETQUOTA x (STORAGE -1)")
    refused(b"S0 SETQUOTA x (STORAGE 9223372036854775808)")


def test_metadata() -> None:
    """[RFC5464] 3.2.1, 4.2, 4.2.1, 4.2.2, 4.3, 5"""
    assert args(b'a GETMETADATA "" /shared/comment') == et.GetMetadata(name(""), ("/shared/comment",))
    whole = et.GetMetadata(name("INBOX"), ("/shared/comment", "/private/comment"), 1024, et.INFINITY)
    assert args(b"a GETMETADATA (DEPTH infinity MAXSIZE 1024) INBOX (/shared/Comment /PRIVATE/comment)") == whole
    assert args(b"a GETMETADATA INBOX (MAXSIZE 1024 DEPTH infinity) (/shared/comment /private/comment)") == whole
    assert args(b'a SETMETADATA INBOX (/private/comment "My new comment" /shared/x NIL /private/y ~{2+}\r\n\0a)') == (
        et.SetMetadata(
            name("INBOX"),
            (
                et.EntryValue("/private/comment", b"My new comment"),
                et.EntryValue("/shared/x", None),
                et.EntryValue("/private/y", b"\0a"),
            ),
        )
    )
    for entry in (b"/comment", b"comment", b"/shared/", b"/shared//x", b'"/shared/*"', b'"/shared/%"', b"/sharedx/y"):
        refused(b"a GETMETADATA INBOX " + entry)
    refused(b"a GETMETADATA (DEPTH 2) INBOX /shared/x")
    refused(b"a GETMETADATA (WIDTH 2) INBOX /shared/x")
    refused(b"a SETMETADATA INBOX ()")
