"""Checks that look at more than one setting."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings


def cross_check(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the dotted name of each setting that does not fit the others, and what to do about it."""
    general, tls = settings.general, settings.tls
    domains = [name.lower() for name in general.domains]
    if general.default_domain and general.default_domain.lower() not in domains:
        yield "general.default_domain", f'"{general.default_domain}" is not in general.domains; add it there'
    if settings.directory.url and not settings.store.url:
        yield "store.url", "must be set when directory.url is: users in PostgreSQL need their mailboxes there"
    if not settings.listeners:
        yield "listeners", "is empty: the server would serve nothing; write at least one [[listeners]]"
    encrypted = [one.name for one in settings.listeners if one.tls != "none"]
    if encrypted and (tls.certificate is None or tls.key is None):
        missing = "tls.certificate" if tls.certificate is None else "tls.key"
        yield (
            missing,
            f"is missing, but {', '.join(encrypted)} use TLS; `oxgate init` makes one, or set tls to none there",
        )
    names: set[str] = set()
    places: dict[tuple[str, int], str] = {}
    for one in settings.listeners:
        if one.name.lower() in names:
            yield f"listeners[{one.name}].name", "is used by two listeners; give each its own"
        names.add(one.name.lower())
        other = places.setdefault((one.host, one.port), one.name)
        if one.port and other != one.name:
            yield f"listeners[{one.name}].port", f"{one.port} is taken by the listener {other}; choose another"
        if one.protocol == "lmtp" and one.host == "":
            yield f"listeners[{one.name}].host", "must be set: LMTP asks for no password and is not for every network"
    if (
        settings.store.quota_warn
        and settings.store.quota_send
        and settings.store.quota_warn > settings.store.quota_send
    ):
        yield "store.quota_warn", "is above store.quota_send: the warning would come too late; lower it"
