"""Full-text indexes are made of what MimeText reads, and are made anew when MimeText.version is another."""

from __future__ import annotations

from hashlib import sha256

from conversion.mime.text import MimeText

TEXT_OF_VERSION = {"2": "3d371b513e455593c2926a2fd6af944ebee4fb8e192b14ee7e0f64c802407f75"}

HTML = (
    "<html><head><style>p{}</style><title>T</title></head><body><p>a&amp;b<br>c<b>d</b>&eacute;<!-- x --><li>e</html>"
)
PLAIN = b"Content-Type: text/plain; charset="
MAILS = (
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?4oKs?=\r\n folded\r\nX-8: \xe9\r\n\r\nplain\r\n",
    PLAIN + b"iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nna=EFve =\r\nso\r\n",
    PLAIN + b"utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nS8O2bG4gaXN0\r\nIHNjaMO2bi4=\r\n",
    PLAIN + b"iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B x\r\n",
    PLAIN + b"nonsense\r\n\r\n\xe4\xf6 \x80\r\n",
    PLAIN + b"gb2312\r\n\r\n\xc4\xe3\x80 5\r\n",
    PLAIN + b"euc-jp\r\n\r\n\xad\xa1 x\r\n",
    b"Content-Type: text/html; charset=utf-8\r\n\r\n" + HTML.encode(),
    b"\r\n".join(
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble",
            b"--b\r\n\r\none",
            b"--b\r\nContent-Type: text/csv\r\n\r\ntwo;three",
            b"--b\r\nContent-Type: application/pdf; name=four.pdf\r\n\r\nfive",
            b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: six\r\n\r\nseven",
            b"--b--\r\nepilogue\r\n",
        )
    ),
    b"no header",
    b"",
)


def test_a_change_of_what_is_read_is_a_new_version() -> None:
    """If this fails on purpose: raise MimeText.version, and write down the new digest for it."""
    read = "\f".join(piece for mail in MAILS for piece in MimeText(mail).text(True))
    assert TEXT_OF_VERSION.get(MimeText.version) == sha256(read.encode()).hexdigest(), read
