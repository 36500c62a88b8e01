"""Schedules: what triggers want, and the orchestrator's schedules made to be so, also when it was away meanwhile."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from maestro_core_api import APIException
from maestro_core_db import Database, DatabaseError
from maestro_core_logging import get_logger
from orchestration_gateway.clock import Clock
from orchestration_gateway.orchestrator import Orchestrator
from orchestration_gateway.tables import SCHEDULES

from .declaration import ScheduleDeclaration
from .delivery import pause_after
from .trigger import Trigger

_logger = get_logger(__name__)
_IDLE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Whether the orchestrator's schedule is what the trigger says."""

    schedule_id: str
    """Its id in the orchestrator."""
    is_applied: bool
    problem: str | None
    """Why it is not."""


class Schedules:
    """The schedules of triggers. Use `at_work`.

    Args:
        db: The database.
        orchestrator: Keeps the time.
        clock: Gives the present.
    """

    def __init__(self, db: Database, orchestrator: Orchestrator, *, clock: Clock) -> None:
        self._db = db
        self._orchestrator = orchestrator
        self._clock = clock
        self._wake = asyncio.Event()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Work while the block runs."""
        task = asyncio.create_task(self._work(), name="schedules")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def wake(self) -> None:
        """Say that a wish was noted."""
        self._wake.set()

    async def note(self, session: AsyncSession, id_: str, trigger: Trigger | None) -> None:
        """Note within a unit of work what the trigger of a schedule wants; None, and what is no schedule, wants none."""
        now = self._clock()
        wanted = None
        if trigger is not None and isinstance(trigger.declaration, ScheduleDeclaration):
            wanted = json.dumps(_definition(trigger.declaration, trigger))
        known = (await session.execute(select(SCHEDULES).where(SCHEDULES.c.schedule_id == id_))).one_or_none()
        if known is None and wanted is None:
            return
        if known is not None and known.wanted_json == wanted and known.applied_at is not None:
            return
        values = {
            "wanted_json": wanted,
            "changed_at": now,
            "applied_at": None,
            "attempts": 0,
            "next_attempt_at": now,
            "problem": None,
        }
        if known is None:
            await session.execute(SCHEDULES.insert().values(schedule_id=id_, **values))
        else:
            await session.execute(update(SCHEDULES).where(SCHEDULES.c.schedule_id == id_).values(**values))

    async def noted(self, session: AsyncSession) -> Sequence[str]:
        """Return the ids of the schedules that triggers want, or wanted."""
        return [row.schedule_id for row in await session.execute(select(SCHEDULES.c.schedule_id))]

    async def state(self, trigger: Trigger) -> ScheduleState | None:
        """Tell how the schedule of a trigger stands; None when it wants none."""
        id_ = schedule_id(trigger.name, trigger.tenant)
        async with self._db.reading() as session:
            row = (await session.execute(select(SCHEDULES).where(SCHEDULES.c.schedule_id == id_))).one_or_none()
        if row is None or row.wanted_json is None:
            return None
        return ScheduleState(id_, row.applied_at is not None, row.problem)

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            try:
                while await self._apply_next():
                    pass
            except DatabaseError as error:
                _logger.warning("Schedules cannot be looked after now", reason=str(error), error_code=error.code)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _IDLE_S)

    async def _apply_next(self) -> bool:
        now = self._clock()
        due = (SCHEDULES.c.applied_at.is_(None)) & (
            or_(SCHEDULES.c.next_attempt_at.is_(None), SCHEDULES.c.next_attempt_at <= now)
        )
        async with self._db.reading() as session:
            row = (await session.execute(select(SCHEDULES).where(due).limit(1))).one_or_none()
        if row is None:
            return False
        problem = await self._applied(row.schedule_id, row.wanted_json)
        await self._keep(row, problem, now)
        return True

    async def _applied(self, id_: str, wanted_json: str | None) -> str | None:
        """Make the orchestrator's schedule what is wanted; returns why that failed, None when it did not."""
        try:
            if wanted_json is None:
                await self._orchestrator.delete_schedule(id_)
                return None
            wanted = json.loads(wanted_json)
            paused = wanted.pop("paused")
            await self._orchestrator.put_schedule(id_, {**wanted, "paused": paused})
            # A schedule that is there stays paused or not, whatever it is defined to be.
            await self._orchestrator.pause_schedule(id_, paused=paused)
        except APIException as error:
            _logger.warning(
                "A schedule could not be set", schedule_id=id_, reason=str(error), error_code=error.error_code
            )
            return str(error)[:2_000]
        return None

    async def _keep(self, row: Any, problem: str | None, now: datetime) -> None:
        same = (SCHEDULES.c.schedule_id == row.schedule_id) & (SCHEDULES.c.changed_at == row.changed_at)

        async def work(session: AsyncSession) -> None:
            if problem is None and row.wanted_json is None:
                await session.execute(SCHEDULES.delete().where(same))
            elif problem is None:
                await session.execute(update(SCHEDULES).where(same).values(applied_at=now, problem=None))
            else:
                attempts = row.attempts + 1
                later = now + pause_after(attempts, random.random())  # noqa: S311 - no secret
                changed = {"problem": problem, "attempts": attempts, "next_attempt_at": later}
                await session.execute(update(SCHEDULES).where(same).values(**changed))
            await session.commit()

        await self._db.retrying(work)


def schedule_id(trigger: str, tenant: str | None) -> str:
    """Return the id of a trigger's schedule in the orchestrator, with which the ids of its runs begin.

    Args:
        trigger: The trigger's name.
        tenant: Its tenant: a name that one frees and another takes leads to none of the first one's runs.
    """
    if tenant is None:
        return f"trigger.{trigger}"
    return f"trigger.{trigger}.{hashlib.sha256(tenant.encode(errors='surrogatepass')).hexdigest()[:32]}"


def _definition(declaration: ScheduleDeclaration, trigger: Trigger) -> dict[str, Any]:
    found = declaration.model_dump(
        exclude_none=True, include={"workflow", "spec", "overlap", "catch_up_s", "jitter_s", "paused"}
    )
    options = {name: value for name, value in declaration.options.in_words().items() if name != "delay_s"}
    return {**found, **options, "input": declaration.input}
