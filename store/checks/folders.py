"""The folder tree, and the UIDVALIDITY of its folders (invariant 10)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from sqlalchemy import bindparam, delete, select, update

from store import entries, special
from store.engine import Reader, Row, Statement, Work
from store.findings import Fault, Finding, Subject, some
from store.folders import ADD, COLUMNS
from store.foldertree import name_key
from store.ids import MailboxKind, SpecialFolder
from store.schema import access_key, annotation, cal_index, folder, mailbox, permission

_UID_SPACE = 1 << 32

_TREE = Statement(
    select(folder.c.folder_id, folder.c.parent_id, folder.c.name, folder.c.name_key).where(
        folder.c.mailbox_id == bindparam("m")
    ),
    "m",
)
_KIND = Statement(select(mailbox.c.kind).where(mailbox.c.mailbox_id == bindparam("m")), "m")
_VALIDITIES = Statement(
    select(folder.c.folder_id, folder.c.uidvalidity).where(folder.c.mailbox_id == bindparam("m")), "m"
)
_NEXT = Statement(select(mailbox.c.next_uidvalidity).where(mailbox.c.mailbox_id == bindparam("m")), "m")
_SET_NEXT = Statement(
    update(mailbox).where(mailbox.c.mailbox_id == bindparam("m")).values(next_uidvalidity=bindparam("n")), "m", "n"
)
_HERE = (folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f"))
_SET = Statement(update(folder).where(*_HERE).values(uidvalidity=bindparam("n"), cn=bindparam("c")), "m", "f", "n", "c")
_HANG = Statement(
    update(folder)
    .where(*_HERE)
    .values(parent_id=bindparam("p"), name=bindparam("n"), name_key=bindparam("k"), cn=bindparam("c")),
    "m",
    "f",
    "p",
    "n",
    "k",
    "c",
)
_HIERARCHY = Statement(
    update(mailbox).where(mailbox.c.mailbox_id == bindparam("m")).values(hier_modseq=bindparam("n")), "m", "n"
)
_LEFT = {
    table: (
        Statement(select(table.c.folder_id).distinct().where(table.c.mailbox_id == bindparam("m")), "m"),
        Statement(
            delete(table).where(table.c.mailbox_id == bindparam("m"), table.c.folder_id == bindparam("f")), "m", "f"
        ),
    )
    for table in (permission, cal_index, annotation, access_key)
}


def hierarchy_changed(work: Work, cn: int) -> None:
    """Note that the folder tree changed, so that every process reads it again."""
    work.run(_HIERARCHY, (work.mailbox_id, cn))
    work.touch(0, cn)


def _present(db: Reader) -> set[int]:
    return {row[0] for row in db.all(_TREE, (db.mailbox_id,))}


def specials(subject: Subject) -> Iterator[Fault]:
    """Look for folders that every mailbox has and this one has not."""
    db = subject.db
    kind = db.one(_KIND, (db.mailbox_id,))
    if kind is None:
        return
    there = _present(db)
    for values in special.folders(db.mailbox_id, MailboxKind(kind[0]), int(time.time())):
        number = values["folder_id"]
        assert isinstance(number, int)
        if number in there:
            continue

        def make(work: Work, values: dict[str, int | str | bytes | None] = values) -> None:
            cn = work.allocate(cns=1).cn
            fresh = {**values, "cn": cn, "modseq": cn, "uidvalidity": _fresh_uidvalidity(work)}
            taken = {row[3] for row in work.all(_TREE, (work.mailbox_id,)) if row[1] == values["parent_id"]}
            name = str(values["name"])
            while name_key(name) in taken:
                name += " (oxgate)"
            fresh |= {"name": name, "name_key": name_key(name)}
            work.run(ADD, tuple(fresh[column] for column in COLUMNS))
            hierarchy_changed(work, cn)

        yield Fault(
            Finding(
                "special-folder-missing",
                0,
                f"the folder {SpecialFolder(number).name} is missing",
                "A repair makes it anew, empty; messages that were in it are shown again there.",
            ),
            make,
        )


def _fresh_uidvalidity(work: Work) -> int:
    row = work.one(_NEXT, (work.mailbox_id,))
    value = max(int(time.time()), row[0] if row is not None else 1)
    work.run(_SET_NEXT, (work.mailbox_id, value + 1))
    return value


def parents(subject: Subject) -> Iterator[Fault]:
    """Look for folders whose superiors do not lead up to the root."""
    db = subject.db
    rows = {row[0]: row for row in db.all(_TREE, (db.mailbox_id,))}
    sound = _sound(rows)
    homes = {
        values["folder_id"]: values["parent_id"] for values in special.folders(db.mailbox_id, MailboxKind.PRIVATE, 1)
    }
    # The highest folder of a loose branch is hung up again; what is below it comes with it.
    for number in sorted(rows.keys() - sound):
        parent, name = rows[number][1], rows[number][2]
        if parent in rows and number != min(_circle(rows, number), default=-1):
            continue
        home = homes.get(number, int(SpecialFolder.IPM_SUBTREE))

        def hang(work: Work, number: int = number, name: str = name, home: object = home) -> None:
            taken = {row[3] for row in work.all(_TREE, (work.mailbox_id,)) if row[1] == home and row[0] != number}
            while name_key(name) in taken:
                name += f" ({number})"
            cn = work.allocate(cns=1).cn
            work.run(_HANG, (work.mailbox_id, number, home, name, name_key(name), cn))
            hierarchy_changed(work, cn)

        yield Fault(
            Finding(
                "folder-loose",
                0,
                f"folder {number} ({name!r}) hangs below folder {parent}, which does not lead to the root",
                "A repair hangs it where it belongs, or at the top of the mailbox.",
            ),
            hang,
        )


def _sound(rows: Mapping[int, Row]) -> set[int]:
    """Give the folders that are below the root, and the root."""
    sound = {int(SpecialFolder.ROOT)} & rows.keys()
    for number in rows:
        path: list[int] = []
        at = number
        while at in rows and at not in sound and at not in path:
            path.append(at)
            at = rows[at][1]
        if at in sound:
            sound.update(path)
    return sound


def _circle(rows: Mapping[int, Row], number: int) -> list[int]:
    """Give the folders of the circle that a folder is in; none if it only hangs below one."""
    path = [number]
    at = rows[number][1]
    while at in rows and at not in path:
        path.append(at)
        at = rows[at][1]
    return path if at == number else []


def uidvalidities(subject: Subject) -> Iterator[Fault]:
    """UIDVALIDITY is a positive 32-bit number that the mailbox has handed out (10; [RFC3501] 2.3.1.1)."""
    db = subject.db
    row = db.one(_NEXT, (db.mailbox_id,))
    if row is None:
        return
    values: dict[int, int] = dict(db.all(_VALIDITIES, (db.mailbox_id,)))
    wrong = sorted(number for number, value in values.items() if not 0 < value < _UID_SPACE)
    highest = max((value for value in values.values() if 0 < value < _UID_SPACE), default=0)
    if highest >= row[0]:
        yield Fault(
            Finding(
                "uidvalidity-ahead",
                10,
                f"a folder has UIDVALIDITY {highest}, and the mailbox would hand out {row[0]} next",
                "A repair moves the mailbox's counter past it.",
            ),
            lambda work: work.run(_SET_NEXT, (work.mailbox_id, highest + 1)),
        )
    for number in wrong:

        def renew(work: Work, number: int = number) -> None:
            cn = work.allocate(cns=1).cn
            work.run(_SET, (work.mailbox_id, number, _fresh_uidvalidity(work), cn))
            hierarchy_changed(work, cn)

        yield Fault(
            Finding(
                "uidvalidity-invalid",
                10,
                f"folder {number} has UIDVALIDITY {values[number]}",
                "A repair gives it a new one; clients load the folder again.",
            ),
            renew,
        )


def leftovers(subject: Subject) -> Iterator[Fault]:
    """Look for permissions, calendar entries, annotations and access keys of folders that are gone."""
    db = subject.db
    there = _present(db) | {entries.WHOLE_MAILBOX}
    for table, (find, remove) in _LEFT.items():
        gone = sorted(row[0] for row in db.all(find, (db.mailbox_id,)) if row[0] not in there)
        if not gone:
            continue

        def clear(work: Work, remove: Statement = remove, gone: list[int] = gone) -> None:
            work.many(remove, [(work.mailbox_id, number) for number in gone])

        yield Fault(
            Finding(
                "folder-leftovers",
                0,
                f"rows of {table.name} belong to folders that are gone: {some(gone)}",
                "A repair removes them.",
            ),
            clear,
        )
