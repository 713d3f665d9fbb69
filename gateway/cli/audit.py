"""`oxgate audit`: every sign-in and every refusal, as the server recorded them."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from config.settings import Settings
from directory.rules import MECHANISMS
from directory.signins import LOST, OK, REFUSED, SignIn, SignInStore, Wanted
from gateway.cli.context import config_option, json_option, print_json, print_table
from gateway.opening import open_directory

PROTOCOLS = ("imap", "pop3", "smtp", "ldap", "http")
FOLLOW_SECONDS = 1.0
LATE_NUMBERS = 1000
"""A follower looks back so far: with PostgreSQL a record may become visible after one with a higher number."""
COLUMNS = ("time", "outcome", "login", "account", "protocol", "mechanism", "tls", "address", "client", "reason")
WIDTHS = (19, 7, 24, 24, 8, 13, 3, 15, 16, 0)
"""How wide the columns are where nobody knows yet what comes."""

_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Moment(click.ParamType[float]):
    """A time in the past: `2h`, `7d`, `2026-11-20` or `2026-11-20T08:30`, in this machine's time zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text."""
        span = _SPAN.fullmatch(str(value).strip().lower())
        if span is not None:
            return time.time() - int(span[1]) * _UNITS[span[2]]
        try:
            return datetime.datetime.fromisoformat(str(value).strip()).timestamp()
        except (ValueError, OverflowError, OSError):
            self.fail(f'"{value}" is no time; write it like 2h, 7d, 2026-11-20 or 2026-11-20T08:30', param, ctx)


@click.command()
@click.option("--user", default="", metavar="A", help="By this account: its address, its account name, or as typed.")
@click.option("--address", "network", default="", metavar="IP/CIDR", help="From this client address or network.")
@click.option(
    "--mechanism", "mechanisms", multiple=True, metavar="M", help="By this mechanism or variant; may be given often."
)
@click.option("--protocol", type=click.Choice(PROTOCOLS, case_sensitive=False), default=None, help="By this protocol.")
@click.option("--outcome", type=click.Choice((OK, REFUSED)), help="Only what succeeded, or only what was refused.")
@click.option("--since", type=Moment(), help="Not before: 2h, 7d, 2026-11-20 or 2026-11-20T08:30.")
@click.option("--limit", type=click.IntRange(0), default=100, show_default=True, help="The newest so many; 0: all.")
@click.option("--follow", is_flag=True, help="Go on and print what comes, until Ctrl-C.")
@json_option
@config_option
def audit(
    settings: Settings,
    user: str,
    network: str,
    mechanisms: tuple[str, ...],
    protocol: str | None,
    outcome: str | None,
    since: float | None,
    limit: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Show who signed in, from where, by what, and what was refused and why. The newest comes last.

    LOGIN is what the client typed, ACCOUNT the account that it means, `as` another's mailbox that was opened. The
    reason of a refusal is for you alone: the client is told no more than that it failed.

    \b
    oxgate audit --outcome refused --since 2h
    oxgate audit --user alice@example.com --mechanism NTLM --mechanism NTLMv1
    oxgate audit --address 192.0.2.0/24 --follow
    """
    for name in mechanisms:
        if name.upper() not in {known.upper() for known in MECHANISMS}:
            raise click.UsageError(f"there is no mechanism {name}; there are {', '.join(MECHANISMS)}.")
    wanted = Wanted(
        user=_account(settings, user),
        network=network,
        mechanisms=mechanisms,
        protocol=protocol or "",
        outcome=outcome or "",
        since=since or 0.0,
        limit=limit,
    )
    with reading(settings, wait=follow) as signins:
        try:
            seen = _numbers(signins) if signins is not None and follow else set()
            found = signins.records(wanted) if signins is not None else []
        except ValueError as error:
            raise click.UsageError(f"--address wants an IP address or a network: {error}") from error
        if follow and signins is not None:
            seen.update(number for number, _ in found)
            with contextlib.suppress(KeyboardInterrupt):
                _print_on(chain((one for _, one in found), _following(signins, wanted, seen)), as_json)
        elif as_json:
            print_json([record_data(one) for _, one in found])
        else:
            print_table(COLUMNS, [_cells(one) for _, one in found], "No such sign-in is on record.")


@contextlib.contextmanager
def reading(settings: Settings, *, wait: bool = False) -> Iterator[SignInStore | None]:
    """Open the records; None where no server has made any yet (`wait`: until one has).

    The file is not made here: it would belong to whoever runs the command, and not to the server.
    """
    location = settings.signins_location
    if isinstance(location, Path):
        while wait and not location.exists():
            time.sleep(FOLLOW_SECONDS)
        if not location.exists():
            yield None
            return
    signins = SignInStore(location)
    try:
        yield signins
    finally:
        signins.close()


def _account(settings: Settings, name: str) -> str:
    """Give the address of the account that a name means; the name itself when there is none: somebody typed it."""
    if not name:
        return ""
    directory = open_directory(settings)
    try:
        found = (
            directory.by_address(name)
            or directory.by_address(f"{name}@{settings.default_domain}")
            or directory.by_account(name)
        )
    finally:
        directory.close()
    return found.address if found is not None else name


def _numbers(signins: SignInStore) -> set[int]:
    """Give the numbers of the records that are there, as far back as a follower looks."""
    last = max((number for number, _ in signins.records(Wanted(limit=1))), default=0)
    return {number for number, _ in signins.records(Wanted(after=max(last - LATE_NUMBERS, 0)))}


def _following(signins: SignInStore, wanted: Wanted, seen: set[int]) -> Iterator[SignIn]:
    """Yield the records that come, each once; `seen` are those that were there."""
    while True:
        time.sleep(FOLLOW_SECONDS)
        last = max(seen, default=0)
        for number, one in signins.records(replace(wanted, after=max(last - LATE_NUMBERS, 0), limit=0)):
            if number not in seen:
                seen.add(number)
                yield one
        seen = {number for number in seen if number >= last - LATE_NUMBERS}


def record_data(one: SignIn) -> dict[str, Any]:
    """Give a record in the form that --json prints."""
    data = one._asdict()
    data["account"] = data.pop("user")
    return {"time": datetime.datetime.fromtimestamp(one.at, datetime.UTC).isoformat(timespec="milliseconds"), **data}


def shown_time(seconds: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write a time in the machine's time zone."""
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime(form)


def _cells(one: SignIn) -> list[str]:
    account = one.user
    if one.mailbox and one.mailbox.lower() != one.user.lower():
        account = f"{one.user} as {one.mailbox}"
    tls = "" if one.outcome == LOST else "yes" if one.tls else "no"
    cells = [shown_time(one.at), one.outcome, one.login, account, one.protocol, one.mechanism]
    return [*cells, tls, one.address, one.device, one.reason]


def _print_on(records: Iterable[SignIn], as_json: bool) -> None:
    """Print records as they come: lines of a table, or a JSON object a line."""
    if not as_json:
        click.echo(_line([name.upper() for name in COLUMNS]))
    for one in records:
        click.echo(json.dumps(record_data(one), ensure_ascii=False) if as_json else _line(_cells(one)))


def _line(cells: Sequence[str]) -> str:
    return "  ".join(f"{text:<{width}}" for text, width in zip(cells, WIDTHS, strict=True)).rstrip()
