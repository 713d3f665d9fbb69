"""Bytes to and from message objects. Pure and synchronous: no socket, no thread, no database."""
