"""ENVELOPE, BODYSTRUCTURE, BODY and RFC822.SIZE as Dovecot gives them, but for what docs/quirks.md explains."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from conversion.mime.headers import normalise_newlines
from tests.peers import dovecot_differences
from tests.peers.compare_dovecot import ask, dovecot
from tests.support import corpora

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(shutil.which("dovecot") is None, reason="dovecot is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="dovecot must be started by root"),
]

# Valid MIME, some of it unusual: no difference at all is allowed here.
VALID = {
    "empty header": "\nbody\n",
    "no body": "Subject: x\nFrom: a@b\n\n",
    "header only": "Subject: x\nFrom: a@b\n",
    "names": "From: \"A   B\" <a@b>, X   Y <c@d>, \"q\\\"uo\" <e@f>, =?utf-8?Q?x?= <g@h>\nSubject:  a   b\t c\n\nx\n",
    "comments": "To: a@b (c (d) e), \"\" <e@f>, c(x)@d(y)\nCc: <a@b> (comment)\n\nx\n",
    "groups": "To: G: ;, \"G, x\":a@b,c@d;\nReply-To: G: a@b;, c@d\n\nx\n",
    "routes and literals": "From: <@a,@b:c@d>\nTo: \"x\"@y, a@[1.2.3.4]\n\nx\n",
    "all content fields": "Content-Type: TEXT/Html; CharSet=\"UTF-8\"; format=flowed\nContent-Language: de, en-US\n"
    "Content-Description:  a b\nContent-ID: <x@y>\nContent-Location: http://x/y\nContent-MD5: abc==\n"
    "Content-Disposition: Inline; filename=\"a b\"; size=10\nContent-Transfer-Encoding: 8BIT\n\nx\n",
    "no charset": "Content-Type: text/html; format=flowed\n\nx\ny",
    "8-bit": "Subject: äö\nFrom: Jö <a@b>\nContent-Description: ü\nContent-Type: text/plain; name=\"ü\"\n\nx",
    "rfc 2231": "Content-Type: application/x; name*0=\"a b\"; name*1=c; t*1*=b; t*0*=utf-8''a; z=1\n"
    "Content-Disposition: attachment; filename*0*=utf-8'en'%e2; filename*1=p%q; filename*2*=%20\n\nx\n",
    "encoding with comment": "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64 (c)\n\nabc\n",
    "language with comment": "Content-Type: application/octet-stream\nContent-Language: en (English), fr\n\nabc\n",
    "digest": "Content-Type: multipart/digest; boundary=\"B\"\n\npre\n--B\n\nSubject: a\n\nbody\n--B\n"
    "Content-Type: text/plain\n\nb\n--B--  \nepilogue",
    "nested": "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"B\"\n\n--B\nContent-Type: message/rfc822\n"
    "Content-Description: m\n\nMIME-Version: 1.0\nSubject: i\nFrom: a@b\nContent-Type: multipart/alternative; boundary"
    "=C\n\n--C\n\na\n--C\nContent-Type: text/html\n\n<b>\n--C--\n\n--B\nContent-Type: image/png\n\n\n\n--B--\n",
    "message without body": "Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: message/rfc822\n\n"
    "Subject: z\n\n--B\nContent-Type: text/plain\n\n--B--\n",
    "blanks after boundaries": "Content-Type: multipart/mixed; boundary=B\n\n--B  \n\nabc\n--B\t\n\ndef\n--B-- \n\nx\n",
    "message as the whole": "Content-Type: message/rfc822\n\nSubject: in\nFrom: a@b\n\none\ntwo\n",
    "report": "Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n--B\n\nx\n--B\n"
    "Content-Type: message/delivery-status\n\nAction: x\n\n--B\nContent-Type: text/rfc822-headers\n\nX: y\n--B--\n",
    "partial": "Content-Type: message/partial; id=\"x\"; number=1\n\nbody\n",
    "external": "Content-Type: message/external-body; access-type=URL; URL=\"http://x\"\n\nContent-Type: image/png\n\n",
    "literals": "Subject: a\\b\"c\"\"\"\"\"\nMessage-ID: <\"a\\\"b\"@c>\nIn-Reply-To: <a>\n\t<b>\n\nx",
    "folded": "Subject: a\n  b\n\tc\nTo: a@b,\n\tc@d\nFrom: X\n Y <a@b>\n\nb",
}  # fmt: skip


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with dovecot() as found:
        yield found


def test_valid_messages_are_shown_alike(port: int) -> None:
    """[RFC3501] 7.4.2"""
    messages = [(name, text.encode()) for name, text in VALID.items()]
    assert {name: found for name, found in ask(port, messages, user="valid") if found} == {}


def test_differences_of_the_corpora_are_explained(port: int) -> None:
    messages = dict(corpora.messages())
    quirks = (Path(__file__).parents[2] / "docs" / "quirks.md").read_text()
    unexplained = []
    for name, differences in ask(port, messages.items(), user="corpora"):
        for kind, mine, theirs in differences:
            reason = dovecot_differences.explain(normalise_newlines(messages[name]), kind, mine, theirs)
            if reason is None:
                unexplained.append((name, kind, mine, theirs))
            else:
                assert f"### {reason}\n" in quirks
    assert unexplained == []
