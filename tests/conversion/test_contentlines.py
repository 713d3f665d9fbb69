"""Content lines of iCalendar and vCard ([RFC5545] 3.1, 3.2, 3.3.11, [RFC6350] 3.2 to 3.4, [RFC6868] 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.contentlines import (
    Component,
    ContentLine,
    escape,
    fold,
    read_components,
    read_lines,
    split_structured,
    split_values,
    unescape,
    write_component,
    write_line,
)
from conversion.receipt import Receipt


def one(data: bytes) -> ContentLine:
    (line,) = read_lines(data)
    return line


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\r\r\n"])
def test_ends_and_folds(end: bytes) -> None:
    data = b"\xef\xbb\xbfDESCRIPTION:This is a lo\n ng description\n\t that exists\nSUMMARY:x".replace(b"\n", end)
    assert [(line.name, line.value) for line in read_lines(data)] == [
        ("DESCRIPTION", "This is a long description that exists"),
        ("SUMMARY", "x"),
    ]


def test_fold_inside_of_a_character() -> None:
    assert one(b"SUMMARY:Gr\xc3\r\n \xbcn\r\n").value == "Grün"


def test_parameters() -> None:
    line = one(b'x.ATTENDEE;CN="Doe; John: x";rsvp=TRUE;MEMBER="mailto:a@b","mailto:c@d":mailto:e@f:g')
    assert line == ContentLine(
        "ATTENDEE",
        "mailto:e@f:g",
        (("CN", ("Doe; John: x",)), ("RSVP", ("TRUE",)), ("MEMBER", ("mailto:a@b", "mailto:c@d"))),
        "x",
    )
    assert line.parameter("RSVP") == "TRUE"
    assert line.parameter("ROLE") is None
    assert line.all("MEMBER") == ("mailto:a@b", "mailto:c@d")


def test_carets() -> None:
    """[RFC6868] 3.1 and its example."""
    line = one(b"ATTENDEE;CN=George Herman ^'Babe^' Ruth;X=a^nb^^c^d:mailto:babe@example.com")
    assert line.parameters == (("CN", ('George Herman "Babe" Ruth',)), ("X", ("a\nb^c^d",)))


@pytest.mark.parametrize(
    ("text", "parameters", "value"),
    [
        (b"A;SENT-BY=mailto:x@y:mailto:z@w", (("SENT-BY", ("mailto:x@y",)),), "mailto:z@w"),
        (b"A;SENT-BY=mailto:x@y;CN=Z:mailto:z@w", (("SENT-BY", ("mailto:x@y",)), ("CN", ("Z",))), "mailto:z@w"),
        (b'A;CN="never closed:mailto:z@w', (("CN", ("never closed",)),), "mailto:z@w"),
        (b'A;CN=a "b" c:v', (("CN", ('a "b" c',)),), "v"),
        (b"A;;X=1;:v", (("X", ("1",)),), "v"),
        (b"A;X=:v", (("X", ("",)),), "v"),
        (b"A ; X = 1:v", (("X", ("1",)),), "v"),
        (b"A;TYPE=a,b,:v", (("TYPE", ("a", "b", "")),), "v"),
        (b"TEL;HOME;VOICE:v", (("TYPE", ("HOME",)), ("TYPE", ("VOICE",))), "v"),
    ],
)
def test_odd_parameters(text: bytes, parameters: tuple[tuple[str, tuple[str, ...]], ...], value: str) -> None:
    line = one(text)
    assert (line.parameters, line.value) == (parameters, value)


def test_quoted_printable() -> None:
    """vCalendar 1.0 and vCard 2.1: soft line breaks, charset, real line ends."""
    data = b"DESCRIPTION;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:a=\r\nb=0D=0Agr=FC=\r\nn\r\n"
    data += b"SUMMARY;QUOTED-PRINTABLE:=C3=BC="
    first, second = read_lines(data)
    assert first == ContentLine("DESCRIPTION", "ab\ngrün")
    assert second == ContentLine("SUMMARY", "ü")


def test_charset() -> None:
    assert one(b"N;CHARSET=koi8-r:\xf0\xd2;\xc9").value == "Пр;и"
    assert one(b"SUMMARY:Gr\xfcn").value == "Grün"
    assert one("SUMMARY:Grün".encode("utf-16")).value == "Grün"
    assert [line.value for line in read_lines("BEGIN:VCARD\r\nN:ü".encode("utf-16-le"))] == ["VCARD", "ü"]


def test_base64_without_folds() -> None:
    """vCard 2.1 as old phones write it."""
    lines = list(read_lines(b"PHOTO;BASE64:QUJD\nREVG\n R0hJ\n\nN:x"))
    assert [line.value for line in lines] == ["QUJDREVGR0hJ", "x"]
    assert lines[0].parameters == (("ENCODING", ("BASE64",)),)


def test_bad_lines_lose_no_other() -> None:
    receipt = Receipt()
    data = b"BEGIN:A\nX:1\nno colon at all\n;:x\n=\n:\nsome text with spaces: x\nY:2\nEND:A\n"
    (component,) = read_components(data, receipt=receipt)
    assert [(line.name, line.value) for line in component.lines] == [("X", "1"), ("Y", "2")]
    assert receipt.count == 5


def test_components() -> None:
    data = b"junk:1\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VALARM\nEND:VEVENT\nUID:2\nEND:NONE\n"
    data += b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:VEVENT\nUID:3"
    receipt = Receipt()
    first, second = read_components(data, receipt=receipt)
    assert [component.name for component in first.components] == ["VEVENT"]
    assert first.components[0].value("UID") == "1"
    assert first.value("UID") == "2"
    assert [event.value("UID") for event in second.inner("VEVENT")] == [None, "3"]
    assert [str(note) for note in receipt] == [
        "dropped: JUNK: outside of all components",
        "altered: VALARM: its END is missing",
        "dropped: END:NONE: nothing of that name has begun",
        "altered: VCALENDAR: its END is missing",
        "altered: VEVENT: its END is missing",
        "altered: VEVENT: its END is missing",
        "altered: VCALENDAR: its END is missing",
    ]


def test_agent() -> None:
    """A card may hold the card of an agent (vCard 2.1)."""
    (card,) = read_components(b"BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nFN:b\nEND:VCARD\nFN:a\nEND:VCARD\n")
    assert card.value("FN") == "a"
    assert card.components[0].value("FN") == "b"


def test_too_deep() -> None:
    receipt = Receipt()
    names = [f"C{number}" for number in range(30)]
    data = "\n".join(["BEGIN:" + name for name in names] + ["X:1"] + ["END:" + name for name in reversed(names)])
    (component,) = read_components(data.encode() + b"\nBEGIN:D\nEND:D\n", receipt=receipt)[:1]
    depth = 0
    while component.components:
        component, depth = component.components[0], depth + 1
    assert depth == 19
    assert receipt.count == 1


def test_values() -> None:
    assert unescape(r"a\nb\N\,\;\\n\x" + "\\") == "a\nb\n,;\\n\\x\\"
    assert split_values(r"a\,b,c\\,d") == ["a,b", "c\\", "d"]
    assert split_structured(r"Doe;John;A,B;;\;x") == [["Doe"], ["John"], ["A", "B"], [""], [";x"]]
    assert escape("a\r\nb,c;d\\e\x00\rf") == "a\\nb\\,c\\;d\\\\e\\nf"


def test_writing() -> None:
    line = write_line("SUMMARY", "ü" * 60, [("X-A", 'a"b\nc'), ("T", ("x", "y;z"))])
    assert all(len(part) <= 75 for part in line.split(b"\r\n"))
    assert one(line) == ContentLine("SUMMARY", "ü" * 60, (("X-A", ('a"b\nc',)), ("T", ("x", "y;z"))))
    assert write_line("A", "x\r\nB:y") == b"A:x B:y\r\n"
    assert one(write_line("A", "mailto:x@y", [("CN", "Cid")])).parameter("CN") == "Cid"  # no address cid:mailto:x@y
    assert write_line("A\r\nB", "x", group="g") == b"g.AB:x\r\n"


def test_linear() -> None:
    """What is hard on such readers: were anything here more than linear, the test would run out of its time."""
    hard = (b"\r", b"\r ", b';A="', b'A;B=",', b"BEGIN:A\n", b"END:A\n", b"A;B=^", b"\\,")
    for piece in (*hard, b"A;ENCODING=QUOTED-PRINTABLE:=\n"):
        data = b"BEGIN:X\nA" + piece * (100_000 // len(piece))
        for component in read_components(data):
            for line in component.lines:
                split_structured(line.value)


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120)


@given(
    TEXT,
    st.lists(
        st.tuples(st.sampled_from(("CN", "X-P")), st.lists(TEXT.map(str.strip), min_size=1, max_size=3)), max_size=3
    ),
)
def test_lines_round_trip(value: str, parameters: list[tuple[str, list[str]]]) -> None:
    # A value cannot end a parameter's URI that is not in quotes: those with a colon are quoted.
    line = one(write_line("X", escape(value), parameters))
    assert unescape(line.value) == value
    assert line.parameters == tuple((name, tuple(values)) for name, values in parameters)


@given(st.text())
def test_folds_are_undone(text: str) -> None:
    text = "X:" + text.translate({10: None, 13: None})
    folded = fold(text)
    assert all(len(part) <= 75 for part in folded.split(b"\r\n"))
    assert folded.replace(b"\r\n ", b"") == text.encode("utf-8", "replace") + b"\r\n"


@given(st.binary(max_size=300))
def test_nothing_raises(data: bytes) -> None:
    for component in read_components(b"BEGIN:A\n" + data):
        assert isinstance(write_component(component), bytes)


def test_component_round_trip() -> None:
    component = Component(
        "VCALENDAR", [ContentLine("VERSION", "2.0")], [Component("VEVENT", [ContentLine("UID", "1")])]
    )
    assert read_components(write_component(component)) == [component]
