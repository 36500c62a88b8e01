import asyncio
from datetime import UTC, datetime

import pytest
from engine_driving import Drive

from maestro_workflow_engine import (
    StepFailedError,
    WorkflowContextError,
    _payload,
    info,
    now,
    patched,
    publish,
    random,
    receive,
    step,
    uuid4,
    workflow,
)
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


@step
async def other(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


def test_a_step_becomes_a_command_and_its_result_comes_back():
    """A step call asks the runner and resumes with what the runner reports."""

    @workflow
    async def one() -> str:
        return (await work("a")).upper()

    drive = Drive(one)
    assert [(c.seq, c.step.name, bytes(c.input)) for c in drive.commands] == [(1, "work", b'"a"')]
    drive.complete(1, "done")
    assert drive.output == "DONE"


def test_sleep_is_a_durable_timer_at_the_workflows_time():
    """asyncio.sleep asks for a timer counted from the event's time, and now() moves with events only."""

    @workflow
    async def sleeper() -> list[str]:
        before = now()
        await asyncio.sleep(3600)
        return [before.isoformat(), now().isoformat()]

    drive = Drive(sleeper)
    (timer,) = drive.commands
    assert timer == cmd.StartTimer(1, drive.now + 3_600_000_000)
    drive.fire(1)
    assert drive.output == [
        datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC).isoformat(),
        datetime(2001, 9, 9, 2, 46, 40, tzinfo=UTC).isoformat(),
    ]


def test_gather_keeps_its_order_whatever_completes_first():
    """Results of gather stand in the order of its arguments."""

    @workflow
    async def fan() -> list[str]:
        return list(await asyncio.gather(*(work(name) for name in "abc")))

    drive = Drive(fan)
    for seq in (3, 1, 2):
        drive.complete(seq, f"r{seq}")
    assert drive.output == ["r1", "r2", "r3"]


def test_a_timeout_cancels_the_step_and_the_timer_that_lost():
    """asyncio.timeout works as in CPython: the late step is cancelled, a timely one cancels the timer."""

    @workflow
    async def limited() -> str:
        try:
            async with asyncio.timeout(10):
                return await work("slow")
        except TimeoutError:
            return await other("fallback")

    late = Drive(limited)
    timer = next(c for c in late.commands if isinstance(c, cmd.StartTimer))
    after = late.fire(timer.seq)
    assert isinstance(after[0], cmd.CancelStep)
    assert after[1].step.name == "other"

    timely = Drive(limited)
    step_seq = next(c.seq for c in timely.commands if isinstance(c, cmd.RunStep))
    assert timely.complete(step_seq, "ok") == [timely.closing]
    assert timely.output == "ok"


def test_a_late_answer_to_an_abandoned_step_is_ignored():
    """A step that completes after the workflow stopped waiting changes nothing."""

    @workflow
    async def limited() -> str:
        try:
            async with asyncio.timeout(10):
                return await work("slow")
        except TimeoutError:
            await receive("go")
            return "went on"

    drive = Drive(limited)
    timer = next(c.seq for c in drive.commands if isinstance(c, cmd.StartTimer))
    step_seq = next(c.seq for c in drive.commands if isinstance(c, cmd.RunStep))
    drive.fire(timer)
    assert drive.complete(step_seq, "late") == []
    drive.signal("go", None)
    assert drive.output == "went on"


def test_a_step_raises_its_own_exception_with_the_record_as_cause():
    """The exception class survives; how often it was tried is in its cause."""

    @workflow
    async def careful() -> str:
        try:
            await work("a")
        except KeyError as error:
            cause = error.__cause__
            assert isinstance(cause, StepFailedError)
            return f"{error.args[0]} after {cause.attempts}"
        return "no"

    drive = Drive(careful)
    drive.feed(ev.StepFailed(drive.now, 1, "work", drive.commands[0].input, describe(KeyError("k")), drive.now, 3))
    assert drive.output == "k after 3"


def test_signals_are_kept_in_order_and_may_come_before_they_are_asked_for():
    """Signals of one name form a queue."""

    @workflow
    async def collector() -> list[int]:
        await work("first")
        return [await receive("n") for _ in range(3)]

    drive = Drive(collector)
    drive.signal("n", 1)
    drive.signal("n", 2)
    drive.complete(1)
    assert drive.machine.waiting_for[0].name == "n"
    drive.signal("n", 3)
    assert drive.output == [1, 2, 3]


def test_a_signal_that_arrives_as_its_receiver_is_cancelled_is_not_lost():
    """The signal goes back to the queue when the receiver is cancelled in the same moment."""

    @workflow
    async def racer() -> list[int]:
        async def take() -> int:
            return int(await receive("n"))

        task = asyncio.ensure_future(take())
        await asyncio.sleep(0)
        await receive("trigger")
        task.cancel()
        return [await receive("n")]

    drive = Drive(racer)
    # both before any callback runs: the trigger wakes the workflow first, and the value has arrived when it cancels
    drive.machine._inboxes["trigger"].deliver(_payload.encode(None))
    drive.signal("n", 7)
    assert drive.output == [7]


def test_cancellation_lets_the_workflow_clean_up_with_steps():
    """A cancelled workflow may still run steps before it ends."""

    @workflow
    async def cleaner() -> None:
        try:
            await work("long")
        finally:
            await other("clean up")

    drive = Drive(cleaner)
    commands = drive.cancel()
    assert isinstance(commands[0], cmd.CancelStep)
    assert commands[1].step.name == "other"
    drive.complete(commands[1].seq)
    assert isinstance(drive.closing, cmd.CancelRun)


def test_chance_and_identity_are_the_same_in_every_replay():
    """random(), uuid4() and info() give what the history's seed gives."""

    @workflow
    async def dice() -> list[object]:
        await work("a")
        return [random().random(), str(uuid4()), info().run_id]

    def roll(seed: int) -> object:
        drive = Drive(dice, seed=seed)
        drive.complete(1)
        return drive.output

    assert roll(1) == roll(1)
    assert roll(1) != roll(2)


def test_threads_sockets_and_endless_loops_are_refused_with_what_to_do():
    """What cannot be deterministic fails the run and says to use a step."""

    @workflow
    async def threads() -> None:
        await asyncio.to_thread(print, "no")

    @workflow
    async def sockets() -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    for definition in (threads, sockets):
        drive = Drive(definition)
        assert isinstance(drive.closing, cmd.FailRun)
        assert "@step" in drive.closing.failure.message


def test_context_functions_say_where_they_work():
    """Called outside a workflow they raise a clear error."""
    for call in (info, now, uuid4, random, lambda: publish("k", 1), lambda: patched("x")):
        with pytest.raises(WorkflowContextError, match="inside a running workflow"):
            call()


async def test_workflows_and_steps_are_plain_coroutines_outside_the_engine():
    """Unit tests of workflow code need no engine."""

    @step
    async def double(n: int) -> int:
        return 2 * n

    @workflow
    async def quadruple(n: int) -> int:
        return await double(await double(n))

    assert await quadruple(3) == 12
