"""Children by handle: started, awaited, signalled, cancelled, and what becomes of them when their parent closes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from maestro_workflow_engine import (
    NonRetryableError,
    ParentClose,
    RunStatus,
    WorkflowCancelledError,
    WorkflowEndedError,
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowNotFoundError,
    cancel_run,
    continue_as_new,
    receive,
    run_child,
    signal_run,
    start_child,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("children")

SOON = timedelta(seconds=20)
cleaned: list[str] = []


@pytest.fixture(autouse=True)
def _fresh():
    cleaned.clear()


@step
async def clean(what: str) -> None:
    cleaned.append(what)


@step
async def fails() -> None:
    raise NonRetryableError("no")


@workflow
async def waits(name: str = "w") -> str:
    try:
        return f"{name} got {await receive('go')}"
    finally:
        await clean(name)


@workflow
async def quick(n: int) -> int:
    return n * n


@workflow
async def broken() -> None:
    raise ValueError("broken")


@workflow
async def holds(policy: str, end: str) -> str:
    """A parent with one child that waits, which ends in one way or another."""
    if policy != "none":
        await start_child(waits, "child", id="child", on_parent_close=ParentClose(policy))
    if end == "fail":
        await fails()
    if end == "return":
        return "returned"
    if end == "again":
        continue_as_new("none", "wait")
    return str(await receive("never"))


WORKFLOWS = [waits, quick, broken, holds]


async def types(engine: WorkflowEngine, run_id: str) -> list[str]:
    return [event.type for event in await engine.handle(run_id).history()]


async def ended(engine: WorkflowEngine, run_id: str) -> RunStatus:
    """Wait until a run has ended, in whatever way."""
    async for _ in engine.watch(run_id):
        pass
    return (await engine.handle(run_id).status()).status


async def waits_of(engine: WorkflowEngine, run_id: str) -> list[tuple[str, str | None]]:
    try:
        return [(wait.kind, wait.name) for wait in (await engine.handle(run_id).status()).waiting_for]
    except WorkflowNotFoundError:
        return []


async def reached(engine: WorkflowEngine, run_id: str, kind: str, name: str) -> None:
    """Wait until a run waits for something."""
    async with asyncio.timeout(20):
        while (kind, name) not in await waits_of(engine, run_id):
            await asyncio.sleep(0.01)


async def test_a_started_child_runs_beside_its_parent_and_its_result_can_be_awaited_often(place):
    """start_child returns a handle at once; result() and await give the same, as often as one asks."""

    @workflow
    async def parent() -> list[object]:
        child = await start_child(quick, 3)
        named = await start_child("quick", 4, id="four")
        return [child.id, await child.result(), await child, await child.result(), named.id, await named]

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        handle = await engine.start(parent, id="p")
        assert await handle.result(SOON) == ["p.1", 9, 9, 9, "four", 16]
        assert (await engine.handle("p.1").status()).parent_id == "p"
        assert (await types(engine, "p")).count("child_started") == 2


async def test_a_child_that_fails_and_one_whose_id_is_taken_are_errors_in_the_parent(place):
    """The failure is raised where the result is asked for; a child that could not be started, where it is started."""

    @workflow
    async def parent() -> list[str]:
        child = await start_child(broken)
        said = []
        for ask in (child.result, child.result, lambda: start_child(quick, 1, id="taken")):
            try:
                await ask()
            except WorkflowFailedError as error:
                said.append(f"{error.run_id}: {error.failure.type.rpartition(':')[2]}")
        return said

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        await engine.start(quick, 1, id="taken")
        handle = await engine.start(parent, id="p")
        assert await handle.result(SOON) == ["p.1: ValueError", "p.1: ValueError", "taken: WorkflowConflictError"]


async def test_who_waits_for_a_child_by_handle_may_be_cancelled_and_the_child_goes_on(place):
    """A timeout around result() leaves the child alone; one around run_child stops it."""

    @workflow
    async def parent() -> str:
        kept = await start_child(waits, "kept", id="kept")
        for wait in (kept.result, lambda: run_child(waits, "dropped", id="dropped")):
            try:
                async with asyncio.timeout(0.01):
                    await wait()
            except TimeoutError:
                pass
        await kept.signal("go", "on")
        return await kept

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        handle = await engine.start(parent, id="p")
        assert await handle.result(SOON) == "kept got on"
        assert await ended(engine, "dropped") is RunStatus.CANCELLED
        assert (await types(engine, "dropped")).count("cancel_requested") == 1


async def test_a_handle_cancels_its_child_and_a_child_that_has_ended_takes_no_signal(place):
    """cancel() asks the child, which may clean up; once more is harmless; a signal to an ended child is an error."""

    @workflow
    async def parent() -> list[str]:
        child = await start_child(waits, "child")
        await child.cancel("enough")
        said = []
        try:
            await child
        except WorkflowCancelledError as error:
            said.append(error.run_id)
        await child.cancel()
        try:
            await child.signal("go")
        except WorkflowEndedError as error:
            said.append(error.status)
        return said

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        handle = await engine.start(parent, id="p")
        assert await handle.result(SOON) == ["p.1", "cancelled"]
        requested = [e for e in await engine.handle("p.1").history() if e.type == "cancel_requested"]
        assert [event.data["reason"] for event in requested] == ["enough"]
    assert cleaned == ["child"]


@pytest.mark.parametrize("end", ["return", "fail", "cancel", "terminate", "again"])
@pytest.mark.parametrize(
    ("policy", "becomes"),
    [("cancel", RunStatus.CANCELLED), ("terminate", RunStatus.TERMINATED), ("abandon", RunStatus.RUNNING)],
)
async def test_what_becomes_of_a_child_follows_its_policy_however_its_parent_closes(
    place, policy: str, becomes: RunStatus, end: str
):
    """Every end of a parent closes its children: a cancelled one may clean up, a terminated one may not, an abandoned one goes on."""
    async with place.engine(workflows=WORKFLOWS) as engine:
        parent = await engine.start(holds, policy, end, id="p")
        if end in ("cancel", "terminate"):
            await reached(engine, "p", "signal", "never")
            await (parent.cancel() if end == "cancel" else parent.terminate())
        if end == "again":
            await reached(engine, "p", "signal", "never")
        else:
            await ended(engine, "p")
        if becomes is not RunStatus.RUNNING:
            assert await ended(engine, "child") is becomes
    async with place.engine(workflows=WORKFLOWS) as engine:  # and so it is after a restart
        child = engine.handle("child")
        assert (await child.status()).status is becomes
        assert (await types(engine, "child")).count("cancel_requested") == (policy == "cancel")
        if becomes is RunStatus.RUNNING:
            await child.signal("go", "alone")
            assert await child.result(SOON) == "child got alone"
    assert cleaned == ([] if policy == "terminate" else ["child"])


async def test_a_child_that_was_asked_to_stop_is_not_asked_again_when_its_parent_closes(place):
    """It is cleaning up, and a second request would cut that short; a restart in between does not forget it."""

    @workflow
    async def careful() -> str:
        try:
            return str(await receive("never"))
        except asyncio.CancelledError:
            return str(await receive("cleaned"))

    @workflow
    async def parent() -> None:
        child = await start_child(careful, id="child")
        await child.cancel()
        await receive("end")

    async with place.engine(workflows=[*WORKFLOWS, careful, parent]) as engine:
        await engine.start(parent, id="p")
        await reached(engine, "p", "signal", "end")
    async with place.engine(workflows=[*WORKFLOWS, careful, parent]) as engine:
        await engine.handle("p").signal("end")
        await engine.handle("p").result(SOON)
        await engine.handle("child").signal("cleaned", "up")
        assert await engine.handle("child").result(SOON) == "up"
        assert (await types(engine, "child")).count("cancel_requested") == 1


@pytest.mark.capability("terminating")
async def test_termination_goes_down_by_the_policy_of_each_child(place):
    """A terminated child's own children are closed by their own policies, all in one transaction."""

    @workflow
    async def middle() -> None:
        await start_child(waits, "asked", id="asked")
        await start_child(waits, "gone", id="gone", on_parent_close=ParentClose.TERMINATE)
        await start_child(waits, "free", id="free", on_parent_close=ParentClose.ABANDON)
        await receive("never")

    @workflow
    async def top() -> None:
        await start_child(middle, id="middle", on_parent_close=ParentClose.TERMINATE)
        await receive("end")

    async with place.engine(workflows=[*WORKFLOWS, top, middle]) as engine:
        handle = await engine.start(top, id="top")
        await _exists(engine, "free")
        await reached(engine, "middle", "signal", "never")
        await handle.signal("end")
        await handle.result(SOON)
        found = {run_id: await ended(engine, run_id) for run_id in ("middle", "asked", "gone")}
        assert list(found.values()) == [RunStatus.TERMINATED, RunStatus.CANCELLED, RunStatus.TERMINATED]
        assert (await engine.handle("free").status()).status is RunStatus.RUNNING
    assert cleaned == ["asked"]


