"""Content: what rows name is there (invariant 1), and what is there is named (7)."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import bindparam, delete, exists, func, null, or_, select, update

from store import origins, previews
from store.engine import Statement, Work, insert_statement, one_of
from store.errors import Unavailable
from store.findings import Fault, Finding, Subject, some
from store.items import MIME_ONLY, ROLE_ATTACHMENT, ROLE_RAW
from store.mapi.bag import BagError, decode_attachments, decode_bag, decode_recipients
from store.schema import content, content_ref, item, origin, preview

_BACKUP = "Restore the mailbox from a backup; no repair brings it back."
_CHUNK = 256

_ITEMS = item.c.mailbox_id == bindparam("m")
_CONTENTS = content.c.mailbox_id == bindparam("m")
_REFS = content_ref.c.mailbox_id == bindparam("m")

_ABSENT = Statement(
    select(item.c.item_id)
    .where(
        _ITEMS,
        or_(
            item.c.raw.is_(None) & item.c.raw_id.is_(None),
            item.c.raw_id.is_not(None)
            & ~exists().where(_CONTENTS, content.c.content_id == item.c.raw_id, content.c.size == item.c.raw_len),
            item.c.raw.is_not(None) & (func.length(item.c.raw) != item.c.raw_len),
        ),
    )
    .order_by(item.c.item_id),
    "m",
)
_STORED = Statement(
    select(content.c.content_id, content.c.sha256, content.c.size, content.c.extern, func.length(content.c.data))
    .where(_CONTENTS)
    .order_by(content.c.content_id),
    "m",
)
_DATA = Statement(select(content.c.data).where(_CONTENTS, content.c.content_id == bindparam("c")), "m", "c")
_UNREFERRED = Statement(
    select(content.c.content_id, content.c.extern)
    .where(
        _CONTENTS,
        ~exists().where(_REFS, content_ref.c.content_id == content.c.content_id),
        ~content.c.content_id.in_(select(item.c.raw_id).where(_ITEMS, item.c.raw_id.is_not(None))),
    )
    .order_by(content.c.content_id),
    "m",
)
_UNSEEN = Statement(
    select(preview.c.item_id)
    .where(preview.c.mailbox_id == bindparam("m"), ~exists().where(_ITEMS, item.c.item_id == preview.c.item_id))
    .order_by(preview.c.item_id),
    "m",
)
_UNBORN = Statement(
    select(origin.c.item_id)
    .where(origin.c.mailbox_id == bindparam("m"), ~exists().where(_ITEMS, item.c.item_id == origin.c.item_id))
    .order_by(origin.c.item_id),
    "m",
)
_UNLISTED = Statement(
    select(item.c.item_id, item.c.raw_id)
    .where(
        _ITEMS,
        item.c.raw_id.is_not(None),
        ~exists().where(_REFS, content_ref.c.item_id == item.c.item_id, content_ref.c.content_id == item.c.raw_id),
    )
    .order_by(item.c.item_id),
    "m",
)
_DANGLING = Statement(
    select(content_ref.c.item_id, content_ref.c.content_id)
    .where(
        _REFS,
        or_(
            ~exists().where(_ITEMS, item.c.item_id == content_ref.c.item_id),
            ~exists().where(_CONTENTS, content.c.content_id == content_ref.c.content_id),
        ),
    )
    .order_by(content_ref.c.item_id),
    "m",
)
_ADD_REF = insert_statement(content_ref, "mailbox_id", "item_id", "content_id", "role")
_DROP_REF = Statement(
    delete(content_ref).where(
        _REFS, content_ref.c.item_id == bindparam("i"), content_ref.c.content_id == bindparam("c")
    ),
    "m",
    "i",
    "c",
)
_DROP = Statement(delete(content).where(_CONTENTS, one_of(content.c.content_id, "c")), "m", "c")
_NUMBERS = Statement(select(item.c.item_id).where(_ITEMS).order_by(item.c.item_id), "m")
_BAGS = Statement(
    select(item.c.item_id, item.c.props, item.c.recips, item.c.atts).where(
        _ITEMS, one_of(item.c.item_id, "i"), item.c.mime_state != bindparam("state", MIME_ONLY)
    ),
    "m",
    "i",
)

_FORGET = Statement(
    update(item)
    .where(_ITEMS, one_of(item.c.item_id, "i"))
    .values(props=bindparam("nothing"), recips=null(), atts=null(), mime_state=bindparam("state", MIME_ONLY)),
    "m",
    "i",
    "nothing",
)
# Octets that nothing refers to any more are for `strays`, at the next check.
_FORGET_ATTACHMENTS = Statement(
    delete(content_ref).where(_REFS, one_of(content_ref.c.item_id, "i"), content_ref.c.role >= ROLE_ATTACHMENT),
    "m",
    "i",
)


def missing(subject: Subject) -> Iterator[Fault]:
    """Look for items whose MIME is not there, or not whole (1)."""
    items = [row[0] for row in subject.db.all(_ABSENT, (subject.db.mailbox_id,))]
    if items:
        yield Fault(
            Finding(
                "content-missing", 1, f"the MIME of these items is missing or cut: {some(items)}", _BACKUP, lossy=True
            )
        )


def files(subject: Subject) -> Iterator[Fault]:
    """Look for content whose octets are not there, or are not those that the digest says (1)."""
    db, blobs = subject.db, subject.blobs
    for number, digest, size, extern, length in db.all(_STORED, (db.mailbox_id,)):
        problem = ""
        if extern is not None:
            problem = _file_problem(subject, extern, bytes(digest), size)
        elif length is None:
            problem = "has neither octets nor a file"
        elif length != size:
            problem = f"has {length} octets instead of {size}"
        elif subject.thorough:
            row = db.one(_DATA, (db.mailbox_id, number))
            if row is not None and sha256(bytes(row[0])).digest() != bytes(digest):
                problem = "has other octets than its digest says"
        if problem:
            where = "" if extern is None else f" (file {extern})"
            yield Fault(Finding("content-damaged", 1, f"content {number}{where} {problem}", _BACKUP, lossy=True))
    known = {row[3] for row in db.all(_STORED, (db.mailbox_id,)) if row[3] is not None}
    orphans = blobs.orphans(known)
    if orphans:
        yield Fault(
            Finding(
                "file-without-row",
                7,
                f"{len(orphans)} content files belong to no row: {', '.join(orphans[:3])}",
                "A crash can leave such files; a repair removes those older than a day.",
            ),
            lambda work: work.after_commit(lambda: blobs.remove(orphans)),
        )


def _file_problem(subject: Subject, extern: str, digest: bytes, size: int) -> str:
    try:
        if not subject.thorough:
            # One octet at the end tells the length, and that the file can be read.
            return "" if len(subject.blobs.get(extern, size - 1, 2)) == 1 else "is not as long as it should be"
        data = subject.blobs.get(extern)
    except Unavailable:
        return "cannot be read"
    return "" if len(data) == size and sha256(data).digest() == digest else "has other octets than its digest says"


def references(subject: Subject) -> Iterator[Fault]:
    """Look for items whose content lacks the reference that keeps it, and for references to nothing (7)."""
    db = subject.db
    unlisted = db.all(_UNLISTED, (db.mailbox_id,))
    if unlisted:
        yield Fault(
            Finding(
                "reference-missing",
                7,
                f"the content of these items has no reference: {some([row[0] for row in unlisted])}",
                "A repair adds the references.",
            ),
            lambda work: work.many(_ADD_REF, [(work.mailbox_id, *row, ROLE_RAW) for row in unlisted]),
        )
    dangling = db.all(_DANGLING, (db.mailbox_id,))
    if dangling:
        yield Fault(
            Finding(
                "reference-dangling",
                7,
                f"references lead from or to nothing: items {some([row[0] for row in dangling])}",
                "A repair removes them.",
            ),
            lambda work: work.many(_DROP_REF, [(work.mailbox_id, *row) for row in dangling]),
        )


def strays(subject: Subject) -> Iterator[Fault]:
    """Look for content that nothing refers to (7)."""
    rows = subject.db.all(_UNREFERRED, (subject.db.mailbox_id,))
    if not rows:
        return
    numbers = [row[0] for row in rows]
    names = [row[1] for row in rows if row[1] is not None]

    def drop(work: Work) -> None:
        work.run(_DROP, (work.mailbox_id, work.array(numbers)))
        work.after_commit(lambda: subject.blobs.remove(names))

    yield Fault(
        Finding(
            "content-unreferred",
            7,
            f"no item refers to these contents: {some(numbers)}",
            "A repair removes them: they belonged to messages that were deleted.",
        ),
        drop,
    )


def leftover_previews(subject: Subject) -> Iterator[Fault]:
    """Look for previews of items that are gone."""
    numbers = [row[0] for row in subject.db.all(_UNSEEN, (subject.db.mailbox_id,))]
    if numbers:
        yield Fault(
            Finding(
                "previews-left",
                0,
                f"there are previews of items that are gone: {some(numbers)}",
                "A repair removes them.",
            ),
            lambda work: previews.forget(work, numbers),
        )


def leftover_origins(subject: Subject) -> Iterator[Fault]:
    """Look for names of items that are gone."""
    numbers = [row[0] for row in subject.db.all(_UNBORN, (subject.db.mailbox_id,))]
    if numbers:
        yield Fault(
            Finding(
                "origins-left", 0, f"there are names of items that are gone: {some(numbers)}", "A repair removes them."
            ),
            lambda work: origins.forget(work, numbers),
        )


def bags(subject: Subject) -> Iterator[Fault]:
    """Decode all properties, recipients and attachments. Only in a thorough check."""
    if not subject.thorough:
        return
    db = subject.db
    numbers = [row[0] for row in db.all(_NUMBERS, (db.mailbox_id,))]
    wrong: list[int] = []
    for start in range(0, len(numbers), _CHUNK):
        for number, props, recipients, attachments in db.all(
            _BAGS, (db.mailbox_id, db.array(numbers[start : start + _CHUNK]))
        ):
            try:
                decode_bag(bytes(props))
                if recipients is not None:
                    decode_recipients(bytes(recipients))
                if attachments is not None:
                    decode_attachments(bytes(attachments))
            except BagError:
                wrong.append(number)
    if wrong:

        def forget(work: Work) -> None:
            work.run(_FORGET, (work.mailbox_id, work.array(wrong), b""))
            work.run(_FORGET_ATTACHMENTS, (work.mailbox_id, work.array(wrong)))

        yield Fault(
            Finding(
                "properties-damaged",
                0,
                f"the properties of these items cannot be read: {some(wrong)}",
                "Their MIME is not touched by this: a repair has the properties made from it anew.",
            ),
            forget,
        )
