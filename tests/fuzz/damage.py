"""Damage to octets by dice, and the trying of what came of it: what the fuzz targets share."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence

TOKENS = [
    *(b"\r\n", b"\r\n\r\n", b"--b b", b"--b b--", b"--c\r\n", b"--r\r\n", b"\0", b"\xff", b"\r", b"\n", b"\x1b$B"),
    *(b'"', b"\\", b"(", b")", b"<", b">", b",", b";", b":", b"@", b"=?", b"?=", b"=", b"%", b"*"),
    *(b" " * 50, b"(" * 50),
    *(b"Content-Type: message/rfc822\r\n\r\n", b"Content-Type: multipart/mixed; boundary=c\r\n\r\n", b"boundary="),
]
"""What has a meaning in MIME."""
LONGEST = 20_000
"""Octets of what comes of damage."""
ENDLESS = 1 << 60
"""Rounds, where the time alone ends them."""

Damage = Callable[[bytes, random.Random], bytes]


def damage(raw: bytes, rng: random.Random) -> bytes:
    """Cut, insert, repeat, flip and move pieces of up to 40 octets, one to twelve times."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randint(0, 40))
        match rng.randrange(5):
            case 0:
                del data[at:end]
            case 1:
                data[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 1, 20))
            case 2:
                data[at:at] = data[at:end] * rng.choice((1, 2, 30))
            case 3 if at < len(data):
                data[at] = rng.randrange(256)
            case _:
                to = rng.randrange(len(data) + 1)
                data[to:to] = data[at:end]
    return bytes(data[:LONGEST])


def damage_with(pieces: Sequence[bytes]) -> Damage:
    """Give a lighter damage for short inputs, which puts these pieces in or in the place of others."""

    def damaged(raw: bytes, rng: random.Random) -> bytes:
        data = bytearray(raw)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data) + 1)
            end = min(len(data), at + rng.randint(0, 8))
            match rng.randrange(5):
                case 0:
                    del data[at:end]
                case 1:
                    data[at:at] = rng.choice(pieces)
                case 2:
                    data[at:end] = rng.choice(pieces)
                case 3 if at < len(data):
                    data[at] = rng.randrange(256)
                case _:
                    data[at:at] = data[at:end] * rng.choice((1, 2, 20))
        return bytes(data)

    return damaged


def try_damaged(
    check: Callable[[bytes], object],
    seeds: Sequence[bytes],
    rounds: int,
    *,
    seconds: float = math.inf,
    change: Damage = damage,
) -> None:
    """Check so many damaged seeds, fewer if the time is over before; an exception says what input it was."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    stop = time.monotonic() + seconds
    for _ in range(rounds):
        data = change(rng.choice(seeds), rng)
        try:
            check(data)
        except Exception as error:
            error.add_note(f"seed {seed}, input: {data!r}")
            raise
        if time.monotonic() > stop:
            break
