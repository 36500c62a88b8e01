"""A cluster's history as the engine's, on one that was recorded: it must be read, and replayed, for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from maestro_workflow_engine import (
    RetryPolicy,
    WorkflowDefinition,
    on_update,
    patched,
    receive,
    set_attributes,
    signal_run,
    start_child,
    step,
    workflow,
)
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _events as ev
from maestro_workflow_engine.temporal._address import TemporalAddress
from maestro_workflow_engine.temporal._history import Translator
from maestro_workflow_engine.temporal._hosted import HostedRun, House
from maestro_workflow_engine.temporal._steps import Steps

RECORDED = WorkflowHistory.from_json("rec", Path(__file__).with_name("recorded.json").read_text())
MS = timedelta(milliseconds=1)


@step(retry=RetryPolicy(max_attempts=2, initial_interval=MS))
async def act(what: str) -> str:
    return what


@workflow
async def child(n: int) -> int:
    return n


@workflow
async def recorded(n: int) -> list[object]:
    async def doubled(value: int) -> int:
        return 2 * value

    on_update("double", doubled, type=int)
    said: list[object] = [await act("a")]
    try:
        await act("break")
    except ValueError as error:
        said.append(str(error))
    await asyncio.sleep(0.01)
    set_attributes(stage="asked")
    said.append(await child(n))
    kid = await start_child(child, n + 1)
    said.append(await kid)
    await signal_run("listener", "hello", 1)
    said.append(patched("new"))
    said.append(await receive("go"))
    return said


@workflow(name="recorded")
async def changed(n: int) -> list[object]:
    await asyncio.sleep(n)
    return []


async def read() -> list[tuple[int, ev.Event]]:
    translator = Translator(DataConverter.default)
    return [pair for event in RECORDED.events for pair in await translator.read(event)]


async def test_every_kind_of_event_is_told_once_and_in_order():
    """Steps, timers, attributes, children, requests, patches, updates, pauses, signals: each has its number and its values."""
    events = [event for _, event in await read()]
    assert [ev.kind_of(event) for event in events] == [
        "run_started", "step_completed", "step_failed", "timer_fired", "attributes_set", "child_completed", "child_started",
        "child_completed", "signal_sent", "patch_recorded", "update_requested", "update_answered", "run_paused", "run_resumed",
        "signal_received", "run_completed",
    ]  # fmt: skip
    assert [event.seq for event in events if hasattr(event, "seq")] == [1, 2, 3, 4, 5, 5, 6]
    failed = next(event for event in events if isinstance(event, ev.StepFailed))
    assert (failed.failure.type, failed.failure.args, failed.attempt) == ("builtins:ValueError", ["broken"], 2)
    assert next(event for event in events if isinstance(event, ev.AttributesSet)).attributes == {"stage": "asked"}


async def test_positions_grow():
    """A follower resumes after a position, so none comes twice."""
    positions = [position for position, _ in await read()]
    assert positions == sorted(set(positions))


async def test_the_translated_events_drive_the_machine_to_the_same_end():
    """What is exported of a cluster replays as what was exported of a journal does."""
    events = [event for _, event in await read()]
    patches = [event.change for event in events if isinstance(event, ev.PatchRecorded)]
    machine = WorkflowMachine(recorded, "rec", patches=patches)
    machine.replaying = True
    for position, event in enumerate(events):
        machine.apply(event, position)
    assert machine.done
    assert machine.outstanding()[-1].output == events[-1].output


@pytest.mark.parametrize(("code", "fits"), [(recorded, True), (changed, False)])
async def test_a_recorded_history_replays_in_todays_host(code: WorkflowDefinition, fits: bool):
    """A run that began under this release goes on under the next; code that takes another path is told."""
    house = House(WorkflowRegistry([code, child]), Steps(), TemporalAddress(target="nowhere:1"))
    with house.threads(2) as threads:
        replayer = Replayer(
            workflows=[HostedRun],
            workflow_runner=UnsandboxedWorkflowRunner(),
            workflow_task_executor=threads,
            build_id="tests",
        )
        result = await replayer.replay_workflow(RECORDED, raise_on_replay_failure=False)
    house.clear()
    assert (result.replay_failure is None) is fits
