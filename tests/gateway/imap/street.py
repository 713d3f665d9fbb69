"""A harness with several users: a real directory beside the store, and people who see into each other's mailboxes."""

from __future__ import annotations

from pathlib import Path

from directory.credentials import Hasher
from directory.model import GrantKind, Principal, PrincipalKind
from directory.sql import SqlDirectory
from gateway.imap.environment import ImapServices, ImapSettings
from gateway.sasl.mechanism import PasswordAttempt, ProvedAttempt
from gateway.sasl.registry import Mechanisms
from gateway.services.logon import Logon, LogonRefused, PeerInfo, RefusalKind
from gateway.services.sharing import Change, Sharing, principal_of, ref_of
from gateway.services.signin import SignInService
from store.ids import MailboxKind
from store.mailbox import Mailbox
from store.permissions import DEFAULT, Rights
from tests.gateway.imap.harness import Client, FakeLogon, Server
from tests.support.prepared import lay_out

DOMAIN = "example.test"
PEOPLE = ("alice", "bob", "carol", "dave")
SEE = Rights.FOLDER_VISIBLE
READ = SEE | Rights.READ_ANY
EDIT = READ | Rights.CREATE | Rights.EDIT_ANY | Rights.DELETE_ANY
OWN = Rights(0x5FB)


class StreetLogon(FakeLogon):
    """Everybody of the directory, with `password`; `alice/sales` opens the mailbox of sales."""

    def __init__(self, directory: SqlDirectory) -> None:
        super().__init__()
        self.directory = directory

    async def authenticate(self, attempt: PasswordAttempt | ProvedAttempt, peer: PeerInfo) -> Logon:
        assert isinstance(attempt, PasswordAttempt)
        name, _, other = attempt.login.partition("/")
        user = self.directory.by_account(name)
        owner = self.directory.by_account(other or name)
        if user is None or owner is None or attempt.password != "password":
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "no")
        return Logon(user, owner, ref_of(owner))


def _directory(root: Path) -> SqlDirectory:
    return SqlDirectory(root / "directory.sqlite", domains=[DOMAIN], hasher=Hasher(memory=8, passes=1), recheck=0)


def _settle(root: Path) -> None:
    """Make the directory of a street."""
    directory = _directory(root)
    with directory.batch():
        made = {name: directory.add_user(f"{name}@{DOMAIN}", display_name=name.title()) for name in PEOPLE}
        made["sales"] = directory.add(PrincipalKind.SHARED, f"sales@{DOMAIN}")
        directory.add(PrincipalKind.PUBLIC, f"news@{DOMAIN}")
        for group, member in (("team", "bob"), ("staff", "team")):
            made[group] = directory.add(PrincipalKind.GROUP, f"{group}@{DOMAIN}")
            directory.add_member(made[group].id, made[member].id)
        directory.grant(GrantKind.FULL_ACCESS, made["sales"].id, made["alice"].id)
    directory.close()


class Street(Server):
    """alice, bob, carol and dave; the shared mailbox sales, which alice may open; the public mailbox news; the group
    team, in which bob is, and the group staff, which holds team."""

    def __init__(self, root: Path, settings: ImapSettings | None = None) -> None:
        super().__init__(root, settings)
        lay_out(root, _settle)
        self.directory = _directory(root)
        for name in (*PEOPLE, "sales", "news"):
            self._house(self.entry(name))
        self.sharing = Sharing(self.directory, self.store)
        self.logon = StreetLogon(self.directory)
        old = self.services
        self.services = ImapServices(
            old.runner,
            old.store,
            SignInService(self.logon, Mechanisms(in_clear=lambda address: True)),
            old.watch,
            settings=old.settings,
            sharing=self.sharing,
        )

    def _house(self, owner: Principal) -> None:
        ref = ref_of(owner)
        if not self.store.exists(ref):
            self.store.create(ref, MailboxKind(owner.kind), owner=owner.address)

    def entry(self, name: str) -> Principal:
        found = self.directory.by_address(f"{name}@{DOMAIN}")
        assert found is not None
        return found

    def box(self, name: str) -> Mailbox:
        """A mailbox as its owner opens it."""
        return self.store.open(ref_of(self.entry(name)))

    def share(self, owner: str, folder: str, who: str, rights: Rights | None) -> None:
        """Give somebody (empty: everybody) rights in a folder, made if it is missing."""
        mailbox = self.box(owner)
        path = tuple(folder.split("/"))
        known = {row.path: row.id for row in mailbox.folders()}
        number = known[path] if path in known else mailbox.create_folder(path).id
        change: Change = lambda held: rights  # noqa: E731  # a function of one expression
        self.sharing.change_permission(mailbox, number, principal_of(self.entry(who)) if who else DEFAULT, change)

    async def user(self, name: str, select: str | None = None) -> Client:
        """A client of somebody who has signed in."""
        client = self.connect()
        client.take()
        await client.ok(f"LOGIN {name} password")
        if select is not None:
            await client.ok(f"SELECT {select}")
        return client

    async def close(self) -> None:
        await super().close()
        self.directory.close()
