"""Code that takes another path than its history is named: run, position, expected and found."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from engine_driving import Drive, replayed

from maestro_workflow_engine import (
    NonDeterminismError,
    PayloadError,
    _payload,
    info,
    patched,
    receive,
    run_child,
    step,
    workflow,
)
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import WorkflowMachine
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


@step
async def other(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


def test_changed_code_is_named_with_position_expected_and_found():
    """A replay that takes another path stops with what history has and what the code asked for."""

    @workflow(name="flow")
    async def old() -> None:
        await work("a")
        await other("b")

    @workflow(name="flow")
    async def new() -> None:
        await other("b")
        await work("a")

    drive = Drive(old)
    drive.complete(1)
    with pytest.raises(NonDeterminismError) as caught:
        replayed(new, drive.history)
    assert caught.value.position == 1
    assert caught.value.expected == "step 'work'"
    assert caught.value.found == "step 'other'"


def test_code_that_ends_earlier_than_its_history_is_detected():
    """A workflow that returns while its history goes on has been changed."""

    @workflow(name="flow")
    async def old() -> None:
        await work("a")
        await work("b")
        await receive("end")

    @workflow(name="flow")
    async def new() -> None:
        await work("a")

    drive = Drive(old)
    drive.complete(1)
    drive.complete(2)
    with pytest.raises(NonDeterminismError, match="the end of the workflow"):
        replayed(new, drive.history)


def test_patched_keeps_old_runs_on_old_code_and_gives_new_runs_the_new():
    """patched() is False for runs that passed the place before the change, True for others, for ever."""

    @workflow(name="flow")
    async def old() -> str:
        await work("a")
        await receive("go")
        return "old"

    @workflow(name="flow")
    async def new() -> str:
        await work("a")
        side = "new" if patched("change-1") else "old"
        await receive("go")
        return side

    def finish(machine: WorkflowMachine, time: int) -> bytes:
        (end,) = machine.apply(ev.SignalReceived(time, "go", _payload.encode(None)), 9)
        assert isinstance(end, cmd.CompleteRun)
        return bytes(end.output)

    before = Drive(old)
    before.complete(1)
    before.signal("elsewhere", None)
    machine, _ = replayed(new, before.history)
    machine.replaying = False
    assert finish(machine, before.now) == b'"old"'

    fresh = Drive(new)
    (mark,) = fresh.complete(1)
    assert mark == cmd.RecordPatch("change-1")
    fresh.feed(ev.PatchRecorded(fresh.now, "change-1"))
    machine, _ = replayed(new, fresh.history)
    assert finish(machine, fresh.now) == b'"new"'


def test_a_run_whose_result_was_refused_replays():
    """A result too large to be kept ends the run with PayloadError although its code returned; that is no other path."""

    @workflow
    async def flow() -> str:
        return await work("a")

    run = Drive(flow)
    run.complete(1)
    refused = ev.RunFailed(run.now, describe(PayloadError("too large")))
    replayed(flow, [*run.history, refused])
    with pytest.raises(NonDeterminismError):
        replayed(flow, [*run.history, ev.RunFailed(run.now, describe(ValueError("no")))])


def test_the_end_of_a_run_must_be_the_one_its_history_has():
    """A run that completed in its history and fails today, or ends too late, has other code."""

    @workflow(name="flow")
    async def completes() -> str:
        return await work("a")

    @workflow(name="flow")
    async def fails() -> str:
        raise ValueError(await work("a"))

    @workflow(name="flow")
    async def goes_on() -> str:
        await work("a")
        return await work("b")

    drive = Drive(completes)
    drive.complete(1)
    history = [*drive.history, ev.RunCompleted(drive.now, _payload.encode("ok"))]
    replayed(completes, history)
    for changed, expected, found in (
        (fails, "RunCompleted", "FailRun (ValueError: ok)"),
        (goes_on, "RunCompleted", "step 'work', and no end yet"),
    ):
        with pytest.raises(NonDeterminismError) as caught:
            replayed(changed, history)
        error = caught.value
        assert (error.run_id, error.position, error.expected, error.found) == ("run-1", 2, expected, found)


KINDS: dict[str, Any] = {
    "a step": lambda: work("a"),
    "a timer": lambda: asyncio.sleep(5),
    "a child": lambda: run_child("child", None),
    "a signal": lambda: receive("never"),
}


ANSWERS: dict[str, Any] = {
    "a step": lambda now: ev.StepCompleted(now, 1, "work", _payload.encode("a"), _payload.encode("r"), now),
    "a failing step": lambda now: ev.StepFailed(now, 1, "work", _payload.encode("a"), describe(OSError()), now),
    "a timer": lambda now: ev.TimerFired(now, 1),
    "a child": lambda now: ev.ChildCompleted(now, 1, "child", "c", _payload.encode("r")),
    "a failing child": lambda now: ev.ChildFailed(now, 1, "child", "c", describe(OSError())),
    "a cancelled child": lambda now: ev.ChildCancelled(now, 1, "child", "c"),
}


@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("answered", ANSWERS)
def test_an_answer_to_what_was_not_asked_is_named(asked, answered):
    """Every kind of answer is checked against what the code asked for; both are named, with run and position."""

    @workflow
    async def flow() -> None:
        await KINDS[asked]()

    drive = Drive(flow)
    event = ANSWERS[answered](drive.now)
    if answered.split()[-1] == asked.split()[-1]:
        drive.feed(event)
        return
    with pytest.raises(NonDeterminismError) as caught:
        drive.feed(event)
    labels = {
        "step": "step 'work'",
        "timer": "a timer",
        "child": "child workflow 'child'",
        "signal": "nothing at that point",
    }
    error = caught.value
    assert (error.run_id, error.position) == ("run-1", 1)
    assert (error.expected, error.found) == (labels[answered.split()[-1]], labels[asked.split()[-1]])


def test_a_patch_that_history_has_and_the_code_never_passes_is_named():
    """Taking `patched()` out again before its old runs have ended is a change of the path."""

    @workflow
    async def flow() -> str:
        await receive("go")
        return info().run_id

    drive = Drive(flow)
    with pytest.raises(NonDeterminismError) as caught:
        drive.feed(ev.PatchRecorded(drive.now, "gone"))
    assert (caught.value.expected, caught.value.found) == ("patched('gone')", "no such call")
