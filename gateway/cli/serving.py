"""`oxgate serve` and `oxgate check-config`."""

from __future__ import annotations

import os
import ssl
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from config.loader import SettingsError, load
from config.settings import Settings
from directory.errors import SecretsUnavailable
from directory.sealing import Sealer
from gateway.cli.context import config_option, config_path, json_option, print_json


@click.command()
@config_option
def serve(settings: Settings) -> None:
    """Run the server in the foreground. It is ready when it prints `ready`; logs go to standard error.

    SIGTERM lets clients finish and stops; SIGHUP reads the certificates again.
    """
    problems = list(file_problems(settings))
    if problems:
        raise click.ClickException("\n".join(problems))
    sys.exit(run(settings))


def run(settings: Settings) -> int:
    """Serve until told to stop; give the exit code."""
    from gateway.app import serve as serve_app  # the whole server: imported only by the commands that run it

    return serve_app(settings, on_ready=lambda: click.echo("ready"))


@click.command("check-config")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file. Default: $OXGATE_CONFIG, else ./oxgate.toml.",
)
@json_option
def check_config(config: Path | None, as_json: bool) -> None:
    """Check the settings and the files that they name; tell every error at once."""
    path = config_path(config)
    problems: list[dict[str, str]] = []
    try:
        settings = load(path)
    except SettingsError as error:
        problems = [{"name": problem.name, "text": problem.text} for problem in error.problems]
    else:
        for text in file_problems(settings):
            name, _, rest = text.partition(": ")
            problems.append({"name": name, "text": rest})
    if as_json:
        print_json({"file": str(path), "problems": problems})
        if problems:
            sys.exit(1)
        return
    if problems:
        lines = [f"  {one['name']}: {one['text']}" if one["name"] else f"  {one['text']}" for one in problems]
        raise click.ClickException(f"{path} has {len(problems)} problem(s):\n" + "\n".join(lines))
    click.echo(f"{path} is good.")


def file_problems(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the files that the settings name: the setting, and how to mend it."""
    data, tls = settings.general.data, settings.tls
    if not data.is_dir():
        yield f"general.data: there is no folder {data}; make it, or run `oxgate init`"
    yield from _sign_in_problems(settings)
    if not any(one.tls != "none" for one in settings.listeners) or tls.certificate is None or tls.key is None:
        return
    missing = False
    for name, path in (("tls.certificate", tls.certificate), ("tls.key", tls.key)):
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            missing = True
            yield f"{name}: {path} cannot be read: {error.strerror}"
    if missing:
        return
    if tls.key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
        yield f"tls.key: others can read or change {tls.key}; run chmod 640 {tls.key} (or 600)"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
    except (ssl.SSLError, ValueError) as error:
        yield f"tls.certificate: {tls.certificate} and {tls.key} do not belong together or are no PEM files ({error})"


def _sign_in_problems(settings: Settings) -> Iterator[str]:
    """Yield what is wrong with the files that sign-in mechanisms need."""
    if settings.secrets_key.exists():
        try:
            Sealer(settings.secrets_key).derive("check-config")
        except SecretsUnavailable as error:
            yield f"auth.mechanisms: {error}"
    files = {
        "tls.client_ca": settings.tls.client_ca,
        "oauth.ca": settings.oauth.ca,
        "kerberos.keytab": settings.kerberos.keytab,
        "upstream.ca": settings.upstream.ca,
        "upstream.bind_password_file": settings.upstream.bind_password_file,
    }
    for name, path in files.items():
        if path is None:
            continue
        try:
            mode = path.stat().st_mode
            with path.open("rb"):
                pass
        except OSError as error:
            yield f"{name}: {path} cannot be read: {error.strerror}"
            continue
        if name in ("tls.client_ca", "oauth.ca", "upstream.ca"):
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
            except ssl.SSLError:
                yield f"{name}: {path} holds no certificate in PEM form"
        elif mode & (stat.S_IRWXO | stat.S_IWGRP):
            yield f"{name}: others can read or change {path}; run chmod 640 {path} (or 600)"
    winbind = settings.ntlm.winbind
    if winbind and not os.access(winbind, os.X_OK):
        yield f"ntlm.winbind: {winbind} is no program that this user may run; Debian's package winbind has ntlm_auth"
