"""Signing in: from what a client typed to a user, a mailbox and the right to open it.

    logon = await service.authenticate(attempt, peer)      # Logon, or raises LogonRefused

Every refusal but UNAVAILABLE and TOO_MANY comes after the tarpit delay, and an unknown name takes as long as a wrong
password: nobody learns from outside which it was, and the front ends answer all of them alike. The audit log
(`oxgate.audit`) tells them apart; it names the login, never the password.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NoReturn, Protocol

from directory.errors import ProviderError
from directory.grants import may_open
from directory.model import Principal, PrincipalKind
from directory.provider import DirectoryProvider
from gateway.sasl.mechanism import PasswordAttempt, ProvedAttempt
from gateway.sasl.peer import PeerInfo
from gateway.services.names import LoginName, parse_login
from store.ids import MailboxRef

__all__ = [
    "LoginName",
    "Logon",
    "LogonDirectory",
    "LogonPolicy",
    "LogonRefused",
    "LogonService",
    "PeerInfo",
    "RefusalKind",
    "parse_login",
]

audit = logging.getLogger("oxgate.audit")

NOBODY = 0
"""A principal number that is never given: verifying against it takes the usual time and fails."""


class LogonDirectory(DirectoryProvider, Protocol):
    """The directory, with the memory of passwords that were right."""

    def remembers_password(self, principal_id: int, password: str) -> bool:
        """Say whether verify_password would say yes at once."""


@dataclass(frozen=True, slots=True)
class Logon:
    """A user who signed in, and the mailbox that is opened: the user's own, or one it has full access to."""

    user: Principal
    owner: Principal
    ref: MailboxRef
    mechanism: str = "PLAIN"
    """What it was proved by: a mechanism's name or a variant of it."""
    until: float | None = None
    """Unix seconds at which the session must end, None for never."""


class RefusalKind(Enum):
    """Why nobody was signed in. The first three are one and the same to the client."""

    BAD_CREDENTIALS = auto()
    DISABLED = auto()
    """Right password, disabled account."""
    NOT_ALLOWED = auto()
    """Right password, but no such mailbox, or no right to open it."""
    UNAVAILABLE = auto()
    """The directory does not answer; later it may."""
    TOO_MANY = auto()
    """Too many sign-ins are being verified already; later there may be room."""


