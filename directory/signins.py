"""The record of sign-ins, and the ledger of devices made from it.

    signins = SignInStore(location)           # a SQLite file of its own, or tables in the directory's PostgreSQL
    signins.write([SignIn(...), ...])         # one transaction, however many
    for record in signins.records(Wanted(user="alice@example.com", limit=100)): ...
    for device in signins.devices(): ...

Every sign-in and every refusal is one row of `signin_record`. `signin_device` has one row for each account, client
address, protocol, mechanism and whether TLS was there: who signs in by what, since when, and when last. It outlives the
records, and it knows accounts only: a refusal of a name that nobody has leaves a record, but no device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, ProgrammingError, SQLAlchemyError

from directory.engines import WRITES, postgres_engine, sqlite_engine
from directory.errors import DirectoryUnavailable
from directory.networks import Networks, parsed_address

OK: Final = "ok"
REFUSED: Final = "refused"
LOST: Final = "lost"
"""Not a sign-in: `reason` says how many records were given up, because they came faster than they could be written."""

MAX_TEXT: Final = 256
"""Characters of any text of a row: a client chooses some of them."""

DAY: Final = 86_400.0
PRUNED_AT_ONCE: Final = 5_000
"""Rows deleted in one transaction: others wait for it."""

_Key = Text().with_variant(Text(collation="C"), "postgresql")
_Int64 = BigInteger().with_variant(Integer(), "sqlite")

_metadata = MetaData()
_record = Table(
    "signin_record",
    _metadata,
    Column("id", _Int64, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("mechanism", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("tls", SmallInteger, nullable=False),
    Column("device", Text, nullable=False),
    Column("connection", _Int64, nullable=False),
    Index("signin_record_at", "at"),
    sqlite_autoincrement=True,  # a number is never given twice, so that a reader can go on from the last one it saw
)
_device = Table(
    "signin_device",
    _metadata,
    Column("account", _Key, nullable=False),
    Column("address", _Key, nullable=False),
    Column("protocol", _Key, nullable=False),
    Column("mechanism", _Key, nullable=False),
    Column("tls", SmallInteger, nullable=False),
    Column("first", Double, nullable=False),
    Column("last", Double, nullable=False),
    Column("count", _Int64, nullable=False),
    Column("failures", _Int64, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("device", Text, nullable=False),
    PrimaryKeyConstraint("account", "address", "protocol", "mechanism", "tls"),
    Index("signin_device_last", "last"),
)


class SignIn(NamedTuple):
    """One sign-in, or one that was refused."""

    at: float
    """Unix seconds."""
    outcome: str
    """OK, REFUSED or LOST."""
    reason: str
    """Why it was refused."""
    login: str
    """The name as typed."""
    user: str
    """The address of the account that the name means; empty: nobody's."""
    mailbox: str
    """The address of the mailbox that was opened."""
    protocol: str
    mechanism: str
    """The mechanism's name, or its variant such as `NTLMv1`."""
    address: str
    """The client's IP address."""
    tls: bool
    device: str = ""
    """What the client calls itself: EHLO name, IMAP ID."""
    connection: int = 0
    """Number of the connection, as in the log."""


class DeviceKey(NamedTuple):
    """What makes a device one line of the ledger."""

    account: str
    address: str
    protocol: str
    mechanism: str
    tls: bool


@dataclass(frozen=True, slots=True)
class Device:
    """An account that signs in from an address, by one protocol and one mechanism. Times are Unix seconds."""

    account: str
    address: str
    protocol: str
    mechanism: str
    tls: bool
    first: float
    last: float
    count: int
    """Sign-ins that succeeded."""
    failures: int
    outcome: str
    """Of the last attempt."""
    reason: str
    """Why the last attempt was refused."""
    device: str = ""
    """What the client calls itself."""

    @property
    def key(self) -> DeviceKey:
        """What tells it from others."""
        return DeviceKey(self.account, self.address, self.protocol, self.mechanism, self.tls)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records a reader asks for. Empty: all."""

    user: str = ""
    """An address or a name as typed, in any case."""
    network: str = ""
    """An IP address, or a network with its prefix length."""
    mechanisms: Sequence[str] = ()
    protocol: str = ""
    outcome: str = ""
    since: float = 0.0
    after: int = 0
    """Only records with a higher number."""
    limit: int = 0
    """The newest so many; 0: all."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept for how long."""

    days: int = 90
    """Age at which a record goes; 0: never."""
    rows: int = 1_000_000
    """Records kept at most; 0: no limit."""
    device_days: int = 400
    """Days after its last sign-in at which a device goes; 0: never."""
    devices: int = 100_000
    """Devices kept at most; those that never got in go first. 0: no limit."""


