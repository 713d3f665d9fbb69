"""What the directory raises on purpose. The text is for an administrator or a log, never for the wire.

ProviderError
  UnknownPrincipal       no such user, mailbox, group or contact
  DuplicateAddress       an address, account name or DN is taken already
  InvalidEntry           an address, a name or an attribute is malformed, or the kind does not allow the operation
  WeakOrEmptyPassword    the password is empty, or longer than what can be hashed
  SecretsUnavailable     the key file is missing, or not the one that secrets were sealed under
  DirectoryUnavailable   the database is locked, gone, or newer than this program
"""


class ProviderError(Exception):
    """Base of everything that a directory provider raises on purpose."""


class UnknownPrincipal(ProviderError):
    """No such user, mailbox, group or contact."""


class DuplicateAddress(ProviderError):
    """An address, an account name or a DN is taken already."""


class InvalidEntry(ProviderError):
    """An address, a name or an attribute is malformed, or the kind of the entry does not allow the operation."""


class WeakOrEmptyPassword(ProviderError):
    """The password is empty, or longer than what can be hashed."""


class SecretsUnavailable(ProviderError):
    """The key file is missing or unreadable, or it is not the one that a secret was sealed under."""


class DirectoryUnavailable(ProviderError):
    """The database is locked, gone, or written by a newer version; a lock passes by itself."""
