"""Every message of the corpora as an object, as MIME and as an object again ([MS-OXCMAIL] 2.1, 2.2)."""

from __future__ import annotations

import pytest

from tests.support.corpora import message_files
from tests.support.mime_losses import there_and_back

pytestmark = pytest.mark.peers


def test_nothing_is_lost_that_no_receipt_names() -> None:
    for path in message_files():
        assert there_and_back(path.read_bytes()) == [], path.name
