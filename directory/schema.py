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

VERSION = 3
"""The schema that this program writes."""

STEPS: Mapping[int, Sequence[str]] = {
    2: (
        """CREATE TABLE secret (
            principal_id {integer} NOT NULL, kind SMALLINT NOT NULL, sealed {octets}, changed {integer} NOT NULL,
            PRIMARY KEY (principal_id, kind)
        ){compact}""",
        """CREATE TABLE app_password (
            number {integer} NOT NULL, principal_id {integer} NOT NULL, label TEXT NOT NULL, digest {octets} NOT NULL,
            scopes TEXT NOT NULL, created {integer} NOT NULL, expires {integer}, used_at {integer},
            used_from TEXT NOT NULL, PRIMARY KEY (number), UNIQUE (digest)
        )""",
        "CREATE INDEX ix_app_password_principal_id ON app_password (principal_id)",
        """CREATE TABLE signin_rule (
            number {integer} NOT NULL, principal_id {integer} NOT NULL, mechanism TEXT NOT NULL, network TEXT NOT NULL,
            until {integer}, allow SMALLINT NOT NULL, note TEXT NOT NULL, created {integer} NOT NULL,
            PRIMARY KEY (number)
        )""",
        "CREATE INDEX ix_signin_rule_principal_id ON signin_rule (principal_id)",
        "INSERT INTO directory_meta (name, value) VALUES ('next_app_password', 1), ('next_signin_rule', 1)",
    ),
    3: (
        """CREATE TABLE shown_mailbox (
            owner_id {integer} NOT NULL, principal_id {integer} NOT NULL, PRIMARY KEY (owner_id, principal_id)
        ){compact}""",
        "CREATE INDEX ix_shown_mailbox_principal_id ON shown_mailbox (principal_id)",
        """CREATE TABLE server_entry (
            name {key} NOT NULL, value {octets} NOT NULL, PRIMARY KEY (name)
        ){compact}""",
    ),
}
"""Version n to the statements that make it out of version n-1. What stands in braces is in SPELLED; the statements of a
version stay as they are when the tables change again."""

SPELLED: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"integer": "INTEGER", "octets": "BLOB", "key": "TEXT", "compact": " WITHOUT ROWID"},
    "postgresql": {"integer": "BIGINT", "octets": "BYTEA", "key": 'TEXT COLLATE "C"', "compact": ""},
}
"""Words of STEPS that differ from database to database."""

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
"""Counters: schema and those of START."""

START = {"generation": 1, "next_principal": 1, "next_mailbox": 1, "next_app_password": 1, "next_signin_rule": 1}
"""What the counters of a new directory begin with."""

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

shown_mailbox = Table(
    "shown_mailbox",
    metadata,
    Column("owner_id", Int64, nullable=False),
    Column("principal_id", Int64, nullable=False, index=True),
    PrimaryKeyConstraint("owner_id", "principal_id"),
    sqlite_with_rowid=False,
)
"""Mailboxes of which a principal (0: everybody) sees some folder: an index of the stores' permissions
(docs/decisions/0016)."""

server_entry = Table(
    "server_entry",
    metadata,
    Column("name", Key, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""Annotations of the whole server that everybody sees ([RFC5464] 6.2.1)."""

secret = Table(
    "secret",
    metadata,
    Column("principal_id", Int64, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("sealed", LargeBinary),
    Column("changed", Int64, nullable=False),
    PrimaryKeyConstraint("principal_id", "kind"),
    sqlite_with_rowid=False,
)
"""What mechanisms other than a clear password need (directory.secrets), sealed under the key file. A row with nothing
in it is wanted, and filled as soon as the password is seen."""

app_password = Table(
    "app_password",
    metadata,
    Column("number", Int64, primary_key=True, autoincrement=False),
    Column("principal_id", Int64, nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created", Int64, nullable=False),
    Column("expires", Int64),
    Column("used_at", Int64),
    Column("used_from", Text, nullable=False),
)
"""App passwords by the SHA-256 digest of the secret. `scopes` are words with blanks between; none: every protocol.
`used_at` and `used_from` change without raising the generation."""

signin_rule = Table(
    "signin_rule",
    metadata,
    Column("number", Int64, primary_key=True, autoincrement=False),
    Column("principal_id", Int64, nullable=False, index=True),
    Column("mechanism", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("until", Int64),
    Column("allow", SmallInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", Int64, nullable=False),
)
"""Who may sign in by what, and from where (directory.rules). Principal 0 is everybody, no network is everywhere."""
