"""Time and chance, as the runner takes them from outside: a test hands it another clock."""

from __future__ import annotations

import asyncio
import contextvars
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from maestro_workflow_engine.embedded._silence import WallSilence

T = TypeVar("T")
_FOR_EVER: AbstractAsyncContextManager[object] = nullcontext()
_LONGEST_WAIT_S = 30.0  # look again now and then, so that a clock set forward is noticed


class Wake(Protocol):
    """A call that a clock owes."""

    def cancel(self) -> None:
        """Owe it no more."""


class Clock(Protocol):
    """What the runner knows of time. Nothing in it reads the time or starts a timer in any other way.

    Attributes:
        random: Where the seeds of runs and the jitter of retries come from.
    """

    random: random.Random

    def now_us(self) -> int:
        """Return the time in microseconds since the epoch."""

    def wake_at(self, at_us: int, callback: Callable[[], object]) -> Wake:
        """Call back at a time, or earlier: the callee looks at the clock, and asks again."""

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Start a task that does real work: time does not jump while it runs. It has no context variables of whoever starts it."""

    def deadline(self, timeout: timedelta) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Raise TimeoutError in a step once it has worked longer than this."""

    def silence(self, timeout: timedelta) -> AbstractAsyncContextManager[WallSilence]:
        """Raise TimeoutError in a step once it has given no sign of life for longer than this."""

    def within(self, timeout: timedelta | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block of one who waits once that has taken longer than this; None for never."""


class WallClock:
    """The time of the machine."""

    def __init__(self) -> None:
        self.random = random.Random()  # noqa: S311  seeds make runs differ; they are no secrets

    def now_us(self) -> int:
        """Return the wall clock's time in microseconds since the epoch."""
        return time.time_ns() // 1000

    def wake_at(self, at_us: int, callback: Callable[[], object]) -> Wake:
        """Call back at a time, or half a minute from now."""
        wait = max(0.0, (at_us - self.now_us()) / 1e6)
        return asyncio.get_running_loop().call_later(min(wait, _LONGEST_WAIT_S), callback)

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Start a task, with no context variables of whoever starts it."""
        return asyncio.get_running_loop().create_task(coro, name=name, context=contextvars.Context())

    def deadline(self, timeout: timedelta) -> AbstractAsyncContextManager[asyncio.Timeout]:
        """Raise TimeoutError in a step once it has worked longer than this."""
        return asyncio.timeout(timeout.total_seconds())

    @asynccontextmanager
    async def silence(self, timeout: timedelta) -> AsyncIterator[WallSilence]:
        """Raise TimeoutError in a step once it has given no sign of life for longer than this."""
        async with asyncio.timeout(None) as limit:
            silence = WallSilence(limit, timeout.total_seconds())
            try:
                yield silence
            finally:
                silence.stop()

    def within(self, timeout: timedelta | None) -> AbstractAsyncContextManager[object]:
        """Raise TimeoutError in the block of one who waits once that has taken longer than this; None for never."""
        return _FOR_EVER if timeout is None else asyncio.timeout(timeout.total_seconds())
