"""Address fields of the MIME writer ([MS-OXCMAIL] 2.1.3.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcmail.addressing import RECEIVED_BY, RECEIVED_REPRESENTING, SENDER, SENT_REPRESENTING, AddressGroup
from conversion.oxcmail.imcea import decapsulate, encapsulate
from conversion.oxcmail.writer import ENCAPSULATION_DOMAIN, Audience
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, OneOffEntryId, encode_flat_entry_list
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyKey, Value
from tests.support.mime_writing import ANN, headers, note, notes, recipient, reread, written

DN = "/o=Org/ou=Unit (A)/cn=Recipients/cn=bob"


def person(group: AddressGroup, name: str, address: str, kind: str = "SMTP") -> dict[PropertyKey, Value]:
    return {group.name: name, group.address_type: kind, group.email: address}


def named(raw: bytes, *names: str) -> list[str]:
    return [line for line in headers(raw) if line.partition(":")[0] in names]


# --- One participant --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bag", "expected"),
    [
        # The SMTP address comes first, whatever the other properties say.
        (
            {
                SENT_REPRESENTING.smtp: "smtp@x",
                SENT_REPRESENTING.email: "other@x",
                SENT_REPRESENTING.address_type: "SMTP",
            },
            "smtp@x",
        ),
        # Then the address, where its type is SMTP.
        (
            {
                SENT_REPRESENTING.email: "mail@x",
                SENT_REPRESENTING.address_type: "smtp",
                SENT_REPRESENTING.entry_id: OneOffEntryId("n", "SMTP", "entry@x").encode(),
            },
            "mail@x",
        ),
        # Then what the EntryID holds.
        ({SENT_REPRESENTING.entry_id: OneOffEntryId("n", "SMTP", "entry@x").encode()}, "entry@x"),
        (
            {
                SENT_REPRESENTING.email: DN,
                SENT_REPRESENTING.address_type: "EX",
                SENT_REPRESENTING.entry_id: OneOffEntryId("n", "SMTP", "entry@x").encode(),
            },
            "entry@x",
        ),
        # An entry of the address book, and a DN, by the directory.
        ({SENT_REPRESENTING.entry_id: AddressBookEntryId(DN).encode()}, "bob@example.net"),
        ({SENT_REPRESENTING.email: DN, SENT_REPRESENTING.address_type: "EX"}, "bob@example.net"),
        # Any other type is encapsulated.
        (
            {SENT_REPRESENTING.email: "+1 555", SENT_REPRESENTING.address_type: "FAX"},
            "IMCEAFAX-+2B1+20555@example.net",
        ),
        (
            {SENT_REPRESENTING.email: "/o=Other/cn=x", SENT_REPRESENTING.address_type: "EX"},
            "IMCEAEX-_o=Other_cn=x@example.net",
        ),
        (
            {SENT_REPRESENTING.entry_id: OneOffEntryId("n", "X400", "c=US;s=L").encode()},
            "IMCEAX400-c=US+3Bs=L@example.net",
        ),
    ],
)
def test_preference_inside_a_group(bag: PropertyBag, expected: str) -> None:
    """[MS-OXCMAIL] 2.1.3.1.1, 2.1.3.1.3, 2.1.3.1.7 and 2.1.3.1.8"""
    content = MessageContent({SENT_REPRESENTING.name: "Bob", **bag})
    book = {DN: "bob@example.net"}
    raw = written(content, resolve=book.get, domain="example.net")
    assert named(raw, "From") == [f"From: Bob <{expected}>"]


@pytest.mark.parametrize("entry_id", [b"", b"x", b"\0" * 40, AddressBookEntryId(DN).encode()[:26]])
def test_nobody_is_written_as_nobody(entry_id: bytes) -> None:
    """[MS-OXCMAIL] 2.1.3.1"""
    content = MessageContent({SENT_REPRESENTING.name: "Bob", SENT_REPRESENTING.entry_id: entry_id})
    assert not named(written(content), "From", "Sender")


# --- From, Sender, Reply-To, receipts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bag", "lines"),
    [
        (ANN, ["From: Ann <ann@example.net>"]),
        (person(SENDER, "Bob", "bob@x"), ["From: Bob <bob@x>"]),
        ({**ANN, **person(SENDER, "Bob", "bob@x")}, ["From: Ann <ann@example.net>", "Sender: Bob <bob@x>"]),
        ({**ANN, **person(SENDER, "Ann", "ANN@Example.NET")}, ["From: Ann <ann@example.net>"]),
        (
            {
                **person(SENT_REPRESENTING, "A", "a@x"),
                SENT_REPRESENTING.entry_id: b"e",
                **person(SENDER, "A", "b@x"),
                SENDER.entry_id: b"e",
            },
            ["From: A <a@x>"],
        ),
    ],
)
def test_originators(bag: PropertyBag, lines: list[str]) -> None:
    """[MS-OXCMAIL] 2.1.3.1.3, 2.1.3.1.4: Sender is said where it is somebody else."""
    assert named(written(MessageContent(bag)), "From", "Sender") == lines


def test_reply_to() -> None:
    """[MS-OXCMAIL] 2.1.3.1.2"""
    entries = [
        OneOffEntryId("Lee; Bob", "SMTP", "bob@x").encode(),
        AddressBookEntryId(DN).encode(),
        OneOffEntryId("F", "FAX", "1").encode(),
    ]
    bag: PropertyBag = {
        tags.PidTagReplyRecipientEntries: encode_flat_entry_list(entries),
        tags.PidTagReplyRecipientNames: "Lee Bob;Other;Fax",
    }
    raw = written(note(bag), resolve={DN: "dn@x"}.get, domain="example.net")
    assert named(raw, "Reply-To") == ['Reply-To: "Lee; Bob" <bob@x>, Other <dn@x>, Fax <IMCEAFAX-1@example.net>']
    wrong = {**bag, tags.PidTagReplyRecipientNames: "one"}
    raw = written(note(wrong), resolve={DN: "dn@x"}.get, domain="example.net")
    assert named(raw, "Reply-To") == ['Reply-To: "Lee; Bob" <bob@x>, <dn@x>, F <IMCEAFAX-1@example.net>']


@pytest.mark.parametrize("entries", [b"x", b"\xff" * 20, encode_flat_entry_list([b"zz"])])
def test_malformed_reply_entries(entries: bytes) -> None:
    receipt = Receipt()
    assert not named(written(note({tags.PidTagReplyRecipientEntries: entries}), receipt), "Reply-To")
    assert len(notes(receipt)) == 1


def test_receipts() -> None:
    """[MS-OXCMAIL] 2.1.3.1.5, 2.1.3.1.6: to the named one, else the sender, else the author."""
    asked: PropertyBag = {
        tags.PidTagReadReceiptRequested: True,
        tags.PidTagOriginatorDeliveryReportRequested: True,
    }
    names = ("Disposition-Notification-To", "Return-Receipt-To")
    assert not named(written(note()), *names)
    assert set(named(written(note(asked)), *names)) == {f"{name}: Ann <ann@example.net>" for name in names}
    sender = {**asked, **person(SENDER, "Bob", "bob@x")}
    assert set(named(written(note(sender)), *names)) == {f"{name}: Bob <bob@x>" for name in names}
    stated = {**sender, tags.PidTagReadReceiptSmtpAddress: "r@x", tags.PidTagReadReceiptName: "R"}
    raw = written(note(stated))
    assert set(named(raw, *names)) == {f"{name}: R <r@x>" for name in names}
    again = reread(raw).properties
    assert all(again[tag] is True for tag in asked)
    assert again[tags.PidTagReadReceiptSmtpAddress] == "r@x"


# --- Recipients -------------------------------------------------------------------------------------------------------


def test_recipients_by_kind() -> None:
    """[MS-OXCMAIL] 2.1.3.1.1, 2.1.3.1.1.1, 2.1.3.1.1.2: Bcc is for the owner alone."""
    rows = (
        recipient("b@x", RecipientType.BCC),
        recipient("c@x", RecipientType.CC, "C, D"),
        recipient("a@x"),
        recipient("a2@x", name="Ä"),
    )
    sent = written(note({}, rows))
    assert named(sent, "To", "Cc", "Bcc") == ["To: <a@x>, =?utf-8?B?w4Q=?= <a2@x>", 'Cc: "C, D" <c@x>']
    owned = written(note({}, rows), audience=Audience.OWNER)
    assert named(owned, "To", "Cc", "Bcc")[2:] == ["Bcc: <b@x>"]


@pytest.mark.parametrize(
    "name", ["IPM.Schedule.Meeting.Request", "IPM.Task", "IPM.TaskRequest.Accept", "IPM.Appointment"]
)
def test_bcc_of_meetings_and_tasks(name: str) -> None:
    """[MS-OXCMAIL] 2.1.3.1.1.2: rooms and the like are no secret."""
    rows = (recipient("room@x", RecipientType.BCC),)
    assert named(written(note({tags.PidTagMessageClass: name}, rows)), "Bcc") == ["Bcc: <room@x>"]


def test_bcc_of_attached_messages() -> None:
    """[MS-OXCMAIL] 2.1.3.1.1.2: it stays hidden inside too."""
    inner = note({}, (recipient("secret@x", RecipientType.BCC),))
    outer = note({}, (), (AttachmentContent({tags.PidTagAttachMethod: 5}, inner),))
    assert b"secret@x" not in written(outer)
    assert b"secret@x" in written(outer, audience=Audience.OWNER)


def test_only_hidden_recipients() -> None:
    raw = written(note({}, (recipient("b@x", RecipientType.BCC),)))
    assert named(raw, "To", "Cc", "Bcc") == ["To: undisclosed-recipients:;"]
    assert not reread(raw).recipients


@pytest.mark.parametrize("kind", [0x10000001, -0x7FFFFFFF, 4, 0])
def test_rows_of_a_message_sent_again(kind: int) -> None:
    """[MS-OXCMAIL] 2.1.3.1.1: rows whose type is none of the three are passed over ([MS-OXOMSG] 2.2.3.1)."""
    row = recipient("a@x")
    flagged = RecipientRow(row.type, {**row.properties, tags.PidTagRecipientType: kind})
    receipt = Receipt()
    assert named(written(note({}, (flagged, recipient("b@x"))), receipt), "To") == ["To: <b@x>"]
    assert len(notes(receipt)) == (kind != 0)


def test_a_recipient_without_an_address() -> None:
    receipt = Receipt()
    row = RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: "Somebody"})
    assert not named(written(note({}, (row,)), receipt), "To")
    assert notes(receipt) == ["dropped: recipient 1: it has no address"]


def test_a_report_inside_another_message() -> None:
    """[MS-OXCMAIL] 2.1.3.1.1.1: its To is whom it came to."""
    by = person(RECEIVED_BY, "By", "by@x")
    report = note({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR", **by}, (recipient("failed@x"),))
    outer = note({}, (), (AttachmentContent({tags.PidTagAttachMethod: 5}, report),))
    raw = written(outer)
    assert b"To: By <by@x>" in raw
    assert b"To: failed@x" not in raw
    assert b"Final-Recipient: rfc822;failed@x" in raw
    for_ann = note({**report.properties, **person(RECEIVED_REPRESENTING, "For", "for@x")}, report.recipients)
    assert b"To: For <for@x>" in written(note({}, (), (AttachmentContent({tags.PidTagAttachMethod: 5}, for_ann),)))
    # At the top too; where nobody knows, it is as any other.
    assert b"To: By <by@x>" in written(report)
    unknown = note({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}, report.recipients)
    assert b"To: <failed@x>" in written(unknown)


# --- Encapsulated addresses -------------------------------------------------------------------------------------------


def test_encapsulation() -> None:
    """[MS-OXCMAIL] 2.1.3.1.8"""
    wrapped = encapsulate("EX", DN, "example.net")
    assert wrapped == "IMCEAEX-_o=Org_ou=Unit+20+28A+29_cn=Recipients_cn=bob@example.net"
    assert decapsulate(wrapped, frozenset(("example.net",))) == ("EX", DN)


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.net",
        "IMCEAEX@example.net",
        "IMCEAEX-x@other.net",
        "IMCEA-x@example.net",
        "IMCEAEX-@example.net",
        "IMCEAEX-+00@example.net",
        "IMCEAEX-a b@example.net",
        "IMCEAEX-\u017f@example.net",
    ],
)
def test_what_is_not_opened(address: str) -> None:
    """[MS-OXCMAIL] 2.2.3.1.2: other domains' addresses, and what is no encapsulation, stay."""
    assert decapsulate(address, frozenset(("example.net",))) is None