async def _exists(engine: WorkflowEngine, run_id: str) -> None:
    async with asyncio.timeout(20):
        while run_id not in {run.id for run in (await engine.runs()).runs}:
            await asyncio.sleep(0.002)


@pytest.mark.capability("forking")
async def test_a_fork_starts_its_unfinished_children_anew_but_not_those_it_had_let_go(place):
    """The children of a run are its own: a fork has others, and what was fired and forgotten is not fired again."""

    @workflow
    async def parent() -> str:
        child = await start_child(waits, "child")
        await start_child(waits, "free", on_parent_close=ParentClose.ABANDON)
        await clean("parent")
        await receive("later")
        await child.signal("go", "there")
        return await child

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        await engine.start(parent, id="p")
        await reached(engine, "p", "signal", "later")
        fork = await engine.fork("p", step=3, id="f")
        await fork.signal("later")
        assert await fork.result(SOON) == "child got there"
        assert sorted(run.id for run in (await engine.runs()).runs) == ["f", "f.1", "p", "p.1", "p.2"]


@pytest.mark.capability("requests")
async def test_a_workflow_signals_and_cancels_any_run_once(place):
    """signal_run and cancel_run reach runs that are no children; both histories tell of it."""

    @workflow
    async def sender() -> None:
        await signal_run("a", "go", {"n": 1})
        await cancel_run("b", "no longer needed")

    async with place.engine(workflows=[*WORKFLOWS, sender]) as engine:
        a, b = await engine.start(waits, "a", id="a"), await engine.start(waits, "b", id="b")
        await (await engine.start(sender, id="s")).result(SOON)
        assert await a.result(SOON) == "a got {'n': 1}"
        with pytest.raises(WorkflowCancelledError):
            await b.result(SOON)
        assert await types(engine, "s") == ["run_started", "signal_sent", "cancel_sent", "run_completed"]


