"""Search over a folder: every IMAP key as a restriction, properties, and the order of work ([RFC3501] 6.4.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import COMMON_FIELDS, render
from conversion.mime.text import MimeText as Reader
from store import searchrows
from store.errors import TooLarge
from store.ids import MessageFlag, SpecialFolder
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.restriction import (
    And,
    Bitmask,
    Comment,
    CompareProperties,
    Content,
    Count,
    Exist,
    MimeHeader,
    MimeText,
    Not,
    Or,
    PidTagMessageAttachments,
    PidTagMessageRecipients,
    Property,
    RelOp,
    Restriction,
    RestrictionError,
    Size,
    SubObject,
    TagInternalDate,
    TagMimeSize,
    TagModseq,
    TagPlacementFlags,
    TagPlacementKeywords,
    TagPlacementUid,
    TagSentDate,
    UidIn,
)
from store.mapi.tags import (
    PidNameKeywords,
    PidTagClientSubmitTime,
    PidTagDisplayName,
    PidTagImportance,
    PidTagMessageFlags,
    PidTagMessageSize,
    PidTagSubject,
    PSETID_Common,
)
from store.mapi.types import PropertyBag, PropertyName, PropertyType, filetime_from_unix
from store.search import TextReader, find
from store.store import Store, StoreSettings
from tests.store.conftest import World
from tests.support.examples import examples

_INBOX = SpecialFolder.INBOX
_OWN = PropertyName(PSETID_Common, 0x7123, PropertyType.INTEGER32)


def _mail(*lines: str, body: str = "text", charset: str = "utf-8") -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n" + body + "\r\n").encode(charset)


class _Folder:
    """The inbox of a fresh store, with the calls that the tests make."""

    def __init__(self, world: World) -> None:
        self.mailbox = world.mailbox()

    def add(
        self,
        raw: bytes,
        properties: PropertyBag | None = None,
        *,
        recipients: tuple[RecipientRow, ...] = (),
        attachments: tuple[AttachmentContent, ...] = (),
        **options: Any,
    ) -> int:
        content = MessageContent(properties or {}, recipients, attachments)
        return self.mailbox.deliver(_INBOX, content, mime=render(raw), **options).uid

    def find(
        self,
        restriction: Restriction,
        uids: Sequence[int] | None = None,
        text: TextReader = Reader,
    ) -> list[int]:
        parts = self.mailbox._parts
        return find(parts.shard, parts.blobs, self.mailbox.index(_INBOX), restriction, uids=uids, text=text)


@pytest.fixture
def folder(world: World) -> _Folder:
    return _Folder(world)


def _never(raw: bytes, parts: bytes = b"") -> Any:
    raise AssertionError("the text was read where it need not be")


def _set(flag: MessageFlag) -> Restriction:
    return Bitmask(TagPlacementFlags, flag, zero=False)


def _clear(flag: MessageFlag) -> Restriction:
    return Bitmask(TagPlacementFlags, flag, zero=True)


def test_flags(folder: _Folder) -> None:
    """[RFC3501] 6.4.4: SEEN, UNSEEN, FLAGGED, DELETED and their like."""
    folder.add(_mail("Subject: a"))
    folder.add(_mail("Subject: b"), flags=MessageFlag.SEEN)
    folder.add(_mail("Subject: c"), flags=MessageFlag.SEEN | MessageFlag.FLAGGED)
    assert folder.find(_set(MessageFlag.SEEN), text=_never) == [2, 3]
    assert folder.find(_clear(MessageFlag.SEEN), text=_never) == [1]
    assert folder.find(And((_set(MessageFlag.SEEN), _clear(MessageFlag.FLAGGED))), text=_never) == [2]
    assert folder.find(Or((_set(MessageFlag.FLAGGED), _clear(MessageFlag.SEEN))), text=_never) == [1, 3]
    assert folder.find(Not(_set(MessageFlag.SEEN)), text=_never) == [1]
    assert folder.find(And(())) == [1, 2, 3]
    assert folder.find(Or(())) == []
    assert folder.find(Comment()) == [1, 2, 3]


def test_keywords(folder: _Folder) -> None:
    """[RFC3501] 6.4.4: KEYWORD, UNKEYWORD."""
    folder.add(_mail("Subject: a"), keywords=["Work"])
    folder.add(_mail("Subject: b"), keywords=["home", "WORK"])
    bits = {name: 1 << bit for bit, name in folder.mailbox.keyword_names().items()}
    assert folder.find(Bitmask(TagPlacementKeywords, bits["Work"], zero=False)) == [1, 2]
    assert folder.find(Bitmask(TagPlacementKeywords, bits["home"], zero=True)) == [1]


def test_numbers_of_the_placement(folder: _Folder) -> None:
    """[RFC3501] 6.4.4: BEFORE, ON, SINCE, LARGER, SMALLER, UID; [RFC7162] 3.1.5: MODSEQ."""
    for day in range(5):
        folder.add(_mail("Subject: x", body="y" * (100 * day)), internal_date=86_400 * (100 + day) + 5)
    size = len(_mail("Subject: x", body="y" * 200))
    assert folder.find(Property(RelOp.LESS, TagInternalDate, 86_400 * 102)) == [1, 2]
    assert folder.find(Property(RelOp.GREATER_OR_EQUAL, TagInternalDate, 86_400 * 102)) == [3, 4, 5]
    assert folder.find(Property(RelOp.GREATER, TagMimeSize, size)) == [4, 5]
    assert folder.find(Property(RelOp.LESS, TagMimeSize, size)) == [1, 2]
    assert folder.find(Property(RelOp.EQUAL, TagPlacementUid, 4)) == [4]
    assert folder.find(UidIn(((2, 3), (5, 99)))) == [2, 3, 5]
    assert folder.find(Not(UidIn(((2, 3),)))) == [1, 4, 5]
    assert folder.find(And((Property(RelOp.GREATER, TagMimeSize, size), UidIn(((1, 4),))))) == [4]
    modseq = folder.mailbox.rows(_INBOX, [3])[0].modseq
    assert folder.find(Property(RelOp.GREATER_OR_EQUAL, TagModseq, modseq)) == [3, 4, 5]


def test_only_the_uids_asked_for(folder: _Folder) -> None:
    for _ in range(5):
        folder.add(_mail("Subject: x"))
    folder.mailbox.remove_messages(_INBOX, [2])
    assert folder.find(And(()), uids=[5, 2, 1, 1, 77]) == [1, 5]
    assert folder.find(MimeHeader("subject", "X"), uids=[4, 3]) == [3, 4]
    assert folder.find(MimeHeader("subject", "X"), uids=[]) == []
    assert folder.find(Count(2, And(()))) == [1, 3]


@pytest.mark.parametrize(
    ("line", "wanted", "expected"),
    [
        ("Subject: Hello World", "lo wo", True),
        ("SUBJECT: Hello World", "HELLO", True),
        ("Subject:Hello", "hello", True),
        ("Subject : Hello", "hello", True),
        ("Subject: Hello\r\n World", "hello world", True),
        ("Subject: Hello", "helloo", False),
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "GRÜße", True),
        # [RFC5051] 2: the sharp s has no titlecase of one character in UnicodeData.txt, so it equals itself alone.
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "grüsse", False),
        ("Subject: =?utf-8?b?R3LDvMOfZQ==?=", "GRÜẞE", False),
        # And a letter is contained in the letter with a mark, which is decomposed.
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "gru", True),
        ("Subject: Grusel", "grü", False),
        ("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "utf-8", False),
        ("Subject: Grüße", "grüße", True),
        ("Subject: Gru\u0308ße", "grüße", True),
        ("Subject: Straße", "strasse", False),
        ("Subject: a =?utf-8?q?b?= c", "a b c", True),
        ("X-Subject: Hello", "hello", False),
        ("Subject-X: Hello", "hello", False),
        ("To: x\r\nSubject: Hello", "hello", True),
        ("To: x\r\n Subject: Hello", "hello", False),
        ("Subject: one\r\nSubject: two", "two", True),
        ("Subject: x", "", True),
        ("Subject:", "", True),
        ("To: x", "", False),
    ],
)
def test_header(folder: _Folder, line: str, wanted: str, expected: bool) -> None:
    """[RFC3501] 6.4.4, HEADER and SUBJECT: in the decoded value, without regard to case; empty: the field is there."""
    folder.add(_mail(line, "Date: Sat, 1 Jan 2000 00:00:00 +0000"))
    assert folder.find(MimeHeader("Subject", wanted)) == ([1] if expected else [])
    assert folder.find(Not(MimeHeader("Subject", wanted))) == ([] if expected else [1])


def test_a_plain_header_is_answered_without_the_reader(folder: _Folder) -> None:
    folder.add(_mail("Subject: plain", "From: a@example.test"))
    test = Or((MimeHeader("Subject", "plain"), MimeHeader("From", "plain")))
    assert folder.find(test, text=_never) == [1]


def test_a_field_that_is_not_common(folder: _Folder) -> None:
    """[RFC3501] 6.4.4, HEADER: of the message's own header alone, inline or large."""
    folder.add(_mail("X-Own: Value one", "Subject: x", body="X-Own: two"))
    folder.add(_mail("X-Own: =?utf-8?q?=C3=A9?=", "Subject: x", body="z" * 20_000))
    folder.add(_mail("Subject: x", body="\r\nX-Own: value"))
    assert folder.find(MimeHeader("x-own", "VALUE")) == [1]
    assert folder.find(MimeHeader("X-Own", "É")) == [2]
    assert folder.find(MimeHeader("X-Own", "")) == [1, 2]
    assert folder.find(MimeHeader("X-Own", "two")) == []


