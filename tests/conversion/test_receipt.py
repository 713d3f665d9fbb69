"""Receipts of conversions."""

from __future__ import annotations

from conversion.receipt import MAX_NOTES, Note, NoteKind, Receipt


def test_notes_are_kept_in_order_with_their_places():
    receipt = Receipt()
    assert receipt.count == 0
    assert (receipt or None) is receipt  # an empty one is no false one
    receipt.dropped("RRULE", "hourly")
    inner = receipt.within("attachment 2").within("embedded message")
    inner.altered("PidTagBody", "cut")
    inner.guessed("charset", "windows-1252")
    assert list(receipt) == [
        Note(NoteKind.DROPPED, "RRULE", "hourly"),
        Note(NoteKind.ALTERED, "attachment 2, embedded message, PidTagBody", "cut"),
        Note(NoteKind.GUESSED, "attachment 2, embedded message, charset", "windows-1252"),
    ]
    assert [str(note) for note in receipt][1] == "altered: attachment 2, embedded message, PidTagBody: cut"
    assert receipt.count == 3


def test_notes_have_an_end():
    receipt = Receipt()
    inner = receipt.within("part 1")
    for _ in range(MAX_NOTES + 5):
        inner.dropped("x" * 1000, "y" * 1000)
    assert len(list(receipt)) == MAX_NOTES
    assert receipt.more == 5
    assert receipt.count == MAX_NOTES + 5
    assert max(len(str(note)) for note in receipt) < 1100
