"""The base subject, by which messages are sorted and threaded ([RFC5256] 2.1)."""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANKS = re.compile(" {2,}")
# The ABNF of [RFC5256] 5, where WSP is a blank by now.
_BLOBS = re.compile(r"(?>(?:\[[^\[\]]*+\] *+)+)")
_BLOB = re.compile(r"\[[^\[\]]*+\] *+")
_REFWD = re.compile(r"(?:re|fwd?) *+(?>(?:\[[^\[\]]*+\] *+)?):", re.ASCII | re.IGNORECASE)
_FORWARD_HEADER = "[fwd:"
_FORWARD_TRAILER = "(fwd)"


class BaseSubject(NamedTuple):
    """A subject without what replying and forwarding put around it."""

    text: str
    reply: bool
    """The marks of a reply or a forwarded message were taken off ([RFC5256] 3, REFERENCES)."""


def base_subject(subject: str) -> BaseSubject:
    """Extract the base subject of a decoded, unfolded subject ([RFC5256] 2.1).

    Linear in the subject: what is left is a span of it that only grows shorter.
    """
    text = _BLANKS.sub(" ", subject.replace("\t", " "))
    start, end, reply = 0, len(text), False
    while True:
        end, cut = _without_trailers(text, start, end)
        start, marked = _without_leaders(text, start, end)
        reply = reply or cut or marked
        # Step 6.
        head = text[start : start + len(_FORWARD_HEADER)]
        if end - start <= len(_FORWARD_HEADER) or head.lower() != _FORWARD_HEADER or text[end - 1] != "]":
            return BaseSubject(text[start:end], reply)
        start, end, reply = start + len(_FORWARD_HEADER), end - 1, True


def _without_trailers(text: str, start: int, end: int) -> tuple[int, bool]:
    """Step 2: where the text ends without trailing blanks and `(fwd)`, and whether there was one of these."""
    forwarded = False
    while end > start:
        if text[end - 1] == " ":
            end -= 1
        elif text[max(start, end - len(_FORWARD_TRAILER)) : end].lower() == _FORWARD_TRAILER:
            end -= len(_FORWARD_TRAILER)
            forwarded = True
        else:
            break
    return end, forwarded


def _without_leaders(text: str, start: int, end: int) -> tuple[int, bool]:
    """Steps 3 to 5: where the text begins without `Re:`, blobs and the like, and whether there was a mark of a reply.

    `*subj-blob subj-refwd` can only match where the whole run of blobs is followed by a `Re:`; if it is not, the blobs
    go one by one as long as something stays behind them, which is all of them, or all but the last.
    """
    reply = False
    while start < end:
        if text[start] == " ":
            start += 1
            continue
        run = _BLOBS.match(text, start, end)
        after = start if run is None else run.end()
        mark = _REFWD.match(text, after, end)
        if mark is not None:
            start, reply = mark.end(), True
        elif run is None:
            break
        elif after < end:
            start = after
        else:
            return _last_blob(text, start, end), reply
    return start, reply


def _last_blob(text: str, start: int, end: int) -> int:
    """Where the last of the blobs begins that a span is made of."""
    while (match := _BLOB.match(text, start, end)) is not None and match.end() < end:
        start = match.end()
    return start
