"""Why a sign-in that `oxgate auth test` tried did not succeed, and what to do about it."""

from __future__ import annotations

import contextlib
import ipaddress
import time
from collections.abc import Iterator
from dataclasses import dataclass

from config.settings import Settings
from directory.errors import ProviderError
from directory.grants import may_open
from directory.model import Principal, PrincipalKind
from directory.networks import parsed_address
from directory.signins import REFUSED, SignIn, Wanted
from directory.sql import SqlDirectory
from gateway.cli.audit import reading
from gateway.cli.authclient import Reply
from gateway.cli.authmechanisms import CLIENTS, TOKENS, WITHOUT_SECRET, Try
from gateway.cli.authtarget import Target
from gateway.cli.devices import WEAK
from gateway.opening import open_directory
from gateway.services.names import parse_login

RECORD_SECONDS = 2.5
"""How long to wait for the server's own record of what it refused."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Looks for reasons in the settings, in the server's own record and in the directory."""

    settings: Settings
    target: Target
    mechanism: str
    trial: Try
    last: int
    """The newest record before the test."""
    address: str
    """The client's."""
    is_tls: bool

    def not_offered(self, name: str) -> Iterator[str]:
        """Say what keeps a mechanism from being offered."""
        settings, listener = self.settings, self.target.listener
        allowed, where = self._enabled()
        if name not in allowed:
            yield f"{where} does not name {name}; add it there and restart the server."
        elif listener is not None and listener.mechanisms and name not in _upper(listener.mechanisms):
            yield f"The listener {listener.name} has a list of mechanisms of its own, without {name}."
        elif not self.is_tls and name not in ("NTLM", "GSSAPI", "GSS-SPNEGO"):
            yield f"{name} is offered under TLS only: --tls starttls or implicit."
            if name != "EXTERNAL":
                yield "auth.plaintext_without_tls says who may do without TLS; think twice."
        elif name == "EXTERNAL":
            yield "The server must ask for client certificates: tls.client_ca names the CA that signed this one."
        elif name in TOKENS and not settings.oauth.issuer:
            yield "oauth.issuer says who issues tokens; it is not set."
        elif name in ("GSSAPI", "GSS-SPNEGO") and settings.kerberos.keytab is None:
            yield "kerberos.keytab names the server's keys; it is not set."
        elif name.startswith("SCRAM") and settings.upstream.servers:
            yield "SCRAM needs keys of its own, which the upstream server does not hand out."
        elif (name.startswith("SCRAM") or name == "NTLM") and not settings.secrets_key.is_file():
            yield f"There is no key file {settings.secrets_key} for its secrets: `oxgate user nt-hash enable` makes it."
        else:
            yield "The settings would allow it: was the server restarted since they were changed?"

    def _enabled(self) -> tuple[frozenset[str], str]:
        """Give the mechanisms that a client at our address may use, and the setting that says so."""
        best: tuple[int, frozenset[str], str] = (-1, _upper(self.settings.auth.mechanisms), "auth.mechanisms")
        client = parsed_address(self.address)
        if client is None:
            return best[1:]
        for one in self.settings.networks:
            network = ipaddress.ip_network(one.address, strict=False)
            if client in network and network.prefixlen > best[0]:
                best = (network.prefixlen, _upper(one.mechanisms), f"[[networks]] {one.address}")
        return best[1:]

    def refused(self, reply: Reply) -> tuple[str, list[str]]:
        """Explain a refusal: by the server's own record, and by what the directory knows."""
        record = self._record()
        text = f"the server refused: {reply.line}"
        advice = []
        if record is not None:
            text = f"the server refused it: {record.reason}"
            advice.append(f"It told the client no more than `{reply.line}`; `oxgate audit` shows the record.")
        elif any(word in reply.line for word in ("UNAVAILABLE", "SYS/TEMP", "454")):
            advice.append("It cannot tell now: a database or a domain controller is away, or there is a run on it.")
        with contextlib.suppress(ProviderError):
            directory = open_directory(self.settings)
            try:
                advice.extend(self._account_advice(directory))
            finally:
                directory.close()
        if not advice:
            advice.append("`oxgate audit --outcome refused` and the server's log say more.")
        return text, advice

    def _record(self) -> SignIn | None:
        """Wait for the server's record of this refusal; None where it keeps it elsewhere."""
        names = {self.mechanism, CLIENTS[self.mechanism][0] if self.mechanism in CLIENTS else self.mechanism}
        wanted = Wanted(
            protocol=self.target.protocol,
            outcome=REFUSED,
            mechanisms=sorted(names),
            network=self.address,
            after=self.last,
        )
        end = time.monotonic() + RECORD_SECONDS
        with contextlib.suppress(ProviderError, ValueError):
            while time.monotonic() < end:
                with reading(self.settings) as signins:
                    found = signins.records(wanted) if signins is not None else []
                if found:
                    return found[-1][1]
                time.sleep(0.2)
        return None

    def _account_advice(self, directory: SqlDirectory) -> Iterator[str]:
        """Say what the directory knows that would keep this account from signing in this way."""
        name = parse_login(self.trial.login)
        found = self._find(directory, name.user)
        if found is None:
            if not self.settings.upstream.servers:
                yield f"Nobody has the name {name.user}; `oxgate user list` shows who is there."
            return
        if found.kind is not PrincipalKind.USER:
            yield f"{found.address} is no user: sign in as one who may open it, with --mailbox {found.address}."
            return
        if not found.enabled:
            yield f"{found.address} is disabled: `oxgate user enable {found.address}`."
        yield from self._mechanism_advice(directory, found)
        mailbox = self.trial.mailbox or name.mailbox
        if mailbox:
            owner = self._find(directory, mailbox)
            if owner is None:
                yield f"Nobody has the mailbox {mailbox}; `oxgate mailbox list` shows which there are."
            elif not may_open(directory, found, owner):
                yield f"It may not open it: `oxgate grant full-access {owner.address} {found.address}`."

    def _mechanism_advice(self, directory: SqlDirectory, user: Principal) -> Iterator[str]:
        mechanism, address = self.mechanism, user.address
        rule = directory.rule_for(user.id, mechanism, self.address, time.time())
        if rule is not None and not rule.allow:
            yield f"Rule {rule.number} denies {mechanism}: `oxgate devices rules`."
        if mechanism in ("NTLM", *WEAK):
            if not self.settings.ntlm.winbind:
                if not directory.wants_nt_hash(user.id):
                    yield (
                        f"NTLM needs a hash of the password, which this account has not: `oxgate user nt-hash enable "
                        f"{address}`, then `oxgate user passwd {address}`."
                    )
                elif directory.nt_hash(user.id) is None:
                    yield f"Its NT hash is empty: `oxgate user passwd {address}` or a sign-in by password fills it."
            if mechanism in WEAK and rule is None:
                yield (
                    f"{mechanism} is refused until a rule allows it: `oxgate devices allow {address} {mechanism} "
                    "--network ... --until ...`."
                )
        elif mechanism.startswith("SCRAM"):
            if directory.scram_secret(user.id) is None:
                yield f"It has no SCRAM keys yet: `oxgate user passwd {address}` or a sign-in by password makes them."
        elif mechanism in TOKENS:
            yield "[oauth] must fit the token: issuer, audience, claims and the scope of this protocol."
        if mechanism not in (*TOKENS, *WITHOUT_SECRET) and not self.settings.upstream.servers:
            good = directory.verify_password(user.id, self.trial.secret)
            yield (
                "The password is right."
                if good
                else (
                    f"The password is not the account's own (app passwords: `oxgate user app-password list {address}`)."
                )
            )

    def _find(self, directory: SqlDirectory, name: str) -> Principal | None:
        return (
            directory.by_address(name)
            or directory.by_address(f"{name}@{self.settings.default_domain}")
            or directory.by_account(name)
        )


def last_record(settings: Settings) -> int:
    """Give the number of the newest record; 0 when there is none, or nobody can say."""
    with contextlib.suppress(ProviderError), reading(settings) as signins:
        return max((number for number, _ in signins.records(Wanted(limit=1))), default=0) if signins is not None else 0
    return 0


def _upper(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.upper() for name in names)
