"""An account of Evolution's IMAP client (libcamel's imapx), for the programs beside it.

They are for the system's Python, which has `gi`; a program that imports this ends with 4 where libcamel is not there.
"""

from __future__ import annotations

import sys
from typing import Any

try:
    import gi  # type: ignore[import-not-found]  # Debian's python3-gi, not on the package index as a wheel

    gi.require_version("Camel", "1.2")
    from gi.repository import Camel, GLib  # type: ignore[import-not-found]  # the same
except (ImportError, ValueError) as error:
    print("Missing:", error)
    sys.exit(4)

__all__ = ["Camel", "GLib", "account"]

METHODS = {
    "none": Camel.NetworkSecurityMethod.NONE,
    "starttls": Camel.NetworkSecurityMethod.STARTTLS_ON_STANDARD_PORT,
    "tls": Camel.NetworkSecurityMethod.SSL_ON_ALTERNATE_PORT,
}


class Session(Camel.Session):  # type: ignore[misc]  # a class that gi makes at run time
    """Answers for the user: the password once, and trust in the test's certificate."""

    password = ""

    def do_authenticate_sync(self, service: Any, mechanism: str, cancellable: Any) -> bool:
        service.set_password(self.password)
        if service.authenticate_sync(mechanism, cancellable) != Camel.AuthenticationResult.ACCEPTED:
            raise GLib.Error("login refused", "test", 1)
        return True

    def do_trust_prompt(self, service: Any, certificate: Any, errors: Any) -> Any:
        return Camel.CertTrust.TEMPORARY


def account(
    folder: str, host: str, port: str, login: str, password: str, *, security: str, mechanism: str
) -> tuple[Session, Any]:
    """Make an account that keeps its files in a folder; give the session and its store. It connects by itself."""
    Camel.init(folder, True)
    Camel.provider_init()
    session = Session(user_data_dir=f"{folder}/data", user_cache_dir=f"{folder}/cache", online=True)
    session.password = password
    store = session.add_service("account", "imapx", Camel.ProviderType.STORE)
    settings = store.ref_settings()
    settings.set_host(host)
    settings.set_port(int(port))
    settings.set_user(login)
    settings.set_auth_mechanism(mechanism)
    settings.set_security_method(METHODS[security])
    session.set_online(True)
    return session, store
