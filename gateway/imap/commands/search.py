"""SEARCH and UID SEARCH ([RFC3501] 6.4.4, [RFC3501] 6.4.8, [RFC7162] 3.1.5).

The keys become one restriction (docs/architecture.md, decision 12); what is the session's own knowledge, message
numbers and \\Recent, becomes UIDs first. A search that reads texts runs in a thread, so that other connections go on.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence

from conversion.mime.text import MimeText
from gateway.imap.errors import Reply, ok
from gateway.imap.flags import flag_bit
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from gateway.imap.protocol import writer
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from store.mapi import restriction as r

INLINE_MESSAGES = 20_000
"""Messages of a folder up to which a search by flags alone is done without a thread."""
_DAY = 86_400
_EPOCH = dt.date(1970, 1, 1).toordinal()
_NEVER = r.Or(())
_FIELDS = {"FROM": "From", "TO": "To", "CC": "Cc", "BCC": "Bcc", "SUBJECT": "Subject"}


async def search(session: Session, args: st.Search) -> Reply:
    """SEARCH: one untagged SEARCH, also when nothing was found ([RFC3501] 7.2.5)."""
    selected = session.folder_selected
    if args.modseq:
        session.enable_condstore()
    names = await session.read(session.mailbox.keyword_names)
    wanted = _Builder(selected, {name.casefold(): bit for bit, name in names.items()}).build(args.key)
    reads_text = any(isinstance(part, (r.MimeHeader, r.MimeText)) for part, _ in r.walk(wanted))
    call = session.read
    if reads_text or len(selected.view) > INLINE_MESSAGES:
        call = session.services.runner.run
    found = await call(session.mailbox.find, selected.folder_id, wanted, text=MimeText)
    modseq = None
    if args.modseq and found:
        index = await session.read(session.mailbox.index, selected.folder_id)
        modseq = max((index.modseqs[place] for uid in found if (place := index.position(uid)) >= 0), default=None)
    session.send(writer.search_line(_numbers(selected, found, uid=args.uid), modseq))
    code = b"" if args.uid or not await _has_gone(session, selected) else b"EXPUNGEISSUED"
    return ok(b"SEARCH completed.", code)


async def _has_gone(session: Session, selected: Selected) -> bool:
    """Whether messages that the session still counts have been expunged: then no search finds them ([RFC5530] 3)."""
    uids = selected.view.uids
    if not uids:
        return False
    # Not session.index(), which may be older than what the search has found.
    index = await session.read(session.mailbox.index, selected.folder_id)
    return bisect_right(index.uids, uids[-1]) < len(uids)


def _numbers(selected: Selected, found: Sequence[int], *, uid: bool) -> list[int]:
    """Of the UIDs found those that the session knows, as UIDs or as message numbers."""
    uids = selected.view.uids
    known = found[: bisect_right(found, uids[-1])] if uids else []
    if uid:
        return list(known)
    if len(known) * 8 < len(uids):
        sequence = selected.view.sequence
        return [number for number in map(sequence, known) if number]
    wanted = set(known)
    return [number for number, each in enumerate(uids, 1) if each in wanted]


class _Builder:
    """Turns search keys into a restriction, for one folder as one session sees it."""

    def __init__(self, selected: Selected, keywords: dict[str, int]) -> None:
        self._selected = selected
        self._keywords = keywords

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
                return self._uids(messages, uid=False)
            case st.UidKey(messages):
                return self._uids(messages, uid=True)
            case st.FlagKey(flag, present):
                return self._flag(flag, present)
            case st.RecentKey(present):
                recent = r.UidIn(tuple((first, end - 1) for first, end in self._selected.recent))
                return recent if present else r.Not(recent)
            case _:
                return _content(key)

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

    def _uids(self, messages: t.SequenceSet, *, uid: bool) -> r.Restriction:
        view = self._selected.view
        ranges = view.select(messages, uid=uid)
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


def _content(key: st.SearchKey) -> r.Restriction:
    """Keys about the message alone."""
    match key:
        case st.DateKey():
            return _date(key)
        case st.EnvelopeKey(field, value):
            # An empty string is contained in every field, whether it is there or not.
            return r.MimeHeader(_FIELDS[field], value, field != "SUBJECT") if value else r.And(())
        case st.HeaderKey(name, value):
            return r.MimeHeader(name, value)
        case st.TextKey(value, headers):
            return r.MimeText(value, headers) if value else r.And(())
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
