"""The strict loader: every error at once, with its dotted name and how to mend it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from config import checks
from config.loader import SettingsError, from_data, load
from config.settings import DEFAULT_LISTENERS, Settings
from config.template import render

TLS = 'certificate = "server.pem"\nkey = "server.key"\n'


def problems(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> dict[str, str]:
    """Load a text that is wrong; give the dotted names and what is said of them."""
    file = tmp_path / "oxgate.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(file, environ or {})
    return {problem.name: problem.text for problem in caught.value.problems}


def read(text: str, tmp_path: Path, environ: dict[str, str] | None = None) -> Settings:
    file = tmp_path / "oxgate.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {})


def test_default_toml_is_what_the_settings_say():
    written = Path(checks.__file__).with_name("default.toml").read_text(encoding="utf-8")
    assert written == render(), "run `python -m config.template`"


def test_default_toml_loads_to_the_defaults(tmp_path):
    settings = read(
        render().replace('# certificate = ""', 'certificate = "c"').replace('# key = ""', 'key = "k"'), tmp_path
    )
    assert settings.listeners == DEFAULT_LISTENERS
    assert settings.imap == Settings().imap
    assert settings.general.data == tmp_path / "data"
    assert settings.tls.certificate == tmp_path / "c"


def test_every_setting_has_a_line_and_a_good_default():
    for section in dataclasses.fields(Settings):
        value = getattr(Settings(), section.name)
        for one in value if isinstance(value, tuple) else [value]:
            for field in dataclasses.fields(one):
                assert field.metadata["doc"].endswith("."), f"{section.name}.{field.name}"
                for check in field.metadata["checks"]:
                    assert check(getattr(one, field.name)) is None, f"{section.name}.{field.name}"


def test_every_setting_is_read_by_the_program():
    """A setting that changes nothing would be a lie."""
    root = Path(checks.__file__).parents[1]
    code = "\n".join(file.read_text(encoding="utf-8") for file in (root / "gateway").rglob("*.py"))
    code += (root / "config" / "settings.py").read_text(encoding="utf-8")
    for section in dataclasses.fields(Settings):
        lists = ("listeners", "networks")
        for field in dataclasses.fields(getattr(Settings(), section.name)) if section.name not in lists else ():
            assert f".{field.name}" in code, f"{section.name}.{field.name}"


def test_all_errors_come_at_once(tmp_path):
    found = problems(
        """
[general]
hostname = "mail example"
domains = ["example.com", "EXAMPLE.com"]
[imap]
idle_timout = 5
show_nonmail_folders = "long"
keepalive = -1
[smtpd]
banner = "x"
[workers]
count = true
""",
        tmp_path,
    )
    assert set(found) == {
        "general.hostname",
        "general.domains",
        "imap.idle_timout",
        "imap.show_nonmail_folders",
        "imap.keepalive",
        "smtpd",
        "workers.count",
    }
    assert 'did you mean "idle_timeout"' in found["imap.idle_timout"]
    assert 'did you mean "smtp"' in found["smtpd"]
    assert "true or false" in found["imap.show_nonmail_folders"]
    assert "more than once" in found["general.domains"]


def test_a_key_of_another_section_is_shown_its_place(tmp_path):
    assert 'did you mean "limits.message_size"' in problems("[imap]\nmessage_size = 5\n", tmp_path)["imap.message_size"]


def test_the_environment_wins(tmp_path):
    settings = read(
        f"[tls]\n{TLS}[imap]\nidle_timeout = 99\n",
        tmp_path,
        {
            "OXGATE_IMAP__IDLE_TIMEOUT": "600",
            "OXGATE_GENERAL__DOMAINS": "example.com, example.org",
            "OXGATE_GENERAL__HOSTNAME": "mx1.example.com",
            "OXGATE_IMAP__SHOW_NONMAIL_FOLDERS": "true",
            "OXGATE_LISTENERS__IMAP__PORT": "1143",
            "OXGATE_CONFIG": "elsewhere.toml",
            "PATH": "/bin",
        },
    )
    assert settings.imap.idle_timeout == 600
    assert settings.imap.show_nonmail_folders is True
    assert settings.general.domains == ("example.com", "example.org")
    assert settings.general.hostname == "mx1.example.com"
    assert [one.port for one in settings.listeners if one.name == "imap"] == [1143]


def test_errors_of_the_environment_say_so(tmp_path):
    found = problems(
        f"[tls]\n{TLS}",
        tmp_path,
        {
            "OXGATE_IMAP__IDLE_TIMEOUT": "soon",
            "OXGATE_IMPA__X": "1",
            "OXGATE_LISTENERS__IMAPX__PORT": "1",
        },
    )
    assert "environment" in found["imap.idle_timeout"]
    assert "OXGATE_IMPA__" in found["impa"]
    assert 'did you mean "imap"' in found["listeners[imapx]"]


def test_a_wrong_override_is_reported_once_even_if_the_file_is_right(tmp_path):
    found = problems(f"[tls]\n{TLS}[log]\nlevel = 'info'\n", tmp_path, {"OXGATE_LOG__LEVEL": "loud"})
    assert found == {"log.level": 'must be one of debug, info, warning, error, not "loud" (the environment says so)'}


def test_listeners_are_checked_one_by_one_and_together(tmp_path):
    found = problems(
        """
