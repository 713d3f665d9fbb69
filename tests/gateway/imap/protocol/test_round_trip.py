"""What a client writes is what the parser reads, however the octets arrive ([RFC3501] 4.1 to 4.5, 9).

With the grammars of the extensions: [RFC2177] 4, [RFC2342] 6, [RFC2971] 4, [RFC3691] 4, [RFC4315] 4, [RFC4959] 7,
[RFC4978] 5, [RFC5161] 4, [RFC5465] 8, [RFC6154] 6, [RFC6851] 5, [RFC7162] 7, [RFC7888] 8, [RFC8437] 6.
"""

from __future__ import annotations

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.imap.protocol import acl_types as at
from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import message_types as mt
from gateway.imap.protocol import metadata_types as et
from gateway.imap.protocol import notify_types as nt
from gateway.imap.protocol import quota_types as qt
from gateway.imap.protocol import search_types as se
from gateway.imap.protocol import types as t
from gateway.imap.protocol.framing import LIMITS, Frame, Framing, LiteralWanted
from gateway.imap.protocol.parser import parse
from gateway.imap.protocol.writer import astring
from tests.support.examples import examples
from tests.support.imap_encoder import Encoder

numbers = st.one_of(st.integers(1, 50), st.integers(1, 0xFFFFFFFF))
limits = st.one_of(numbers, st.just(t.STAR))
sets = st.lists(st.one_of(limits.map(lambda n: (n, n)), st.tuples(limits, limits)), min_size=1, max_size=6).map(
    lambda ranges: t.SequenceSet(tuple(ranges))
)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
modseqs = st.integers(1, 2**63 - 1)
tags = st.from_regex(rb"[A-Za-z0-9.\[\]!#]{1,12}", fullmatch=True)
system_flags = st.sampled_from(("\\Seen", "\\Answered", "\\Deleted", "\\Flagged", "\\Draft"))
keywords = st.from_regex(r"[$A-Za-z][A-Za-z0-9_.:-]{0,12}", fullmatch=True)
flags = st.lists(st.one_of(system_flags, keywords), max_size=5, unique=True).map(tuple)


def spelled(name: str) -> str:
    """INBOX as the parser spells it."""
    if name[:5].isascii() and name[:5].upper() == "INBOX" and name[5:6] in ("", "/"):
        return "INBOX" + name[5:]
    return name


mailboxes = st.one_of(
    st.sampled_from(("INBOX", "INBOX/Näme", "Sent Items", "a&b", "Entwürfe/日本語", "NIL", '"quoted\\"')),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=12).map(spelled),
).map(t.MailboxName)
patterns = st.one_of(st.sampled_from(("%", "*", "INBOX/%", "*/Ä%")).map(t.MailboxName), mailboxes)

fields = st.lists(
    st.from_regex(rb"[A-Z!#$%&'*+.^_`|~\"\\(){\]-]{1,10}", fullmatch=True), min_size=1, max_size=4, unique=True
)


@st.composite
def body_sections(draw: st.DrawFn) -> ft.BodySection:
    part = tuple(draw(st.lists(st.integers(1, 99), max_size=4)))
    kind = draw(st.sampled_from([kind for kind in ft.SectionKind if part or kind is not ft.SectionKind.MIME]))
    names = tuple(draw(fields)) if kind.value.startswith(b"HEADER.FIELDS") else ()
    partial = draw(st.none() | st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1)))
    label = b"BODY[" + b".".join(b"%d" % number for number in part)
    if kind.value:
        label += (b"." if part else b"") + kind.value
    if names:
        label += b" (" + b" ".join(map(astring, names)) + b")"
    label += b"]" + (b"" if partial is None else b"<%d>" % partial[0])
    return ft.BodySection(ft.Section(part, kind, names), draw(st.booleans()), partial, label)


@st.composite
def binary_items(draw: st.DrawFn) -> ft.FetchItem:
    part = tuple(draw(st.lists(st.integers(1, 99), max_size=4)))
    text = b".".join(b"%d" % number for number in part)
    if draw(st.booleans()):
        return ft.BinarySize(part, b"BINARY.SIZE[%b]" % text)
    partial = draw(st.none() | st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1)))
    label = b"BINARY[%b]" % text + (b"" if partial is None else b"<%d>" % partial[0])
    return ft.BinarySection(part, draw(st.booleans()), partial, label)


