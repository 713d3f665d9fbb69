"""LANGUAGE: the language of what replies say ([RFC5255] 3)."""

from __future__ import annotations

from gateway.imap import texts
from gateway.imap.errors import Reply, no, ok
from gateway.imap.protocol import writer
from gateway.imap.protocol.types import Language
from gateway.imap.session import Session
from gateway.services.languages import LANGUAGES


async def language(session: Session, args: Language) -> Reply:
    """LANGUAGE: lists the languages, or goes over to the first that is known ([RFC5255] 3.2, 3.3).

    The reply is in the new language already. Prefixes of namespaces have no translations ([RFC5255] 3.4).
    """
    if not args.ranges:
        session.send(_line(LANGUAGES))
        return ok(b"LANGUAGE completed.")
    chosen = texts.choose(args.ranges, session.services.settings.language)
    if chosen is None:
        raise no(b"Unsupported language.")
    session.language = chosen
    session.send(_line([chosen]))
    return ok(b"LANGUAGE completed.")


def _line(tags: tuple[str, ...] | list[str]) -> bytes:
    return b"* LANGUAGE (%b)\r\n" % b" ".join([writer.astring(tag.encode("ascii")) for tag in tags])
