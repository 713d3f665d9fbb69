"""Evolution's IMAP client (libcamel's imapx) without its window: sign in, print the subjects of the Inbox.

For the system's Python, which has `gi`. Arguments: folder, host, port, login, password, mechanism. Exit 0: done;
3: refused; 4: libcamel is not there.
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

FOLDER, HOST, PORT, LOGIN, PASSWORD, MECHANISM = sys.argv[1:]


class Session(Camel.Session):  # type: ignore[misc]  # a class that gi makes at run time
    """Answers for the user: the password once, and trust in the test's certificate."""

    def do_authenticate_sync(self, service: Any, mechanism: str, cancellable: Any) -> bool:
        service.set_password(PASSWORD)
        if service.authenticate_sync(mechanism, cancellable) != Camel.AuthenticationResult.ACCEPTED:
            raise GLib.Error("login refused", "test", 1)
        return True

    def do_trust_prompt(self, service: Any, certificate: Any, errors: Any) -> Any:
        return Camel.CertTrust.TEMPORARY


Camel.init(FOLDER, True)
Camel.provider_init()
session = Session(user_data_dir=f"{FOLDER}/data", user_cache_dir=f"{FOLDER}/cache", online=True)
store = session.add_service("account", "imapx", Camel.ProviderType.STORE)
settings = store.ref_settings()
settings.set_host(HOST)
settings.set_port(int(PORT))
settings.set_user(LOGIN)
settings.set_auth_mechanism(MECHANISM)
settings.set_security_method(Camel.NetworkSecurityMethod.STARTTLS_ON_STANDARD_PORT)
session.set_online(True)
try:
    store.set_online_sync(True, None)
    store.connect_sync(None)
except GLib.Error as error:
    print("REFUSED", error.message)
    sys.exit(3)
inbox = store.get_folder_sync("INBOX", 0, None)
inbox.refresh_info_sync(None)
for uid in inbox.get_uids() or []:
    print("SUBJECT", inbox.get_message_info(uid).get_subject())
store.disconnect_sync(True, None)