@st.composite
def messages(draw: st.DrawFn) -> mt.NewMessage:
    given = draw(flags), draw(st.none() | seconds)
    texts = st.binary(max_size=200)
    kind = draw(st.sampled_from(("literal", "literal8", "utf8", "catenate")))
    if kind == "catenate":
        urls = st.from_regex(rb"[!-~]{1,20}", fullmatch=True).map(mt.UrlPart)
        parts = draw(st.lists(texts | urls, min_size=1, max_size=4).map(tuple))
        return mt.NewMessage(*given, parts, catenate=True)
    return mt.NewMessage(*given, (draw(texts),), binary=kind != "literal", utf8=kind == "utf8")


rfc822 = st.sampled_from(
    (
        ft.BodySection(ft.Section(), False, None, b"RFC822"),
        ft.BodySection(ft.Section((), ft.SectionKind.HEADER), True, None, b"RFC822.HEADER"),
        ft.BodySection(ft.Section((), ft.SectionKind.TEXT), False, None, b"RFC822.TEXT"),
    )
)


@st.composite
def fetches(draw: st.DrawFn) -> ft.Fetch:
    items = draw(
        st.lists(
            st.one_of(
                st.sampled_from(ft.FetchAttribute),
                body_sections(),
                binary_items(),
                rfc822,
                st.builds(ft.Preview, st.booleans(), st.booleans()),
            ),
            min_size=1,
            max_size=6,
            unique=True,
        )
    )
    uid = draw(st.booleans())
    since = draw(st.none() | modseqs)
    if uid and ft.FetchAttribute.UID not in items:
        items.insert(0, ft.FetchAttribute.UID)
    if since is not None and ft.FetchAttribute.MODSEQ not in items:
        items.append(ft.FetchAttribute.MODSEQ)
    vanished = uid and since is not None and draw(st.booleans())
    last = st.integers(1, 2**32 - 1)
    window = draw(st.none() | st.tuples(last, last).map(sorted).map(tuple))
    if window is not None and draw(st.booleans()):
        window = -window[0], -window[1]
    return ft.Fetch(draw(sets), tuple(items), uid, since, vanished, window)


known = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4).map(lambda pairs: t.SequenceSet(tuple(pairs)))
resyncs = st.builds(bt.Resync, numbers, modseqs, st.none() | known, st.none() | st.tuples(known, known))


@st.composite
def event_groups(draw: st.DrawFn) -> nt.EventGroup:
    scope = draw(st.sampled_from(nt.Scope))
    named = scope in (nt.Scope.SUBTREE, nt.Scope.MAILBOXES)
    events = draw(st.lists(st.sampled_from(("MESSAGENEW", "MESSAGEEXPUNGE", "X-OTHER")), max_size=3, unique=True))
    items: list[ft.FetchItem] = []
    if "MESSAGENEW" in events and scope in (nt.Scope.SELECTED, nt.Scope.SELECTED_DELAYED):
        items = draw(st.lists(st.sampled_from(ft.FetchAttribute) | body_sections(), max_size=3, unique=True))
    names = draw(st.lists(mailboxes, min_size=1, max_size=3)) if named else []
    return nt.EventGroup(scope, tuple(events), tuple(names), tuple(items))


leaves = st.one_of(
    st.just(se.All()),
    st.builds(se.SequenceKey, sets),
    st.builds(se.UidKey, sets),
    st.builds(se.FlagKey, st.one_of(system_flags, keywords), st.booleans()),
    st.builds(se.RecentKey, st.booleans()),
    st.builds(se.DateKey, st.sampled_from(se.DateRelation), st.dates(), st.booleans()),
    st.builds(se.EnvelopeKey, st.sampled_from(("FROM", "TO", "CC", "BCC", "SUBJECT")), texts),
    st.builds(se.HeaderKey, st.from_regex(r"[A-Za-z-]{1,10}", fullmatch=True), texts),
    st.builds(se.TextKey, texts, st.booleans()),
    st.builds(se.SizeKey, st.integers(0, 2**32 - 1), st.booleans()),
    st.builds(se.ModSeqKey, st.integers(0, 2**63 - 1)),
    st.builds(
        se.ModSeqKey, st.integers(0, 2**63 - 1), st.just("/flags/\\Seen"), st.sampled_from(("priv", "shared", "all"))
    ),
)
keys = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(se.Not, inner),
        st.builds(se.Or, inner, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda several: se.And(tuple(several))),
    ),
    max_leaves=8,
)


