"""Python's imaplib, poplib and smtplib, and IMAPClient."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from email.message import EmailMessage

import pytest
from imapclient import FLAGGED, SEEN, IMAPClient

from tests.peers.server import DOMAIN, PASSWORD, PeerServer


def trust(server: PeerServer) -> ssl.SSLContext:
    """A context that trusts the server's own authority and nothing else."""
    return ssl.create_default_context(cafile=str(server.ca))


@pytest.mark.parametrize("mode", ["plain", "starttls", "tls"])
def test_imaplib(server: PeerServer, user: str, mode: str) -> None:
    raws = server.seed(user)
    client: imaplib.IMAP4
    if mode == "tls":
        client = imaplib.IMAP4_SSL("localhost", server.imaps, ssl_context=trust(server), timeout=20)
    else:
        client = imaplib.IMAP4("localhost", server.imap, timeout=20)
        if mode == "starttls":
            client.starttls(trust(server))
    client.authenticate("PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
    assert client.select()[1] == [b"3"]
    assert client.search(None, "SUBJECT", "seed-3")[1] == [b"3"]
    part = client.fetch("1", "(BODY[])")[1][0]
    assert isinstance(part, tuple)
    assert part[1] == raws[0]
    assert client.copy("1", "Archive")[0] == "OK"
    assert client.uid("MOVE", "1:1", "Trash")[0] == "OK"
    assert client.store("1:*", "+FLAGS", "(\\Deleted)")[0] == "OK"
    client.response("EXPUNGE")  # what MOVE left behind
    assert len(client.expunge()[1]) == 2
    assert client.namespace()[1] == [b'(("" "/")) (("Other Users/" "/")) (("Public Folders/" "/"))']
    assert client.close()[0] == "OK"
    client.logout()


@pytest.mark.parametrize("mode", ["plain", "starttls", "tls"])
def test_poplib(server: PeerServer, user: str, mode: str) -> None:
    raws = server.seed(user)
    client: poplib.POP3
    if mode == "tls":
        client = poplib.POP3_SSL("localhost", server.pop3s, context=trust(server), timeout=20)
    else:
        client = poplib.POP3("localhost", server.pop3, timeout=20)
        if mode == "starttls":
            plain = client.file  # poplib forgets it without closing it
            client.stls(trust(server))
            plain.close()
    client.user(user)
    client.pass_(PASSWORD)
    assert client.stat() == (3, sum(map(len, raws)))
    assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == raws[0]
    assert {"TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"} <= set(client.capa())
    client.dele(1)
    client.rset()
    client.dele(2)
    client.quit()
    assert [s for s, _ in server.state(user)["INBOX"]] == ["seed-1 hello", "seed-3 hello"]


@pytest.mark.parametrize("mode", ["plain", "starttls", "tls"])
def test_smtplib(server: PeerServer, user: str, mode: str) -> None:
    client: smtplib.SMTP
    if mode == "tls":
        client = smtplib.SMTP_SSL("localhost", server.submissions, context=trust(server), timeout=20)
    else:
        client = smtplib.SMTP("localhost", server.submission, timeout=20)
        if mode == "starttls":
            client.starttls(context=trust(server))
    client.login(user, PASSWORD)
    message = EmailMessage()
    message["From"] = f"{user}@{DOMAIN}"
    message["To"] = f"{user}@{DOMAIN}"
    message["Subject"] = "Grüße"
    message.set_content("body\n")
    client.send_message(message)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(f"{user}@{DOMAIN}", [f"no.one@{DOMAIN}"], message.as_bytes())
    client.quit()
    assert [s for s, _ in server.state(user)["INBOX"]] == ["Grüße"]


@pytest.mark.parametrize("mode", ["plain", "starttls", "tls"])
def test_imapclient(server: PeerServer, user: str, mode: str) -> None:
    server.seed(user)
    context = trust(server)

    def connect() -> IMAPClient:
        if mode == "tls":
            client = IMAPClient("localhost", server.imaps, ssl=True, ssl_context=context, timeout=20)
        else:
            client = IMAPClient("localhost", server.imap, ssl=False, timeout=20)
            if mode == "starttls":
                client.starttls(context)
        client.plain_login(user, PASSWORD)
        return client

    with connect() as client:
        capabilities = client.capabilities()
        assert {b"IDLE", b"MOVE", b"UIDPLUS", b"CONDSTORE", b"SPECIAL-USE", b"LITERAL+"} <= set(capabilities)
        client.create_folder("Grüße/Ä")
        assert "Grüße/Ä" in [name for _, _, name in client.list_folders()]
        status = client.folder_status("INBOX", ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN"])
        assert status[b"MESSAGES"] == 3
        assert client.select_folder("INBOX")[b"EXISTS"] == 3
        uid = {n: client.search(["SUBJECT", f"seed-{n}"])[0] for n in (1, 2, 3)}
        assert client.search(["TEXT", "token-3"]) == [uid[3]]
        assert client.search(["SUBJECT", "Grüße"], "UTF-8") == [uid[2]]
        items = ["ENVELOPE", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]"]
        data = client.fetch([uid[1]], items)[uid[1]]
        assert b"token-1" in data[b"BODY[]"]
        assert data[b"RFC822.SIZE"] == len(data[b"BODY[]"])
        assert data[b"ENVELOPE"].subject == b"seed-1 hello"
        client.add_flags([uid[1]], [FLAGGED, SEEN, "$Label1"])
        assert {FLAGGED, SEEN, b"$Label1"} <= set(client.get_flags([uid[1]])[uid[1]])
        client.remove_flags([uid[1]], [SEEN])
        client.copy([uid[2]], "Archive")
        client.move([uid[2]], "Trash")
        client.delete_messages([uid[3]])
        client.uid_expunge([uid[3]])
        assert client.search("ALL") == [uid[1]]
        client.idle()
        with connect() as other:
            other.append("INBOX", b"Subject: pushed\r\n\r\nx\r\n", flags=[SEEN])
        assert any(reply[1] == b"EXISTS" for reply in client.idle_check(timeout=5))
        client.idle_done()
        assert b"oxgate" in dict(zip(*[iter(client.id_({"name": "test"})[0])] * 2, strict=True)).values()
        client.rename_folder("Grüße/Ä", "Grüße/B")
        client.delete_folder("Grüße/B")
