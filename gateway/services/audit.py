"""The record of every sign-in and every refusal: a line of the log `oxgate.audit`, and a row of the ledger.

Both name who it was, where from, by what, whose mailbox and what came of it; never a password, a token or a hash.
"""

from __future__ import annotations

import logging
import re
import time
from functools import lru_cache
from typing import Protocol

from directory.model import Principal
from directory.signins import OK, REFUSED, DeviceKey, SignIn
from gateway.sasl.peer import PeerInfo

audit = logging.getLogger("oxgate.audit")


class Ledger(Protocol):
    """services.ledger.SignInLog."""

    def record(self, signin: SignIn) -> None:
        """Queue a record; waits for nothing and raises nothing."""

    def named(self, device: DeviceKey, name: str) -> None:
        """Note what a client that has signed in calls itself."""


class Audit:
    """Writes to the log, and to the ledger where there is one."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._ledger = ledger

    def admitted(
        self,
        login: str,
        peer: PeerInfo,
        mechanism: str,
        *,
        authorization: str | None,
        user: Principal,
        owner: Principal,
        detail: str,
    ) -> None:
        """Note a sign-in, with both identities: who it is and whose mailbox it is."""
        tls, connection = "yes" if peer.tls else "no", str(peer.connection)
        head, head_text = _head(peer.protocol, peer.address, tls, mechanism, login[:256])
        tail, tail_text = _tail((authorization or "")[:256], user.address, owner.address, detail)
        text, fields = f"{head_text} {tail_text}", head | tail
        if peer.connection:
            text = f"{head_text} connection={connection} {tail_text}"
            fields = {**head, "connection": connection, **tail}
        audit.info("logon %s", text, extra={"fields": {"event": "logon", **fields}})
        self._record(OK, "", login, user, owner.address, peer, mechanism)

    def refused(
        self,
        login: str,
        peer: PeerInfo,
        mechanism: str,
        *,
        authorization: str | None,
        user: Principal | None,
        kind: str,
        reason: str,
    ) -> None:
        """Note a sign-in that came to nothing; `user` is whose it would have been, as far as that is known."""
        fields = _fields(login, peer, mechanism, authorization)
        fields |= {"kind": kind, "reason": reason}
        audit.warning("logon refused %s", _text(fields), extra={"fields": {"event": "logon-refused", **fields}})
        self._record(REFUSED, reason, login, user, "", peer, mechanism)

    def named(self, user: Principal, peer: PeerInfo, mechanism: str, device: str) -> None:
        """Note what the client of a sign-in calls itself, said afterwards ([RFC2971] 3.1)."""
        if self._ledger is not None:
            key = DeviceKey(user.address, peer.address, peer.protocol, mechanism, peer.tls)
            self._ledger.named(key, device)

    def _record(
        self,
        outcome: str,
        reason: str,
        login: str,
        user: Principal | None,
        mailbox: str,
        peer: PeerInfo,
        mechanism: str,
    ) -> None:
        if self._ledger is None:
            return
        self._ledger.record(
            SignIn(
                time.time(),
                outcome,
                reason,
                login,
                user.address if user is not None else "",
                mailbox,
                peer.protocol,
                mechanism,
                peer.address,
                peer.tls,
                peer.device,
                peer.connection,
            )
        )


@lru_cache(maxsize=1024)  # the same users sign in from the same places
def _head(protocol: str, address: str, tls: str, mechanism: str, login: str) -> tuple[dict[str, str], str]:
    """What a line begins with, as fields and as text: who asks, where from, by what."""
    fields = {"protocol": protocol, "peer": address, "tls": tls, "mechanism": mechanism, "login": login}
    return fields, _text(fields)


@lru_cache(maxsize=1024)  # as above
def _tail(authorization: str, user: str, mailbox: str, detail: str) -> tuple[dict[str, str], str]:
    """What the line of a sign-in ends with: whose mailbox it is."""
    fields = {"authorization": authorization} if authorization else {}
    fields |= {"user": user, "mailbox": mailbox}
    if detail:
        fields["by"] = detail
    return fields, _text(fields)


def _fields(login: str, peer: PeerInfo, mechanism: str, authorization: str | None) -> dict[str, str]:
    fields = dict(_head(peer.protocol, peer.address, "yes" if peer.tls else "no", mechanism, login[:256])[0])
    if peer.connection:
        fields["connection"] = str(peer.connection)
    if authorization:
        fields["authorization"] = authorization[:256]
    return fields


def _text(fields: dict[str, str]) -> str:
    """Write fields as `key=value`; a value that could confuse a reader of the log is quoted and escaped."""
    return " ".join([f"{key}={_shown(value)}" for key, value in fields.items()])


_PLAIN = re.compile(r"""[!#-&(-<>-~]+""")


def _shown(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else ascii(value)
