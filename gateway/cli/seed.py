"""The demo's tenant: people, mailboxes, groups, rights, mail, a meeting, contacts, and an address list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from directory.model import GrantKind, Principal, PrincipalKind
from directory.secrets import PreparedPassword
from gateway.cli.context import Tenant
from gateway.cli.samples import Person, Sample, contact, meeting, note
from store.changes import MessageRow
from store.ids import MessageFlag, SpecialFolder
from store.mailbox import Mailbox

DOMAIN = "example.test"
PASSWORD = "password"  # noqa: S105 - the demo's accounts are open on purpose and listen on loopback alone
LISTED = 200
"""Entries of the address list beside the accounts."""

USERS = (
    ("alice", "Alice", "Archer", "Sales", "Head of Sales"),
    ("bob", "Bob", "Baker", "Engineering", "Engineer"),
    ("carol", "Carol", "Castillo", "Engineering", "Architect"),
    ("dave", "Dave", "Dubois", "Finance", "Controller"),
)
# fmt: off
GIVEN = (
    "Ada", "Amir", "Anna", "Björn", "Chiara", "Chen", "Dara", "Elif", "Emil", "Fatima", "Femi", "Grace", "Hana",
    "Ines", "Ivan", "Jonas", "Kofi", "Lena", "Liam", "Mei", "Mona", "Noor", "Olga", "Pablo", "Priya", "Quinn",
    "Rosa", "Sven", "Tomás", "Yara",
)
# fmt: on
# fmt: off
SURNAMES = (
    "Adeyemi", "Andersen", "Becker", "Costa", "Dimitrov", "Evans", "Fischer", "García", "Haddad", "Ito", "Jansen",
    "Kowalski", "Larsen", "Moreau", "Nakamura", "Novák", "Okafor", "Patel", "Petrov", "Rossi", "Santos", "Schmidt",
    "Silva", "Tanaka", "Ünal", "Varga", "Weber", "Yılmaz", "Zhang", "Žukauskas",
)
# fmt: on
DEPARTMENTS = ("Sales", "Engineering", "Finance", "Legal", "Support", "Operations", "Research")
HOUR = 3600


def seed(here: Tenant) -> None:
    """Fill a new server, in one transaction of the directory and one of each mailbox."""
    here.directory.ensure_key()
    prepared = here.directory.prepare_password(PASSWORD)
    with here.directory.batch():
        users = [_user(here, row, prepared) for row in USERS]
        sales = _mailbox(here, PrincipalKind.SHARED, "sales", "Sales")
        _mailbox(here, PrincipalKind.ROOM, "boardroom", "Boardroom")
        public = _mailbox(here, PrincipalKind.PUBLIC, "public", "Public Folders")
        everyone = here.directory.add(PrincipalKind.GROUP, f"everyone@{DOMAIN}", display_name="Everyone")
        for one in users:
            here.directory.add_member(everyone.id, one.id)
        for kind in (GrantKind.FULL_ACCESS, GrantKind.SEND_AS):
            here.directory.grant(kind, sales.id, users[0].id)
        here.directory.grant(GrantKind.FULL_ACCESS, public.id, everyone.id)
        _address_list(here)
        _fill(here, users, sales, public)


def _user(here: Tenant, row: tuple[str, str, str, str, str], prepared: PreparedPassword) -> Principal:
    account, given, surname, department, title = row
    attributes = {
        "givenName": [given],
        "sn": [surname],
        "department": [department],
        "title": [title],
        "company": ["Example"],
        "telephoneNumber": [f"+1 555 01{USERS.index(row):02}"],
    }
    made = here.directory.add_user(
        f"{account}@{DOMAIN}",
        password=prepared,
        nt_hash=True,
        display_name=f"{given} {surname}",
        aliases=[f"{given}.{surname}@{DOMAIN}".lower(), *([f"postmaster@{DOMAIN}"] if account == "alice" else [])],
        attributes=attributes,
    )
    here.make_mailbox(made)
    return made


def _mailbox(here: Tenant, kind: PrincipalKind, account: str, name: str) -> Principal:
    made = here.directory.add(kind, f"{account}@{DOMAIN}", display_name=name)
    here.make_mailbox(made)
    return made


def _address_list(here: Tenant) -> None:
    for number in range(LISTED):
        given = GIVEN[number % len(GIVEN)]
        surname = SURNAMES[(number * 7 + number // len(GIVEN)) % len(SURNAMES)]
        department = DEPARTMENTS[number % len(DEPARTMENTS)]
        here.directory.add(
            PrincipalKind.CONTACT,
            f"person{number + 1:03}@partner.test",
            display_name=f"{given} {surname}",
            attributes={
                "givenName": [given],
                "sn": [surname],
                "department": [department],
                "company": ["Partner"],
                "physicalDeliveryOfficeName": [f"{number % 9 + 1}.{number % 20 + 1:02}"],
                "telephoneNumber": [f"+1 555 {1000 + number}"],
            },
        )


def _fill(here: Tenant, users: Sequence[Principal], sales: Principal, public: Principal) -> None:
    now = int(time.time())
    names = {one.account: f"{one.display_name} <{one.address}>" for one in (*users, sales)}
    to_all = f"Everyone <everyone@{DOMAIN}>"
    welcome = note(
        names["alice"],
        [to_all],
        "Welcome to oxgate",
        "This mailbox is a demo. Write to alice, bob, carol, dave, sales or everyone, and watch the mail arrive.\n",
        html="<p>This mailbox is a <b>demo</b>. Write to alice, bob, carol, dave, sales or everyone.</p>",
        date=now - 26 * HOUR,
    )
    question = note(
        names["bob"],
        [names["alice"]],
        "Figures for Tuesday",
        "Alice,\n\ncould you send me the figures before Tuesday?\n\nBob\n",
        date=now - 5 * HOUR,
        ident=f"<figures-1@{DOMAIN}>",
    )
    answer = note(
        names["alice"],
        [names["bob"]],
        "Re: Figures for Tuesday",
        "Bob,\n\nhere they are.\n\nAlice\n",
        attachment=("figures.csv", "month,amount\nOctober,1200\nNovember,1350\n"),
        date=now - 4 * HOUR,
        reply_to=f"<figures-1@{DOMAIN}>",
    )
    lunch = note(
        names["carol"], [names["alice"], names["dave"]], "Café à midi?", "Qui vient déjeuner ?\n", date=now - HOUR
    )
    order = note(
        "Ines Costa <person014@partner.test>",
        [names["sales"]],
        "Order 4711",
        "Dear sales team,\n\nplease send us 40 boxes.\n\nInes Costa\n",
        date=now - 3 * HOUR,
    )
    notice = note(names["dave"], [to_all], "Office closed on Friday", "See you on Monday.\n", date=now - 50 * HOUR)
    seen = MessageFlag.SEEN
    inbox = SpecialFolder.INBOX
    alice, bob, carol, dave = users
    _deliver(here, alice, [(inbox, welcome, seen), (inbox, question, seen | MessageFlag.ANSWERED), (inbox, lunch, 0)])
    start = (now // (24 * HOUR) + 1) * 24 * HOUR + 10 * HOUR
    invited = [(one.display_name, one.address) for one in (bob, carol)]
    review = meeting((alice.display_name, alice.address), invited, "Quarterly review", "Boardroom", start, 60)
    people = [
        Person("Ines", "Costa", "person014@partner.test", "+1 555 1013", "Partner"),
        Person("Jonas", "Weber", "jonas.weber@partner.test", "+1 555 1999", "Partner"),
    ]
    _deliver(
        here,
        alice,
        [
            (SpecialFolder.SENT_ITEMS, answer, seen),
            (SpecialFolder.CALENDAR, review, seen),
            *((SpecialFolder.CONTACTS, contact(one), seen) for one in people),
        ],
    )
    _deliver(here, bob, [(inbox, welcome, seen), (inbox, answer, 0), (SpecialFolder.SENT_ITEMS, question, seen)])
    _deliver(here, carol, [(inbox, welcome, 0), (SpecialFolder.SENT_ITEMS, lunch, seen)])
    _deliver(here, dave, [(inbox, welcome, 0), (inbox, lunch, 0)])
    _deliver(here, sales, [(inbox, order, 0)])
    board = here.store.open(here.ref(public)).create_folder(("Announcements",))
    _deliver(here, public, [(board.id, notice, 0)])


def _deliver(here: Tenant, owner: Principal, messages: Sequence[tuple[int, Sample, int]]) -> None:
    ref = here.ref(owner)
    mailbox = here.store.open(ref)
    for result in here.store.group(ref, [_delivery(mailbox, *one) for one in messages]):
        if isinstance(result, Exception):
            raise result


def _delivery(mailbox: Mailbox, folder: int, sample: Sample, flags: int) -> Callable[[], MessageRow]:
    return lambda: mailbox.deliver(folder, sample.content, mime=sample.mime, flags=flags, internal_date=sample.date)
