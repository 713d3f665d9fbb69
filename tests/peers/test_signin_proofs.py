"""SCRAM with channel binding, which no program here does by itself, and certificates of clients."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import scramp

from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import REFUSED, Mail, Once
from tests.peers.signinoffer import (
    SHARED,
    SOMEBODY,
    Offer,
    client_certificate,
)


@dataclass
class Scram:
    """The client's side of SCRAM; it also checks that the server knows the password."""

    client: scramp.ScramClient
    salt: bytes = b""
    done: bool = False

    def first(self) -> bytes:
        return self.client.get_client_first().encode()  # type: ignore[no-any-return]

    def answer(self, challenge: bytes) -> bytes:
        if not challenge.startswith(b"v="):
            self.salt = challenge.partition(b",s=")[2].partition(b",")[0]
            self.client.set_server_first(challenge.decode())
            return self.client.get_client_final().encode()  # type: ignore[no-any-return]
        self.client.set_server_final(challenge.decode())
        self.done = True
        return b""


@pytest.mark.parametrize("initial", [False, True], ids=["no-ir", "ir"])
@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
class TestScram:
    """[RFC5802] 2.2, 4, 5, 6, 6.1; [RFC7677] 3, 4; [RFC5929] 4.1."""

    @pytest.mark.parametrize("bound", [False, True], ids=["unbound", "bound"])
    def test_good(self, offer: Offer, protocol: str, bound: bool, initial: bool) -> None:
        name = "SCRAM-SHA-256-PLUS" if bound else "SCRAM-SHA-256"
        began = time.time()
        with Mail(offer.server, protocol) as mail:
            assert name in mail.capabilities.replace("\n", " ").replace("=", " ").split()
            binding = ("tls-server-end-point", mail.end_point) if bound else None
            exchange = Scram(scramp.ScramClient([name], SOMEBODY, PASSWORD, channel_binding=binding))
            reply = mail.authenticate(name, exchange, initial=initial)
            assert mail.is_signed_in(reply, SOMEBODY)
            assert exchange.done
        assert offer.server.last_of(SOMEBODY, "ok", since=began).mechanism == name

    @pytest.mark.parametrize("wrong", ["password", "user", "binding"])
    def test_wrong(self, offer: Offer, protocol: str, wrong: str, initial: bool) -> None:
        """Whoever does not exist gets a salt like anybody else, the same each time."""
        user = "nobody" if wrong == "user" else SOMEBODY
        password = "wrong" if wrong == "password" else PASSWORD
        name = "SCRAM-SHA-256-PLUS" if wrong == "binding" else "SCRAM-SHA-256"
        binding = ("tls-server-end-point", bytes(32)) if wrong == "binding" else None
        salts = set()
        for _ in range(2):
            with Mail(offer.server, protocol) as mail:
                exchange = Scram(scramp.ScramClient([name], user, password, channel_binding=binding))
                reply = mail.authenticate(name, exchange, initial=initial)
                assert reply.startswith(REFUSED[mail.protocol])
                assert not mail.is_signed_in(reply, user)
                salts.add(exchange.salt)
        assert len(salts) == 1


@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
class TestExternal:
    """[RFC4422] appendix A.1: who shows a certificate of tls.client_ca is whose address is in it."""

    def test_good(self, offer: Offer, account: str, protocol: str, tmp_path: Path) -> None:
        certificate = client_certificate(offer.server, tmp_path, f"{account}@{DOMAIN}")
        for initial in (False, True):
            with Mail(offer.server, protocol, certificate) as mail:
                assert "EXTERNAL" in mail.capabilities
                assert mail.is_signed_in(mail.authenticate("EXTERNAL", Once(b""), initial=initial), account)

    def test_another_mailbox(self, offer: Offer, account: str, delegate: str, protocol: str, tmp_path: Path) -> None:
        """The authorization identity ([RFC4422] 3.4.1): the shared mailbox for its delegate, for nobody else."""
        wanted = f"{SHARED}@{DOMAIN}".encode()
        for user, good in ((delegate, True), (account, False)):
            certificate = client_certificate(offer.server, tmp_path, f"{user}@{DOMAIN}")
            with Mail(offer.server, protocol, certificate) as mail:
                reply = mail.authenticate("EXTERNAL", Once(wanted))
                assert reply.startswith(REFUSED[mail.protocol]) is not good

    def test_nobody(self, offer: Offer, protocol: str, tmp_path: Path) -> None:
        certificate = client_certificate(offer.server, tmp_path, f"nobody@{DOMAIN}")
        with Mail(offer.server, protocol, certificate) as mail:
            assert mail.authenticate("EXTERNAL", Once(b"")).startswith(REFUSED[mail.protocol])

    def test_without_one(self, offer: Offer, protocol: str) -> None:
        """It is not on offer then."""
        with Mail(offer.server, protocol) as mail:
            assert "EXTERNAL" not in mail.capabilities
            assert not mail.is_signed_in(mail.authenticate("EXTERNAL", Once(b"")), SOMEBODY)
