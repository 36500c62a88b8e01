"""One health check: when it runs, how long it may, and what it found last."""

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from maestro_core_logging import get_logger
from maestro_core_monitoring._errors import HealthCheckError

from ._report import CheckResult, HealthKind

CheckFunction = Callable[[], Awaitable[object]] | Callable[[], object]
_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How a check is treated."""

    kind: HealthKind
    """Which question it answers."""
    timeout: timedelta
    """When it has failed for lack of an answer."""
    cache: timedelta
    """How long an answer holds."""
    critical: bool
    """Whether its failure makes the report fail."""


class Check:
    """A check and what is known of it.

    Whoever asks while it runs waits for the same answer. One that goes on beyond its limit, a thread above all, which nobody
    can stop, is not started a second time before it has ended.

    Args:
        name: What is checked.
        function: Async, or plain and then run in a thread; passes by returning, fails by raising.
        options: How it is treated.
    """

    def __init__(self, name: str, function: CheckFunction, options: CheckOptions) -> None:
        self.name = name
        self.options = options
        self._function = function
        self._in_thread = not _is_async(function)
        self._last: tuple[CheckResult, float] | None = None
        self._was_healthy = True
        self._run: _Run | None = None

    async def outcome(self) -> CheckResult:
        """Return what the check says: now, or within the time that an answer holds.

        Returns:
            The result; it never raises for a failing check.
        """
        if self._last is not None and self.options.cache:
            result, at = self._last
            age = timedelta(seconds=time.monotonic() - at)
            if age < self.options.cache:
                return replace(result, age=age)
        run = self._run
        if run is None or not run.can_be_joined:
            run = self._run = _Run(self._function, in_thread=self._in_thread)
        elif run.is_overdue:
            return self._concluded(run, f"still runs after {run.seconds:.0f} s; not started again")
        limit_s = self.options.timeout.total_seconds()
        await asyncio.wait({run.task}, timeout=max(0.0, limit_s - run.seconds))
        if not run.task.done():
            run.is_overdue = True
            run.task.cancel()
            return self._concluded(run, f"no answer within {limit_s:g} s")
        if run.is_overdue:
            return self._concluded(run, f"no answer within {limit_s:g} s")
        return self._concluded(run, _reason(run.task), None if run.task.cancelled() else run.task.exception())

    def _concluded(self, run: "_Run", error: str | None, cause: BaseException | None = None) -> CheckResult:
        duration = timedelta(seconds=run.duration)
        result = CheckResult(self.name, error is None, duration, error, self.options.critical)
        self._last = (result, time.monotonic())
        if result.healthy != self._was_healthy:
            self._was_healthy = result.healthy
            self._tell(result, cause)
        return result

    def _tell(self, result: CheckResult, cause: BaseException | None) -> None:
        """Log a change; a probe that asks every second must not fill the log."""
        if result.healthy:
            _logger.info("Health check passes again", check=self.name)
        else:
            detail = result.error if cause is None else f"{type(cause).__name__}: {cause}"
            _logger.warning("Health check failed", check=self.name, error=detail, critical=self.options.critical)


class _Run:
    """One run of a check."""

    def __init__(self, function: CheckFunction, *, in_thread: bool) -> None:
        self._began = time.monotonic()
        self._ended: float | None = None
        self._loop = asyncio.get_running_loop()
        self._thread_ended: concurrent.futures.Future[object] | None = None
        self.is_overdue = False
        call = self._called_in_thread(function) if in_thread else _called(function)
        self.task = self._loop.create_task(call, name="health-check")
        self.task.add_done_callback(self._note_end)

    @property
    def seconds(self) -> float:
        """How long it has been since it began."""
        return time.monotonic() - self._began

    @property
    def duration(self) -> float:
        """How long it ran, or has run by now."""
        return self.seconds if self._ended is None else self._ended - self._began

    @property
    def can_be_joined(self) -> bool:
        """Whether it still runs, so that asking again means waiting for it."""
        if self._thread_ended is not None and not self._thread_ended.done():
            return self.is_overdue or self._loop is asyncio.get_running_loop()
        return not self.task.done() and self._loop is asyncio.get_running_loop()

    def _note_end(self, task: asyncio.Task[object]) -> None:
        self._ended = time.monotonic()
        if not task.cancelled():
            task.exception()  # seen, or asyncio would complain where nobody waited any more

    async def _called_in_thread(self, function: CheckFunction) -> object:
        ended: concurrent.futures.Future[object] = concurrent.futures.Future()
        self._thread_ended = ended
        context = contextvars.copy_context()

        def work() -> None:
            try:
                ended.set_result(context.run(function))
            except BaseException as error:  # noqa: BLE001 - whatever a check raises is its answer
                ended.set_exception(error)

        # A thread of its own: one that hangs must not take a place in the loop's pool, nor hold up the end of the process.
        threading.Thread(target=work, name="health-check", daemon=True).start()
        # Cancelling who waits must not mark the thread's work as cancelled: it goes on.
        try:
            result = await asyncio.shield(asyncio.wrap_future(ended))
        except asyncio.CancelledError:
            ended.add_done_callback(_let_go)
            raise
        return await result if inspect.isawaitable(result) else result


def _let_go(ended: "concurrent.futures.Future[object]") -> None:
    """Close what a thread returned to be waited for when nobody waits any more."""
    if ended.exception() is None and inspect.iscoroutine(result := ended.result()):
        result.close()


async def _called(function: CheckFunction) -> object:
    result = function()
    return await result if inspect.isawaitable(result) else result


def _is_async(function: CheckFunction) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - an object whose call is async


def _reason(task: asyncio.Task[object]) -> str | None:
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    if error is None:
        return None
    # The text of any other exception may hold addresses or credentials, and health needs no token.
    return str(error) if isinstance(error, HealthCheckError) else type(error).__name__
