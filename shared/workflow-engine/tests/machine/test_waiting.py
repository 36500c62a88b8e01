"""What a run waits for, on the machine alone: retries, timers over years, signals, children, queries and updates."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from engine_driving import Drive, replayed
from pydantic import BaseModel

from maestro_workflow_engine import (
    WorkflowCancelledError,
    WorkflowDefinitionError,
    WorkflowFailedError,
    _payload,
    now,
    on_update,
    publish,
    receive,
    run_child,
    step,
    workflow,
)
from maestro_workflow_engine._failure import describe
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev


@step
async def work(name: str) -> str:
    raise AssertionError("the machine never runs a step itself")


@workflow
async def one_step() -> str:
    return await work("a")


def test_a_retry_changes_what_is_asked_for_after_a_restart():
    """The code sees nothing of a failed attempt; the next one, and when, is what a replayed machine asks for."""
    drive = Drive(one_step)
    failure = describe(OSError("down"))
    for attempt in (1, 2):
        later = drive.now + 1000 * attempt
        assert drive.feed(ev.StepRetrying(drive.now, 1, "work", failure, attempt, later)) == []
        machine, _ = replayed(one_step, drive.history)
        for each in (machine, drive.machine):
            (again,) = each.outstanding()
            assert isinstance(again, cmd.RunStep)
            assert (again.seq, again.attempt, again.not_before) == (1, attempt + 1, later)
            (wait,) = each.waiting_for
            assert (wait.kind, wait.name, wait.until, wait.attempt) == ("step", "work", later, attempt + 1)
    drive.complete(1, "third time lucky")
    assert drive.output == "third time lucky"


def test_timers_span_years_and_fire_in_the_order_of_their_times():
    """A timer of fifty years is a number in the journal; the workflow's time is that of its events."""

    @workflow
    async def patient() -> list[str]:
        seen: list[str] = []

        async def after(years: int) -> None:
            await asyncio.sleep(timedelta(days=365 * years).total_seconds())
            seen.append(f"{years} {now().year}")

        await asyncio.gather(after(50), after(1), after(10))
        return seen

    drive = Drive(patient)
    timers = [command for command in drive.commands if isinstance(command, cmd.StartTimer)]
    assert [timer.fire_at - drive.now for timer in timers] == [
        timedelta(days=365 * years) // timedelta(microseconds=1) for years in (50, 1, 10)
    ]
    for timer in sorted(timers, key=lambda timer: timer.fire_at):
        machine, _ = replayed(patient, drive.history)
        assert machine.waiting_for == drive.machine.waiting_for
        drive.fire(timer.seq)
    assert drive.output == ["1 2002", "10 2011", "50 2051"]


def test_a_receive_that_times_out_takes_no_signal():
    """After the timeout the signal waits for the next receive; before it the timer is cancelled."""

    @workflow
    async def patient() -> list[object]:
        seen: list[object] = []
        for _ in range(2):
            try:
                seen.append(await receive("n", timeout=timedelta(seconds=5)))
            except TimeoutError:
                seen.append("late")
        seen.append(await receive("n"))
        return seen

    drive = Drive(patient)
    drive.fire(1)
    assert drive.signal("n", 1) == [cmd.CancelTimer(2)]
    drive.signal("n", 2)
    assert drive.output == ["late", 1, 2]
    assert replayed(patient, drive.history)[1] == drive.commands


def test_signals_of_several_receivers_go_to_whoever_waited_longest():
    """Names do not mix; of one name, receivers are served in the order in which they asked."""

    @workflow
    async def crowd() -> list[str]:
        async def take(label: str, name: str) -> str:
            return f"{label} {await receive(name)}"

        return list(await asyncio.gather(take("first", "n"), take("other", "m"), take("second", "n")))

    drive = Drive(crowd)
    assert [wait.name for wait in drive.machine.waiting_for] == ["n", "m"]
    for name, value in (("m", 1), ("n", 2), ("n", 3)):
        drive.signal(name, value)
    assert drive.output == ["first 2", "other 1", "second 3"]


def test_children_answer_fail_and_are_cancelled():
    """A child's end comes to its parent as result, WorkflowFailedError or WorkflowCancelledError, each with its run id."""

    @workflow
    async def child(n: int) -> int:
        return n

    @workflow
    async def parent() -> list[object]:
        results = await asyncio.gather(
            child(1), run_child(child, 2, id="mine"), run_child("by-name:2.0.0", [3]), return_exceptions=True
        )
        failed, cancelled = results[1], results[2]
        assert isinstance(failed, WorkflowFailedError)
        assert isinstance(cancelled, WorkflowCancelledError)
        return [results[0], failed.failure.message, failed.run_id, cancelled.run_id]

    drive = Drive(parent)
    asked = [
        (command.seq, command.workflow, command.version, bytes(command.input), command.run_id)
        for command in drive.commands
        if isinstance(command, cmd.StartChild)
    ]
    assert asked == [
        (1, "child", "1.0.0", b"1", None),
        (2, "child", "1.0.0", b"2", "mine"),
        (3, "by-name", "2.0.0", b"[3]", None),
    ]
    assert [wait.kind for wait in drive.machine.waiting_for] == ["child"] * 3
    drive.feed(ev.ChildCancelled(drive.now, 3, "by-name", "run-1/3"))
    drive.feed(ev.ChildFailed(drive.now, 2, "child", "mine", describe(ValueError("no"))))
    drive.feed(ev.ChildCompleted(drive.now, 1, "child", "run-1/1", _payload.encode(10)))
    assert drive.output == [10, "no", "mine", "run-1/3"]
    assert replayed(parent, drive.history)[1] == drive.commands


