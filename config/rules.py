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
    yield from _sign_in(settings)
    if (
        settings.store.quota_warn
        and settings.store.quota_send
        and settings.store.quota_warn > settings.store.quota_send
    ):
        yield "store.quota_warn", "is above store.quota_send: the warning would come too late; lower it"


def _sign_in(settings: Settings) -> Iterator[tuple[str, str]]:
    """Check that what is enabled has what it needs, and that what is set up is enabled."""
    enabled, oauth, upstream = settings.enabled_mechanisms, settings.oauth, settings.upstream
    needs = [
        ("oauth.issuer", bool(oauth.issuer), ("XOAUTH2", "OAUTHBEARER"), "the URL of who issues the tokens"),
        ("kerberos.keytab", settings.kerberos.keytab is not None, ("GSSAPI", "GSS-SPNEGO"), "the services' keytab"),
        ("tls.client_ca", settings.tls.client_ca is not None, ("EXTERNAL",), "the CA of the clients' certificates"),
    ]
    for name, is_set, mechanisms, what in needs:
        used = [mechanism for mechanism in mechanisms if mechanism in enabled]
        if used and not is_set:
            names = " and ".join(used)
            yield (
                name,
                f"is missing, but {names} cannot work without; set {what}, or take {names} out of the mechanisms",
            )
        elif is_set and not used:
            yield name, f"is set, but no list of mechanisms names {' or '.join(mechanisms)}; add it to auth.mechanisms"
    if oauth.issuer and not oauth.audience:
        yield "oauth.audience", "is missing: without it tokens made for other services would open mailboxes here"
    if oauth.issuer and not oauth.claims:
        yield "oauth.claims", 'is empty: no claim says who it is; write for example ["preferred_username"]'
    if settings.ntlm.winbind and "NTLM" not in enabled:
        yield "ntlm.winbind", "is set, but no list of mechanisms names NTLM; add it to auth.mechanisms"
    if upstream.servers and not upstream.base:
        yield "upstream.base", 'is missing: say below which DN users are, such as "dc=example,dc=com"'
    if upstream.bind_dn and upstream.bind_password_file is None:
        yield "upstream.bind_password_file", f"is missing: {upstream.bind_dn} cannot sign in without a password"
    if settings.protection.max_tarpit < settings.auth.tarpit:
        yield "protection.max_tarpit", "is below auth.tarpit, the shortest wait; raise it"
    seen: set[str] = set()
    for one in settings.networks:
        if one.address in seen:
            yield f"networks[{one.address}].address", "is used twice; join the two"
        seen.add(one.address)
    for listener in settings.listeners:
        unused = [name for name in listener.mechanisms if name.upper() not in enabled]
        if unused:
            yield (
                f"listeners[{listener.name}].mechanisms",
                f"names {', '.join(unused)}, which neither auth.mechanisms nor a network has; add it there, too",
            )
