"""Evolution's IMAP client (libcamel's imapx) at work: list, read, flag, move, delete, search, append.

For the system's Python, which has `gi`. Arguments: folder, host, port, login, password, none|starttls|tls. Exit 0:
done; 1: something is not as it should be; 4: libcamel is not there.
"""

from __future__ import annotations

import sys
from typing import Any

from camel_account import Camel, account  # type: ignore[import-not-found]  # beside this program, not a package

*WHO, SECURITY = sys.argv[1:]


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


session, store = account(*WHO, security=SECURITY, mechanism="PLAIN")
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
