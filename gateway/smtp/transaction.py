"""The mail transaction: MAIL, RCPT, DATA, BDAT, RSET ([RFC5321] 3.3, [RFC3030] 2).

Keywords match in any case ([RFC5321] 2.4). Octets over 127 in a message are kept as they came, whatever BODY said
([RFC6152] 3, [RFC6531] 3.6).
"""

from __future__ import annotations

from aiosmtpd.smtp import syntax

from gateway.services.trace import Hop, protocol_name, received_prefix
from gateway.smtp import replies
from gateway.smtp.address import Path, PathSyntaxError, parse_path
from gateway.smtp.errors import reply_for, reply_for_all
from gateway.smtp.parameters import mail_parameters, rcpt_parameters
from gateway.smtp.profile import BareNewline, Service
from gateway.smtp.reader import MessageTooLarge
from gateway.smtp.replies import Refused
from gateway.smtp.session import SmtpSession
from gateway.smtp.stream import log

DELIVERED = b"250 2.6.0 Message delivered"


class SmtpConnection(SmtpSession):
    """One SMTP connection with all its commands."""

    _received: tuple[object, bytes] = (None, b"")

    @syntax("MAIL FROM:<reverse-path>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str | None) -> None:
        """Begin a transaction ([RFC5321] 4.1.1.2); on a submission port only for who signed in ([RFC6409] 4.3).

        A non-ASCII path needs SMTPUTF8 ([RFC6531] 3.4, 3.5, 3.7.4.1).
        """
        self.check_hello()
        if self.envelope.mail_from is not None:
            raise Refused(replies.NESTED_MAIL)
        path = _path(arg, "FROM:", replies.BAD_SENDER)
        parameters = mail_parameters(path.parameters, max_size=self.limits.max_message)
        if path.parameters and not self.session.extended_smtp:
            raise Refused(replies.UNKNOWN_PARAMETER)
        if not path.is_ascii and not parameters.smtputf8:
            raise Refused(replies.NEEDS_SMTPUTF8)
        await self.check_sender(path.address)
        self.envelope.mail_from = path.address
        self.envelope.smtp_utf8 = parameters.smtputf8
        self.envelope.size = parameters.size
        self.reply(replies.SENDER_OK)

    @syntax("RCPT TO:<forward-path>", extended=" [SP <rcpt-parameters>]")
    async def smtp_RCPT(self, arg: str | None) -> None:
        """Add a recipient when it can be delivered to here, and nobody else ([RFC5321] 4.1.1.3, 4.5.3.1.10, 7.9).

        The announced size is held against the quota of this recipient ([RFC1870] 6.4).
        """
        self.check_hello()
        envelope = self.envelope
        if envelope.mail_from is None:
            raise Refused(replies.NEED_MAIL)
        path = _path(arg, "TO:", replies.BAD_RECIPIENT)
        if not path.address:
            raise Refused(replies.BAD_RECIPIENT)
        if path.parameters:
            rcpt_parameters(path.parameters)
        if not path.is_ascii and not envelope.smtp_utf8:
            raise Refused(replies.NEEDS_SMTPUTF8)
        envelope.tried = True
        if len(envelope.recipients) >= self.limits.max_recipients:
            raise Refused(replies.TOO_MANY_RECIPIENTS)
        recipient = await self.services.delivery.resolve(path.address, size=envelope.size)
        if recipient.refusal is not None:
            raise Refused(reply_for(recipient.refusal))
        envelope.recipients.append(recipient)
        self.reply(replies.RECIPIENT_OK)

    @syntax("RSET")
    async def smtp_RSET(self, arg: str | None) -> None:
        """End the transaction ([RFC5321] 4.1.1.5)."""
        if arg:
            raise Refused(replies.SYNTAX)
        self._set_rset_state()
        self.reply(replies.RESET)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:
        """Read a message up to the lone dot and deliver it ([RFC5321] 4.1.1.4).

        Lines may be of any length ([RFC5321] 4.5.3.1.6); the message is bounded ([RFC5321] 4.5.3.1.7), and only by the
        limit, whatever size was announced ([RFC1870] 6.3).
        """
        self.check_hello()
        if arg:
            raise Refused(replies.SYNTAX)
        if self.envelope.bdat:
            raise Refused(replies.MIXED_BDAT)
        self._check_recipients()
        self.reply(replies.SEND_DATA)
        self.flush()
        self._bulk = True
        try:
            raw = await self.octets.message(self.limits.max_message)
        except MessageTooLarge:
            self._answer_all(replies.MESSAGE_TOO_LARGE)
            self._set_rset_state()
            return
        finally:
            self._bulk = False
        await self._deliver(raw)

    @syntax("BDAT size [LAST]")
    async def smtp_BDAT(self, arg: str | None) -> None:
        """Take one chunk; its octets are swallowed whatever the answer ([RFC3030] 2, [RFC2033] 4.3)."""
        words = (arg or "").split()
        size = words[0] if words else ""
        last = len(words) == 2 and words[1].upper() == "LAST"
        if not (size.isascii() and size.isdigit()) or len(size) > 12 or (len(words) != 1 and not last):
            # How much of what follows is message is unknown: nothing of it may be taken for commands.
            self.reply(replies.SYNTAX)
            self.hang_up()
            return
        count, envelope = int(size), self.envelope
        problem = self._chunk_problem(len(envelope.chunks) + count)
        self._bulk = True
        try:
            if problem is None:
                envelope.chunks += await self.octets.exactly(count)
            elif count > 4 * self.limits.max_message:
                self.hang_up(problem)
                return
            else:
                await self.octets.skip(count)
        finally:
            self._bulk = False
        if problem is not None:
            envelope.bdat_failed = envelope.bdat_failed or envelope.bdat or envelope.mail_from is not None
            envelope.chunks.clear()
            if last and self.profile.service is Service.LMTP:
                # One reply for each recipient ([RFC2033] 4.2, 4.3); refusing gives the last of them, or the only one.
                for _ in envelope.recipients[1:]:
                    self.reply(problem)
            raise Refused(problem)
        envelope.bdat = True
        if last:
            raw = bytes(envelope.chunks)
            envelope.chunks.clear()
            await self._deliver(raw)
        else:
            self.reply(b"250 2.0.0 %d octets received" % count)

    def _chunk_problem(self, total: int) -> bytes | None:
        """Say why a chunk is not taken ([RFC3030] 2)."""
        if self.envelope.bdat_failed:
            return replies.BDAT_ABORTED
        try:
            self.check_hello()
            self._check_recipients()
        except Refused as refused:
            return refused.reply
        return replies.MESSAGE_TOO_LARGE if total > self.limits.max_message else None

    def _check_recipients(self) -> None:
        envelope = self.envelope
        if envelope.mail_from is None:
            raise Refused(replies.NEED_MAIL)
        if not envelope.recipients:
            # [RFC2033] 4.2 wants 503 always; SMTP may tell a client that pipelined ([RFC2920] 3.1) more.
            lmtp = self.profile.service is Service.LMTP
            raise Refused(replies.NO_VALID_RECIPIENTS if envelope.tried and not lmtp else replies.NEED_RCPT)

    async def _deliver(self, raw: bytes) -> None:
        """Deliver and answer; the transaction is over whatever comes of it."""
        envelope = self.envelope
        try:
            if self.limits.bare_newline is BareNewline.REJECT and has_bare_newline(raw):
                self._answer_all(replies.BARE_NEWLINE)
                return
            logon = self.session.auth_data
            if logon is not None:
                missing = await self.services.senders.missing_fields(logon.user, raw)
                if missing is None:
                    log.info("%s: %s may not send as the From or Sender of a message", self.peer, logon.user.address)
                    self._answer_all(replies.SEND_AS_DENIED)
                    return
                raw = missing + raw
            outcomes = await self.services.delivery.deliver(
                raw,
                reverse_path=envelope.mail_from or "",
                recipients=envelope.recipients,
                received=self._received_field(),
                separately=self.profile.service is Service.LMTP,
            )
            if self.profile.service is Service.LMTP:
                for outcome in outcomes:
                    self.reply(DELIVERED if outcome.problem is None else reply_for(outcome.problem))
            else:
                self.reply(reply_for_all(outcomes, DELIVERED))
        except Exception:  # a bug; LMTP still owes an answer for each recipient
            log.exception("%s: delivery failed", self.peer)
            self._answer_all(replies.INTERNAL_ERROR)
        finally:
            self._set_rset_state()

    def _answer_all(self, line: bytes) -> None:
        """Give the same answer for the message: once in SMTP, for each recipient in LMTP ([RFC2033] 4.2)."""
        for _ in self.envelope.recipients if self.profile.service is Service.LMTP else (None,):
            self.reply(line)

    def _received_field(self) -> bytes:
        """The start of the Received field ([RFC6531] 3.7.3); made once for a run of messages over one connection."""
        session = self.session
        key = (session.host_name, session.extended_smtp, self.envelope.smtp_utf8, self.tls_words, session.authenticated)
        if self._received[0] != key:
            protocol = protocol_name(
                lmtp=self.profile.service is Service.LMTP,
                extended=session.extended_smtp,
                utf8=self.envelope.smtp_utf8,
                tls=bool(self.tls_words),
                authenticated=bool(session.authenticated),
            )
            hop = Hop(session.host_name or "", self.peer, protocol, self.tls_words)
            self._received = (key, received_prefix(hop, self.hostname))
        return self._received[1]


def _path(arg: str | None, keyword: str, bad: bytes) -> Path:
    if arg is None or arg[: len(keyword)].upper() != keyword:
        raise Refused(replies.SYNTAX)
    try:
        return parse_path(arg[len(keyword) :])
    except PathSyntaxError as error:
        raise Refused(bad) from error


def has_bare_newline(raw: bytes) -> bool:
    """Tell whether a CR or an LF stands alone ([RFC5321] 2.3.8)."""
    pairs = raw.count(b"\r\n")
    return raw.count(b"\n") != pairs or raw.count(b"\r") != pairs
