"""Messages whose headers are not ASCII, for clients that have not enabled UTF-8 ([RFC6855] 7, 8).

Of an internationalised message, one with addresses that are not ASCII, such a client gets a surrogate ([RFC6858]): what
it fetches of headers, ENVELOPE and BODYSTRUCTURE is in ASCII, by conversion.mime.downgrade; bodies keep their octets.
The message that is kept does not change, and RFC822.SIZE is its size, which [RFC6858] 3 allows. Any other message is
sent as it came, byte for byte, whatever octets its headers hold. A client that enables UTF8=ACCEPT or IMAP4rev2 sees
every message as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from conversion.mime.bodystructure import bodystructure
from conversion.mime.downgrade import needs_utf8, surrogate, surrogate_header
from conversion.mime.envelope import envelope
from conversion.mime.headers import header_end
from conversion.mime.parts import DEFAULT_LIMITS
from conversion.mime.structure import Structure, scan
from gateway.imap.commands import sections
from store.errors import NotFound
from store.mailbox import Mailbox


def message(raw: bytes, structure: Structure | None) -> tuple[bytes, Structure | None]:
    """A message as such a client sees it, and its parts; the same objects where nothing is to do."""
    if raw.isascii() or not needs_utf8(raw[: header_end(raw)]):
        return raw, structure
    made = surrogate(raw, scan(raw) if structure is None else structure)
    return (raw, structure) if made is raw else (made, scan(made))


def headers(blocks: Sequence[bytes]) -> Sequence[bytes]:
    """Blocks of common header fields, the addresses among them, as such a client sees them."""
    if all(map(bytes.isascii, blocks)):
        return blocks
    return [surrogate_header(block) if needs_utf8(block) else block for block in blocks]


def are_plain(envelopes: Sequence[bytes], structures: Sequence[bytes]) -> bool:
    """Whether the stored ENVELOPEs and BODYSTRUCTUREs are fit for such a client as they are."""
    return all(map(bytes.isascii, envelopes)) and all(map(bytes.isascii, structures))


def metadata(
    mailbox: Mailbox, item_ids: Sequence[int], envelopes: Sequence[bytes], structures: Sequence[bytes]
) -> tuple[list[bytes], list[bytes]]:
    """ENVELOPEs and BODYSTRUCTUREs as such a client sees them. Long work: it reads the messages. Raises Unavailable."""
    made = [
        (written, body) if written.isascii() and body.isascii() else _metadata(mailbox, item_id, written, body)
        for item_id, written, body in zip(item_ids, envelopes, structures, strict=True)
    ]
    return [one[0] for one in made], [one[1] for one in made]


def _metadata(mailbox: Mailbox, item_id: int, written: bytes, body: bytes) -> tuple[bytes, bytes]:
    try:
        raw = mailbox.raw(item_id)
        found = sections.table_of(mailbox.parts(item_id), raw)
    except NotFound:
        return written, body  # gone since; the next update says so
    made, structure = message(raw, found)
    if made is raw:
        return written, body
    assert structure is not None
    return envelope(made, structure), bodystructure(made, structure)


def is_needed(mailbox: Mailbox, item_id: int) -> bool:
    """Whether a long message is internationalised. Raises NotFound, Unavailable."""
    structure = sections.table_of(mailbox.parts(item_id), None)
    if structure is None:
        structure = scan(mailbox.raw(item_id))
    return needs_utf8(mailbox.raw(item_id, 0, min(structure.root.body_start, DEFAULT_LIMITS.header_bytes)))
