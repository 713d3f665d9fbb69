"""IMAP URLs ([RFC5092], [RFC4467] 3)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.protocol.fetch_types import Section, SectionKind
from gateway.imap.protocol.urls import MAX_URL, Authorization, BadUrl, ImapUrl, parse, write


def test_the_examples_of_the_specification() -> None:
    """[RFC5092] 3, 4, 5, 8, 9, [RFC4467] 3"""
    assert parse(b"imap://minbari.example.org/gray-council;UIDVALIDITY=385759045/;UID=20/;PARTIAL=0.1024") == ImapUrl(
        "minbari.example.org", mailbox="gray-council", uidvalidity=385759045, uid=20, partial=(0, 1024)
    )
    assert parse(b"imap://psicorp.example.org/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E5%8F%B0%E5%8C%97").mailbox == (
        "~peter/日本語/台北"
    )
    assert parse(b"imap://;AUTH=GSSAPI@minbari.example.org/gray-council/;uid=20/;section=1.2") == ImapUrl(
        "minbari.example.org",
        auth="GSSAPI",
        mailbox="gray-council",
        uid=20,
        section=Section((1, 2)),
        section_text="1.2",
    )
    assert parse(b"imap://;AUTH=*@minbari.example.org/gray%20council?SUBJECT%20shadows") == ImapUrl(
        "minbari.example.org", auth="*", mailbox="gray council"
    )
    rump = b"imap://joe@example.com/INBOX/;uid=20/;section=1.2;expire=2006-12-12T00:00:00Z;urlauth=submit+fred"
    given_away = parse(rump + b":internal:91354a473744909de610943775f92038").authorization
    assert given_away == Authorization(
        "submit+", "fred", 1165881600, rump, "INTERNAL", b"91354a473744909de610943775f92038"
    )


def test_relative_urls() -> None:
    """[RFC5092] 7, [RFC4469] 3"""
    assert parse(b"/INBOX/;UID=3") == ImapUrl(None, mailbox="INBOX", uid=3)
    assert parse(b"//user@host/INBOX/;UID=3") == ImapUrl("host", user="user", mailbox="INBOX", uid=3)
    fields = Section((), SectionKind.HEADER_FIELDS, (b"A", b"B"))
    assert parse(b";UID=3/;SECTION=HEADER.FIELDS%20(A%20b)").section == fields
    assert parse(b"/Drafts;UIDVALIDITY=3/;UID=20;section=2.MIME").section == Section((2,), SectionKind.MIME)


@pytest.mark.parametrize(
    "url",
    [
        b"",
        b"INBOX/;UID=1",
        b"imap:INBOX",
        b"imap:/INBOX/;UID=1",
        b"http://host/",
        b"/INBOX;UID=1",
        b"/INBOX/;UID=0",
        b"/INBOX/;UID=4294967296",
        b"/INBOX/;UID=1/;UID=2",
        b"/INBOX/;UID=1/;PARTIAL=0.0",
        b"/INBOX/;UID=1/;PARTIAL=9999999999",
        b"/INBOX/;UID=1/;SECTION=",
        b"/INBOX/;UID=1/;SECTION=1..2",
        b"/INBOX/;UID=1/;SECTION=MIME",
        b"/INBOX/;UID=1/;SECTION=%5D",
        b"/INBOX/;UID=1/;PARTIAL=0/;SECTION=1",
        b"/INBOX/;UID=1?x",
        b"/;UID=1",
        b"/IN BOX/;UID=1",
        b"/IN%ZZ/;UID=1",
        b"/%FF/;UID=1",
        b"/%00/;UID=1",
        b"/\xff/;UID=1",
        b"imap://host:0/",
        b"imap://host:99999/",
        b"imap://a@b@c/",
        b"imap://[::1/",
        b"/x/;UID=1;URLAUTH=user+",
        b"/x/;UID=1;URLAUTH=authuser+x",
        b"/x/;UID=1;URLAUTH=nobody",
        b"/x/;UID=1;EXPIRE=2006-12-12T00:00:00Z",
        b"/x/;UID=1;EXPIRE=2006-13-12T00:00:00Z;URLAUTH=authuser",
        b"/x/;UID=1;URLAUTH=authuser:internal",
        b"/x/;UID=1;URLAUTH=authuser:internal:xyz",
        b"/x/;UID=1:internal:00",
        b"/" + b"x" * MAX_URL,
    ],
)
def test_what_is_none(url: bytes) -> None:
    with pytest.raises(BadUrl):
        parse(url)


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=15)
numbers = st.integers(1, 2**32 - 1)
SECTIONS = ("", "1", "1.2.3", "HEADER", "TEXT", "2.MIME", "1.HEADER", "HEADER.FIELDS (A b)", "HEADER.FIELDS.NOT (x)")


@st.composite
def written(draw: st.DrawFn) -> ImapUrl:
    section = draw(st.sampled_from(SECTIONS))
    parsed = parse(b";UID=1/;SECTION=" + section.replace(" ", "%20").encode()).section if section else None
    authorization = None
    if draw(st.booleans()):
        access = draw(st.sampled_from(("submit+", "user+", "authuser", "anonymous")))
        name = draw(names) if access.endswith("+") else ""
        expire = draw(st.none() | st.integers(0, 4_000_000_000))
        token = draw(st.sampled_from((b"", b"01ab")))
        authorization = Authorization(access, name, expire, b"", "INTERNAL" if token else "", token)
    server = draw(st.booleans())
    return ImapUrl(
        draw(st.sampled_from(("host.example", "[::1]", "127.0.0.1"))) if server else None,
        draw(st.none() | names) if server else None,
        draw(st.none() | st.integers(1, 65535)) if server else None,
        draw(st.none() | st.sampled_from(("*", "GSSAPI"))) if server else None,
        draw(names.filter(lambda name: not name.endswith("/"))),
        draw(st.none() | numbers),
        draw(numbers),
        parsed,
        section,
        draw(st.none() | st.tuples(st.integers(0, 2**32 - 1), st.none() | numbers)),
        authorization,
    )


@given(written())
def test_what_is_written_is_read(url: ImapUrl) -> None:
    """[RFC5092] 11"""
    octets = write(url)
    found = parse(octets)
    if url.authorization is not None:
        assert found.authorization is not None
        assert octets.startswith(found.authorization.rump)
        assert b":internal:" not in found.authorization.rump
        found = ImapUrl(
            *(getattr(found, name) for name in ImapUrl.__slots__[:-1]),
            Authorization(
                found.authorization.access,
                found.authorization.name,
                found.authorization.expire,
                b"",
                found.authorization.mechanism,
                found.authorization.token,
            ),
        )
    assert found == url


@pytest.mark.parametrize(
    "piece", [b";UID=1", b"/", b"/;", b"%41", b"@", b":", b";URLAUTH=", b"/;SECTION=1", b"[", b"a"]
)
def test_long_urls_cost_little(piece: bytes) -> None:
    """A long URL of any kind is refused, or read, without trying many ways to divide it."""
    for head in (b"imap://", b"/INBOX/;UID=1", b"", b"/x/;UID=1;URLAUTH=user+"):
        octets = (head + piece * MAX_URL)[:MAX_URL]
        with suppress(BadUrl):
            parse(octets)
