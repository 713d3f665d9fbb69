"""Deterministic test messages for the load drivers: message(n, size, mixed)."""

import argparse
import random

TEXT = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec "
    "romeo sierra tango uniform victor whiskey xray yankee zulu meeting invoice report budget"
)
WORDS = TEXT.split()


def message(n, size=4096, mixed=False):
    """RFC 5322 message number n, CRLF line ends, about size bytes.

    mixed=True: 70% text/plain, 20% multipart/alternative, 10% multipart/mixed with a 30 KB attachment.
    """
    r = random.Random(n)

    def text(k):
        out, total = [], 0
        while total < k:
            out.append(" ".join(r.choices(WORDS, k=11)) + "\r\n")
            total += len(out[-1])
        return "".join(out)

    head = (
        f"Return-Path: <s{n}@example.test>\r\n"
        f"Received: from a.example.test by b.example.test; Fri, 1 Mar 2024 10:00:00 +0000\r\n"
        f'From: "Sender {n % 97}" <s{n % 97}@example.test>\r\n'
        f'To: "User One" <u@example.test>, other{n % 13}@example.test\r\n'
        f"Subject: {r.choice(WORDS)} {r.choice(WORDS)} number {n}\r\n"
        f"Date: Fri, {n % 28 + 1:02d} Mar 2024 10:{n % 60:02d}:00 +0000\r\n"
        f"Message-ID: <{n}.{r.getrandbits(40):x}@example.test>\r\nMIME-Version: 1.0\r\n"
    )
    plain = "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
    kind = n % 10 if mixed else 0
    if kind < 7:
        return (head + plain + text(size - len(head) - 50)).encode()
    parts = [plain + text(size // 2)]
    if kind < 9:
        parts.append(
            "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>" + text(size) + "</p></body></html>\r\n"
        )
    else:
        parts.append(
            'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
            'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n'
            + "".join(f"{r.getrandbits(304):076x}\r\n" for _ in range(390))
        )
    sub = "alternative" if kind < 9 else "mixed"
    return (
        head
        + f'Content-Type: multipart/{sub}; boundary="b{n}"\r\n\r\n'
        + "".join(f"--b{n}\r\n{p}" for p in parts)
        + f"--b{n}--\r\n"
    ).encode()


def main():
    p = argparse.ArgumentParser(
        description="Write an mbox (CRLF line ends, Message-IDs no load driver sends), e.g. for imaptest mbox=FILE."
    )
    p.add_argument("output")
    p.add_argument("--messages", type=int, default=2000)
    p.add_argument("--size", type=int, default=4096)
    p.add_argument("--plain", action="store_true", help="text/plain messages only")
    a = p.parse_args()
    with open(a.output, "wb") as f:
        for n in range(a.messages):
            f.write(
                b"From sender@example.test Fri Mar  1 10:00:00 2024\r\n"
                + message(10**6 + n, a.size, not a.plain)
                + b"\r\n"
            )


if __name__ == "__main__":
    main()