@pytest.mark.capability("requests")
async def test_a_request_to_a_run_that_is_not_there_or_has_ended_is_a_typed_error(place):
    """The workflow can catch it; nothing was sent."""

    @workflow
    async def sender() -> list[str]:
        said = []
        for request in (
            lambda: signal_run("nobody", "go"),
            lambda: cancel_run("nobody"),
            lambda: signal_run("over", "go"),
            lambda: cancel_run("over"),
        ):
            try:
                await request()
            except WorkflowNotFoundError as error:
                said.append(f"no {error.name}")
            except WorkflowEndedError as error:
                said.append(f"{error.run_id} {error.status}")
        return said

    async with place.engine(workflows=[*WORKFLOWS, sender]) as engine:
        await (await engine.start(quick, 1, id="over")).result(SOON)
        handle = await engine.start(sender, id="s")
        # A cluster tells no difference between the two, and takes the request to stop what has stopped already.
        over = ["over completed"] * 2 if place.runner == "embedded" else ["no over"]
        assert await handle.result(SOON) == ["no nobody", "no nobody", *over]


@pytest.mark.capability("redriving")
async def test_a_child_that_was_started_and_forgotten_can_be_retried_on_its_own(place):
    """Its parent has ended, so nobody else could."""
    down = True

    @step
    async def flaky() -> str:
        if down:
            raise OSError("down")
        return "up"

    @workflow
    async def child() -> str:
        return await flaky()

    @workflow
    async def parent() -> None:
        await start_child(child, id="child", on_parent_close=ParentClose.ABANDON)

    async with place.engine(workflows=[*WORKFLOWS, parent, child]) as engine:
        await (await engine.start(parent, id="p")).result(SOON)
        handle = engine.handle("child")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        down = False
        await handle.retry()
        assert await handle.result(SOON) == "up"