def test_a_child_that_is_no_longer_awaited_is_asked_to_stop():
    """A timeout around a child cancels the child."""

    @workflow
    async def parent() -> str:
        try:
            async with asyncio.timeout(5):
                await run_child("slow", None)
        except TimeoutError:
            return await work("instead")
        return "never"

    drive = Drive(parent)
    timer = next(command for command in drive.commands if isinstance(command, cmd.StartTimer))
    assert drive.fire(timer.seq)[0] == cmd.CancelChild(2, "run-1.2")


def test_what_is_published_is_read_at_every_moment_and_after_a_replay():
    """The last value of each key, and nothing of a value without a JSON form."""

    @workflow
    async def tells() -> None:
        publish("progress", {"done": 0})
        await work("a")
        publish("progress", {"done": 1})
        publish("other", [1, 2])
        await work("b")

    drive = Drive(tells)
    assert {key: msgspec.json.decode(value) for key, value in drive.machine.published.items()} == {
        "progress": {"done": 0}
    }
    drive.complete(1)
    for machine in (drive.machine, replayed(tells, drive.history)[0]):
        published = {key: msgspec.json.decode(value) for key, value in machine.published.items()}
        assert published == {"progress": {"done": 1}, "other": [1, 2]}


class Item(BaseModel):
    name: str
    count: int = 1


@workflow
async def cart() -> dict[str, int]:
    content: dict[str, int] = {}

    def valid(item: Item) -> None:
        if item.count < 1:
            raise ValueError("count must be 1 or more")

    async def add(item: Item) -> str:
        content[item.name] = item.count
        return await work(item.name)

    on_update("add", add, validate=valid, type=Item)
    await receive("checkout")
    return content


def _ask(drive: Drive, id_: str, payload: object, name: str = "add") -> list[cmd.Command]:
    return drive.feed(ev.UpdateRequested(drive.now, id_, name, _payload.encode(payload)))


def test_an_update_is_answered_once_it_is_handled():
    """The handler's steps run beside the workflow; its answer is given again after a replay until it is on disk."""
    drive = Drive(cart)
    (asked,) = _ask(drive, "u-1", {"name": "tea"})
    assert isinstance(asked, cmd.RunStep)
    assert _ask(drive, "u-1", {"name": "tea"}) == []
    answer = cmd.AnswerUpdate("u-1", _payload.encode("priced"), None)
    assert drive.complete(asked.seq, "priced") == [answer]
    assert replayed(cart, drive.history)[0].outstanding() == [answer]
    assert _ask(drive, "u-1", {"name": "tea"}) == []
    drive.feed(ev.UpdateAnswered(drive.now, "u-1", _payload.encode("priced")))
    assert replayed(cart, drive.history)[0].outstanding() == []
    drive.signal("checkout", None)
    assert drive.output == {"tea": 1}


@pytest.mark.parametrize(
    ("name", "payload", "word"),
    [
        ("add", {"name": "tea", "count": 0}, "1 or more"),
        ("add", {"count": 1}, "payload"),
        ("take", {}, "it handles add"),
    ],
)
def test_an_update_that_does_not_fit_is_rejected(name, payload, word):
    """Validator, type and missing handler reject with their reason, and the workflow's state is as before."""
    drive = Drive(cart)
    (answer,) = _ask(drive, "u-1", payload, name)
    assert isinstance(answer, cmd.AnswerUpdate)
    assert answer.failure is not None
    assert word in answer.failure.message
    drive.signal("checkout", None)
    assert drive.output == {}


def test_an_update_under_way_is_rejected_when_the_run_ends():
    """Its caller is told, before the run's end is journalled; the step it asked for ends with the run."""
    drive = Drive(cart)
    _ask(drive, "u-1", {"name": "tea"})
    rejection, end = drive.signal("checkout", None)
    assert isinstance(rejection, cmd.AnswerUpdate)
    assert rejection.failure is not None
    assert "ended before it was answered" in rejection.failure.message
    assert isinstance(end, cmd.CompleteRun)


def test_a_handler_that_is_not_async_is_refused():
    """Where it is set, with its name."""

    @workflow
    async def wrong() -> None:
        on_update("add", lambda item: item)

    closing = Drive(wrong).closing
    assert isinstance(closing, cmd.FailRun)
    assert closing.failure.type.endswith(WorkflowDefinitionError.__name__)
    assert "'add'" in closing.failure.message
