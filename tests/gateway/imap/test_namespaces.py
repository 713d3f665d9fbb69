"""Other people's mailboxes: names, visibility, and rights in every command ([RFC2342], [RFC4314] 4)."""

from __future__ import annotations

import pytest

from directory.model import GrantKind
from gateway.imap.commands.patterns import NamePattern
from gateway.services import sharing
from store.errors import Unavailable
from store.ids import MessageFlag
from store.mailbox import Mailbox
from store.permissions import Rights
from tests.gateway.imap.harness import Client
from tests.gateway.imap.street import EDIT, OWN, READ, SEE, Street
from tests.support.storemail import deliver

BOB = '"Other Users/bob@example.test'
NEWS = '"Public Folders/news@example.test'


async def names(client: Client, command: str) -> list[str]:
    return [line.partition(b'"/" ')[2].decode().strip('"') for line in await client.ok(command)]


async def test_namespace(street: Street) -> None:
    """[RFC2342] 5."""
    client = await street.user("alice")
    assert await client.ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Public Folders/" "/"))']


async def test_what_is_seen_is_listed(street: Street) -> None:
    """[RFC2342] 5: LIST over namespaces; a level that only leads to something is a name ([RFC3501] 6.3.8)."""
    street.share("bob", "Projects/Plans", "alice", READ)
    street.share("carol", "Secret", "bob", READ)
    client = await street.user("alice")
    others = [
        "Other Users",
        "Other Users/bob@example.test",
        "Other Users/bob@example.test/Projects/Plans",
    ]
    hidden = "Other Users/bob@example.test/Projects"
    sales = [line for line in await names(client, 'LIST "" "Other Users/sales*"') if "/" in line]
    assert "Other Users/sales@example.test/INBOX" in sales
    everything = await names(client, 'LIST "" *')
    assert [name for name in everything if name.startswith("Other") and "sales" not in name] == others
    assert (await client.ok('LIST "" "Other Users"')) == [b'* LIST (\\Noselect \\HasChildren) "/" "Other Users"']
    assert await names(client, 'LIST "" "Other Users/%"') == [others[1], "Other Users/sales@example.test"]
    assert "Other Users" in await names(client, 'LIST "" %')
    assert await names(client, 'LIST "" "Other Users/bob@example.test/%"') == [hidden]
    assert await names(client, 'LIST "Other Users/" "%/Projects/*"') == [others[2]]
    dave = await street.user("dave")
    assert [name for name in await names(dave, 'LIST "" *') if name.startswith(("Other", "Public"))] == []
    assert await names(dave, 'LIST "" "Other Users*"') == []


