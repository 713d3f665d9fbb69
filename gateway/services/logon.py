"""Signing in: from what a client typed to a user, a mailbox and the right to open it.

    logon = await service.authenticate(attempt, peer)      # Logon, or raises LogonRefused

A password is looked for where that costs least: among those verified lately, among the account's app passwords, and
then, in a thread, as its own password (a hash). Accounts of an upstream server and names that nobody has here are asked
about there. A proof (ProvedAttempt) needs none of it.

Every refusal but UNAVAILABLE and TOO_MANY is answered after the same delay, counted from when the attempt came in, and
an unknown name takes as much work as a wrong password: nobody learns from outside which it was, and the front ends
answer all of them alike. The audit log (services.audit) tells them apart; it names the login, never the password.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import NamedTuple, NoReturn, ParamSpec, TypeVar

from directory.errors import ProviderError
from directory.grants import may_open
from directory.model import Principal, PrincipalKind
from gateway.sasl.mechanism import PasswordAttempt, ProvedAttempt
from gateway.sasl.peer import PeerInfo
from gateway.services.audit import Audit
from gateway.services.logonparts import Guard, LogonDirectory, Upstream
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

log = logging.getLogger("oxgate.logon")

P = ParamSpec("P")
T = TypeVar("T")

UPSTREAM = "upstream"
"""What the audit log says of a password that the upstream server found right."""

NICER = 10
"""Niceness of the threads that hash, above that of the loop."""

NEAR = 0.002
"""Seconds before an answer is due that are slept exactly; the loop's timers may be off by one millisecond."""

AT_ONCE = 0.02
"""Seconds for which the later questions of a sign-in take the directory to be as the first found it, the one for the
account, which is always asked afresh."""

NOBODY = 0
"""A principal number that is never given: verifying against it takes the usual time and fails."""

ONLY_BY_RULE = frozenset({"NTLMv1", "NTLM2-SESSION"})
"""Variants so weak that each account needs a rule that allows them."""

WITHOUT_DELEGATES = frozenset({"NTLM", "NTLMv1", "NTLM2-SESSION"})
"""Where a name means the account's own mailbox, whatever is in it ([MS-OXIMAP4] 2.2.1 has no place for another)."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Logon:
    """A user who signed in, and the mailbox that is opened: the user's own, or one it has full access to."""

    user: Principal
    owner: Principal
    ref: MailboxRef
    mechanism: str = "PLAIN"
    """What it was proved by: a mechanism's name or a variant of it."""
    until: float | None = None
    """Unix seconds at which the session must end, None for never."""
    app_password: int = 0
    """The number of the app password that was used, 0 for none."""


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
    asking: int = 8
    """Passwords that are asked about upstream at a time; these threads only wait."""


class _Known(NamedTuple):
    """Who it is, and how that is known."""

    user: Principal
    mechanism: str
    until: float | None = None
    detail: str = ""
    """For the audit log: which app password, or that the upstream server said so."""
    app_password: int = 0


