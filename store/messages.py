"""Messages: delivery, and reading what IMAP, POP3 and later front ends ask of them.

A delivery is four statements in one transaction: the mailbox row hands out the numbers (and is the lock), the folder
row the UID, and the item and its placement are written. Reading many messages is one query for each chunk of them,
never one a message.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, bindparam, case, select, update

from store import attachments, changelog, folders, items, keywords, namedprops, quota
from store.blob import BlobStore
from store.changelog import IN_FOLDER, MESSAGE_COLUMNS
from store.changes import MessageRow
from store.engine import Reader, Row, Shard, Statement, Work, insert_statement, one_of
from store.errors import Conflict, NotFound, TooLarge, Unavailable
from store.foldertree import KIND_GENERIC, KIND_ROOT
from store.ids import SYSTEM_FLAGS, MessageFlag
from store.mapi.bag import decode_bag, decode_recipients
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.types import FILETIME_UNIX_EPOCH, PropertyBag, PropertyKey, Value
from store.readagain import Run
from store.schema import folder, item, message

UID_LIMIT = 1 << 32
CHUNK = 512
"""Messages read by one query of an iterator."""
_RAW_CHUNK = 64

_SEEN = int(MessageFlag.SEEN)
_DELETED = int(MessageFlag.DELETED)
_EVER_READ = int(MessageFlag.EVER_READ)
_HAS_ATTACHMENT = int(MessageFlag.HAS_ATTACHMENT)
_CLIENT = int(SYSTEM_FLAGS)

_ENTER_FOLDER = Statement(
    update(folder)
    .where(
        folder.c.mailbox_id == bindparam("m"),
        folder.c.folder_id == bindparam("f"),
        folder.c.kind.in_([bindparam("k0", KIND_ROOT), bindparam("k1", KIND_GENERIC)]),
    )
    .values(
        uidnext=folder.c.uidnext + bindparam("count"),
        total=folder.c.total + bindparam("count"),
        unread=folder.c.unread + bindparam("unseen"),
        marked_deleted=folder.c.marked_deleted + bindparam("marked"),
        size=folder.c.size + bindparam("octets"),
        modseq=bindparam("last_cn"),
        local_commit_time=bindparam("at"),
        # Who claims what is \\Recent claims what comes in, too, when nothing else is: store.folders.claim_recent.
        recent_uid=case(
            (folder.c.recent_uid == folder.c.uidnext, folder.c.recent_uid + bindparam("claimed")),
            else_=folder.c.recent_uid,
        ),
    )
    .returning(folder.c.uidnext - bindparam("count"), folder.c.uidvalidity, folder.c.recent_uid),
    "m",
    "f",
    "count",
    "unseen",
    "marked",
    "octets",
    "last_cn",
    "at",
    "claimed",
)
PLACEMENT_COLUMNS = (
    "mailbox_id",
    "folder_id",
    "assoc",
    "uid",
    "mid",
    "item_id",
    "modseq",
    "cn",
    "read_cn",
    "flags",
    "kw",
    "idate",
    "size",
    "mtime",
    "ctime",
    "mstatus",
    "save_modseq",
)
_ADD = insert_statement(message, *PLACEMENT_COLUMNS)

_ROWS = Statement(select(*MESSAGE_COLUMNS).where(*IN_FOLDER).order_by(message.c.uid), "m", "f")
_ROWS_CHOSEN = (
    Statement(
        select(*MESSAGE_COLUMNS)
        .where(*IN_FOLDER, message.c.uid.between(bindparam("first"), bindparam("last")))
        .order_by(message.c.uid),
        "m",
        "f",
        "first",
        "last",
    ),
    Statement(
        select(*MESSAGE_COLUMNS).where(*IN_FOLDER, one_of(message.c.uid, "uids")).order_by(message.c.uid),
        "m",
        "f",
        "uids",
    ),
)
_JOINED = message.join(item, (item.c.mailbox_id == message.c.mailbox_id) & (item.c.item_id == message.c.item_id))


def _pair(*columns: ColumnElement[Any]) -> tuple[Statement, Statement]:
    """Make the statements that read columns of messages and their items, for a range of UIDs and for a list of them."""
    query = select(*columns).select_from(_JOINED).where(*IN_FOLDER).order_by(message.c.uid)
    return (
        Statement(query.where(message.c.uid.between(bindparam("first"), bindparam("last"))), "m", "f", "first", "last"),
        Statement(query.where(one_of(message.c.uid, "uids")), "m", "f", "uids"),
    )


_STATICS = _pair(
    message.c.uid, item.c.item_id, item.c.envelope, item.c.bodystructure, item.c.common_header, item.c.raw_len
)
_METADATA = _pair(message.c.uid, item.c.envelope, item.c.bodystructure)
_METADATA_OF_ITEMS = Statement(
    select(item.c.envelope, item.c.bodystructure)
    .where(item.c.mailbox_id == bindparam("m"), item.c.item_id.between(bindparam("first"), bindparam("last")))
    .order_by(item.c.item_id),
    "m",
    "first",
    "last",
)
_SAVE_DATES = _pair(message.c.uid, message.c.ctime)
_HEADERS = _pair(message.c.uid, item.c.common_header)
_RAWS = _pair(message.c.uid, item.c.item_id, item.c.raw, item.c.parts, item.c.raw_id)
_PARTS = Statement(
    select(item.c.parts).where(item.c.mailbox_id == bindparam("m"), item.c.item_id == bindparam("i")), "m", "i"
)
_BY_MID = Statement(
    select(item.c.item_id, item.c.props, item.c.recips, item.c.atts)
    .select_from(_JOINED)
    .where(message.c.mailbox_id == bindparam("m"), message.c.mid == bindparam("mid")),
    "m",
    "mid",
)


class StaticRow(NamedTuple):
    """What never changes of a message and IMAP shows most; the octets are ready for the wire."""

    uid: int
    item_id: int
    envelope: bytes
    bodystructure: bytes
    common_header: bytes
    size: int


def deliver(
    shard: Shard,
    blobs: BlobStore,
    folder_id: int,
    content: MessageContent | None,
    mime: MimeRendition,
    *,
    flags: int = 0,
    names: Iterable[str] = (),
    internal_date: int | None = None,
    max_message: int,
) -> MessageRow:
    """Write a message into a folder and return its row ([RFC3501] 6.3.11).

    Without `content` only the MIME is written; the properties are made when they are first asked for.

    Raises NotFound (no such folder, or only its name), TooLarge (message, keywords), QuotaExceeded, Unavailable.
    """
    size = len(mime.raw)
    if size > max_message:
        raise TooLarge(f"{size} octets; at most {max_message} are taken")
    prepared = items.prepare(blobs, mime.raw)
    one = (mime, flags, tuple(names), internal_date)
    written = False
    try:
        with shard.write() as work:
            row = _deliver(work, blobs, folder_id, (one,), (prepared,), content).rows[0]
            written = True
            return row
    except BaseException:
        if not written:  # else COMMIT failed: it may have been done, and only its answer been lost
            _discard(blobs, (prepared,))
        raise


def _discard(blobs: BlobStore, made: Iterable[items.Prepared | None]) -> None:
    """Remove the files of messages that were not written. Where that is uncertain, BlobStore.orphans finds them."""
    blobs.remove([one.key for one in made if one is not None and one.key is not None])


class Delivery(NamedTuple):
    """A message to be written with others: what `deliver` takes one by one."""

    mime: MimeRendition
    flags: int = 0
    keywords: tuple[str, ...] = ()
    internal_date: int | None = None


class Arrived(NamedTuple):
    """Messages that were written together."""

    rows: list[MessageRow]
    recent_from: int
    """The UID from which messages are \\Recent for who has claimed them, 0 for nobody."""
    next_to: bool
    """Whether nothing had happened in the folder since the mod-sequence that was named."""
    uidvalidity: int


def deliver_all(
    shard: Shard,
    blobs: BlobStore,
    folder_id: int,
    deliveries: Sequence[Delivery],
    *,
    claim: bool = False,
    known: int | None = None,
    hierarchy: int | None = None,
    max_message: int,
) -> Arrived:
    """Write messages, at least one, into a folder, all of them or none ([RFC3502] 6.3.11).

    With `claim` what is \\Recent in the folder now is the caller's, as with `store.folders.claim_recent`. `known` is a
    mod-sequence of the folder, `hierarchy` the version of the tree in which it was found. Raises what `deliver` does,
    and Conflict where that is another now.
    """
    made: list[items.Prepared | None] = []
    written = False
    try:
        for one in deliveries:
            if len(one.mime.raw) > max_message:
                raise TooLarge(f"{len(one.mime.raw)} octets; at most {max_message} are taken")
            made.append(items.prepare(blobs, one.mime.raw))
        with shard.write() as work:
            arrived = _deliver(
                work, blobs, folder_id, deliveries, made, None, claim=claim, known=known, hierarchy=hierarchy
            )
            if claim and not arrived.recent_from:
                arrived = arrived._replace(recent_from=folders.claim_recent(shard, folder_id))
            written = True
            return arrived
    except BaseException:
        if not written:  # else COMMIT failed, as above
            _discard(blobs, made)
        raise


def _deliver(
    work: Work,
    blobs: BlobStore,
    folder_id: int,
    deliveries: Sequence[tuple[MimeRendition, int, tuple[str, ...], int | None]],
    made: Sequence[items.Prepared | None],
    content: MessageContent | None,
    *,
    claim: bool = False,
    known: int | None = None,
    hierarchy: int | None = None,
) -> Arrived:
    """Write messages, each as in a Delivery, whose octets are `made` ready.

    `recent_from` is 0 where claiming takes more than this.
    """
    now = time.time()
    filetime = FILETIME_UNIX_EPOCH + int(now * 10_000_000)
    count = len(deliveries)
    octets = unseen = marked = 0
    marks: list[tuple[int, int]] = []
    for mime, flags, names, _ in deliveries:
        flags = int(flags) & _CLIENT  # plain integers: the operators of IntFlag cost a microsecond each
        if flags & _SEEN:
            flags |= _EVER_READ
        else:
            unseen += 1
        if flags & _DELETED:
            marked += 1
        if content is not None and content.attachments:
            flags |= _HAS_ATTACHMENT
        octets += len(mime.raw)
        marks.append((flags, keywords.register(work, names) if names else 0))
    numbers = work.allocate(cns=count, ids=count, grow=octets)
    if hierarchy is not None and hierarchy != numbers.hierarchy:
        raise Conflict(f"the folders are at {numbers.hierarchy}, no more at {hierarchy}")
    quota.check_receive(numbers)
    cn, mid = numbers.cn, numbers.id
    # The change numbers are the mailbox's: when the next is next to the known one, nothing has happened anywhere in it.
    next_to = known is not None and (cn == known + 1 or changelog.state(work, folder_id)[0] == known)
    uid, uidvalidity, recent_uid = enter_folder(
        work,
        folder_id,
        count=count,
        unseen=unseen,
        marked=marked,
        octets=octets,
        last_cn=cn + count - 1,
        claimed=count if claim else 0,
    )
    recent_from = uid if recent_uid > uid else 0
    rows = []
    m = work.mailbox_id
    for (mime, _, _, internal_date), (flags, bits), prepared in zip(deliveries, marks, made, strict=True):
        date = int(now) if internal_date is None else internal_date
        size = len(mime.raw)
        items.add(work, blobs, mid, content, mime, prepared, FILETIME_UNIX_EPOCH + date * 10_000_000)
        work.run(_ADD, (m, folder_id, 0, uid, mid, mid, cn, cn, 0, flags, bits, date, size, filetime, filetime, 0, cn))
        rows.append(MessageRow(uid, mid, mid, cn, flags, bits, date, size, cn))
        uid, mid, cn = uid + 1, mid + 1, cn + 1
    work.touch(folder_id, cn - 1)
    return Arrived(rows, recent_from, next_to, uidvalidity)


def enter_folder(
    work: Work, folder_id: int, *, count: int, unseen: int, marked: int, octets: int, last_cn: int, claimed: int = 0
) -> tuple[int, int, int]:
    """Count messages into a folder; `claimed` of them, all or none, are \\Recent to nobody later if none else is now.

    Returns the UID of the first, the UIDVALIDITY, and the UID from which messages are \\Recent to who claims next.
    Raises NotFound when there is no such folder or only its name, TooLarge when its UIDs are used up.
    """
    at = FILETIME_UNIX_EPOCH + int(time.time() * 10_000_000)
    row = work.one(_ENTER_FOLDER, (work.mailbox_id, folder_id, count, unseen, marked, octets, last_cn, at, claimed))
    if row is None:
        raise NotFound(f"there is no folder {folder_id}")
    uid, uidvalidity, recent_uid = row
    if uid + count > UID_LIMIT:
        raise TooLarge(f"folder {folder_id} has used up its UIDs")
    return uid, uidvalidity, recent_uid


def rows(db: Reader, folder_id: int, uids: Sequence[int] | None = None) -> list[MessageRow]:
    """Read placements in the order of their UIDs; UIDs that are not there are left out."""
    return list(map(MessageRow._make, raw_rows(db, folder_id, uids)))


def raw_rows(db: Reader, folder_id: int, uids: Sequence[int] | None = None) -> list[Row]:
    """Read placements as plain tuples with the columns of a MessageRow, in the order of their UIDs."""
    if uids is None:
        return db.all(_ROWS, (db.mailbox_id, folder_id))
    if not uids:
        return []
    return _chosen(db, folder_id, uids, _ROWS_CHOSEN)


def statics(shard: Shard, folder_id: int, uids: Sequence[int]) -> Iterator[StaticRow]:
    """Read what IMAP shows of messages, in the order of their UIDs, one query a chunk."""
    ordered = _ordered(uids)
    for start in range(0, len(ordered), CHUNK):
        with shard.read() as db:
            chunk = _chosen(db, folder_id, ordered[start : start + CHUNK], _STATICS)
        yield from map(StaticRow._make, chunk)


Metadata = tuple[Sequence[int], Sequence[bytes], Sequence[bytes]]
"""Three columns: UID, ENVELOPE, BODYSTRUCTURE."""


def metadata(
    db: Reader,
    folder_id: int,
    uids: Sequence[int],
    item_ids: Sequence[int] = (),
    offer: Callable[[Run], None] | None = None,
) -> Metadata:
    """Read UID, ENVELOPE and BODYSTRUCTURE of messages, in the order of their UIDs, by one query.

    `item_ids` are the items of the messages with ascending UIDs `uids`, where the caller knows them. Messages that
    came one after another, as most do, have items that lie side by side, and are read without the placements; these
    are offered to `offer`.
    """
    if item_ids and list(item_ids) == list(range(item_ids[0], item_ids[0] + len(item_ids))):
        rows = db.all(_METADATA_OF_ITEMS, (db.mailbox_id, item_ids[0], item_ids[-1]))
        if len(rows) == len(uids):  # else some have gone
            envelopes, structures = zip(*rows, strict=True)
            if offer is not None and isinstance(item_ids, array):
                offer(Run(item_ids, envelopes, structures))
            return uids, envelopes, structures
    rows = _chosen(db, folder_id, uids, _METADATA) if uids else []
    found, envelopes, structures = zip(*rows, strict=True) if rows else ((), (), ())
    return found, envelopes, structures


def common_headers(db: Reader, folder_id: int, uids: Sequence[int]) -> list[Row]:
    """Read UID and common header lines of messages, in the order of their UIDs, by one query."""
    return _chosen(db, folder_id, uids, _HEADERS) if uids else []


def save_dates(db: Reader, folder_id: int, uids: Sequence[int]) -> list[tuple[int, int]]:
    """Read UID and when it came into the folder (Unix seconds) of messages, in the order of their UIDs."""
    rows = _chosen(db, folder_id, uids, _SAVE_DATES) if uids else []
    return [(uid, (made - FILETIME_UNIX_EPOCH) // 10_000_000) for uid, made in rows]


def raw_many(
    shard: Shard, blobs: BlobStore, folder_id: int, uids: Sequence[int]
) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Read UID, item, MIME and part table of messages, in the order of their UIDs; one query a chunk of small ones."""
    ordered = _ordered(uids)
    for start in range(0, len(ordered), _RAW_CHUNK):
        with shard.read() as db:
            chunk = _chosen(db, folder_id, ordered[start : start + _RAW_CHUNK], _RAWS)
        for uid, item_id, data, parts_table, raw_id in chunk:
            if raw_id is None:
                yield uid, item_id, data, parts_table
            else:
                try:
                    with shard.read() as db:
                        large = items.read_content(db, blobs, raw_id)
                except (NotFound, Unavailable):
                    with shard.read() as db:
                        if _chosen(db, folder_id, [uid], _RAWS):
                            raise
                    continue  # expunged since the chunk was read
                yield uid, item_id, large, parts_table


