"""URLs that carry authorization ([RFC4467], [RFC5524]): GENURLAUTH, RESETKEY, URLFETCH."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from directory.model import Principal
from gateway.imap.commands import urlauth
from gateway.imap.commands.references import Reference
from gateway.imap.environment import ImapSettings
from gateway.sasl.mechanism import PasswordAttempt, ProvedAttempt
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import Logon
from store.errors import NotFound, Unavailable
from store.ids import MailboxKind, MailboxRef
from tests.gateway.imap.harness import ALICE, REF, Client, FakeLogon, Server

BOB_REF = MailboxRef(2, uuid.UUID(int=2))
BOB = replace(ALICE, id=2, guid=BOB_REF.guid, mailbox_id=2, account="bob", address="bob@example.test")
CAROL = replace(BOB, id=3, enabled=False, account="carol")
ACCOUNTS = {"alice": ALICE, "bob": BOB, "carol": CAROL, "alice@example.test": ALICE}
RAW = (
    b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n"
    b"--b\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n--b--\r\n"
)


class TwoUsers(FakeLogon):
    """Alice and bob, each with their name as the password."""

    async def authenticate(self, attempt: PasswordAttempt | ProvedAttempt, peer: PeerInfo) -> Logon:
        return Logon(ACCOUNTS[attempt.login], ACCOUNTS[attempt.login], REF if attempt.login == "alice" else BOB_REF)


async def account_of(name: str) -> Principal | None:
    return ACCOUNTS.get(name)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path, ImapSettings(hosts=frozenset({"host"}), submit_users=frozenset({"bob", "nobody"})))
    made.store.create(BOB_REF, MailboxKind.PRIVATE)
    made.services.signin._logon = TwoUsers()
    made.services = replace(made.services, account_of=account_of)
    made.deliver(RAW)
    yield made
    await made.close()


async def client_of(server: Server, name: str) -> Client:
    client = server.connect()
    client.take()
    await client.ok(f"LOGIN {name} {name}")
    return client


async def given(client: Client, rump: str) -> bytes:
    (line,) = await client.ok(f'GENURLAUTH "{rump}" INTERNAL')
    match = re.fullmatch(rb'\* GENURLAUTH "(.*:internal:01[0-9a-f]{64})"', line)
    assert match is not None, line
    return match[1]


async def fetched(client: Client, url: bytes) -> bytes:
    (line,) = await client.ok(b'URLFETCH "%b"' % url)
    head = b'* URLFETCH "%b" ' % url
    assert line.startswith(head)
    return line.removeprefix(head)


WHOLE = b"{%d}\r\n%b" % (len(RAW), RAW)


async def test_a_url_is_given_and_used(server: Server) -> None:
    """[RFC4467] 5, 6, 7, 8: what bob has no right to see he gets by alice's URL, and that alone."""
    alice, bob = await client_of(server, "alice"), await client_of(server, "bob")
    words = (await alice.ok("CAPABILITY"))[0].split()
    assert b"URLAUTH" in words
    assert b"URLAUTH=BINARY" in words
    url = await given(alice, "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser")
    assert await fetched(bob, url) == WHOLE
    part = await given(alice, "imap://alice@HOST/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject);URLAUTH=authuser")
    assert await fetched(bob, part) == b"{14}\r\nSubject: x\r\n\r\n"
    octets = await given(alice, "imap://alice@host/INBOX/;UID=1/;PARTIAL=9.1;URLAUTH=anonymous")
    assert await fetched(bob, octets) == b"{1}\r\nx"


async def test_tokens_are_for_one_url_and_hard_to_guess(server: Server) -> None:
    """[RFC4467] 6, 10: any change of the URL makes it worthless."""
    alice = await client_of(server, "alice")
    server.deliver(RAW)
    url = await given(alice, "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser")
    assert await fetched(alice, url) == WHOLE
    rump, _, token = url.rpartition(b":")
    wrong = [
        rump + b":" + token[:-1] + (b"1" if token.endswith(b"0") else b"0"),
        rump + b":" + b"0" * len(token),
        rump + b":" + token[:40],
        url.replace(b"UID=1", b"UID=2"),
        url.replace(b"authuser", b"anonymous"),
        url.replace(b"/INBOX", b"/Drafts"),
        url.replace(b"internal", b"external"),
        url.replace(b"alice@", b"bob@"),
        url.replace(b"alice@", b"nobody@"),
        url.replace(b"alice@", b""),
        url.replace(b"@host", b"@other"),
        url.rpartition(b":internal")[0],
        b"/INBOX/;UID=1",
        b"imap://alice@host/INBOX/;UID=1",
        b"imap://alice@host/",
        b"nonsense",
    ]
    for one in wrong:
        assert await fetched(alice, one) == b"NIL", one
    assert await fetched(alice, rump + b":" + token.upper()) == WHOLE


