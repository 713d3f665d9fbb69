"""SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS ([RFC4314])."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.model import PrincipalKind
from gateway.imap.rights import ALL_LETTERS, LETTERS, TIED, letters, rights
from gateway.services.sharing import principal_of
from store.permissions import ALL, DEFAULT, Rights
from tests.gateway.imap.street import DOMAIN, EDIT, OWN, READ, Street

BOB = '"Other Users/bob@example.test/Box"'


def test_letters_and_rights() -> None:
    """[RFC4314] 2.1, 2.1.1, 2.2, [MS-OXCPERM] 2.2.7: every letter takes one right, and all of them give all letters."""
    assert ALL_LETTERS == "lrswipkxteacd"
    assert rights("lrswipkxtea") == ALL & ~(
        Rights.EDIT_OWNED
        | Rights.DELETE_OWNED
        | Rights.FOLDER_CONTACT
        | Rights.FREE_BUSY_SIMPLE
        | Rights.FREE_BUSY_DETAILED
    )
    assert rights("c") == Rights.CREATE_SUBFOLDER
    assert rights("d") == Rights.DELETE_ANY
    assert letters(Rights.EDIT_OWNED | Rights.DELETE_OWNED | Rights.FOLDER_CONTACT) == ""
    assert sorted("".join(TIED)) == sorted(ALL_LETTERS)
    for group in TIED:
        assert len({rights(letter) for letter in group}) == 1
    assert TIED[-2:] == ("c", "d")
    assert all(each.reason for each in LETTERS)


@given(st.text("lrswipkxteacd", max_size=6))
def test_rights_given_are_rights_told(text: str) -> None:
    """[RFC4314] 3.7: what is told afterwards is what was given with what is tied to it."""
    told = letters(rights(text))
    assert set(text) <= set(told)
    spelled = set(text.replace("c", "ck").replace("d", "dte"))
    tied = {letter for group in TIED if set(group) & spelled for letter in group}
    assert set(told) == tied | ({"c"} if "k" in tied else set()) | ({"d"} if "t" in tied else set())


async def test_the_owner(street: Street) -> None:
    """[RFC4314] 3.3, 3.5, 3.8: the owner has all rights and is always in the list."""
    client = await street.user("bob")
    assert await client.ok("MYRIGHTS INBOX") == [b"* MYRIGHTS INBOX lrswipkxteacd"]
    assert await client.ok("GETACL INBOX") == [b"* ACL INBOX bob@example.test lrswipkxteacd"]
    for identifier in ("owner", "bob@example.test", "BOB@example.test"):
        assert (await client(f"DELETEACL INBOX {identifier}"))[-1].startswith(b"NO")
        assert (await client(f"SETACL INBOX {identifier} lr"))[-1].startswith(b"NO")
        assert (await client(f"SETACL INBOX {identifier} -w"))[-1].startswith(b"NO")
        await client.ok(f"SETACL INBOX {identifier} lrswipkxtea")
        await client.ok(f"SETACL INBOX {identifier} +r")
        assert await client.ok(f"LISTRIGHTS INBOX {identifier}") == [
            f"* LISTRIGHTS INBOX {identifier} lrswipkxteacd".encode()
        ]


async def test_set_add_and_remove(street: Street) -> None:
    """[RFC4314] 3.1, 3.2, 3.6, [MS-OXCPERM] 2.2.2: with what is tied; who was given rights sees the mailbox at once."""
    await (bob := await street.user("bob")).ok("CREATE Box")
    alice = await street.user("alice")
    assert (await alice(f"MYRIGHTS {BOB}"))[-1].startswith(b"NO [NONEXISTENT]")
    await bob.ok("SETACL Box alice@example.test lr")
    assert await alice.ok(f"MYRIGHTS {BOB}") == [b"* MYRIGHTS " + BOB.encode() + b" lr"]
    assert (await alice(f"GETACL {BOB}"))[-1].startswith(b"NO [NOPERM]")
    assert (await alice(f"SETACL {BOB} alice@example.test +a"))[-1].startswith(b"NO [NOPERM]")
    await bob.ok("SETACL Box alice@example.test +si")
    assert (await alice.ok(f"MYRIGHTS {BOB}"))[0].endswith(b" lrswip")
    await bob.ok("SETACL Box alice@example.test -w")
    assert (await alice.ok(f"MYRIGHTS {BOB}"))[0].endswith(b" lrip")
    await bob.ok("SETACL Box anyone l")
    await bob.ok("SETACL Box anonymous r")
    await bob.ok("SETACL Box group:team@example.test lrte")
    await bob.ok("SETACL Box staff@example.test lrk")
    (acl,) = await bob.ok("GETACL Box")
    assert acl == (
        b"* ACL Box bob@example.test lrswipkxteacd anyone l anonymous r alice@example.test lrip"
        b" group:team@example.test lrted group:staff@example.test lrkc"
    )
    await bob.ok("DELETEACL Box alice@example.test")
    await bob.ok("DELETEACL Box alice@example.test")
    assert (await alice.ok(f"MYRIGHTS {BOB}"))[0].endswith(b" l")
    await bob.ok("DELETEACL Box anyone")
    assert (await alice(f"MYRIGHTS {BOB}"))[-1].startswith(b"NO [NONEXISTENT]")


async def test_who_may_administer(street: Street) -> None:
    """[RFC4314] 4: `a` for SETACL DELETEACL GETACL LISTRIGHTS."""
    street.share("bob", "Box", "alice", OWN)
    alice = await street.user("alice")
    await alice.ok(f"SETACL {BOB} carol@example.test lr")
    assert await alice.ok(f"LISTRIGHTS {BOB} carol@example.test") == [
        f'* LISTRIGHTS {BOB} carol@example.test "" l r sw ip k xa te c d'.encode()
    ]
    await alice.ok(f"DELETEACL {BOB} carol@example.test")
    await alice.ok(f"SETACL {BOB} alice@example.test -a")
    assert (await alice(f"LISTRIGHTS {BOB} carol@example.test"))[-1].startswith(b"NO [NOPERM]")


async def test_what_identifiers_can_be(street: Street) -> None:
    """[RFC4314] 2: no negative rights, nobody who is not there; the entry of one who has left can be removed."""
    street.directory.add(PrincipalKind.CONTACT, "friend@elsewhere.example")
    bob = await street.user("bob")
    for identifier in ("-alice@example.test", "nobody@example.test", "group:alice@example.test", "$team", "friend@x"):
        assert (await bob(f"SETACL INBOX {identifier} lr"))[-1].startswith(b"NO"), identifier
    assert (await bob("SETACL INBOX friend@elsewhere.example lr"))[-1].startswith(b"NO")
    dave = street.entry("dave")
    await bob.ok("SETACL INBOX dave@example.test lr")
    street.directory.remove(dave.id)
    assert (await bob.ok("GETACL INBOX"))[0].endswith(f" {dave.guid} lr".encode())
    await bob.ok(f"DELETEACL INBOX {dave.guid}")
    assert await bob.ok("GETACL INBOX") == [b"* ACL INBOX bob@example.test lrswipkxteacd"]


async def test_identifiers_are_prepared(street: Street) -> None:
    """[RFC4314] 3, 9: SASLprep, so what cannot be seen makes no other name, and what is forbidden is refused."""
    bob = await street.user("bob")

    def literal(name: str) -> str:
        return f"{{{len(name.encode())}+}}\r\n{name}"

    prepared, hidden = literal("ca\u00adrol\uff20example.test"), literal("carol\u200b@example.test")
    await bob.ok(f"SETACL INBOX {prepared} lr")
    assert (await bob.ok("GETACL INBOX"))[0].endswith(b" carol@example.test lr")
    for command in ("SETACL INBOX %s lr", "DELETEACL INBOX %s", "LISTRIGHTS INBOX %s"):
        for name in ("carol@example.test\u2028", "\u00ad"):
            assert (await bob(command % literal(name)))[-1].startswith(b"NO"), (command, name)
    await bob.ok(f"DELETEACL INBOX {hidden}")
    assert await bob.ok("GETACL INBOX") == [b"* ACL INBOX bob@example.test lrswipkxteacd"]


async def test_rights_without_a_letter_stay(street: Street) -> None:
    """[MS-OXCPERM] 2.2.7: free/busy and contact are no business of SETACL; the owned ones go with the others."""
    street.share("bob", "Box", "alice", EDIT | Rights.FREE_BUSY_SIMPLE | Rights.FOLDER_CONTACT)
    box = street.box("bob")
    folder = box.folder(("Box",)).id
    bob = await street.user("bob")
    await bob.ok("SETACL Box alice@example.test lr")
    held = {member.principal: member.rights for member in box.permissions(folder)}
    assert held[principal_of(street.entry("alice"))] == READ | Rights.FREE_BUSY_SIMPLE | Rights.FOLDER_CONTACT
    assert held[DEFAULT] == 0


async def test_the_index_follows(street: Street) -> None:
    """docs/decisions/0016: the directory names the mailbox exactly for those who see something of it."""
    bob = street.entry("bob")
    client = await street.user("bob")
    assert street.directory.shows(bob.id) == frozenset()
    await client.ok("SETACL INBOX alice@example.test lr")
    await client.ok("SETACL Drafts group:team@example.test l")
    await client.ok("SETACL Drafts anyone r")
    expected = {street.entry("alice").id, street.entry("team").id}
    assert street.directory.shows(bob.id) == expected
    await client.ok("SETACL Drafts anyone +l")
    assert street.directory.shows(bob.id) == expected | {0}
    await client.ok("DELETEACL INBOX alice@example.test")
    assert street.directory.shows(bob.id) == {0, street.entry("team").id}
    street.directory.remove(bob.id)
    assert street.directory.shows(bob.id) == frozenset()


async def test_rights_in_list(street: Street) -> None:
    """[RFC8440] 3: MYRIGHTS after each mailbox that can be selected."""
    street.share("bob", "Box", "alice", READ)
    client = await street.user("alice")
    assert await client.ok('LIST "" (INBOX "Other Users/bob*") RETURN (MYRIGHTS)') == [
        b'* LIST (\\HasNoChildren) "/" INBOX',
        b"* MYRIGHTS INBOX lrswipkxteacd",
        b'* LIST (\\Noselect \\HasChildren) "/" "Other Users/bob@example.test"',
        b'* LIST (\\HasNoChildren) "/" ' + BOB.encode(),
        b"* MYRIGHTS " + BOB.encode() + b" lr",
    ]


@pytest.mark.parametrize("name", ["team", "alice"])
async def test_new_folders_inherit(street: Street, name: str) -> None:
    """[MS-OXCPERM] 1.3: a folder begins with the permissions of the one above."""
    street.share("bob", "Box", name, READ)
    bob = await street.user("bob")
    await bob.ok("CREATE Box/below")
    assert (await bob.ok("GETACL Box/below"))[0].endswith(f"{name}@{DOMAIN} lr".encode())
