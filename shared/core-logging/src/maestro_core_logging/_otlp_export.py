"""Sending lines to an OTLP receiver, by a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from maestro_core_logging._buffer import Buffer
from maestro_core_logging._levels import severity
from maestro_core_logging._options import OtlpExport
from maestro_core_logging._otlp import export_request
from maestro_core_logging._otlp_post import Answer, OtlpPost

_LIBRARY: Final = "maestro_core_logging"
_MAX_BYTES: Final = 32 * 1024 * 1024
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


class OtlpExporter:
    """Gathers lines, and sends them in batches. Whoever logs never waits for it.

    While the receiver cannot be reached, the batch at hand is tried again after pauses that double, and what comes waits,
    bounded; the more severe stays when there is no room for all.

    Args:
        options: Where to, and how much at a time.
        identity: What every line carries: service, environment, version.
        tell: Writes a line of the log's own: level, event, logger, fields.

    Attributes:
        exported: How many records the receiver took.
        dropped: How many were lost.
    """

    def __init__(
        self,
        options: OtlpExport,
        identity: Mapping[str, str],
        tell: Callable[[str, str, str, dict[str, Any]], None],
    ) -> None:
        self._options = options
        self._identity = identity
        self._tell = tell
        self._is_closing = False
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a forked child has to: what waited is the parent's to send, over the parent's connection."""
        self.exported = 0
        self.dropped = 0
        self._buffer: Buffer[Mapping[str, Any]] = Buffer(self._options.buffer_records, _MAX_BYTES)
        self._post = OtlpPost(self._options)
        self._is_busy = False
        self._is_urgent = False
        self._fails = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition(threading.RLock())

    def take(self, line: Mapping[str, Any], size: int) -> None:
        """Take one line.

        Args:
            line: The line; nobody changes it any more.
            size: About how many bytes it has.
        """
        with self._changed:
            self.dropped += self._buffer.put(line, size, severity(line["level"]))
            if self._thread is None:
                self._start()
            elif self._buffer.items in (1, self._options.batch_records):
                self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Send what waits without gathering more.

        Args:
            timeout: How long to wait for it, in seconds.

        Returns:
            Whether all was sent, or given up.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._buffer.items or self._is_busy:
                if self._thread is None:
                    return False
                self._is_urgent = True
                self._changed.notify_all()
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    return not (self._buffer.items or self._is_busy)
        return True

    def close(self) -> None:
        """Send what waits, trying each batch once, and end; others need not wait for it."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, args=(self._changed,), name="maestro-log-export", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down: what waits now is lost
            return
        self._thread = thread

    def _work(self, changed: threading.Condition) -> None:
        while True:
            with changed:
                self._gather(changed)
                lines = self._buffer.take(self._options.batch_records)
                self._is_busy = bool(lines)
            if not lines:
                self._post.close()
                return
            self._send(lines, changed)
            with changed:
                self._is_busy = False
                if not self._buffer.items:
                    self._is_urgent = False
                changed.notify_all()

    def _gather(self, changed: threading.Condition) -> None:
        while not self._buffer.items and not self._is_closing:
            changed.wait()
        deadline = time.monotonic() + self._options.interval.total_seconds()
        while self._buffer.items < self._options.batch_records and not (self._is_urgent or self._is_closing):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            changed.wait(left)

    def _send(self, lines: list[Mapping[str, Any]], changed: threading.Condition) -> None:
        body = export_request(lines, self._identity, self._options.resource)
        pause = _FIRST_PAUSE
        while True:
            answer = self._post(body)
            if answer.is_final or self._is_closing:
                self._count(len(lines), answer)
                return
            self._tell_failure(answer)
            with changed:  # a flush may be the last chance: it does not wait for the pause
                self._is_urgent = False
                changed.wait_for(lambda: self._is_urgent or self._is_closing, max(pause, answer.retry_after))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _count(self, lines: int, answer: Answer) -> None:
        lost = min(answer.rejected, lines) or (lines if answer.fault else 0)
        with self._changed:
            self.exported += lines - lost
            self.dropped += lost
        if answer.fault:
            self._tell_failure(answer)
        elif self._fails:
            self._fails = False
            self._tell("info", "Log export works again", _LIBRARY, {"export_dropped": self.dropped})

    def _tell_failure(self, answer: Answer) -> None:
        """Say once that it fails, until it works again."""
        if not self._fails:
            self._fails = True
            fields = {"endpoint": self._options.endpoint, "reason": answer.fault}
            self._tell("warning", "Log export fails", _LIBRARY, fields)
