"""Argon2id hashes and the memory of verified passwords."""

from __future__ import annotations

from directory.credentials import Hasher, VerifiedCache


def test_hashes_are_argon2id_and_salted():
    """[RFC9106] 4; the PHC text names variant and cost."""
    hasher = Hasher(memory=64, passes=1)
    one, two = hasher.hash("x"), hasher.hash("x")
    assert one != two
    assert one.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert hasher.verify(one, "x")
    assert not hasher.verify(one, "y")
    assert not hasher.verify("$nonsense", "x")
    assert not hasher.verify(None, "x")
    assert hasher.outdated(one) is False
    assert Hasher(memory=128, passes=1).outdated(one) is True


def test_what_was_verified_is_remembered_for_a_while():
    now = [100.0]
    cache = VerifiedCache(10, clock=lambda: now[0])
    assert not cache.knows(1, "hash", "pw")
    cache.remember(1, "hash", "pw")
    assert cache.knows(1, "hash", "pw")
    assert not cache.knows(2, "hash", "pw")
    assert not cache.knows(1, "hash2", "pw")
    assert not cache.knows(1, "hash", "pw2")
    now[0] += 10
    assert not cache.knows(1, "hash", "pw")


def test_the_memory_is_bounded():
    cache = VerifiedCache(10, size=100)
    for number in range(1000):
        cache.remember(number, "h", "p")
    assert sum(cache.knows(number, "h", "p") for number in range(1000)) <= 100


def test_zero_seconds_remember_nothing():
    cache = VerifiedCache(0)
    cache.remember(1, "h", "p")
    assert not cache.knows(1, "h", "p")


def test_digests_do_not_run_into_one_another():
    cache = VerifiedCache(10)
    cache.remember(1, "a", "b\0c")
    assert not cache.knows(1, "a\0b", "c") or cache.knows(1, "a", "b\0c")