class LogonRefused(Exception):
    """Nobody was signed in; the text is for the log."""

    def __init__(self, kind: RefusalKind, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class LogonPolicy:
    """What a name without a domain means, and how failures are answered."""

    default_domain: str
    """Completes a bare name, lower case."""
    netbios_domain: str
    """The short domain name, in any case."""
    domains: Collection[str] = ()
    """The accepted domains, lower case."""
    tarpit: float = 5.0
    """Seconds before a failure is answered."""
    threads: int = 2
    """Passwords verified at a time: each takes memory and a core."""
    waiting: int = 256
    """Sign-ins that may wait for one of the threads."""


class LogonService:
    """Authenticates against the directory. `inline`: its lookups are local and short, so they need no thread."""

    def __init__(self, directory: LogonDirectory, policy: LogonPolicy, *, inline: bool) -> None:
        self._directory = directory
        self._policy = policy
        self._inline = inline
        self._pool = ThreadPoolExecutor(policy.threads, thread_name_prefix="logon")
        self._waiting = 0

    async def authenticate(self, attempt: PasswordAttempt | ProvedAttempt, peer: PeerInfo) -> Logon:
        """Verify a password, or take a proof, and find the mailbox; raises LogonRefused."""
        try:
            logon = await self._authenticate(attempt)
        except ProviderError as error:
            refusal = LogonRefused(RefusalKind.UNAVAILABLE, str(error))
            await self.refuse(
                attempt.login, peer, refusal, mechanism=attempt.mechanism, authorization=attempt.authorization
            )
        except LogonRefused as refused:
            await self.refuse(
                attempt.login, peer, refused, mechanism=attempt.mechanism, authorization=attempt.authorization
            )
        fields = _fields(attempt.login, peer, attempt.mechanism, attempt.authorization)
        fields |= {"user": logon.user.address, "mailbox": logon.owner.address}
        audit.info("logon %s", _text(fields), extra={"fields": {"event": "logon", **fields}})
        return logon

    async def refuse(
        self, login: str, peer: PeerInfo, refusal: LogonRefused, *, mechanism: str, authorization: str | None = None
    ) -> NoReturn:
        """Note a failed sign-in in the audit log, wait as the tarpit says, and raise the refusal."""
        fields = _fields(login, peer, mechanism, authorization)
        fields |= {"kind": refusal.kind.name.lower(), "reason": str(refusal)}
        audit.warning("logon refused %s", _text(fields), extra={"fields": {"event": "logon-refused", **fields}})
        if refusal.kind not in (RefusalKind.UNAVAILABLE, RefusalKind.TOO_MANY):
            await asyncio.sleep(self._policy.tarpit)
        raise refusal

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _authenticate(self, attempt: PasswordAttempt | ProvedAttempt) -> Logon:
        name = parse_login(attempt.login)
        if isinstance(attempt, ProvedAttempt):
            if self._inline:
                return self._proved(attempt, name)
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._proved, attempt, name)
        if self._inline:
            user = self.find_user(name)
            if user is not None and self._directory.remembers_password(user.id, attempt.password):
                return self._admit(user, self._mailbox_names(attempt, name))
        if self._waiting >= self._policy.waiting:
            raise LogonRefused(RefusalKind.TOO_MANY, "too many sign-ins at a time")
        self._waiting += 1
        try:
            call = asyncio.get_running_loop().run_in_executor(self._pool, self._verify, attempt, name)
            return await call
        finally:
            self._waiting -= 1

    def _verify(self, attempt: PasswordAttempt, name: LoginName) -> Logon:
        """Do the whole of it, in a thread: hashing takes tens of milliseconds."""
        user = self.find_user(name)
        good = self._directory.verify_password(user.id if user is not None else NOBODY, attempt.password)
        if user is None:
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "unknown user")
        if not good:
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "wrong password")
        return self._admit(user, self._mailbox_names(attempt, name))

    def _proved(self, attempt: ProvedAttempt, name: LoginName) -> Logon:
        """Take a mechanism's word for who it is."""
        user = self._directory.by_id(attempt.principal) if attempt.principal else self.find_user(name)
        if user is None:
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "unknown user")
        logon = self._admit(user, self._mailbox_names(attempt, name))
        return replace(logon, mechanism=attempt.mechanism, until=attempt.until)

    def find_user(self, name: LoginName) -> Principal | None:
        """Find the account that a login name means, whatever its state; None when there is none that could sign in."""
        found = self._find(name.user, name.domain)
        return found if found is not None and found.kind is PrincipalKind.USER else None

    def _find(self, user: str, domain: str | None) -> Principal | None:
        """Look a name up: UPN by address; `domain\\user` by account first; a bare name in the default domain first."""
        if not user:
            return None
        default = f"{user}@{self._policy.default_domain}"
        if "@" in user:
            return self._directory.by_address(user)
        if domain is None:
            return self._directory.by_address(default) or self._directory.by_account(user)
        domain = domain.lower()
        if domain in ("", ".", self._policy.netbios_domain.lower()):
            return self._directory.by_account(user) or self._directory.by_address(default)
        if domain not in self._policy.domains and domain != self._policy.default_domain:
            return None
        found = self._directory.by_address(f"{user}@{domain}")
        if found is None and domain == self._policy.default_domain:
            found = self._directory.by_account(user)
        return found

    def _mailbox_names(self, attempt: PasswordAttempt | ProvedAttempt, name: LoginName) -> list[LoginName]:
        """List the mailboxes asked for: by the login name, by the authorization identity ([RFC4616] 2), or neither."""
        asked = [] if name.mailbox is None else [LoginName(name.mailbox)]
        if attempt.authorization:
            asked.append(parse_login(attempt.authorization))
        return asked

    def _admit(self, user: Principal, asked: list[LoginName]) -> Logon:
        """Open the door: to the user's own mailbox or, by a full-access grant, to another ([MS-OXIMAP4] 2.2.2)."""
        if not user.enabled:
            raise LogonRefused(RefusalKind.DISABLED, "account is disabled")
        owner = user
        for place, name in enumerate(asked):
            found = None if name.mailbox is not None else self._find(name.user, name.domain)
            if found is None or (place and found.id != owner.id):
                raise LogonRefused(RefusalKind.NOT_ALLOWED, "no such mailbox")
            owner = found
        if owner.mailbox_id is None:
            raise LogonRefused(RefusalKind.NOT_ALLOWED, "no mailbox")
        if not may_open(self._directory, user, owner):
            raise LogonRefused(RefusalKind.NOT_ALLOWED, "no full access")
        return Logon(user, owner, MailboxRef(owner.mailbox_id, owner.guid, owner.shard))


def _fields(login: str, peer: PeerInfo, mechanism: str, authorization: str | None) -> dict[str, str]:
    fields = {
        "protocol": peer.protocol,
        "peer": peer.address,
        "tls": "yes" if peer.tls else "no",
        "mechanism": mechanism,
        "login": login[:256],
    }
    if peer.connection:
        fields["connection"] = str(peer.connection)
    if authorization:
        fields["authorization"] = authorization[:256]
    return fields


def _text(fields: dict[str, str]) -> str:
    """Write fields as `key=value`; a value that could confuse a reader of the log is quoted and escaped."""
    return " ".join(f"{key}={value if _is_plain(value) else ascii(value)}" for key, value in fields.items())


_PLAIN = re.compile(r"""[!#-&(-<>-~]+""")


def _is_plain(value: str) -> bool:
    return _PLAIN.fullmatch(value) is not None
