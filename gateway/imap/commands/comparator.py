"""COMPARATOR: which comparator is active, and another one ([RFC5255] 4.7)."""

from __future__ import annotations

from gateway.imap.collation import BadComparator, choose
from gateway.imap.errors import Reply, bad, no, ok
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import writer
from gateway.imap.protocol.search_types import Comparator
from gateway.imap.session import Session


async def comparator(session: Session, args: Comparator) -> Reply:
    """COMPARATOR: with arguments the first that is known becomes the active one.

    All that match are listed if there are several ([RFC5255] 4.8); none at all is NO [BADCOMPARATOR] ([RFC5255] 4.9).
    """
    matching: list[str] = []
    if args.wanted:
        try:
            chosen, matching = choose(args.wanted)
        except BadComparator as error:
            raise bad(writer.text(str(error))) from error
        if chosen is None:
            raise no(b"There is no such comparator.", b"BADCOMPARATOR")
        session.comparator = chosen
    session.send(responses.comparator(session.comparator.selected, matching))
    return ok(b"COMPARATOR completed.")
