"""An engine for tests, whose time jumps to whatever falls due next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any

from maestro_core_logging import get_logger
from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._engine import WorkflowEngine
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._stand_ins import StandIns
from maestro_workflow_engine._time import VirtualTime
from maestro_workflow_engine.embedded._loop_journal import LoopJournal
from maestro_workflow_engine.embedded._surroundings import Surroundings
from maestro_workflow_engine.embedded._virtual_clock import VirtualClock
from maestro_workflow_engine.machine._pending import Wait

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = datetime(2030, 1, 1, tzinfo=UTC)  # the same for every test: none passes today and fails on 29 February
_RUNS_NAMED = 5
_logger = get_logger(__name__)


class TimeSkippingEngine(WorkflowEngine):
    """What `WorkflowEngine.test()` makes; see there.

    Attributes:
        time: The engine's time.
    """

    time: VirtualTime

    def __init__(
        self,
        url: str,
        *,
        workflows: Iterable[WorkflowDefinition[..., Any]],
        start_time: datetime | None,
        auto: bool,
        steps: Mapping[Any, Callable[..., Any]] | None,
        seed: int,
        patience: timedelta,
        **options: Any,  # as WorkflowEngine takes them
    ) -> None:
        start = start_time or _FIRST_DAY
        if start.tzinfo is None:
            raise ValueError("start_time needs a time zone")
        self._clock = VirtualClock(
            (start - _EPOCH) // timedelta(microseconds=1), auto=auto, seed=seed, patience=patience
        )
        self._clock.explain = self._unfinished
        self._stand_ins = StandIns(steps)
        self.time = VirtualTime(self._clock)
        super().__init__(url, workflows=workflows, **{"block_warning": None, **options})

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the engine, and warn of stand-ins that no step ever had."""
        await super().__aexit__(kind, error, trace)
        self._clock.close()
        for name in self._stand_ins.unmet:
            _logger.warning("No step of this name has run, so its stand-in was not used", step=name)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            clock=self._clock, journal=partial(LoopJournal, clock=self._clock), stand_ins=self._stand_ins
        )

    async def _unfinished(self) -> list[str]:
        lines = []
        unfinished = [
            run
            for status in (RunStatus.RUNNING, RunStatus.QUEUED)
            for run in (await self.runs(status=status, limit=_RUNS_NAMED)).runs
        ]
        for run in unfinished[:_RUNS_NAMED]:
            detail = await self.handle(run.id).status()
            waits = " and ".join(map(_named, detail.waiting_for)) or detail.problem or "nothing"
            lines.append(f"run {run.id!r} of {run.workflow!r} waits for {waits}")
        return lines


def _named(wait: Wait) -> str:
    return wait.kind if wait.name is None else f"{wait.kind} {wait.name!r}"
