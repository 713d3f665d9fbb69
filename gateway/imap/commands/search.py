"""SEARCH and UID SEARCH ([RFC3501] 6.4.4, [RFC3501] 6.4.8, [RFC7162] 3.1.5, [RFC4731] 3.1).

The keys become one restriction (gateway.imap.commands.criteria). A search that reads texts runs in a thread, so that
other connections go on.
"""

from __future__ import annotations

from gateway.imap.commands import contexts
from gateway.imap.commands.messagelimit import Limit
from gateway.imap.commands.results import answer, find, has_gone, highest_modseq, numbers_of
from gateway.imap.errors import Reply, ok
from gateway.imap.protocol import search_responses as responses
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import writer
from gateway.imap.session import Session

_ALL = st.Returns(all=True)


async def search(session: Session, args: st.Search) -> Reply:
    """SEARCH: one untagged SEARCH, also when nothing was found ([RFC3501] 7.2.5).

    With RETURN, and always for a client that has enabled IMAP4rev2, it is an ESEARCH ([RFC4731] 3.1, [RFC9051] 6.4.4).
    Of more messages than one command may touch the newest are searched ([RFC9738] 3.1), and `$` is of these alone
    ([RFC9738] 3.4).
    """
    contexts.check_tag(session, args.returns)
    limit = Limit(session)
    uids = await find(session, args, limit=limit)
    numbers = numbers_of(session.folder_selected, uids, uid=args.uid)
    returns = args.returns or (_ALL if session.rev2 else None)
    if returns is not None:
        await answer(session, args, returns, uids, numbers)
        if not limit.last:
            await contexts.follow(session, args, uids)
        elif returns.update:  # results that are not all of them cannot be kept up to date ([RFC5267] 4.3.1)
            session.send(responses.noupdate(session.tag))
    else:
        modseq = await highest_modseq(session, uids) if args.modseq and uids else None
        session.send(writer.search_line(numbers, modseq))
    code = b"" if args.uid or not await has_gone(session) else b"EXPUNGEISSUED"
    return limit.conclude(ok(b"SEARCH completed.", code))
