"""A directory of version 1, as the first release wrote it, becomes one of version 2."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from directory import schema
from directory.sealing import KEY_FILE
from directory.sql import SqlDirectory
from tests.support import postgres

from .conftest import CHEAP, DOMAINS

VERSION_1 = """
CREATE TABLE credential (principal_id {integer} NOT NULL, hash TEXT NOT NULL, changed {integer} NOT NULL,
    PRIMARY KEY (principal_id));
CREATE TABLE directory_meta (name {key} NOT NULL, value {integer} NOT NULL, PRIMARY KEY (name)){compact};
CREATE TABLE grant_row (kind SMALLINT NOT NULL, owner_id {integer} NOT NULL, delegate_id {integer} NOT NULL,
    PRIMARY KEY (owner_id, kind, delegate_id)){compact};
CREATE INDEX ix_grant_row_delegate_id ON grant_row (delegate_id);
CREATE TABLE group_member (group_id {integer} NOT NULL, member_id {integer} NOT NULL, position {integer} NOT
    NULL, PRIMARY KEY (group_id, member_id)){compact};
CREATE INDEX ix_group_member_member_id ON group_member (member_id);
CREATE TABLE principal (id {integer} NOT NULL, guid {octets} NOT NULL, dn TEXT NOT NULL, dn_key {key} NOT NULL,
    legacy_dn TEXT NOT NULL, kind SMALLINT NOT NULL, account TEXT NOT NULL, account_key {key}, address TEXT NOT
    NULL, aliases TEXT NOT NULL, display_name TEXT NOT NULL, sort_key {key} NOT NULL, enabled SMALLINT NOT NULL,
    hidden SMALLINT NOT NULL, mailbox_id {integer}, shard TEXT NOT NULL, attributes TEXT NOT NULL, created
    {integer} NOT NULL, changed {integer} NOT NULL, PRIMARY KEY (id), UNIQUE (guid), UNIQUE (dn_key), UNIQUE
    (account_key), UNIQUE (mailbox_id));
CREATE INDEX principal_by_sort ON principal (sort_key, id);
CREATE TABLE proxy_address (address_key {key} NOT NULL, principal_id {integer} NOT NULL, PRIMARY KEY
    (address_key)){compact};
CREATE INDEX ix_proxy_address_principal_id ON proxy_address (principal_id);
CREATE TABLE value_index (attribute {key} NOT NULL, value {key} NOT NULL, principal_id {integer} NOT NULL,
    PRIMARY KEY (attribute, value, principal_id)){compact};
CREATE INDEX ix_value_index_principal_id ON value_index (principal_id);
"""
"""Every statement by which version 1 made its tables; it stays as it is."""

WORDS = {
    "sqlite": {"integer": "INTEGER", "octets": "BLOB", "compact": " WITHOUT ROWID", "key": "TEXT"},
    "postgresql": {"integer": "BIGINT", "octets": "BYTEA", "compact": "", "key": 'TEXT COLLATE "C"'},
}

PHC = CHEAP.hash("secret")

ROWS = f"""
INSERT INTO directory_meta VALUES ('schema', 1), ('generation', 7), ('next_principal', 2), ('next_mailbox', 2);
INSERT INTO principal VALUES (1, {{guid}}, 'CN=Alice,OU=People,DC=example,DC=test',
    'cn=alice,ou=people,dc=example,dc=test', '/o=oxgate/cn=alice', 0, 'alice', 'alice', 'alice@example.test', '[]',
    'Alice', 'alice', 1, 0, 1, '', '{{{{}}}}', 1700000000, 1700000000);
