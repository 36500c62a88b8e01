"""Which of the lines that pass the level are written: a share of them, and not the same one over and over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.trace import get_current_span

from maestro_core_logging._options import Repetition, Sampling

_MOST_REMEMBERED: Final = 4_096
_TRACE_LIMIT: Final = 2**63  # the random part of a trace id, as OpenTelemetry's sampler by ratio takes it
_SAMPLED_LEVELS: Final = frozenset({"debug", "info"})
_COUNTED_LEVELS: Final = frozenset({"debug", "info", "warning"})

_Kind = tuple[str, str, str]


class _Window:
    __slots__ = ("begun", "lines", "suppressed")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.lines = 0
        self.suppressed = 0


class Volume:
    """Decides line by line.

    Args:
        sampling: Which share is written; None for all.
        repetition: How often the same is written; None for ever.
        tell: Writes a line past this: level, event, logger, fields.

    Attributes:
        sampled_out: How many lines were left out by sampling.
        suppressed: How many lines were left out as repetitions.
    """

    def __init__(
        self,
        sampling: Sampling | None,
        repetition: Repetition | None,
        tell: Callable[[str, str, str, dict[str, Any]], None],
    ) -> None:
        self._sampling = sampling
        self._repetition = repetition
        self._period = repetition.period.total_seconds() if repetition else 0.0
        self._tell = tell
        self._shares: dict[str, float] = {}
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a forked child has to: the parent tells of what was suppressed before."""
        self.sampled_out = 0
        self.suppressed = 0
        self._windows: dict[_Kind, _Window] = {}
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()

    def admit(self, level: str, logger: str, event: str) -> float:
        """Decide whether a line is written.

        Args:
            level: Its level, in lower case.
            logger: Its logger's name.
            event: What happened.

        Returns:
            The share of such lines that are written; 0.0 when this one is not.
        """
        share = 1.0
        if self._sampling is not None and level in _SAMPLED_LEVELS:
            share = self._share(logger, self._sampling)
            if share < 1.0 and not _is_drawn(share):
                self.sampled_out += 1
                return 0.0
        if self._repetition is not None and level in _COUNTED_LEVELS:
            return share if self._counts((logger, event, level), self._repetition.lines) else 0.0
        return share

    def finish(self) -> None:
        """Tell of all that was suppressed and not told of yet."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self._tell_of(0.0)

    def _share(self, logger: str, sampling: Sampling) -> float:
        share = self._shares.get(logger)
        if share is None:
            name = logger
            while name and name not in sampling.loggers:
                name = name.rpartition(".")[0]
            share = sampling.loggers.get(name, sampling.share)
            if len(self._shares) < _MOST_REMEMBERED:
                self._shares[logger] = share
        return share

    def _counts(self, kind: _Kind, most: int) -> bool:
        now = time.monotonic()
        with self._lock:
            window = self._windows.get(kind)
            if window is None or (now - window.begun >= self._period and not window.suppressed):
                if len(self._windows) >= _MOST_REMEMBERED:
                    self._forget(now)
                window = self._windows[kind] = _Window(now)
            window.lines += 1
            if window.lines <= most:
                return True
            window.suppressed += 1
            self.suppressed += 1
            if self._timer is None:
                self._watch(max(window.begun + self._period - now, 0.0))
            return False

    def _forget(self, now: float) -> None:
        """Make room: events whose words vary are all different, and would fill the memory."""
        untold = {kind: window for kind, window in self._windows.items() if window.suppressed}
        young = {kind: window for kind, window in self._windows.items() if now - window.begun < self._period / 2}
        self._windows = next((kept for kept in (untold | young, untold) if len(kept) < _MOST_REMEMBERED), {})

    def _watch(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._end_period)
        timer.daemon = True
        timer.name = "maestro-log-repetition"
        try:
            timer.start()
        except RuntimeError:  # the interpreter is shutting down; `finish` tells
            return
        self._timer = timer

    def _end_period(self) -> None:
        with self._lock:
            self._timer = None
        self._tell_of(self._period)
        with self._lock:
            left = [window.begun for window in self._windows.values() if window.suppressed]
            if left and self._timer is None:
                self._watch(max(min(left) + self._period - time.monotonic(), 0.0))

    def _tell_of(self, age: float) -> None:
        now = time.monotonic()
        with self._lock:
            over = {
                kind: window
                for kind, window in self._windows.items()
                if window.suppressed and now - window.begun >= age
            }
            for kind in over:
                del self._windows[kind]
        for (logger, event, level), window in over.items():
            self._tell(
                level, "Lines were suppressed", logger, {"suppressed": window.suppressed, "suppressed_event": event}
            )


def _is_drawn(share: float) -> bool:
    """Draw by the trace, so that a trace has all of its lines or none; without one, each line by itself."""
    span = get_current_span().get_span_context()
    if span.is_valid:
        return span.trace_id & (_TRACE_LIMIT - 1) < share * _TRACE_LIMIT
    return random.random() < share  # noqa: S311 - no secret hangs on it
