"""Writes parsed IMAP commands as a client would: the inverse of gateway.imap.protocol.parser, for the tests."""

from __future__ import annotations

import datetime as dt
import random
import re

from gateway.imap.protocol import acl_types as at
from gateway.imap.protocol import fetch_types as ft
from gateway.imap.protocol import mailbox_types as bt
from gateway.imap.protocol import message_types as mt
from gateway.imap.protocol import metadata_types as et
from gateway.imap.protocol import notify_types as nt
from gateway.imap.protocol import quota_types as qt
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from gateway.imap.protocol import utf7

ASTRING = re.compile(rb"[A-Za-z0-9!#$&',./:;<=>?@\[\]^_`|}~+\-]+")
QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

RETURNS = {
    b"MIN": "minimum",
    b"MAX": "maximum",
    b"ALL": "all",
    b"COUNT": "count",
    b"SAVE": "save",
    b"UPDATE": "update",
    b"CONTEXT": "context",
}


def write_set(numbers: t.SequenceSet) -> bytes:
    """Write a set of messages."""
    if numbers == t.SAVED:
        return b"$"
    return b",".join(
        _limit(first) if first == last else _limit(first) + b":" + _limit(last) for first, last in numbers.ranges
    )


def _limit(number: int) -> bytes:
    return b"%d" % number if number else b"*"


