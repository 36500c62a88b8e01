"""A clock that stands still until the test moves it."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Time of day, monotonic seconds and sleep, for code that takes its clock as an argument.

    Pass `clock.now`, `clock.time`, `clock.monotonic` or `clock.sleep` where a service takes such a function. Nothing is
    patched: timeouts of sockets, event loops and databases go on by the real clock. It may be moved from another thread
    than the one that sleeps.

    Args:
        start: The time of day at first, with a time zone.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError("start needs a time zone: datetime(…, tzinfo=UTC)")
        self._now = start
        self._elapsed = timedelta(0)
        self._lock = threading.Lock()
        self._sleeping: list[tuple[timedelta, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the time of day."""
        return self._now

    def time(self) -> float:
        """Return the time of day in seconds since 1970."""
        return self._now.timestamp()

    def monotonic(self) -> float:
        """Return the seconds by which the clock was advanced."""
        return self._elapsed.total_seconds()

    @property
    def sleepers(self) -> int:
        """How many tasks sleep on this clock: a test waits for this before it advances."""
        with self._lock:
            return sum(not future.done() for _, future in self._sleeping)

    def advance(self, by: timedelta) -> None:
        """Let time pass; whoever sleeps until then wakes up.

        Args:
            by: How much.

        Raises:
            ValueError: It is negative: no time passes backwards, but `set` may turn the clock back.
        """
        if by < timedelta(0):
            raise ValueError("time does not pass backwards; set(…) turns the clock back")
        with self._lock:
            self._now += by
            self._elapsed += by
            due = [future for until, future in self._sleeping if until <= self._elapsed]
            self._sleeping = [sleeper for sleeper in self._sleeping if sleeper[0] > self._elapsed]
        for future in due:
            future.get_loop().call_soon_threadsafe(_wake, future)

    def set(self, to: datetime) -> None:
        """Turn the clock, as its administrator or NTP would: no time passes, nobody wakes up.

        Args:
            to: The new time of day, with a time zone.

        Raises:
            ValueError: It has no time zone.
        """
        if to.tzinfo is None:
            raise ValueError("the time needs a time zone: datetime(…, tzinfo=UTC)")
        self._now = to

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock was advanced that far.

        Args:
            seconds: How long.
        """
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            self._sleeping.append((self._elapsed + timedelta(seconds=seconds), future))
        await future


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