class LogonService:
    """Authenticates against the directory. `inline`: its lookups are local and short, so they need no thread."""

    def __init__(
        self,
        directory: LogonDirectory,
        policy: LogonPolicy,
        *,
        inline: bool,
        upstream: Upstream | None = None,
        guard: Guard | None = None,
        audit: Audit | None = None,
    ) -> None:
        self._directory = directory
        self._policy = policy
        self._inline = inline
        self._upstream = upstream
        self._guard = guard
        self._audit = audit or Audit()
        self._hashing = ThreadPoolExecutor(policy.threads, thread_name_prefix="logon", initializer=_yield_to_loop)
        self._asking = ThreadPoolExecutor(policy.asking, thread_name_prefix="logon-ask")
        self._dozing = ThreadPoolExecutor(policy.asking, thread_name_prefix="logon-wait")
        self._waiting = 0

    async def authenticate(self, attempt: PasswordAttempt | ProvedAttempt, peer: PeerInfo) -> Logon:
        """Verify a password, or take a proof, and find the mailbox; raises LogonRefused."""
        began = time.monotonic()
        user: Principal | None = None
        try:
            name = parse_login(attempt.login)
            user = await self._look_up(self._find_account, attempt, name)
            if isinstance(attempt, PasswordAttempt):
                async with self.admission(attempt.login, peer):
                    known = await self._verify(attempt, name, user, peer)
            else:
                if user is None:
                    user = await self._introduce(name)
                known = _Known(user, attempt.mechanism, attempt.until)
            if self._upstream is not None and known.detail != UPSTREAM:
                known = await self._brought_up_to_date(known, self._upstream)
            logon = await self._look_up(self._admit, known, self._mailbox_names(attempt, name), peer)
        except (ProviderError, LogonRefused) as error:
            refusal = _refusal(error)
            await self._refuse(attempt.login, user, peer, refusal, attempt.mechanism, attempt.authorization, began)
        if self._guard is not None:
            self._guard.succeeded(attempt.login, peer)
        self._audit.admitted(
            attempt.login,
            peer,
            logon.mechanism,
            authorization=attempt.authorization,
            user=logon.user,
            owner=logon.owner,
            detail=known.detail,
        )
        return logon

    def admission(self, login: str, peer: PeerInfo) -> AbstractAsyncContextManager[None]:
        """Hold a place while a password or a proof is looked at. Entering it may raise LogonRefused(TOO_MANY)."""
        return nullcontext() if self._guard is None else self._guard.admission(login, peer)

    async def refuse(
        self,
        login: str,
        peer: PeerInfo,
        error: LogonRefused | ProviderError,
        *,
        mechanism: str,
        began: float | None = None,
    ) -> NoReturn:
        """Do with a sign-in that failed before `authenticate` as that does: audit, count, delay; raise the refusal.

        `began` is when, on the monotonic clock, the client's last word came in.
        """
        user = await self.account_of(login)
        await self._refuse(login, user, peer, _refusal(error), mechanism, None, began or time.monotonic())

    def named(self, logon: Logon, peer: PeerInfo, device: str) -> None:
        """Note what a client that has signed in calls itself."""
        self._audit.named(logon.user, peer, logon.mechanism, device)

    def close(self) -> None:
        """Let the threads go."""
        self._hashing.shutdown(wait=False, cancel_futures=True)
        self._asking.shutdown(wait=False, cancel_futures=True)
        self._dozing.shutdown(wait=False, cancel_futures=True)

    # Failing

    async def _refuse(
        self,
        login: str,
        user: Principal | None,
        peer: PeerInfo,
        refusal: LogonRefused,
        mechanism: str,
        authorization: str | None,
        began: float,
    ) -> NoReturn:
        self._audit.refused(
            login,
            peer,
            mechanism,
            authorization=authorization,
            user=user,
            kind=refusal.kind.name.lower(),
            reason=str(refusal),
        )
        if refusal.kind in (RefusalKind.UNAVAILABLE, RefusalKind.TOO_MANY):
            raise refusal
        delay = self._policy.tarpit
        if self._guard is not None:
            self._guard.failed(login, peer)
            delay = self._guard.delay(login, peer)
        await self._wait_for(began, delay)
        raise refusal

    async def _wait_for(self, began: float, delay: float) -> None:
        """Return when `delay` seconds are over since `began`, or, where the work took longer, twice or more of that.

        It is exact to some 50 µs. The loop's timers sleep whole milliseconds from when they are set, and so would show
        by the answer's time how long the work had been; the last of the way is slept in a thread.
        """
        if not delay:
            return
        due = began + delay * math.ceil((time.monotonic() - began + NEAR) / delay)
        await asyncio.sleep(due - NEAR - time.monotonic())
        left = due - time.monotonic()
        if left > 0:
            await asyncio.get_running_loop().run_in_executor(self._dozing, time.sleep, left)

    async def account_of(self, login: str) -> Principal | None:
        """Find whose name it is, whatever the account's state; None also while the directory is away."""
        try:
            return await self._look_up(self.find_user, parse_login(login))
        except ProviderError:
            return None

    # Verifying

    async def _verify(
        self, attempt: PasswordAttempt, name: LoginName, user: Principal | None, peer: PeerInfo
    ) -> _Known:
        """Find out whether the password is right, the cheapest way first. Raises LogonRefused, ProviderError."""
        known = await self._look_up(self._recognise, user, attempt, peer)
        if known is not None:
            return known
        if self._waiting >= self._policy.waiting:
            raise LogonRefused(RefusalKind.TOO_MANY, "too many sign-ins at a time")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            if self._upstream is not None and (user is None or self._upstream.owns(user)):
                verify = partial(self._upstream.verify, name.user, name.domain, attempt.password, known=user)
                found = await loop.run_in_executor(self._asking, verify)
                if found is not None:
                    return _Known(found, attempt.mechanism, detail=UPSTREAM)
            elif await loop.run_in_executor(self._hashing, self._is_own, user, attempt.password):
                assert user is not None
                return _Known(user, attempt.mechanism)
        finally:
            self._waiting -= 1
        reason = "unknown user"
        if user is not None:
            explain = self._directory.explain_app_password
            reason = await self._look_up(explain, user.id, attempt.password, peer.protocol) or "wrong password"
        raise LogonRefused(RefusalKind.BAD_CREDENTIALS, reason)

    def _recognise(self, user: Principal | None, attempt: PasswordAttempt, peer: PeerInfo) -> _Known | None:
        """See whether the password is one that costs no hash: verified lately, or an app password."""
        if user is not None and self._upstream is not None and self._upstream.remembers(user, attempt.password):
            return _Known(user, attempt.mechanism, detail=UPSTREAM)
        number = user.id if user is not None else NOBODY
        remembered = self._directory.remembers_password(number, attempt.password, within=AT_ONCE)
        app = None
        if not remembered:
            app = self._directory.verify_app_password(number, attempt.password, peer.protocol, address=peer.address)
        if user is None or (not remembered and app is None):
            return None
        if app is None:
            if self._directory.lacks_secrets(user.id, within=AT_ONCE):
                self._hashing.submit(self._fill, user, attempt.password)
            return _Known(user, attempt.mechanism)
        return _Known(user, attempt.mechanism, app.expires, f"app password {app.number}", app.number)

    async def _introduce(self, name: LoginName) -> Principal:
        """Make the account of somebody whom a proof has shown, and whom only the upstream server knows so far."""
        user = None
        if self._upstream is not None:
            introduce = self._upstream.introduce
            user = await asyncio.get_running_loop().run_in_executor(self._asking, introduce, name.user, name.domain)
        if user is None:
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "unknown user")
        return user

    async def _brought_up_to_date(self, known: _Known, upstream: Upstream) -> _Known:
        """Look upstream, now and then, whether an account that did not sign in by its password there still may."""
        if upstream.is_fresh(known.user):
            return known
        user = await asyncio.get_running_loop().run_in_executor(self._asking, upstream.current, known.user)
        return known._replace(user=user)

    def _is_own(self, user: Principal | None, password: str) -> bool:
        """Verify the account's own password, in a thread: hashing takes tens of milliseconds. None: as long for no."""
        if user is None:
            self._directory.verify_password(NOBODY, password)
            return False
        if not self._directory.verify_password(user.id, password):
            return False
        self._fill(user, password)
        return True

    def _fill(self, user: Principal, password: str) -> None:
        """Keep what other mechanisms need, now that the clear password is here; a failure costs only that."""
        try:
            if self._directory.lacks_secrets(user.id):
                self._directory.fill_secrets(user.id, password)
        except ProviderError as error:
            log.warning("the secrets of %s cannot be kept: %s", user.address, error)

    async def _look_up(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the directory, where it is not local in a thread."""
        if self._inline:
            return call(*args, **kwargs)
        return await asyncio.to_thread(call, *args, **kwargs)

    # Finding

    def _find_account(self, attempt: PasswordAttempt | ProvedAttempt, name: LoginName) -> Principal | None:
        if isinstance(attempt, ProvedAttempt) and attempt.principal:
            return self._directory.by_id(attempt.principal)
        return self.find_user(name)

    def find_user(self, name: LoginName) -> Principal | None:
        """Find the account that a login name means, whatever its state; None when there is none that could sign in."""
        found = self._find(name.user, name.domain)
        if found is not None:
            return found if found.kind is PrincipalKind.USER else None
        return None if self._upstream is None else self._upstream.find(name.user, name.domain)

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
        if attempt.mechanism in WITHOUT_DELEGATES:
            return []
        asked = [] if name.mailbox is None else [LoginName(name.mailbox)]
        if attempt.authorization:
            asked.append(parse_login(attempt.authorization))
        return asked

    def _admit(self, known: _Known, asked: list[LoginName], peer: PeerInfo) -> Logon:
        """Open the door: to the user's own mailbox or, by a full-access grant, to another ([MS-OXIMAP4] 2.2.2)."""
        user = known.user
        if not user.enabled:
            raise LogonRefused(RefusalKind.DISABLED, "account is disabled")
        self._check_rules(user, known.mechanism, peer)
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
        ref = MailboxRef(owner.mailbox_id, owner.guid, owner.shard)
        return Logon(user, owner, ref, known.mechanism, known.until, known.app_password)

    def _check_rules(self, user: Principal, mechanism: str, peer: PeerInfo) -> None:
        """Ask the policy of the account: a rule may forbid any mechanism, and must allow the weakest."""
        rule = self._directory.rule_for(user.id, mechanism, peer.address, time.time(), within=AT_ONCE)
        if rule is None and mechanism in ONLY_BY_RULE:
            raise LogonRefused(
                RefusalKind.NOT_ALLOWED,
                f"{mechanism} is refused unless a rule allows it: `oxgate devices allow` makes one, or let the client "
                "use NTLMv2",
            )
        if rule is not None and not rule.allow:
            note = f" ({rule.note})" if rule.note else ""
            raise LogonRefused(RefusalKind.NOT_ALLOWED, f"a rule forbids {mechanism} here{note}")


def _yield_to_loop() -> None:
    """Let the loop have a core first: hashing is long, and only its own client waits for it.

    Linux counts niceness by thread; where it counts by process, all is left as it is.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + NICER)


def _refusal(error: LogonRefused | ProviderError) -> LogonRefused:
    return error if isinstance(error, LogonRefused) else LogonRefused(RefusalKind.UNAVAILABLE, str(error))
