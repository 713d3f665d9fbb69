"""`oxgate user app-password` and `oxgate user nt-hash`: what a user signs in by beside the password."""

from __future__ import annotations

import datetime
import re
import time
from typing import Any

import click

from config.settings import Settings
from directory.apppasswords import SCOPES, AppPassword
from directory.errors import SecretsUnavailable
from directory.model import Principal, PrincipalKind
from directory.sql import SqlDirectory
from gateway.cli.context import config_option, json_option, print_json, print_table, read_password, tenant

MAX_DAYS = 36_500


class Scopes(click.ParamType[frozenset[str]]):
    """Protocols, with commas between."""

    name = "scopes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        """Read the text."""
        if isinstance(value, frozenset):
            return value
        words = frozenset(word.strip().lower() for word in str(value).split(",") if word.strip())
        unknown = sorted(words - SCOPES)
        if unknown or not words:
            wrong = unknown[0] if unknown else value
            self.fail(f'"{wrong}" is no scope; scopes are {", ".join(sorted(SCOPES))}', param, ctx)
        return words


class Expiry(click.ParamType[float]):
    """The last day on which something works, `2027-01-31`, or a number of days from now, `90d`."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text; give the Unix time from which it works no more."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        days = re.fullmatch(r"([0-9]{1,5})d", text)
        if days is not None and 0 < int(days[1]) <= MAX_DAYS:
            return time.time() + int(days[1]) * 86_400
        try:
            after = datetime.datetime.strptime(text, "%Y-%m-%d") + datetime.timedelta(days=1)  # midnight, local time
            end = after.timestamp()
        except (ValueError, OverflowError):
            self.fail(f'"{text}" is no end; write it like 2027-01-31 or 90d', param, ctx)
        if end <= time.time():
            self.fail(f"{text} is over already", param, ctx)
        return end


@click.group("app-password")
def app_password() -> None:
    """Secrets for single devices, each with its own scope and end, that can be taken back one by one.

    \b
    oxgate user app-password add alice@example.com --label "Printer, 2nd floor" --scope smtp --expires 2027-01-31
    oxgate user app-password list alice@example.com
    oxgate user app-password revoke alice@example.com 3
    """


@app_password.command()
@click.argument("address")
@click.option("--label", required=True, help="What it is for, such as the device.")
@click.option(
    "--scope",
    type=Scopes(),
    default=frozenset(),
    show_default="all of them",
    metavar="PROTOCOLS",
    help="What it works for, with commas between: imap, pop3, smtp, ldap, http.",
)
@click.option(
    "--expires",
    type=Expiry(),
    metavar="DATE",
    help="The last day on which it works (2027-01-31), or in how many days it ends (90d). Default: never.",
)
@json_option
@config_option
def add(
    settings: Settings, address: str, label: str, scope: frozenset[str], expires: float | None, as_json: bool
) -> None:
    """Make an app password for ADDRESS and show it, once. It takes the place of the password on one device.

    \b
    oxgate user app-password add alice@example.com --label "Alice's phone" --scope imap,smtp
    oxgate user app-password add scanner@example.com --label scanner --scope smtp --expires 365d
    """
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.USER)
        made, secret = here.directory.add_app_password(found.id, label, scopes=scope, expires=expires)
    if as_json:
        print_json({**_data(made), "address": found.address, "secret": secret})
        return
    click.echo(f"App password {made.number} of {found.address}, {made.label}: {_scope(made)}, {_end(made)}.\n")
    click.echo(f"  {secret}\n")
    click.echo("It is not shown again. Dashes and capitals do not matter where it is typed.")
    if not found.enabled:
        click.echo(f"{found.address} is disabled: it works after `oxgate user enable {found.address}`.")


@app_password.command("list")
@click.argument("address")
@json_option
@config_option
def list_app_passwords(settings: Settings, address: str, as_json: bool) -> None:
    """List the app passwords of ADDRESS, with their last use (at most a minute off). Nobody can show the secrets."""
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.USER)
        listed = here.directory.app_passwords(found.id)
    if as_json:
        print_json([_data(one) for one in listed])
        return
    rows = [
        (
            one.number,
            one.label,
            _scope(one),
            _moment(one.created),
            "never" if one.expires is None else _end(one).removeprefix("until "),
            "never" if one.used_at is None else _moment(one.used_at),
            one.used_from,
        )
        for one in listed
    ]
    empty = f"{found.address} has no app passwords; `oxgate user app-password add` makes one."
    print_table(("number", "label", "scope", "created", "expires", "last used", "from"), rows, empty)