def _ordered(uids: Sequence[int]) -> Sequence[int]:
    last = 0
    for uid in uids:
        if uid <= last:
            return sorted(set(uids))
        last = uid
    return uids


def _chosen(db: Reader, folder_id: int, uids: Sequence[int], pair: tuple[Statement, Statement]) -> list[Row]:
    """Run the statement for a range when the UIDs nearly fill one, else the one for a list."""
    first, last = min(uids), max(uids)
    span = last - first + 1
    if span == len(uids):
        return db.all(pair[0], (db.mailbox_id, folder_id, first, last))
    if span <= 2 * len(uids):
        wanted = set(uids)
        return [row for row in db.all(pair[0], (db.mailbox_id, folder_id, first, last)) if row[0] in wanted]
    return db.all(pair[1], (db.mailbox_id, folder_id, db.array(uids)))


def parts(db: Reader, item_id: int) -> bytes:
    """Read the packed part table of an item. Raises NotFound."""
    row = db.one(_PARTS, (db.mailbox_id, item_id))
    if row is None:
        raise NotFound(f"there is no item {item_id}")
    return row[0] or b""


def properties(db: Reader, mid: int, wanted: Iterable[PropertyKey] | None = None) -> dict[PropertyKey, Value]:
    """Read the properties of a message, all of them or those wanted that it has. Raises NotFound."""
    row = _by_mid(db, mid)
    bag = namedprops.name(db, decode_bag(row[1]))
    if wanted is None:
        return bag
    return {key: bag[key] for key in wanted if key in bag}


def content(db: Reader, blobs: BlobStore, mid: int) -> MessageContent:
    """Read a message as a value, its named properties under their names. Raises NotFound."""
    item_id, props, recipients, encoded = _by_mid(db, mid)
    decoded = attachments.decode(db, item_id, encoded, lambda content_id: items.read_content(db, blobs, content_id))
    return attachments.named(
        db,
        MessageContent(
            cast("PropertyBag", decode_bag(props)),
            decode_recipients(recipients) if recipients else (),
            decoded,
        ),
    )


def _by_mid(db: Reader, mid: int) -> Row:
    row = db.one(_BY_MID, (db.mailbox_id, mid))
    if row is None:
        raise NotFound(f"there is no message {mid}")
    return row
