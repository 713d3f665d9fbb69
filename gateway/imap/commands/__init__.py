"""IMAP commands, one family a module, listed in commands.table."""
