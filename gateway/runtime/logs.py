"""Log lines on standard error: for people, or one JSON object a line for machines."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
import time
from typing import Any, TextIO

NOISY = ("mail.log", "mail.debug", "asyncio", "aiosmtpd")
"""Loggers of libraries whose informational lines tell nothing new."""


class TextFormatter(logging.Formatter):
    """`2026-05-01T12:00:00.123 info oxgate.audit[4711]: text`; time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record; a traceback follows on its own lines."""
        line = f"{_time(record)} {record.levelname.lower()} {record.name}[{os.getpid()}]: {record.getMessage()}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, pid, message, the record's `fields`, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        entry: dict[str, Any] = {
            "time": _time(record) + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": os.getpid(),
            "message": record.getMessage(),
        }
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines; to a stream that sends each off by itself nothing more is said."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._gathers = not getattr(stream, "line_buffering", False)

    def flush(self) -> None:
        """Send off what the stream has gathered."""
        if self._gathers:
            super().flush()


def configure(level: str, style: str, stream: TextIO | None = None) -> None:
    """Send everything of at least `level` (debug, info, warning, error) to `stream`, as `text` or `json` lines."""
    handler = _Lines(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # No line says from which source line, thread, process or task it comes, so none of that is found out: every
    # delivery and every sign-in writes a line.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _time(record: logging.LogRecord) -> str:
    return f"{_second(int(record.created))}.{int(record.msecs):03d}"


@functools.lru_cache(maxsize=1)  # lines come many to the second
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
