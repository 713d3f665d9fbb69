"""Directory and store as the settings name them: for the server and for the command line, which must agree."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from config.settings import Settings
from directory.credentials import Hasher
from directory.model import Principal
from directory.provider import DirectoryProvider
from directory.sql import SqlDirectory
from gateway.services.reading import MailReader
from store.changes import Touched
from store.errors import AlreadyExists
from store.ids import MailboxKind, MailboxRef
from store.reading import MimeReader
from store.store import Store, StoreSettings


def open_directory(settings: Settings) -> SqlDirectory:
    """Open the directory that the settings name. Raises ProviderError."""
    cost = settings.directory
    return SqlDirectory(
        settings.directory_location,
        domains=settings.general.domains,
        hasher=Hasher(memory=cost.argon2_memory, passes=cost.argon2_time, lanes=cost.argon2_lanes),
        remember=settings.auth.cache,
        key=settings.secrets_key,
    )


def make_reader(settings: Settings, directory: DirectoryProvider) -> MailReader:
    """Make the store's reader of delivered mail, which asks the directory."""
    return MailReader(directory, zone=settings.general.time_zone)


def open_store(settings: Settings, *, reader: MimeReader, publish: Callable[[Touched], None]) -> Store:
    """Open the store that the settings name. Raises StoreError."""
    return Store(
        StoreSettings(
            root=settings.general.data,
            url=settings.store.url or None,
            max_open=settings.store.max_open,
            max_message=settings.limits.message_size,
            text_index=settings.search.index,
            index_after=settings.search.index_after,
            index_unused=settings.search.index_unused * 86_400.0,
        ),
        publish=publish,
        reader=reader,
    )


def make_mailbox(settings: Settings, store: Store, owner: Principal) -> None:
    """Make the mailbox of an entry, with the quotas of the settings, unless it has one. Raises StoreError."""
    if owner.mailbox_id is None:
        return
    ref = MailboxRef(owner.mailbox_id, owner.guid, owner.shard)
    if store.exists(ref):
        return
    with contextlib.suppress(AlreadyExists):  # another worker was quicker
        store.create(ref, MailboxKind(owner.kind), owner=owner.address)
    given = settings.store
    if given.quota_warn or given.quota_send or given.quota_receive:
        store.open(ref).set_quota(
            warn=given.quota_warn or None, send=given.quota_send or None, receive=given.quota_receive or None
        )
