"""Documents that start by themselves: their `schedule` on an engine.

`every` and `cron` are schedules of the engine. `on` and `after` are small workflows that listen, or wait, and start runs;
they are as durable as every other run. A run that events start stands on its own, and is named after these events, so that
it is one run however often its start is tried.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from maestro_core_logging import get_logger
from maestro_workflow_engine import _inside
from maestro_workflow_engine._child import run_child
from maestro_workflow_engine._definitions import StepDefinition, WorkflowDefinition, step
from maestro_workflow_engine._engine import WorkflowEngine
from maestro_workflow_engine._errors import (
    UnsupportedByRunnerError,
    WorkflowCancelledError,
    WorkflowFailedError,
)
from maestro_workflow_engine._event_origin import in_trace, trace_of
from maestro_workflow_engine._handle import WorkflowHandle
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine._schedule_keeper import ScheduleNotFoundError
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap
from maestro_workflow_engine._start_options import Reuse, StartOptions
from maestro_workflow_engine.dsl._document import WorkflowDocument
from maestro_workflow_engine.dsl._event_consumption import Intake, Strategy
from maestro_workflow_engine.dsl._event_reading import read_event
from maestro_workflow_engine.dsl._expressions import Expression, ExpressionError
from maestro_workflow_engine.dsl._host import EngineHost, EventSource

ROUNDS = 100
"""How many runs one pass starts, before its history begins anew."""
_AGAIN = RetryPolicy(max_attempts=0, max_interval=timedelta(seconds=30))
_PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.02
_SPECS = ("every", "cron")
_SUPERVISORS = ("on", "after")
_logger = get_logger(__name__)


class DocumentSchedules:
    """The schedules of the documents that an engine runs.

    Args:
        engine: The engine, open.
    """

    def __init__(self, engine: WorkflowEngine) -> None:
        self._engine = engine

    async def put(self, document: WorkflowDocument) -> None:
        """Let a document start by itself as its schedule says, instead of other versions of it; the same again changes nothing.

        The engine's schedules are called "namespace.name.every" and "namespace.name.cron". The runs that wait for events, and
        for the end of the run before, are called "namespace.name.on" and "namespace.name.after", with the version.

        Args:
            document: A document whose workflow is registered. Without a schedule, those of other versions are removed.

        Raises:
            JournalWriteError: It cannot be kept at the moment.
        """
        schedule, workflow = document.schedule, f"{document.qualified_name}:{document.version}"
        specs: dict[str, CronSpec | IntervalSpec | None] = {
            "every": None if schedule is None else schedule.every,
            "cron": None if schedule is None else schedule.cron,
        }
        for kind, spec in specs.items():
            if spec is None:
                await self._delete(_name(document, kind))
            else:
                await self._engine.schedule(_name(document, kind), workflow, None, spec=spec, overlap=Overlap.ALLOW)
        for kind, supervisor in self._supervisors(document).items():
            await self._supervise(document, kind, supervisor)

    async def remove(self, namespace: str, name: str) -> None:
        """Let no version of a document start by itself any more. Runs that it started go on.

        Raises:
            JournalWriteError: It cannot be kept at the moment.
        """
        for kind in _SPECS:
            await self._delete(f"{namespace}.{name}.{kind}")
        for kind in _SUPERVISORS:
            await self._retire(f"{namespace}/{name}.{kind}", keep=None)

    def _supervisors(self, document: WorkflowDocument) -> dict[str, WorkflowDefinition[..., Any] | None]:
        found: dict[str, WorkflowDefinition[..., Any] | None] = dict.fromkeys(_SUPERVISORS)
        schedule = document.schedule
        if schedule is not None and schedule.on is not None:
            found["on"] = _trigger(document, schedule.on, schedule.read, self._start_step())
        if schedule is not None and schedule.after is not None:
            found["after"] = _repeater(document, schedule.after)
        return found

    async def _supervise(
        self, document: WorkflowDocument, kind: str, supervisor: WorkflowDefinition[..., Any] | None
    ) -> None:
        run_id = None
        if supervisor is not None:
            run_id = f"{_name(document, kind)}:{document.version.replace('+', '~')}"
            if not any(
                (each.name, each.version) == (supervisor.name, supervisor.version) for each in self._engine.workflows
            ):
                self._engine.register(supervisor)
            handle = await self._engine.start(
                supervisor.name + f":{supervisor.version}", id=run_id, options=StartOptions(if_ended=Reuse.START_ANEW)
            )
            if kind == "on":
                await _listening(handle)
        # The new one listens by now: for a moment both do, and what both start is one run.
        await self._retire(f"{document.qualified_name}.{kind}", keep=run_id)

    async def _retire(self, workflow: str, keep: str | None) -> None:
        for status in (RunStatus.RUNNING, RunStatus.PAUSED):
            with suppress(UnsupportedByRunnerError):  # on a cluster, paused runs are among the running ones
                page = await self._engine.runs(workflow=workflow, status=status)
                for run in page.runs:
                    if run.id != keep:
                        await self._engine.handle(run.id).terminate("its schedule was replaced or removed")

    async def _delete(self, schedule_id: str) -> None:
        try:
            await self._engine.schedule_handle(schedule_id).delete()
        except ScheduleNotFoundError:
            return

    def _start_step(self) -> StepDefinition[..., Any]:
        engine = self._engine

        # Whichever of a cluster's workers has it, it starts runs of all documents.
        @step(name="start-run", retry=_AGAIN)
        async def start_run(workflow: str, run_id: str, payload: Any, trace: str | None = None) -> None:
            with in_trace(trace):
                await engine.start(workflow, payload, id=run_id)

        return start_run


async def _listening(handle: WorkflowHandle[Any]) -> None:
    """Return once a run listens: at once in a journal, and on a cluster when its hub of events knows.

    One that no worker takes up is not waited for much longer.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                status = await handle.status()
                if status.status is not RunStatus.RUNNING or any(w.kind == "event" for w in status.waiting_for):
                    return
                await asyncio.sleep(_LOOK_AGAIN_S)


