"""Migrations of the mailbox schema; store.migrate runs them."""
