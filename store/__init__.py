"""The shared store: mailboxes, folders, messages and their changes. Synchronous; no network, no event loop."""
