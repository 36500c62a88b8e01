"""Children and requests on the machine alone: commands, events, replay."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from engine_driving import Drive, replayed

from maestro_workflow_engine import (
    NonDeterminismError,
    ParentClose,
    Saga,
    WorkflowContextError,
    WorkflowDefinitionError,
    WorkflowNotFoundError,
    _payload,
    cancel_run,
    receive,
    run_child,
    signal_run,
    start_child,
    step,
    workflow,
)
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev


@workflow
async def child(n: int) -> int:
    return n


@step(total_timeout=timedelta(minutes=5))
async def limited() -> None: ...


@step
async def act(what: str) -> str:
    return what


def started(drive: Drive, seq: int) -> list[cmd.Command]:
    return drive.feed(ev.ChildStarted(drive.now, seq, "child", f"run-1.{seq}"))


def completed(drive: Drive, seq: int, value: int) -> list[cmd.Command]:
    return drive.feed(ev.ChildCompleted(drive.now, seq, "child", f"run-1.{seq}", _payload.encode(value)))


@workflow
async def two_children() -> int:
    first = await start_child(child, 1, on_parent_close=ParentClose.ABANDON)
    second = await start_child(child, 2, id="second")
    await receive("go")
    return await first + await second


def test_a_start_is_announced_and_the_end_comes_later_in_any_order():
    """start_child returns on ChildStarted; an end that came before anybody asked is kept."""
    drive = Drive(two_children)
    first = drive.commands[0]
    assert isinstance(first, cmd.StartChild)
    assert (first.on_close, first.announce, first.run_id) == ("abandon", True, None)
    (second,) = started(drive, 1)
    assert isinstance(second, cmd.StartChild)
    assert (second.on_close, second.run_id) == ("cancel", "second")
    started(drive, 2)
    completed(drive, 2, 20)
    drive.signal("go", None)
    completed(drive, 1, 10)
    assert drive.output == 30


def test_after_a_replay_the_children_that_matter_are_asked_for_again():
    """One that was abandoned is left alone until somebody waits for it; the other is taken up, and not announced again."""
    drive = Drive(two_children)
    started(drive, 1)
    started(drive, 2)
    machine, _ = replayed(two_children, drive.history)
    again = machine.outstanding()
    assert [(c.seq, c.announce) for c in again if isinstance(c, cmd.StartChild)] == [(2, False)]
    asked = machine.apply(ev.SignalReceived(drive.now, "go", _payload.NULL))
    assert [(c.seq, c.announce) for c in asked if isinstance(c, cmd.StartChild)] == [(1, False)]


def test_a_child_that_nobody_awaits_any_more_is_cancelled_until_that_is_journalled():
    """A crash between the decision and its record must not leave the child running."""

    @workflow
    async def flow() -> None:
        try:
            async with asyncio.timeout(1):
                await run_child(child, 1)
        except TimeoutError:
            pass
        await receive("go")

    drive = Drive(flow)
    commands = drive.fire(1)
    assert [c for c in commands if isinstance(c, cmd.CancelChild)] == [cmd.CancelChild(2, "run-1.2")]
    machine, _ = replayed(flow, drive.history)
    assert cmd.CancelChild(2, "run-1.2") in machine.outstanding()
    drive.feed(ev.CancelSent(drive.now, 2, "run-1.2"))
    machine, _ = replayed(flow, drive.history)
    assert machine.outstanding() == []


def test_a_request_is_asked_for_again_until_its_answer_is_journalled():
    """So it is neither lost nor, since its answer comes with the other run's event, sent twice."""

    @workflow
    async def flow() -> list[str]:
        said: list[str] = []
        await signal_run("other", "go", 1)
        said.append("signalled")
        try:
            await cancel_run("nobody")
        except WorkflowNotFoundError as error:
            said.append(error.name)
        return said

    drive = Drive(flow)
    assert drive.commands == [cmd.SendSignal(1, "other", "go", msgspec.Raw(b"1"))]
    machine, _ = replayed(flow, drive.history)
    assert machine.outstanding() == drive.commands
    assert [(wait.kind, wait.name) for wait in machine.waiting_for] == [("request", "other")]
    assert drive.feed(ev.SignalSent(drive.now, 1, "other", "go")) == [cmd.SendCancel(2, "nobody", "")]
    drive.feed(ev.RequestFailed(drive.now, 2, "nobody", describe(WorkflowNotFoundError("nobody", "there is no run"))))
    assert drive.output == ["signalled", "nobody"]
    assert replayed(flow, drive.history)[1][-1] == drive.closing


