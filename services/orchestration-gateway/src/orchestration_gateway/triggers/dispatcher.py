"""Starting the runs of deliveries, at once where that goes, else later: nothing that was accepted is forgotten."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from maestro_core_db import DatabaseError
from maestro_core_logging import get_logger
from orchestration_gateway.clock import Clock
from orchestration_gateway.orchestrator import Orchestrator

from .delivery import Delivery, DeliveryStatus, pause_after
from .delivery_store import Announce, DeliveryStore
from .errors import StartFailedError

_logger = get_logger(__name__)
LEASE: Final = timedelta(seconds=6)
"""How long whoever took a delivery has it; longer than an attempt can take."""
_BATCH: Final = 32
_IDLE: Final = timedelta(seconds=1)
"""How often the inbox is looked into when nobody says that something came: another process may have died."""
_LONGEST_AWAY: Final = timedelta(seconds=4)
_LONGEST_REFUSED: Final = timedelta(minutes=1)
_PURGE_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class DispatchOptions:
    """How long deliveries are tried and kept."""

    give_up_after: timedelta = timedelta(days=3)
    """When a delivery is dead, however little it is its own fault."""
    max_refusals: int = 8
    """How often the orchestrator may refuse a start for a reason that could pass: the workflow is not there."""
    keep_settled: timedelta = timedelta(days=7)
    """How long a delivery that started a run is kept: so long it is recognised when it comes again."""
    keep_dead: timedelta = timedelta(days=30)
    """How long one that was given up is kept."""


class Dispatcher:
    """Starts the runs of deliveries. Use `at_work`.

    Args:
        store: The inbox.
        orchestrator: Starts runs.
        options: How long deliveries are tried and kept.
        clock: Gives the present.
        settled: Told of each delivery that was started or given up.
        announce: Tells others of it, in the transaction that keeps it.
    """

    def __init__(
        self,
        store: DeliveryStore,
        orchestrator: Orchestrator,
        options: DispatchOptions,
        *,
        clock: Clock,
        settled: Callable[[Delivery], None] = lambda delivery: None,
        announce: Announce | None = None,
    ) -> None:
        self._announce = announce
        self._store = store
        self._orchestrator = orchestrator
        self._options = options
        self._clock = clock
        self._settled = settled
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[Delivery]] = set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work while the block runs; attempts that are under way at its end are finished."""
        tasks = [asyncio.create_task(self._work(), name="inbox"), asyncio.create_task(self._tidy(), name="inbox-tidy")]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=LEASE.total_seconds())

    def wake(self) -> None:
        """Say that a delivery waits that could be started now."""
        self._wake.set()

    async def first_attempt(self, delivery: Delivery, *, patience: timedelta) -> Delivery:
        """Start the run of a delivery that was just kept, and wait a little for it.

        Args:
            delivery: The delivery, waiting, with a lease.
            patience: How long to wait; the attempt goes on afterwards.

        Returns:
            The delivery as it stands then.
        """
        task = asyncio.create_task(self.attempt(delivery))
        self._under_way.add(task)
        task.add_done_callback(self._attempted)
        done, _ = await asyncio.wait({task}, timeout=patience.total_seconds())
        return task.result() if done and task.exception() is None else delivery

    async def attempt(self, delivery: Delivery) -> Delivery:
        """Ask the orchestrator for a delivery's run, and keep what came of it.

        Args:
            delivery: The delivery, waiting.

        Returns:
            The delivery as it stands afterwards.
        """
        assert delivery.start is not None
        tried = replace(delivery, attempts=delivery.attempts + 1)
        try:
            await self._orchestrator.start(
                delivery.start.workflow,
                delivery.start.input,
                run_id=delivery.start.run_id,
                options=delivery.options or {},
                traceparent=delivery.traceparent,
            )
        except StartFailedError as error:
            after = self._after_failure(tried, error)
        else:
            after = replace(
                tried,
                status=DeliveryStatus.STARTED,
                next_attempt_at=None,
                settled_at=self._clock(),
                error_code=None,
                error=None,
            )
        # An attempt that took very long says nothing about a delivery that was replayed meanwhile.
        changed = await self._store.change(
            after, only_while=DeliveryStatus.WAITING, since=delivery.waiting_since, announce=self._announce
        )
        if changed and after.settled_at is not None:
            self._settled(after)
        return after

    def _after_failure(self, tried: Delivery, error: StartFailedError) -> Delivery:
        now = self._clock()
        refused_for_good = error.is_final or (not error.is_away and tried.attempts >= self._options.max_refusals)
        failed = replace(tried, error_code=error.error_code[:100], error=str(error)[:2_000])
        if refused_for_good or now - tried.waiting_since >= self._options.give_up_after:
            _logger.error(
                "A delivery is given up; it can be replayed",
                delivery_id=tried.id,
                trigger=tried.trigger,
                reason=str(error),
                error_code=error.error_code,
                attempts=tried.attempts,
            )
            return replace(failed, status=DeliveryStatus.DEAD, next_attempt_at=None, settled_at=now)
        longest = _LONGEST_AWAY if error.is_away else _LONGEST_REFUSED
        pause = pause_after(tried.attempts, random.random(), longest=longest)  # noqa: S311 - no secret
        return replace(failed, next_attempt_at=now + pause)

    def _attempted(self, task: "asyncio.Task[Delivery]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease ends, and then it is tried again.
            _logger.warning("What came of a start could not be kept", reason=str(error))

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                claimed = await self._store.claim(self._clock(), limit=_BATCH, lease=LEASE)
                outcomes = await asyncio.gather(*map(self.attempt, claimed), return_exceptions=True)
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        _logger.warning("What came of a start could not be kept", reason=str(outcome))
                # While the orchestrator is away, one batch a second finds out whether it is back.
                if len(claimed) == _BATCH and not any(map(_is_waiting, outcomes)):
                    continue
            except DatabaseError as error:
                _logger.warning("The inbox cannot be read now", reason=str(error), error_code=error.code)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _IDLE.total_seconds())

    async def _tidy(self) -> None:
        while True:
            now = self._clock()
            try:
                gone = await self._store.purge(
                    settled_before=now - self._options.keep_settled, dead_before=now - self._options.keep_dead
                )
            except DatabaseError as error:
                _logger.warning("Old deliveries cannot be forgotten now", reason=str(error), error_code=error.code)
            else:
                if gone:
                    _logger.info("Old deliveries forgotten", count=gone)
            await asyncio.sleep(_PURGE_EVERY.total_seconds())


def _is_waiting(outcome: Delivery | BaseException) -> bool:
    return isinstance(outcome, BaseException) or outcome.status is DeliveryStatus.WAITING
