"""Evolution's IMAP client (libcamel's imapx) at work: list, read, flag, move, delete, search, append.

For the system's Python, which has `gi`. Arguments: folder, host, port, login, password, none|starttls|tls. Exit 0:
done; 1: something is not as it should be; 4: libcamel is not there.
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

FOLDER, HOST, PORT, LOGIN, PASSWORD, SECURITY = sys.argv[1:]
METHODS = {
    "none": Camel.NetworkSecurityMethod.NONE,
    "starttls": Camel.NetworkSecurityMethod.STARTTLS_ON_STANDARD_PORT,
    "tls": Camel.NetworkSecurityMethod.SSL_ON_ALTERNATE_PORT,
}


class Session(Camel.Session):  # type: ignore[misc]  # a class that gi makes at run time
    """Answers for the user: the password once, and trust in the test's certificate."""

    def do_authenticate_sync(self, service: Any, mechanism: str, cancellable: Any) -> bool:
        service.set_password(PASSWORD)
        if service.authenticate_sync(mechanism, cancellable) != Camel.AuthenticationResult.ACCEPTED:
            raise GLib.Error("login refused", "test", 1)
        return True

    def do_trust_prompt(self, service: Any, certificate: Any, errors: Any) -> Any:
        return Camel.CertTrust.TEMPORARY


def want(what: str, got: object, expected: object = True) -> None:
    """Say what is checked; end where it is wrong."""
    print("ok  " if got == expected else "FAIL", what, repr(got), flush=True)
    if got != expected:
        sys.exit(1)


def uid_of(folder: Any, subject: str) -> str | None:
    """The UID of the message with these words in its subject."""
    for uid in folder.get_uids() or []:
        if subject in folder.get_message_info(uid).get_subject():
            return str(uid)
    return None


Camel.init(FOLDER, True)
Camel.provider_init()
session = Session(user_data_dir=f"{FOLDER}/data", user_cache_dir=f"{FOLDER}/cache", online=True)
store = session.add_service("account", "imapx", Camel.ProviderType.STORE)
settings = store.ref_settings()
settings.set_host(HOST)
settings.set_port(int(PORT))
settings.set_user(LOGIN)
settings.set_auth_mechanism("PLAIN")
settings.set_security_method(METHODS[SECURITY])
session.set_online(True)
store.set_online_sync(True, None)
store.connect_sync(None)
want("folder list", store.get_folder_info_sync("", Camel.StoreGetFolderInfoFlags.RECURSIVE, None) is not None)
inbox = store.get_folder_sync("INBOX", 0, None)
inbox.refresh_info_sync(None)
want("messages", len(inbox.get_uids()), 3)
first = uid_of(inbox, "seed-1")
message = inbox.get_message_sync(first, None)
stream = Camel.StreamMem.new()
message.decode_to_stream_sync(stream, None)
want("text", b"token-1" in bytes(stream.get_byte_array()))
mark = Camel.MessageFlags.FLAGGED | Camel.MessageFlags.SEEN
inbox.get_message_info(first).set_flags(mark, mark)
inbox.get_message_info(first).set_user_flag("$label1", True)
inbox.synchronize_sync(False, None)
archive = store.get_folder_sync("Archive", 0, None)
inbox.transfer_messages_to_sync([uid_of(inbox, "seed-2")], archive, True, None)
inbox.synchronize_sync(True, None)
inbox.refresh_info_sync(None)
archive.refresh_info_sync(None)
want("moved", (uid_of(inbox, "seed-2"), uid_of(archive, "seed-2") is not None), (None, True))
gone = Camel.MessageFlags.DELETED
inbox.get_message_info(uid_of(inbox, "seed-3")).set_flags(gone, gone)
inbox.synchronize_sync(True, None)
inbox.refresh_info_sync(None)
want("deleted", uid_of(inbox, "seed-3"), None)
found = inbox.search_by_expression('(match-all (header-contains "subject" "seed-1"))', None)
want("search", len(list(found)), 1)
made = store.create_folder_sync("", "Made", None)
want("folder made", made is not None)
store.disconnect_sync(True, None)
print("DONE")
