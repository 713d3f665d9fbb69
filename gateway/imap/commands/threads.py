"""How messages make threads: ORDEREDSUBJECT and REFERENCES ([RFC5256] 3, BASE.6.4.THREAD).

Both work on plain lists, one entry a message in mailbox order, and give a Forest. Nothing recurses, for a thread may be
as deep as the mailbox has messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FARTHEST = 1000
"""Steps that are gone up a thread to see whether a link would make a loop; beyond that the link is not made.

A message that comes in order needs no step. Without a limit, messages made for it would cost the square of their
number.
"""
_NONE = -1


@dataclass(slots=True)
class Forest:
    """Threads: numbers of messages, from 0; numbers from `messages` on stand for messages that are not there."""

    messages: int
    roots: list[int]
    children: list[list[int]]
    """Of each number; those of a message that is not there are siblings at the top of a thread."""

    def is_dummy(self, node: int) -> bool:
        """Whether it stands for a message that is not there."""
        return node >= self.messages


def ordered_subject(subjects: Sequence[bytes], dates: Sequence[int]) -> Forest:
    """Messages of one base subject are a thread: the first one, and all others as its children.

    `subjects` are prepared for comparison, `dates` are sent dates.
    """
    count = len(subjects)
    children: list[list[int]] = [[] for _ in range(count)]
    first: dict[bytes, int] = {}
    roots: list[int] = []
    for node in sorted(range(count), key=dates.__getitem__):
        root = first.setdefault(subjects[node], node)
        (roots if root == node else children[root]).append(node)
    return Forest(count, roots, children)


def references(
    identifiers: Sequence[int | None],
    ancestors: Sequence[Sequence[int]],
    subjects: Sequence[bytes],
    replies: Sequence[bool],
    dates: Sequence[int],
) -> Forest:
    """The REFERENCES algorithm, whose six steps the functions below are.

    `identifiers` and `ancestors` (oldest first) stand for Message IDs, equal numbers for equal ones; `subjects` are
    base subjects, prepared for comparison; `replies` says where the subject marks a reply or a forwarded message.
    """
    forest = _linked(identifiers, ancestors)
    _prune(forest)
    order = _Order(forest, dates)
    for root in forest.roots:
        if forest.is_dummy(root):
            order.sort(forest.children[root])
    order.sort(forest.roots)
    _merge_subjects(forest, subjects, replies)
    for node in range(len(forest.children)):
        order.sort(forest.children[node])
    order.sort(forest.roots)
    return forest


def _linked(identifiers: Sequence[int | None], ancestors: Sequence[Sequence[int]]) -> Forest:
    """Steps 1 and 2: parents by references, and those without one as the roots."""
    count = len(identifiers)
    nodes: dict[int, int] = {}
    for node, identifier in enumerate(identifiers):
        if identifier is not None:
            nodes.setdefault(identifier, node)  # the first message keeps an identifier that several have
    parents = _Parents(count)
    for node in range(count):
        last = _NONE
        for identifier in ancestors[node]:
            if (ancestor := nodes.get(identifier, _NONE)) == _NONE:
                ancestor = nodes[identifier] = parents.add()
            if last != _NONE and parents.of[ancestor] == _NONE:
                parents.link(last, ancestor)
            last = ancestor
        if parents.of[node] not in (_NONE, last):
            parents.cut(node)
        if last != _NONE and parents.of[node] == _NONE:
            parents.link(last, node)
    children: list[list[int]] = [[] for _ in parents.of]
    roots: list[int] = []
    for node, parent in enumerate(parents.of):
        (roots if parent == _NONE else children[parent]).append(node)
    return Forest(count, roots, children)


class _Parents:
    """Who is whose parent, without loops."""

    def __init__(self, count: int) -> None:
        self.of = [_NONE] * count
        self._children = [0] * count

    def add(self) -> int:
        """A message that is not there."""
        self.of.append(_NONE)
        self._children.append(0)
        return len(self.of) - 1

    def link(self, parent: int, child: int) -> None:
        """Make a parent of a message that has none, unless it is the message itself or descends from it."""
        if parent != child and not (self._children[child] and self._descends(parent, child)):
            self.of[child] = parent
            self._children[parent] += 1

    def cut(self, child: int) -> None:
        """Take a message from its parent."""
        self._children[self.of[child]] -= 1
        self.of[child] = _NONE

    def _descends(self, node: int, ancestor: int) -> bool:
        for _ in range(FARTHEST):
            node = self.of[node]
            if node == _NONE:
                return False
            if node == ancestor:
                return True
        return True


def _prune(forest: Forest) -> None:
    """Step 3: take out what is not there; its children move up, but several not to the top."""
    children = forest.children
    for node in reversed(_downwards(forest)):
        if any(map(forest.is_dummy, children[node])):
            kept: list[int] = []
            for child in children[node]:
                if forest.is_dummy(child):
                    kept += children[child]
                else:
                    kept.append(child)
            children[node] = kept
    roots: list[int] = []
    for root in forest.roots:
        if forest.is_dummy(root) and len(children[root]) < 2:
            roots += children[root]
        else:
            roots.append(root)
    forest.roots = roots


def _downwards(forest: Forest) -> list[int]:
    """Every number, parents before their children."""
    found = list(forest.roots)
    for node in found:
        found += forest.children[node]
    return found


class _Order:
    """Siblings by sent date, and by number where that is equal ([RFC5256] 2.2)."""

    def __init__(self, forest: Forest, dates: Sequence[int]) -> None:
        self._forest = forest
        self._dates = dates

    def sort(self, siblings: list[int]) -> None:
        """Sort siblings; for what is not there stands its first child, which is sorted already."""
        if len(siblings) > 1:
            siblings.sort(key=self._key)

    def _key(self, node: int) -> tuple[int, int]:
        if self._forest.is_dummy(node):
            node = self._forest.children[node][0]
        return self._dates[node], node


def _merge_subjects(forest: Forest, subjects: Sequence[bytes], replies: Sequence[bool]) -> None:
    """Step 5: join the threads that have the same subject."""
    children, is_dummy = forest.children, forest.is_dummy

    def subject(node: int) -> bytes:
        return subjects[children[node][0] if is_dummy(node) else node]

    table: dict[bytes, int] = {}
    for node in forest.roots:
        if not (text := subject(node)):
            continue
        other = table.setdefault(text, node)
        # A message that is there gives way to one that is not, and a reply to what is none.
        if not is_dummy(other) and (is_dummy(node) or (replies[other] and not replies[node])):
            table[text] = node
    roots: dict[int, None] = dict.fromkeys(forest.roots)
    for node in forest.roots:
        text = subject(node)
        if not text or (other := table[text]) == node or node not in roots:
            continue
        if is_dummy(other):
            children[other] += children[node] if is_dummy(node) else [node]
        elif replies[node] and not replies[other]:
            children[other].append(node)
        else:
            children.append([other, node])
            table[text] = len(children) - 1
            roots[table[text]] = None
            del roots[other]
        del roots[node]
    forest.roots = list(roots)
