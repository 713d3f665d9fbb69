"""Delivery into real mailboxes, with a real directory and real conversion."""

from __future__ import annotations

import asyncio
import time

import pytest

from directory.credentials import Hasher
from directory.model import GrantKind, PrincipalKind
from directory.sql import SqlDirectory
from gateway.runtime.worker import StoreRunner
from gateway.services.delivery import DeliveryService, DeliverySettings
from gateway.services.outcomes import Refusal
from gateway.services.reading import MailReader
from gateway.services.submission import SubmissionPolicy
from store.errors import QuotaExceeded, Unavailable
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.spool import NEVER, Spool
from store.store import Store, StoreSettings
from tests.support.prepared import lay_out

INBOX = int(SpecialFolder.INBOX)
MESSAGE = b"From: s@other.test\r\nSubject: hello\r\n\r\nbody\r\n"
PREFIX = b"Received: from c ([192.0.2.1])\r\n\tby mx.example.test with ESMTP"


PEOPLE = ("alice", "bob", "carol", "dave", "sales", "news")


def open_directory(root):
    return SqlDirectory(root / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))


def furnish(root):
    """Make the directory of a House."""
    directory = open_directory(root)

    def add(kind, name, display_name=None):
        address = name if "@" in name else f"{name}@example.test"
        aliases = ["alias@example.test"] if name == "alice" else []
        return directory.add(kind, address, display_name=display_name or name, aliases=aliases)

    with directory.batch():
        people = {name: add(PrincipalKind.USER, name) for name in ("alice", "bob", "carol", "dave")}
        people["sales"] = add(PrincipalKind.SHARED, "sales")
        people["news"] = add(PrincipalKind.PUBLIC, "news")
        add(PrincipalKind.CONTACT, "partner@other.test", "partner")
        inner = add(PrincipalKind.GROUP, "inner")
        everyone = add(PrincipalKind.GROUP, "everyone")
        add(PrincipalKind.GROUP, "empty")
        for name in ("bob", "carol", "sales"):
            directory.add_member(inner.id, people[name].id)
        for member in (people["alice"], people["bob"], inner):
            directory.add_member(everyone.id, member.id)
        directory.add_member(inner.id, everyone.id)  # a circle does no harm
    directory.close()


class House:
    """A tenant with users, a group of groups, a shared mailbox and a contact."""

    def __init__(self, root, **settings):
        self.now = 1_700_000_000.0
        lay_out(root, furnish)
        self.directory = open_directory(root)
        self.store = Store(StoreSettings(root, durable=False), reader=MailReader())
        self.broken: set[int] = set()
        self.people = {name: self.directory.by_address(f"{name}@example.test") for name in PEOPLE}
        for person in self.people.values():
            self.store.create(ref(person), MailboxKind(int(person.kind)))
        self.runner = StoreRunner(inline=True, group=self.group)
        self.spool = Spool(root / "spool.sqlite")
        self.service = DeliveryService(
            provider=self.directory,
            store=self.store,
            runner=self.runner,
            spool=self.spool,
            settings=DeliverySettings("mx.example.test", **settings),
            clock=lambda: self.now,
        )

    def group(self, ref, operations):
        if ref.id in self.broken:
            raise Unavailable("disk full")
        return self.store.group(ref, operations)

    def mail(self, name):
        mailbox = self.store.open(ref(self.people[name]))
        return [raw for _, _, raw in mailbox.raw_many(INBOX, mailbox.index(INBOX).uids)]

    async def send(self, *recipients, raw=MESSAGE, sender="s@other.test", **options):
        return await self.service.deliver(raw, reverse_path=sender, recipients=recipients, **options)

    async def close(self):
        await self.runner.close()
        self.store.close()
        self.directory.close()
        self.spool.close()


def ref(principal):
    return MailboxRef(principal.mailbox_id, principal.guid, principal.shard)


@pytest.fixture
async def house(tmp_path):
    made = House(tmp_path)
    yield made
    await made.close()


# Recipients


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("alice@example.test", {"alice"}),
        ("ALICE@Example.Test", {"alice"}),
        ("alias@example.test", {"alice"}),
        ("alice+list@example.test", {"alice"}),
        ("alice+a+b@example.test", {"alice"}),
        ("sales@example.test", {"sales"}),
        ("news@example.test", {"news"}),
        ("inner@example.test", {"alice", "bob", "carol", "sales"}),
        ("everyone@example.test", {"alice", "bob", "carol", "sales"}),
        ("everyone+tag@example.test", {"alice", "bob", "carol", "sales"}),
    ],
)
async def test_who_gets_the_mail(house, address, names):
    """[RFC5321] 3.9.2: lists are expanded, each mailbox once; [RFC5233] 1: the detail is cut off."""
    found = await house.service.resolve(address)
    assert found.refusal is None
    assert {mailbox.account for mailbox in found.mailboxes} == names
    assert len(found.mailboxes) == len(names)


