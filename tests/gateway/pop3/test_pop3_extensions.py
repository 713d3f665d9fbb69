"""UTF8, LANG, EXPIRE, LOGIN-DELAY, IN-USE, and the faces of Exchange."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from gateway.pop3.lock import MaildropLocks
from gateway.pop3.logindelay import LoginDelay
from gateway.pop3.personality import PERSONALITIES
from gateway.pop3.session import Pop3Options
from gateway.pop3.texts import LISTING, TEXTS, Text, matching
from gateway.runtime.sharedcounters import SharedCounters
from store.errors import NotFound, Unavailable
from tests.gateway.smtp.support import make_certificate

from .support import INBOX, client, put, serving

INTERNATIONAL = "Subject: Grüße\r\nFrom: Jörg <jörg@exämple.test>\r\n\r\nKöln\r\n".encode()
LATIN = "Subject: Grüße\r\n\r\nKöln\r\n".encode("latin-1")
PARTS = (
    "Subject: plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    '--b\r\nContent-Disposition: attachment; filename="Töne.wav"\r\n\r\nKöln\r\n--b--\r\n'
).encode()
SENDER = "From: jörg@exämple.test\r\n".encode()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


# LANG


def test_every_language_has_every_text():
    """[RFC6856] 3: real texts, with the same numbers in them; before LANG they are ASCII ([RFC1939] 3).

    With CRLF, code and numbers no line passes 512 octets ([RFC2449] 4, [MS-STANXPOP3] 2.2.1).
    """
    assert set(TEXTS) == set(LISTING)
    assert b"".join(TEXTS["i-default"].values()).isascii()
    for tag, texts in TEXTS.items():
        assert set(texts) == set(Text)
        for text, said in texts.items():
            assert said.count(b"%d") == TEXTS["en"][text].count(b"%d")
            assert not re.search(rb"%(?!d)", said) or b"%d" not in said
            assert len(said) < 200
            if tag in ("de", "fr", "es") and text is not Text.OCTETS:
                assert said != TEXTS["en"][text]


@pytest.mark.parametrize(
    ("language_range", "tag"),
    [
        (b"de", "de"),
        (b"DE", "de"),
        (b"fr-CA", "fr"),
        (b"es-419", "es"),
        (b"en-GB-oxendict", "en"),
        (b"i-default", "i-default"),
        (b"uga", None),
        (b"", None),
        (b"de-", None),
        (b"*", None),
        (b"d\xc3\xa9", None),
        (b"de" + b"-x" * 1000, None),
    ],
)
def test_language_ranges(language_range, tag):
    assert matching(language_range) == tag


async def test_lang(tmp_path):
    """[RFC6856] 3.1, 3.2: in both states; the tag stands behind +OK; what is unknown changes nothing."""
    async with serving(tmp_path, options=Pop3Options(language="es")) as server, client(server.port) as one:
        listed = await one.ask(b"LANG")
        assert b"de Deutsch" in listed
        assert "fr Français".encode() in listed
        assert "es Español".encode() in listed
        assert {line.split(b" ")[0] for line in listed} == {b"i-default", b"en", b"de", b"fr", b"es"}
        assert await one.say(b"LANG de-CH") == b"+OK de Die Sprache ist jetzt Deutsch"
        assert await one.say(b"LANG uga") == b"-ERR Diese Sprache ist hier nicht bekannt"
        assert await one.say(b"LANG de fr") == b"-ERR Diese Sprache ist hier nicht bekannt"
        assert await one.say(b"STAT") == "-ERR Der Befehl ist in diesem Zustand nicht gültig.".encode()
        await one.say(b"USER alice")
        assert await one.say(b"PASS secret word") == b"+OK Der Benutzer ist angemeldet."
        assert await one.say(b"LANG *") == "+OK es El idioma es ahora el español".encode()
        assert await one.say(b"RETR 9") == b"-ERR No existe ese mensaje"
        assert await one.say(b"LANG fr") == "+OK fr La langue est désormais le français".encode()
        assert await one.say(b"RETR 9") == "-ERR Ce message n’existe pas".encode()
        assert (await one.say(b"STAT")).startswith(b"+OK 3 ")
        assert await one.say(b"LANG i-default") == b"+OK i-default The language is English now"
        assert await one.say(b"RETR 9") == b"-ERR No such message"


# UTF8


async def test_utf8_gives_messages_as_they_are(tmp_path):
    """[RFC6856] 2, 2.1, 4: with UTF8 the octets as they are; LIST gives their sizes."""
    async with serving(tmp_path, seed=(INTERNATIONAL, PARTS)) as server, client(server.port) as one:
        assert (await one.say(b"UTF8 now")).startswith(b"-ERR")
        assert (await one.say(b"UTF8")).startswith(b"+OK")
        assert (await one.say(b"STLS")).startswith(b"-ERR")
        await one.log_on()
        assert await one.say(b"LIST 1") == b"+OK 1 %d" % len(INTERNATIONAL)
        for number, raw in ((b"1", INTERNATIONAL), (b"2", PARTS)):
            assert b"\r\n".join(await one.ask(b"RETR " + number)) + b"\r\n" == raw
            assert b"\r\n".join(await one.ask(b"TOP " + number + b" 99")) + b"\r\n" == raw
        assert (await one.say(b"UTF8")).startswith(b"-ERR Command is not valid")


async def test_without_utf8_headers_are_ascii(tmp_path):
    """[RFC6856] 2.1, 4, [RFC6858] 2, 2.1 to 2.4, 4: surrogates; bodies stay, sizes are those of the original."""
    seed = (INTERNATIONAL, SENDER + LATIN, SENDER + PARTS)
    async with serving(tmp_path, seed=seed) as server, client(server.port) as one:
        await one.log_on()
        head, _, body = b"\r\n".join(await one.ask(b"RETR 1")).partition(b"\r\n\r\n")
        assert head.isascii()
        assert b"Subject: =?utf-8?B?R3LDvMOfZQ==?=" in head
        assert b"invalid@internationalized-address.invalid" in head
        assert body.decode() == "Köln"
        assert (await one.ask(b"TOP 1 0"))[0] == b"Subject: =?utf-8?B?R3LDvMOfZQ==?="
        assert (await one.ask(b"RETR 2"))[-3:] == [b"Subject: =?utf-8?B?R3LDvMOfZQ==?=", b"", b"K\xf6ln"]
        assert await one.say(b"LIST 2") == b"+OK 2 %d" % len(SENDER + LATIN)
        text = b"\r\n".join(await one.ask(b"RETR 3")).decode()
        assert "filename*=utf-8''T%C3%B6ne.wav" in text
        assert "\r\n\r\nKöln\r\n--b--" in text


@pytest.mark.parametrize("raw", [LATIN, PARTS, "Subject: Grüße\r\nFrom: Jörg <j@x.test>\r\n\r\nKöln\r\n".encode()])
async def test_a_message_that_is_not_internationalised_is_sent_as_it_came(tmp_path, raw):
    """Octets in subjects and names, of whatever charset: signatures cover them, and LIST tells their size."""
    async with serving(tmp_path, seed=(raw,)) as server, client(server.port) as one:
        await one.log_on()
        for command in (b"RETR 1", b"TOP 1 99"):
            assert b"\r\n".join(await one.ask(command)) + b"\r\n" == raw


async def test_messages_may_be_refused_instead(tmp_path):
    """[RFC6856] 5: the response code UTF8."""
    options = Pop3Options(refuse_international=True)
    async with serving(tmp_path, seed=(INTERNATIONAL, b"Subject: \xe4\r\n\r\n\xe4"), options=options) as server:
        async with client(server.port) as one:
            await one.log_on()
            assert (await one.say(b"RETR 1")).startswith(b"-ERR [UTF8] ")
            assert (await one.say(b"TOP 1 0")).startswith(b"-ERR [UTF8] ")
            assert await one.ask(b"RETR 2")
        async with client(server.port) as one:
            await one.say(b"UTF8")
            await one.log_on()
            assert await one.ask(b"RETR 1")


async def test_names_and_passwords_in_utf8(tmp_path):
    """[RFC6856] 2.2: SASLprep for names; what is no UTF-8 is refused to a client that has said UTF8."""
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.say("USER Jo\u0308rg\u00adx".encode())
        await one.say("PASS a\u0308 b".encode())
        attempt = server.logon.attempts[-1][0]
        assert (attempt.login, attempt.password) == ("Jörgx", "ä b")
        await one.say(b"USER J\xf6rg")
        await one.say(b"PASS \xe4")
        attempt = server.logon.attempts[-1][0]
        assert (attempt.login, attempt.password) == ("Jörg", "ä")
        await one.say(b"UTF8")
        await one.say(b"USER J\xf6rg")
        assert (await one.say(b"PASS secret word")).startswith(b"-ERR [AUTH]")
        assert len(server.logon.attempts) == 2
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.say("USER a\u0221\ufffd".encode())
        assert (await one.say(b"PASS secret word")).startswith(b"-ERR [AUTH]")
        assert not server.logon.attempts


async def test_utf8_is_announced_without_user_where_passwords_are_not_taken(tmp_path, contexts):
    async with serving(tmp_path, plaintext=False, starttls=contexts[0]) as server, client(server.port) as one:
        assert b"UTF8" in await one.ask(b"CAPA")


# EXPIRE, LOGIN-DELAY, IN-USE, IMPLEMENTATION


async def test_expire_0(tmp_path):
    """[RFC2449] 6.7: what RETR has sent whole is removed by QUIT; TOP does not count."""
    async with serving(tmp_path, options=Pop3Options(remove_retrieved=True)) as server:
        async with client(server.port) as one:
            found = await one.ask(b"CAPA")
            assert b"EXPIRE 0" in found
            assert b"EXPIRE NEVER" not in found
            await one.log_on()
            await one.ask(b"RETR 1")
        await server.connections.drained(5)
        assert len(server.mailbox.index(INBOX)) == 3
        async with client(server.port) as one:
            await one.log_on()
            await one.ask(b"RETR 1")
            await one.say(b"DELE 1")
            await one.say(b"RSET")
            await one.ask(b"TOP 2 1")
            await one.say(b"DELE 3")
            assert (await one.say(b"QUIT")).startswith(b"+OK")
        assert list(server.mailbox.index(INBOX).uids) == [2]


def logon(user=1, mailbox=1):
    return SimpleNamespace(user=SimpleNamespace(id=user), ref=SimpleNamespace(id=mailbox))


def test_login_delay_by_user_and_maildrop():
    """[RFC2449] 6.5: counted from the last sign-in that was let in, over all workers; trusted networks are exempt."""
    now = [1000.9]
    counters = SharedCounters.create(64)
    first, second = (LoginDelay(60, counters, ("192.0.2.0/24", "::1"), clock=lambda: now[0]) for _ in "12")
    assert first.wait(logon(), "198.51.100.1") == 0
    first.entered(logon(), "198.51.100.1")
    assert second.wait(logon(), "198.51.100.1") == 60
    assert second.wait(logon(), "::ffff:192.0.2.5") == second.wait(logon(), "::1") == 0
    assert second.wait(logon(user=2), "198.51.100.1") == second.wait(logon(mailbox=2), "198.51.100.1") == 0
    now[0] += 59
    assert 0 < second.wait(logon(), "2001:db8::1%eth0") <= 1
    now[0] += 1
    assert second.wait(logon(), "198.51.100.1") == 0
    first.entered(logon(user=3), "192.0.2.1")
    assert second.wait(logon(user=3), "not an address") == 0


async def test_login_delay(tmp_path):
    """[RFC2449] 6.5, 8.1.1: announced in seconds, refused with LOGIN-DELAY after the right password only."""
    delay = LoginDelay(60, SharedCounters.create(64))
    async with serving(tmp_path, delay=delay) as server:
        async with client(server.port) as one:
            assert b"LOGIN-DELAY 60" in await one.ask(b"CAPA")
            await one.log_on()
            assert b"LOGIN-DELAY 60" in await one.ask(b"CAPA")
        async with client(server.port) as one:
            await one.say(b"USER alice")
            assert (await one.say(b"PASS wrong")).startswith(b"-ERR [AUTH]")
            await one.say(b"USER alice")
            assert (await one.say(b"PASS secret word")).startswith(b"-ERR [LOGIN-DELAY] ")
            assert (await one.say(b"AUTH PLAIN AGFsaWNlAHNlY3JldCB3b3Jk")).startswith(b"-ERR [LOGIN-DELAY] ")
            assert await one.rest() == b""


async def test_exclusive_sessions(tmp_path):
    """[RFC1939] 4, [RFC2449] 8.1.2: one at a time; the lock goes with the session, however that ends."""
    locks = MaildropLocks(tmp_path / "locks")
    async with serving(tmp_path, locks=locks) as server:
        async with client(server.port) as two:
            async with client(server.port) as one:
                await one.log_on()
                await two.say(b"USER alice")
                assert (await two.say(b"PASS secret word")).startswith(b"-ERR [IN-USE] ")
                assert (await one.say(b"QUIT")).startswith(b"+OK")
                assert await one.rest() == b""
            await two.log_on()
        await server.connections.drained(5)
        async with client(server.port) as three:
            await three.log_on()


async def test_a_maildrop_that_cannot_be_opened_is_not_locked(tmp_path):
    """[RFC1939] 4: the lock is let go of before the refusal."""
    locks = MaildropLocks(tmp_path / "locks")
    async with serving(tmp_path, locks=locks) as server, client(server.port) as one:
        server.store.remove(server.mailbox.ref)
        await one.say(b"USER alice")
        assert (await one.say(b"PASS secret word")).startswith(b"-ERR [SYS/TEMP]")
        descriptor = locks.acquire(server.mailbox.ref.id)
        assert descriptor is not None
        assert locks.acquire(server.mailbox.ref.id) is None
        locks.release(descriptor)
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        MaildropLocks(tmp_path / "file").acquire(1)


async def test_a_maildrop_is_unlocked_whatever_goes_wrong(tmp_path, monkeypatch):
    """[RFC1939] 4: also by what nobody has foreseen; the same session may then try again."""
    locks = MaildropLocks(tmp_path / "locks")
    async with serving(tmp_path, locks=locks) as server, client(server.port) as one:
        with monkeypatch.context() as broken:
            broken.setattr(server.services.runner, "read", unforeseen)
            await one.say(b"USER alice")
            assert (await one.say(b"PASS secret word")).startswith(b"-ERR [SYS/TEMP]")
        await one.log_on()


async def unforeseen(*arguments):
    raise ValueError("a bug")


async def test_implementation_may_be_hidden(tmp_path):
    """[RFC2449] 6.9."""
    async with serving(tmp_path, options=Pop3Options(implementation=False)) as server, client(server.port) as one:
        await one.log_on()
        assert not [line for line in await one.ask(b"CAPA") if line.startswith(b"IMPLEMENTATION")]


# Exchange


@pytest.mark.parametrize("name", ["exchange2013", "exchange2016", "exchange2019"])
async def test_the_face_of_exchange(tmp_path, name, contexts):
    """As recorded from Exchange 2013: CAPA has no text, five lines in this order; no reply has a code."""
    options = Pop3Options(personality=PERSONALITIES[name])
    async with serving(tmp_path, options=options, starttls=contexts[0]) as server, client(server.port) as one:
        assert await one.say(b"CAPA") == b"+OK"
        assert await one.lines() == [b"TOP", b"UIDL", b"SASL PLAIN LOGIN", b"USER", b"STLS"]
        for command in (b"UTF8", b"LANG", b"LANG de"):
            assert await one.say(command) == b"-ERR Protocol error. Command is not known"
        await one.say(b"USER alice")
        assert await one.say(b"PASS x") == b"-ERR Logon failure: unknown user name or bad password."
        assert await one.say(b"STAT") == b"-ERR Command is not valid in this state."
        await one.say(b"USER alice")
        assert await one.say(b"PASS secret word") == b"+OK User successfully logged on."
        assert await one.ask(b"CAPA") == [b"TOP", b"UIDL", b"SASL PLAIN LOGIN", b"USER"]
        put(server.mailbox, b"Subject: x\r\n\r\n")
        server.mailbox.remove_messages(INBOX, [1])
        assert await one.say(b"RETR 1") == b"-ERR Another session has removed that"
        assert b"oxgate" not in await one.say(b"QUIT")
    assert PERSONALITIES[name].voice().texts[Text.GREETING] == b"The Microsoft Exchange POP3 service is ready."


# What cannot be finished


async def test_quit_says_how_many_messages_stay(tmp_path, monkeypatch):
    """[RFC1939] 6: -ERR where some messages are not removed; those before them are."""
    async with serving(tmp_path, seed=(b"\r\n",) * 250) as server, client(server.port) as one:
        await one.log_on()
        one.send(b"".join(b"DELE %d\r\n" % number for number in range(1, 251)))
        for _ in range(250):
            assert await one.line() == b"+OK"
        mailbox = type(server.mailbox)
        remove = mailbox.remove_messages

        def fail(self, folder_id, uids):
            if uids[0] > 100:
                raise Unavailable("full")
            return remove(self, folder_id, uids)

        monkeypatch.setattr(mailbox, "remove_messages", fail)
        assert await one.say(b"QUIT") == b"-ERR [SYS/TEMP] Messages that could not be removed: 150"
        assert await one.rest() == b""
        assert len(server.mailbox.index(INBOX)) == 150


async def test_a_message_that_vanishes_half_sent(tmp_path, monkeypatch):
    """The reply has no last line and the connection ends, so that no client takes it for whole."""
    async with serving(tmp_path, seed=(b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" * 400_000,)) as server:
        mailbox = type(server.mailbox)
        read = mailbox.raw

        def fail(self, item_id, start=0, length=None):
            if start > 300_000:
                raise NotFound("gone")
            return read(self, item_id, start, length)

        monkeypatch.setattr(mailbox, "raw", fail)
        async with client(server.port) as one:
            await one.log_on()
            one.send(b"RETR 1\r\nNOOP\r\n")
            text = await one.rest()
        assert text.startswith(b"+OK ")
        assert not text.endswith(b"\r\n.\r\n")
