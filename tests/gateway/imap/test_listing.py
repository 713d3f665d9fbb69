"""Extended LIST and STATUS ([RFC5258], [RFC5819], [RFC6154], [RFC7889], [RFC8438], [RFC8474], [RFC9051] 6.3.9)."""

from __future__ import annotations

import re

import pytest

from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server
from tests.gateway.imap.street import OWN, SEE, Street


async def listed(client: Client, command: str) -> dict[str, tuple[set[str], str]]:
    """Name -> attributes and extended data."""
    found = {}
    for line in await client.ok(command):
        match = re.fullmatch(rb'\* LIST \((.*?)\) "/" ("[^"]*"|\S+)(?: (\(.*\)))?', line)
        assert match, line
        found[match[2].decode().strip('"')] = (set(match[1].decode().split()), (match[3] or b"").decode())
    return found


@pytest.fixture
async def client(server: Server) -> Client:
    """The mailboxes of the examples of [RFC5258] 5."""
    made = await server.client(None)
    for name in ("Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable/Broccoli", "Vegetable/Corn"):
        await made.ok(f"CREATE {name}")
    for name in ("INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"):
        await made.ok(f"SUBSCRIBE {name}")
    return made


async def test_subscribed(client: Client) -> None:
    """[RFC5258] 3.1, 5: subscribed names, those that do not exist too."""
    found = await listed(client, 'LIST (SUBSCRIBED) "" "*"')
    assert set(found) == {"INBOX", "Fruit/Banana", "Fruit/Peach", "Vegetable", "Vegetable/Broccoli"}
    assert all("\\Subscribed" in attributes for attributes, _ in found.values())
    assert found["Fruit/Peach"][0] == {"\\Subscribed", "\\NonExistent"}
    assert await listed(client, 'LIST (SUBSCRIBED REMOTE) "" "*"') == found


async def test_return_options(client: Client) -> None:
    """[RFC5258] 3.2, 5: CHILDREN and SUBSCRIBED as things to tell, not to select by."""
    found = await listed(client, 'LIST () "" "%" RETURN (CHILDREN SUBSCRIBED)')
    assert {"Fruit", "INBOX", "Tofu", "Vegetable"} <= set(found)
    assert "\\HasChildren" in found["Fruit"][0]
    assert "\\HasNoChildren" in found["Tofu"][0]
    assert {name for name, (attributes, _) in found.items() if "\\Subscribed" in attributes} == {"INBOX", "Vegetable"}
    assert "\\Subscribed" not in (await listed(client, 'LIST "" "%"'))["INBOX"][0]


