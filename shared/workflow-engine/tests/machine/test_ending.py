"""How runs end, on the machine alone: cancellation with clean-up, termination, continue-as-new, and what comes afterwards."""

from __future__ import annotations

import asyncio

import msgspec
from engine_driving import Drive, replayed

from maestro_workflow_engine import (
    _payload,
    continue_as_new,
    receive,
    run_child,
    step,
    workflow,
)
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


@workflow
async def cleaner() -> None:
    try:
        await work("long")
    finally:
        await work("clean up")
        await work("report")


def test_a_second_request_leaves_the_clean_up_alone():
    """Asked again during clean-up, the run finishes it step by step; then it has been cancelled."""
    drive = Drive(cleaner)
    drive.cancel()
    assert drive.cancel() == []
    (report,) = drive.complete(2)
    assert isinstance(report, cmd.RunStep)
    assert drive.complete(report.seq) == [cmd.CancelRun()]
    assert replayed(cleaner, drive.history)[1] == drive.commands


def test_clean_up_that_shields_itself_survives_a_second_cancellation():
    """Shielded clean-up goes on; the run ends when the workflow has waited for it."""

    @workflow
    async def careful() -> None:
        try:
            await work("long")
        finally:
            saving = asyncio.ensure_future(work("save"))
            while not saving.done():
                try:
                    await asyncio.shield(saving)
                except asyncio.CancelledError:
                    continue

    drive = Drive(careful)
    drive.cancel()
    for _ in range(3):
        assert drive.cancel() == []
    assert drive.complete(2) == [cmd.CancelRun()]
    assert replayed(careful, drive.history)[1] == drive.commands


def test_a_workflow_may_refuse_to_be_cancelled():
    """Code that swallows the request and returns has completed."""

    @workflow
    async def stubborn() -> str:
        try:
            await receive("never")
        except asyncio.CancelledError:
            return await work("instead")
        return "never"

    drive = Drive(stubborn)
    drive.cancel()
    drive.complete(1, "done")
    assert drive.output == "done"


def test_cancellation_reaches_everything_that_is_awaited():
    """Steps, timers and children that the cancelled workflow awaited are cancelled, once each, in order."""

    @workflow
    async def busy() -> None:
        await asyncio.gather(work("a"), asyncio.sleep(60), run_child("other", 1), receive("never"))

    drive = Drive(busy)
    asked = {type(command).__name__: command.seq for command in drive.commands}
    commands = drive.cancel()
    assert commands[:-1] == []  # with the end of the run all of it ends
    assert commands == [cmd.CancelRun()]
    assert asked == {"RunStep": 1, "StartTimer": 2, "StartChild": 3}

    @workflow
    async def tidy() -> None:
        try:
            await asyncio.gather(work("a"), asyncio.sleep(60), run_child("other", 1), receive("never"))
        finally:
            await work("clean up")

    drive = Drive(tidy)
    commands = drive.cancel()
    assert commands[:3] == [cmd.CancelStep(1), cmd.CancelTimer(2), cmd.CancelChild(3, "run-1.3")]
    assert [wait.kind for wait in drive.machine.waiting_for] == ["step"]
    late = [
        ev.ChildCancelled(drive.now, 3, "other", "run-1/3"),
        ev.StepCompleted(drive.now, 1, "work", _payload.encode("a"), _payload.encode("late"), drive.now),
    ]
    assert [drive.feed(event) for event in late] == [[], []]
    assert drive.complete(4) == [cmd.CancelRun()]
    assert replayed(tidy, drive.history)[1] == drive.commands


def test_termination_asks_nobody():
    """The run ends at once; its code sees nothing, and what comes later changes nothing."""
    seen: list[str] = []

    @workflow
    async def tidy() -> None:
        try:
            await receive("go")
        finally:
            seen.append("clean-up")
            await work("clean up")

    drive = Drive(tidy)
    assert drive.feed(ev.RunTerminated(drive.now, "enough")) == []
    assert drive.machine.done
    assert drive.machine.waiting_for == []
    assert drive.machine.outstanding() == [cmd.CancelRun()]
    assert drive.signal("go", None) == []
    assert seen == []
    machine, commands = replayed(tidy, drive.history)
    assert machine.done
    assert commands == drive.commands


def test_pausing_resuming_and_redriving_are_not_seen_by_the_code():
    """They are the runner's business: the machine says nothing to them, and a replay goes the same way without them."""

    @workflow
    async def two() -> str:
        await work("a")
        return await work("b")

    drive = Drive(two)
    for event in (ev.RunPaused(drive.now), ev.RunResumed(drive.now), ev.RunRedriven(drive.now, 3)):
        before = drive.machine.outstanding()
        assert drive.feed(event) == []
        assert drive.machine.outstanding() == before
    drive.complete(1)
    drive.complete(2, "end")
    assert drive.output == "end"
    assert replayed(two, drive.history)[1] == drive.commands
    unseen = (ev.RunPaused, ev.RunResumed, ev.RunRedriven)
    assert replayed(two, [event for event in drive.history if not isinstance(event, unseen)])[1] == drive.commands


def test_continue_as_new_takes_input_and_waiting_signals_along():
    """The new pass gets its arguments and the signals nobody has received, in order; its numbers go on from the last pass."""

    @workflow
    async def counter(n: int, done: list[int]) -> None:
        done.append(await receive("n"))
        await work("a")
        continue_as_new(n + 1, done)

    drive = Drive(counter, {"n": 1, "done": []})
    for number in (7, 8, 9):
        drive.signal("n", number)
    drive.signal("other", "kept")
    (end,) = drive.complete(1)
    assert isinstance(end, cmd.ContinueRun)
    assert msgspec.json.decode(end.input) == {"n": 2, "done": [7]}
    assert [(name, msgspec.json.decode(raw)) for name, raw in end.signals] == [("n", 8), ("n", 9), ("other", "kept")]

    machine = drive.machine.__class__(counter, "run-1")
    again = machine.apply(ev.RunStarted(drive.now, end.input, 43, first_seq=drive.machine.last_seq))
    for name, raw in end.signals:
        again += machine.apply(ev.SignalReceived(drive.now, name, raw))
    assert [command.seq for command in again if isinstance(command, cmd.RunStep)] == [2]
    late = ev.StepCompleted(drive.now, 1, "work", _payload.encode("a"), _payload.encode("late"), drive.now)
    assert machine.apply(late) == []  # an answer to the pass before
    machine.drop()


def test_a_failure_keeps_type_message_and_arguments():
    """What ends the workflow is the run's failure, BaseExceptions of the language included."""

    @workflow
    async def fails(kind: str) -> None:
        raise {"value": ValueError("no", 7), "exit": SystemExit(3), "interrupt": KeyboardInterrupt()}[kind]

    failures = {kind: Drive(fails, kind).closing for kind in ("value", "exit", "interrupt")}
    assert all(isinstance(closing, cmd.FailRun) for closing in failures.values())
    value = failures["value"].failure  # type: ignore[union-attr]
    assert (value.type, value.message, value.args) == ("builtins:ValueError", "('no', 7)", ["no", 7])
    assert "raise" in value.traceback
    assert failures["exit"].failure.type == "builtins:SystemExit"  # type: ignore[union-attr]


def test_a_cancellation_of_its_own_is_a_failure():
    """CancelledError that nobody outside asked for does not make the run a cancelled one."""

    @workflow
    async def confused() -> None:
        raise asyncio.CancelledError("mine")

    assert isinstance(Drive(confused).closing, cmd.FailRun)
