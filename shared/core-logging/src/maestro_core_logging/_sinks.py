"""Where lines are written."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Literal

from maestro_core_logging._buffer import Buffer
from maestro_core_logging._levels import severity
from maestro_core_logging._options import Delivery
from maestro_core_logging._streams import (
    PIPE_BYTES,
    CannotTellError,
    LogStream,
    TornError,
    Way,
    way_of,
    write_all,
    write_if_room,
)

_BATCH: Final = 500
_FAILURES: Final = (OSError, ValueError, AttributeError)


class Sink:
    """Writes lines, each in one piece, to a stream.

    Lines go to the operating system before `write` returns, as long as the stream takes them at once; while it does not,
    they wait for a thread, in order. A standard stream is looked up anew for each line, because tests and tools exchange it.

    Args:
        stream: The stream, or the name of one of the process's own.
        delivery: How much may wait, and whether a thread writes everything.
        on_clear: Called by the thread when lines were lost and can be written again, with their number.

    Attributes:
        written: How many lines were written.
        dropped: How many were lost: for want of room, or because the stream is full, closed or gone.
        untold: How many of them were not told of yet.
    """

    def __init__(
        self,
        stream: LogStream | Literal["stdout", "stderr"],
        delivery: Delivery | None = None,
        on_clear: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._name = stream if isinstance(stream, str) else ""
        self._given: Any = None if isinstance(stream, str) else stream
        self._delivery = delivery or Delivery()
        self._on_clear = on_clear
        self._known: Any = None
        self._owner: Any = None
        self._way: Way = "text"
        self._file = -1
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a forked child has to: who held the lock is gone, and what waited is the parent's to write."""
        self.written = 0
        self.dropped = 0
        self.untold = 0
        self._is_torn = False
        self._begun = b""  # what is left of a line whose beginning the pipe took
        self._buffer: Buffer[bytes] = Buffer(self._delivery.buffer_lines, self._delivery.buffer_bytes)
        self._by_thread = self._delivery.way == "thread"
        self._is_busy = False  # whether lines wait, or the thread writes: whoever comes now comes later
        self._thread: threading.Thread | None = None
        self._lock = threading.RLock()  # a signal's handler may log while its thread is logging
        self._changed = threading.Condition(self._lock)

    @property
    def stream(self) -> Any:
        """The stream as it is now; None in a process that has none."""
        return getattr(sys, self._name) if self._name else self._given

    @property
    def waiting(self) -> int:
        """How many lines wait."""
        return self._buffer.items

    def write(self, line: bytes, level: str) -> bool:
        """Write one line, or let it wait. It never fails: a stream that is gone must not take the service down with it.

        Args:
            line: UTF-8, with its end.
            level: The line's level, in lower case.

        Returns:
            Whether it is written; no when it waits or is lost.
        """
        stream = getattr(sys, self._name) if self._name else self._given
        with self._lock:
            try:
                if self._is_busy or self._by_thread:
                    self._let_wait(line, level)
                    return False
                if stream is not self._known:
                    self._look_at(stream)
                if self._way == "text":
                    stream.write(line.decode())
                    stream.flush()
                elif self._owner.closed:
                    self._lose(1)
                    return False
                elif self._way == "pipe":
                    done = write_if_room(self._file, line)
                    if done < len(line):
                        self._let_wait_rest(line, done, level)
                        return False
                else:
                    # Straight to the file: a buffer would lose lines when the process is killed, and mix those of several.
                    done = 0 if self._is_torn else os.write(self._file, line)
                    if done < len(line):
                        self._write_rest(line, done)
            except CannotTellError:
                self._by_thread = True
                self._let_wait(line, level)
                return False
            except _FAILURES:
                self._lose(1)
                return False
            self.written += 1
            return True

    def take_untold(self) -> int:
        """Return how many lines were lost and not told of yet; they count as told from now on."""
        with self._lock:
            untold, self.untold = self.untold, 0
            return untold

    def flush(self, timeout: float) -> bool:
        """Wait until nothing waits any more.

        Args:
            timeout: How long, in seconds.

        Returns:
            Whether everything was written.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._is_busy:
                left = deadline - time.monotonic()
                if left <= 0 or self._thread is None or not self._changed.wait(left):
                    return not self._is_busy
        return True

    def _look_at(self, stream: Any) -> None:
        self._known = stream
        self._way, self._file = way_of(stream)
        # Asked for each line whether it is closed; the innermost of a stream's layers answers fastest.
        self._owner = getattr(getattr(stream, "buffer", None), "raw", stream)

    def _write_rest(self, line: bytes, done: int) -> None:
        """Write what is left of a line, on a line of its own when the one before was torn."""
        rest = line[done:]
        if self._is_torn:
            rest = b"\n" + rest
        try:
            self._is_torn = done > 0
            write_all(self._file, rest)
            self._is_torn = False
        except TornError:
            self._is_torn = True
            raise

    def _lose(self, lines: int) -> None:
        self.dropped += lines
        self.untold += lines

    def _let_wait_rest(self, line: bytes, done: int, level: str) -> None:
        if done:
            self._begun = line[done:]
            self._wake()
        else:
            self._let_wait(line, level)

    def _let_wait(self, line: bytes, level: str) -> None:
        if dropped := self._buffer.put(line, len(line), severity(level)):
            self._lose(dropped)
        if not self._is_busy:
            self._wake()

    def _wake(self) -> None:
        self._is_busy = True
        if self._thread is None:
            thread = threading.Thread(target=self._work, args=(self._changed,), name="maestro-log-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down: what waits now is lost
                return
            self._thread = thread
        else:
            self._changed.notify_all()

    def _work(self, changed: threading.Condition) -> None:
        """Write what waits, for ever."""
        is_written = True
        while True:
            untold = 0
            with changed:
                if not self._buffer.items and not self._begun:
                    if is_written and self.untold:
                        untold = self.take_untold()
                    else:
                        self._is_busy = False
                        changed.notify_all()
                        while not self._is_busy:
                            changed.wait()
            if untold:
                self._on_clear(untold)  # it is a line, and comes to us to be written
            with changed:
                begun, self._begun = self._begun, b""
                lines = self._buffer.take(_BATCH)
            is_written = self._deliver(begun, lines)

    def _deliver(self, begun: bytes, lines: list[bytes]) -> bool:
        """Write lines, and the rest of one before them; tell whether all of them were written."""
        left = len(lines) + bool(begun)
        try:
            stream = self.stream
            if stream is not self._known:
                self._look_at(stream)
                begun = b""  # the other stream has its beginning
            if self._way == "text":
                stream.write(b"".join(lines).decode())
                stream.flush()
                self.written += len(lines)
                left -= len(lines)
            else:
                for piece, count in _pieces(begun, lines):
                    if self._owner.closed:
                        break
                    self._write_rest(piece, 0)
                    self.written += count
                    left -= count
        except _FAILURES:
            pass  # what is left is lost, and told as soon as something can be written again
        if left:
            with self._lock:
                self._lose(left)
        return not left


def _pieces(begun: bytes, lines: list[bytes]) -> list[tuple[bytes, int]]:
    """Put lines together into pieces that a pipe takes whole, with how many lines end in each."""
    pieces, piece, count = [(begun, 1)] if begun else [], b"", 0
    for line in lines:
        if piece and len(piece) + len(line) > PIPE_BYTES:
            pieces.append((piece, count))
            piece, count = b"", 0
        piece += line
        count += 1
    return [*pieces, (piece, count)] if piece else pieces