def test_body_and_text(folder: _Folder) -> None:
    """[RFC3501] 6.4.4: BODY looks at the body, TEXT at the header too; transfer encodings and charsets are undone."""
    folder.add(_mail("Subject: needle", body="hay"))
    folder.add(_mail("Subject: hay", body="a Needle here"))
    folder.add(
        _mail(
            "Subject: hay",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            body="TsOERURMRSBuZWVkbGU=",
        )
    )
    folder.add(_mail("Subject: hay", body="x" * 300_000 + " needle"))
    folder.add(_mail("Subject: =?utf-8?q?n=65edle?=", body="hay"))
    assert folder.find(MimeText("NEEDLE", headers=False)) == [2, 3, 4]
    assert folder.find(MimeText("NEEDLE", headers=True)) == [1, 2, 3, 4, 5]
    assert folder.find(MimeText("näedle", headers=False)) == [3]
    assert folder.find(MimeText("TsOERURMRS", headers=False)) == []
    assert folder.find(MimeText("a needle", headers=False)) == [2]


def test_the_reader_may_leave_out_what_lacks_the_word(folder: _Folder) -> None:
    """The reader is given the part table, and the longest word of the string as octets are compared."""
    words: list[bytes] = []
    needles: list[bytes | None] = []

    class Recording(Reader):
        @staticmethod
        def sift(
            messages: Sequence[tuple[bytes, bytes]], word: bytes, needle: bytes | None, *, headers: bool
        ) -> list[bool | None]:
            words.append(word)
            needles.append(needle)
            assert all(parts for _, parts in messages)
            return [None] * len(messages)

        def text(self, headers: bool, word: bytes = b"") -> Iterator[str]:
            words.append(word)
            assert self._parts
            return super().text(headers, word)

    folder.add(_mail("Subject: x", body="hay " * 1000))
    for wanted in ("neeDle", "two words", "n\u00e4edle"):
        assert folder.find(MimeText(wanted, headers=True), text=Recording) == []
    assert words == [b"needle", b"needle", b"words", b"words", b"edle", b"edle"]
    assert needles == [b"needle", b"two words", None]