class SignInStore:
    """The records of one installation. Safe for several threads and processes; made after a fork.

    Every call raises DirectoryUnavailable when the database is locked, full or gone.
    """

    def __init__(self, location: Path | str) -> None:
        """Open the records in a SQLite file, or at a `postgresql://` URL; make what is missing."""
        with _mapped():
            self._engine = (
                sqlite_engine(location) if isinstance(location, Path) else postgres_engine(location, 1, more=2)
            )
            self._insert = sqlite.insert if isinstance(location, Path) else postgresql.insert
            adding = _record.insert().inline().values({name: bindparam(name) for name in _RECORD})
            self._add_record = _Rows(self._engine, adding, _RECORD)
            self._add_device = _Rows(self._engine, self._merging(), _DEVICE)
            try:
                self._make_tables()
            except (IntegrityError, ProgrammingError):
                self._make_tables()  # another worker was just making them, in PostgreSQL

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def _make_tables(self) -> None:
        with self._engine.connect() as connection:
            if sqlalchemy.inspect(connection).has_table(_device.name):
                return
        with self._engine.connect().execution_options(**WRITES) as connection, connection.begin():
            _metadata.create_all(connection)

    # -- writing

    def write(self, signins: Sequence[SignIn], names: Mapping[DeviceKey, str] | None = None) -> None:
        """Add records and bring the ledger up to date; `names` are what known devices call themselves."""
        clean = [_cleaned(one) for one in signins]
        devices = _devices(clean)
        with self._writing() as connection:
            if clean:
                self._add_record.run(connection, map(_row, clean))
            if devices:
                # In the order of the keys: writers that update the same rows then wait for one another, and never both.
                self._add_device.run(connection, [_device_row(devices[key]) for key in sorted(devices)])
            for key, name in sorted((names or {}).items()):
                parts = _clean_key(key)._asdict() | {"tls": int(key.tls)}
                same = [_device.c[part] == value for part, value in parts.items()]
                connection.execute(_device.update().where(*same).values(device=_text(name)))

    def _merging(self) -> Any:
        """Give the INSERT that adds a device to the row it already has."""
        new = self._insert(_device).values({name: bindparam(name) for name in _DEVICE})
        later = new.excluded.last >= _device.c.last
        return new.on_conflict_do_update(
            index_elements=list(_device.primary_key.columns),
            set_={
                "first": case((new.excluded.first < _device.c.first, new.excluded.first), else_=_device.c.first),
                "last": case((later, new.excluded.last), else_=_device.c.last),
                "count": _device.c.count + new.excluded.count,
                "failures": _device.c.failures + new.excluded.failures,
                "outcome": case((later, new.excluded.outcome), else_=_device.c.outcome),
                "reason": case((later, new.excluded.reason), else_=_device.c.reason),
                "device": case(
                    (new.excluded.device != literal_column("''"), new.excluded.device), else_=_device.c.device
                ),
            },
        )

    def prune(self, retention: Retention, now: float) -> int:
        """Delete what need not be kept any longer; give the number of rows."""
        removed = 0
        if retention.days:
            removed += self._delete(_record, _record.c.at < now - retention.days * DAY)
        if retention.rows:
            with self._reading() as connection:
                last = connection.execute(select(func.max(_record.c.id))).scalar() or 0
            removed += self._delete(_record, _record.c.id <= last - retention.rows)
        if retention.device_days:
            removed += self._delete(_device, _device.c.last < now - retention.device_days * DAY)
        if retention.devices:
            removed += self._delete_devices(retention.devices)
        return removed

    def _delete(self, table: Table, condition: Any) -> int:
        removed = 0
        keys = sqlalchemy.tuple_(*table.primary_key.columns)
        some = select(*table.primary_key.columns).where(condition).limit(PRUNED_AT_ONCE)
        while True:
            with self._writing() as connection:
                deleted = connection.execute(table.delete().where(keys.in_(some))).rowcount
            removed += deleted
            if deleted < PRUNED_AT_ONCE:
                return removed

    def _delete_devices(self, kept: int) -> int:
        """Delete the devices above a number: those that never got in, then the ones not seen for longest."""
        with self._reading() as connection:
            surplus = (connection.execute(select(func.count()).select_from(_device)).scalar() or 0) - kept
        if surplus <= 0:
            return 0
        keys = sqlalchemy.tuple_(*_device.primary_key.columns)
        worth = case((_device.c.count > 0, 1), else_=0)
        least = select(*_device.primary_key.columns).order_by(worth, _device.c.last).limit(surplus)
        with self._writing() as connection:
            return connection.execute(_device.delete().where(keys.in_(least))).rowcount

    # -- reading

    def records(self, wanted: Wanted = Wanted()) -> list[tuple[int, SignIn]]:
        """Give the records that are asked for with their numbers, the newest last.

        Raises:
            ValueError: `network` is neither an address nor a network.
        """
        inside = _network_test(wanted.network)
        found: list[tuple[int, SignIn]] = []
        with self._reading() as connection:
            query = select(_record).where(*_conditions(wanted)).order_by(_record.c.id.desc())
            with contextlib.closing(connection.execute(query.execution_options(yield_per=1000))) as rows:
                for number, *values in rows:
                    one = SignIn(*values)
                    if not inside(one.address):
                        continue
                    found.append((number, one._replace(tls=bool(one.tls))))
                    if wanted.limit and len(found) >= wanted.limit:
                        break
        return found[::-1]

    def devices(self, *, account: str = "", since: float = 0.0) -> list[Device]:
        """Give the ledger, the device seen last at the end."""
        conditions: list[Any] = [_device.c.last >= since]
        if account:
            conditions.append(_device.c.account == account.lower())
        with self._reading() as connection:
            query = select(_device).where(*conditions).order_by(_device.c.last, _device.c.account, _device.c.address)
            found = [Device(*row) for row in connection.execute(query)]
        return [replace(one, tls=bool(one.tls)) for one in found]

    # -- the database

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _mapped(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _mapped(), self._engine.connect().execution_options(**WRITES) as connection, connection.begin():
            yield connection


def _conditions(wanted: Wanted) -> list[Any]:
    conditions: list[Any] = []
    if wanted.user:
        name = wanted.user.lower()
        columns = (_record.c.account, _record.c.login, _record.c.mailbox)
        conditions.append(or_(*(func.lower(column) == name for column in columns)))
    if wanted.mechanisms:
        conditions.append(func.upper(_record.c.mechanism).in_([name.upper() for name in wanted.mechanisms]))
    if wanted.protocol:
        conditions.append(_record.c.protocol == wanted.protocol.lower())
    if wanted.outcome:
        conditions.append(_record.c.outcome == wanted.outcome)
    if wanted.since:
        conditions.append(_record.c.at >= wanted.since)
    if wanted.after:
        conditions.append(_record.c.id > wanted.after)
    return conditions


def _network_test(text: str) -> Any:
    """Give a function that says whether an address lies in a network. Raises ValueError."""
    if not text:
        return lambda address: True
    return Networks([text]).__contains__


def _devices(signins: Sequence[SignIn]) -> dict[DeviceKey, Device]:
    """Add up a batch, so that a device that signs in a hundred times costs one statement."""
    found: dict[tuple[str, str, str, str, bool], list[SignIn]] = {}
    for one in signins:
        if one.user and one.outcome != LOST:
            found.setdefault((one.user.lower(), one.address, one.protocol, one.mechanism, one.tls), []).append(one)
    made = (_device_of(DeviceKey(*key), mine) for key, mine in found.items())
    return {one.key: one for one in made}


def _device_of(key: DeviceKey, signins: Sequence[SignIn]) -> Device:
    """Add up the sign-ins of one device."""
    times = [one.at for one in signins]
    good = [one.outcome for one in signins].count(OK)
    last = max(reversed(signins), key=_at)  # of several at one time, the one that came last
    device = next((one.device for one in reversed(signins) if one.device), "")
    return Device(*key, min(times), max(times), good, len(signins) - good, last.outcome, last.reason, device)


_at = attrgetter("at")


def _cleaned(one: SignIn) -> SignIn:
    return SignIn(
        one.at,
        _text(one.outcome),
        _text(one.reason),
        _text(one.login),
        _text(one.user),
        _text(one.mailbox),
        _text(one.protocol),
        _text(one.mechanism),
        normal_address(one.address),
        one.tls,
        _text(one.device),
        one.connection,
    )


def _clean_key(key: DeviceKey) -> DeviceKey:
    account, protocol, mechanism = (_text(text) for text in (key.account.lower(), key.protocol, key.mechanism))
    return DeviceKey(account, normal_address(key.address), protocol, mechanism, key.tls)


_RECORD = tuple(column.name for column in _record.columns if column.name != "id")
_DEVICE = tuple(column.name for column in _device.columns)
_device_values = attrgetter(*_DEVICE)


class _Rows:
    """An INSERT of many rows: compiled once, its values handed to the driver as they are. It halves a batch's cost."""

    def __init__(self, engine: sqlalchemy.Engine, statement: Any, columns: Sequence[str]) -> None:
        """`columns` are the statement's parameters in the order in which rows have their values."""
        compiled = statement.compile(dialect=engine.dialect)
        self._text = str(compiled)
        self._columns = columns
        self._positions = (
            None if compiled.positiontup is None else itemgetter(*map(columns.index, compiled.positiontup))
        )

    def run(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows."""
        values: list[Any]
        if self._positions is None:  # the driver takes parameters by name
            values = [dict(zip(self._columns, row, strict=True)) for row in rows]
        else:
            values = list(map(self._positions, rows))
        connection.exec_driver_sql(self._text, values)


def _row(one: SignIn) -> tuple[Any, ...]:
    """Give the values of _RECORD."""
    return (*one[:9], int(one.tls), *one[10:])


def _device_row(one: Device) -> tuple[Any, ...]:
    """Give the values of _DEVICE."""
    row = _device_values(one)
    return (*row[:4], int(one.tls), *row[5:])


def _text(value: str) -> str:
    """Make a text that every database takes and a terminal shows as one line."""
    if len(value) <= MAX_TEXT and value.isascii() and value.isprintable():
        return value
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value[:MAX_TEXT])
    return printable.encode("utf-8", "replace").decode()


@lru_cache(4096)
def normal_address(text: str) -> str:
    """Write an IP address the one way in which it is compared: no zone, IPv4 as such."""
    address = parsed_address(text)
    return _text(text) if address is None else str(address)


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise DirectoryUnavailable(f"the record of sign-ins does not answer: {cause}") from error
