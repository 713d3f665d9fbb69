"""Every reply line that has a fixed text, within 512 octets ([RFC5321] 4.5.3.1.5).

Each has an enhanced status code of its class ([RFC2034] 4).

Where Exchange's text is known it is kept, because clients and administrators search for it.
"""

from __future__ import annotations


class Refused(Exception):
    """A command is answered with this reply and leaves the state as it was. Never leaves the front end."""

    def __init__(self, reply: bytes) -> None:
        super().__init__(reply.decode("ascii"))
        self.reply = reply


OK = b"250 2.0.0 OK"
SENDER_OK = b"250 2.1.0 Sender OK"
RECIPIENT_OK = b"250 2.1.5 Recipient OK"
RESET = b"250 2.0.0 Resetting"
BYE = b"221 2.0.0 Service closing transmission channel"
READY_FOR_TLS = b"220 2.0.0 SMTP server ready"
SEND_DATA = b"354 Start mail input; end with <CRLF>.<CRLF>"
CANNOT_VERIFY = b"252 2.1.5 Cannot VRFY user, but will accept the message and attempt delivery"
AUTHENTICATED = b"235 2.7.0 Authentication successful"

SHUTTING_DOWN = b"421 4.3.2 Service not available, closing transmission channel"
TOO_MANY_CONNECTIONS = (
    b"421 4.3.2 The maximum number of concurrent connections has exceeded a limit, closing transmission channel"
)
TIMED_OUT = b"421 4.4.1 Connection timed out"
SIGN_IN_EXPIRED = b"421 4.7.0 The sign-in has expired, closing transmission channel"
TOO_MANY_ERRORS = b"421 4.7.0 Too many errors on this connection, closing transmission channel"
FLOODED = b"421 4.3.0 Too much mail data, closing transmission channel"

LINE_TOO_LONG = b"500 5.5.2 Line too long"
UNRECOGNIZED = b"500 5.3.3 Unrecognized command"
NOT_IMPLEMENTED = b"502 5.5.1 Command not implemented"
SYNTAX = b"501 5.5.4 Invalid arguments"
BAD_SENDER = b"501 5.1.7 Invalid address"
BAD_RECIPIENT = b"501 5.1.3 Invalid address"
BAD_PARAMETER = b"501 5.5.4 Invalid arguments"
UNKNOWN_PARAMETER = b"555 5.5.4 Unsupported parameter"
NEEDS_SMTPUTF8 = b"553 5.6.7 Non-ASCII address needs the SMTPUTF8 parameter"
HELLO_FIRST = b"503 5.5.2 Send hello first"
NEED_MAIL = b"503 5.5.2 Need mail command"
NEED_RCPT = b"503 5.5.2 Need rcpt command"
NESTED_MAIL = b"503 5.5.2 Sender already specified"
MIXED_BDAT = b"503 5.5.1 DATA and BDAT cannot be mixed in one transaction"
BDAT_ABORTED = b"503 5.5.1 The transaction was ended by a failed BDAT; send RSET"
NO_VALID_RECIPIENTS = b"554 5.5.1 No valid recipients"
TOO_MANY_RECIPIENTS = b"452 4.5.3 Too many recipients"
MESSAGE_TOO_LARGE = b"552 5.3.4 Message size exceeds fixed maximum message size"
HEADER_TOO_LARGE = b"552 5.3.4 Header size exceeds fixed maximum size"
BARE_NEWLINE = b"550 5.6.11 Bare linefeeds are illegal"
INTERNAL_ERROR = b"451 4.3.0 Temporary server error, try again later"

STARTTLS_FIRST = b"530 5.7.0 Must issue a STARTTLS command first"
NO_HELP = b"504 5.5.1 No help on that"
TLS_NOT_AVAILABLE = b"502 5.5.1 STARTTLS is not available"
TLS_ALREADY = b"503 5.5.1 TLS is already active"
AUTH_NOT_OFFERED = b"503 5.5.1 AUTH is not available on this connection"
AUTH_AGAIN = b"503 5.5.1 Already authenticated"
AUTH_IN_TRANSACTION = b"503 5.5.1 AUTH is not permitted during a mail transaction"
AUTH_UNKNOWN = b"504 5.7.4 Unrecognized authentication type"
AUTH_NEEDS_TLS = b"538 5.7.11 Encryption required for requested authentication mechanism"
AUTH_CANCELLED = b"501 5.7.0 Authentication cancelled"
AUTH_UNDECODABLE = b"501 5.5.2 Cannot decode response"
AUTH_TOO_LONG = b"500 5.5.6 Authentication exchange line is too long"
AUTH_FAILED = b"535 5.7.3 Authentication unsuccessful"
AUTH_TEMPORARY = b"454 4.7.0 Temporary authentication failure"
AUTH_REQUIRED = b"530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"
SEND_AS_DENIED = b"550 5.7.60 SMTP; Client does not have permissions to send as this sender"