def test_what_the_octets_tell_is_joined_as_the_tests_are(folder: _Folder) -> None:
    """[RFC3501] 6.4.4: And, Or and Not of strings, some of which are seen in the octets and some have to be decoded."""
    folder.add(_mail("Subject: x", body="hay"))
    folder.add(_mail("Subject: x", body="needle"))
    folder.add(_mail("Subject: =?utf-8?q?n=65edle?="))
    folder.add(_mail("Subject: =?utf-8?q?n=65edle?=", body="hay"))
    folder.add(_mail("Subject: x", body="hay @ needle"))
    hay, needle, at = (MimeText(each, headers=True) for each in ("hay", "needle", "@"))
    assert folder.find(And((hay, needle))) == [4, 5]
    assert folder.find(Or((hay, needle))) == [1, 2, 3, 4, 5]
    assert folder.find(And((Not(hay), needle))) == [2, 3]
    assert folder.find(Not(Or((hay, needle)))) == []
    assert folder.find(Not(And((hay, needle)))) == [1, 2, 3]
    assert folder.find(Or((at, And((hay, needle))))) == [4, 5]
    assert folder.find(And((at, Comment((), hay)))) == [5]
    assert folder.find(Or((at, MimeText("$", headers=True)))) == [5]


@pytest.mark.parametrize("size", [20_000, 100_000, 300_000])
def test_messages_that_stand_outside_their_row_are_searched(folder: _Folder, size: int) -> None:
    """[RFC3501] 6.4.4, TEXT: content of its own row, of a large one, and of a file."""
    folder.add(_mail("Subject: x", body="hay " * (size // 4) + "needle"))
    folder.add(_mail("Subject: y", body="hay " * (size // 4)))
    assert folder.find(MimeText("needle", headers=True)) == [1]
    assert folder.find(MimeHeader("X-None", "")) == []


def test_rows_that_are_gone_or_not_side_by_side(folder: _Folder) -> None:
    """Candidates whose items do not lie in one run, and one whose item is gone since the index was read."""
    for number in range(6):
        folder.add(_mail(f"Subject: zulu {number}", body="needle"))
    for node in (MimeText("needle", headers=True), MimeHeader("Subject", "zulu"), MimeHeader("X-Other", "x")):
        wanted = [] if node == MimeHeader("X-Other", "x") else [1, 3, 6]
        assert folder.find(node, uids=[1, 3, 6]) == wanted
    index = folder.mailbox.index(_INBOX)
    folder.mailbox.remove_messages(_INBOX, [2, 5])
    parts = folder.mailbox._parts
    for node in (MimeText("needle", headers=True), MimeHeader("Subject", "zulu")):
        assert find(parts.shard, parts.blobs, index, node, text=Reader) == [1, 3, 4, 6]


def test_plain_headers_are_searched_together(folder: _Folder) -> None:
    """[RFC3501] 6.4.4, HEADER: what is found in the octets of many headers at once is what each of them says."""
    subjects = (
        "zulu",
        "ZULU",
        "a",
        "=?utf-8?Q?z=75lu?=",
        "z\u00fclu zul\u0075",
        "zu\r\n lu",
        "x\r\nX-Other: zulu",
        "\u212a",
    )
    for subject in subjects:
        folder.add(_mail(f"Subject: {subject}", "To: zuzu@example.test"))
    assert folder.find(MimeHeader("Subject", "Zulu")) == [1, 2, 4, 5]
    assert folder.find(MimeHeader("Subject", "zu lu")) == [6]
    assert folder.find(MimeHeader("Subject", "zuzu")) == []
    assert folder.find(MimeHeader("To", "zuzu")) == list(range(1, 9))
    assert folder.find(MimeHeader("Subject", "k")) == [8]


def _day(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal() - date(1970, 1, 1).toordinal()


@pytest.mark.parametrize(
    ("line", "day"),
    [
        ("Date: Sat, 29 Feb 2020 23:30:00 -1200", _day(2020, 2, 29)),
        ("Date: 1 Mar 2020 00:30:00 +1400", _day(2020, 3, 1)),
        ("Date: Sat, 29 Feb 2020 12:00:00 +0000 (noon)", _day(2020, 2, 29)),
        ("Date: nonsense", _day(2020, 3, 3)),
        ("Subject: x", _day(2020, 3, 3)),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_the_date_sent_is_the_one_in_the_field(folder: _Folder, line: str, day: int, known: bool) -> None:
    """[RFC3501] 6.4.4, SENTON and its like disregard time and zone; without a date the internal one stands in."""
    instants = {"29 Feb 2020 23:30": 1_583_062_200, "1 Mar 2020 00:30": 1_582_972_200, "12:00": 1_582_977_600}
    submitted = next((instant for part, instant in instants.items() if part in line), 1_583_193_600)
    properties = {PidTagClientSubmitTime: filetime_from_unix(submitted)} if known else {}
    folder.add(_mail(line), properties, internal_date=1_583_193_600)
    for wanted in range(day - 3, day + 4):
        assert folder.find(Property(RelOp.EQUAL, TagSentDate, wanted)) == ([1] if wanted == day else [])
        assert folder.find(Property(RelOp.LESS, TagSentDate, wanted)) == ([1] if day < wanted else [])
        assert folder.find(Property(RelOp.GREATER_OR_EQUAL, TagSentDate, wanted)) == ([1] if day >= wanted else [])


_EARLY = Property(RelOp.LESS, TagSentDate, _day(2024, 3, 8))
_LATE = Property(RelOp.GREATER_OR_EQUAL, TagSentDate, _day(2024, 3, 8))


@pytest.mark.parametrize("when", [1, 2])
@pytest.mark.parametrize("node", [_EARLY, Not(_LATE), Not(MimeHeader("Subject", "zulu")), Not(MimeText("zulu", True))])
def test_a_message_that_goes_between_two_reads_is_not_found(
    folder: _Folder, monkeypatch: pytest.MonkeyPatch, node: Restriction, when: int
) -> None:
    """Both came on the first of March and were sent on the 26th: the internal date may not stand in for the field's."""
    for _ in range(2):
        folder.add(_mail("Date: Tue, 26 Mar 2024 10:00:00 +0000", "Subject: zulu"), internal_date=1_709_290_000)
    read = searchrows.Rows._rows
    calls: list[Any] = []

    def reading(rows: searchrows.Rows, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == when:
            folder.mailbox.remove_messages(_INBOX, [2])
        return read(rows, *arguments)

    monkeypatch.setattr(searchrows.Rows, "_rows", reading)
    assert folder.find(node) == []


def test_properties(folder: _Folder) -> None:
    """[MS-OXCDATA] 2.12 over the stored bags, named properties among them."""
    ann = RecipientRow(RecipientType.TO, {PidTagDisplayName: "Ann"})
    plan = AttachmentContent({PidTagDisplayName: "plan.pdf"}, b"x")
    folder.add(_mail("Subject: a"), {PidTagSubject: "Alpha", PidTagImportance: 2, _OWN: 7}, recipients=(ann,))
    folder.add(_mail("Subject: b"), {PidTagSubject: "Beta", PidNameKeywords: ("red",)}, attachments=(plan,))
    assert folder.find(Content(PidTagSubject, "ALP")) == [1]
    assert folder.find(Property(RelOp.EQUAL, PidTagImportance, 2)) == [1]
    assert folder.find(Not(Exist(PidTagImportance))) == [2]
    assert folder.find(Property(RelOp.EQUAL, _OWN, 7)) == [1]
    assert folder.find(Bitmask(_OWN, 2, zero=False)) == [1]
    assert folder.find(Content(PidNameKeywords, "red")) == [2]
    assert folder.find(Size(RelOp.EQUAL, PidTagSubject, 10)) == [2]
    assert folder.find(CompareProperties(RelOp.EQUAL, PidTagSubject, PidTagSubject)) == [1, 2]
    assert folder.find(SubObject(PidTagMessageRecipients, Content(PidTagDisplayName, "ann"))) == [1]
    assert folder.find(SubObject(PidTagMessageAttachments, Content(PidTagDisplayName, ".PDF"))) == [2]


def test_a_name_that_the_mailbox_never_met(folder: _Folder) -> None:
    folder.add(_mail("Subject: a"), {PidTagSubject: "Alpha"})
    unknown = PropertyName(PSETID_Common, "never", PropertyType.STRING)
    for restriction in (
        Exist(unknown),
        Content(unknown, "x"),
        CompareProperties(RelOp.EQUAL, unknown, PidTagSubject),
        And((Exist(PidTagSubject), Exist(unknown))),
        SubObject(PidTagMessageRecipients, Exist(unknown)),
    ):
        assert folder.find(restriction) == []
    assert folder.find(Or((Exist(PidTagSubject), Comment((), Not(Exist(unknown)))))) == [1]


def test_properties_of_the_placement_are_the_current_ones(folder: _Folder) -> None:
    folder.add(_mail("Subject: a"), {PidTagMessageFlags: 0})
    folder.mailbox.set_flags(_INBOX, [1], add=MessageFlag.SEEN)
    assert folder.find(Bitmask(PidTagMessageFlags, 1, zero=False)) == [1]
    assert folder.find(Property(RelOp.EQUAL, PidTagMessageSize, len(_mail("Subject: a")))) == [1]


def test_one_item_in_two_places(folder: _Folder) -> None:
    folder.add(_mail("Subject: twice"))
    folder.mailbox.copy(_INBOX, [1], _INBOX)
    assert folder.find(MimeHeader("Subject", "twice")) == [1, 2]
    assert folder.find(And((MimeHeader("Subject", "twice"), UidIn(((2, 2),))))) == [2]


def test_what_cannot_be_asked(folder: _Folder) -> None:
    folder.add(_mail("Subject: a"))
    with pytest.raises(TooLarge):
        folder.find(MimeText("x" * 70_000, headers=False))
    with pytest.raises(RestrictionError):
        folder.find(SubObject(PidTagMessageRecipients, MimeText("x", headers=False)))


def test_the_common_fields_are_in_the_common_header() -> None:
    """A field answered from `item.common_header` must be one that every block written so far holds."""
    assert {name.upper().encode() for name in searchrows.COMMON_FIELDS} <= COMMON_FIELDS


# ------------------------------------------------------------------------------------------- against a naive search

_WORDS = ("red", "green", "blue")
_LEAVES: list[Restriction] = [
    _set(MessageFlag.SEEN),
    _clear(MessageFlag.FLAGGED),
    UidIn(((2, 4), (7, 8))),
    Property(RelOp.GREATER, TagMimeSize, 90),
    Property(RelOp.LESS, TagSentDate, 18_322),
    *[MimeHeader("Subject", word) for word in _WORDS],
    *[MimeHeader("X-Colour", word) for word in _WORDS],
    *[MimeText(word, headers=False) for word in _WORDS],
    *[Content(PidTagSubject, word) for word in _WORDS],
    Exist(PropertyName(PSETID_Common, "never", PropertyType.STRING)),
]
_TREES = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=4).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
        inner.map(lambda part: Comment((), part)),
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Folder]:
    places = StoreSettings(tmp_path_factory.mktemp("colours"), durable=False)
    store = Store(places)
    folder = _Folder(World(places, store))
    for number in range(12):
        subject, colour, body = _WORDS[number % 3], _WORDS[number // 3 % 3], _WORDS[number // 2 % 3]
        folder.add(
            _mail(
                f"Subject: {subject}", f"X-Colour: {colour}", f"Date: {1 + number} Mar 2020 01:00:00 +0000", body=body
            ),
            {
                PidTagSubject: f"{subject} {colour}",
                PidTagClientSubmitTime: filetime_from_unix(1_583_024_400 + 86_400 * number),
            },
            flags=(MessageFlag.SEEN if number % 2 else 0) | (MessageFlag.FLAGGED if number % 5 == 0 else 0),
        )
    yield folder
    store.close()


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_TREES, st.none() | st.sets(st.integers(1, 14)))
def test_any_tree_means_what_its_leaves_mean(colours: _Folder, tree: Restriction, uids: set[int] | None) -> None:
    whole = set(range(1, 13))

    def naive(node: Restriction) -> set[int]:
        match node:
            case And(parts):
                return whole.intersection(*map(naive, parts))
            case Or(parts):
                return set().union(*map(naive, parts))
            case Not(part):
                return whole - naive(part)
            case Comment(_, part) if part is not None:
                return naive(part)
            case _:
                return set(colours.find(node))

    expected = naive(tree) & (whole if uids is None else uids)
    assert colours.find(tree, None if uids is None else list(uids)) == sorted(expected)
