"""The rows of the command table about searching."""

from __future__ import annotations

from gateway.imap.commands import comparator, contexts, multisearch, search, sort
from gateway.imap.commands.command import LOGGED_IN, Command
from gateway.imap.protocol import search_types as st
from gateway.imap.state import State

ROWS: tuple[Command, ...] = (
    Command(
        "SEARCH",
        State.SELECTED,
        st.Search,
        search.search,
        ("[RFC3501] 6.4.4", "[RFC3501] 6.4.8", "[RFC7162] 3.1.5", "[RFC4731] 3.1", "[RFC5182] 2.1", "[RFC9394] 3.1"),
        "ESEARCH SEARCHRES WITHIN INPROGRESS PARTIAL",
        uses_sequence_numbers=True,
    ),
    Command(
        "SORT",
        State.SELECTED,
        st.Sort,
        sort.sort,
        ("[RFC5256] 3", "[RFC5267] 3", "[RFC5957] 4", "[RFC7162] 3.1.9"),
        "SORT SORT=DISPLAY ESORT",
        uses_sequence_numbers=True,
    ),
    Command(
        "THREAD",
        State.SELECTED,
        st.Thread,
        sort.thread,
        ("[RFC5256] 3",),
        "THREAD=ORDEREDSUBJECT THREAD=REFERENCES",
        uses_sequence_numbers=True,
    ),
    Command(
        "CANCELUPDATE",
        State.SELECTED,
        st.CancelUpdate,
        contexts.cancel,
        ("[RFC5267] 4.3.5",),
        "CONTEXT=SEARCH CONTEXT=SORT",
    ),
    Command(
        "ESEARCH",
        LOGGED_IN,
        st.MultiSearch,
        multisearch.esearch,
        ("[RFC7377] 2",),
        "MULTISEARCH",
        uses_sequence_numbers=True,
    ),
    Command("COMPARATOR", LOGGED_IN, st.Comparator, comparator.comparator, ("[RFC5255] 4.7",), "I18NLEVEL=2"),
)
