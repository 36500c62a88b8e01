"""Letting the steps of a journal finish before its runs move."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._retention import Retention
from maestro_workflow_engine._runner import RunnerOptions
from maestro_workflow_engine.embedded._runner import EmbeddedRunner
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.moving._departing_schedules import DepartingSchedules
from maestro_workflow_engine.moving._move import Move
from maestro_workflow_engine.moving._opening import opened, source_path

_LOOK_AGAIN_S = 0.02


class Drained(msgspec.Struct, frozen=True):
    """What came of it.

    Attributes:
        is_quiet: Whether every run came to rest: it waits for a time, a signal or a child only, or has ended.
        at_work: The steps that were at work when the time was over, as `run/number`. They run again in the other engine.
    """

    is_quiet: bool
    at_work: list[str]


async def drain(move: Move, *, timeout: timedelta, threads: int = 8) -> Drained:
    """Open the journal with its workflows, let the steps that were cut off finish, and close it.

    Runs go on meanwhile as they always do: what falls due happens. Schedules start nothing; they count as being moved from here on,
    which `carry_out` finishes; to call the move off, resume them in the journal. Steps that wait for their next attempt do not hold it up.

    Args:
        move: The move.
        timeout: How long to wait at most.
        threads: How many plain step functions may run at once.

    Returns:
        Whether all came to rest.

    Raises:
        JournalLockedError: An engine has the journal open; names the process.
        JournalError: The journal cannot be opened.
    """
    async with opened(move) as (source, target):
        schedules = DepartingSchedules(source)
        for schedule in list(schedules.all()):
            if schedule.target is None and move.concerns(schedule.settings.workflow):
                schedules.mark(schedule, target.url)
    options = RunnerOptions(
        max_concurrent=10_000,
        max_in_memory=1_000,
        queues=(),
        threads=threads,
        payloads=move.payloads,
        block_warning=None,
        retention=Retention(),
    )
    runner = EmbeddedRunner(source_path(move), WorkflowRegistry(move.workflows), options, surroundings=Surroundings())
    await runner.open()
    try:
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                while True:  # nothing tells of it: rest is what is left when nothing else happens
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    if runner.is_quiet:
                        break
        except TimeoutError:
            return Drained(is_quiet=False, at_work=runner.at_work)
        return Drained(is_quiet=True, at_work=[])
    finally:
        await runner.close()