async def test_a_run_does_not_wait_for_a_child_whose_result_nobody_asks_for(place):
    """waiting_for tells what holds a run up, and that is not what it has let go."""

    @workflow
    async def parent() -> None:
        child = await start_child(waits, "child")
        await receive("ask")
        await child

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        handle = await engine.start(parent, id="p")
        await reached(engine, "p", "signal", "ask")
        assert [(w.kind, w.name) for w in (await handle.status()).waiting_for] == [("signal", "ask")]
        await handle.signal("ask")
        await reached(engine, "p", "child", "waits")


@pytest.mark.capability("requests")
async def test_a_run_may_signal_itself(place):
    """It gets the signal like any other, and its history tells that it sent and received it."""

    @workflow
    async def sender() -> object:
        await signal_run("s", "self", "hello")
        return await receive("self")

    async with place.engine(workflows=[*WORKFLOWS, sender]) as engine:
        assert await (await engine.start(sender, id="s")).result(SOON) == "hello"
        assert sorted(await types(engine, "s")) == ["run_completed", "run_started", "signal_received", "signal_sent"]


@pytest.mark.capability("requests")
async def test_a_run_may_ask_itself_to_stop(place):
    """The request is one like any other: the workflow sees it where it waits, and may clean up."""

    @workflow
    async def quits() -> None:
        try:
            await cancel_run("q", "that is enough")
            await receive("never")
        finally:
            await clean("q")

    async with place.engine(workflows=[*WORKFLOWS, quits]) as engine:
        handle = await engine.start(quits, id="q")
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
        assert cleaned == ["q"]
        assert {"cancel_sent", "cancel_requested"} <= set(await types(engine, "q"))


@pytest.mark.capability("redriving")
async def test_a_parent_that_retries_takes_its_closed_children_up_again(place):
    """When a parent failed, its waiting child was cancelled with it; redriving the parent lets both go on."""
    down = True

    @step
    async def flaky() -> str:
        if down:
            raise OSError("down")
        return "up"

    @workflow
    async def parent() -> list[str]:
        child = await start_child(waits, "child", id="child")
        late = await start_child(waits, "late", id="late", on_parent_close=ParentClose.ABANDON)
        up = await flaky()
        await child.signal("go", up)
        return [await child, await late]

    async with place.engine(workflows=[*WORKFLOWS, parent]) as engine:
        handle = await engine.start(parent, id="p")
        with pytest.raises(WorkflowFailedError):
            await handle.result(SOON)
        assert await ended(engine, "child") is RunStatus.CANCELLED
        await engine.handle("late").signal("go", "meanwhile")
        assert await ended(engine, "late") is RunStatus.COMPLETED  # and nobody was there to hear of it
        down = False
        await handle.retry()
        assert await handle.result(SOON) == ["child got up", "late got meanwhile"]
