"""Where lines are written."""

from __future__ import annotations

import io
import os
import sys
import threading
from typing import Any, Literal, Protocol


class LogStream(Protocol):
    """Where lines go: anything with `write` and `flush`, such as sys.stdout."""

    def write(self, text: str, /) -> object:
        """Take one line."""

    def flush(self) -> object:
        """Pass on what was taken."""


class Sink:
    """Writes lines, each in one piece, to a stream.

    A standard stream is looked up anew for each line, because tests and tools exchange it.

    Args:
        stream: The stream, or the name of one of the process's own.
    """

    def __init__(self, stream: LogStream | Literal["stdout", "stderr"]) -> None:
        self._name = stream if isinstance(stream, str) else ""
        self._given: Any = None if isinstance(stream, str) else stream
        self._known: Any = None
        self._file: int | None = None
        self._is_torn = False
        self._lock = threading.RLock()  # a signal's handler may log while its thread is logging

    @property
    def stream(self) -> Any:
        """The stream as it is now; None in a process that has none."""
        return getattr(sys, self._name) if self._name else self._given

    def write(self, line: bytes) -> bool:
        """Write one line.

        Args:
            line: UTF-8, with its end.

        Returns:
            Whether it was written. A stream that is closed, full or gone must not take the service down with it.
        """
        stream = getattr(sys, self._name) if self._name else self._given
        try:
            with self._lock:
                if stream is not self._known:
                    self._known, self._file = stream, _file_number(stream)
                if self._file is None:
                    stream.write(line.decode())
                    stream.flush()
                elif stream.closed:
                    return False
                else:
                    self._write_to_file(self._file, line)
        except (OSError, ValueError, AttributeError):
            return False
        return True

    def renew_lock(self) -> None:
        """Forget who held the lock: in a forked child, that thread is gone."""
        self._lock = threading.RLock()

    def _write_to_file(self, file: int, line: bytes) -> None:
        # Straight to the file: a buffer would lose lines when the process is killed, and mix those of several processes.
        if self._is_torn:
            line = b"\n" + line
        written = os.write(file, line)
        while written < len(line):
            self._is_torn = True
            written += os.write(file, line[written:])
        self._is_torn = False


def _file_number(stream: Any) -> int | None:
    if not isinstance(stream, io.TextIOWrapper):
        return None
    try:
        stream.flush()  # what was printed before comes before
        return stream.fileno()
    except (OSError, ValueError):
        return None
