"""How messages make threads: ORDEREDSUBJECT and REFERENCES ([RFC5256] 3, BASE.6.4.THREAD).

Both work on plain lists, one entry a message in mailbox order, and give a Forest. Nothing recurses, for a thread may be
as deep as the mailbox has messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.imap.commands.sorting import sort_stable

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
    children: dict[int, list[int]]
    """Of each number that has some; those of a message that is not there are siblings at the top of a thread."""

    def is_dummy(self, node: int) -> bool:
        """Whether it stands for a message that is not there."""
        return node >= self.messages


def ordered_subject(subjects: Sequence[bytes], dates: Sequence[int]) -> Forest:
    """Messages of one base subject are a thread: the first one, and all others as its children.

    `subjects` are prepared for comparison, `dates` are sent dates.
    """
    count = len(subjects)
    children: dict[int, list[int]] = {}
    first: dict[bytes, int] = {}
    roots: list[int] = []
    for node in _by_date(dates):
        root = first.setdefault(subjects[node], node)
        if root == node:
            roots.append(node)
        elif (siblings := children.get(root)) is None:
            children[root] = [node]
        else:
            siblings.append(node)
    return Forest(count, roots, children)


def references(
    identifiers: Sequence[int | None],
    ancestors: Iterable[Sequence[int]],
    replies: Sequence[bool],
    subjects: Sequence[bytes],
    dates: Sequence[int],
) -> Forest:
    """The REFERENCES algorithm, whose six steps the functions below are.

    `identifiers` and `ancestors` (oldest first) stand for Message IDs, equal numbers for equal ones; `subjects` are
    base subjects, prepared for comparison; `replies` says where the subject marks a reply or a forwarded message.
    """
    forest = _linked(identifiers, ancestors)
    _prune(forest)
    children = forest.children
    order = _Order(forest, dates)
    for root in forest.roots:
        if forest.is_dummy(root):
            order.sort(children[root])
            order.stand_in(root)
    order.sort(forest.roots)
    _merge_subjects(forest, subjects, replies)
    for siblings in children.values():
        order.sort(siblings)
    for root in forest.roots:
        if forest.is_dummy(root):
            order.stand_in(root)
    order.sort(forest.roots)
    return forest


def _by_date(dates: Sequence[int]) -> list[int]:
    """Every message, by sent date, and by number where that is equal ([RFC5256] 2.2)."""
    order = list(range(len(dates)))
    sort_stable(order, dates)
    return order


def _linked(identifiers: Sequence[int | None], ancestors: Iterable[Sequence[int]]) -> Forest:
    """Steps 1 and 2: parents by references, and those without one as the roots."""
    count = len(identifiers)
    nodes: dict[int, int] = {}
    for node, identifier in enumerate(identifiers):
        if identifier is not None:
            nodes.setdefault(identifier, node)  # the first message keeps an identifier that several have
    parents = _Parents(count)
    parent_of = parents.of
    for node, line in enumerate(ancestors):
        last = _NONE
        for identifier in line:
            ancestor = nodes.get(identifier, _NONE)
            if ancestor == _NONE:
                ancestor = nodes[identifier] = parents.add()
            if last != _NONE and parent_of[ancestor] == _NONE:
                parents.link(last, ancestor)
            last = ancestor
        if parent_of[node] != last:
            if parent_of[node] != _NONE:
                parents.cut(node)
            if last != _NONE:
                parents.link(last, node)
    children: dict[int, list[int]] = {}
    roots: list[int] = []
    for node, parent in enumerate(parent_of):
        if parent == _NONE:
            roots.append(node)
        elif (siblings := children.get(parent)) is None:
            children[parent] = [node]
        else:
            siblings.append(node)
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
    children, first = forest.children, forest.messages
    for node in reversed(_downwards(forest)):
        siblings = children[node]
        if max(siblings) >= first:
            kept: list[int] = []
            for child in siblings:
                if child >= first:
                    kept += children.pop(child, ())
                else:
                    kept.append(child)
            children[node] = kept
            if not kept:
                del children[node]
    roots: list[int] = []
    for root in forest.roots:
        if root >= first and len(children.get(root, ())) < 2:
            roots += children.pop(root, ())
        else:
            roots.append(root)
    forest.roots = roots


def _downwards(forest: Forest) -> list[int]:
    """Every number that has children, parents before their children."""
    children = forest.children
    found = [root for root in forest.roots if root in children]
    for node in found:
        found += [child for child in children[node] if child in children]
    return found


class _Order:
    """Siblings by sent date, and by number where that is equal ([RFC5256] 2.2)."""

    def __init__(self, forest: Forest, dates: Sequence[int]) -> None:
        self._forest = forest
        self._ranks = {node: rank for rank, node in enumerate(_by_date(dates))}

    def stand_in(self, dummy: int) -> None:
        """Have the first child stand for what is not there; the children are sorted already."""
        self._ranks[dummy] = self._ranks[self._forest.children[dummy][0]]

    def sort(self, siblings: list[int]) -> None:
        """Sort siblings."""
        if len(siblings) > 1:
            siblings.sort(key=self._ranks.__getitem__)


def _merge_subjects(forest: Forest, subjects: Sequence[bytes], replies: Sequence[bool]) -> None:
    """Step 5: join the threads that have the same subject."""
    children, first = forest.children, forest.messages
    number = max([first - 1, *children, *forest.roots]) + 1
    heads = [subjects[children[node][0] if node >= first else node] for node in forest.roots]
    table: dict[bytes, int] = {}
    for node, text in zip(forest.roots, heads, strict=True):
        if not text:
            continue
        other = table.setdefault(text, node)
        # A message that is there gives way to one that is not, and a reply to what is none.
        if other < first and (node >= first or (replies[other] and not replies[node])):
            table[text] = node
    roots: dict[int, None] = dict.fromkeys(forest.roots)
    for node, text in zip(forest.roots, heads, strict=True):
        if not text or (other := table[text]) == node or node not in roots:
            continue
        if other >= first:
            children[other] += children.pop(node) if node >= first else [node]
        elif replies[node] and not replies[other]:
            children.setdefault(other, []).append(node)
        else:
            children[number] = [other, node]
            table[text] = number
            roots[number] = None
            del roots[other]
            number += 1
        del roots[node]
    forest.roots = list(roots)
