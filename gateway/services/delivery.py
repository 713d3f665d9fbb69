"""Local delivery: from an accepted message to rows in mailboxes ([RFC5321] 4.4, 6.1).

The promise behind a positive answer: every mailbox that a recipient stands for has the message in a committed
transaction, or a durable retry row for it exists in the spool. A row is only written when some other mailbox of the
same answer has the message already; where none has it the sender is told to come again, and nothing is kept. So nothing
acknowledged is lost, and nobody gets a copy for each retry of a neighbour.

One conversion serves all mailboxes of a message; the mailboxes commit side by side.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from conversion.mime.rendition import normalise_newlines, render
from directory.errors import DirectoryUnavailable
from directory.model import Principal, PrincipalKind
from directory.provider import DirectoryProvider
from directory.recipients import Expansion, expand
from gateway.runtime.worker import StoreRunner
from gateway.services.outcomes import Outcome, Problem, Recipient, Refusal
from gateway.services.trace import (
    read_trace,
    received_suffix,
    return_path,
    without_return_path,
)
from store.errors import StoreError
from store.ids import MailboxRef, SpecialFolder
from store.mapi.message import MimeRendition
from store.quota import Quota
from store.spool import NEVER, Spool, SpoolRow
from store.store import Store

log = logging.getLogger("oxgate.delivery")

_ROOMY_SECONDS = 5.0
"""How long a mailbox that was far from full is taken to have room without being asked again at RCPT."""
_ROOMY_MOST = 10_000
_LATELY = 0.05
"""Seconds for which a recipient that another process changed may still be taken as it was; never to refuse it."""
_LONG_CONVERSION = 262_144
"""Octets from which a conversion leaves the loop for a thread."""


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Limits and names of local delivery."""

    hostname: str
    """The name in Received fields."""
    max_message: int = 37_748_736
    """Octets of a message."""
    max_header: int = 262_144
    """Octets of a header."""
    max_hops: int = 60
    """Received fields that a message may bring."""
    max_own_hops: int = 12
    """Received fields of this host that a message may bring."""
    delimiter: str = "+"
    """Cuts the detail off a local part ([RFC5233] 1); empty: no subaddresses."""
    postmaster: str = ""
    """The address that gets the mail for `postmaster` where nobody has that address ([RFC5321] 4.5.1)."""
    retry_first: float = 60.0
    """Seconds until the first retry of a spooled row; each further one waits twice as long."""
    retry_most: float = 3600.0
    """Seconds between retries at most."""
    lease: float = 300.0
    """Seconds that a worker keeps a row to itself."""
    give_up: float = 5 * 86_400.0
    """Seconds after which a row that fails is tried no more ([RFC5321] 4.5.4.1: at least four or five days)."""
    poll: float = 10.0
    """Seconds between two looks at the spool."""


