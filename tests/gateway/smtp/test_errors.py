"""The table from inner errors to replies."""

from __future__ import annotations

import re

import pytest

from gateway.services.logon import RefusalKind
from gateway.services.outcomes import Outcome, Refusal
from gateway.smtp import replies
from gateway.smtp.errors import LOGON_REPLIES, REFUSAL_REPLIES, STORE_REPLIES, reply_for, reply_for_all
from store.engine import Busy
from store.errors import QuotaExceeded, StoreError, Unavailable

REPLY = re.compile(rb"([245])[0-5]\d ([245])\.\d{1,3}\.\d{1,3} [ -~]+\Z")


def leaves(kind):
    below = [each for each in kind.__subclasses__() if each.__module__ == StoreError.__module__]
    return [leaf for each in below for leaf in leaves(each)] if below else [kind]


@pytest.mark.parametrize("leaf", leaves(StoreError))
def test_every_store_error_has_a_row(leaf):
    assert reply_for(leaf("text")) == STORE_REPLIES[leaf]


def test_a_kind_of_a_kind_takes_its_row():
    assert reply_for(Busy("text")) == STORE_REPLIES[Unavailable]


@pytest.mark.parametrize(
    ("kinds", "table"), [(list(Refusal), REFUSAL_REPLIES), (list(RefusalKind), LOGON_REPLIES)], ids=["mail", "logon"]
)
def test_every_refusal_has_a_row(kinds, table):
    assert set(table) == set(kinds)


def fixed_replies():
    lines = [value for value in vars(replies).values() if isinstance(value, bytes)]
    return [*lines, *STORE_REPLIES.values(), *REFUSAL_REPLIES.values(), *LOGON_REPLIES.values()]


@pytest.mark.parametrize("line", sorted(set(fixed_replies()) - {replies.SEND_DATA}))
def test_replies_carry_an_enhanced_code_of_their_class(line):
    """[RFC2034] 4: the class of the enhanced code is the first digit of the reply; [RFC5321] 4.5.3.1.5: 512 octets.

    The one exception is Exchange's own 550 5.7.54 kind of text, which keeps the rule too.
    """
    match = REPLY.match(line)
    assert match
    assert match[1] == match[2]
    assert len(line) <= 510


def test_a_temporary_problem_wins():
    """[RFC5321] 4.2.5: the sender comes again for all."""
    assert reply_for_all([Outcome("a"), Outcome("b")], b"250 ok") == b"250 ok"
    assert reply_for_all([Outcome("a", QuotaExceeded("")), Outcome("b", Unavailable(""))], b"").startswith(b"451")
    assert reply_for_all([Outcome("a", QuotaExceeded("")), Outcome("b")], b"").startswith(b"552")