[[listeners]]
name = "a"
protocol = "imap"
port = 1143
tls = "none"
[[listeners]]
name = "b"
protocol = "imap4"
tls = "tls"
""",
        tmp_path,
    )
    assert set(found) == {"listeners[b].port", "listeners[b].protocol", "listeners[b].tls"}
    found = problems(
        """
[[listeners]]
name = "a"
protocol = "imap"
port = 1143
tls = "none"
[[listeners]]
name = "A"
protocol = "lmtp"
port = 1143
tls = "none"
""",
        tmp_path,
    )
    assert set(found) == {"listeners[A].name", "listeners[A].port", "listeners[A].host"}


def test_tls_without_a_certificate_is_an_error_that_names_the_listeners(tmp_path):
    assert "imaps" in problems("", tmp_path)["tls.certificate"]


def test_default_domain_must_be_accepted(tmp_path):
    found = problems(f"[tls]\n{TLS}[general]\ndefault_domain = 'example.org'\n", tmp_path)
    assert "general.domains" in found["general.default_domain"]


def test_a_time_zone_is_one_of_ianas(tmp_path):
    found = problems(f"[tls]\n{TLS}[general]\ntime_zone = 'Europe/Berlyn'\n", tmp_path)
    assert 'did you mean "Europe/Berlin"' in found["general.time_zone"]
    assert "general.time_zone" not in problems(f"[tls]\n{TLS}[general]\ntime_zone = 'UTC'\nx = 1\n", tmp_path)


def test_what_is_no_file_and_what_is_no_toml(tmp_path):
    with pytest.raises(SettingsError, match="oxgate init"):
        load(tmp_path / "none.toml", {})
    assert "not TOML" in problems("[general\n", tmp_path)[""]
    (tmp_path / "latin.toml").write_bytes(b"[general]\nhostname = '\xff'\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "latin.toml", {})


@pytest.mark.parametrize("data", [{"general": 5}, {"general": [1]}, {"listeners": {"name": "x"}}, {"listeners": ["x"]}])
def test_wrong_shapes_are_errors_not_crashes(data, tmp_path):
    with pytest.raises(SettingsError):
        from_data(data, {}, tmp_path)


def test_short_names_follow_from_the_domain(tmp_path):
    settings = read(f"[tls]\n{TLS}[general]\ndomains = ['Example.Test', 'other.test']\n", tmp_path)
    assert settings.default_domain == "example.test"
    assert settings.netbios_domain == "EXAMPLE"
    assert settings.directory_location == tmp_path / "data" / "directory.sqlite"


def test_chosen_values_come_back_from_a_rendered_file(tmp_path):
    text = render(
        {
            "general": {"domains": ("b\u00fccher.test".encode("idna").decode(),)},
            "tls": {"certificate": 'a"\\b', "key": "k"},
        }
    )
    settings = read(text, tmp_path)
    assert settings.general.domains == ("xn--bcher-kva.test",)
    assert settings.tls.certificate == tmp_path / 'a"\\b'


GOOD = f"[tls]\n{TLS}"


def test_mechanisms_are_named_in_any_case_and_once(tmp_path):
    settings = read(GOOD + '[auth]\nmechanisms = ["plain", "Scram-Sha-256"]\n', tmp_path)
    assert settings.enabled_mechanisms == {"PLAIN", "SCRAM-SHA-256"}
    assert read(GOOD, tmp_path).auth.mechanisms == ("PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    found = problems(GOOD + '[auth]\nmechanisms = ["PLAIN", "NTML"]\n', tmp_path)
    assert found == {"auth.mechanisms": 'holds "NTML", which is none; did you mean "NTLM"'}
    found = problems(GOOD + '[auth]\nmechanisms = ["PLAIN", "plain"]\n', tmp_path)
    assert found == {"auth.mechanisms": "names PLAIN more than once; keep one"}
    assert "auth.mechanisms" in problems(GOOD + "[auth]\nmechanisms = []\n", tmp_path)


def test_networks_have_mechanisms_of_their_own(tmp_path):
    settings = read(GOOD + '[[networks]]\naddress = "192.0.2.0/24"\nmechanisms = ["PLAIN", "NTLM"]\n', tmp_path)
    (network,) = settings.networks
    assert (network.address, network.mechanisms) == ("192.0.2.0/24", ("PLAIN", "NTLM"))
    assert "NTLM" in settings.enabled_mechanisms
    found = problems(
        GOOD
        + """
