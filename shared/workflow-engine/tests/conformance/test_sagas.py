"""Sagas through the runner: compensations run once, to their end, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    Compensation,
    CompensationError,
    RetryPolicy,
    RunStatus,
    Saga,
    WorkflowCancelledError,
    WorkflowEngine,
    WorkflowFailedError,
    continue_as_new,
    receive,
    step,
    step_info,
    workflow,
)

pytestmark = pytest.mark.capability("sagas")

SOON = timedelta(seconds=20)
done: list[str] = []
undone: list[str] = []
gates: dict[str, asyncio.Event] = {}


@pytest.fixture(autouse=True)
def _fresh():
    done.clear()
    undone.clear()
    gates.clear()
    gates.update(
        gate=asyncio.Event(), stuck=asyncio.Event()
    )  # an Event belongs to the loop that it was first awaited in


@step
async def do(what: str) -> str:
    done.append(what)
    if what == "ship":
        raise OSError("no ship")
    return what


@step(retry=RetryPolicy(max_attempts=3, initial_interval=timedelta(milliseconds=1)))
async def undo(what: str) -> None:
    if what == "stuck":
        gates["stuck"].set()
        await gates["gate"].wait()
    if what == "flaky" and step_info().attempt < 3:
        raise OSError("flaky")
    if what == "broken":
        raise ValueError("cannot be undone")
    undone.append(what)


@workflow
async def undo_as_child(what: str) -> None:
    await undo(f"{what} by a child")


@workflow
async def order(things: list[str], ending: str) -> str:
    async with Saga() as saga:
        for thing in things:
            saga.add(undo, await do(thing))
        if ending == "waits":
            return str(await receive("go"))
        if ending == "dismissed":
            saga.dismiss()
        if ending == "again":
            continue_as_new(["second"], "returns")
        if ending != "returns":
            await do("ship")
    return "shipped"


WORKFLOWS = [order, undo_as_child]


def opened(place, *more) -> WorkflowEngine:
    return place.engine(workflows=[*WORKFLOWS, *more])


async def until(check) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.002)


async def reached(engine: WorkflowEngine, run_id: str, kind: str, name: str) -> None:
    """Wait until a run waits for something."""
    async with asyncio.timeout(20):
        while not any((w.kind, w.name) == (kind, name) for w in (await engine.handle(run_id).status()).waiting_for):
            await asyncio.sleep(0.002)


async def test_what_was_done_is_undone_last_first_when_the_block_fails(place):
    """The failure that made it necessary goes on being raised; flaky compensations are retried."""
    async with opened(place) as engine:
        handle = await engine.start(order, ["a", "flaky", "c"], "ships")
        with pytest.raises(WorkflowFailedError, match="OSError: no ship"):
            await handle.result(SOON)
    assert undone == ["c", "flaky", "a"]


@pytest.mark.parametrize(("ending", "result"), [("returns", "shipped"), ("again", "shipped")])
async def test_nothing_is_undone_when_the_block_ends_well(ending: str, result: str, place):
    """Returning is success, and so is starting over."""
    async with opened(place) as engine:
        assert await (await engine.start(order, ["a"], ending)).result(SOON) == result
    assert undone == []


async def test_a_dismissed_saga_undoes_nothing(place):
    """After dismiss() a failure finds nothing to undo."""
    async with opened(place) as engine:
        with pytest.raises(WorkflowFailedError, match="no ship"):
            await (await engine.start(order, ["a"], "dismissed")).result(SOON)
    assert undone == []


async def test_a_failing_compensation_does_not_keep_the_others_from_running(place):
    """CompensationError groups what failed and has the original failure as its cause."""
    caught: list[CompensationError] = []

    @workflow
    async def flow() -> None:
        try:
            await order.func(["a", "broken", "c"], "ships")
        except CompensationError as error:
            caught.append(error)
            raise

    async with opened(place, flow) as engine:
        handle = await engine.start(flow)
        with pytest.raises(WorkflowFailedError, match="1 of 3 compensations failed") as failed:
            await handle.result(SOON)
    assert "cannot be undone" in failed.value.failure.traceback
    assert undone == ["c", "a"]
    assert isinstance(caught[0].__cause__, OSError)
    assert [str(error) for error in caught[0].exceptions] == ["cannot be undone"]
    assert isinstance(caught[0].split(ValueError)[0], CompensationError)


async def test_cancellation_compensates_and_requests_to_cancel_meanwhile_do_not_stop_it(place):
    """The first request ends the block; a second and a third wait until everything is undone."""
    async with opened(place) as engine:
        handle = await engine.start(order, ["a", "stuck", "c"], "waits", id="r")
        await reached(engine, "r", "signal", "go")
        await handle.cancel()
        await until(gates["stuck"].is_set)
        await handle.cancel("again")
        await handle.cancel("and again")
        gates["gate"].set()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
    assert undone == ["c", "stuck", "a"]


async def test_a_request_to_cancel_that_comes_while_a_failure_is_undone_is_not_lost(place):
    """It is raised once everything is undone, as a cancelled `except` block would raise it."""
    async with opened(place) as engine:
        handle = await engine.start(order, ["a", "stuck"], "ships")
        await until(gates["stuck"].is_set)
        await handle.cancel()
        gates["gate"].set()
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
    assert undone == ["stuck", "a"]


async def test_termination_stops_compensations(place):
    """terminate() does not ask."""
    async with opened(place) as engine:
        handle = await engine.start(order, ["a", "stuck"], "ships")
        await until(gates["stuck"].is_set)
        await handle.terminate()
        assert (await handle.status()).status is RunStatus.TERMINATED
    assert undone == []


async def test_compensation_goes_on_after_a_restart_where_it_stood(place):
    """What was undone is not undone twice, and what was not is."""
    async with opened(place) as engine:
        await engine.start(order, ["a", "stuck", "c"], "ships", id="r")
        await until(gates["stuck"].is_set)
    gates["gate"].set()
    async with opened(place) as engine:
        with pytest.raises(WorkflowFailedError, match="no ship"):
            await engine.handle("r").result(SOON)
    assert undone == ["c", "stuck", "a"]
    assert done == ["a", "stuck", "c", "ship"]


async def test_a_saga_that_leaves_memory_compensates_nothing(place):
    """A run that is put to sleep in the middle of a saga has not failed."""
    async with place.engine(workflows=WORKFLOWS, max_workflows_in_memory=1) as engine:
        handles = [await engine.start(order, [f"{n}"], "waits", id=f"r{n}") for n in range(5)]
        await until(lambda: len(done) == 5)
        for handle in handles:
            await handle.signal("go", "went")
        assert [await handle.result(SOON) for handle in handles] == ["went"] * 5
    assert undone == []


async def test_compensations_may_run_together_by_hand_and_be_of_any_kind(place):
    """Steps, child workflows and plain async functions; all at once; and only once."""
    both = asyncio.Event()

    @step
    async def meets(name: str) -> None:
        undone.append(name)
        if len(undone) == 2:
            both.set()
        await both.wait()

    async def plain(name: str) -> None:
        await meets(name)

    @workflow
    async def flow() -> list[str]:
        saga = Saga(Compensation.TOGETHER)
        saga.add(meets, "step")
        saga.add(plain, name="function")
        saga.add(undo_as_child, "undone")
        await saga.compensate()
        await saga.compensate()
        return sorted(undone)

    async with opened(place, flow) as engine:
        assert await (await engine.start(flow)).result(SOON) == ["function", "step", "undone by a child"]


def test_a_compensation_is_a_function_and_not_its_call():
    """A common slip gets a clear error."""
    with pytest.raises(TypeError, match="pass the function itself"):
        Saga().add("refund")  # type: ignore[arg-type]