@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        ("nobody@example.test", Refusal.UNKNOWN),
        ("+alice@example.test", Refusal.UNKNOWN),
        ("x@other.test", Refusal.RELAY),
        ("partner@other.test", Refusal.RELAY),
        ("alice@sub.example.test", Refusal.RELAY),
        ("empty@example.test", Refusal.EMPTY_GROUP),
        ("postmaster", Refusal.UNKNOWN),
    ],
)
async def test_who_is_refused(house, address, refusal):
    assert (await house.service.resolve(address)).refusal is refusal


async def test_changes_by_another_process_are_seen(house, tmp_path):
    """What was taken away counts within 0.05 s; nobody is refused on what is not known to be so still."""
    other = SqlDirectory(tmp_path / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))
    assert (await house.service.resolve("dave@example.test")).refusal is None
    assert (await house.service.resolve("erin@example.test")).refusal is Refusal.UNKNOWN
    other.add(PrincipalKind.SHARED, "erin@example.test")
    assert (await house.service.resolve("erin@example.test")).refusal is None
    other.set_enabled(house.people["dave"].id, False)
    await asyncio.sleep(0.06)
    assert (await house.service.resolve("dave@example.test")).refusal is Refusal.DISABLED
    other.set_enabled(house.people["dave"].id, True)
    assert (await house.service.resolve("dave@example.test")).refusal is None
    other.close()


async def test_recipients_cost_no_question_each(house, monkeypatch):
    """A list of recipients that are known already asks the database at most once in 0.05 s."""
    asked = []
    read = house.directory._database._read_generation
    monkeypatch.setattr(house.directory._database, "_read_generation", lambda: asked.append(1) or read())
    started = time.monotonic()
    for _ in range(50):
        for name in ("alice", "bob+list", "everyone"):
            assert (await house.service.resolve(f"{name}@example.test")).refusal is None
    assert len(asked) <= 1 + (time.monotonic() - started) / 0.05


async def test_disabled_and_full(house):
    """[RFC1870] 6.4: the announced size counts for one recipient; a group takes it."""
    house.directory.set_enabled(house.people["dave"].id, False)
    assert (await house.service.resolve("dave@example.test")).refusal is Refusal.DISABLED
    house.store.open(ref(house.people["carol"])).set_quota(receive=1000)
    assert (await house.service.resolve("carol@example.test")).refusal is None
    assert (await house.service.resolve("carol@example.test", size=2000)).refusal is Refusal.FULL
    assert (await house.service.resolve("inner@example.test", size=2000)).refusal is None


async def test_room_is_asked_for_anew(house):
    """A mailbox without a limit is not asked again for some seconds; the delivery asks all the same."""
    carol = house.store.open(ref(house.people["carol"]))
    assert (await house.service.resolve("carol@example.test")).refusal is None
    carol.set_quota(receive=1000)
    outcomes = await house.service.deliver(
        b"Subject: x\r\n\r\n" + b"x" * 2000, reverse_path="", recipients=["carol@example.test"]
    )
    assert isinstance(outcomes[0].problem, QuotaExceeded)
    house.now += 6
    assert (await house.service.resolve("carol@example.test", size=2000)).refusal is Refusal.FULL


async def test_postmaster(tmp_path):
    """[RFC5321] 4.5.1: postmaster is served with and without a domain."""
    house = House(tmp_path, postmaster="bob@example.test")
    for address in ("postmaster", "Postmaster@example.test"):
        found = await house.service.resolve(address)
        assert [mailbox.account for mailbox in found.mailboxes] == ["bob"]
    await house.close()


# Messages


async def test_what_is_stored(house):
    """[RFC5321] 4.4: Return-Path first, then Received, then the message as it came."""
    (outcome,) = await house.send("alice@example.test", received=PREFIX)
    assert outcome.ok
    (raw,) = house.mail("alice")
    assert raw.startswith(b"Return-Path: <s@other.test>\r\n" + PREFIX + b" id ")
    assert b"\r\n\tfor <alice@example.test>;\r\n\t" in raw
    assert raw.endswith(b"\r\n" + MESSAGE)
    mailbox = house.store.open(ref(house.people["alice"]))
    (row,) = mailbox.rows(INBOX)
    assert row.flags & ~0x12 == 0  # but for UNMODIFIED and HAS_ATTACHMENT
    assert row.internal_date == 1_700_000_000
    assert row.size == len(raw)


