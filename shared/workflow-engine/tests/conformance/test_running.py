from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest
from pydantic import BaseModel

from maestro_workflow_engine import (
    PayloadError,
    QueryNotFoundError,
    RetryPolicy,
    RunStatus,
    StepFailedError,
    StepTimeoutError,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowDefinitionError,
    WorkflowEndedError,
    WorkflowFailedError,
    WorkflowNotFoundError,
    continue_as_new,
    publish,
    receive,
    run_child,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("steps")

SOON = timedelta(seconds=20)
QUICK = RetryPolicy(max_attempts=4, initial_interval=timedelta(milliseconds=1))


class Order(BaseModel):
    id: str
    items: list[str]


@dataclass
class Parcel:
    item: str
    weight: float


class Receipt(msgspec.Struct):
    order: str
    parcels: list[Parcel]


@step
async def pick(item: str) -> Parcel:
    return Parcel(item, 0.5)


@workflow
async def fulfil(order: Order) -> Receipt:
    parcels = await asyncio.gather(*(pick(item) for item in order.items))
    return Receipt(order.id, list(parcels))


@pytest.mark.capability("types")
async def test_models_dataclasses_and_structs_keep_their_types(place):
    """Input, step results and output arrive as what they are declared to be."""
    async with place.engine(workflows=[fulfil]) as engine:
        handle = await engine.start(fulfil, Order(id="o-1", items=["a", "b"]))
        assert await handle.result(SOON) == Receipt("o-1", [Parcel("a", 0.5), Parcel("b", 0.5)])


@pytest.mark.capability("types")
async def test_starting_by_name_takes_plain_json_and_checks_it(place):
    """Over HTTP there are only names and JSON; a wrong input is refused before anything starts."""
    async with place.engine(workflows=[fulfil]) as engine:
        handle = await engine.start("fulfil", {"id": "o-2", "items": []}, id="run-2")
        assert await handle.result(SOON) == {"order": "o-2", "parcels": []}
        with pytest.raises(PayloadError, match="items"):
            await engine.start("fulfil", {"id": "o-3"})
        with pytest.raises(WorkflowNotFoundError, match="registered: fulfil"):
            await engine.start("fulfill", {})
        with pytest.raises(PayloadError, match="no run id"):
            await engine.start("fulfil", {"id": "o", "items": []}, id="../etc")

        async def is_listed() -> bool:
            return await engine.count() > 0

        await place.until(is_listed)
        assert len((await engine.runs()).runs) == 1


@pytest.mark.capability("ids")
async def test_the_same_id_is_the_same_run(place):
    """However often and however concurrently a run is started by one id, there is one run."""
    ran: list[int] = []

    @step
    async def mark() -> None:
        ran.append(1)

    @workflow
    async def once(n: int) -> int:
        await mark()
        return n

    @workflow
    async def another() -> None:
        await mark()

    async with place.engine(workflows=[once, another]) as engine:
        handles = await asyncio.gather(*(engine.start(once, n, id="order-17") for n in range(20)))
        (n,) = {await handle.result(SOON) for handle in handles}
        assert await (await engine.start(once, 99, id="order-17")).result(SOON) == n
        assert ran == [1]
        with pytest.raises(WorkflowConflictError):
            await engine.start(another, id="order-17")


async def test_a_step_that_fails_for_good_raises_its_own_exception(place):
    """After the last attempt the workflow sees the step's exception, and the run keeps type, message and traceback."""

    @step(retry=RetryPolicy(max_attempts=5, initial_interval=timedelta(milliseconds=1), non_retryable=(KeyError,)))
    async def hopeless() -> None:
        raise KeyError("gone")

    @workflow
    async def doomed() -> None:
        await hopeless()

    async with place.engine(workflows=[doomed]) as engine:
        handle = await engine.start(doomed)
        with pytest.raises(WorkflowFailedError) as caught:
            await handle.result(SOON)
        assert caught.value.failure.type == "builtins:KeyError"
        assert "hopeless" in (await handle.history())[1].data["failure"]["traceback"]
        detail = await handle.status()
        assert detail.status is RunStatus.FAILED
        assert detail.failure == caught.value.failure


async def test_an_exception_that_cannot_be_rebuilt_comes_as_its_record(place):
    """An exception whose arguments are no JSON still says what it was."""

    class Odd(Exception):
        def __init__(self) -> None:
            super().__init__(object())

    @step
    async def odd() -> None:
        raise Odd

    @workflow
    async def catches() -> str:
        try:
            await odd()
        except StepFailedError as error:
            return error.failure.type.rpartition(".")[2]
        return "nothing"

    async with place.engine(workflows=[catches]) as engine:
        assert await (await engine.start(catches)).result(SOON) == "Odd"


@pytest.mark.capability("timeouts")
async def test_an_attempt_that_takes_too_long_is_stopped(place):
    """A step's timeout holds for each attempt, and the step's own TimeoutError is not mistaken for it."""
    stopped = asyncio.Event()

    @step(timeout=timedelta(milliseconds=20))
    async def slow() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()

    @step(timeout=timedelta(minutes=1))
    async def own() -> None:
        raise TimeoutError("upstream")

    @workflow
    async def waits() -> list[str]:
        seen = []
        for call in (slow, own):
            try:
                await call()
            except TimeoutError as error:
                seen.append(f"{type(error).__name__}: {error}")
        return seen

    async with place.engine(workflows=[waits]) as engine:
        assert await (await engine.start(waits)).result(SOON) == [
            "StepTimeoutError: step 'slow' took longer than 0.02 s",
            "TimeoutError: upstream",
        ]
    assert stopped.is_set()
    assert issubclass(StepTimeoutError, TimeoutError)


async def test_plain_functions_run_in_threads(place):
    """A step that is no coroutine function does not hold up the loop."""

    @step
    def blocking() -> bool:
        return threading.current_thread() is not threading.main_thread()

    @workflow
    async def uses() -> bool:
        return await blocking()

    async with place.engine(workflows=[uses]) as engine:
        assert await (await engine.start(uses)).result(SOON) is True


async def test_results_without_a_json_form_fail_the_step_at_once(place):
    """A value that cannot be kept is an error with a name, not a silent loss, and is not retried."""

    @step(retry=QUICK)
    async def leaks() -> object:
        return threading.Lock()

    @workflow
    async def wants() -> None:
        await leaks()

    async with place.engine(workflows=[wants]) as engine:
        handle = await engine.start(wants)
        with pytest.raises(WorkflowFailedError, match="cannot be kept in the journal"):
            await handle.result(SOON)
        assert [event.type for event in await handle.history()] == ["run_started", "step_failed", "run_failed"]


@pytest.mark.capability("signals")
async def test_signals_queries_and_what_a_run_waits_for(place):
    """A waiting run says what it waits for, answers queries, and goes on when the signal comes."""

    @workflow
    async def asks() -> dict[str, object]:
        publish("stage", "waiting")
        answer = await receive("approval", timeout=timedelta(days=3))
        publish("stage", "done")
        return {"answer": answer}

    async with place.engine(workflows=[asks]) as engine:
        handle = await engine.start(asks)
        assert {wait.kind for wait in (await handle.status()).waiting_for} == {"signal", "timer"}
        assert await handle.query("stage") == "waiting"
        with pytest.raises(QueryNotFoundError, match="published: stage"):
            await handle.query("nothing")
        await handle.signal("approval", {"by": "operations"})
        assert await handle.result(SOON) == {"answer": {"by": "operations"}}
        assert await handle.query("stage") == "done"
        with pytest.raises(WorkflowEndedError):
            await handle.signal("approval", {})
        with pytest.raises(WorkflowNotFoundError):
            await engine.handle("nobody").signal("approval", {})


@pytest.mark.capability("cancellation")
async def test_cancellation_reaches_steps_and_children_and_leaves_time_to_clean_up(place):
    """A cancelled run stops its step and its child, cleans up with a step, and says that it was cancelled."""
    cleaned: list[str] = []

    @step
    async def clean(what: str) -> None:
        cleaned.append(what)

    @step
    async def endless() -> None:
        await asyncio.sleep(3600)

    @workflow
    async def child() -> None:
        try:
            await endless()
        finally:
            await clean("child")

    @workflow
    async def parent() -> None:
        try:
            await asyncio.gather(child(), endless())
        finally:
            await clean("parent")

    async with place.engine(workflows=[parent, child]) as engine:
        handle = await engine.start(parent, id="p")
        await place.begun(engine, "p.1")
        await handle.cancel("no longer wanted")
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
        with pytest.raises(WorkflowCancelledError):
            await engine.handle("p.1").result(SOON)
        await handle.cancel()  # once more changes nothing
        assert (await handle.status()).status is RunStatus.CANCELLED
    assert sorted(cleaned) == ["child", "parent"]


@pytest.mark.capability("children")
async def test_children_by_call_and_by_name(place):
    """A child is a run of its own; its failure reaches the parent as WorkflowFailedError."""

    @workflow
    async def square(n: int) -> int:
        if n < 0:
            raise ValueError("negative")
        return n * n

    @workflow
    async def sums(upto: int) -> dict[str, object]:
        by_call = await asyncio.gather(*(square(n) for n in range(upto)))
        by_name = await run_child("square", 9, id="named")
        try:
            await square(-1)
        except WorkflowFailedError as error:
            failed = error.failure.message
        return {"sum": sum(by_call), "named": by_name, "failed": failed}

    async with place.engine(workflows=[sums, square]) as engine:
        handle = await engine.start(sums, 4, id="s")
        assert await handle.result(SOON) == {"sum": 14, "named": 81, "failed": "negative"}

        async def are_listed() -> bool:
            return await engine.count(parent="s") == 6

        await place.until(are_listed)
        children = (await engine.runs(parent="s")).runs
        assert {run.parent_id for run in children} == {"s"}


@pytest.mark.capability("continuing")
async def test_continue_as_new_empties_the_history_and_keeps_waiting_signals(place):
    """A workflow may run for ever under one id with a short history, and loses no signal between its passes."""

    @workflow
    async def counter(total: int = 0) -> int:
        for _ in range(10):
            total += int(await receive("add"))
            if total >= 45:
                return total
        continue_as_new(total)

    async with place.engine(workflows=[counter]) as engine:
        handle = await engine.start(counter, 0, id="c")
        for _ in range(45):
            await handle.signal("add", 1)
        assert await handle.result(SOON) == 45
        assert len(await handle.history()) < 20


@pytest.mark.capability("history")
async def test_watching_follows_a_run_to_its_end_and_resumes(place):
    """A follower gets every event once, from any position."""

    @workflow
    async def talks() -> None:
        for _ in range(3):
            await receive("next")

    async with place.engine(workflows=[talks]) as engine:
        handle = await engine.start(talks)

        async def follow(after: int) -> list[str]:
            return [event.type async for event in engine.watch(handle.id, after=after)]

        whole = asyncio.create_task(follow(-1))
        await handle.signal("next")

        async def has_arrived() -> bool:
            return len(await handle.history()) == 2

        await place.until(has_arrived)
        first = (await handle.history())[1].position
        tail = asyncio.create_task(follow(first))
        for _ in range(2):
            await handle.signal("next")
        assert await whole == ["run_started", *["signal_received"] * 3, "run_completed"]
        assert await tail == ["signal_received"] * 2 + ["run_completed"]


@pytest.mark.capability("versions")
async def test_several_versions_live_side_by_side(place):
    """A start takes the version registered last, or the one it names."""

    @workflow(name="flow", version="1.0.0")
    async def first() -> str:
        return "one"

    @workflow(name="flow", version="2.0.0")
    async def second() -> str:
        return "two"

    async with place.engine(workflows=[first]) as engine:
        engine.register(second)
        engine.register(second)
        assert await (await engine.start("flow")).result(SOON) == "two"
        assert await (await engine.start("flow:1.0.0")).result(SOON) == "one"
        with pytest.raises(WorkflowNotFoundError, match="no version 3"):
            await engine.start("flow:3.0.0")

        @workflow(name="flow", version="2.0.0")
        async def impostor() -> str:
            return "other"

        with pytest.raises(WorkflowDefinitionError, match="another version"):
            engine.register(impostor)
