"""Following runs: one connection to the orchestrator for each run, however many look at it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from maestro_core_api import APIException, RemoteAPIException
from maestro_core_logging import get_logger
from orchestration_gateway.orchestrator import Orchestrator

from .feed import FROM_THE_START, Feed, FeedEvent, LaggedError

_logger = get_logger(__name__)
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_GONE: Final = frozenset({404, 410})
_LINGER_S: Final = 5.0
"""How long a run is followed after the last reader has left: readers come back."""


class RunHub:
    """The runs that are followed.

    Args:
        orchestrator: Where they run.
        keep: How many events of each are kept in memory.
    """

    def __init__(self, orchestrator: Orchestrator, *, keep: int) -> None:
        self._orchestrator = orchestrator
        self._keep = keep
        self._followed: dict[str, _Followed] = {}

    @property
    def upstreams(self) -> int:
        """How many connections to the orchestrator there are."""
        return len(self._followed)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Hold the hub open while the block runs."""
        try:
            yield
        finally:
            tasks = [followed.task for followed in self._followed.values() if followed.task is not None]
            self._followed.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def events(self, run_id: str, *, after: int) -> AsyncIterator[list[FeedEvent]]:
        """Follow a run.

        Args:
            run_id: The run.
            after: Only what is behind this position; -1 for all.

        Yields:
            What happened, in order and without gaps, as it comes; until the run's last event.

        Raises:
            LaggedError: The reader is too slow for what is kept.
            RemoteAPIException: There is no such run any more.
        """
        start = FROM_THE_START if run_id in self._followed else await self._start(run_id, after)
        followed = self._followed.get(run_id)
        if followed is None:
            followed = self._followed[run_id] = _Followed(Feed(self._keep, start=start))
            followed.task = asyncio.create_task(self._follow(run_id, followed), name=f"follow-{run_id}")
        followed.readers += 1
        try:
            feed = followed.feed
            if after < feed.oldest:
                # Somebody who began later follows the run already; what came before that is asked for once.
                missed = await self._missed(run_id, after, feed)
                if missed:
                    after = missed[-1].position
                    yield missed
            while True:
                found = await feed.after(after)
                if not found:
                    return
                after = found[-1].position
                yield found
        finally:
            followed.readers -= 1
            if not followed.readers:
                asyncio.get_running_loop().call_later(_LINGER_S, self._let_go, run_id, followed)

    async def _start(self, run_id: str, after: int) -> int:
        """Return from where a run is followed for a reader: where that one is, but for a place that the run has not reached.

        The place is the client's word, and others will follow the run from there along with it.
        """
        if after == FROM_THE_START:
            return after
        try:
            history = await self._orchestrator.history(run_id)
        except APIException as error:
            _refuse_gone(error)
            return FROM_THE_START
        return min(after, history[-1]["position"]) if history else FROM_THE_START

    async def _missed(self, run_id: str, after: int, feed: Feed) -> list[FeedEvent]:
        events = map(history_event, await self._orchestrator.history(run_id))
        found = [event for event in events if event.position > after]
        # What is read here reaches at least to what the feed begins with, since it was asked for later.
        if found and found[-1].position < feed.oldest:
            raise LaggedError(feed.oldest)
        return found

    def _let_go(self, run_id: str, followed: "_Followed") -> None:
        if not followed.readers and followed.task is not None:
            followed.task.cancel()
            self._forget(run_id, followed)

    def _forget(self, run_id: str, followed: "_Followed") -> None:
        if self._followed.get(run_id) is followed:
            del self._followed[run_id]

    async def _follow(self, run_id: str, followed: "_Followed") -> None:
        try:
            await self._read(run_id, followed.feed)
        except Exception as error:  # noqa: BLE001 - it is handed to those who read
            followed.feed.end(error)
        finally:
            # Whoever comes after the end asks anew, and is told what there is.
            self._forget(run_id, followed)

    async def _read(self, run_id: str, feed: Feed) -> None:
        """Read a run's events to their end; over broken connections, and however long the orchestrator is away."""
        pause_s = _FIRST_PAUSE_S
        while True:
            before = feed.last
            try:
                async for event in self._orchestrator.follow(run_id, after=feed.last):
                    if event.id is not None:
                        feed.add(FeedEvent(int(event.id), event.event, event.data))
            except APIException as error:
                _refuse_gone(error)
                _logger.info("Following a run waits for the orchestrator", run_id=run_id, reason=str(error))
            try:
                # A stopping orchestrator ends its streams too, and one of which all was seen is no stream at all.
                if await self._is_over(run_id, feed.last):
                    feed.end()
                    return
            except APIException as error:
                _refuse_gone(error)
            pause_s = _FIRST_PAUSE_S if feed.last > before else min(pause_s * 2, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _is_over(self, run_id: str, position: int) -> bool:
        """Tell whether a run has ended, and nothing of it is behind a position; a stopping orchestrator ends streams too."""
        if (await self._orchestrator.run(run_id))["finished_at"] is None:
            return False
        history = await self._orchestrator.history(run_id)
        return not history or history[-1]["position"] <= position


class _Followed:
    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.readers = 0
        self.task: asyncio.Task[None] | None = None


def history_event(event: dict[str, Any]) -> FeedEvent:
    """Return an event of a history as its stream has it."""
    return FeedEvent(event["position"], event["type"], json.dumps(event, ensure_ascii=False, separators=(",", ":")))


def _refuse_gone(error: APIException) -> None:
    if isinstance(error, RemoteAPIException) and error.status_code in _GONE:
        raise error