class DeliveryService:
    """Resolves recipients and delivers messages; one instance serves all connections of a worker."""

    def __init__(
        self,
        *,
        provider: DirectoryProvider,
        store: Store,
        runner: StoreRunner,
        spool: Spool,
        settings: DeliverySettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._provider = provider
        self._store = store
        self._runner = runner
        self._spool = spool
        self._clock = clock
        self._roomy: dict[int, float] = {}
        """Principal number to the time until which its mailbox has room."""
        self._hostname = settings.hostname.encode("ascii", "replace")

    async def resolve(self, address: str, *, size: int = 0) -> Recipient:
        """Find the mailboxes behind an address and whether they take mail of about `size` octets.

        Aliases ([RFC5321] 3.9.1), groups (nested, each mailbox once, [RFC5321] 3.9.2), shared and public mailboxes,
        `user+detail` for `user` ([RFC5233] 1), `postmaster` without a domain ([RFC5321] 4.1.1.3). A directory that
        cannot be asked is TEMPORARY. A change by another process counts after 0.05 s at the latest (on PostgreSQL
        after its `recheck`); a recipient is refused only when the directory says so now.
        """
        try:
            found = await self._runner.read(self._resolve_now, address)
        except DirectoryUnavailable as error:
            log.warning("directory unavailable while resolving %s: %s", address, error)
            return Recipient(address, (), Refusal.TEMPORARY)
        if found.refusal is None and len(found.mailboxes) == 1 and await self._is_full(found.mailboxes[0], size):
            return Recipient(address, (), Refusal.FULL)
        return found

    def _resolve_now(self, address: str) -> Recipient:
        found = self._look_up(address, _LATELY)
        return found if found.refusal is None else self._look_up(address, 0.0)

    def _look_up(self, address: str, within: float) -> Recipient:
        local, _, domain = address.rpartition("@")
        if not local:
            if not self.settings.postmaster:
                return Recipient(address, (), Refusal.UNKNOWN)
            return self._judge(address, expand(self._provider, self.settings.postmaster, within=within))
        if domain.casefold() not in self._provider.domains():
            return Recipient(address, (), Refusal.RELAY)
        found = expand(self._provider, address, within=within)
        delimiter = self.settings.delimiter
        if found.unknown and delimiter and delimiter in local[1:]:
            base = local[: local.index(delimiter, 1)]
            found = expand(self._provider, f"{base}@{domain}", within=within)
        if found.unknown and self.settings.postmaster and local.casefold() == "postmaster":
            found = expand(self._provider, self.settings.postmaster, within=within)
        return self._judge(address, found)

    @staticmethod
    def _judge(address: str, found: Expansion) -> Recipient:
        principal = found.principal
        if principal is None:
            return Recipient(address, (), Refusal.UNKNOWN)
        if not principal.enabled:
            return Recipient(address, (), Refusal.DISABLED)
        if found.too_many:
            return Recipient(address, (), Refusal.TOO_MANY_MEMBERS)
        if principal.kind is PrincipalKind.CONTACT:
            return Recipient(address, (), Refusal.RELAY)
        if not found.mailboxes:
            return Recipient(address, (), Refusal.EMPTY_GROUP)
        if found.contacts:
            log.warning("%s: %d outside members get no copy: relaying is not set up", address, len(found.contacts))
        return Recipient(address, found.mailboxes)

    async def _is_full(self, principal: Principal, size: int) -> bool:
        """Ask for the quota early, so that the sender hears of it for this recipient alone; delivery asks again.

        A mailbox that a moment ago had room for ten messages of any size is not asked.
        """
        now = self._clock()
        if self._roomy.get(principal.id, now) > now and size <= self.settings.max_message:
            return False

        def ask() -> Quota:
            return self._store.open(_ref(principal)).quota()

        try:
            quota = await self._runner.read(ask)
        except StoreError:
            return False
        if quota.receive is None or quota.used + 10 * self.settings.max_message <= quota.receive:
            if len(self._roomy) >= _ROOMY_MOST:
                self._roomy.clear()
            self._roomy[principal.id] = now + _ROOMY_SECONDS
            return False
        return quota.used + size > quota.receive

    async def deliver(
        self,
        raw: bytes,
        *,
        reverse_path: str,
        recipients: Sequence[str | Recipient],
        received: bytes = b"",
        separately: bool = False,
    ) -> list[Outcome]:
        """Deliver one message; the outcomes stand in the order of the recipients.

        `received` is the start of the Received field from trace.received_prefix; empty writes none. `separately` says
        that the caller can tell each recipient its own fate (LMTP, [RFC2033] 4.2); else one recipient's commit makes
        the others spool.
        """
        resolved = [item if isinstance(item, Recipient) else await self.resolve(item) for item in recipients]
        now = self._clock()
        message_id = os.urandom(8).hex()
        full = self._with_trace(raw, reverse_path, received, message_id, resolved, now)
        if isinstance(full, Refusal):
            log.info("%s: refused: %s, from <%s>", message_id, full.name, reverse_path)
            return [Outcome(item.address, full) for item in resolved]
        targets = {mailbox.id: mailbox for item in resolved for mailbox in item.mailboxes}
        failures = await self._commit(await self._convert(full), list(targets.values()), now) if targets else {}
        groups = [resolved] if not separately else [[item] for item in resolved]
        outcomes = [one for group in groups for one in await self._settle(group, failures, full, reverse_path, now)]
        log.info(
            "%s: from=<%s> size=%d mailboxes=%d failed=%d to=%s",
            message_id,
            reverse_path,
            len(full),
            len(targets),
            len(failures),
            [item.address for item in resolved],
        )
        return outcomes

    def _with_trace(
        self, raw: bytes, reverse_path: str, received: bytes, message_id: str, resolved: list[Recipient], now: float
    ) -> bytes | Refusal:
        """Put Return-Path and Received in front, line ends made CRLF, or say why the message is not taken."""
        limits = self.settings
        if len(raw) > limits.max_message:
            return Refusal.TOO_LARGE
        raw = normalise_newlines(raw)
        trace = read_trace(raw, self._hostname)
        if trace.header_length > limits.max_header:
            return Refusal.HEADER_TOO_LARGE
        if trace.hops > limits.max_hops or trace.own_hops > limits.max_own_hops:
            return Refusal.MAIL_LOOP
        if trace.return_paths:
            raw = without_return_path(raw, trace)
        head = return_path(reverse_path)
        if received:
            only = resolved[0].address if len(resolved) == 1 else None
            head += received + received_suffix(message_id, only, now)
        return head + raw

    async def _convert(self, full: bytes) -> MimeRendition:
        if len(full) > _LONG_CONVERSION:
            return await self._runner.run(render, full)
        return render(full)

    async def _commit(self, message: MimeRendition, mailboxes: Collection[Principal], now: float) -> dict[int, Problem]:
        """Deliver to each mailbox; return the problem by principal number for those that failed."""
        if len(mailboxes) == 1:
            problems = [await self._commit_one(message, mailbox, now) for mailbox in mailboxes]
        else:
            problems = await asyncio.gather(*(self._commit_one(message, mailbox, now) for mailbox in mailboxes))
        return {
            mailbox.id: problem for mailbox, problem in zip(mailboxes, problems, strict=True) if problem is not None
        }

    async def _commit_one(self, message: MimeRendition, mailbox: Principal, now: float) -> Problem | None:
        ref, date = _ref(mailbox), int(now)

        def put() -> None:
            self._store.open(ref).deliver(SpecialFolder.INBOX, None, mime=message, internal_date=date)

        try:
            await self._runner.write(ref, put)
        except StoreError as error:
            log.warning("delivery to %s failed: %s: %s", mailbox.address, type(error).__name__, error)
            return error
        except Exception:
            log.exception("delivery to %s failed", mailbox.address)
            return Refusal.TEMPORARY
        return None

    async def _settle(
        self, group: Sequence[Recipient], failures: dict[int, Problem], full: bytes, reverse_path: str, now: float
    ) -> list[Outcome]:
        """Turn the fates of mailboxes into those of recipients that share one answer, and spool what must be."""
        failed = {m.id: m for item in group for m in item.mailboxes if m.id in failures}
        if failed and any(m.id not in failures for item in group for m in item.mailboxes):
            for mailbox in failed.values():
                if await self._spool_row(full, reverse_path, mailbox, failures[mailbox.id], now):
                    del failures[mailbox.id]
        outcomes = []
        for item in group:
            problems: list[Problem] = [failures[m.id] for m in item.mailboxes if m.id in failures]
            if item.refusal is not None:
                problems.append(item.refusal)
            outcomes.append(Outcome(item.address, problems[0] if problems else None))
        return outcomes

    async def _spool_row(
        self, full: bytes, reverse_path: str, mailbox: Principal, problem: Problem, now: float
    ) -> bool:
        due = now + self.settings.retry_first
        try:
            await self._runner.run(self._spool.add, reverse_path, mailbox.address, full, due)
        except StoreError as error:
            log.warning("no spool row for %s: %s", mailbox.address, error)
            return False
        log.warning("spooled for %s: %r", mailbox.address, problem)
        return True

    async def run_spool(self) -> None:
        """Retry spooled rows until cancelled. Every worker may run it: a row is leased to one at a time."""
        while True:
            try:
                while await self.retry_due():
                    pass
            except StoreError as error:
                log.warning("spool unavailable: %s", error)
            except Exception:
                log.exception("spool pass failed")
            await asyncio.sleep(self.settings.poll)

    async def retry_due(self, limit: int = 50) -> int:
        """Try up to `limit` rows that are due; return how many there were. Raises StoreError when the spool is away.

        They are leased one by one: one is tried for seconds, and the lease of all would run out before the last.
        """
        for count in range(limit):
            now = self._clock()
            rows = await self._runner.run(self._spool.due, now, 1, self.settings.lease)
            if not rows:
                return count
            await self._try_again(rows[0], now)
        return limit

    async def _try_again(self, row: SpoolRow, now: float) -> None:
        """Deliver a row, or say when it is due again; one that has failed for too long is kept, but due no more."""
        problem = await self._retry(row, now)
        if problem is None:
            await self._runner.run(self._spool.done, row.id)
        elif now - row.created >= self.settings.give_up:
            log.error("gave up spool row %d for %s, which is kept: %s", row.id, row.recipient, problem)
            await self._runner.run(self._spool.retry, row.id, NEVER, problem)
        else:
            wait = min(self.settings.retry_first * 2 ** min(row.attempts, 20), self.settings.retry_most)
            await self._runner.run(self._spool.retry, row.id, now + wait, problem)

    async def _retry(self, row: SpoolRow, now: float) -> str | None:
        try:
            found = await self._runner.read(self._resolve_now, row.recipient)
        except DirectoryUnavailable as error:
            return str(error)
        if found.refusal is not None:
            return found.refusal.name
        failures = await self._commit(await self._convert(row.raw), found.mailboxes, now)
        for problem in failures.values():
            return problem.name if isinstance(problem, Refusal) else f"{type(problem).__name__}: {problem}"
        return None


def _ref(principal: Principal) -> MailboxRef:
    assert principal.mailbox_id is not None
    return MailboxRef(principal.mailbox_id, principal.guid, principal.shard)