async def test_each_mailbox_once(house):
    """Overlapping recipients: one copy a mailbox, the same octets, no recipient named in Received."""
    outcomes = await house.send(
        "everyone@example.test", "alice@example.test", "inner@example.test", "alias@example.test", received=PREFIX
    )
    assert all(outcome.ok for outcome in outcomes)
    copies = [house.mail(name) for name in ("alice", "bob", "carol", "sales")]
    assert [len(mail) for mail in copies] == [1, 1, 1, 1]
    assert len({mail[0] for mail in copies}) == 1
    assert b"for <" not in copies[0][0]
    assert house.mail("dave") == []


@pytest.mark.parametrize("name", ["sales", "news"])
async def test_shared_and_public_mailboxes(house, name):
    assert (await house.send(f"{name}@example.test"))[0].ok
    assert len(house.mail(name)) == 1


async def test_line_ends_and_old_return_path(house):
    """[RFC5321] 2.3.8: lines end with CRLF; 4.4: an old Return-Path goes."""
    await house.send("alice@example.test", raw=b"Return-Path: <old@x>\nSubject: x\n\na\r\nb\n", sender="")
    assert house.mail("alice") == [b"Return-Path: <>\r\nSubject: x\r\n\r\na\r\nb\r\n"]


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"Received: x\r\n" * 6 + MESSAGE, Refusal.MAIL_LOOP),
        (b"Received: by mx.example.test with SMTP\r\n" * 3 + MESSAGE, Refusal.MAIL_LOOP),
        (b"X: " + b"y" * 600 + b"\r\n" + MESSAGE, Refusal.HEADER_TOO_LARGE),
        (MESSAGE + b"x" * 1000, Refusal.TOO_LARGE),
    ],
)
async def test_message_limits(tmp_path, raw, refusal):
    """[RFC5321] 6.3: a message that went round too often is refused."""
    house = House(tmp_path, max_hops=5, max_own_hops=2, max_header=500, max_message=1000)
    outcomes = await house.send("alice@example.test", "bob@example.test", raw=raw)
    assert [outcome.problem for outcome in outcomes] == [refusal, refusal]
    assert house.mail("alice") == []
    await house.close()


@pytest.mark.parametrize("raw", [b"", b"\r\n", b".", b"\x00\xff" * 100, b"no header at all", b"A: b"])
async def test_any_octets_can_be_delivered(house, raw):
    assert (await house.send("alice@example.test", raw=raw))[0].ok
    assert len(house.mail("alice")) == 1


async def test_a_large_message(house):
    body = b"line of text\r\n" * 40_000
    assert (await house.send("alice@example.test", raw=MESSAGE + body))[0].ok
    assert house.mail("alice")[0].endswith(body)


# Failures


async def test_full_mailbox_after_acceptance(house):
    """552 for one recipient alone: nothing is kept and nothing spooled."""
    house.store.open(ref(house.people["alice"])).set_quota(receive=10)
    (outcome,) = await house.send("alice@example.test")
    assert isinstance(outcome.problem, QuotaExceeded)
    assert house.spool.count() == 0
    assert [outcome.problem for outcome in await house.send("no@example.test")] == [Refusal.UNKNOWN]


async def test_nothing_is_kept_when_all_mailboxes_are_away(house):
    house.broken = {person.mailbox_id for person in house.people.values()}
    outcomes = await house.send("everyone@example.test", "alice@example.test")
    assert all(isinstance(outcome.problem, Unavailable) for outcome in outcomes)
    assert house.spool.count() == 0


async def test_partial_failure_is_spooled_and_retried(house):
    """One commit and one durable row make a 250; the row is retried, with back-off, until it is in."""
    house.broken = {house.people["bob"].mailbox_id}
    outcomes = await house.send("alice@example.test", "bob@example.test", received=PREFIX)
    assert all(outcome.ok for outcome in outcomes)
    assert len(house.mail("alice")) == 1
    (row,) = house.spool.list()
    assert (row.recipient, row.reverse_path) == ("bob@example.test", "s@other.test")
    assert await house.service.retry_due() == 0  # not yet due
    waits = []
    for _ in range(9):
        house.now = row.due
        assert await house.service.retry_due() == 1
        (row,) = house.spool.list()
        waits.append(row.due - house.now)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert row.error.startswith("Unavailable")
    house.broken = set()
    house.now = row.due
    assert await house.service.retry_due() == 1
    assert house.spool.count() == 0
    assert house.mail("bob") == house.mail("alice")


