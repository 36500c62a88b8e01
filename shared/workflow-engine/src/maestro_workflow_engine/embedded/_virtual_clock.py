"""Time that jumps: from one thing that falls due to the next, as soon as nothing is under way any more."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from functools import partial
from typing import Any, TypeVar

from maestro_workflow_engine._errors import EngineClosedError, StandstillError
from maestro_workflow_engine.embedded._hold import Hold
from maestro_workflow_engine.embedded._silence import WallSilence

T = TypeVar("T")
_work: ContextVar[Hold | None] = ContextVar("maestro_work", default=None)
_MICROSECOND = timedelta(microseconds=1)
_MOST_TURNS = 1000  # of the event loop that one jump waits for others; somebody may be polling with sleep(0)
_BLIND_TURNS = 50  # the same, on an event loop that does not show what is ready


class Turn(IntEnum):
    """Who is first among those that are due at one moment."""

    ENGINE = 0
    DEADLINE = 1
    SLEEPER = 2
    TIMEOUT = 3


@dataclass(order=True, slots=True)
class VirtualWake:
    """A call that the clock owes."""

    at_us: int
    turn: Turn
    order: int
    callback: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Owe it no more; time does not stop at it either."""
        self.cancelled = True


@dataclass(slots=True, eq=False)
class _Waiter:
    limit: asyncio.Timeout
    error: StandstillError | EngineClosedError | None = None

    def expire(self) -> None:
        if not self.limit.expired():
            self.limit.reschedule(0)

    def give_up(self, error: StandstillError | EngineClosedError) -> None:
        self.error = error
        self.expire()


