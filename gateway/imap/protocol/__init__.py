"""The IMAP wire codec: framing, parser, writer and their types. Knows nothing of mailboxes in a store."""