@given(
    st.from_regex(r"[A-Z0-9]{1,8}", fullmatch=True),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1),
)
def test_encapsulation_is_opened_again(kind: str, address: str) -> None:
    """[MS-OXCMAIL] 2.1.3.1.8, 2.2.3.1.2"""
    wrapped = encapsulate(kind, address, "x.y")
    assert wrapped is not None
    assert decapsulate(wrapped, frozenset(("x.y",))) == (kind, address)


def test_kinds_that_are_no_words() -> None:
    assert encapsulate("A B", "x", "y") is None
    assert encapsulate("", "x", "y") is None


def test_the_reader_opens_addresses_of_its_own_domains() -> None:
    """[MS-OXCMAIL] 2.2.3.1.1, 2.2.3.1.2"""
    bag = person(SENT_REPRESENTING, "Bob", DN, "EX")
    row = RecipientRow(RecipientType.TO, {tags.PidTagAddressType: "FAX", tags.PidTagEmailAddress: "+1 555"})
    raw = written(note(bag | {SENT_REPRESENTING.smtp: ""}, (row,)))
    closed = reread(raw)
    assert closed.properties[SENT_REPRESENTING.address_type] == "SMTP"
    opened = reread(raw, domains=frozenset((ENCAPSULATION_DOMAIN,)))
    assert opened.properties[SENT_REPRESENTING.email] == DN
    assert opened.properties[SENT_REPRESENTING.address_type] == "EX"
    assert opened.properties[SENT_REPRESENTING.entry_id] == AddressBookEntryId(DN).encode()
    assert SENT_REPRESENTING.smtp not in opened.properties
    fax = opened.recipients[0].properties
    assert (fax[tags.PidTagAddressType], fax[tags.PidTagEmailAddress]) == ("FAX", "+1 555")
    assert fax[tags.PidTagEntryId] == OneOffEntryId("+1 555", "FAX", "+1 555").encode()
