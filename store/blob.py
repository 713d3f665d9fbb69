"""Large content in files: one file a content row, named by the SHA-256 of what it holds, durable before the row is.

A name also carries a random part and is never used again, so a file can be removed once the row that named it is gone
and nobody can have begun to rely on it in between. A crash can only leave a file without a row; `orphans` finds those.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from store.errors import Unavailable


class BlobStore:
    """The content files of one mailbox, in `root/<2 hex>/<mailbox GUID>/<2 hex>/`.

    The mailboxes of a PostgreSQL cluster need `root` on a file system that all hosts share.
    """

    def __init__(self, root: Path, mailbox: UUID, *, durable: bool = True) -> None:
        self._root = root / mailbox.hex[:2] / mailbox.hex
        self._durable = durable

    def put(self, data: bytes) -> str:
        """Write the octets and make them durable; return their key. Raises Unavailable."""
        digest = sha256(data).hexdigest()
        key = f"{digest}.{secrets.token_hex(8)}"
        path = self._path(key)
        temporary = path.with_name(f".{key}")
        try:
            self._make(path.parent)
            try:
                with open(temporary, "xb") as file:
                    file.write(data)
                    file.flush()
                    if self._durable:
                        os.fsync(file.fileno())
                temporary.rename(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            self._sync(path.parent)
        except OSError as error:
            raise Unavailable(f"cannot keep content at {path}: {error}") from error
        return key

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Read octets [start, start+length), to the end without a length. Raises Unavailable."""
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                if start:
                    file.seek(start)
                return file.read() if length is None else file.read(length)
        except OSError as error:
            raise Unavailable(f"cannot read content at {path}: {error}") from error

    def remove(self, keys: Iterable[str]) -> None:
        """Remove files whose rows are gone; one that will not go is left to `orphans`."""
        for key in keys:
            try:
                self._path(key).unlink(missing_ok=True)
            except OSError:
                continue

    def clear(self) -> None:
        """Remove all files of the mailbox."""
        shutil.rmtree(self._root, ignore_errors=True)

    def keys(self) -> Iterator[str]:
        """Give the key of every file."""
        for path in self._root.glob("??/*"):
            if not path.name.startswith("."):
                yield path.name

    def orphans(self, known: set[str], *, age: float = 86_400) -> list[str]:
        """Find files that no row names, older than `age` seconds: a row may be about to name a younger one."""
        limit = time.time() - age
        paths = (path for path in self._root.glob("??/*") if path.name.removeprefix(".") not in known)
        return [path.name for path in paths if path.stat().st_mtime <= limit]

    def _path(self, key: str) -> Path:
        return self._root / key.lstrip(".")[:2] / key

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        folder.mkdir(parents=True, exist_ok=True)
        for made in (folder, self._root, self._root.parent):
            self._sync(made.parent)

    def _sync(self, folder: Path) -> None:
        if not self._durable:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
