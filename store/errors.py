"""The one tree of store errors. No wire codes here: each front end has a table that maps every leaf.

StoreError
  NotFound          no such mailbox, folder or message
  AlreadyExists     a folder of that name is there already
  AccessDenied      the logon lacks the right
  QuotaExceeded     the mailbox is full
  Conflict          the object changed since the caller looked
  TooLarge          over a limit of the store (message size, keyword count, name length, depth)
  ReadOnly          the mailbox or folder cannot be changed
  Unavailable       database locked, gone, or disk full: try again later
"""


class StoreError(Exception):
    """Base of everything that the store raises on purpose. The text is for a log, never for the wire."""


class NotFound(StoreError):
    """No such mailbox, folder or message."""


class AlreadyExists(StoreError):
    """An object of that name is there already."""


class AccessDenied(StoreError):
    """The logon lacks the right."""


class QuotaExceeded(StoreError):
    """The mailbox is full."""


class Conflict(StoreError):
    """The object changed since the caller looked."""


class TooLarge(StoreError):
    """Over a limit of the store."""


class ReadOnly(StoreError):
    """The mailbox or the folder cannot be changed."""


class Unavailable(StoreError):
    """The database is locked or gone, or the disk is full; the same call may succeed later."""