@app_password.command()
@click.argument("address")
@click.argument("number", type=click.IntRange(1))
@config_option
def revoke(settings: Settings, address: str, number: int) -> None:
    """Take an app password of ADDRESS back by its number: from now on it opens nothing. Open sessions stay open."""
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.USER)
        labels = {one.number: one.label for one in here.directory.app_passwords(found.id)}
        if not here.directory.revoke_app_password(found.id, number):
            raise click.ClickException(
                f"{found.address} has no app password {number};"
                f" `oxgate user app-password list {found.address}` shows the numbers."
            )
    click.echo(f"App password {number} of {found.address}, {labels.get(number, '')}, is revoked.")


@click.group("nt-hash")
def nt_hash() -> None:
    """Let a user sign in by NTLM: old scanners, printers and mail programs know nothing better.

    NTLM is verified against an NT hash, which is worth as much as the password to whoever gets hold of it. So only the
    accounts that opt in have one. NTLM must be on in the settings too.

    \b
    oxgate user nt-hash enable scanner@example.com
    oxgate user nt-hash disable scanner@example.com
    """


@nt_hash.command()
@click.argument("address")
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the account's password from the first line of standard input, and make the hash at once.",
)
@config_option
def enable(settings: Settings, address: str, password_stdin: bool) -> None:
    """Opt ADDRESS in to an NT hash. It is made from the password as soon as that is seen.

    \b
    oxgate user nt-hash enable scanner@example.com
    echo "$SECRET" | oxgate user nt-hash enable scanner@example.com --password-stdin
    """
    with tenant(settings) as here:
        directory = here.directory
        found = here.find(address, PrincipalKind.USER)
        password = read_password(stdin=True, address=found.address) if password_stdin else None
        if password is not None and not directory.verify_password(found.id, password):
            raise click.ClickException(f"that is not the password of {found.address}; nothing is changed.")
        made_key = directory.ensure_key()
        directory.enable_nt_hash(found.id)
        if password is not None:
            directory.fill_secrets(found.id, password)
        state, has_password, key = (
            nt_hash_state(directory, found),
            directory.has_password(found.id),
            directory.sealer.path,
        )
    if made_key:
        click.echo(f"Made the key file {key}: back it up, apart from the databases.")
    if state == "kept":
        click.echo(f"{found.address} may sign in by NTLM: its NT hash is there.")
    else:
        click.echo(f"{found.address} may sign in by NTLM as soon as its NT hash is there. That is made")
        click.echo(f"  at the next `oxgate user passwd {found.address}`, or")
        click.echo("  the next time somebody signs in with its password (PLAIN, LOGIN; not an app password).")
    if "NTLM" not in settings.enabled_mechanisms:
        click.echo("NTLM is not offered yet: name it in auth.mechanisms, or for the device's network in [[networks]].")
    if not has_password:
        click.echo("It has no password here, and one that another server verifies is not taken: `oxgate user passwd`.")
    click.echo(
        "\nAn NT hash is worth as much as the password, and quick to guess a short password from. It is sealed under\n"
        f"{key}; keep that file and the backups of the databases apart. Give the\n"
        "account a long password that is used nowhere else, and end this when the device is gone:\n"
        f"  oxgate user nt-hash disable {found.address}"
    )


@nt_hash.command()
@click.argument("address")
@config_option
def disable(settings: Settings, address: str) -> None:
    """Opt ADDRESS out, and remove its NT hash: NTLM is refused from now on. The password stays."""
    with tenant(settings) as here:
        found = here.find(address, PrincipalKind.USER)
        had = here.directory.disable_nt_hash(found.id)
    click.echo(f"{found.address} {'has no NT hash any more' if had else 'had no NT hash'}; it cannot sign in by NTLM.")


def nt_hash_state(directory: SqlDirectory, one: Principal) -> str:
    """Say how it stands with a user's NT hash: `no`, `waits for the password`, `kept`, or `lost`."""
    if not directory.wants_nt_hash(one.id):
        return "no"
    try:
        return "waits for the password" if directory.nt_hash(one.id) is None else "kept"
    except SecretsUnavailable:
        return "lost"


def _data(one: AppPassword) -> dict[str, Any]:
    return {
        "number": one.number,
        "label": one.label,
        "scopes": sorted(one.scopes or SCOPES),
        "created": _iso(one.created),
        "expires": _iso(one.expires),
        "expired": one.expires is not None and one.expires <= time.time(),
        "last_used": _iso(one.used_at),
        "last_used_from": one.used_from or None,
    }


def _scope(one: AppPassword) -> str:
    return ", ".join(sorted(one.scopes)) or "all protocols"


def _end(one: AppPassword) -> str:
    if one.expires is None:
        return "never ends"
    return f"{'until' if one.expires > time.time() else 'ended'} {_moment(one.expires - 1)}"  # the last minute of a day


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