class VirtualClock:
    """A clock for tests.

    Time moves only while somebody waits for it (`within`, `sleep`), and only when nobody holds it and the event loop has
    nothing left to run. It then jumps to the next thing that is due, and lets everything that follows from it happen
    before it jumps again. What is due at one moment comes in the order of `Turn`, then in that of asking.

    Args:
        start_us: What it shows at first, in µs since the epoch.
        auto: Whether time jumps as far as it can; otherwise only as far as somebody `advance`s it.
        seed: Of the random numbers.
        patience: How long, in real time, those who wait put up with nothing happening at all.
    """

    def __init__(self, start_us: int, *, auto: bool, seed: int, patience: timedelta) -> None:
        self.random = random.Random(seed)  # noqa: S311  reproducible numbers are the point
        self.explain: Callable[[], Awaitable[list[str]]] | None = None
        self._now = start_us
        self._auto = auto
        self._patience = patience.total_seconds()
        self._due: list[VirtualWake] = []
        self._orders = itertools.count()
        self._holds: set[Hold] = set()
        self._waiters: dict[_Waiter, None] = {}
        self._targets: list[int] = []
        self._settling = False
        self._last_sign = 0.0
        self._watchdog: asyncio.TimerHandle | None = None

    def now_us(self) -> int:
        """Return the virtual time in microseconds since the epoch."""
        return self._now

    def wake_at(self, at_us: int, callback: Callable[[], object], turn: Turn = Turn.ENGINE) -> VirtualWake:
        """Call back when time has come to a moment."""
        wake = VirtualWake(at_us, turn, next(self._orders), callback)
        heapq.heappush(self._due, wake)
        self._pulse()
        return wake

    def hold(self, reason: str) -> Hold:
        """Keep time from moving until the hold is released."""
        return Hold(self._holds, reason, self._pulse)

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Start a task, with no context variables of whoever starts it; time stands still until it is done."""
        hold = self.hold(f"{name} is running")
        context = contextvars.Context()
        context.run(_work.set, hold)
        task = asyncio.get_running_loop().create_task(coro, name=name, context=context)
        task.add_done_callback(lambda _: hold.release())
        return task

    @asynccontextmanager
    async def deadline(self, timeout: timedelta) -> AsyncIterator[asyncio.Timeout]:
        """Raise TimeoutError in a step once it has worked longer than this, in real time or in virtual time it slept."""
        async with asyncio.timeout(timeout.total_seconds()) as limit:
            wake = self.wake_at(self._after(timeout), _Waiter(limit).expire, Turn.DEADLINE)
            try:
                yield limit
            finally:
                wake.cancel()

    @asynccontextmanager
    async def silence(self, timeout: timedelta) -> AsyncIterator[VirtualSilence]:
        """Raise TimeoutError in a step that has been silent for longer than this, in real time or in virtual time it slept."""
        async with asyncio.timeout(None) as limit:
            silence = VirtualSilence(limit, timeout, self)
            try:
                yield silence
            finally:
                silence.stop()

    @asynccontextmanager
    async def within(self, timeout: timedelta | None) -> AsyncIterator[None]:
        """Let time move while the block waits.

        Args:
            timeout: The virtual time after which the block ends with TimeoutError; None for never.

        Raises:
            TimeoutError: Virtual time has passed the timeout.
            StandstillError: Nothing at all has happened for as long as the clock has patience, in real time.
            EngineClosedError: The clock was closed.
        """
        wake: VirtualWake | None = None
        waiter: _Waiter | None = None
        try:
            async with asyncio.timeout(None) as limit:
                waiter = _Waiter(limit)
                self._waiters[waiter] = None
                if timeout is not None:
                    wake = self.wake_at(self._after(timeout), waiter.expire, Turn.TIMEOUT)
                self._pulse()
                if self._watchdog is None:
                    self._watch(self._patience)
                try:
                    yield
                finally:
                    self._leave(waiter, wake)
        except TimeoutError:
            if waiter is None or waiter.error is None:
                raise
            error = waiter.error
            if isinstance(error, StandstillError) and self.explain is not None:
                error = StandstillError(error.patience, (*error.reasons, *await self.explain()))
            raise error from None

    async def sleep(self, duration: timedelta) -> None:
        """Wait until that much virtual time has passed and everything due by then has happened.

        In work that this clock has spawned, the work takes that much longer: time moves on past it.
        """
        work = _work.get()
        slept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        async with self.within(None) if work is None else work.paused():
            turn = Turn.SLEEPER if work is None else Turn.ENGINE
            wake = self.wake_at(self._after(duration), partial(_resolve, slept), turn)
            try:
                await slept
            finally:
                wake.cancel()

    async def advance(self, duration: timedelta) -> None:
        """Let time move by that much, and wait for it."""
        target = self._after(duration)
        self._targets.append(target)
        try:
            await self.sleep(duration)
        finally:
            self._targets.remove(target)

    def close(self) -> None:
        """Move no more, and tell those who still wait."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        self._due.clear()
        for waiter in self._waiters:
            waiter.give_up(EngineClosedError("the engine closed while somebody waited for time to pass"))

    # ── moving ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _after(self, duration: timedelta) -> int:
        return self._now + max(0, duration // _MICROSECOND)

    def _leave(self, waiter: _Waiter, wake: VirtualWake | None) -> None:
        del self._waiters[waiter]
        if wake is not None:
            wake.cancel()
        if not self._waiters and self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _pulse(self) -> None:
        loop = asyncio.get_running_loop()
        self._last_sign = loop.time()
        if not self._settling:
            self._settling = True
            loop.call_soon(self._settle, loop, 0)

    def _settle(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        if self._holds:
            self._settling = False  # whoever releases the last hold looks again
            return
        ready = getattr(loop, "_ready", None)  # asyncio's own; the public interface has no such question
        if turns < (_BLIND_TURNS if ready is None else _MOST_TURNS if ready else 0):
            loop.call_soon(self._settle, loop, turns + 1)
            return
        self._settling = False
        self._jump()

    def _jump(self) -> None:
        while self._due and self._due[0].cancelled:
            heapq.heappop(self._due)
        if not self._due or not self._may_reach(self._due[0].at_us):
            return
        wake = heapq.heappop(self._due)
        self._now = max(self._now, wake.at_us)
        wake.callback()
        self._pulse()

    def _may_reach(self, at_us: int) -> bool:
        if at_us <= self._now:
            return True
        if self._auto:
            return bool(self._waiters)
        return any(target >= at_us for target in self._targets)

    # ── noticing that it never will ──────────────────────────────────────────────────────────────────────────────

    def _watch(self, delay: float) -> None:
        self._watchdog = asyncio.get_running_loop().call_later(delay, self._look)

    def _look(self) -> None:
        left = self._last_sign + self._patience - asyncio.get_running_loop().time()
        self._watch(left if left > 0 else self._patience)
        if left <= 0:
            for waiter in self._waiters:
                waiter.give_up(StandstillError(timedelta(seconds=self._patience), self._reasons()))

    def _reasons(self) -> tuple[str, ...]:
        if self._holds:
            return tuple(sorted(hold.reason for hold in self._holds))
        if not self._auto and any(not wake.cancelled for wake in self._due):
            return ("time is moved by hand and nobody calls engine.time.advance()",)
        return ("nothing falls due any more",)


class VirtualSilence(WallSilence):
    """Counts virtual time as well.

    Args:
        limit: The timeout, entered and without a time of its own.
        timeout: How long silence may last.
        clock: The virtual time.
    """

    def __init__(self, limit: asyncio.Timeout, timeout: timedelta, clock: VirtualClock) -> None:
        super().__init__(limit, timeout.total_seconds())
        self._clock = clock
        self._lasts_us = timeout // _MICROSECOND
        self._last_us = clock.now_us()
        self._wake = clock.wake_at(self._last_us + self._lasts_us, self._look_at_clock, Turn.DEADLINE)

    def beat(self) -> None:
        """Begin to count anew, on any thread."""
        super().beat()
        self._last_us = self._clock.now_us()

    def stop(self) -> None:
        """Watch no more."""
        super().stop()
        self._wake.cancel()

    def _look_at_clock(self) -> None:
        due_us = self._last_us + self._lasts_us
        if due_us <= self._clock.now_us():
            self.expire()
        else:
            self._wake = self._clock.wake_at(due_us, self._look_at_clock, Turn.DEADLINE)


def _resolve(slept: asyncio.Future[None]) -> None:
    if not slept.done():
        slept.set_result(None)
