"""Fields of a header as octets, without decoding: what searches look at first and sorting makes its keys of."""

from __future__ import annotations

from collections.abc import Iterator


def raw_values(header: bytes, field: bytes) -> Iterator[bytes]:
    """Yield the values of the fields of a name (in lower case here), folded as they are, without the blanks around.

    One look through the header for each field, without splitting it ([RFC5322] 2.2, 2.2.3).
    """
    block = b"\n" + header
    lowered = block if header.islower() else block.lower()
    line = b"\n" + field
    at = lowered.find(line)
    while at >= 0:
        start = at + len(line)
        end = block.find(b"\n", start)
        while end >= 0 and block[end + 1 : end + 2] in (b" ", b"\t"):
            end = block.find(b"\n", end + 1)
        if end < 0:
            end = len(block)
        name, colon, value = block[start:end].partition(b":")
        if colon and not name.strip(b" \t"):
            yield value.strip()
        at = lowered.find(line, end)
