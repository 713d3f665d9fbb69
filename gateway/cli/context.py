"""What most commands need: the settings, the directory, the store, and ways to print."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from config.loader import load
from config.settings import Settings
from directory.model import Principal, PrincipalKind
from gateway.opening import make_reader, open_directory, open_store
from store.changes import Touched
from store.ids import MailboxKind, MailboxRef
from store.notify import HintPipe

F = TypeVar("F", bound=Callable[..., Any])

RUN = "run"
"""The folder below the data folder where workers leave their pipes."""

KIND_WORDS = {
    PrincipalKind.USER: "user",
    PrincipalKind.SHARED: "shared",
    PrincipalKind.ROOM: "room",
    PrincipalKind.EQUIPMENT: "equipment",
    PrincipalKind.PUBLIC: "public",
    PrincipalKind.GROUP: "group",
    PrincipalKind.CONTACT: "contact",
}
OWNERS = tuple(kind for kind in PrincipalKind if kind.has_mailbox)
"""The kinds of entries that own a mailbox."""


def config_option(command: F) -> F:
    """Give a command the option --config; it gets the loaded Settings as `settings`."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The settings file. Default: $OXGATE_CONFIG, else ./oxgate.toml.",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, config: Path | None, **kwargs: Any) -> Any:
        return command(*args, settings=load(config_path(config)), **kwargs)

    return wrapped  # type: ignore[return-value]  # click's decorators change the signature, F names the caller's


def config_path(given: Path | None) -> Path:
    """Find the settings file: the command's --config, the one before the command, $OXGATE_CONFIG, ./oxgate.toml."""
    context = click.get_current_context(silent=True)
    before = context.find_root().params.get("config") if context else None
    return given or before or Path(os.environ.get("OXGATE_CONFIG") or "oxgate.toml")


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


class Tenant:
    """The directory and the store of one server, open together."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.directory = open_directory(settings)
        self._hints = _hints(settings)
        self.reader = make_reader(settings, self.directory)
        self.store = open_store(settings, reader=self.reader, publish=self._publish)

    def find(self, name: str, *kinds: PrincipalKind) -> Principal:
        """Find an entry by address, or by account name or local part in the default domain.

        Raises:
            click.ClickException: there is none, or it is of another kind.
        """
        found = (
            self.directory.by_address(name)
            or self.directory.by_address(f"{name}@{self.settings.default_domain}")
            or self.directory.by_account(name)
        )
        if found is None:
            raise click.ClickException(f"nobody has the address {name}.\n`oxgate user list` shows who is there.")
        if kinds and found.kind not in kinds:
            wanted = " or ".join(KIND_WORDS[kind] for kind in kinds)
            raise click.ClickException(f"{found.address} is a {KIND_WORDS[found.kind]}; this command wants a {wanted}.")
        return found

    def ref(self, owner: Principal) -> MailboxRef:
        """Give the place of an entry's mailbox.

        Raises:
            click.ClickException: it has none.
        """
        if owner.mailbox_id is None:
            raise click.ClickException(f"{owner.address} is a {KIND_WORDS[owner.kind]} and has no mailbox.")
        return MailboxRef(owner.mailbox_id, owner.guid, owner.shard)

    def make_mailbox(self, owner: Principal) -> None:
        """Make the mailbox of a new entry, with the quotas of the settings."""
        ref = self.ref(owner)
        self.store.create(ref, MailboxKind(owner.kind), owner=owner.address)
        given = self.settings.store
        if given.quota_warn or given.quota_send or given.quota_receive:
            self.store.open(ref).set_quota(
                warn=given.quota_warn or None, send=given.quota_send or None, receive=given.quota_receive or None
            )

    def _publish(self, touched: Touched) -> None:
        """Tell the workers of a server that runs, so that its clients see the change at once."""
        if self._hints is not None:
            self._hints.publish(touched)

    def close(self) -> None:
        """Let go of the databases."""
        self.store.close()
        self.directory.close()
        if self._hints is not None:
            self._hints.close()


def _hints(settings: Settings) -> HintPipe | None:
    """Join the workers of a server that runs here, if one ever did."""
    try:
        return HintPipe(settings.general.data / RUN, "command") if (settings.general.data / RUN).is_dir() else None
    except OSError:  # a hint is only a hint
        return None


@contextlib.contextmanager
def tenant(settings: Settings) -> Iterator[Tenant]:
    """Open directory and store for the time of a command."""
    opened = Tenant(settings)
    try:
        yield opened
    finally:
        opened.close()


def read_password(*, stdin: bool, address: str) -> str:
    """Get a new password: the first line of standard input, or what is typed twice at a prompt."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password; hand it over with --password-stdin")
    text: str = click.prompt(f"Password for {address}", hide_input=True, confirmation_prompt=True)
    return text


def print_json(data: Any) -> None:
    """Print data for programs."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print rows in columns, or one line when there are none."""
    if not rows:
        click.echo(empty)
        return
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(_width(line[i]) for line in [list(columns), *cells]) for i in range(len(columns))]
    for line in [[name.upper() for name in columns], *cells]:
        padded = [text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def print_fields(fields: Sequence[tuple[str, Any]]) -> None:
    """Print names and values, one a line; what is empty is left out."""
    shown = [(name, value) for name, value in fields if value not in (None, "", (), [])]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        click.echo(f"{name + ':':<{width + 1}} {text}")


def _width(text: str) -> int:
    """Count terminal columns: wide East Asian characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) != 0 for char in text)


SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class Size(click.ParamType[int | None]):
    """An amount of storage: `500M`, `2G`, a number of octets, or `none`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Read the text."""
        text = str(value).strip().upper().removesuffix("IB").removesuffix("B")
        if text in ("NONE", "0", "NO"):
            return None
        unit = text[-1:] if text[-1:] in SIZES else ""
        number = text.removesuffix(unit)
        try:
            octets = int(float(number) * SIZES[unit])
        except (ValueError, OverflowError):
            octets = 0
        if octets <= 0 or octets >= 2**62:
            self.fail(f'"{value}" is no size; write it like 500M, 2G or none', param, ctx)
        return octets


def shown_size(octets: int | None) -> str:
    """Write a size for people."""
    if octets is None:
        return "none"
    if octets < 1024:
        return f"{octets} B"
    power = 1 if octets < 2**20 else 2 if octets < 2**30 else 3
    return f"{octets / 1024**power:.1f} {'KMG'[power - 1]}iB"
