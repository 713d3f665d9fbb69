"""`oxgate devices`: who still signs in by a mechanism that should go, and the dated rules that let him."""

from __future__ import annotations

import datetime
import ipaddress
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from config.settings import Settings
from directory.model import Principal, PrincipalKind
from directory.networks import Networks
from directory.rules import EVERYBODY, MECHANISMS, SignInRule
from directory.signins import DAY, OK, Device
from directory.sql import SqlDirectory
from gateway.cli.audit import Moment, reading, shown_time
from gateway.cli.context import Tenant, config_option, json_option, print_json, print_table, tenant

WEAK = ("NTLMv1", "NTLM2-SESSION")
"""Refused without a rule: whoever sees one exchange finds the password's hash in hours."""
LEGACY = ("NTLM", *WEAK, "LOGIN")
PASSWORDS = ("PLAIN", "LOGIN", "COMMAND")
"""Three ways to show one password."""
SHOWING = ("PLAIN", "COMMAND", "XOAUTH2", "OAUTHBEARER")
"""Mechanisms that hand over the secret itself: legacy where TLS does not hide it."""
EVERYBODY_WORD = "everybody"


class _ListByDefault(click.Group):
    """`oxgate devices --all` is `oxgate devices list --all`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `list` before options that stand alone."""
        if not args or (args[0] not in self.commands and args[0].startswith("-") and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class Until(click.ParamType[float]):
    """A day to come, its end meant: `2027-03-31`, or `90d` from now."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text."""
        text = str(value).strip().lower()
        try:
            if re.fullmatch(r"\d{1,5}d", text):
                day = datetime.date.today() + datetime.timedelta(days=int(text[:-1]))
            else:
                day = datetime.date.fromisoformat(text)
            moment = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time()).timestamp()
        except (ValueError, OverflowError):
            self.fail(f'"{value}" is no day; write it like 2027-03-31, or 90d', param, ctx)
        if moment <= time.time():
            self.fail(f"{value} is over; the rule would never be in force", param, ctx)
        return moment


