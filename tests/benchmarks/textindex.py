"""What the full-text index costs, and what it saves: measured in one process, at the store (docs/decisions/0015)."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from time import process_time
from uuid import uuid4

from conversion.mime.rendition import render
from conversion.mime.text import MimeText
from gateway.services.reading import MailReader
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.mapi.restriction import MimeText as Text
from store.store import Store, StoreSettings
from store.textindex import BATCH
from store.textindexbuild import status, update

MESSAGES = 4096
VOCABULARY = 50_000
WORDS = 930
BEST_OF = 5
HEAD = f"""
## Full-text index

The rows above run without one (`[search] index = "never"`), because Dovecot has none here either. With the index,
over {MESSAGES:,} messages of {{size:.1f}} KB, of {VOCABULARY:,} different words by Zipf's law; CPU in microseconds a
message of the mailbox, at the store, the best of {BEST_OF} (built: of 2). Index to text: {{share:.2f}}.

"""


def section() -> str:
    """Fill a mailbox, index it, search it; the part of the page."""
    chance = random.Random(5)
    words = ["".join(chance.choices("etaoinshrdlucmfwypvbgkjqxz", k=chance.randint(2, 11))) for _ in range(VOCABULARY)]
    mails = list(_mails(chance, words))
    octets = sum(map(len, mails))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(StoreSettings(Path(folder), durable=False, text_index="always"), reader=MailReader())
        ref = MailboxRef(1, uuid4())
        store.create(ref, MailboxKind.PRIVATE)
        mailbox, index = store.open(ref), store.text_index(ref)
        kept = 0.0
        for start in range(0, MESSAGES, BATCH):
            for mail in mails[start : start + BATCH]:
                mailbox.deliver(SpecialFolder.INBOX, None, mime=render(mail))
            kept += _cost(lambda: update(index, MimeText), 1)

        def build() -> None:
            index.drop()
            update(index, MimeText)

        def search(word: str) -> float:
            return _cost(lambda: mailbox.find(SpecialFolder.INBOX, Text(word, True), text=MimeText), BEST_OF)

        lines = ["| work | with the index | without |", "|---|---|---|"]
        lines.append(f"| built from nothing | {_cost(build, 2):,.0f} | |")
        lines.append(f"| kept up to date, {BATCH} messages at a time | {kept:,.0f} | |")
        asked = {"an absent word": "xyzzyplugh", "a word of few": max(words[8000:], key=len), "a word of all": words[0]}
        with_index = {name: search(word) for name, word in asked.items()}
        share = status(index, MimeText).size / octets
        store.texts.enabled = False
        lines += [
            f"| SEARCH TEXT, {name} | {with_index[name]:.2f} | {search(word):.1f} |" for name, word in asked.items()
        ]
        store.close()
    return HEAD.format(size=octets / MESSAGES / 1000, share=share) + "\n".join(lines) + "\n"


def _mails(chance: random.Random, words: list[str]) -> Iterator[bytes]:
    weights = list(accumulate(1 / place for place in range(1, VOCABULARY + 1)))
    for number in range(MESSAGES):
        text = chance.choices(words, cum_weights=weights, k=WORDS)
        lines = "\r\n".join(" ".join(text[at : at + 11]) for at in range(0, WORDS, 11))
        head = f"From: Sender {number % 50} <s{number % 50}@example.com>\r\nMessage-ID: <{number}@example.com>\r\n"
        yield f"{head}Subject: {text[5]} {text[6]}\r\nContent-Type: text/plain\r\n\r\n{lines}\r\n".encode()


def _cost(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU a message, the least of some runs."""
    costs = []
    for _ in range(times):
        began = process_time()
        work()
        costs.append(process_time() - began)
    return min(costs) / MESSAGES * 1e6
