"""Which mechanisms a client is offered: by listener, by network, and by what there is to work with."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from config.settings import Listener, Settings
from gateway.runtime.process import StartError
from gateway.sasl.peer import PeerInfo
from gateway.signing_in import MechanismPolicy, ntlm_settings, upstream_settings
from tests.support.certificates import write_certificate
from tests.support.server import PASSWORD, RunningServer

TLS = PeerInfo("imap", "192.0.2.7", tls=True, listener="imaps", end_point=bytes(32))
CLEAR = PeerInfo("imap", "192.0.2.7", listener="imap")


def policy(usual: Sequence[str], networks: dict[str, Sequence[str]], listeners: dict[str, Sequence[str]]) -> Any:
    settings = Settings()
    settings = dataclasses.replace(
        settings,
        auth=dataclasses.replace(settings.auth, mechanisms=tuple(usual)),
        listeners=tuple(
            Listener(name=name, protocol="imap", port=1, mechanisms=tuple(names)) for name, names in listeners.items()
        ),
        networks=tuple(
            type("N", (), {"address": address, "mechanisms": tuple(names)})() for address, names in networks.items()
        ),
    )
    return MechanismPolicy(settings)


@pytest.mark.parametrize(
    ("address", "listener", "allowed"),
    [
        ("198.51.100.1", "imap", {"PLAIN", "LOGIN"}),
        ("192.0.2.200", "imap", {"PLAIN", "NTLM"}),
        ("192.0.2.5", "imap", {"NTLM"}),
        ("::ffff:192.0.2.5", "imap", {"NTLM"}),
        ("2001:db8::1", "imap", {"LOGIN"}),
        ("192.0.2.200", "narrow", {"PLAIN"}),
        ("198.51.100.1", "narrow", {"PLAIN", "LOGIN"}),
        ("192.0.2.5", "narrow", set()),
        ("no address", "imap", {"PLAIN", "LOGIN"}),
    ],
)
def test_the_smallest_network_counts_and_a_listener_narrows(address: str, listener: str, allowed: set[str]) -> None:
    found = policy(
        ["plain", "Login"],
        {"192.0.2.0/24": ["PLAIN", "NTLM"], "192.0.2.0/29": ["NTLM"], "2001:db8::/32": ["login"]},
        {"imap": (), "narrow": ["PLAIN", "LOGIN"]},
    )
    peer = PeerInfo("imap", address, listener=listener)
    assert {name for name in ("PLAIN", "LOGIN", "NTLM", "XOAUTH2") if found(name, peer)} == allowed


async def offered(server: RunningServer, peer: PeerInfo) -> list[str]:
    return server.application.signin.offered(peer)


async def test_the_usual_mechanisms(tmp_path: Path) -> None:
    async with RunningServer(tmp_path) as server:
        assert await offered(server, TLS) == ["PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
        assert await offered(server, CLEAR) == []
        assert await offered(server, dataclasses.replace(TLS, end_point=b"")) == ["PLAIN", "LOGIN", "SCRAM-SHA-256"]


async def test_the_order_is_that_of_the_settings(tmp_path: Path) -> None:
    sections = {"auth": {"mechanisms": ("NTLM", "SCRAM-SHA-256", "PLAIN")}}
    async with RunningServer(tmp_path, sections=sections) as server:
        assert await offered(server, TLS) == ["NTLM", "SCRAM-SHA-256", "PLAIN"]
        assert await offered(server, CLEAR) == ["NTLM"]


async def test_a_listener_without_plain_takes_no_login(tmp_path: Path) -> None:
    narrow = Listener(name="imaps", protocol="imap", host="127.0.0.1", tls="implicit", mechanisms=("SCRAM-SHA-256",))
    async with RunningServer(tmp_path, listeners=[narrow]) as server:
        reader, writer = await server.connect("imaps")
        greeting = await reader.readline()
        assert b"AUTH=SCRAM-SHA-256 " in greeting
        assert b"AUTH=PLAIN" not in greeting
        assert b"LOGINDISABLED" in greeting
        writer.write(b"a LOGIN alice password\r\n")
        assert (await reader.readline()).startswith(b"a NO ")
        writer.write(b"b AUTHENTICATE PLAIN %b\r\n" % base64.b64encode(b"\0alice\0password"))
        assert (await reader.readline()).startswith(b"b BAD ")
        writer.close()


async def test_scram_is_not_for_accounts_whose_passwords_are_elsewhere(tmp_path: Path) -> None:
    sections = {"upstream": {"servers": ("ldap://127.0.0.1:9",), "base": "dc=example,dc=test", "starttls": False}}
    async with RunningServer(tmp_path, sections=sections) as server:
        assert await offered(server, TLS) == ["PLAIN", "LOGIN"]
        values = upstream_settings(server.settings)
        assert (values.base, values.default_domain, values.netbios_domain) == (
            "dc=example,dc=test",
            "example.test",
            "EXAMPLE",
        )
        signed_in = await server.application.signin.password("alice", PASSWORD, TLS)
        assert signed_in.user.address == "alice@example.test"


async def test_tokens_need_an_issuer_and_certificates_a_certificate(tmp_path: Path) -> None:
    certificate, _ = write_certificate(tmp_path)
    sections: dict[str, dict[str, Any]] = {
        "auth": {"mechanisms": ("PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")},
        "oauth": {"issuer": "https://id.example.test", "audience": ("mail",)},
        "tls": {"certificate": "cert.pem", "key": "key.pem", "client_ca": str(certificate)},
    }
    async with RunningServer(tmp_path, sections=sections) as server:
        assert await offered(server, TLS) == ["PLAIN", "XOAUTH2", "OAUTHBEARER"]
        assert await offered(server, dataclasses.replace(TLS, certificate=b"der")) == [
            *("PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL")
        ]
        assert await offered(server, CLEAR) == []


async def test_a_keytab_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    sections: dict[str, dict[str, Any]] = {
        "auth": {"mechanisms": ("PLAIN", "GSSAPI")},
        "kerberos": {"keytab": "absent.keytab"},
    }
    server = RunningServer(tmp_path, sections=sections)
    with pytest.raises(StartError, match=r"\[kerberos\]: Kerberos"):
        await server.application.start()
    await server.application.stop(0.0)


def test_ntlm_names_come_from_the_general_settings() -> None:
    settings = Settings()
    settings = dataclasses.replace(
        settings, general=dataclasses.replace(settings.general, hostname="mail.example.com", domains=("example.com",))
    )
    values = ntlm_settings(settings)
    assert (values.netbios_domain, values.netbios_host, values.dns_domain, values.dns_host) == (
        "EXAMPLE",
        "MAIL",
        "example.com",
        "mail.example.com",
    )
