"""Channel binding: tying a sign-in to the TLS connection that it happens on ([RFC5056], [RFC5929])."""

from __future__ import annotations

import hashlib
import struct

END_POINT_PREFIX = b"tls-server-end-point:"
"""Unique prefix of the binding by the server's certificate ([RFC5929] 4)."""


def end_point_digest(end_point: bytes) -> bytes:
    """Give the digest that a client puts into MsvAvChannelBindings ([MS-NLMP] 2.2.2.1, [RFC4121] 4.1.1.2).

    It is the MD5 of gss_channel_bindings_struct with no addresses and, as application data, the binding to the server's
    certificate. `end_point` is the certificate's hash, as in PeerInfo.end_point.
    """
    data = END_POINT_PREFIX + end_point
    return hashlib.md5(struct.pack("<16xI", len(data)) + data, usedforsecurity=False).digest()