def test_a_request_whose_caller_was_cancelled_is_sent_all_the_same():
    """What was asked for is not taken back, so that nobody has to guess whether it was sent."""

    @workflow
    async def flow() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await signal_run("other", "go")
        return str(await receive("end"))

    drive = Drive(flow)
    drive.cancel()
    machine, _ = replayed(flow, drive.history)
    assert [type(command) for command in machine.outstanding()] == [cmd.SendSignal]
    drive.feed(ev.SignalSent(drive.now, 1, "other", "go"))
    drive.signal("end", "well")
    assert drive.output == "well"


@pytest.mark.parametrize(
    "event",
    [
        ev.ChildStarted(2, 1, "child", "x"),
        ev.SignalSent(2, 1, "x", "go"),
        ev.CancelSent(2, 1, "x"),
        ev.RequestFailed(2, 1, "x", describe(ValueError("no"))),
    ],
)
def test_code_that_asks_for_something_else_is_not_deterministic(event: Any):
    """The history's answer must fit the question."""

    @workflow
    async def flow() -> None:
        await run_child("other-child")

    drive = Drive(flow)
    with pytest.raises(NonDeterminismError):
        drive.feed(event)


def test_a_total_timeout_counts_from_the_moment_of_asking_in_every_replay():
    """The command's deadline comes from the event at which the workflow asked, whenever it is asked for again."""

    @workflow
    async def flow() -> None:
        await receive("go")
        await limited()

    drive = Drive(flow)
    drive.now += 7_000_000
    (first,) = drive.signal("go", None)
    assert isinstance(first, cmd.RunStep)
    assert first.deadline == drive.now + 300_000_000
    drive.feed(ev.StepRetrying(drive.now + 5, 1, "limited", describe(OSError("down")), 1, drive.now + 9))
    machine, _ = replayed(flow, drive.history)
    (again,) = machine.outstanding()
    assert isinstance(again, cmd.RunStep)
    assert (again.deadline, again.attempt) == (first.deadline, 2)
    assert again.last_failure is not None
    assert again.last_failure.summary == "OSError: down"


def test_compensation_is_replayed_at_every_prefix_of_its_history():
    """A saga is plain workflow code: whatever prefix a crash leaves, it goes on in the same way."""

    @workflow
    async def flow() -> None:
        async with Saga() as saga:
            for what in ("a", "b"):
                await act(what)
                saga.add(act, f"undo {what}")
            raise ValueError("no")

    drive = Drive(flow)
    given = [list(drive.commands)]
    given.extend(drive.complete(seq) for seq in (1, 2))
    given.append(drive.cancel())
    given.extend(drive.complete(seq) for seq in (3, 4))
    inputs = [bytes(c.input) for c in drive.commands if isinstance(c, cmd.RunStep)]
    assert inputs == [b'"a"', b'"b"', b'"undo b"', b'"undo a"']
    assert isinstance(drive.closing, cmd.CancelRun)
    for length in range(1, len(drive.history) + 1):
        _, commands = replayed(flow, drive.history[:length])
        assert commands == [command for turn in given[:length] for command in turn]


def test_outside_a_workflow_there_are_no_children_and_no_requests():
    """A clear error instead of a run that nobody owns."""
    for call in (start_child(child, 1), run_child(child, 1), signal_run("a", "b"), cancel_run("a")):
        with pytest.raises(WorkflowContextError):
            call.send(None)


def test_limits_must_be_longer_than_zero():
    """A step that could never run is refused where it is declared."""
    for limit in ("timeout", "total_timeout", "heartbeat_timeout"):
        with pytest.raises(WorkflowDefinitionError, match=f"{limit} must be longer than zero"):
            step(**{limit: timedelta(0)})(child.func)