async def test_a_spooled_mailbox_that_is_gone_is_kept(house):
    """Mail is never dropped in silence: the row stays for the administrator."""
    house.broken = {house.people["bob"].mailbox_id}
    await house.send("inner@example.test")
    house.directory.set_enabled(house.people["bob"].id, False)
    (row,) = house.spool.list()
    house.now = row.due
    await house.service.retry_due()
    (row,) = house.spool.list()
    assert row.error == "DISABLED"


async def test_slow_retries_are_made_once(house, tmp_path, monkeypatch):
    """Each row is leased as it comes to its turn: the lease of one does not run out while those before it are tried."""
    other = Spool(tmp_path / "spool.sqlite")
    numbers = [house.spool.add("s@other.test", f"{n}@example.test", MESSAGE, house.now) for n in range(5)]
    tried = []

    async def slow(row, now):
        tried.append(row.id)
        house.now += house.service.settings.lease * 0.9
        if len(tried) == 3:  # now another worker looks
            for one in other.due(house.now, 50, house.service.settings.lease):
                tried.append(one.id)
                other.done(one.id)

    monkeypatch.setattr(house.service, "_retry", slow)
    while await house.service.retry_due():
        pass
    other.close()
    assert sorted(tried) == numbers
    assert house.spool.count() == 0


async def test_a_row_that_is_too_old_is_set_aside(house, caplog):
    """[RFC5321] 4.5.4.1: after some days it is given up; it is kept, and nobody tries it again."""
    house.spool.add("s@other.test", "nobody@example.test", MESSAGE, house.now)
    began = house.now
    tries = 0
    while (row := house.spool.list()[0]).due < NEVER:
        house.now = row.due
        assert await house.service.retry_due() == 1
        tries += 1
        assert tries < 1000
    assert 5 * 86_400 <= house.now - began < 5 * 86_400 + 3600
    assert row.attempts == tries
    assert row.error == "UNKNOWN"
    assert house.spool.read(row.id) == MESSAGE
    (record,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert "nobody@example.test" in record.message
    house.now += 365 * 86_400
    assert await house.service.retry_due() == 0
    house.spool.retry(row.id, house.now, "by hand")
    assert await house.service.retry_due() == 1


async def test_no_spool_row_means_try_again(house, monkeypatch):
    """Where the spool fails too, the sender keeps the message."""
    house.broken = {house.people["bob"].mailbox_id}

    def fail(*args):
        raise Unavailable("spool")

    monkeypatch.setattr(house.spool, "add", fail)
    first, second = await house.send("alice@example.test", "bob@example.test")
    assert first.ok
    assert isinstance(second.problem, Unavailable)


async def test_lmtp_recipients_stand_alone(house):
    """[RFC2033] 4.2: who can be told of a failure is told; only a group's missing member is spooled."""
    house.broken = {house.people["bob"].mailbox_id}
    outcomes = await house.send("alice@example.test", "bob@example.test", separately=True)
    assert [outcome.ok for outcome in outcomes] == [True, False]
    assert house.spool.count() == 0
    outcomes = await house.send("inner@example.test", "bob@example.test", separately=True)
    assert [outcome.ok for outcome in outcomes] == [True, True]
    assert house.spool.count() == 1


async def test_the_spool_task_works_until_cancelled(house):
    house.service.settings = DeliverySettings("mx.example.test", poll=0.001)
    task = asyncio.create_task(house.service.run_spool())
    house.spool.add("s@other.test", "carol@example.test", MESSAGE, house.now)
    while house.spool.count():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert house.mail("carol") == [MESSAGE]


# Submission


async def test_who_may_send_as_whom(house):
    """[RFC6409] 6.1: own addresses, grants, and the null path."""
    policy = SubmissionPolicy(provider=house.directory, runner=house.runner)
    alice, sales, bob = (house.people[name] for name in ("alice", "sales", "bob"))
    for address, allowed in (
        ("alice@example.test", True),
        ("ALIAS@example.test", True),
        ("", True),
        ("bob@example.test", False),
        ("sales@example.test", False),
        ("x@other.test", False),
    ):
        assert await policy.may_send(alice, address) is allowed
    house.directory.grant(GrantKind.SEND_AS, sales.id, alice.id)
    house.directory.grant(GrantKind.SEND_ON_BEHALF, bob.id, alice.id)
    assert await policy.may_send(alice, "sales@example.test")
    assert await policy.may_send(alice, "bob@example.test")
