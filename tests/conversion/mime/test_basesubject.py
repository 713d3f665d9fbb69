"""The base subject of [RFC5256] 2.1, against examples and against its ABNF taken word by word."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.basesubject import base_subject


@pytest.mark.parametrize(
    ("subject", "base", "reply"),
    [
        ("hello", "hello", False),
        ("", "", False),
        ("   ", "", False),
        ("Re: hello", "hello", True),
        ("re:re:RE : hello", "hello", True),
        ("Fw: hello", "hello", True),
        ("FWD: hello", "hello", True),
        ("Fwdd: hello", "Fwdd: hello", False),
        ("Re[2]: hello", "hello", True),
        ("Re [a] : hello", "hello", True),
        ("[list] hello", "hello", False),
        ("[list] Re: hello", "hello", True),
        ("Re: [list] Re: [x] hello", "hello", True),
        ("[list][a] [b]", "[b]", False),
        ("[list]", "[list]", False),
        ("[list] ", "[list]", False),
        ("Re: [list]", "[list]", True),
        ("hello (fwd)", "hello", True),
        ("hello (FWD)(fwd) ", "hello", True),
        ("(fwd)", "", True),
        ("[Fwd: hello]", "hello", True),
        ("[fwd: [fwd: Re: hello] (fwd)]", "hello", True),
        ("[fwd:]", "", True),
        ("[fwd: ]", "", True),
        ("[fwd: hello", "[fwd: hello", False),
        ("[fwd: a] b", "b", False),
        ("hello\t  there", "hello there", False),
        ("Re:", "", True),
        ("re", "re", False),
        ("[a]Re:[b]", "[b]", True),
        ("[a[b] c", "[a[b] c", False),
        ("\u212ae: x", "\u212ae: x", False),
    ],
)
def test_examples(subject: str, base: str, reply: bool) -> None:
    assert base_subject(subject) == (base, reply)


def literally(subject: str) -> tuple[str, bool]:
    """The steps of [RFC5256] 2.1 as they are written, by regular expressions that know the ABNF alone."""
    blob = r"\[[^\[\]]*\] *"
    refwd = rf"(?:re|fwd?) *(?:{blob})?:"
    reply = False
    text = re.sub(" +", " ", subject.replace("\t", " "))
    while True:
        while match := re.search(r"(\(fwd\)| )\Z", text, re.I | re.A):  # 2
            reply |= match[1] != " "
            text = text[: match.start()]
        while True:
            if match := re.match(rf"(?:{blob})*{refwd}|( )", text, re.I | re.A):  # 3
                reply |= match[1] is None
                text = text[match.end() :]
            elif (match := re.match(blob, text)) and text[match.end() :]:  # 4
                text = text[match.end() :]
            else:
                break
        if not re.fullmatch(r"\[fwd:.*\]", text, re.I | re.A | re.S):  # 6
            return text, reply
        text, reply = text[5:-1], True


parts = st.sampled_from(("Re", ":", "fw", "fwd", "d", "[", "]", "[fwd:", "(fwd)", " ", "\t", "x", "[x]", "Re: ", "é"))


@given(st.lists(parts, max_size=14).map("".join))
def test_it_is_what_the_steps_say(subject: str) -> None:
    assert tuple(base_subject(subject)) == literally(subject)


def test_long_subjects_cost_no_more_than_their_length() -> None:
    """Each would take minutes if its cost were quadratic."""
    for unit in ("[a]", "Re:", "(fwd)", "[fwd:", "re[", "[] ", " [fwd: ", "re ", "["):
        base_subject(unit * 40_000)
        base_subject("x" + unit * 40_000)
    base_subject("[fwd:" * 40_000 + "]" * 40_000)
