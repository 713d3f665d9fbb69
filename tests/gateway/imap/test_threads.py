"""THREAD: both algorithms over lists, against the rules of [RFC5256] 3, and against REFERENCES taken by the letter."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.commands.threads import FARTHEST, Forest, ordered_subject, references
from gateway.imap.protocol.search_responses import thread


def shown(
    ids: list[int | None],
    ancestors: list[list[int]],
    subjects: list[bytes] | None = None,
    replies: list[bool] | None = None,
    dates: list[int] | None = None,
) -> str:
    """REFERENCES, as it is written for a client; subjects all differ, and dates ascend, unless they are given."""
    count = len(ids)
    forest = references(
        ids,
        ancestors,
        replies or [False] * count,
        subjects or [b"%d" % n for n in range(count)],
        dates or list(range(count)),
    )
    return thread(forest.roots, forest.children, range(1, count + 1)).decode()[len("* THREAD ") : -2]


def alike(ancestors: list[list[int]]) -> Forest:
    """REFERENCES of messages with one date and no subject, whose identifiers are their numbers."""
    count = len(ancestors)
    return references(range(count), ancestors, [False] * count, [b""] * count, [0] * count)


@pytest.mark.parametrize(
    ("roots", "children", "line"),
    [
        ([], {}, b"* THREAD\r\n"),
        # The example of [RFC5256] 4: message 3 has the child 6, which has 4 (child 23) and 44 (child 7, its child 96).
        ([0, 1], {1: [2], 2: [3, 5], 3: [4], 5: [6], 6: [7]}, b"* THREAD (2)(3 6 (4 23)(44 7 96))\r\n"),
        ([8], {8: [1, 3]}, b"* THREAD ((3)(4))\r\n"),
        ([8, 2], {3: [5], 8: [1, 3]}, b"* THREAD ((3)(4 44))(6)\r\n"),
    ],
)
def test_response(roots: list[int], children: dict[int, list[int]], line: bytes) -> None:
    """[RFC5256] 4, 5."""
    assert thread(roots, children, [2, 3, 6, 4, 23, 44, 7, 96]) == line


def test_deep_threads_take_no_stack() -> None:
    count = 15_000
    forest = alike([[n - 1] if n else [] for n in range(count)])
    line = thread(forest.roots, forest.children, range(1, count + 1))
    assert line == b"* THREAD (" + b" ".join(b"%d" % n for n in range(1, count + 1)) + b")\r\n"


@pytest.mark.parametrize(
    ("ids", "ancestors", "expected"),
    [
        ([1, 2, 3], [[], [1], [1, 2]], "(1 2 3)"),
        ([1, 2, 3], [[], [1], [1]], "(1 (2)(3))"),
        ([3, 2, 1], [[1, 2], [1], []], "(3 2 1)"),
        # A parent that is not there: of one child it goes, of several it stays at the top and nowhere else.
        ([1, 2], [[9], []], "(1)(2)"),
        ([1, 2], [[9], [9]], "((1)(2))"),
        ([1, 2, 3], [[], [1, 9], [1, 9]], "(1 (2)(3))"),
        ([1, 2, 3], [[8, 9], [8], []], "((1)(2))(3)"),
        # References that are cut short are put right by the message itself.
        ([1, 3, 2], [[], [1, 2], [1]], "(1 3 2)"),
        ([1, 3, 2], [[], [1, 2], []], "(1)(3 2)"),
        # No loops.
        ([1], [[1]], "(1)"),
        ([1, 2], [[2], [1]], "(2 1)"),
        ([1, 2, 3], [[3], [1], [2]], "(3 1 2)"),
        # Two messages with one identifier: the first has it. None: nobody refers to it.
        ([1, 1, 2], [[], [], [1]], "(1 3)(2)"),
        ([None, None, 2], [[], [], [7]], "(1)(2)(3)"),
    ],
)
def test_references(ids: list[int | None], ancestors: list[list[int]], expected: str) -> None:
    """[RFC5256] 3, REFERENCES, steps 1 to 3. Numbers ascend by date."""
    assert shown(ids, ancestors) == expected


@pytest.mark.parametrize(
    ("ancestors", "subjects", "replies", "expected"),
    [
        # A reply goes under what is none, whichever comes first.
        ([[], []], b"aa", [0, 1], "(1 2)"),
        ([[], []], b"aa", [1, 0], "(2 1)"),
        # Otherwise they become siblings.
        ([[], []], b"aa", [0, 0], "((1)(2))"),
        ([[], []], b"aa", [1, 1], "((1)(2))"),
        ([[], [], []], b"aaa", [0, 0, 1], "((1)(2)(3))"),
        ([[], [], []], b"aba", [0, 0, 1], "(1 3)(2)"),
        # An empty subject joins nothing.
        ([[], []], b"--", [0, 0], "(1)(2)"),
        # A thread without its head: another head of the subject becomes a sibling of its children.
        ([[90], [90], []], b"aba", [0, 0, 0], "((1)(2)(3))"),
        # Two of them become one.
        ([[90], [90], [91], [91]], b"aacc", [0, 0, 0, 0], "((1)(2))((3)(4))"),
        ([[90], [90], [91], [91]], b"abac", [0, 0, 0, 0], "((1)(2)(3)(4))"),
        # The subject of a thread is its head's alone.
        ([[], [100], []], b"aba", [0, 0, 1], "(1 (2)(3))"),
    ],
)
def test_subjects(ancestors: list[list[int]], subjects: bytes, replies: list[int], expected: str) -> None:
    """[RFC5256] 3, REFERENCES, step 5."""
    texts = [b"" if text == ord("-") else bytes((text,)) for text in subjects]
    assert shown(list(range(100, 100 + len(texts))), ancestors, texts, list(map(bool, replies))) == expected


def test_siblings_by_date() -> None:
    """[RFC5256] 3, steps 4 and 6: by sent date, by number where it is equal; the first child of what is not there."""
    assert shown([1, 2, 3, 4], [[], [1], [1], [1]], dates=[5, 9, 7, 7]) == "(1 (3)(4)(2))"
    assert shown([1, 2, 3], [[9], [9], []], dates=[5, 3, 4]) == "((2)(1))(3)"
    assert shown([1, 2, 3], [[9], [9], []], dates=[6, 5, 4]) == "(3)((2)(1))"


def test_ordered_subject() -> None:
    """[RFC5256] 3, ORDEREDSUBJECT: threads by the date of their first message, no grandchildren."""

    def line(subjects: bytes, dates: list[int]) -> str:
        forest = ordered_subject([bytes((text,)) for text in subjects], dates)
        return thread(forest.roots, forest.children, range(1, len(dates) + 1)).decode()[len("* THREAD ") : -2]

    assert line(b"abab", [1, 2, 3, 4]) == "(1 3)(2 4)"
    assert line(b"ababa", [9, 2, 3, 4, 8]) == "(2 4)(3 (5)(1))"
    assert line(b"aaa", [1, 1, 1]) == "(1 (2)(3))"


def by_the_letter(ids: list[int | None], ancestors: list[list[int]], dates: list[int]) -> object:
    """Steps 1 to 4 and 6 on objects, as [RFC5256] 3 tells them: (number or None, children) of every thread."""

    class Message:
        def __init__(self, number: int | None) -> None:
            self.number, self.parent, self.children = number, None, []

        def under(self, other: Message | None) -> bool:
            while other is not None:
                if other is self:
                    return True
                other = other.parent
            return False

    messages = [Message(number) for number in range(len(ids))]
    everything = list(messages)
    table: dict[int, Message] = {}
    for message, identifier in zip(messages, ids, strict=True):
        if identifier is not None and identifier not in table:
            table[identifier] = message

    def find(identifier: int) -> Message:
        if identifier not in table:
            table[identifier] = Message(None)
            everything.append(table[identifier])
        return table[identifier]

    for message, line in zip(messages, ancestors, strict=True):
        chain = [find(identifier) for identifier in line]
        for parent, child in pairwise(chain):
            if child.parent is None and not child.under(parent):
                child.parent = parent
        message.parent = None if not chain or message.parent is not chain[-1] else chain[-1]
        if chain and message.parent is None and not message.under(chain[-1]):
            message.parent = chain[-1]
    root = Message(None)
    for message in everything:
        (message.parent or root).children.append(message)

    def prune(message: Message) -> None:
        for child in list(message.children):
            prune(child)
            if child.number is None and (message is not root or len(child.children) < 2):
                message.children.remove(child)
                message.children += child.children

    prune(root)

    def tree(message: Message) -> object:
        inner = sorted((tree(child) for child in message.children), key=first)
        return message.number, inner

    def first(item: object) -> tuple[int, int]:
        number, inner = item
        return (dates[number], number) if number is not None else first(inner[0])

    return tree(root)[1]


small = st.integers(0, 7)


@given(
    st.lists(st.tuples(st.none() | small, st.lists(small, max_size=4), st.integers(0, 3)), max_size=9),
)
def test_references_are_what_the_steps_say(rows: list[tuple[int | None, list[int], int]]) -> None:
    ids, ancestors, dates = ([row[n] for row in rows] for n in range(3))
    count = len(rows)
    forest = references(ids, ancestors, [False] * count, [b""] * count, dates)

    def tree(node: int) -> object:
        return (None if forest.is_dummy(node) else node), [tree(child) for child in forest.children.get(node, ())]

    assert [tree(node) for node in forest.roots] == by_the_letter(ids, ancestors, dates)


@given(
    st.lists(
        st.tuples(st.none() | small, st.lists(small, max_size=4), st.sampled_from((b"", b"a", b"b")), st.booleans()),
        max_size=9,
    )
)
def test_every_message_is_there_once(rows: list[tuple[int | None, list[int], bytes, bool]]) -> None:
    """Whatever is merged; a parent that is not there is at the top alone, and has more than one child."""
    ids, ancestors, subjects, replies = ([row[n] for row in rows] for n in range(4))
    forest = references(ids, ancestors, replies, subjects, [0] * len(rows))
    found, waiting = [], list(forest.roots)
    for node in waiting:
        waiting += forest.children.get(node, ())
        if forest.is_dummy(node):
            assert node in forest.roots
            assert len(forest.children[node]) > 1
        else:
            found.append(node)
    assert sorted(found) == list(range(len(rows)))
    heads = [subjects[forest.children[node][0] if forest.is_dummy(node) else node] for node in forest.roots]
    named = [head for head in heads if head]
    assert len(named) == len(set(named))
    line = thread(forest.roots, forest.children, range(1, len(rows) + 1))
    assert sorted(map(int, re.findall(rb"\d+", line))) == list(range(1, len(rows) + 1))


def test_what_would_take_long_is_not_looked_at_to_the_end() -> None:
    """The heads of many long threads are linked to their ends, over and over."""
    count = 20_000
    ancestors = [[n + 1] for n in range(count)]
    ancestors[-1] = []
    forest = alike(ancestors)
    assert len(forest.roots) == 1
    again = [[count - 1 - n % 7, n] for n in range(count)]
    alike([*ancestors[: FARTHEST * 3], *again[FARTHEST * 3 :]])
