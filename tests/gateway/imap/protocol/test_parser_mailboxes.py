"""The grammar by example: names of mailboxes, and the commands about mailboxes."""

from __future__ import annotations

import pytest

from gateway.imap.protocol import acl_types as at
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import metadata_types as et
from gateway.imap.protocol import quota_types as qt
from gateway.imap.protocol import types as t
from tests.gateway.imap.protocol.grammar import args, name, read, refused


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
