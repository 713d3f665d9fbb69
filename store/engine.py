"""Shards, statements and the unit of work. What the other modules of the store build on:

    FIND = Statement(
        select(folder.c.name).where(folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f")),
        "m", "f",
    )
    ADD = insert_statement(keyword, "mailbox_id", "bit", "name", "name_key")

    with shard.read() as db:                 # committed state; inside a unit of work of this thread: that unit's state
        row = db.one(FIND, (db.mailbox_id, 5))       # one row (a tuple) or None
        rows = db.all(FIND, (db.mailbox_id, 5))      # list of tuples
    with shard.snapshot() as db: ...         # several statements that see one state
    with shard.write() as work:              # holds the mailbox's lock; joins the unit of work open in this thread
        first = work.allocate(cns=1)         # change numbers, identifiers and item numbers in one UPDATE
        work.run(STATEMENT, parameters)      # -> rows changed; .many(STATEMENT, rows); .one/.all for RETURNING
        work.touch(folder_id, first.cn)      # the hint (Touched) published after the commit
        with work.savepoint(): ...           # what raises in here is undone alone

A Statement is a SQLAlchemy Core construct compiled once per dialect, at its first use, to the driver's own SQL;
parameters are given as a tuple in the order of the names declared. An update's bind parameters must not bear a column's
name. `one_of(column, "uids")` is a membership test whose parameter is made by `db.array(numbers)`. Values are plain:
int, str, bytes, None.

Database trouble (locked, disk full, I/O, connection lost) leaves `read` and `write` as Unavailable, and nothing is
half-written.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, bindparam, insert, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import Boolean

from store.changes import Touched
from store.errors import Unavailable
from store.ids import MailboxRef
from store.schema import mailbox


class Busy(Unavailable):
    """Another is changing the mailbox just now, and the caller asked not to wait: nothing was done."""


Row = tuple[Any, ...]
Parameters = Sequence[Any]

_SQLITE = sqlite.dialect(paramstyle="pyformat")
_POSTGRESQL = psycopg.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
_DIALECTS = {"sqlite": (_SQLITE, "?"), "postgresql": (_POSTGRESQL, "$")}
_PARAMETER = re.compile(r"%(?:%|\((\w+)\)s)")


class OneOf(ColumnElement[bool]):
    """`column` is one of a list of integers that is bound as one parameter, however long it is."""

    inherit_cache = False
    type = Boolean()
    _is_implicitly_boolean = True

    def __init__(self, column: ColumnElement[int], values: BindParameter[Any]) -> None:
        self.column = column
        self.values = values


@compiles(OneOf, "sqlite")
def _one_of_sqlite(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = compiler.process(element.column, **options), compiler.process(element.values, **options)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  # compiled SQL, no text of a caller


@compiles(OneOf, "postgresql")
def _one_of_postgresql(element: OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, values = compiler.process(element.column, **options), compiler.process(element.values, **options)
    return f"{column} = ANY(CAST({values} AS BIGINT[]))"


def one_of(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """Make the membership test whose parameter `name` is given as `db.array(numbers)`."""
    return OneOf(column, bindparam(name))


class Statement:
    """One SQL statement in the words of each driver, its parameters numbered in the order of `names`.

    It is compiled for a dialect when first asked for its text: a process speaks to one kind of database, and compiling
    all statements of the store for both takes a tenth of a second. That each compiles is what a test is for.
    """

    __slots__ = ("_columns", "_construct", "names", "postgresql", "sqlite")

    sqlite: str
    postgresql: str

    def __init__(self, construct: ClauseElement, *names: str, columns: Sequence[str] | None = None) -> None:
        self._construct = construct
        self._columns = columns
        self.names = names

    def __getattr__(self, name: str) -> str:
        """Compile; what is found in its slot does not come here. ValueError when parameters are not as declared."""
        if name not in _DIALECTS:
            raise AttributeError(name)
        text = _compile(self._construct, *_DIALECTS[name], self.names, self._columns)
        setattr(self, name, text)
        return text

    def __repr__(self) -> str:
        return f"Statement({self.sqlite!r})"


def _compile(
    construct: ClauseElement, dialect: Any, mark: str, names: tuple[str, ...], columns: Sequence[str] | None
) -> str:
    compiled = construct.compile(dialect=dialect, column_keys=columns)
    constants = compiled.params
    unused = set(names)

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "%"
        if name in names:
            unused.discard(name)
            return f"{mark}{names.index(name) + 1}"
        value = constants[name]
        if type(value) is int:
            return str(value)
        if type(value) is str:
            return "'" + value.replace("'", "''") + "'"
        raise ValueError(f"parameter {name!r} is neither declared nor a constant in: {compiled}")

    text = _PARAMETER.sub(number, str(compiled))
    if unused:
        raise ValueError(f"parameters {sorted(unused)} are not in: {compiled}")
    return text


def insert_statement(table: Any, *columns: str) -> Statement:
    """Make `INSERT INTO table (columns) VALUES (...)`, its parameters in the order of the columns."""
    return Statement(insert(table), *columns, columns=columns)


class Allocation(NamedTuple):
    """The first of the numbers that the mailbox handed out, and what it said of its size."""

    cn: int
    id: int
    item: int
    size: int
    """Octets in the mailbox after this allocation."""
    quota_receive: int | None
    """Octets from which nothing more is taken in; None for no limit."""
    hierarchy: int
    """The version of the folders' tree (store.foldertree)."""


