"""Sending spans in batches, from a thread of its own, with a bounded queue and exact counts of what is lost."""

import os
import threading
import time
import weakref
from collections import deque
from typing import Final

from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, Context, attach, detach, set_value
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from maestro_core_logging import get_logger

from ._otlp import OtlpExport
from ._statistics import TracingStatistics

_SHUTDOWN_S: Final = 5.0
_logger = get_logger(__name__)


class BatchingProcessor(SpanProcessor):
    """Hands ended spans to an exporter in batches.

    OpenTelemetry's own processor does not tell how many spans it dropped unless its metrics are switched on, and its flush
    takes as long as the exporter does, whatever limit it is given.

    Args:
        exporter: Sends them.
        options: Sizes and times.
    """

    def __init__(self, exporter: SpanExporter, options: OtlpExport) -> None:
        self._exporter = exporter
        self._options = options
        self._interval_s = options.interval.total_seconds()
        self._exported = self._queue_full = self._export_failed = self._shut_down = 0
        self._changed = threading.Condition()
        self._queue: deque[ReadableSpan] = deque()
        self._taken = self._done = self._flush_to = self._sending = 0
        self._closing = False
        self._thread = self._started()
        if hasattr(os, "register_at_fork"):
            again = weakref.WeakMethod(self._forked)
            os.register_at_fork(after_in_child=lambda: (method := again()) and method())

    @property
    def statistics(self) -> TracingStatistics:
        """What became of the spans so far."""
        with self._changed:
            waiting = len(self._queue) + self._sending
            return TracingStatistics(self._exported, self._queue_full, self._export_failed, self._shut_down, waiting)

    def on_start(self, span: ReadableSpan, parent_context: Context | None = None) -> None:
        """See OpenTelemetry."""

    def on_end(self, span: ReadableSpan) -> None:
        """See OpenTelemetry."""
        context = span.context
        if context is None or not context.trace_flags.sampled:
            return
        with self._changed:
            if self._closing:
                self._shut_down += 1
                return
            if len(self._queue) >= self._options.queue_size:
                self._queue_full += 1
                return
            self._queue.append(span)
            self._taken += 1
            if len(self._queue) >= self._options.batch_size:
                self._changed.notify_all()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what has ended by now.

        Args:
            timeout_millis: How long to wait for it.

        Returns:
            Whether all of it was handed to the receiver, or given up, in time.
        """
        with self._changed:
            target = self._taken
            self._flush_to = max(self._flush_to, target)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= target, timeout_millis / 1000)

    def shutdown(self) -> None:
        """Send what is left, for some seconds at most, and end."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_SHUTDOWN_S)
        self._exporter.shutdown()  # ends waiting between retries, too
        with self._changed:
            self._shut_down += len(self._queue)
            self._queue.clear()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, name="maestro-spans", daemon=True)
        thread.start()
        return thread

    def _forked(self) -> None:
        """Begin anew in a forked child: its parent sends what had ended by then, and threads stay behind."""
        self._changed = threading.Condition()
        self._queue.clear()
        self._taken = self._done = self._flush_to = self._sending = 0
        self._exported = self._queue_full = self._export_failed = self._shut_down = 0
        self._thread = self._started()

    def _work(self) -> None:
        # The export's own HTTP calls are not to be traced.
        token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
        try:
            while batch := self._next_batch():
                self._send(batch)
        finally:
            detach(token)

    def _next_batch(self) -> list[ReadableSpan]:
        """Wait for a batch; an empty one means the end."""
        options = self._options
        with self._changed:
            due = time.monotonic() + self._interval_s
            while not self._closing and len(self._queue) < options.batch_size and self._flush_to <= self._done:
                left = due - time.monotonic()
                if left <= 0:
                    if self._queue:
                        break
                    due, left = time.monotonic() + self._interval_s, self._interval_s
                self._changed.wait(left)
            batch = [self._queue.popleft() for _ in range(min(options.batch_size, len(self._queue)))]
            self._sending = len(batch)
            return batch

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            result = self._exporter.export(batch)
        except Exception as error:
            _logger.error("Spans could not be exported", exc_info=error)
            result = SpanExportResult.FAILURE
        with self._changed:
            if result is SpanExportResult.SUCCESS:
                self._exported += len(batch)
            else:
                self._export_failed += len(batch)
            self._sending = 0
            self._done += len(batch)
            self._changed.notify_all()
