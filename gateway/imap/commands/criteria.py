"""Search keys as a restriction of the store, for one folder as one session sees it ([RFC3501] 6.4.4).

What is the session's own knowledge, message numbers, `$` and \\Recent, becomes UIDs (docs/decisions/0012).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence

from gateway.imap.collation import Comparator
from gateway.imap.commands import lookups
from gateway.imap.errors import bad
from gateway.imap.flags import flag_bit
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from gateway.imap.view import FolderView
from store.mapi import restriction as r

_DAY = 86_400
_EPOCH = dt.date(1970, 1, 1).toordinal()
_NEVER = r.Or(())
_FIELDS = {"FROM": "From", "TO": "To", "CC": "Cc", "BCC": "Bcc", "SUBJECT": "Subject"}


async def restriction(
    session: Session,
    folder: Selected,
    key: st.SearchKey,
    *,
    lenient: bool = False,
    comparator: Comparator | None = None,
    last: int | None = None,
) -> r.Restriction:
    """The restriction that says the same as a search key does in a folder, by the session's comparator.

    Raises BadNumber for a message number that does not exist; `lenient`: it names nothing. Refusal BAD for a number
    where the session has none ([RFC9586] 3). `last` is the UID that `*` stands for, if not the last of the view.
    """
    key = await lookups.looked_up(session, folder, key)
    names = await session.read(folder.mailbox.keyword_names)
    builder = _Builder(
        folder,
        {name.casefold(): bit for bit, name in names.items()},
        lenient=lenient,
        uidonly=session.uidonly,
        collation=(comparator or session.comparator).name,
        last=last,
    )
    return builder.build(key)


def frozen(view: FolderView, key: st.SearchKey) -> st.SearchKey:
    """The key with UIDs for message numbers and for `$`, so that it asks for the same messages for ever."""
    match key:
        case st.And(keys):
            return st.And(tuple([frozen(view, each) for each in keys]))
        case st.Or(left, right):
            return st.Or(frozen(view, left), frozen(view, right))
        case st.Not(inner):
            return st.Not(frozen(view, inner))
        case st.SequenceKey(messages):
            return _as_uids(view, messages if messages == t.SAVED else _within(messages, len(view)))
        case st.UidKey(t.SAVED):
            return _as_uids(view, t.SAVED)
        case _:
            return key


def _as_uids(view: FolderView, messages: t.SequenceSet) -> st.SearchKey:
    ranges = view.select(messages, uid=False) if messages.ranges or messages is t.SAVED else []
    if not ranges:
        return st.Not(st.All())
    return st.UidKey(t.SequenceSet(tuple((view.uids[start], view.uids[stop - 1]) for start, stop in ranges)))


def moves_on(key: st.SearchKey) -> bool:
    """Whether what a key says of a message changes although the message does not: with time, or as others come."""
    match key:
        case st.And(keys):
            return any(map(moves_on, keys))
        case st.Or(left, right):
            return moves_on(left) or moves_on(right)
        case st.Not(inner):
            return moves_on(inner)
        case st.UidKey(messages):
            return any(t.STAR in pair for pair in messages.ranges)
        case _:
            return isinstance(key, st.AgeKey)


def reads_text(wanted: r.Restriction) -> bool:
    """Whether the headers or texts of messages are read to answer it."""
    return any(isinstance(part, (r.MimeHeader, r.MimeText)) for part, _ in r.walk(wanted))


class _Builder:
    """Turns search keys into a restriction."""

    def __init__(
        self,
        selected: Selected,
        keywords: Mapping[str, int],
        *,
        lenient: bool,
        uidonly: bool,
        collation: str,
        last: int | None,
    ) -> None:
        self._selected = selected
        self._collation = collation
        self._keywords = keywords
        self._lenient = lenient
        self._uidonly = uidonly
        uids = selected.view.uids
        self._last = last if last is not None else uids[-1] if uids else 0

    def build(self, key: st.SearchKey) -> r.Restriction:
        """The restriction that says the same. Raises BadNumber for a message number that does not exist."""
        match key:
            case st.And(keys):
                return r.And(tuple(self._joined(keys)))
            case st.Or(left, right):
                return r.Or((self.build(left), self.build(right)))
            case st.Not(inner):
                return r.Not(self.build(inner))
            case st.All():
                return r.And(())
            case st.SequenceKey(messages):
                return self._numbered(messages)
            case st.UidKey(messages):
                return self._listed(messages) if messages == t.SAVED else r.UidIn(uid_ranges(messages, self._last))
            case st.FlagKey(flag, present):
                return self._flag(flag, present)
            case st.RecentKey(present):
                recent = r.UidIn(tuple((first, end - 1) for first, end in self._selected.recent))
                return recent if present else r.Not(recent)
            case _:
                return _content(key, self._collation)

    def _joined(self, keys: Sequence[st.SearchKey]) -> list[r.Restriction]:
        parts: list[r.Restriction] = []
        for key in keys:
            part = self.build(key)
            # Nesting counts against a limit of the store; an And in an And needs none.
            if isinstance(part, r.And):
                parts += part.parts
            else:
                parts.append(part)
        return parts

    def _numbered(self, messages: t.SequenceSet) -> r.Restriction:
        if self._uidonly and messages != t.SAVED:
            raise bad(b"Message numbers are not in use.", b"UIDREQUIRED")
        if self._lenient and messages != t.SAVED:
            messages = _within(messages, len(self._selected.view))
            if not messages.ranges:
                return _NEVER
        return self._listed(messages)

    def _listed(self, messages: t.SequenceSet) -> r.Restriction:
        view = self._selected.view
        ranges = view.select(messages, uid=False)
        if ranges == [(0, len(view))]:
            return r.And(())
        return r.UidIn(tuple((view.uids[start], view.uids[stop - 1]) for start, stop in ranges))

    def _flag(self, flag: str, present: bool) -> r.Restriction:
        bit = flag_bit(flag)
        if bit:
            return r.Bitmask(r.TagPlacementFlags, bit, not present)
        keyword = self._keywords.get(flag.casefold())
        if keyword is None:
            return _NEVER if present else r.And(())
        return r.Bitmask(r.TagPlacementKeywords, 1 << keyword, not present)


def uid_ranges(messages: t.SequenceSet, last: int) -> tuple[tuple[int, int], ...]:
    """The UIDs that a set names, as ascending and disjoint ranges; `last` is the largest there is, 0 for none.

    UIDs that are not there, or not there yet, are in the ranges as well ([RFC3501] 6.4.8).
    """
    ranges: list[tuple[int, int]] = []
    for low, high in sorted(tuple(sorted((first or last, second or last))) for first, second in messages.ranges):
        if ranges and low <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(high, ranges[-1][1]))
        elif high:
            ranges.append((max(low, 1), high))
    return tuple(ranges)


def _within(messages: t.SequenceSet, largest: int) -> t.SequenceSet:
    """Cut a set of message numbers to those that there are."""
    kept: list[tuple[int, int]] = []
    for first, second in messages.ranges:
        low, high = sorted((first or largest, second or largest))
        if low <= largest:
            kept.append((low, min(high, largest)))
    return t.SequenceSet(tuple(pair for pair in kept if pair[1]))


def _content(key: st.SearchKey, collation: str) -> r.Restriction:
    """Keys about the message alone; texts compare by the collation ([RFC5255] 4.2)."""
    match key:
        case st.DateKey():
            return _date(key)
        case st.AgeKey(seconds, older):
            # [RFC5032] 2: both take in the very second.
            relation = r.RelOp.LESS_OR_EQUAL if older else r.RelOp.GREATER_OR_EQUAL
            return r.Property(relation, r.TagInternalDate, int(time.time()) - seconds)
        case st.EnvelopeKey(field, value):
            # An empty string is contained in every field, whether it is there or not.
            return r.MimeHeader(_FIELDS[field], value, field != "SUBJECT", collation) if value else r.And(())
        case st.HeaderKey(name, value):
            return r.MimeHeader(name, value, collation=collation)
        case st.TextKey(value, headers):
            return r.MimeText(value, headers, collation) if value else r.And(())
        case st.SizeKey(size, larger):
            return r.Property(r.RelOp.GREATER if larger else r.RelOp.LESS, r.TagMimeSize, size)
        case st.ModSeqKey(modseq):
            return r.Property(r.RelOp.GREATER_OR_EQUAL, r.TagModseq, modseq)
        case _:
            raise AssertionError(f"no restriction for {key!r}")


def _date(key: st.DateKey) -> r.Restriction:
    """Whole days: of the internal date in UTC, as it is shown, or of the Date: field as written ([RFC3501] 6.4.4)."""
    day = key.date.toordinal() - _EPOCH
    tag, first, after = (r.TagSentDate, day, day + 1) if key.sent else (r.TagInternalDate, day * _DAY, (day + 1) * _DAY)
    since = r.Property(r.RelOp.GREATER_OR_EQUAL, tag, first)
    before = r.Property(r.RelOp.LESS, tag, first)
    match key.relation:
        case st.DateRelation.BEFORE:
            return before
        case st.DateRelation.SINCE:
            return since
        case st.DateRelation.ON:
            return r.And((since, r.Property(r.RelOp.LESS, tag, after)))