_ALLOCATE = Statement(
    update(mailbox)
    .where(mailbox.c.mailbox_id == bindparam("m"))
    .values(
        next_cn=mailbox.c.next_cn + bindparam("cns"),
        next_id=mailbox.c.next_id + bindparam("ids"),
        next_item=mailbox.c.next_item + bindparam("items"),
        size=mailbox.c.size + bindparam("grow"),
    )
    .returning(
        mailbox.c.next_cn - bindparam("cns"),
        mailbox.c.next_id - bindparam("ids"),
        mailbox.c.next_item - bindparam("items"),
        mailbox.c.size,
        mailbox.c.quota_recv,
        mailbox.c.hier_modseq,
    ),
    "m",
    "cns",
    "ids",
    "items",
    "grow",
)


class Reader(ABC):
    """Statements on one mailbox's database. Got from `Shard.read`, used by one thread at a time, not kept."""

    mailbox_id: int
    dialect: str
    """`sqlite` or `postgresql`."""

    @abstractmethod
    def one(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        """Run a statement; return its first row or None."""

    @abstractmethod
    def all(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        """Run a statement; return its rows."""

    @abstractmethod
    def chunks(self, statement: Statement, parameters: Parameters, size: int) -> Iterator[list[Row]]:
        """Run a statement; give its rows in lists of at most `size`. Exhaust it before the reader is given back."""

    @abstractmethod
    def array(self, numbers: Iterable[int]) -> Any:
        """Turn integers into the one parameter that `one_of` takes."""


class Work(Reader):
    """A unit of work: everything done in it is committed together, by the outermost `with`; then the hints leave."""

    touched: dict[int, int]

    @abstractmethod
    def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        """Run a statement; return the number of rows that it changed."""

    @abstractmethod
    def many(self, statement: Statement, rows: Iterable[Parameters]) -> None:
        """Run a statement once for each row of parameters."""

    @abstractmethod
    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside, and only that, when it raises."""

    @abstractmethod
    def after_commit(self, action: Callable[[], None]) -> None:
        """Call `action` once the commit is durable; not at all when this part of the work is undone."""

    def touch(self, folder_id: int, cn: int) -> None:
        """Note that something up to `cn` happened in the folder (0: in the hierarchy)."""
        if cn > self.touched.get(folder_id, 0):
            self.touched[folder_id] = cn

    def allocate(self, *, cns: int = 0, ids: int = 0, items: int = 0, grow: int = 0) -> Allocation:
        """Take `cns` change numbers, `ids` folder/message identifiers and `items` item numbers, and add `grow` octets.

        Change numbers become visible in order because the mailbox is locked until the commit (docs/decisions/0011).
        """
        row = self.one(_ALLOCATE, (self.mailbox_id, cns, ids, items, grow))
        assert row is not None, "the mailbox row is there: the unit of work looked it up or its file exists"
        return Allocation(*row)


class Shard(ABC):
    """The database of one mailbox. Safe for several threads: one writes at a time, reads are short."""

    ref: MailboxRef
    mailbox_id: int
    dialect: str

    @abstractmethod
    def read(self) -> AbstractContextManager[Reader]:
        """Read the committed state, or inside a unit of work of this thread that unit's state. Raises Unavailable."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Reader]:
        """Like `read`, and all statements inside see one state. Raises Unavailable.

        Inside a `read` or a `snapshot` another one is joined, not begun. Do not ask for a folder's index inside, and
        do not write: the thread that committed last reads on the connection that writes.
        """

    @abstractmethod
    def write(self, *, wait: bool = True) -> AbstractContextManager[Work]:
        """Begin a unit of work under the mailbox's lock, or join the one open in this thread.

        Raises Unavailable, and NotFound when the mailbox is gone; without `wait` Busy when another has the lock.
        """

    @abstractmethod
    def inside(self) -> bool:
        """Tell whether this thread is inside a unit of work, which `write` would join."""

    @abstractmethod
    def committed(self) -> AbstractContextManager[Reader]:
        """Like `read`, but the committed state even inside a unit of work of this thread. Raises Unavailable."""

    @abstractmethod
    def committed_snapshot(self) -> AbstractContextManager[Reader]:
        """Like `snapshot`, but the committed state even inside a unit of work of this thread. Raises Unavailable."""

    @abstractmethod
    def aside(self) -> AbstractContextManager[Reader]:
        """Like `committed_snapshot`, but nobody waits for it, however long it reads. Raises Unavailable."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is open; the shard opens itself again at its next use."""

    def keep(self, companion: object) -> None:  # noqa: B027  # a shard that keeps nothing open keeps nothing alive
        """Keep an object alive as long as the shard has something open, where that is worth while."""


class Backend(ABC):
    """Where the databases of mailboxes are: files, or a server. Safe for several threads."""

    inline: bool
    """True: calls are short and local. False: they wait for a server, so use a thread."""

    @abstractmethod
    def create(self, ref: MailboxRef, rows: Sequence[tuple[Statement, Sequence[Parameters]]]) -> None:
        """Make a mailbox that holds some rows, whole or not at all. Raises AlreadyExists, Unavailable."""

    @abstractmethod
    def remove(self, ref: MailboxRef) -> None:
        """Remove a mailbox and all its rows. Raises NotFound, Unavailable."""

    @abstractmethod
    def exists(self, ref: MailboxRef) -> bool:
        """Tell whether there is such a mailbox. Raises Unavailable."""

    @abstractmethod
    def guids(self) -> list[UUID]:
        """Give the GUIDs of the mailboxes that are there, in order. Raises Unavailable."""

    @abstractmethod
    def shard(self, ref: MailboxRef) -> Shard:
        """Give the database of a mailbox, the same one to all who ask. Raises NotFound, Unavailable."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open; it opens again at its next use."""

    @abstractmethod
    def close_idle(self, seconds: float) -> int:
        """Close what was not used for some seconds; return how many."""

    @abstractmethod
    def forget(self) -> list[object]:
        """Right after a fork, in the child: give up the parent's connections without closing them; return them."""


class Joined:
    """The context of a thread that is inside a unit of work already: hands it out, ends nothing."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def __enter__(self) -> Work:
        return self._work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


Publish = Callable[[Touched], None]


def ignore(touched: Touched) -> None:
    """Publish nothing."""
