"""Tables of the embedded directory, the same on SQLite and PostgreSQL (docs/architecture.md, decision 5).

On PostgreSQL they stand in the first schema of the connection's search path, beside those of the store.

Every change of a table raises VERSION and adds a step to STEPS; databases are brought up to date when they are opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

VERSION = 1
"""The schema that this program writes."""

STEPS: Mapping[int, Sequence[str]] = {}
"""Version n to the statements that make it out of version n-1, fit for both databases."""

metadata = MetaData()

# Keys compare by code point everywhere: SQLite does so by itself, PostgreSQL when told.
Key = Text().with_variant(Text(collation="C"), "postgresql")
Int64 = BigInteger().with_variant(Integer(), "sqlite")

meta = Table(
    "directory_meta",
    metadata,
    Column("name", Key, primary_key=True),
    Column("value", Int64, nullable=False),
    sqlite_with_rowid=False,
)
"""Counters: schema, generation, next_principal, next_mailbox."""

principal = Table(
    "principal",
    metadata,
    Column("id", Int64, primary_key=True, autoincrement=False),
    Column("guid", LargeBinary, nullable=False, unique=True),
    Column("dn", Text, nullable=False),
    Column("dn_key", Key, nullable=False, unique=True),
    Column("legacy_dn", Text, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("account_key", Key, unique=True),
    Column("address", Text, nullable=False),
    Column("aliases", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("sort_key", Key, nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("hidden", SmallInteger, nullable=False),
    Column("mailbox_id", Int64, unique=True),
    Column("shard", Text, nullable=False),
    Column("attributes", Text, nullable=False),
    Column("created", Int64, nullable=False),
    Column("changed", Int64, nullable=False),
    Index("principal_by_sort", "sort_key", "id"),
)
"""One entry. `aliases` is a JSON list, `attributes` a JSON object of lists; times are seconds since 1970."""

proxy_address = Table(
    "proxy_address",
    metadata,
    Column("address_key", Key, primary_key=True),
    Column("principal_id", Int64, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""Every SMTP address of every entry; what makes addresses unique."""

value_index = Table(
    "value_index",
    metadata,
    Column("attribute", Key, nullable=False),
    Column("value", Key, nullable=False),
    Column("principal_id", Int64, nullable=False, index=True),
    PrimaryKeyConstraint("attribute", "value", "principal_id"),
    sqlite_with_rowid=False,
)
"""Prepared values of every attribute, and under the name `anr` the words by which an entry is found."""

credential = Table(
    "credential",
    metadata,
    Column("principal_id", Int64, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("changed", Int64, nullable=False),
)
"""Argon2id hashes in their own PHC form."""

member = Table(
    "group_member",
    metadata,
    Column("group_id", Int64, nullable=False),
    Column("member_id", Int64, nullable=False, index=True),
    Column("position", Int64, nullable=False),
    PrimaryKeyConstraint("group_id", "member_id"),
    sqlite_with_rowid=False,
)
"""Direct members of groups, in the order in which they were added."""

grant_row = Table(
    "grant_row",
    metadata,
    Column("kind", SmallInteger, nullable=False),
    Column("owner_id", Int64, nullable=False),
    Column("delegate_id", Int64, nullable=False, index=True),
    PrimaryKeyConstraint("owner_id", "kind", "delegate_id"),
    sqlite_with_rowid=False,
)
"""GrantKind, owner and delegate."""
