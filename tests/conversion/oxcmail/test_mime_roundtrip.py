"""Messages that another program wrote, read, written and read again ([MS-OXCMAIL] 2.1, 2.2).

Python's `email` writes them, so that what is expected is what it was told and not what we make of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.attachmentdata import read_attachment_data
from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix
from tests.support.examples import examples
from tests.support.mime_losses import there_and_back

LETTERS = "abzAZ09éüßŁжд中文字😀"
WORD = st.text(st.sampled_from(LETTERS + "-_'"), min_size=1, max_size=12)
PHRASE = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
LINES = st.lists(st.text(st.sampled_from(LETTERS + " .,=_"), max_size=90).map(str.rstrip), min_size=1, max_size=4)
TEXTS = LINES.map(lambda lines: "".join(line + "\n" for line in lines))
IDENTIFIER = st.from_regex(r"<[a-z0-9]{1,12}@[a-z]{1,8}\.example>", fullmatch=True)
ADDRESS = st.builds(
    Address,
    st.one_of(st.just(""), PHRASE, st.sampled_from(["Lee, Ann", 'Ann "A" Lee', "ann@home.example", "O'Neil (x)"])),
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{1,8})?", fullmatch=True),
    st.sampled_from(["example.net", "sub.example.org"]),
)
NAME = st.builds("{}{}".format, PHRASE, st.sampled_from([".txt", ".PDF", ".tar.gz", ""]))
TYPE = st.sampled_from([("application", "pdf"), ("image", "png"), ("text", "csv"), ("audio", "x-y")])
POLICY = policy.SMTP.clone(refold_source="none")
IMPORTANCE = {"low": 0, "normal": 1, "high": 2}


def mailbox(one: Address) -> str:
    return formataddr((one.display_name, one.addr_spec), "utf-8")


@dataclass
class Told:
    """What the other program was told to write."""

    author: Address
    to: list[Address]
    cc: list[Address]
    subject: str
    seconds: int
    identifier: str
    references: list[str]
    importance: str
    text: str
    charset: str
    html: str | None
    files: list[tuple[str, tuple[str, str], bytes]]
    picture: bytes | None
    inner: Told | None = None

    def header(self) -> bytes:
        """Have the header written, by the older of the two ways: the newer one loses blanks between encoded words."""
        lines = [
            f"From: {mailbox(self.author)}",
            "To: " + ",\r\n ".join(map(mailbox, self.to)),
            *(["Cc: " + ",\r\n ".join(map(mailbox, self.cc))] if self.cc else []),
            "Subject: " + Header(self.subject, "utf-8").encode(linesep="\r\n"),
            "Date: " + format_datetime(datetime.fromtimestamp(self.seconds, UTC)),
            f"Message-ID: {self.identifier}",
            *(["References: " + "\r\n ".join(self.references)] if self.references else []),
            f"Importance: {self.importance}",
        ]
        return "".join(f"{line}\r\n" for line in lines).encode("ascii")

    def message(self) -> bytes:
        """Have it written."""
        made = EmailMessage(POLICY)
        made.set_content(self.text, charset=self.charset)
        if self.html is not None:
            made.add_alternative(self.html + '<img src="cid:p@x">', subtype="html")
            if self.picture is not None:
                body = made.get_body(("html",))
                assert body is not None
                body.add_related(self.picture, "image", "png", cid="<p@x>", filename="p.png")
        for name, (kind, subtype), data in self.files:
            made.add_attachment(data, kind, subtype, filename=name)
        if self.inner is not None:
            made.add_attachment(message_from_bytes(self.inner.message(), policy=POLICY))
        return self.header() + made.as_bytes()

    def check(self, raw: bytes, content: MessageContent) -> None:
        """Find all of it in the Message object."""
        got = content.properties
        assert got[tags.PidTagSubject] == self.subject
        assert got[tags.PidTagClientSubmitTime] == filetime_from_unix(self.seconds)
        assert got[tags.PidTagInternetMessageId] == self.identifier
        assert got.get(tags.PidTagInternetReferences, "") == " ".join(self.references)
        assert got[tags.PidTagImportance] == IMPORTANCE[self.importance]
        assert got[tags.PidTagSentRepresentingSmtpAddress] == self.author.addr_spec
        assert got[tags.PidTagSentRepresentingName] == (self.author.display_name or self.author.addr_spec)
        rows = [(row.type, row.properties) for row in content.recipients]
        assert [
            (kind, properties[tags.PidTagDisplayName], properties[tags.PidTagSmtpAddress]) for kind, properties in rows
        ] == [
            (kind, one.display_name or one.addr_spec, one.addr_spec)
            for kind, people in ((1, self.to), (2, self.cc))
            for one in people
        ]
        if self.html is None:
            assert got[tags.PidTagBody] == self.text.replace("\n", "\r\n")
        else:
            html = got[tags.PidTagHtml]
            assert isinstance(html, bytes)
            assert html.decode().rstrip("\r\n") == self.html.replace("\n", "\r\n") + '<img src="cid:p@x">'
        self.check_files(raw, content)

    def check_files(self, raw: bytes, content: MessageContent) -> None:
        """Find the files, the picture in the body first, and the message at the end."""
        expected = [(name, "/".join(kind), data) for name, kind, data in self.files]
        if self.html is not None and self.picture is not None:
            expected.insert(0, ("p.png", "image/png", self.picture))
        items = [item for item in content.attachments if not isinstance(item.data, MessageContent)]
        assert [
            (
                item.properties[tags.PidTagAttachLongFilename],
                item.properties[tags.PidTagAttachMimeTag],
                read_attachment_data(raw, item),
            )
            for item in items
        ] == expected
        assert (self.inner is None) == (len(items) == len(content.attachments))
        if self.inner is not None:
            data = content.attachments[-1].data
            assert isinstance(data, MessageContent)
            self.inner.check(raw, data)


def told(inner: st.SearchStrategy[Told | None]) -> st.SearchStrategy[Told]:
    return st.builds(
        Told,
        author=ADDRESS,
        to=st.lists(ADDRESS, min_size=1, max_size=4),
        cc=st.lists(ADDRESS, max_size=3),
        subject=PHRASE,
        seconds=st.integers(0, 4_000_000_000),
        identifier=IDENTIFIER,
        references=st.lists(IDENTIFIER, max_size=20),
        importance=st.sampled_from(sorted(IMPORTANCE)),
        text=TEXTS,
        charset=st.sampled_from(["utf-8", "gb18030"]),
        html=st.one_of(st.none(), TEXTS),
        files=st.lists(st.tuples(NAME, TYPE, st.binary(max_size=300)), max_size=3),
        picture=st.one_of(st.none(), st.binary(min_size=1, max_size=100)),
        inner=inner,
    )


@settings(max_examples=examples(20))
@given(told(st.one_of(st.none(), told(st.none()))))
def test_what_another_program_wrote(one: Told) -> None:
    """[MS-OXCMAIL] 2.2: every part, name, address and date is read as it was meant, and comes back (2.1)."""
    raw = one.message()
    one.check(raw, read_mime(render(raw)))
    assert there_and_back(raw) == []
