"""What happens to all runs, numbered: learnt from the orchestrator's listing, kept in the database, read by any number of clients.

One process at a time asks the orchestrator; all of them, and whoever starts after a crash, number alike.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_api import APIException
from maestro_core_db import Database, DatabaseError
from maestro_core_logging import get_logger
from orchestration_gateway.clock import Clock
from orchestration_gateway.orchestrator import Orchestrator
from orchestration_gateway.tables import FEED_STATE, RUN_CHANGES

from .feed import Feed, FeedEvent, LaggedError

_logger = get_logger(__name__)
_NAME: Final = "runs"
_OVERLAP: Final = timedelta(seconds=5)
"""How far each look reaches back: a run may be seen a moment after one that began later."""
_PAGE: Final = 500
_READ_AT_ONCE: Final = 500
_LINGER_S: Final = 30.0
_TRIM_EVERY_S: Final = 60.0


class RunChanges:
    """The changes of all runs. Use `at_work`.

    Args:
        db: Keeps the changes.
        orchestrator: Knows the runs.
        interval: How often it is asked, while somebody wants to know.
        keep: How long changes are kept.
        memory: How many are in memory.
        clock: Gives the present.
    """

    def __init__(
        self,
        db: Database,
        orchestrator: Orchestrator,
        *,
        interval: timedelta,
        keep: timedelta,
        memory: int,
        clock: Clock,
    ) -> None:
        self._db = db
        self._orchestrator = orchestrator
        self._interval_s = interval.total_seconds()
        self._held = timedelta(seconds=max(10.0, self._interval_s * 5))
        self._keep = keep
        self._memory = memory
        self._clock = clock
        self._holder = uuid.uuid4().hex
        self._feed: Feed | None = None
        self._ready = asyncio.Event()
        self._wanted = asyncio.Event()
        self._readers = 0
        self._left_at = float("-inf")
        self._trimmed_at = float("-inf")
        self._seen: dict[str, datetime] = {}

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work while the block runs."""
        task = asyncio.create_task(self._work(), name="run-changes")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def events(self, *, after: int | None) -> AsyncIterator[list[FeedEvent]]:
        """Follow the changes of all runs.

        Args:
            after: Only what is behind this position; None for what comes from now on.

        Yields:
            What happened, in order and without gaps, as it comes.

        Raises:
            LaggedError: What comes next is no longer kept.
        """
        self._readers += 1
        self._wanted.set()
        try:
            await self._ready.wait()
            feed = self._feed
            assert feed is not None
            place = feed.last if after is None else after
            while True:
                if place < feed.oldest:
                    found: Sequence[FeedEvent] = await self._older(place)
                else:
                    try:
                        found = await feed.after(place)
                    except LaggedError:
                        continue  # more came at once than is in memory; it is in the database
                if found:
                    place = found[-1].position
                    yield list(found)
        finally:
            self._readers -= 1
            self._left_at = asyncio.get_running_loop().time()

    async def position(self) -> int:
        """Return the position of the latest change that is kept; 0 before the first."""
        async with self._db.reading() as session:
            found = (await session.execute(select(func.max(RUN_CHANGES.c.position)))).scalar_one()
        return int(found or 0)

    async def _older(self, place: int) -> list[FeedEvent]:
        async with self._db.reading() as session:
            oldest = (await session.execute(select(func.min(RUN_CHANGES.c.position)))).scalar_one()
            if place > 0 and (oldest is None or place < oldest - 1):
                raise LaggedError(oldest or 0)
            wanted = select(RUN_CHANGES).where(RUN_CHANGES.c.position > place)
            rows = (await session.execute(wanted.order_by(RUN_CHANGES.c.position).limit(_READ_AT_ONCE))).all()
        return [_event(row) for row in rows]

    async def _work(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                if self._feed is None:
                    self._feed = Feed(self._memory, start=await self.position())
                    self._ready.set()
                if await self._take_turn():
                    await self._look()
                await self._read_on(self._feed)
                await self._trim()
            except (APIException, DatabaseError) as error:
                _logger.info("What happens to runs cannot be learnt now", reason=str(error))
            if not self._readers and asyncio.get_running_loop().time() - self._left_at > _LINGER_S:
                self._wanted.clear()
            await asyncio.sleep(self._interval_s)

    async def _take_turn(self) -> bool:
        """Become the process that asks, or go on being it."""
        now = self._clock()

        async def work(session: AsyncSession) -> bool:
            state = (await session.execute(select(FEED_STATE).where(FEED_STATE.c.name == _NAME))).one_or_none()
            if state is None:
                begun = {
                    "created_from": now,
                    "finished_from": now,
                    "holder": self._holder,
                    "held_until": now + self._held,
                }
                await session.execute(FEED_STATE.insert().values(name=_NAME, **begun))
            elif state.holder not in {None, self._holder} and state.held_until > now:
                return False
            else:
                mine = (FEED_STATE.c.name == _NAME) & (FEED_STATE.c.holder == state.holder)
                done = await session.execute(
                    update(FEED_STATE).where(mine).values(holder=self._holder, held_until=now + self._held)
                )
                if not done.rowcount:  # type: ignore[attr-defined]  # of an UPDATE it is a CursorResult
                    return False
            await session.commit()
            return True

        try:
            return await self._db.retrying(work)
        except DatabaseError as error:
            if error.code == "CONSTRAINT_VIOLATED":  # another process was first with the first look
                return False
            raise

    async def _look(self) -> None:
        """Keep what the orchestrator lists, page by page: after a long time without a look there may be any number of runs."""
        async with self._db.reading() as session:
            state = (await session.execute(select(FEED_STATE).where(FEED_STATE.c.name == _NAME))).one()
        created_from, finished_from = state.created_from, state.finished_from
        changes: list[_Change] = []
        created: dict[str, datetime] = {}
        finished: dict[str, datetime] = {}
        async for runs in self._pages({"created_after": (state.created_from - _OVERLAP).isoformat()}):
            if changes and not await self._kept(changes, created_from, state.finished_from):
                return
            # As they began: what became of them since is another change.
            changes = [
                _Change(
                    datetime.fromisoformat(run["created_at"]),
                    0,
                    f"{run['id']}@{run['created_at']}",
                    "run_created",
                    {**run, "status": _first(run), "finished_at": None},
                )
                for run in runs
            ]
            created_from = max([created_from, *(change.at for change in changes)])
            created = _recent(created, changes, created_from)
        # The last of those that began, and the first of those that ended, are put in order; mostly they are all there are.
        async for runs in self._pages({"finished_after": (state.finished_from - _OVERLAP).isoformat()}):
            found = [
                _Change(
                    datetime.fromisoformat(run["finished_at"]),
                    1,
                    f"{run['id']}@{run['finished_at']}!",
                    "run_finished",
                    run,
                )
                for run in runs
            ]
            finished_from = max([finished_from, *(change.at for change in found)])
            finished = _recent(finished, found, finished_from)
            # Runs are listed as they began, so that any page may have the one that ended first: these places are kept at the end.
            if not await self._kept([*changes, *found], created_from, state.finished_from):
                return
            changes = []
        if finished_from != state.finished_from and not await self._kept([], created_from, finished_from, always=True):
            return
        self._seen = created | finished

    async def _pages(self, criteria: dict[str, str]) -> AsyncIterator[list[dict[str, Any]]]:
        cursor: str | None = None
        while True:
            params = {**criteria, "order": "oldest", "limit": _PAGE, **({} if cursor is None else {"cursor": cursor})}
            page = await self._orchestrator.runs(params)
            yield page["runs"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def _kept(
        self, changes: Sequence["_Change"], created_from: datetime, finished_from: datetime, *, always: bool = False
    ) -> bool:
        """Keep changes and how far runs were looked through; False when it is another process's turn meanwhile."""
        fresh = sorted((change for change in changes if change.key not in self._seen), key=lambda change: change[:2])
        if not fresh and not always:
            return True
        now = self._clock()
        dialect = postgresql if self._db.kind == "postgresql" else sqlite
        rows = [
            {
                "change_key": change.key[:300],
                "tenant": _tenant(change.run),
                "noted_at": now,
                "data_json": json.dumps(
                    {"type": change.type, "run": change.run}, ensure_ascii=False, separators=(",", ":")
                ),
            }
            for change in fresh
        ]

        async def work(session: AsyncSession) -> bool:
            # First, so that its row is locked: of two that write, one would take positions that are behind the other's and
            # commit later, and whoever reads in between would never see them.
            mine = (FEED_STATE.c.name == _NAME) & (FEED_STATE.c.holder == self._holder)
            places = {"created_from": created_from, "finished_from": finished_from, "held_until": now + self._held}
            done = await session.execute(update(FEED_STATE).where(mine).values(**places))
            if not done.rowcount:  # type: ignore[attr-defined]  # of an UPDATE it is a CursorResult
                return False
            for row in rows:
                await session.execute(dialect.insert(RUN_CHANGES).values(row).on_conflict_do_nothing())
            await session.commit()
            return True

        return await self._db.retrying(work)

    async def _read_on(self, feed: Feed) -> None:
        while True:
            wanted = select(RUN_CHANGES).where(RUN_CHANGES.c.position > feed.last)
            async with self._db.reading() as session:
                rows = (await session.execute(wanted.order_by(RUN_CHANGES.c.position).limit(_READ_AT_ONCE))).all()
            for row in rows:
                feed.add(_event(row))
            if len(rows) < _READ_AT_ONCE:
                return

    async def _trim(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._trimmed_at < _TRIM_EVERY_S:
            return
        self._trimmed_at = now

        async def work(session: AsyncSession) -> None:
            old = RUN_CHANGES.c.noted_at < self._clock() - self._keep
            # The latest stays, so that positions go on from it.
            newest = select(func.max(RUN_CHANGES.c.position)).scalar_subquery()
            await session.execute(RUN_CHANGES.delete().where(old & (RUN_CHANGES.c.position < newest)))
            await session.commit()

        await self._db.retrying(work)


class _Change(NamedTuple):
    at: datetime
    rank: int
    key: str
    type: str
    run: dict[str, Any]


def _recent(known: dict[str, datetime], changes: Sequence[_Change], latest: datetime) -> dict[str, datetime]:
    """Return which changes the next look finds again, and when they were; no more than those."""
    both = {**known, **{change.key: change.at for change in changes}}
    return {key: at for key, at in both.items() if at >= latest - _OVERLAP}


def _event(row: Any) -> FeedEvent:
    change = json.loads(row.data_json)
    data = json.dumps(change["run"], ensure_ascii=False, separators=(",", ":"))
    return FeedEvent(row.position, change["type"], data, row.tenant)


def _first(run: dict[str, Any]) -> str:
    return "running" if run["finished_at"] is not None else str(run["status"])


def _tenant(run: dict[str, Any]) -> str | None:
    found = run["attributes"].get("tenant")
    return found if isinstance(found, str) else None
