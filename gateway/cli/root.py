"""The command `oxgate`: which commands there are, and how what goes wrong is told.

Modules of commands are imported when their command is run, so that `oxgate --help` answers at once.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

import click

from config.loader import SettingsError
from directory.errors import DirectoryUnavailable, ProviderError
from store import errors as store_errors


class Entry(NamedTuple):
    """One command of `oxgate`: where its code is, and the line that `oxgate --help` shows."""

    module: str
    attribute: str
    line: str


COMMANDS = {
    "demo": Entry("gateway.cli.demo", "demo", "Run everything on this machine, with users and mail to try it on."),
    "init": Entry("gateway.cli.init", "init", "Make a folder with settings, certificate and databases."),
    "serve": Entry("gateway.cli.serving", "serve", "Run the server in the foreground."),
    "check-config": Entry("gateway.cli.serving", "check_config", "Check the settings file; tell every error at once."),
    "user": Entry("gateway.cli.users", "user", "Add, list, change and remove users."),
    "mailbox": Entry("gateway.cli.mailboxes", "mailbox", "Create and list mailboxes; set quotas; share folders."),
    "group": Entry("gateway.cli.groups", "group", "Distribution groups and their members."),
    "grant": Entry("gateway.cli.rights", "grant", "Give someone a right on another's mailbox."),
    "revoke": Entry("gateway.cli.rights", "revoke", "Take a right back."),
    "metadata": Entry("gateway.cli.metadata", "metadata", "Set what IMAP clients can read of the whole server."),
    "import": Entry("gateway.cli.importing", "import_mail", "Bring mail in from mbox, Maildir or .eml files."),
    "export": Entry("gateway.cli.exporting", "export_mail", "Write a mailbox to a Maildir or an mbox file."),
    "convert": Entry(
        "gateway.cli.converting", "convert", "Convert messages from one format to another; say what is lost."
    ),
    "audit": Entry("gateway.cli.audit", "audit", "Show who signed in, by what, and what was refused."),
    "devices": Entry("gateway.cli.devices", "devices", "Show who uses legacy mechanisms; allow or deny them by date."),
    "auth": Entry("gateway.cli.authtest", "auth", "Try a sign-in against the running server, step by step."),
    "index": Entry("gateway.cli.index", "index", "Show, rebuild or drop the full-text indexes that speed up searches."),
    "fsck": Entry("gateway.cli.fsck", "fsck", "Check mailboxes for damage, and repair it."),
}

MENDING: dict[type[Exception], str] = {
    DirectoryUnavailable: "Is another program holding the database, or is the disk full? Try again.",
    store_errors.Unavailable: "Is another program holding the mailbox, or is the disk full? Try again.",
    store_errors.NotFound: "`oxgate fsck` shows mailboxes and folders that are missing.",
    store_errors.QuotaExceeded: "The mailbox is full: `oxgate mailbox quota` raises its limits.",
    store_errors.TooLarge: "limits.message_size in the settings sets how large a message may be.",
}


class Root(click.Group):
    """The group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order in which a reader needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.line) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn what the program raises on purpose into a message."""
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException("the settings cannot be used:\n" + _indented(str(error))) from error
        except (ProviderError, store_errors.StoreError, OSError) as error:
            hint = MENDING.get(type(error), "")
            text = str(error) or type(error).__name__
            raise click.ClickException(f"{text}\n{hint}" if hint else text) from error


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file. Default: $OXGATE_CONFIG, else ./oxgate.toml.",
)
@click.version_option(package_name="oxgate")
def oxgate(config: Path | None) -> None:
    """Exchange's front door, without Exchange: IMAP, POP3 and SMTP over a store of MAPI objects.

    \b
    Try it:            oxgate demo
    Set up a server:   oxgate init /srv/oxgate --domain example.com
                       cd /srv/oxgate
                       oxgate user add alice@example.com
                       oxgate serve
    Learn more:        oxgate COMMAND --help
    """