def names_modseq(key: se.SearchKey) -> bool:
    match key:
        case se.And(inner):
            return any(map(names_modseq, inner))
        case se.Or(left, right):
            return names_modseq(left) or names_modseq(right)
        case se.Not(inner):
            return names_modseq(inner)
    return isinstance(key, se.ModSeqKey)


searches = st.builds(
    lambda key, uid, charset: se.Search(key, uid, charset, names_modseq(key)),
    keys,
    st.booleans(),
    st.sampled_from((None, "UTF-8", "utf-8")),
)
seconds = st.integers(-2_000_000_000, 100_000_000_000)
options = st.sampled_from(
    (bt.ListOption.SUBSCRIBED, bt.ListOption.CHILDREN, bt.ListOption.SPECIAL_USE, bt.ListOption.MYRIGHTS)
)
entries = st.from_regex(r"/(private|shared)(/[a-z .]{1,6}){0,3}", fullmatch=True)
identifiers = st.text("abc@.-:é ", min_size=1, max_size=12)
arguments = st.one_of(
    st.builds(t.Login, texts, texts).map(lambda args: ("LOGIN", args)),
    st.builds(t.Authenticate, st.sampled_from(("PLAIN", "NTLM")), st.sampled_from((None, b"=", b"YWJj", b"YQ=="))).map(
        lambda args: ("AUTHENTICATE", args)
    ),
    st.builds(
        t.Id,
        st.none()
        | st.lists(st.tuples(st.from_regex(r"[a-z-]{1,10}", fullmatch=True), st.none() | texts), max_size=4).map(tuple),
    ).map(lambda args: ("ID", args)),
    st.lists(event_groups(), max_size=3)
    .map(tuple)
    .flatmap(lambda groups: st.builds(nt.Notify, st.just(groups), st.booleans() if groups else st.just(False)))
    .map(lambda args: ("NOTIFY", args)),
    st.builds(t.Compress, st.just("DEFLATE")).map(lambda args: ("COMPRESS", args)),
    st.builds(
        t.Enable, st.lists(st.sampled_from(("CONDSTORE", "QRESYNC", "X-GOOD-IDEA")), min_size=1, max_size=3).map(tuple)
    ).map(lambda args: ("ENABLE", args)),
    st.builds(bt.Select, mailboxes, st.booleans(), st.booleans(), st.none() | resyncs).map(
        lambda args: ("EXAMINE" if args.read_only else "SELECT", args)
    ),
    st.tuples(st.sampled_from(("DELETE", "SUBSCRIBE", "UNSUBSCRIBE")), st.builds(bt.OneMailbox, mailboxes)),
    st.builds(bt.Create, mailboxes, st.sampled_from(((), ("\\Sent",), ("\\Drafts", "\\Junk")))).map(
        lambda args: ("CREATE", args)
    ),
    st.builds(bt.Rename, mailboxes, mailboxes).map(lambda args: ("RENAME", args)),
    st.builds(
        bt.List,
        mailboxes,
        st.lists(patterns, min_size=1, max_size=3).map(tuple),
        st.just(False),
        st.frozensets(st.sampled_from((bt.ListOption.SUBSCRIBED, bt.ListOption.SPECIAL_USE, bt.ListOption.REMOTE))),
        st.frozensets(options),
        st.just(True),
        st.lists(st.sampled_from(bt.StatusItem), max_size=3, unique=True).map(tuple),
        st.lists(entries, max_size=2, unique=True).map(tuple),
    ).map(lambda args: ("LIST", args)),
    st.builds(bt.List, mailboxes, patterns.map(lambda pattern: (pattern,))).map(lambda args: ("LIST", args)),
    st.tuples(st.sampled_from(("GETACL", "MYRIGHTS")), st.builds(at.Acl, mailboxes)),
    st.tuples(st.sampled_from(("DELETEACL", "LISTRIGHTS")), st.builds(at.Identified, mailboxes, identifiers)),
    st.builds(
        at.SetAcl, mailboxes, identifiers, st.sampled_from(at.RightsChange), st.text("lrswipkxteacd", max_size=5)
    ).map(lambda args: ("SETACL", args)),
    st.builds(qt.GetQuota, identifiers).map(lambda args: ("GETQUOTA", args)),
    st.builds(qt.GetQuotaRoot, mailboxes).map(lambda args: ("GETQUOTAROOT", args)),
    st.builds(
        qt.SetQuota,
        identifiers,
        st.lists(st.builds(qt.Resource, st.sampled_from(("STORAGE", "MESSAGE")), modseqs), max_size=2).map(tuple),
    ).map(lambda args: ("SETQUOTA", args)),
    st.builds(
        et.GetMetadata,
        mailboxes,
        st.lists(entries, min_size=1, max_size=3, unique=True).map(tuple),
        st.none() | numbers,
        st.sampled_from((0, 1, et.INFINITY)),
    ).map(lambda args: ("GETMETADATA", args)),
    st.builds(
        et.SetMetadata,
        mailboxes,
        st.lists(st.builds(et.EntryValue, entries, st.none() | st.binary(max_size=20)), min_size=1, max_size=3).map(
            tuple
        ),
    ).map(lambda args: ("SETMETADATA", args)),
    st.builds(bt.List, mailboxes, patterns.map(lambda pattern: (pattern,)), st.just(True)).map(
        lambda args: ("LSUB", args)
    ),
    st.builds(bt.Status, mailboxes, st.lists(st.sampled_from(bt.StatusItem), min_size=1, unique=True).map(tuple)).map(
        lambda args: ("STATUS", args)
    ),
    st.builds(mt.Append, mailboxes, st.lists(messages(), min_size=1, max_size=3).map(tuple)).map(
        lambda args: ("APPEND", args)
    ),
    st.builds(mt.Replace, limits, mailboxes, messages(), st.booleans()).map(lambda args: ("REPLACE", args)),
    fetches().map(lambda args: ("FETCH", args)),
    searches.map(lambda args: ("SEARCH", args)),
    st.builds(
        mt.Store, sets, st.sampled_from(mt.StoreAction), flags, st.booleans(), st.none() | modseqs, st.booleans()
    ).map(lambda args: ("STORE", args)),
    st.builds(mt.Copy, sets, mailboxes, st.booleans()).map(lambda args: ("COPY", args)),
    st.builds(mt.Move, sets, mailboxes, st.booleans()).map(lambda args: ("MOVE", args)),
    st.builds(mt.UidExpunge, sets).map(lambda args: ("UID EXPUNGE", args)),
    st.sampled_from(
        [
            "CAPABILITY",
            "NOOP",
            "UNAUTHENTICATE",
            "LOGOUT",
            "STARTTLS",
            "CHECK",
            "CLOSE",
            "EXPUNGE",
            "UNSELECT",
            "IDLE",
            "NAMESPACE",
        ]
    ).map(lambda name: (name, t.NO_ARGUMENTS)),
)
commands = st.builds(lambda tag, pair: t.Command(tag, *pair), tags, arguments)


