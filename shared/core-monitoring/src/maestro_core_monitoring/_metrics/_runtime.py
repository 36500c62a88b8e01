"""What Python itself does: garbage collection, threads, tasks, and how late the event loop is."""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ._collector import MetricsCollector

_LAG_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PAUSE_BUCKETS_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_TASKS_SHARE: Final = 200
"""Counting tasks that took a millisecond is not done again for this many: it stays below half a percent of the time."""


class PythonMetrics:
    """Keeps the metrics of the interpreter up to date.

    Args:
        metrics: Where they are published.
    """

    def __init__(self, metrics: "MetricsCollector") -> None:
        generation = ("generation",)
        self._collected = metrics.counter(
            "python_gc_objects_collected_total", "Objects that garbage collection freed.", generation
        )
        self._uncollectable = metrics.counter(
            "python_gc_objects_uncollectable_total", "Objects that garbage collection could not free.", generation
        )
        self._collections = metrics.counter("python_gc_collections_total", "Garbage collections.", generation)
        self._threads = metrics.gauge("python_threads", "Threads that run.")
        self._metrics = metrics
        self._seen: dict[tuple[int, str], float] = {}

    def refresh(self) -> None:
        """Take over what the interpreter has counted since the last time."""
        self._threads.set(threading.active_count())
        for generation, statistics in enumerate(gc.get_stats()):
            for key, counter in (
                ("collected", self._collected),
                ("uncollectable", self._uncollectable),
                ("collections", self._collections),
            ):
                before = self._seen.get((generation, key), 0.0)
                self._seen[generation, key] = statistics[key]
                counter.labels(generation).inc(max(0.0, statistics[key] - before))

    @asynccontextmanager
    async def watched(self, interval: timedelta, refresh: Callable[[], None]) -> AsyncIterator[None]:
        """Measure the event loop and the pauses of garbage collection while a block runs.

        Args:
            interval: Between two looks.
            refresh: Called at every look.
        """
        pauses = self._metrics.histogram(
            "python_gc_pause_seconds",
            "How long garbage collection held everything up.",
            ("generation",),
            buckets=_PAUSE_BUCKETS_S,
        )
        began = 0.0

        def collected(phase: str, info: dict[str, Any]) -> None:
            nonlocal began
            if phase == "start":
                began = time.perf_counter()
            elif began:
                # Collection may strike anywhere, also inside of code that holds the lock of the metrics: only noted here.
                noted.append((info["generation"], time.perf_counter() - began))

        noted: list[tuple[int, float]] = []
        gc.callbacks.append(collected)
        task = asyncio.create_task(self._look(interval.total_seconds(), refresh, pauses, noted), name="runtime-metrics")
        try:
            yield
        finally:
            gc.callbacks.remove(collected)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _look(
        self, interval_s: float, refresh: Callable[[], None], pauses: Any, noted: list[tuple[int, float]]
    ) -> None:
        lag = self._metrics.histogram(
            "asyncio_loop_lag_seconds",
            "How much later than asked for the event loop woke up.",
            buckets=_LAG_BUCKETS_S,
        )
        tasks = self._metrics.gauge("asyncio_tasks", "Tasks of the event loop that have not ended.")
        loop = asyncio.get_running_loop()
        next_count = loop.time()
        while True:
            if loop.time() >= next_count:
                began = time.perf_counter()
                tasks.set(len(asyncio.all_tasks(loop)))
                next_count = loop.time() + _TASKS_SHARE * (time.perf_counter() - began)
            while noted:
                generation, pause_s = noted.pop()
                pauses.labels(generation).observe(pause_s)
            refresh()
            due = loop.time() + interval_s
            await asyncio.sleep(interval_s)
            lag.observe(max(0.0, loop.time() - due))
