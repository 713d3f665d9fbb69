"""`oxgate auth test`: signs in to the running server as a client would, and explains each step."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
from dataclasses import replace
from pathlib import Path

import click
from cryptography import x509

from config.settings import Settings
from directory.signins import normal_address
from gateway.cli.authadvice import Reasons, last_record
from gateway.cli.authclient import DIALOGUES, PATIENCE, Dialogue, Offer, Outcome, Reply, Trouble
from gateway.cli.authmechanisms import (
    CLIENTS,
    COMMAND,
    HIDDEN,
    NO_MAILBOX,
    TOKENS,
    WITHOUT_SECRET,
    Client,
    ClientError,
    Try,
    missing_library,
)
from gateway.cli.authtarget import Target, find_target
from gateway.cli.context import config_option
from gateway.runtime.tls import end_point_binding

PROTOCOLS = tuple(DIALOGUES)
CONNECT_SECONDS = 10.0


@click.group()
def auth() -> None:
    """Try a sign-in against the running server, step by step."""


@auth.command("test")
@click.argument("address")
@click.option("--mechanism", "-m", required=True, type=click.Choice([*CLIENTS, COMMAND], case_sensitive=False))
@click.option("--protocol", type=click.Choice(PROTOCOLS), default="imap", show_default=True)
@click.option("--host", default="", help="Default: where the listener listens.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: the listener's.")
@click.option("--listener", "listener_name", default="", metavar="NAME", help="The listener of the settings.")
@click.option(
    "--tls", type=click.Choice(["starttls", "implicit", "none"]), help="Default: TLS wherever the listener has it."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@click.option("--token-stdin", is_flag=True, help="The same for an access token (XOAUTH2, OAUTHBEARER).")
@click.option("--mailbox", default="", metavar="M", help="Open another's mailbox, by its address or alias.")
@click.option(
    "--certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The client's (EXTERNAL), PEM."
)
@click.option("--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its private key, PEM.")
@config_option
def test(
    settings: Settings,
    address: str,
    mechanism: str,
    protocol: str,
    host: str,
    port: int | None,
    listener_name: str,
    tls: str | None,
    password_stdin: bool,
    token_stdin: bool,
    mailbox: str,
    certificate: Path | None,
    key: Path | None,
) -> None:
    """Sign in as ADDRESS (or a name such as DOMAIN\\user) by one mechanism, and explain every step.

    It runs against the server of the settings, or --host and --port. A failure is explained by what the server
    recorded and by what the directory knows of the account. Secrets are never shown. The exit code is 0 only for a
    sign-in that succeeded. A refusal counts against the account and this address as any other does.

    \b
    oxgate auth test alice@example.com --mechanism PLAIN
    oxgate auth test 'EXAMPLE\\alice' --mechanism NTLM --protocol smtp
    oxgate auth test scanner@example.com --mechanism NTLMv1 --password-stdin < secret
    oxgate auth test alice@example.com --mechanism XOAUTH2 --token-stdin --mailbox sales@example.com < token
    oxgate auth test alice@example.com --mechanism EXTERNAL --certificate alice.pem --key alice.key
    """
    problem = missing_library(mechanism)
    if problem:
        raise click.ClickException(problem)
    if mechanism == COMMAND and protocol == "smtp":
        raise click.UsageError("SMTP has no sign-in but AUTH; COMMAND is IMAP LOGIN, and POP3 USER and PASS.")
    if mailbox and mechanism in NO_MAILBOX:
        raise click.UsageError(f"{mechanism} has no place for another's mailbox: it opens the account's own.")
    if mechanism == "EXTERNAL" and certificate is None:
        raise click.UsageError("EXTERNAL is proved by a client certificate: --certificate FILE --key FILE.")
    target = find_target(settings, protocol, host, port, listener_name, tls)
    secret = _secret(mechanism, address, password_stdin, token_stdin)
    trial = Try(address, secret, mailbox, protocol, target.name, target.port)
    run = Run(settings, target, mechanism, trial, certificate, key)
    if not run.run():
        sys.exit(1)


def _secret(mechanism: str, address: str, password_stdin: bool, token_stdin: bool) -> str:
    """Read the password or the token."""
    if mechanism in WITHOUT_SECRET:
        return ""
    what, stdin = ("token", token_stdin) if mechanism in TOKENS else ("password", password_stdin)
    if (password_stdin or token_stdin) and (not stdin or password_stdin == token_stdin):
        raise click.UsageError(f"{mechanism} wants a {what}: --{what}-stdin")
    if stdin:
        text = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        text = click.prompt(f"{what.capitalize()} of {address}", hide_input=True)
    else:
        raise click.UsageError(f"there is no terminal to ask for the {what}; hand it over with --{what}-stdin")
    if not text or "\0" in text:
        raise click.UsageError(f"the {what} is empty or holds a NUL")
    return text


class Run:
    """One test: connects, signs in, and says what happens."""

    def __init__(
        self,
        settings: Settings,
        target: Target,
        mechanism: str,
        trial: Try,
        certificate: Path | None,
        key: Path | None,
    ) -> None:
        self._settings = settings
        self._target = target
        self._mechanism = mechanism
        self._try = trial
        self._certificate = certificate
        self._key = key
        self._quiet = False
        self._last = 0
        self._address = ""
        self._is_tls = False
        self._tls_words = ""

    # -- telling

    def sent(self, words: str) -> None:
        """Tell what was sent, without secrets."""
        self._say(f"-> {words}")

    def said(self, line: str) -> None:
        """Tell what the server said."""
        self._say(f"<- {line}")

    def note(self, words: str) -> None:
        """Tell what that means."""
        self._say(f"   {words}")

    def _say(self, text: str) -> None:
        if not self._quiet:
            click.echo("".join(char if char.isprintable() else "?" for char in text))

    # -- the test

    def run(self) -> bool:
        """Do it; give whether the sign-in succeeded."""
        target, login = self._target, self._try.login
        listener = f", listener {target.listener.name}" if target.listener is not None else ""
        self._say(
            f"Signing in as {login} by {self._mechanism}: {target.protocol} at {target.host}:{target.port}{listener}"
        )
        self._last = last_record(self._settings)
        try:
            dialogue, offer = self._connect()
            self._address = normal_address(dialogue.socket.getsockname()[0])
            try:
                reply = self._sign_in(dialogue, offer)
                if reply.outcome is Outcome.OK:
                    self.note(f"Signed in{self._try.as_mailbox}.")
                with contextlib.suppress(Trouble):
                    self._quiet = True
                    dialogue.bye()
            finally:
                self._quiet = False
                dialogue.socket.close()
        except Trouble as trouble:
            self._failed(str(trouble), list(trouble.advice))
            return False
        if reply.outcome is Outcome.OK:
            self._say(
                f"OK: {login} can sign in by {self._mechanism}{' over TLS' if self._is_tls else ', without TLS'}."
            )
            return True
        self._failed(*self._reasons().refused(reply))
        return False

    def _failed(self, text: str, advice: list[str]) -> None:
        self._say(f"FAILED: {text}")
        for line in dict.fromkeys(advice):
            self._say(f"  - {line}")

    def _reasons(self) -> Reasons:
        return Reasons(
            self._settings, self._target, self._mechanism, self._try, self._last, self._address, self._is_tls
        )

    # -- the connection

    def _connect(self) -> tuple[Dialogue, Offer]:
        """Connect, go over to TLS, and hear what there is. Raises Trouble."""
        try:
            return self._open(self._context())
        except ssl.SSLCertVerificationError as error:
            self.note(f"The certificate is not good for {self._target.name}: {error.verify_message or error}.")
            self._quiet = True
            try:
                dialogue, offer = self._open(self._context(verify=False))
            finally:
                self._quiet = False
            shown = dialogue.socket.getpeercert(True) if isinstance(dialogue.socket, ssl.SSLSocket) else None
            if shown is None or shown != self._own_certificate():
                dialogue.socket.close()
                raise Trouble(
                    "the server shows a certificate that nothing here vouches for; no secret was sent",
                    f"--host must be a name in the certificate (here: {self._target.name}).",
                    "A renewed certificate is taken up by SIGHUP or a restart.",
                ) from error
            self.note("It is the one that tls.certificate names, so the test goes on; clients will complain about it.")
            self.note(self._tls_words)
            return dialogue, offer

    def _open(self, context: ssl.SSLContext) -> tuple[Dialogue, Offer]:
        target = self._target
        self.sent(f"connecting to {target.host} port {target.port}")
        try:
            connection = socket.create_connection((target.host, target.port), CONNECT_SECONDS)
        except OSError as error:
            raise Trouble(
                f"nobody answers at {target.host} port {target.port}: {error.strerror or error}",
                "Is the server running? `oxgate serve` starts it; its log names every port it listens on.",
                "Other ports: --port, or --listener NAME.",
            ) from error
        connection.settimeout(PATIENCE)
        dialogue = DIALOGUES[target.protocol](connection, self)
        try:
            return dialogue, self._greeted(dialogue, context)
        except BaseException:
            dialogue.socket.close()
            raise

    def _greeted(self, dialogue: Dialogue, context: ssl.SSLContext) -> Offer:
        mode = self._target.tls
        if mode == "implicit":
            self._secure(dialogue, context)
        offer = dialogue.greet()
        if mode in ("starttls", "auto") and offer.starttls:
            dialogue.ask_for_tls()
            self._secure(dialogue, context)
            return dialogue.offer()
        if mode == "starttls":
            raise Trouble(
                "the server offers no STARTTLS here",
                "tls.certificate and tls.key must be set, and the listener's tls must be starttls.",
            )
        if mode == "auto":
            self.note("The server offers no TLS here: everything goes in the clear.")
        return offer

    def _secure(self, dialogue: Dialogue, context: ssl.SSLContext) -> None:
        dialogue.start_tls(context, self._target.name)
        connection = dialogue.socket
        assert isinstance(connection, ssl.SSLSocket)
        der = connection.getpeercert(True)
        assert der is not None
        certificate = x509.load_der_x509_certificate(der)
        self._is_tls = True
        self._try = replace(self._try, end_point=end_point_binding(certificate))
        ends = certificate.not_valid_after_utc.date()
        self._tls_words = f"{connection.version()}, certificate {certificate.subject.rfc4514_string()}, until {ends}."
        self.note(self._tls_words)

    def _context(self, *, verify: bool = True) -> ssl.SSLContext:
        """Trust what the system trusts and the installation's own CA."""
        context = ssl.create_default_context()
        own = self._settings.tls.certificate
        ca = own.parent / "ca.pem" if own is not None else None
        if ca is not None and ca.is_file():
            context.load_verify_locations(ca)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self._certificate is not None:
            try:
                context.load_cert_chain(self._certificate, self._key)
            except (ssl.SSLError, OSError) as error:
                raise Trouble(f"{self._certificate} and its key cannot be used: {error}") from error
        return context

    def _own_certificate(self) -> bytes | None:
        """Read the certificate that the settings name."""
        path = self._settings.tls.certificate
        try:
            return ssl.PEM_cert_to_DER_cert(_first_certificate(path.read_text())) if path is not None else None
        except (OSError, ValueError):
            return None

    # -- the exchange

    def _sign_in(self, dialogue: Dialogue, offer: Offer) -> Reply:
        self.note(f"Mechanisms on offer: {', '.join(offer.mechanisms) or 'none'}.")
        if self._mechanism == COMMAND:
            if not offer.passwords:
                raise Trouble(
                    "names and passwords without SASL are not taken here", *self._reasons().not_offered("PLAIN")
                )
            return dialogue.command(self._try.delegate_login, self._try.secret, HIDDEN)
        name, make = CLIENTS[self._mechanism]
        if name not in offer.mechanisms:
            raise Trouble(f"the server does not offer {name} on this connection", *self._reasons().not_offered(name))
        try:
            return self._exchange(dialogue, name, make(self._try))
        except ClientError as error:
            with contextlib.suppress(Trouble):
                dialogue.cancel()
            raise Trouble(str(error)) from error

    def _exchange(self, dialogue: Dialogue, name: str, client: Client) -> Reply:
        first = client.first()
        reply, went = dialogue.begin(name, first.data if first else None, first.words if first else "")
        while reply.outcome is Outcome.CHALLENGE:
            if first is not None and not went:
                went = True
                reply = dialogue.answer(first.data, first.words)
                continue
            turn = client.answer(reply.data)
            if turn.heard:
                self.note(turn.heard)
            reply = dialogue.answer(turn.data, turn.words)
        return reply


def _first_certificate(pem: str) -> str:
    """Cut the first certificate out of a PEM file. Raises ValueError."""
    end = "-----END CERTIFICATE-----"
    return pem[pem.index("-----BEGIN CERTIFICATE-----") : pem.index(end) + len(end)]