async def test_recursive_match(client: Client) -> None:
    """[RFC5258] 3.3, 3.5, 5: CHILDINFO for a parent of something subscribed that is not listed itself."""
    info = '("CHILDINFO" ("SUBSCRIBED"))'
    found = await listed(client, 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"')
    assert {name: extended for name, (_, extended) in found.items()} == {"INBOX": "", "Fruit": info, "Vegetable": info}
    assert "\\Subscribed" not in found["Fruit"][0]
    assert "\\Subscribed" in found["Vegetable"][0]
    await client.ok("UNSUBSCRIBE Fruit/Banana")
    await client.ok("DELETE Fruit/Apple")
    await client.ok("DELETE Fruit/Banana")
    await client.ok("DELETE Fruit")
    assert (await listed(client, 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"'))["Fruit"] == ({"\\NonExistent"}, info)
    await client.ok("SUBSCRIBE Fruit/Kiwi/Green")
    found = await listed(client, 'LIST (SUBSCRIBED RECURSIVEMATCH) "" ("Fruit*" "Veg*")')
    assert {name: extended for name, (_, extended) in found.items()} == {
        "Fruit/Kiwi/Green": "",
        "Fruit/Peach": "",
        "Vegetable": info,
        "Vegetable/Broccoli": "",
    }
    uses = await listed(client, 'LIST (SPECIAL-USE RECURSIVEMATCH) "" "*"')
    assert not any(extended for _, extended in uses.values())
    assert (await client('LIST (RECURSIVEMATCH) "" "*"'))[-1].startswith(b"BAD")


async def test_several_patterns(client: Client) -> None:
    """[RFC5258] 3: each name once, whatever matches it."""
    lines = await client.ok('LIST "" ("INBOX" "Fruit/%" "Fruit/A*" Tofu)')
    assert [line.rpartition(b" ")[2] for line in lines] == [b"INBOX", b"Fruit/Apple", b"Fruit/Banana", b"Tofu"]
    assert await client.ok('LIST () "" ""') == []


async def test_list_with_status(server: Server, client: Client) -> None:
    """[RFC5819] 2: a STATUS after each mailbox that can be selected, none after a mere name."""
    server.deliver(folder="Tofu")
    await client.ok("DELETE Fruit")
    assert await client.ok('LIST "" (Fruit Tofu Fruit/Apple) RETURN (STATUS (MESSAGES UNSEEN))') == [
        b'* LIST (\\Noselect \\HasChildren) "/" Fruit',
        b'* LIST (\\HasNoChildren) "/" Fruit/Apple',
        b"* STATUS Fruit/Apple (MESSAGES 0 UNSEEN 0)",
        b'* LIST (\\HasNoChildren) "/" Tofu',
        b"* STATUS Tofu (MESSAGES 1 UNSEEN 1)",
    ]


async def test_a_mailbox_that_cannot_be_read_has_no_status(street: Street) -> None:
    """[RFC5819] 2: it is \\Noselect where its STATUS is asked for; [RFC7889] 3.2."""
    street.share("bob", "Seen", "alice", SEE)
    client = await street.user("alice")
    name = '"Other Users/bob@example.test/Seen"'
    most = street.services.settings.max_message
    assert await client.ok(f'LIST "" ({name} INBOX) RETURN (STATUS (APPENDLIMIT))') == [
        b'* LIST (\\HasNoChildren) "/" INBOX',
        b"* STATUS INBOX (APPENDLIMIT %d)" % most,
        b'* LIST (\\Noselect \\HasNoChildren) "/" ' + name.encode(),
    ]


async def test_more_of_status(server: Server, client: Client) -> None:
    """[RFC8438] 3, 4, [RFC9208] 4.1.4, [RFC7889] 3, 3.1, 3.3, 5, [RFC9051] 6.3.11."""
    sizes = [server.deliver(folder="Tofu", flags=flags).size for flags in (0, MessageFlag.DELETED, 0)]
    (line,) = await client.ok("STATUS Tofu (SIZE DELETED DELETED-STORAGE APPENDLIMIT MESSAGES)")
    most = server.services.settings.max_message
    assert line == (
        b"* STATUS Tofu (SIZE %d DELETED 1 DELETED-STORAGE %d APPENDLIMIT %d MESSAGES 3)" % (sum(sizes), sizes[1], most)
    )
    (empty,) = await client.ok("STATUS Fruit (SIZE DELETED DELETED-STORAGE)")
    assert empty == b"* STATUS Fruit (SIZE 0 DELETED 0 DELETED-STORAGE 0)"


async def test_mailbox_identifiers(server: Server, client: Client) -> None:
    """[RFC8474] 4, 4.1, 4.2, 4.3: kept by RENAME, different for all others and for a name that is made again."""

    async def identifier(name: str) -> bytes:
        (line,) = await client.ok(f"STATUS {name} (MAILBOXID)")
        match = re.fullmatch(rb"\* STATUS \S+ \(MAILBOXID \(([A-Za-z0-9_-]{1,255})\)\)", line)
        assert match, line
        assert any(
            answer == b"* OK [MAILBOXID (" + match[1] + b")] Mailbox."
            for answer in await client.ok(f"SELECT {name}")
            if b"MAILBOXID" in answer
        )
        await client.ok("UNSELECT")
        return match[1]

    reply = (await client("CREATE New"))[-1]
    first = await identifier("New")
    assert reply == b"OK [MAILBOXID (" + first + b")] CREATE completed."
    await client.ok("RENAME New Renamed")
    assert await identifier("Renamed") == first
    await client.ok("CREATE Renamed/below")
    await client.ok("DELETE Renamed")
    await client.ok("CREATE Renamed")
    again = await identifier("Renamed")
    assert len({first, again, await identifier("INBOX"), await identifier("Tofu")}) == 4


async def test_special_uses_that_users_give(server: Server, client: Client) -> None:
    """[RFC6154] 3, 4: by CREATE and by METADATA; beside the well-known folder, which keeps its own."""
    await client.ok("CREATE Attic (USE (\\archive \\Junk))")
    assert {"\\Archive", "\\Junk"} <= (await listed(client, 'LIST "" Attic'))["Attic"][0]
    uses = await listed(client, 'LIST (SPECIAL-USE) "" *')
    assert {"Attic", "Archive", "Drafts"} <= set(uses)
    assert await client.ok("GETMETADATA Attic /private/specialuse") == [
        b'* METADATA Attic (/private/specialuse "\\\\Archive \\\\Junk")'
    ]
    await client.ok("SETMETADATA Attic (/private/specialuse NIL)")
    assert "Attic" not in await listed(client, 'LIST (SPECIAL-USE) "" *')
    for command in (
        "CREATE Other (USE (\\All))",
        "CREATE Other (USE (\\Flagged))",
        "CREATE Other (USE (\\Nonsense))",
        'SETMETADATA Attic (/private/specialuse "\\\\All")',
        "SETMETADATA Drafts (/private/specialuse NIL)",
    ):
        assert (await client(command))[-1].startswith(b"NO [USEATTR]"), command
    assert "Other" not in await listed(client, 'LIST "" *')
    assert await client.ok("GETMETADATA Drafts /private/specialuse") == [
        b'* METADATA Drafts (/private/specialuse "\\\\Drafts")'
    ]


async def test_special_uses_are_for_oneself(street: Street) -> None:
    """[RFC6154] 2: bob's Drafts is nobody's drafts folder but his."""
    street.share("bob", "Drafts", "alice", OWN)
    client = await street.user("alice")
    assert "\\Drafts" not in str(await client.ok('LIST "" "Other Users/bob*"'))
    name = '"Other Users/bob@example.test/Drafts'
    assert (await client(f'CREATE {name}/x" (USE (\\Sent))'))[-1].startswith(b"NO [USEATTR]")
    assert (await client(f'SETMETADATA {name}" (/private/specialuse "\\\\Sent")'))[-1].startswith(b"NO [USEATTR]")


async def test_metadata_in_list(client: Client) -> None:
    """[RFC9590] 3: NIL where there is no value."""
    await client.ok('SETMETADATA Tofu (/shared/vendor/x/color "#b71c1c")')
    assert await client.ok('LIST "" (Tofu Fruit) RETURN (METADATA (/shared/vendor/x/color /private/comment))') == [
        b'* LIST (\\HasChildren) "/" Fruit',
        b"* METADATA Fruit (/shared/vendor/x/color NIL /private/comment NIL)",
        b'* LIST (\\HasNoChildren) "/" Tofu',
        b'* METADATA Tofu (/shared/vendor/x/color "#b71c1c" /private/comment NIL)',
    ]