def pull_frames(framing: Framing) -> list[Frame]:
    """Every command that is there; leave is given to every literal."""
    frames = []
    while (event := framing.pull()) is not None:
        if not isinstance(event, LiteralWanted):
            assert isinstance(event, Frame), event
            frames.append(event)
    return frames


@given(commands, st.integers(0, 2**32))
@settings(max_examples=examples(120))
def test_a_command_is_read_as_it_was_written(command: t.Command, seed: int) -> None:
    framing = Framing(LIMITS)
    framing.feed(Encoder(seed).command(command))
    frames = pull_frames(framing)
    assert len(frames) == 1
    assert parse(frames[0]) == command


@given(st.lists(commands, min_size=1, max_size=4), st.integers(0, 2**32), st.data())
@settings(max_examples=examples(60))
def test_any_split_of_the_octets_gives_the_same_commands(
    expected: list[t.Command], seed: int, data: st.DataObject
) -> None:
    encoder = Encoder(seed)
    octets = b"".join(map(encoder.command, expected))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(octets)), max_size=12)))
    framing = Framing(LIMITS)
    found = []
    for start, stop in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        framing.feed(octets[start:stop])
        found += pull_frames(framing)
    assert [parse(frame) for frame in found] == expected
    assert framing.idle
    assert framing.buffered == 0


@given(st.dates(dt.date(1970, 1, 1)))
def test_dates_are_read_whatever_the_day(date: dt.date) -> None:
    """[RFC3501] 9 `date`."""
    key = se.DateKey(se.DateRelation.ON, date, sent=True)
    framing = Framing(LIMITS)
    framing.feed(Encoder(0).command(t.Command(b"a", "SEARCH", se.Search(key))))
    assert parse(pull_frames(framing)[0]).args == se.Search(key)