INSERT INTO proxy_address VALUES ('alice@example.test', 1);
INSERT INTO credential VALUES (1, '{PHC}', 1700000000);
"""


def write_version_1(location: Path | str) -> None:
    kind = "sqlite" if isinstance(location, Path) else "postgresql"
    guid = {"sqlite": f"x'{bytes(range(16)).hex()}'", "postgresql": f"'\\x{bytes(range(16)).hex()}'"}[kind]
    script = VERSION_1.format_map(WORDS[kind]) + ROWS.format(guid=guid)
    if isinstance(location, Path):
        with sqlite3.connect(location) as connection:
            connection.executescript(script)
        connection.close()
    else:
        with psycopg.connect(location) as server:
            server.execute(script.encode())


@pytest.fixture
def old(location) -> Path | str:
    write_version_1(location)
    return location


def open_it(location: Path | str, key: Path | None = None) -> SqlDirectory:
    return SqlDirectory(location, domains=DOMAINS, hasher=CHEAP, recheck=0, key=key)


def test_a_directory_of_version_1_is_upgraded_with_all_that_is_in_it(old, tmp_path):
    directory = open_it(old, tmp_path / KEY_FILE)
    alice = directory.by_address("alice@example.test")
    assert alice.id == 1
    assert directory.verify_password(1, "secret")
    assert directory.scram_secret(1) is None
    assert directory.app_passwords(1) == []
    assert directory.signin_rules() == []
    assert directory.ensure_key()
    directory.enable_nt_hash(1)
    assert directory.fill_secrets(1, "secret")
    assert directory.nt_hash(1) is not None
    assert directory.scram_secret(1) is not None
    made, secret = directory.add_app_password(1, "phone")
    assert made.number == 1
    assert directory.verify_app_password(1, secret, "imap", address="192.0.2.1").number == 1
    assert directory.add_signin_rule(1, "NTLMv1", allow=True).number == 1
    directory.close()
    again = open_it(old, tmp_path / KEY_FILE)
    assert [one.label for one in again.app_passwords(1)] == ["phone"]
    assert again._database.generation() > 7
    again.close()


def test_upgraded_tables_are_those_of_a_new_directory(old, tmp_path, request):
    open_it(old).close()
    upgraded = described(old)
    if isinstance(old, Path):
        open_it(tmp_path / "new.sqlite").close()
        fresh = described(tmp_path / "new.sqlite")
    else:
        server: postgres.Server = request.getfixturevalue("postgres_server")
        with server.schema() as url:
            open_it(url).close()
            fresh = described(url)
    assert set(upgraded) == {table.name for table in schema.metadata.sorted_tables}
    assert upgraded == fresh


def described(location: Path | str) -> dict[str, object]:
    """Give columns, keys and indexes of every table, and the names of the counters."""
    if isinstance(location, Path):
        engine = sqlalchemy.create_engine(f"sqlite:///{location}")
    else:
        engine = sqlalchemy.create_engine(sqlalchemy.make_url(location).set(drivername="postgresql+psycopg"))
    found: dict[str, object] = {}
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        for name in inspector.get_table_names():
            columns = {
                one["name"]: (repr(one["type"]), one["nullable"], one["default"]) for one in inspector.get_columns(name)
            }
            unique = sorted(tuple(one["column_names"]) for one in inspector.get_unique_constraints(name))
            indexes = sorted((str(one["name"]), tuple(one["column_names"])) for one in inspector.get_indexes(name))
            found[name] = (columns, inspector.get_pk_constraint(name)["constrained_columns"], unique, indexes)
        if isinstance(location, Path):
            statement = "SELECT name, instr(sql, 'WITHOUT ROWID') > 0 FROM sqlite_master WHERE type = 'table'"
            for name, compact in connection.exec_driver_sql(statement):
                found[name] = (found[name], compact)
        counters = set(connection.execute(sqlalchemy.select(schema.meta.c.name)).scalars())
        assert counters == {"schema", *schema.START}
    engine.dispose()
    return found


def test_several_processes_may_upgrade_at_once(old):
    problems: list[Exception] = []
    opened: list[SqlDirectory] = []

    def upgrade() -> None:
        try:
            opened.append(open_it(old))
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert problems == []
    for directory in opened:
        assert directory.by_id(1) is not None
        directory.close()


def test_a_failed_upgrade_leaves_version_1_as_it_was(old, monkeypatch):
    monkeypatch.setattr(schema, "STEPS", {2: (*schema.STEPS[2], "CREATE TABLE secret (nonsense {integer})")})
    with pytest.raises(Exception, match="secret"):
        open_it(old)
    monkeypatch.undo()
    directory = open_it(old)
    assert directory.verify_password(1, "secret")
    directory.close()