async def test_who_may_use_a_url(server: Server) -> None:
    """[RFC4467] 2.3, 3: user+ that user, submit+ a submission server, authuser and anonymous everybody here."""
    alice, bob = await client_of(server, "alice"), await client_of(server, "bob")
    base = "imap://alice@host/INBOX/;UID=1;URLAUTH="
    for access, for_alice, for_bob in (
        ("user+bob", b"NIL", WHOLE),
        ("user+alice%40example.test", WHOLE, b"NIL"),
        ("submit+alice", b"NIL", WHOLE),
        ("authuser", WHOLE, WHOLE),
        ("anonymous", WHOLE, WHOLE),
    ):
        url = await given(alice, base + access)
        assert (await fetched(alice, url), await fetched(bob, url)) == (for_alice, for_bob), access


async def test_expired(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC4467] 3: EXPIRE in any time zone"""
    alice = await client_of(server, "alice")
    url = await given(alice, "imap://alice@host/INBOX/;UID=1;EXPIRE=2035-01-01T02:00:00%2B02:00;URLAUTH=authuser")
    monkeypatch.setattr("time.time", lambda: 2_051_222_399.0)
    assert await fetched(alice, url) == WHOLE
    monkeypatch.setattr("time.time", lambda: 2_051_222_400.0)
    assert await fetched(alice, url) == b"NIL"


async def test_reset_key(server: Server) -> None:
    """[RFC4467] 2.2, 7: the URLs into one mailbox, or into all, are good no more; new ones can be given."""
    alice, bob = await client_of(server, "alice"), await client_of(server, "bob")
    await alice.ok("SELECT INBOX")
    await alice.ok("COPY 1 Drafts")
    inbox = await given(alice, "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser")
    drafts = await given(alice, "imap://alice@host/Drafts/;UID=1;URLAUTH=authuser")
    assert (await bob("RESETKEY"))[-1] == b"OK [URLMECH INTERNAL] RESETKEY completed."
    assert await fetched(bob, inbox) == WHOLE
    assert (await alice("RESETKEY INBOX INTERNAL"))[-1].startswith(b"OK [URLMECH INTERNAL]")
    assert (await fetched(bob, inbox), await fetched(bob, drafts)) == (b"NIL", WHOLE)
    again = await given(alice, "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser")
    assert again != inbox
    assert await fetched(bob, again) == WHOLE
    await alice.ok("RESETKEY")
    assert (await fetched(bob, again), await fetched(bob, drafts)) == (b"NIL", b"NIL")
    assert (await alice("RESETKEY Missing"))[-1].startswith(b"NO")
    assert (await alice("RESETKEY INBOX EXTERNAL"))[-1].startswith(b"BAD")


async def test_urls_that_cannot_be_given(server: Server) -> None:
    """[RFC4467] 3, 7: BAD for all but a message, or a part of one, of one's own on this server."""
    alice = await client_of(server, "alice")
    for url in (
        "imap://alice@host/;URLAUTH=authuser",
        "imap://alice@host/INBOX;URLAUTH=authuser",
        "imap://alice@host/INBOX/;UID=1",
        "imap://host/INBOX/;UID=1;URLAUTH=authuser",
        "imap://bob@host/INBOX/;UID=1;URLAUTH=authuser",
        "imap://alice@other/INBOX/;UID=1;URLAUTH=authuser",
        "imap://alice@host/Missing/;UID=1;URLAUTH=authuser",
        "imap://alice@host/INBOX/;UID=1;URLAUTH=user+nobody",
        "imap://alice@host/INBOX/;UID=1;URLAUTH=user+",
        "imap://alice@host/INBOX/;UID=1;URLAUTH=everybody",
        "imap://alice@host/INBOX/;UID=1;EXPIRE=yesterday;URLAUTH=authuser",
        "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser:internal:" + "0" * 66,
        "/INBOX/;UID=1;URLAUTH=authuser",
    ):
        assert (await alice(f'GENURLAUTH "{url}" INTERNAL'))[-1].startswith(b"BAD"), url
        alice.connection._bad = 0
    assert (await alice('GENURLAUTH "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser" OTHER'))[-1].startswith(b"BAD")


async def test_what_goes_with_the_folder(server: Server) -> None:
    """[RFC4467] 2.2: a mailbox of the same name made again has another key; so has one with other UIDs."""
    alice = await client_of(server, "alice")
    await alice.ok("CREATE box")
    for round_ in range(2):
        await alice.ok(b"APPEND box {%d+}\r\n%b" % (len(RAW), RAW))
        if not round_:
            url = await given(alice, "imap://alice@host/box/;UID=1;URLAUTH=authuser")
            assert await fetched(alice, url) == WHOLE
            await alice.ok("DELETE box")
            await alice.ok("CREATE box")
    await given(alice, "imap://alice@host/box/;UID=1/;SECTION=1;URLAUTH=authuser")
    assert await fetched(alice, url) == b"NIL"
    assert server.store.fsck(REF) == []


