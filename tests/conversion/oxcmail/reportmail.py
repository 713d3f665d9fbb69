"""Reports as mail, for the tests of reading and of writing them."""

from __future__ import annotations

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.receipt import Receipt
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix

DATE = filetime_from_unix(1_704_110_400)


def dsn(
    fields: str, third: str = "", to: str = "Ann <ann@example.net>", receipt: Receipt | None = None
) -> MessageContent:
    raw = (
        f"From: <postmaster@mx.example>\nTo: {to}\nSubject: Undelivered\nDate: Mon, 1 Jan 2024 12:00:00 +0000\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nIt could not be delivered.\n"
        f"--b\nContent-Type: message/delivery-status\n\n{fields}{third}\n--b--\n"
    )
    return read_mime(render(raw.replace("\n", "\r\n").encode()), received=0, receipt=receipt)


FIELDS = """Reporting-MTA: dns; mx.example
Arrival-Date: Mon, 1 Jan 2024 11:00:00 +0000

Original-Recipient: rfc822;Bob@example.org
Final-Recipient: rfc822;bob@inside.example.org
Action: failed
Status: 5.7.54 (no)
Remote-MTA: dns; relay.example.org
Diagnostic-Code: smtp; 550 5.7.54 Unable
 to relay
"""
ORIGINAL = """
--b
Content-Type: message/rfc822

From: Ann <ann@example.net>
Sender: Sec <sec@example.net>
To: Bob <bob@example.org>
Cc: Cat <cat@example.org>
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
Message-ID: <1@example.net>
Date: Mon, 1 Jan 2024 10:00:00 +0000

Hello"""


MDN = """From: Bob <bob@example.org>
To: ann@example.net
Subject: Read: hello
Date: Mon, 1 Jan 2024 12:00:00 +0000
Content-Type: multipart/report; report-type=disposition-notification; boundary=b

--b

Your message was read.
--b
Content-Type: message/disposition-notification

Reporting-UA: x; y
Final-Recipient: rfc822;bob@example.org
Original-Message-ID: <1@example.net>
Disposition: manual-action/MDN-sent-manually; displayed
X-MSExch-Correlation-Key: AAECAw==
X-Display-Name: Bob B.

--b--
"""


def mdn(text: str = MDN) -> MessageContent:
    return read_mime(render(text.replace("\n", "\r\n").encode()), received=0)