class Encoder:
    """Chooses at random between the spellings that the grammar leaves open."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)

    def case(self, text: bytes) -> bytes:
        return self.random.choice((text, text.lower(), text.title()))

    def literal(self, data: bytes) -> bytes:
        return b"{%d%b}\r\n%b" % (len(data), self.random.choice((b"", b"+")), data)

    def string(self, data: bytes) -> bytes:
        if QUOTABLE.fullmatch(data) and self.random.random() < 0.7:
            return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        return self.literal(data)

    def astring(self, data: bytes) -> bytes:
        if ASTRING.fullmatch(data) and self.random.random() < 0.5:
            return data
        return self.string(data)

    def mailbox(self, name: t.MailboxName) -> bytes:
        return self.astring(utf7.encode(name.value))

    def pattern(self, name: t.MailboxName) -> bytes:
        raw = utf7.encode(name.value)
        return raw if re.fullmatch(rb"[A-Za-z0-9%*/]+", raw) and self.random.random() < 0.5 else self.string(raw)

    def command(self, command: t.Command) -> bytes:
        args = command.args
        uid = b"UID " if getattr(args, "uid", False) and not isinstance(args, st.MultiSearch) else b""
        body = getattr(self, type(args).__name__.lower())(args)
        head = command.tag + b" " + self.case(uid + command.name.encode())
        return head + (b" " + body if body else b"") + b"\r\n"

    # --- one method for each type of arguments, by its name in lower case

    def noarguments(self, args: t.NoArguments) -> bytes:
        return b""

    def login(self, args: t.Login) -> bytes:
        return self.astring(args.user.encode()) + b" " + self.astring(args.password.encode())

    def authenticate(self, args: t.Authenticate) -> bytes:
        tail = b"" if args.initial_response is None else b" " + args.initial_response
        return self.case(args.mechanism.encode()) + tail

    def id(self, args: t.Id) -> bytes:
        if args.parameters is None:
            return self.case(b"NIL")
        pairs = [
            self.string(key.encode()) + b" " + (b"NIL" if value is None else self.string(value.encode()))
            for key, value in args.parameters
        ]
        return b"(" + b" ".join(pairs) + b")"

    def enable(self, args: t.Enable) -> bytes:
        return " ".join(args.capabilities).encode()

    def compress(self, args: t.Compress) -> bytes:
        return self.case(args.algorithm.encode())

    def notify(self, args: nt.Notify) -> bytes:
        if not args.groups:
            return self.case(b"NONE")
        return b" ".join([self.case(b"SET"), *([b"STATUS"] if args.status else []), *map(self._group, args.groups)])

    def _group(self, group: nt.EventGroup) -> bytes:
        names = [self.mailbox(name) for name in group.mailboxes]
        words = [self.case(group.scope.value)]
        if names:
            words.append(names[0] if len(names) == 1 else b"(" + b" ".join(names) + b")")
        events = [event.encode() for event in group.events]
        if group.items:
            at = events.index(b"MESSAGENEW")
            events[at] += b" (" + b" ".join(self.fetch_item(item) for item in group.items) + b")"
        words.append(b"(" + b" ".join(events) + b")" if events else self.case(b"NONE"))
        return b"(" + b" ".join(words) + b")"

    def select(self, args: bt.Select) -> bytes:
        given = [b"CONDSTORE"] if args.condstore else []
        if args.qresync is not None:
            known = [b"%d %d" % (args.qresync.uidvalidity, args.qresync.modseq)]
            if args.qresync.uids is not None:
                known.append(write_set(args.qresync.uids))
            if args.qresync.match is not None:
                known.append(b"(" + b" ".join(map(write_set, args.qresync.match)) + b")")
            given.append(b"QRESYNC (" + b" ".join(known) + b")")
        self.random.shuffle(given)
        return self.mailbox(args.mailbox) + (b" (" + b" ".join(given) + b")" if given else b"")

    def onemailbox(self, args: bt.OneMailbox) -> bytes:
        return self.mailbox(args.mailbox)

    def create(self, args: bt.Create) -> bytes:
        use = f" (USE ({' '.join(args.special_use)}))" if args.special_use else ""
        return self.mailbox(args.mailbox) + use.encode()

    def rename(self, args: bt.Rename) -> bytes:
        return self.mailbox(args.source) + b" " + self.mailbox(args.target)

    def list(self, args: bt.List) -> bytes:
        def options(chosen: frozenset[bt.ListOption]) -> bytes:
            return b"(" + b" ".join(sorted(option.value for option in chosen)) + b")"

        select = options(args.select) + b" " if args.select else b""
        patterns = [self.pattern(pattern) for pattern in args.patterns]
        joined = patterns[0] if len(patterns) == 1 else b"(" + b" ".join(patterns) + b")"
        wanted = sorted(option.value for option in args.returns)
        if args.status:
            wanted.insert(self.random.randrange(len(wanted) + 1), b"STATUS " + self.status_items(args.status))
        if args.metadata:
            wanted.append(b"METADATA (" + b" ".join(self.astring(name.encode()) for name in args.metadata) + b")")
        returns = b" RETURN (" + b" ".join(wanted) + b")" if wanted else b""
        if args.extended and not select and not returns and len(patterns) == 1:
            select = b"() "
        return select + self.mailbox(args.reference) + b" " + joined + returns

    def status_items(self, items: tuple[bt.StatusItem, ...]) -> bytes:
        return b"(" + b" ".join(item.value for item in items) + b")"

    def status(self, args: bt.Status) -> bytes:
        return self.mailbox(args.mailbox) + b" " + self.status_items(args.items)

    def acl(self, args: at.Acl) -> bytes:
        return self.mailbox(args.mailbox)

    def identified(self, args: at.Identified) -> bytes:
        return self.mailbox(args.mailbox) + b" " + self.astring(args.identifier.encode())

    def setacl(self, args: at.SetAcl) -> bytes:
        rights = self.astring(args.change.value + args.rights.encode())
        return self.mailbox(args.mailbox) + b" " + self.astring(args.identifier.encode()) + b" " + rights

    def getquota(self, args: qt.GetQuota) -> bytes:
        return self.astring(args.root.encode())

    def getquotaroot(self, args: qt.GetQuotaRoot) -> bytes:
        return self.mailbox(args.mailbox)

    def setquota(self, args: qt.SetQuota) -> bytes:
        limits = b" ".join(b"%b %d" % (self.case(name.encode()), limit) for name, limit in args.limits)
        return self.astring(args.root.encode()) + b" (" + limits + b")"

    def getmetadata(self, args: et.GetMetadata) -> bytes:
        options = []
        if args.max_size is not None:
            options.append(b"MAXSIZE %d" % args.max_size)
        if args.depth:
            options.append(b"DEPTH " + (b"infinity" if args.depth == et.INFINITY else b"%d" % args.depth))
        self.random.shuffle(options)
        before = b"(" + b" ".join(options) + b") " if options else b""
        names = [self.case(self.astring(name.encode())) for name in args.entries]
        joined = names[0] if len(names) == 1 and self.random.random() < 0.5 else b"(" + b" ".join(names) + b")"
        return before + self.mailbox(args.mailbox) + b" " + joined

    def setmetadata(self, args: et.SetMetadata) -> bytes:
        pairs = [self.astring(name.encode()) + b" " + self.entry_value(value) for name, value in args.entries]
        return self.mailbox(args.mailbox) + b" (" + b" ".join(pairs) + b")"

    def entry_value(self, value: bytes | None) -> bytes:
        if value is None:
            return self.case(b"NIL")
        return b"~" + self.literal(value) if b"\0" in value else self.string(value)

    def append(self, args: mt.Append) -> bytes:
        return b" ".join([self.mailbox(args.mailbox), *map(self.message, args.messages)])

    def replace(self, args: mt.Replace) -> bytes:
        target = b"*" if args.target == t.STAR else b"%d" % args.target
        return b" ".join((target, self.mailbox(args.mailbox), self.message(args.message)))

    def message(self, message: mt.NewMessage) -> bytes:
        parts = []
        if message.flags or self.random.random() < 0.3:
            parts.append(f"({' '.join(message.flags)})".encode())
        if message.date is not None:
            zone = self.random.randrange(-14 * 60, 14 * 60)
            moment = dt.datetime.fromtimestamp(message.date, dt.UTC).replace(tzinfo=None) + dt.timedelta(minutes=zone)
            sign, hours, minutes = "-" if zone < 0 else "+", *divmod(abs(zone), 60)
            day = f"{moment.day:2}-{MONTHS[moment.month - 1]}-{moment.year:04} {moment:%H:%M:%S}"
            parts.append(f'"{day} {sign}{hours:02}{minutes:02}"'.encode())
        if message.catenate:
            inner = [
                self.case(b"TEXT ") + self.literal(part)
                if isinstance(part, bytes)
                else self.case(b"URL ") + self.astring(part.url)
                for part in message.parts
            ]
            parts.append(self.case(b"CATENATE") + b" (" + b" ".join(inner) + b")")
        else:
            (text,) = message.parts
            assert isinstance(text, bytes)
            literal = b"~" * message.binary + self.literal(text)
            parts.append(self.case(b"UTF8") + b" (" + literal + b")" if message.utf8 else literal)
        return b" ".join(parts)

    def uidexpunge(self, args: mt.UidExpunge) -> bytes:
        return write_set(args.messages)

    def copy(self, args: mt.Copy) -> bytes:
        return write_set(args.messages) + b" " + self.mailbox(args.mailbox)

    move = copy

    def store(self, args: mt.Store) -> bytes:
        modifier = b"" if args.unchanged_since is None else b" (UNCHANGEDSINCE %d)" % args.unchanged_since
        silent = b".SILENT" if args.silent else b""
        listed = " ".join(args.flags).encode()
        if not args.flags or self.random.random() < 0.5:
            listed = b"(" + listed + b")"
        return write_set(args.messages) + modifier + b" " + args.action.value + silent + b" " + listed

    def fetch(self, args: ft.Fetch) -> bytes:
        items = [self.fetch_item(item) for item in args.items]
        listed = items[0] if len(items) == 1 and self.random.random() < 0.5 else b"(" + b" ".join(items) + b")"
        given = [] if args.changed_since is None else [b"CHANGEDSINCE %d" % args.changed_since]
        given += [b"VANISHED"] if args.vanished else []
        given += [b"PARTIAL %d:%d" % args.partial] if args.partial else []
        self.random.shuffle(given)
        modifier = b" (" + b" ".join(given) + b")" if given else b""
        return write_set(args.messages) + b" " + listed + modifier

    def fetch_item(self, item: ft.FetchItem) -> bytes:
        if isinstance(item, ft.FetchAttribute):
            return self.case(item.value)
        if isinstance(item, ft.Preview):
            words = [b"LAZY"] * item.lazy + [b"FUZZY"] * item.fuzzy
            return self.case(b"PREVIEW") + (b" (" + b" ".join(words) + b")" if words else b"")
        if isinstance(item, ft.BinarySection):
            partial = b"" if item.partial is None else b".%d>" % item.partial[1]
            label = item.label.removesuffix(b">" if partial else b"") + partial
            return label.replace(b"BINARY[", b"BINARY.PEEK[") if item.peek else label
        if isinstance(item, ft.BinarySize) or not item.label.startswith(b"BODY"):
            return item.label
        section = ".".join(map(str, item.section.numbers)).encode()
        if item.section.kind is not ft.SectionKind.WHOLE:
            section += (b"." if section else b"") + item.section.kind.value
        if item.section.fields:
            section += b" (" + b" ".join(self.astring(name) for name in item.section.fields) + b")"
        partial = b"" if item.partial is None else b"<%d.%d>" % item.partial
        return b"BODY" + (b".PEEK" if item.peek else b"") + b"[" + section + b"]" + partial

    def search(self, args: st.Search) -> bytes:
        charset = b"" if args.charset is None else b"CHARSET " + self.astring(args.charset.encode()) + b" "
        return self.returns(args.returns) + charset + self.keys(args.key)

    def keys(self, key: st.SearchKey) -> bytes:
        if isinstance(key, st.And):
            return b" ".join(self.key(each) for each in key.keys)
        return self.key(key)

    def sort(self, args: st.Sort) -> bytes:
        program = [self.case((b"REVERSE " if each.reverse else b"") + each.key.value.encode()) for each in args.program]
        return self.returns(args.search.returns) + b"(" + b" ".join(program) + b") " + self.criteria(args.search)

    def thread(self, args: st.Thread) -> bytes:
        return self.case(args.algorithm.value.encode()) + b" " + self.criteria(args.search)

    def cancelupdate(self, args: st.CancelUpdate) -> bytes:
        return b" ".join(map(self.string, args.tags))

    def comparator(self, args: st.Comparator) -> bytes:
        return b" ".join(self.astring(each.encode("latin-1")) for each in args.wanted)

    def multisearch(self, args: st.MultiSearch) -> bytes:
        sources = []
        for source in args.sources:
            names = b" ".join(map(self.mailbox, source.mailboxes))
            listed = b" (" + names + b")" if len(source.mailboxes) != 1 or self.random.random() < 0.5 else b" " + names
            sources.append(self.case(source.kind.value.encode()) + (listed if source.mailboxes else b""))
        return self.case(b"IN (") + b" ".join(sources) + b") " + self.search(args.search)

    def criteria(self, search: st.Search) -> bytes:
        assert search.charset is not None
        return self.astring(search.charset.encode()) + b" " + self.keys(search.key)

    def returns(self, returns: st.Returns | None) -> bytes:
        if returns is None:
            return b""
        options = [name for name, field in RETURNS.items() if getattr(returns, field)]
        if returns.items:
            listed = b" ".join(map(self.fetch_item, returns.items))
            options[options.index(b"UPDATE")] += self.random.choice((b"", b" ")) + b"(" + listed + b")"
        if returns.partial is not None:
            first, last = returns.partial
            options.append(b"PARTIAL %d:%d" % self.random.choice(((first, last), (last, first))))
        if options == [b"ALL"] and self.random.random() < 0.5:
            options = []
        self.random.shuffle(options)
        return self.case(b"RETURN (") + b" ".join(map(self.case, options)) + b") "

    def key(self, key: st.SearchKey) -> bytes:
        match key:
            case st.And(keys):
                return b"(" + b" ".join(map(self.key, keys)) + b")"
            case st.Or(left, right):
                return b"OR " + self.key(left) + b" " + self.key(right)
            case st.Not(inner):
                return b"NOT " + self.key(inner)
            case st.All():
                return b"ALL"
            case st.SequenceKey(messages):
                return write_set(messages)
            case st.UidKey(messages):
                return b"UID " + write_set(messages)
            case st.FlagKey(flag, present):
                if flag.startswith("\\"):
                    return (b"" if present else b"UN") + flag[1:].upper().encode()
                return (b"" if present else b"UN") + b"KEYWORD " + flag.encode()
            case st.RecentKey(present):
                return b"RECENT" if present else b"OLD"
            case st.DateKey(relation, date, sent):
                text = f"{date.day}-{MONTHS[date.month - 1]}-{date.year:04}".encode()
                quote = self.random.choice((b"", b'"'))
                return (b"SENT" if sent else b"") + relation.value.encode() + b" " + quote + text + quote
            case st.AgeKey(seconds, older):
                return (b"OLDER %d" if older else b"YOUNGER %d") % seconds
            case st.SavedKey(relation, date):
                return f"SAVED{relation.value} {date.day}-{MONTHS[date.month - 1]}-{date.year:04}".encode()
            case st.ObjectKey(identifier, thread):
                return (b"THREADID " if thread else b"EMAILID ") + identifier.encode()
            case st.EnvelopeKey(field, value):
                return field.encode() + b" " + self.astring(value.encode())
            case st.HeaderKey(name, value):
                return b"HEADER " + self.astring(name.encode()) + b" " + self.astring(value.encode())
            case st.TextKey(value, headers):
                return (b"TEXT " if headers else b"BODY ") + self.astring(value.encode())
            case st.SizeKey(size, larger):
                return (b"LARGER %d" if larger else b"SMALLER %d") % size
            case st.ModSeqKey(modseq, None, _):
                return b"MODSEQ %d" % modseq
            case st.ModSeqKey(modseq, entry, kind):
                assert entry is not None
                assert kind is not None
                name = entry.replace("\\", "\\\\").encode()  # always quoted, [RFC7162] 7 `entry-name`
                return b'MODSEQ "' + name + b'" ' + kind.encode() + b" %d" % modseq
