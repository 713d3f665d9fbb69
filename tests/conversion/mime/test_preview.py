"""The beginning of a message's text ([RFC8970] 3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.preview import LENGTH, preview
from conversion.mime.structure import scan


def of(raw: bytes) -> str:
    raw = raw.replace(b"\n", b"\r\n")
    return preview(scan(raw), lambda start, end: raw[start:end])


def body(text: str, kind: str = "plain") -> str:
    return of(f"Content-Type: text/{kind}; charset=utf-8\n\n{text}".encode())


def test_blanks_are_collapsed_and_the_length_is_kept() -> None:
    assert body("  Dear\n\n\tAlice,\nhow are   you? ") == "Dear Alice, how are you?"
    assert body("ä" * 300) == "ä" * LENGTH
    assert body("") == body(" \n\n ") == ""


def test_quoted_text_and_what_leads_to_it_are_left_out() -> None:
    assert body("On Monday Bob <bob@example.test> wrote:\n> old\n> text\n\nI agree.") == "I agree."
    outlook = "Thanks!\n\n-----Original Message-----\nFrom: Bob\nSent: Monday\nTo: Alice\nSubject: hi\n\nold"
    assert body(outlook) == "Thanks! old"
    assert body("> only\n> old text") == "only old text"
    assert body("Subject: is a word here") == "Subject: is a word here"


def test_html_is_stripped() -> None:
    html = (
        "<html><head><title>No</title><style>p { color: red }</style></head><body><script>x()</script>"
        "<!-- note --><p>Hello&nbsp;&amp; <b>wel</b>come</p><div>second&#8203;\u034f line</div>"
        "<blockquote>old</blockquote></body></html>"
    )
    assert body(html, "html") == "Hello & welcome second line"
    assert body("<blockquote>only old</blockquote>", "html") == "only old"
    assert body("<p>1 &lt; 2", "html") == "1 < 2"


def test_plain_text_is_preferred_and_attachments_are_none() -> None:
    parts = (
        "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n"
        "Content-Disposition: attachment\n\n"
        "attached\n--m\nContent-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/html\n\n<p>rich\n"
        "--a\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\ncGxhaW4=\n--a--\n--m--\n"
    )
    assert of(parts.encode()) == "plain"
    assert of(parts.replace("cGxhaW4=", "").encode()) == "rich"
    assert of(b"Content-Type: application/pdf\n\nx") == ""
    assert of(b"Content-Type: text/plain\nContent-Transfer-Encoding: x-unprintable\n\nx") == ""


def test_only_the_beginning_of_a_body_is_read() -> None:
    raw = b"Subject: x\r\n\r\n" + b"word " * 1_000_000
    read = []

    def octets(start: int, end: int) -> bytes:
        read.append(end - start)
        return raw[start:end]

    assert preview(scan(raw), octets).startswith("word word")
    assert sum(read) < 200_000


@given(st.binary(max_size=300), st.sampled_from(("plain", "html", "x")))
def test_any_octets_give_a_short_text(data: bytes, kind: str) -> None:
    found = of(b"Content-Type: text/" + kind.encode() + b"\n\n" + data)
    assert len(found) <= LENGTH
    assert "\n" not in found
    assert "\0" not in found


@pytest.mark.parametrize("text", [" \t" * 100_000, ">" * 100_000, "-" * 100_000, "On " * 50_000, "<" * 100_000])
def test_the_cost_is_linear(text: str) -> None:
    for kind in ("plain", "html"):
        assert len(body(text, kind)) <= LENGTH