def _name(document: WorkflowDocument, kind: str) -> str:
    return f"{document.namespace}.{document.name}.{kind}"


def _trigger(
    document: WorkflowDocument, strategy: Strategy, read: str, start_run: StepDefinition[..., Any]
) -> WorkflowDefinition[..., Any]:
    workflow = f"{document.qualified_name}:{document.version}"

    async def listen_for_events() -> None:
        async with EngineHost().listen(_intake(strategy).wanted) as events:
            for _ in range(ROUNDS):
                consumed = await _occurrence(events, strategy, read)
                named = hashlib.sha256("\n".join(f"{e['source']} {e['id']}" for e in consumed).encode()).hexdigest()[
                    :32
                ]
                run_id = f"{document.namespace}.{document.name}@{named}"
                payload = [read_event(each, read) for each in consumed]
                await start_run(workflow, run_id, payload, trace_of(consumed[0]) if consumed else None)
            _inside.continue_as_new()

    listen_for_events.__doc__ = f"Start {document.qualified_name} when its events have come"
    return WorkflowDefinition(listen_for_events, name=f"{document.qualified_name}.on", version=document.version)


def _repeater(document: WorkflowDocument, pause: timedelta) -> WorkflowDefinition[..., Any]:
    workflow = f"{document.qualified_name}:{document.version}"

    async def start_again_and_again() -> None:
        for _ in range(ROUNDS):
            moment = _inside.now().isoformat().removesuffix("+00:00")
            run_id = f"{document.namespace}.{document.name}@{moment}Z"
            # A child, which is waited for without a place among the runs at work: there may be few of these.
            with suppress(WorkflowFailedError, WorkflowCancelledError):  # in whatever way it has ended
                await run_child(workflow, None, id=run_id, on_parent_close=ParentClose.ABANDON)
            await asyncio.sleep(pause.total_seconds())
        _inside.continue_as_new()

    start_again_and_again.__doc__ = f"Start {document.qualified_name} again once it has ended"
    return WorkflowDefinition(start_again_and_again, name=f"{document.qualified_name}.after", version=document.version)


async def _occurrence(events: EventSource, strategy: Strategy, read: str) -> list[Mapping[str, Any]]:
    """Take in events until a run is to start; return those that it is for.

    It hears all events of the strategy all the time: what comes while a run is being started is for the next one.
    """
    intake, consumed = _intake(strategy), list[Mapping[str, Any]]()
    while not intake.is_complete:
        if intake.take(event := await events.next()):
            consumed.append(event)
            if intake.until is not None and _holds(intake.until, [read_event(each, read) for each in consumed]):
                break
    return consumed


def _intake(strategy: Strategy) -> Intake:
    return Intake(strategy, {}, lambda expression: expression.evaluate(None, {}))


def _holds(condition: Expression, consumed: list[Any]) -> bool:
    try:
        value = condition.evaluate(consumed, {})
    except ExpressionError as error:
        _logger.error("Condition of a schedule failed; its workflow goes on collecting events", problem=str(error))
        return False
    return value is not None and value is not False
