"""What approvals do by themselves: time runs out, and outcomes are brought to their runs."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from governance_service.approvals.domain import Inbox
from governance_service.approvals.orchestrator import NobodyWaitsError, NotDeliveredError, Orchestrator
from governance_service.approvals.signals import Signal, SignalQueue
from governance_service.clock import Clock
from governance_service.repeating import repeated
from maestro_core_db import DatabaseError
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

_logger = get_logger(__name__)
_AT_ONCE: Final = 20
_LEASE: Final = timedelta(seconds=60)
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 300.0


class Housekeeper:
    """Lets due approvals run out, and delivers outcomes. Several processes may do so beside each other.

    Args:
        inbox: The approvals.
        queue: The outcomes that have not arrived.
        orchestrator: Where the runs are.
        clock: Gives the present.
        interval: How often it looks.
        metrics: Where deliveries are counted.
    """

    def __init__(
        self,
        inbox: Inbox,
        queue: SignalQueue,
        orchestrator: Orchestrator,
        *,
        clock: Clock,
        interval: timedelta,
        metrics: MetricsCollector,
    ) -> None:
        self._inbox = inbox
        self._queue = queue
        self._orchestrator = orchestrator
        self._clock = clock
        self._interval = interval
        # One for each loop: a loop that is at work for long must not keep the other one from resting.
        self._due, self._owed = asyncio.Event(), asyncio.Event()
        self._signals = metrics.counter(
            "governance_approval_signals_total", "Attempts to tell runs how approvals ended.", ("outcome",)
        )

    def note_settled(self) -> None:
        """Say that an approval was settled, so that its run need not wait for the next look."""
        self._due.set()
        self._owed.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work while the block runs.

        Yields:
            Nothing.
        """
        run_out, deliver = partial(self._tended, self.run_out), partial(self._tended, self.deliver)
        async with (
            repeated(run_out, every=self._interval, name="approvals-run-out", woken=self._due),
            repeated(deliver, every=self._interval, name="approvals-deliver", woken=self._owed, breaks_off=True),
        ):
            yield

    async def run_out(self) -> None:
        """Let the time of due approvals run out."""
        if changed := await self._inbox.run_out():
            _logger.info("Approvals ran out of time", count=changed)
            self.note_settled()

    async def deliver(self) -> None:
        """Deliver what is to be tried now, until nothing is left."""
        while signals := await self._queue.take(self._clock(), _LEASE, _AT_ONCE):
            # One outcome that nobody foresaw must not keep all others from moving; it is tried again when its lease is over.
            done = await asyncio.gather(*map(self._deliver_one, signals), return_exceptions=True)
            for error in done:
                if isinstance(error, DatabaseError):
                    raise error
                if error is not None:
                    _logger.error("An outcome was not tended to", exc_info=error)

    async def _deliver_one(self, signal: Signal) -> None:
        try:
            await self._orchestrator.send(signal)
        except NotDeliveredError as error:
            pause = timedelta(seconds=pause_s(signal.attempt, random.random()))  # noqa: S311 - spreads load, hides nothing
            self._signals.labels(outcome="failed").inc()
            _logger.warning(
                "A run could not be told how its approval ended",
                approval_id=signal.approval_id,
                run_id=signal.run_id,
                attempt=signal.attempt,
                reason=str(error),
                again_in_s=round(pause.total_seconds(), 1),
            )
            await self._queue.failed(signal, str(error), self._clock() + pause)
        except NobodyWaitsError as error:
            self._signals.labels(outcome="undeliverable").inc()
            _logger.warning(
                "No run waits for an approval", approval_id=signal.approval_id, run_id=signal.run_id, reason=str(error)
            )
            await self._queue.given_up(signal, str(error))
        else:
            self._signals.labels(outcome="delivered").inc()
            await self._queue.arrived(signal, self._clock())

    async def _tended(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except DatabaseError as error:
            _logger.error("Approvals wait for the database", error_code=error.code, reason=str(error))
        except Exception:
            _logger.exception("Approvals were not tended to")


def pause_s(attempt: int, luck: float) -> float:
    """Say how long to wait before an outcome is sent again.

    Args:
        attempt: How many attempts there were.
        luck: From 0 to 1; spreads those who wait.

    Returns:
        Seconds: doubling from half a second up to five minutes, the last half of it by luck.
    """
    limit = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20))
    return float(limit * (0.5 + luck / 2))
