"""Where `oxgate auth test` connects to."""

from __future__ import annotations

from dataclasses import dataclass

import click

from config.settings import Listener, Settings

SERVICES = {"imap": ("imap",), "pop3": ("pop3",), "smtp": ("submission", "smtp")}
"""The listeners that a client of a protocol signs in at, the likelier first."""
IMPLICIT_PORTS = {993, 995, 465}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the server is."""

    protocol: str
    host: str
    port: int
    tls: str
    """implicit; starttls: it must be; auto: where the server offers it; none."""
    name: str
    """The name that the certificate must have."""
    listener: Listener | None
    """The listener of the settings, when it is one."""


def find_target(
    settings: Settings, protocol: str, host: str, port: int | None, listener_name: str, tls: str | None
) -> Target:
    """Find where to connect to, from what was given and from the listeners of the settings.

    Raises:
        click.ClickException: no listener fits, or its port is not known.
    """
    listener = _listener(settings, protocol, listener_name, tls) if not (host and port) or listener_name else None
    if listener is None and not (host and port):
        names = ", ".join(f"{one.name} ({one.protocol}, {one.tls})" for one in settings.listeners)
        raise click.ClickException(f"no listener of the settings fits; there are {names}.")
    chosen = port or (listener.port if listener is not None else 0)
    if not chosen:
        assert listener is not None
        raise click.ClickException(f"the listener {listener.name} takes any free port; give --port.")
    where = host or _reachable(listener.host if listener is not None else "")
    name = host or settings.general.hostname
    if listener is not None:
        mode = tls or ("auto" if listener.tls == "starttls" else listener.tls)
    else:
        mode = tls or ("implicit" if chosen in IMPLICIT_PORTS else "auto")
    return Target(protocol, where, chosen, mode, name, listener)


def _listener(settings: Settings, protocol: str, name: str, tls: str | None) -> Listener | None:
    if name:
        for one in settings.listeners:
            if one.name == name and one.protocol in SERVICES[protocol]:
                return one
        raise click.ClickException(f"the settings have no listener {name} for {protocol}.")
    wanted = {"implicit": ("implicit",), "starttls": ("starttls",), None: ("starttls", "implicit", "none")}
    kinds = wanted.get(tls, ("starttls", "none"))
    fitting = [one for one in settings.listeners if one.protocol in SERVICES[protocol] and one.tls in kinds]
    return min(fitting, key=lambda one: (SERVICES[protocol].index(one.protocol), kinds.index(one.tls)), default=None)


def _reachable(host: str) -> str:
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - bound to, not by us
