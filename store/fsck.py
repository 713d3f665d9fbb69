"""Checking a mailbox, and mending it: the ten invariants of the store (docs/architecture.md, the write path).

     1  a row never names content that is not durable                    checks.content
     2  folder counters equal a recount                                  checks.counters
     3  modseq = max(cn, read_cn, …) <= folder.modseq < next_cn          checks.log
     4  uid < uidnext < 2^32, never reused under one UIDVALIDITY         checks.log
     5  identifiers and change numbers are never reused                  checks.log
     6  whatever vanished above the expunge floor has a tombstone        checks.log
     7  every item is placed, every content is referred to               checks.placements, checks.content
     8  the database itself is sound and syncs its commits               checks.database
     9  a restored mailbox begins a new epoch                            store.epoch makes it so; nothing tells it later
    10  UIDVALIDITY only grows                                           checks.folders

Checks run from the ground up: the database, the folder tree, placements, content, the change log, and the counters
last, so that what is mended early is counted right later. A repair is one transaction. It never removes mail: items
that no folder shows are shown again in a folder of their own.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Final

from store.blob import BlobStore
from store.checks import content, counters, database, folders, log, placements
from store.engine import Shard, Work
from store.errors import Unavailable
from store.findings import Check, Fault, Finding, Subject

__all__ = ["CHECKS", "Finding", "check"]

DATABASE_CHECKS: Final[tuple[Check, ...]] = (database.integrity, database.tables, database.durability)
CHECKS: Final[tuple[Check, ...]] = (
    *(folders.specials, folders.parents, folders.uidvalidities, folders.leftovers),
    *(placements.folderless, placements.itemless, placements.unplaced, placements.unknown_keywords),
    *(content.missing, content.files, content.references, content.strays, content.leftover_previews, content.bags),
    *(content.leftover_origins,),
    *(log.identifiers, log.reused, log.uids, log.shared_change_numbers, log.modseqs, log.tombstones),
    *(counters.sizes, counters.folders, counters.mailbox_size),
)


def check(shard: Shard, blobs: BlobStore, *, repair: bool = False, thorough: bool = False) -> list[Finding]:
    """Check a mailbox; return what is wrong, worst ground first. None is a clean mailbox.

    With `repair` what can be mended is, in one transaction under the mailbox's lock, and its findings say so. With
    `thorough` all content is read and verified too. Raises NotFound, Unavailable.
    """
    faults = _database(shard, blobs, thorough)
    findings = [fault.finding for fault in faults]
    if any(finding.lossy for finding in findings):
        return findings  # what a damaged database says of anything else is worth nothing
    if not repair:
        if any(fault.mend is not None for fault in faults):
            return findings  # the other checks would read tables that are not there
        with shard.snapshot() as db:
            subject = Subject(db, blobs, thorough)
            return findings + [fault.finding for one in CHECKS for fault in one(subject)]
    with shard.write() as work:
        subject = Subject(work, blobs, thorough)
        findings = [_mended(work, fault) for fault in faults]
        for one in CHECKS:
            findings += [_mended(work, fault) for fault in list(one(subject))]
    return findings


def _mended(work: Work, fault: Fault) -> Finding:
    """Mend what can be mended; return the finding, which says so."""
    if fault.mend is not None:
        fault.mend(work)
    return replace(fault.finding, repaired=fault.mend is not None)


def _database(shard: Shard, blobs: BlobStore, thorough: bool) -> list[Fault]:
    try:
        with shard.read() as db:
            subject = Subject(db, blobs, thorough)
            return [fault for one in DATABASE_CHECKS for fault in one(subject)]
    except Unavailable as error:
        if not isinstance(error.__cause__, sqlite3.DatabaseError) or isinstance(
            error.__cause__, sqlite3.OperationalError
        ):
            raise
        return [Fault(database.damaged(str(error.__cause__)))]