[[networks]]
address = "192.0.2.1/24"
mechanisms = ["PLAIN"]
[[networks]]
address = "printers"
[[networks]]
address = "198.51.100.0/24"
mechanism = ["PLAIN"]
""",
        tmp_path,
    )
    assert found["networks[192.0.2.1/24].address"].startswith('has bits beyond its prefix; write "192.0.2.0/24"')
    assert found["networks[printers].address"].startswith('must be an address or a network such as "192.0.2.0/24"')
    assert found["networks[printers].mechanisms"] == "is missing: every network needs one"
    assert 'did you mean "mechanisms"' in found["networks[198.51.100.0/24].mechanism"]
    assert "is a list" in problems(GOOD + "[networks]\naddress = '::1'\n", tmp_path)["networks"]
    twice = GOOD + '[[networks]]\naddress = "::1"\nmechanisms = []\n' * 2
    assert problems(twice, tmp_path) == {"networks[::1].address": "is used twice; join the two"}


def test_a_mechanism_of_a_listener_must_be_enabled_somewhere(tmp_path):
    listener = '[[listeners]]\nname = "old"\nprotocol = "imap"\nport = 1143\nmechanisms = ["NTLM", "PLAIN"]\n'
    found = problems(GOOD + listener, tmp_path)
    assert found == {
        "listeners[old].mechanisms": "names NTLM, which neither auth.mechanisms nor a network has; add it there, too"
    }
    network = '[[networks]]\naddress = "192.0.2.0/24"\nmechanisms = ["NTLM"]\n'
    assert read(GOOD + listener + network, tmp_path).listeners[0].mechanisms == ("NTLM", "PLAIN")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ('[auth]\nmechanisms = ["XOAUTH2"]\n', "oauth.issuer", "but XOAUTH2 cannot work without; set the URL"),
        ('[auth]\nmechanisms = ["GSSAPI", "GSS-SPNEGO"]\n', "kerberos.keytab", "take GSSAPI and GSS-SPNEGO out"),
        ('[auth]\nmechanisms = ["EXTERNAL"]\n', "tls.client_ca", "EXTERNAL cannot work"),
        ('[kerberos]\nkeytab = "k"\n', "kerberos.keytab", "names GSSAPI or GSS-SPNEGO"),
        ('[oauth]\nissuer = "https://id.example.com"\naudience = ["x"]\n', "oauth.issuer", "add it to auth.mechanisms"),
        ('[oauth]\nissuer = "https://id.example.com"\n', "oauth.audience", "tokens made for other services"),
        ('[oauth]\nissuer = "http://id.example.com"\n', "oauth.issuer", "must be a URL such as"),
        ('[oauth]\nalgorithms = ["HS256"]\n', "oauth.algorithms", 'did you mean "'),
        ('[ntlm]\nwinbind = "/usr/bin/ntlm_auth"\n', "ntlm.winbind", "add it to auth.mechanisms"),
        ('[ntlm]\nchannel_binding = "maybe"\n', "ntlm.channel_binding", "must be one of none, allow, require"),
        ('[upstream]\nservers = ["ldaps://dc1.example.com"]\n', "upstream.base", "dc=example,dc=com"),
        ('[upstream]\nservers = ["dc1.example.com"]\n', "upstream.servers", '"ldaps://dc1.example.com"'),
        ('[upstream]\nbind_dn = "cn=x"\n', "upstream.bind_password_file", "cannot sign in without a password"),
        ('[kerberos]\nrealms = ["EXAMPLE.COM"]\n', "kerberos.realms", '"EXAMPLE.COM=example.com"'),
        ("[imap]\nmessages_per_command = 999\n", "imap.messages_per_command", "must be 0 or from 1000"),
        ('[imap]\nreferrals = ["west"]\n', "imap.referrals", "west=imap.west.example.com"),
        ('[imap]\nreferrals = ["w=a.example", "w=b.example"]\n', "imap.referrals", "each once"),
        ('[protection]\ntrusted = ["10.0.0.0"]\nmax_tarpit = 1\n', "protection.max_tarpit", "below auth.tarpit"),
        ('[protection]\ntrusted = ["10.0.0.1/8"]\n', "protection.trusted", 'write "10.0.0.0/8"'),
    ],
)
def test_what_is_enabled_has_what_it_needs(tmp_path, text, name, words):
    assert words in problems(GOOD + text, tmp_path)[name]


@pytest.mark.parametrize("port", ["", "0", "65536", "99999", "1e3", "-1", "+143", "١٤٣", "143x", "000143"])
def test_ports_behind_names(port):
    """A number from 1 to 65535, in ASCII."""
    assert checks.referrals([f"west=imap.west.example.com:{port}"]) is not None
    assert checks.ldap_urls([f"ldaps://dc1.example.com:{port}"]) is not None


@pytest.mark.parametrize("port", ["", ":1", ":143", ":65535"])
def test_names_with_and_without_a_port(port):
    assert checks.referrals([f"west=imap.west.example.com{port}"]) is None
    assert checks.ldap_urls([f"ldaps://dc1.example.com{port}", f"ldap://[::1]{port}/"]) is None