async def test_extended_url_fetch(server: Server) -> None:
    """[RFC5524] 3.1, 3.2, 4: decoded, with the structure first, several URLs in one command."""
    alice, bob = await client_of(server, "alice"), await client_of(server, "bob")
    base = "imap://alice@host/INBOX/;UID=1/;SECTION="
    one = await given(alice, base + "1;URLAUTH=authuser")
    odd = await given(alice, base + "2;URLAUTH=authuser")
    head = await given(alice, base + "1.MIME;URLAUTH=authuser")
    lines = await bob.ok(b'URLFETCH ("%b" BINARY BODYPARTSTRUCTURE) ("%b" BODY BINARY) "%b"' % (one, odd, one))
    assert lines[0].startswith(b'* URLFETCH "%b" (BODYPARTSTRUCTURE ("text" "plain" ' % one)
    assert lines[0].endswith(b" (BINARY {5}\r\nhello)")
    assert b' "7bit" 5 0 NIL NIL NIL NIL)) ' in lines[0]
    assert b' "base64" 8 0 NIL NIL NIL NIL))' in (await bob.ok(b'URLFETCH ("%b" BODYPARTSTRUCTURE)' % one))[0]
    assert lines[1] == b'* URLFETCH "%b" (BODY {3}\r\nodd) (BINARY NIL)' % odd
    assert lines[2] == b'* URLFETCH "%b" {8}\r\naGVsbG8=' % one
    mime = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    (line,) = await bob.ok(b'URLFETCH ("%b" BINARY BODYPARTSTRUCTURE)' % head)
    assert line == b'* URLFETCH "%b" (BODYPARTSTRUCTURE NIL) (BINARY {%d}\r\n%b)' % (head, len(mime), mime)
    (line,) = await bob.ok(b'URLFETCH ("%b" BINARY)' % one.replace(b"UID=1", b"UID=2"))
    assert line.endswith(b" NIL")


async def test_long_parts(server: Server) -> None:
    """A long part is sent by pieces, as it is and decoded."""
    data = bytes(range(256)) * 2000
    body = base64.encodebytes(data).replace(b"\n", b"\r\n")
    server.deliver(b"Content-Transfer-Encoding: base64\r\n\r\n" + body)
    alice = await client_of(server, "alice")
    url = await given(alice, "imap://alice@host/INBOX/;UID=2/;SECTION=1;URLAUTH=authuser")
    (line,) = await alice.ok(b'URLFETCH ("%b" BODY BINARY)' % url)
    assert line.endswith(b" (BODY {%d}\r\n%b) (BINARY ~{%d}\r\n%b)" % (len(body), body, len(data), data))
    part = await given(alice, "imap://alice@host/INBOX/;UID=2/;SECTION=1/;PARTIAL=5;URLAUTH=authuser")
    (line,) = await alice.ok(b'URLFETCH ("%b" BINARY)' % part)
    assert line.endswith(b" (BINARY ~{%d}\r\n%b)" % (len(data) - 5, data[5:]))


async def test_a_disabled_account_gives_nothing(server: Server) -> None:
    alice = await client_of(server, "alice")
    url = await given(alice, "imap://alice@host/INBOX/;UID=1;URLAUTH=authuser")
    bob = await client_of(server, "bob")
    disabled = replace(ALICE, enabled=False)

    async def without(name: str) -> Principal | None:
        return disabled if name == "alice" else ACCOUNTS.get(name)

    bob.connection.session.services = replace(server.services, account_of=without)
    assert await fetched(bob, url) == b"NIL"


async def test_what_cannot_be_read_is_nil(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC4467] 7: NIL for the one URL, in a line that is whole; nothing is sent before it is there."""
    alice = await client_of(server, "alice")
    one = await given(alice, "imap://alice@host/INBOX/;UID=1/;SECTION=1;URLAUTH=authuser")
    two = await given(alice, "imap://alice@host/INBOX/;UID=1/;SECTION=2;URLAUTH=authuser")
    octets = Reference.octets

    def failing(reference: Reference) -> bytes:
        if reference.section.numbers == (1,):
            raise Unavailable("disk")
        return octets(reference)

    def gone(*args: object) -> bytes:
        raise NotFound("expunged")

    monkeypatch.setattr(Reference, "octets", failing)
    monkeypatch.setattr(urlauth, "_structure", gone)
    lines = await alice.ok(b'URLFETCH "%b" "%b" ("%b" BODY BODYPARTSTRUCTURE)' % (one, two, two))
    assert lines == [
        b'* URLFETCH "%b" NIL' % one,
        b'* URLFETCH "%b" {3}\r\nodd' % two,
        b'* URLFETCH "%b" NIL' % two,
    ]


@pytest.mark.parametrize("error", [Unavailable("disk"), ValueError("a bug")])
async def test_a_long_part_that_breaks_off(server: Server, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """What was announced and does not come ends the connection: a reply would be taken for its octets."""
    server.deliver(b"\r\n" + b"x" * 70 * 5000)
    alice = await client_of(server, "alice")
    url = await given(alice, "imap://alice@host/INBOX/;UID=2/;SECTION=1;URLAUTH=authuser")

    def broken(reference: Reference) -> Iterator[bytes]:
        yield b"x" * 100
        raise error

    monkeypatch.setattr(Reference, "pieces", broken)
    alice.connection.dataReceived(b'u URLFETCH "%b"\r\n' % url)
    await alice.settle()
    assert b"u NO" not in alice.transport.output
    assert alice.transport.lost
