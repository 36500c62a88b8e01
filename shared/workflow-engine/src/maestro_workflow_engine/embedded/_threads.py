"""Threads for plain step functions: as many as are needed, up to a limit, and none that could hold up the process's end."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from maestro_core_logging import get_logger

_PATIENCE_S = 10.0
_logger = get_logger(__name__)


class Job:
    """One call on a thread.

    Attributes:
        label: Names the call in logs.
        future: What comes of it.
        thread: The thread that took it; None before.
        is_over: Whether the function has returned or raised.
    """

    def __init__(self, call: Callable[[], Any], label: str) -> None:
        self.label = label
        self.future: Future[Any] = Future()
        self.thread: str | None = None
        self.is_over = False
        self._call = call

    def run(self) -> None:
        """Make the call, unless nobody waits for it any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        self.thread = threading.current_thread().name
        try:
            result = self._call()
        except StopIteration as error:  # a future of asyncio takes none; coroutines turn it into the same
            self.is_over = True
            converted = RuntimeError("step raised StopIteration")
            converted.__cause__ = error
            self.future.set_exception(converted)
        except BaseException as error:  # noqa: BLE001  all of them belong to whoever waits
            self.is_over = True
            self.future.set_exception(error)
        else:
            self.is_over = True
            self.future.set_result(result)


class StepThreads:
    """A pool whose threads are daemons: a function that never returns keeps neither `close` nor the process from ending.

    Functions that still run when the process ends are given ten seconds.

    Args:
        limit: How many calls may run at once; the others wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._running: set[Job] = set()

    def submit(self, call: Callable[[], Any], label: str) -> Job:
        """Make a call on a thread; only one thread submits."""
        job = Job(call, label)
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._limit:
            if not self._threads:
                atexit.register(self._let_run_out)
            name = f"maestro-step-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return job

    def close(self) -> None:
        """Take no more calls, and drop those that have not begun."""
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                job.future.cancel()
        for _ in self._threads:
            self._jobs.put(None)
        if not self._running:
            atexit.unregister(self._let_run_out)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._running.add(job)
            job.run()
            self._running.discard(job)
            del job  # or its result would be kept until the next one comes
            self._idle.release()

    def _let_run_out(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while self._running and time.monotonic() < deadline:
            time.sleep(0.01)
        for job in list(self._running):
            _logger.warning("Process ends while a step runs; it will run again", step=job.label, thread=job.thread)