async def test_only_mailboxes_that_the_index_names_are_opened(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/decisions/0016: nobody opens every mailbox to list three, and `%` at the top opens one at most."""
    for name in ("bob", "carol"):
        street.share(name, "Shared", "dave", READ)
    street.share("alice", "Shared", "carol", READ)
    opened: list[str] = []
    real = sharing.Sharing.open

    def count(self: sharing.Sharing, guest: sharing.Guest, owner: sharing.Principal) -> object:
        opened.append(owner.account)
        return real(self, guest, owner)

    monkeypatch.setattr(sharing.Sharing, "open", count)
    client = await street.user("dave")
    await client.ok('LIST "" INBOX')
    assert opened == []
    assert "Other Users" in await names(client, 'LIST "" %')
    assert opened == ["bob", "news"]
    del opened[:]
    assert len(await names(client, 'LIST "" "Other Users/carol*"')) == 2
    assert opened == ["carol"]


@pytest.mark.parametrize(
    ("pattern", "prefix", "may"),
    [
        ("*", "a/", True),
        ("%", "a/", False),
        ("%", "a", True),
        ("a/%", "a/", True),
        ("a/b", "a/", True),
        ("b*", "a/", False),
        ("%/c", "a/b/", False),
        ("a%/c", "ab/", True),
    ],
)
def test_how_far_a_pattern_reaches(pattern: str, prefix: str, may: bool) -> None:
    assert NamePattern(pattern).reaches(prefix) is may


async def test_a_hidden_folder_is_a_missing_one(street: Street) -> None:
    """[RFC4314] 6: no command tells a folder that is not to be seen from one that is not there."""
    street.share("bob", "Open", "alice", READ)
    street.box("bob").create_folder(("Closed",))
    client = await street.user("alice")
    for command in (
        "SELECT {}",
        "EXAMINE {}",
        "STATUS {} (MESSAGES)",
        "DELETE {}",
        "RENAME {} Mine",
        "GETACL {}",
        "SETACL {} alice@example.test +r",
        "DELETEACL {} alice@example.test",
        "LISTRIGHTS {} alice@example.test",
        "MYRIGHTS {}",
        "GETQUOTAROOT {}",
        "GETMETADATA {} /shared/comment",
        "SETMETADATA {} (/private/comment NIL)",
        "APPEND {} {{1+}}\r\nx",
    ):
        told = {
            tuple(await client(command.format(name)))
            for name in (
                f'{BOB}/Closed"',
                f'{BOB}/Nothing"',
                '"Other Users/carol@example.test/INBOX"',
                '"Other Users/nobody@example.test/INBOX"',
            )
        }
        assert len(told) == 1, command
        assert next(iter(told))[0][:2] == b"NO"
    for name in ('"Other Users/carol@example.test/x"', '"Other Users/nobody@example.test/x"'):
        assert (await client(f"CREATE {name}"))[-1].startswith(b"NO [NONEXISTENT]")


async def test_names_of_the_namespaces_themselves(street: Street) -> None:
    """[RFC2342] 5: they are levels of names and can neither be made nor opened."""
    street.share("bob", "Open", "alice", OWN)
    client = await street.user("alice")
    for name in ('"Other Users"', '"Other Users/"', '"public folders"', f'{BOB}"', f'{BOB}/"'):
        assert (await client(f"CREATE {name}"))[-1].startswith(b"NO [CANNOT]"), name
        assert (await client(f"SELECT {name}"))[-1].startswith(b"NO"), name
        assert (await client(f"RENAME Drafts {name}"))[-1].startswith(b"NO"), name
    assert (await client('SELECT "Other Users/bob@example.test//x"'))[-1].startswith(b"NO [CANNOT]")
    await client.ok('SELECT "other users/BOB@example.test/open"')


async def test_reading_takes_the_right_to_read(street: Street) -> None:
    """[RFC4314] 4: SELECT EXAMINE STATUS take `r`; `l` alone lists."""
    street.share("bob", "Seen", "alice", SEE)
    client = await street.user("alice")
    assert f"{BOB[1:]}/Seen" in await names(client, 'LIST "" *')
    for command in ("SELECT", "EXAMINE", "STATUS"):
        items = " (MESSAGES)" if command == "STATUS" else ""
        assert (await client(f'{command} {BOB}/Seen"{items}'))[-1].startswith(b"NO [NOPERM]")


async def test_a_mailbox_that_may_only_be_read(street: Street) -> None:
    """[RFC4314] 5.1.1, 5.2: READ-ONLY and no PERMANENTFLAGS; FETCH sets no \\Seen, STORE is refused."""
    street.share("bob", "Mail", "alice", READ)
    row = street.box("bob").folder(("Mail",))
    deliver(street.box("bob"), row.id)
    client = await street.user("alice")
    lines = await client(f'SELECT {BOB}/Mail"')
    assert b"* OK [PERMANENTFLAGS ()] Read-only mailbox." in lines
    assert lines[-1].startswith(b"OK [READ-ONLY]")
    (fetched,) = await client.ok("FETCH 1 BODY[HEADER.FIELDS (SUBJECT)]")
    assert b"FLAGS" not in fetched
    assert (await client("STORE 1 +FLAGS (\\Flagged)"))[-1].startswith(b"NO")
    assert (await client("EXPUNGE"))[-1].startswith(b"NO")
    await client.ok("SEARCH ALL")
    await client.ok("COPY 1 INBOX")
    assert (await client("MOVE 1 INBOX"))[-1].startswith(b"NO")
    await client.ok("CLOSE")


async def test_flags_by_rights(street: Street) -> None:
    """[RFC4314] 4, 5.1.1: `t` alone changes \\Deleted, and STORE does not fail for the rest."""
    street.share("bob", "Mail", "alice", READ | Rights.DELETE_ANY)
    bob = street.box("bob")
    row = bob.folder(("Mail",))
    deliver(bob, row.id)
    client = await street.user("alice")
    lines = await client(f'SELECT {BOB}/Mail"')
    assert b"* OK [PERMANENTFLAGS (\\Deleted)] Flags permitted." in lines
    assert lines[-1].startswith(b"OK [READ-WRITE]")
    await client.ok("FETCH 1 BODY[]")
    assert await client.ok("STORE 1 FLAGS (\\Deleted \\Flagged)") == [b"* 1 FETCH (FLAGS (\\Recent \\Deleted))"]
    assert bob.rows(row.id)[0].flags & (MessageFlag.SEEN | MessageFlag.FLAGGED | MessageFlag.DELETED) == (
        MessageFlag.DELETED
    )
    assert (await client("STORE 1 +FLAGS (\\Flagged)"))[-1].startswith(b"NO [NOPERM]")
    assert await client.ok("EXPUNGE") == [b"* 1 EXPUNGE"]
    street.share("bob", "Mail", "alice", READ | Rights.EDIT_ANY)
    deliver(bob, row.id)
    lines = await client(f'SELECT {BOB}/Mail"')
    assert any(
        b"\\Seen" in line and b"\\*" in line and b"\\Deleted" not in line for line in lines if b"PERMANENT" in line
    )
    await client.ok("STORE 1 +FLAGS (\\Seen \\Deleted)")
    bob.set_flags(row.id, [2], add=MessageFlag.DELETED)
    await client.ok("CLOSE")
    assert len(bob.rows(row.id)) == 1


async def test_making_and_removing_folders(street: Street) -> None:
    """[RFC4314] 4: CREATE takes `k` above, DELETE and RENAME `x`, RENAME `k` at the target."""
    street.share("bob", "Box", "alice", READ)
    client = await street.user("alice")
    assert (await client(f'CREATE {BOB}/Box/a"'))[-1].startswith(b"NO [NOPERM]")
    street.share("bob", "Box", "alice", READ | Rights.CREATE_SUBFOLDER)
    await client.ok(f'CREATE {BOB}/Box/a"')
    assert (await client(f'DELETE {BOB}/Box/a"'))[-1].startswith(b"NO [NOPERM]")
    assert (await client(f'RENAME {BOB}/Box/a" {BOB}/Box/b"'))[-1].startswith(b"NO [NOPERM]")
    street.share("bob", "Box/a", "alice", READ | Rights.FOLDER_OWNER)
    assert (await client(f'RENAME {BOB}/Box/a" {BOB}/b"'))[-1].startswith(b"NO [NOPERM]")
    assert (await client(f'RENAME {BOB}/Box/a" mine"'.replace(' mine"', " mine")))[-1].startswith(b"NO [CANNOT]")
    await client.ok(f'RENAME {BOB}/Box/a" {BOB}/Box/b"')
    await client.ok(f'DELETE {BOB}/Box/b"')
    assert [row.path for row in street.box("bob").folders() if row.path[0] == "Box"] == [("Box",)]


async def test_groups_and_everybody(street: Street) -> None:
    """[MS-OXCPERM] 3.2.5.1: nested groups count, the user's own membership alone if there is one, else Default."""
    street.share("carol", "Team", "staff", READ)
    street.share("carol", "All", "", READ)
    bob, dave = await street.user("bob"), await street.user("dave")
    carol = "Other Users/carol@example.test"
    assert await names(bob, f'LIST "" "{carol}/%"') == [f"{carol}/All", f"{carol}/Team"]
    assert await names(dave, f'LIST "" "{carol}/%"') == [f"{carol}/All"]
    street.share("carol", "Team", "bob", Rights(0))
    assert await names(bob, f'LIST "" "{carol}/%"') == [f"{carol}/All"]


async def test_membership_is_asked_anew(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group left, or a grant taken back, ends the access of a session to what it has selected, too."""
    street.share("carol", "Team", "team", READ)
    bob = await street.user("bob", '"Other Users/carol@example.test/Team"')
    alice = await street.user("alice", '"Other Users/sales@example.test/INBOX"')
    street.directory.remove_member(street.entry("team").id, street.entry("bob").id)
    street.directory.revoke(GrantKind.FULL_ACCESS, street.entry("sales").id, street.entry("alice").id)
    await bob.ok("STATUS INBOX (MESSAGES)")
    monkeypatch.setattr(sharing, "STALE", 0.0)
    for client in (bob, alice):
        assert (await client.send(b"x NOOP\r\n"))[-1].startswith(b"* BYE")


async def test_public_folders(street: Street) -> None:
    """[RFC2342] 5: the third namespace; a delegate with full access sees all of it, others what is shown to them."""
    street.share("news", "Announcements", "", READ)
    street.share("news", "Board", "alice", EDIT)
    alice, dave = await street.user("alice"), await street.user("dave")
    top = "Public Folders/news@example.test"
    assert await names(dave, 'LIST "" "Public*"') == ["Public Folders", top, f"{top}/Announcements"]
    assert await names(alice, f'LIST "" "{top}/%"') == [f"{top}/Announcements", f"{top}/Board"]
    await alice.ok(f'APPEND {NEWS}/Board" {{1+}}\r\nx')
    assert (await dave(f'APPEND {NEWS}/Announcements" {{1+}}\r\nx'))[-1].startswith(b"NO [NOPERM]")
    assert (await dave('SELECT "Other Users/news@example.test/Announcements"'))[-1].startswith(b"NO [NONEXISTENT]")


async def test_subscriptions_are_the_users_own(street: Street) -> None:
    """[RFC3501] 6.3.6, 6.3.9: one list for all namespaces, whatever becomes of the names in it."""
    street.share("bob", "Mail", "alice", READ)
    alice, bob = await street.user("alice"), await street.user("bob")
    await alice.ok('SUBSCRIBE "other users/Bob@EXAMPLE.test/Mail"')
    await alice.ok("SUBSCRIBE INBOX")
    name = "Other Users/bob@example.test/Mail"
    assert await names(alice, 'LSUB "" *') == ["INBOX", name]
    assert await names(bob, 'LSUB "" *') == []
    assert await alice.ok('LIST (SUBSCRIBED) "" "Other*"') == [
        f'* LIST (\\HasNoChildren \\Subscribed) "/" "{name}"'.encode()
    ]
    street.share("bob", "Mail", "alice", None)
    assert await alice.ok('LIST (SUBSCRIBED) "" "Other*"') == [
        f'* LIST (\\NonExistent \\Subscribed) "/" "{name}"'.encode()
    ]
    assert await alice.ok('LSUB "" "Other Users/%"') == [b'* LSUB (\\Noselect) "/" "Other Users/bob@example.test"']
    await alice.ok(f'UNSUBSCRIBE "{name}"')
    assert await names(alice, 'LSUB "" *') == ["INBOX"]


async def test_idle_on_anothers_folder(street: Street) -> None:
    """[RFC2177] 3: what comes into a folder of bob's is told to alice at once."""
    street.share("bob", "Mail", "alice", READ)
    row = street.box("bob").folder(("Mail",))
    client = await street.user("alice", f'{BOB}/Mail"')
    assert await client.send(b"i IDLE\r\n") == [b"+ idling"]
    deliver(street.box("bob"), row.id)
    await client.settle()
    await client.settle()
    assert b"* 1 EXISTS" in client.take()
    await client.send(b"DONE\r\n")


async def test_signed_in_to_anothers_mailbox(street: Street) -> None:
    """[MS-OXIMAP4] 2.2.2: the mailbox that was signed in to is the personal one, one's own is among the others."""
    client = await street.user("alice/sales")
    assert (await names(client, 'LIST "" INBOX')) == ["INBOX"]
    assert "Other Users/alice@example.test/INBOX" in await names(client, 'LIST "" "Other Users/*"')
    assert "Other Users/sales@example.test" not in await names(client, 'LIST "" "Other Users/*"')
    assert (await client('SELECT "Other Users/sales@example.test/INBOX"'))[-1].startswith(b"NO [NONEXISTENT]")


async def test_copies_between_mailboxes(street: Street) -> None:
    """[RFC3501] 6.4.7, [RFC4315] 3: all or nothing, with flags, keywords and dates, as far as the target allows."""
    street.share("bob", "In", "alice", EDIT)
    street.share("carol", "Drop", "alice", SEE | Rights.CREATE)
    alice = street.box("alice")
    inbox = alice.folder(("INBOX",)).id
    for number in range(3):
        deliver(alice, inbox, f"s{number}", size=9000 * number, internal_date=1000 + number)
    alice.set_flags(inbox, [2], add=MessageFlag.FLAGGED | MessageFlag.SEEN, add_keywords=["work"])
    client = await street.user("alice", "INBOX")
    reply = (await client(f'COPY 1:3 {BOB}/In"'))[-1]
    bob = street.box("bob")
    row = bob.folder(("In",))
    assert reply == b"OK [COPYUID %d 1:3 1:3] COPY completed." % row.uidvalidity
    copied = bob.rows(row.id)
    assert [one.internal_date for one in copied] == [1000, 1001, 1002]
    assert [one.flags & (MessageFlag.FLAGGED | MessageFlag.SEEN) for one in copied] == [0, 0x10001, 0]
    assert [bob.keyword_names()[0], copied[1].keywords] == ["work", 1]
    assert [raw for _, _, raw in bob.raw_many(row.id, [1, 2, 3])] == [
        raw for _, _, raw in alice.raw_many(inbox, [1, 2, 3])
    ]
    await client.ok('UID COPY 2,77 "Other Users/carol@example.test/Drop"')
    carol = street.box("carol")
    (dropped,) = carol.rows(carol.folder(("Drop",)).id)
    assert dropped.flags & MessageFlag.FLAGGED == dropped.keywords == 0
    for name in ("alice", "bob", "carol"):
        assert street.store.fsck(street.box(name).ref, thorough=True) == []


async def test_a_copy_that_does_not_fit_leaves_nothing(street: Street) -> None:
    """[RFC3501] 6.4.7, [RFC9208] 4.3: the quota of the target counts, and nothing is copied in part."""
    street.share("bob", "In", "alice", EDIT)
    alice, bob = street.box("alice"), street.box("bob")
    for _ in range(3):
        deliver(alice, 5, size=5000)
    bob.set_quota(receive=12_000)
    client = await street.user("alice", "INBOX")
    assert (await client(f'COPY 1:3 {BOB}/In"'))[-1].startswith(b"NO [OVERQUOTA]")
    assert (await client(f'MOVE 1:3 {BOB}/In"'))[-1].startswith(b"NO [OVERQUOTA]")
    assert bob.folder(("In",)).total == 0
    assert alice.folder(5).total == 3
    await client.ok(f'COPY 1:2 {BOB}/In"')
    assert (await client(f'COPY 1 {BOB}/Nothing"'))[-1].startswith(b"NO [TRYCREATE]")


async def test_moves_between_mailboxes(street: Street) -> None:
    """[RFC6851] 3.3, 4.2, 4.3: COPYUID, then EXPUNGE; the source must allow removing, the target adding."""
    street.share("bob", "Out", "alice", READ)
    street.share("bob", "In", "alice", READ)
    alice, bob = street.box("alice"), street.box("bob")
    out = bob.folder(("Out",)).id
    for number in range(3):
        deliver(bob, out, f"s{number}")
    client = await street.user("alice", f'{BOB}/Out"')
    street.share("bob", "Out", "alice", READ | Rights.CREATE)
    await client.ok(f'SELECT {BOB}/Out"')
    assert (await client("MOVE 1 INBOX"))[-1].startswith(b"NO [NOPERM]")
    street.share("bob", "Out", "alice", READ | Rights.DELETE_ANY)
    await client.ok(f'SELECT {BOB}/Out"')
    validity = alice.folder(5).uidvalidity
    lines = await client("MOVE 1,3 INBOX")
    assert lines[:3] == [b"* OK [COPYUID %d 1,3 1:2] Moved UIDs." % validity, b"* 3 EXPUNGE", b"* 1 EXPUNGE"]
    assert lines[-1].startswith(b"OK")
    assert [row.uid for row in bob.rows(out)] == [2]
    assert alice.folder(5).total == 2
    await client.ok("SELECT INBOX")
    assert (await client(f'MOVE 1 {BOB}/In"'))[-1].startswith(b"NO [NOPERM]")
    assert alice.folder(5).total == 2


async def test_a_move_whose_second_half_fails_is_undone(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC6851] 3.3: a message is never in neither place, and a move that fails leaves it where it was."""
    street.share("bob", "In", "alice", EDIT)
    alice, bob = street.box("alice"), street.box("bob")
    deliver(alice, 5)
    client = await street.user("alice", "INBOX")
    real = Mailbox.remove_messages

    def fail(self: Mailbox, folder_id: int, uids: list[int]) -> list[int]:
        if self.ref == alice.ref:
            raise Unavailable("disk full")
        return real(self, folder_id, uids)

    monkeypatch.setattr(Mailbox, "remove_messages", fail)
    assert (await client(f'MOVE 1 {BOB}/In"'))[-1].startswith(b"NO [UNAVAILABLE]")
    assert (alice.folder(5).total, bob.folder(("In",)).total) == (1, 0)


async def test_changed_rights_are_told(street: Street) -> None:
    """[RFC4314] 5.1.1: rights are looked at for each command, so FLAGS and PERMANENTFLAGS come when they change."""
    street.share("bob", "Mail", "alice", READ | Rights.EDIT_ANY)
    row = street.box("bob").folder(("Mail",))
    deliver(street.box("bob"), row.id)
    client = await street.user("alice", f'{BOB}/Mail"')
    assert await client.ok("NOOP") == []
    street.share("bob", "Mail", "alice", READ | Rights.DELETE_ANY)
    flags, permanent = await client.ok("NOOP")
    assert flags.startswith(b"* FLAGS (")
    assert permanent == b"* OK [PERMANENTFLAGS (\\Deleted)] Flags permitted."
    assert await client.ok("NOOP") == []
    (fetched,) = await client.ok("FETCH 1 BODY[]")
    assert b"\\Seen" not in fetched
    await client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)")