class MechanismName(click.ParamType[str]):
    """A mechanism or a variant of one, in any case."""

    name = "mechanism"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Find the usual spelling."""
        known = {name.upper(): name for name in MECHANISMS}.get(str(value).upper())
        if known is None:
            self.fail(f"there is no mechanism {value}; there are {', '.join(MECHANISMS)}", param, ctx)
        return known


@click.group(cls=_ListByDefault)
def devices() -> None:
    """Show who still signs in by a legacy mechanism, from where; allow or deny it by rules that end.

    \b
    Legacy are: NTLM, NTLMv1, NTLM2-SESSION, LOGIN, and without TLS whatever shows
    the password or token: PLAIN, COMMAND (IMAP LOGIN, POP3 USER), XOAUTH2, OAUTHBEARER.

    \b
    oxgate devices                       who, from where, by what, last seen, which rule
    oxgate devices list --all            the same for every mechanism
    oxgate devices rules                 the rules that are there

    A printer or scanner that knows nothing but NTLMv1 is refused, and `oxgate devices` lists it. NTLMv1 is weak: who
    records one sign-in can compute the password's hash. So give the device an account of its own with a password used
    nowhere else, then let only that account in, only from the device's address, only until it is replaced:

    \b
    oxgate user nt-hash enable scanner@example.com
    oxgate user passwd scanner@example.com
    oxgate devices allow scanner@example.com NTLMv1 --network 192.0.2.40 \\
        --until 2027-03-31 --note "scanner 2nd floor, replaced in spring"

    NTLM must be on where the device connects: in auth.mechanisms, or better in a [[networks]] of the device alone.
    """


@devices.command("list")
@click.option("--all", "everything", is_flag=True, help="Every mechanism, not the legacy ones alone.")
@click.option("--refused", is_flag=True, help="Also what never got in; much of it may be guessing by strangers.")
@click.option("--user", default="", metavar="A", help="Only this account.")
@click.option("--since", type=Moment(), help="Seen since: 30d, 2026-11-20.")
@json_option
@config_option
def list_devices(
    settings: Settings, everything: bool, refused: bool, user: str, since: float | None, as_json: bool
) -> None:
    """List the devices: account, mechanism, address, last seen, how often, and the rule that holds.

    A device is an account that signs in from one address by one protocol and mechanism. What never got in is left out,
    but for NTLMv1 and NTLM2-SESSION: they are refused until a rule allows them.
    """
    with tenant(settings) as here, reading(settings) as signins:
        account = here.find(user, PrincipalKind.USER).address if user else ""
        found = signins.devices(account=account, since=since or 0.0) if signins is not None else []
        shown = [
            one for one in found if (everything or is_legacy(one)) and (refused or one.count or one.mechanism in WEAK)
        ]
        rules = here.directory.signin_rules()
        states = [_state(here.directory, rules, one) for one in shown]
    if as_json:
        print_json([_data(one, rule, text) for one, (rule, text) in zip(shown, states, strict=True)])
        return
    columns = ("account", "mechanism", "protocol", "tls", "address", "client", "last seen", "ok", "refused", "rule")
    rows = [_cells(one, text) for one, (_, text) in zip(shown, states, strict=True)]
    kind = "device" if everything else "device that uses a legacy mechanism"
    print_table(columns, rows, f"No {kind} is on record.")
    for line in _advice(shown, [rule for rule, _ in states]):
        click.echo(line)


def is_legacy(one: Device) -> bool:
    """Say whether a device signs in by what should go."""
    return one.mechanism in LEGACY or (not one.tls and one.mechanism in SHOWING)


def _state(directory: SqlDirectory, rules: Sequence[SignInRule], one: Device) -> tuple[SignInRule | None, str]:
    """Give the rule that holds for a device, and what it says; of a rule that has ended, when."""
    user = directory.by_address(one.account)
    if user is None:
        return None, "the account is gone"
    now = time.time()
    rule = directory.rule_for(user.id, one.mechanism, one.address, now)
    if rule is not None:
        end = f" until {_day(rule.until)}" if rule.until is not None else ""
        return rule, f"{'allowed' if rule.allow else 'denied'}{end} (rule {rule.number})"
    for old in reversed(rules):
        if old.until is not None and old.until <= now and _fits(old, user, one):
            return None, f"{'allowed' if old.allow else 'denied'} until {_day(old.until)}, ended (rule {old.number})"
    return None, "refused: no rule allows it" if one.mechanism in WEAK else "none"


def _fits(rule: SignInRule, user: Principal, one: Device) -> bool:
    if rule.principal_id not in (EVERYBODY, user.id) or rule.mechanism != one.mechanism:
        return False
    return not rule.network or one.address in Networks([rule.network])


def _cells(one: Device, rule: str) -> list[Any]:
    seen = shown_time(one.last, "%Y-%m-%d %H:%M")
    tls = "yes" if one.tls else "no"
    where = [one.account, one.mechanism, one.protocol, tls, one.address, one.device or "-"]
    return [*where, seen, one.count, one.failures, rule]


def _data(one: Device, rule: SignInRule | None, text: str) -> dict[str, Any]:
    return {
        "account": one.account,
        "mechanism": one.mechanism,
        "legacy": is_legacy(one),
        "protocol": one.protocol,
        "tls": one.tls,
        "address": one.address,
        "client": one.device,
        "first": _utc(one.first),
        "last": _utc(one.last),
        "count": one.count,
        "failures": one.failures,
        "outcome": one.outcome,
        "reason": one.reason,
        "policy": text,
        "rule": rule.number if rule is not None else None,
        "until": _utc(rule.until) if rule is not None and rule.until is not None else None,
    }


def _advice(shown: Sequence[Device], rules: Sequence[SignInRule | None]) -> Iterator[str]:
    """Say what to do about the device seen last that waits for a rule."""
    waiting = [
        one
        for one, rule in zip(shown, rules, strict=True)
        if one.mechanism in WEAK and one.outcome != OK and (rule is None or not rule.allow)
    ]
    if waiting:
        one = waiting[-1]
        day = datetime.date.fromtimestamp(time.time() + 90 * DAY)
        yield ""
        yield f"{one.mechanism} is refused until a rule allows it. For a device that knows nothing better, such as:"
        yield f"  oxgate devices allow {one.account} {one.mechanism} --network {one.address} --until {day}"
        yield "`oxgate devices --help` tells what to think of first."


@devices.command()
@click.argument("account")
@click.argument("mechanism", type=MechanismName())
@click.option("--network", required=True, metavar="CIDR", help="The device's address, or its network.")
@click.option("--until", type=Until(), required=True, help="The last day: 2027-03-31, or 90d from now.")
@click.option("--note", default="", help="Which device it is, and when it goes.")
@config_option
def allow(settings: Settings, account: str, mechanism: str, network: str, until: float, note: str) -> None:
    """Let ACCOUNT sign in by MECHANISM from one network until a day. ACCOUNT may be `everybody`, but not for NTLMv1.

    It takes the place of an earlier rule for the same account, mechanism and network.

    \b
    oxgate devices allow scanner@example.com NTLMv1 --network 192.0.2.40 --until 2027-03-31
    oxgate devices allow everybody LOGIN --network 192.0.2.0/24 --until 90d --note "old mail program"
    """
    with tenant(settings) as here:
        who, name = _who(here, account)
        if mechanism in WEAK and who == EVERYBODY:
            raise click.ClickException(
                f"{mechanism} can be allowed for one account at a time: it gives the password's hash away.\n"
                "`oxgate devices` shows which accounts use it."
            )
        place = _checked_network(network)
        rule = here.directory.add_signin_rule(who, mechanism, network=place, until=until, allow=True, note=note)
        click.echo(
            f"{name} may sign in by {mechanism} from {rule.network} until {_day(until)} (rule {rule.number}). "
            "It holds from the next sign-in on."
        )
        for line in _missing(settings, here, who, name, mechanism):
            click.echo(line)


@devices.command()
@click.argument("account")
@click.argument("mechanism", type=MechanismName())
@click.option("--network", default="", metavar="CIDR", help="Only from there. Default: everywhere.")
@click.option("--until", type=Until(), default=None, help="The last day: 2027-03-31, or 90d. Default: for good.")
@click.option("--note", default="", help="Why.")
@config_option
def deny(settings: Settings, account: str, mechanism: str, network: str, until: float | None, note: str) -> None:
    """Forbid ACCOUNT, or `everybody`, to sign in by MECHANISM.

    A rule for one account goes before one for everybody, and one for a small network before one for a large one.

    \b
    oxgate devices deny everybody LOGIN
    oxgate devices deny alice@example.com NTLM --note "her laptop knows better"
    """
    with tenant(settings) as here:
        who, name = _who(here, account)
        rule = here.directory.add_signin_rule(who, mechanism, network=network, until=until, allow=False, note=note)
    place = f" from {rule.network}" if rule.network else ""
    end = f" until {_day(until)}" if until is not None else ""
    click.echo(f"{name} may not sign in by {mechanism}{place}{end} (rule {rule.number}). Open sessions stay open.")
    if mechanism in PASSWORDS:
        others = " and ".join(other for other in PASSWORDS if other != mechanism)
        click.echo(f"The same password is still taken by {others}, unless rules or settings forbid them too.")


@devices.command("rules")
@json_option
@config_option
def list_rules(settings: Settings, as_json: bool) -> None:
    """List the rules, those that have ended too: they say why a device no longer gets in."""
    with tenant(settings) as here:
        rules = here.directory.signin_rules()
        names = [_name(here.directory, rule) for rule in rules]
    now = time.time()
    if as_json:
        print_json([_rule_data(rule, name, now) for rule, name in zip(rules, names, strict=True)])
        return
    rows = [
        (
            rule.number,
            name,
            "allow" if rule.allow else "deny",
            rule.mechanism,
            rule.network or "everywhere",
            _day(rule.until) if rule.until is not None else "for good",
            "ended" if _ended(rule, now) else "in force",
            rule.note,
        )
        for rule, name in zip(rules, names, strict=True)
    ]
    columns = ("rule", "account", "policy", "mechanism", "network", "until", "state", "note")
    print_table(columns, rows, "No rules: the settings decide, and NTLMv1 and NTLM2-SESSION are refused.")


@devices.command()
@click.argument("number", type=int)
@config_option
def remove(settings: Settings, number: int) -> None:
    """Remove a rule by its NUMBER in `oxgate devices rules`."""
    with tenant(settings) as here:
        if not here.directory.remove_signin_rule(number):
            raise click.ClickException(f"there is no rule {number}; `oxgate devices rules` lists them.")
    click.echo(f"Rule {number} is removed.")


def _who(here: Tenant, account: str) -> tuple[int, str]:
    if account.lower() == EVERYBODY_WORD:
        return EVERYBODY, "Everybody"
    found = here.find(account, PrincipalKind.USER)
    return found.id, found.address


def _name(directory: SqlDirectory, rule: SignInRule) -> str:
    if rule.principal_id == EVERYBODY:
        return EVERYBODY_WORD
    found = directory.by_id(rule.principal_id)
    return found.address if found is not None else "(gone)"


def _checked_network(text: str) -> str:
    """Take a network that is one; a rule for everywhere would be no limit.

    Raises:
        click.ClickException: it is none, or it holds every address.
    """
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise click.UsageError(f"--network wants an address or a network such as 192.0.2.0/24: {error}") from error
    if network.prefixlen == 0:
        raise click.UsageError(f"--network {text} is everywhere; name the network where the device is.")
    return str(network)


def _missing(settings: Settings, here: Tenant, who: int, name: str, mechanism: str) -> Iterator[str]:
    """Say what else the mechanism needs."""
    wanted = "NTLM" if mechanism in WEAK else mechanism
    if wanted != "COMMAND" and wanted not in settings.enabled_mechanisms:
        yield f"{wanted} is not on yet: add it to auth.mechanisms, or in a [[networks]] for the device's network alone."
    if wanted == "NTLM" and who != EVERYBODY and not settings.ntlm.winbind:
        if not here.directory.wants_nt_hash(who):
            yield f"{name} has no NT hash yet: `oxgate user nt-hash enable {name}`, then set its password."
        elif here.directory.nt_hash(who) is None:
            yield f"The NT hash of {name} is empty yet: `oxgate user passwd {name}` or a sign-in by password fills it."


def _rule_data(rule: SignInRule, name: str, now: float) -> dict[str, Any]:
    return {
        "rule": rule.number,
        "account": name,
        "allow": rule.allow,
        "mechanism": rule.mechanism,
        "network": rule.network,
        "until": _utc(rule.until) if rule.until is not None else None,
        "in_force": not _ended(rule, now),
        "note": rule.note,
        "created": _utc(rule.created),
    }


def _ended(rule: SignInRule, now: float) -> bool:
    return rule.until is not None and rule.until <= now


def _day(until: float | None) -> str:
    """Write the last day of a rule: it ends at the midnight behind it."""
    return "" if until is None else shown_time(until - 1, "%Y-%m-%d")


def _utc(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")
