"""Evolution's IMAP client (libcamel's imapx) without its window: sign in, print the subjects of the Inbox.

For the system's Python, which has `gi`. Arguments: folder, host, port, login, password, mechanism. Exit 0: done;
3: refused; 4: libcamel is not there.
"""

from __future__ import annotations

import sys

from camel_account import GLib, account  # type: ignore[import-not-found]  # beside this program, not a package

*WHO, MECHANISM = sys.argv[1:]

session, store = account(*WHO, security="starttls", mechanism=MECHANISM)
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
