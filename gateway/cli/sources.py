"""Mail as other programs keep it: mbox files, Maildir folders, folders of message files."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import mmap
import os
import re
import time
from collections.abc import Callable, Generator, Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from gateway.imap.protocol import utf7
from store.ids import MessageFlag

SNIFF = 4096
MAILDIR_FLAGS = {
    "D": MessageFlag.DRAFT,
    "F": MessageFlag.FLAGGED,
    "P": MessageFlag.FORWARDED,
    "R": MessageFlag.ANSWERED,
    "S": MessageFlag.SEEN,
    "T": MessageFlag.DELETED,
}
MBOX_FLAGS = {
    "R": MessageFlag.SEEN,
    "A": MessageFlag.ANSWERED,
    "F": MessageFlag.FLAGGED,
    "T": MessageFlag.DRAFT,
    "D": MessageFlag.DELETED,
}
"""Letters of the header fields Status and X-Status that mbox programs agree on."""

_FIELD = re.compile(rb"(?:\xef\xbb\xbf)?[A-Za-z][A-Za-z0-9_./!-]{0,76}[ \t]*:(?!//)")
"""A header field at the beginning of a file; stricter than [RFC5322] 2.2, so that JSON and URLs are none."""
_STATUS = re.compile(rb"^(?:X-)?Status:[ \t]*([A-Za-z]*)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_POSTMARK = re.compile(rb"^From .*\n", re.MULTILINE)
_DATED = re.compile(rb"From .*\d\d:\d\d.*\d{4}")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_SKIPPED_FOLDERS = {"cur", "new", "tmp"}


class Format(Enum):
    """How a path keeps mail."""

    MBOX = "mbox"
    MAILDIR = "Maildir"
    FILES = "message files"


class Found(NamedTuple):
    """One message of a source."""

    name: str
    """Where it is, below the source: for reports, and to know it again."""
    folder: tuple[str, ...]
    """The folder that it lies in, below the one that is imported into."""
    flags: int
    received: int | None
    """When it arrived, in seconds since 1970; None: see its Date field."""
    read: Callable[[], bytes]
    """Give its octets. Raises OSError."""


def recognise(path: Path) -> Format | None:
    """Tell how a path keeps mail; None: it does not."""
    if path.is_dir():
        maildir = (path / "cur").is_dir() and ((path / "new").is_dir() or (path / "tmp").is_dir())
        return Format.MAILDIR if maildir else Format.FILES
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        head = stream.read(SNIFF)
    if head.startswith(b"From ") and path.suffix.lower() != ".eml":
        return Format.MBOX
    return Format.FILES if _is_message(path, head) else None


def messages(path: Path, kind: Format) -> Iterator[Found]:
    """List the messages of a source in a fixed order. Raises OSError."""
    if kind is Format.MBOX:
        yield from _mbox(path, path.name)
    elif kind is Format.MAILDIR:
        yield from _maildir(path)
    else:
        yield from _files(path)


def skipped(path: Path) -> list[Path]:
    """List the files below a folder of message files that are no messages."""
    return [file for file in _walk(path) if _kind_of(file) is None] if path.is_dir() else []


def _walk(path: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(path):  # does not follow links to folders: they may run in circles
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if not name.startswith(".") and file.is_file():
                yield file


def _files(path: Path) -> Iterator[Found]:
    for file in _walk(path) if path.is_dir() else [path]:
        name = file.relative_to(path).as_posix() if file != path else file.name
        kind = _kind_of(file)
        if kind is Format.MBOX:
            yield from _mbox(file, name)
        elif kind is Format.FILES:
            yield Found(name, (), MessageFlag.SEEN, None, file.read_bytes)


def _kind_of(file: Path) -> Format | None:
    """Tell what a file among others is: an mbox only by its name, so that a stray postmark does not cut a message."""
    suffix = file.suffix.lower()
    try:
        with file.open("rb") as stream:
            head = stream.read(SNIFF)
    except OSError:
        return Format.FILES if suffix == ".eml" else None  # its message will be reported as not readable
    if head.startswith(b"From ") and suffix in ("", ".mbox", ".mbx"):
        return Format.MBOX
    return Format.FILES if _is_message(file, head) else None


def _is_message(file: Path, head: bytes) -> bool:
    suffix = file.suffix.lower()
    if suffix == ".eml":
        return True
    if b"\0\0" in head[:512] or head.startswith(_OLE):
        return False
    if suffix == ".msg":  # MIME under this name; Outlook's own are OLE files
        return True
    if head.startswith(b"From "):
        head = head.partition(b"\n")[2]
    return _FIELD.match(head) is not None


def _maildir(path: Path) -> Iterator[Found]:
    """Read a Maildir++: `.Sub.Folder` beside cur and new are its subfolders, in modified UTF-7."""
    yield from _maildir_folder(path, path, ())
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and entry.name.startswith(".") and (entry / "cur").is_dir():
            names = tuple(part for part in entry.name.split(".") if part)
            yield from _maildir_folder(path, entry, tuple(_decoded(part) for part in names))
        elif entry.is_dir() and entry.name not in _SKIPPED_FOLDERS and (entry / "cur").is_dir():
            yield from _maildir_folder(path, entry, (entry.name,))


def _maildir_folder(top: Path, path: Path, folder: tuple[str, ...]) -> Iterator[Found]:
    for part in ("cur", "new"):
        if not (path / part).is_dir():
            continue
        for file in sorted((path / part).iterdir()):
            if file.name.startswith(".") or not file.is_file():
                continue
            unique, _, letters = file.name.partition(":2,")
            flags = sum(MAILDIR_FLAGS.get(letter, 0) for letter in set(letters))
            name = (path.relative_to(top) / unique).as_posix()
            yield Found(name, folder, flags, int(file.stat().st_mtime), file.read_bytes)


def _decoded(name: str) -> str:
    try:
        return utf7.decode(name.encode("ascii"))
    except ValueError:
        return name


def _mbox(path: Path, name: str) -> Iterator[Found]:
    """Cut an mbox at lines that begin with `From ` after a blank line ([RFC4155] A); `>From ` loses one `>`."""
    if path.stat().st_size == 0:
        return
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        contextlib.closing(_mbox_bounds(data)) as bounds,
    ):
        for number, (postmark, start, end) in enumerate(bounds, 1):
            raw = _QUOTED.sub(rb"\1", data[start:end])
            yield Found(f"{name}#{number}", (), _mbox_flags(raw), _mbox_date(postmark), functools.partial(bytes, raw))


def _mbox_bounds(data: mmap.mmap) -> Generator[tuple[bytes, int, int], None, None]:
    """Give postmark, begin and end of each message.

    Where the first postmark has a date, all must have one: `From here on` is text.
    """
    begun: tuple[bytes, int] | None = None
    dated = _DATED.match(data) is not None
    for match in _POSTMARK.finditer(data):
        at = match.start()
        if at and data[max(at - 2, 0) : at] != b"\n\n" and data[max(at - 4, 0) : at] != b"\r\n\r\n":
            continue
        if dated and not _DATED.match(match[0]):
            continue
        if begun is not None:
            yield begun[0], begun[1], _without_blank(data, begun[1], at)
        begun = (match[0], match.end())
    if begun is not None:
        yield begun[0], begun[1], _without_blank(data, begun[1], len(data))


def _without_blank(data: mmap.mmap, start: int, end: int) -> int:
    """Leave out the blank line that mbox programs put behind each message."""
    for blank in (b"\r\n\r\n", b"\n\n"):
        if data[max(end - len(blank), start) : end] == blank:
            return end - len(blank) // 2
    return end


def _mbox_flags(raw: bytes) -> int:
    header = raw.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]
    letters = {chr(letter) for match in _STATUS.finditer(header) for letter in match[1]}
    return sum(MBOX_FLAGS.get(letter, 0) for letter in letters)


def _mbox_date(postmark: bytes) -> int | None:
    """Read the date of a postmark, `From sender Sat Jan  3 01:05:34 1996`, in UTC ([RFC4155] A)."""
    words = postmark.decode("ascii", "replace").split()
    try:
        return int(_utc(time.strptime(" ".join(words[2:7]), "%a %b %d %H:%M:%S %Y")))
    except ValueError:
        try:  # programs write all sorts of dates there
            parsed = email.utils.parsedate_tz(" ".join(words[2:]))
            return int(email.utils.mktime_tz(parsed)) if parsed else None
        except (ValueError, OverflowError, IndexError, TypeError):
            return None


def _utc(moment: time.struct_time) -> float:
    return email.utils.mktime_tz((*moment[:9], 0))
