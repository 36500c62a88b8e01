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
    WorkflowEngine,
    WorkflowFailedError,
    WorkflowNotFoundError,
    continue_as_new,
    publish,
    receive,
    run_child,
    step,
    step_info,
    workflow,
)

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


async def test_models_dataclasses_and_structs_keep_their_types():
    """Input, step results and output arrive as what they are declared to be."""
    async with WorkflowEngine("sqlite://", workflows=[fulfil]) as engine:
        handle = await engine.start(fulfil, Order(id="o-1", items=["a", "b"]))
        assert await handle.result(SOON) == Receipt("o-1", [Parcel("a", 0.5), Parcel("b", 0.5)])


async def test_starting_by_name_takes_plain_json_and_checks_it():
    """Over HTTP there are only names and JSON; a wrong input is refused before anything starts."""
    async with WorkflowEngine("sqlite://", workflows=[fulfil]) as engine:
        handle = await engine.start("fulfil", {"id": "o-2", "items": []}, id="run-2")
        assert await handle.result(SOON) == {"order": "o-2", "parcels": []}
        with pytest.raises(PayloadError, match="items"):
            await engine.start("fulfil", {"id": "o-3"})
        with pytest.raises(WorkflowNotFoundError, match="registered: fulfil"):
            await engine.start("fulfill", {})
        with pytest.raises(PayloadError, match="no run id"):
            await engine.start("fulfil", {"id": "o", "items": []}, id="../etc")
        assert len((await engine.runs()).runs) == 1


async def test_the_same_id_is_the_same_run():
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

    async with WorkflowEngine("sqlite://", workflows=[once, another]) as engine:
        handles = await asyncio.gather(*(engine.start(once, n, id="order-17") for n in range(20)))
        assert {await handle.result(SOON) for handle in handles} == {0}
        assert await (await engine.start(once, 99, id="order-17")).result(SOON) == 0
        assert ran == [1]
        with pytest.raises(WorkflowConflictError):
            await engine.start(another, id="order-17")


async def test_a_failing_step_is_retried_and_its_attempts_are_kept():
    """Retries follow the policy, history shows each, and the idempotency key stays the same."""
    keys: list[str] = []

    @step(retry=QUICK)
    async def flaky() -> int:
        keys.append(step_info().idempotency_key)
        if step_info().attempt < 3:
            raise OSError("down")
        return step_info().attempt

    @workflow
    async def stubborn() -> int:
        return await flaky()

    async with WorkflowEngine("sqlite://", workflows=[stubborn]) as engine:
        handle = await engine.start(stubborn, id="r")
        assert await handle.result(SOON) == 3
        assert [event.type for event in await handle.history()] == [
            "run_started", "step_retrying", "step_retrying", "step_completed", "run_completed",
        ]  # fmt: skip
    assert keys == ["r/1"] * 3


async def test_a_step_that_fails_for_good_raises_its_own_exception():
    """After the last attempt the workflow sees the step's exception, and the run keeps type, message and traceback."""

    @step(retry=RetryPolicy(max_attempts=5, initial_interval=timedelta(milliseconds=1), non_retryable=(KeyError,)))
    async def hopeless() -> None:
        raise KeyError("gone")

    @workflow
    async def doomed() -> None:
        await hopeless()

    async with WorkflowEngine("sqlite://", workflows=[doomed]) as engine:
        handle = await engine.start(doomed)
        with pytest.raises(WorkflowFailedError) as caught:
            await handle.result(SOON)
        assert caught.value.failure.type == "builtins:KeyError"
        assert "hopeless" in (await handle.history())[1].data["failure"]["traceback"]
        detail = await handle.status()
        assert detail.status is RunStatus.FAILED
        assert detail.failure == caught.value.failure


async def test_an_exception_that_cannot_be_rebuilt_comes_as_its_record():
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

    async with WorkflowEngine("sqlite://", workflows=[catches]) as engine:
        assert await (await engine.start(catches)).result(SOON) == "Odd"


async def test_an_attempt_that_takes_too_long_is_stopped():
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

    async with WorkflowEngine("sqlite://", workflows=[waits]) as engine:
        assert await (await engine.start(waits)).result(SOON) == [
            "StepTimeoutError: step 'slow' took longer than 0.02 s",
            "TimeoutError: upstream",
        ]
    assert stopped.is_set()
    assert issubclass(StepTimeoutError, TimeoutError)


async def test_plain_functions_run_in_threads():
    """A step that is no coroutine function does not hold up the loop."""

    @step
    def blocking() -> bool:
        return threading.current_thread() is not threading.main_thread()

    @workflow
    async def uses() -> bool:
        return await blocking()

    async with WorkflowEngine("sqlite://", workflows=[uses]) as engine:
        assert await (await engine.start(uses)).result(SOON) is True


async def test_results_without_a_json_form_fail_the_step_at_once():
    """A value that cannot be kept is an error with a name, not a silent loss, and is not retried."""

    @step(retry=QUICK)
    async def leaks() -> object:
        return threading.Lock()

    @workflow
    async def wants() -> None:
        await leaks()

    async with WorkflowEngine("sqlite://", workflows=[wants]) as engine:
        handle = await engine.start(wants)
        with pytest.raises(WorkflowFailedError, match="cannot be kept in the journal"):
            await handle.result(SOON)
        assert [event.type for event in await handle.history()] == ["run_started", "step_failed", "run_failed"]


async def test_signals_queries_and_what_a_run_waits_for():
    """A waiting run says what it waits for, answers queries, and goes on when the signal comes."""

    @workflow
    async def asks() -> dict[str, object]:
        publish("stage", "waiting")
        answer = await receive("approval", timeout=timedelta(days=3))
        publish("stage", "done")
        return {"answer": answer}

    async with WorkflowEngine("sqlite://", workflows=[asks]) as engine:
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


async def test_cancellation_reaches_steps_and_children_and_leaves_time_to_clean_up():
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

    async with WorkflowEngine("sqlite://", workflows=[parent, child]) as engine:
        handle = await engine.start(parent, id="p")
        await handle.cancel("no longer wanted")
        with pytest.raises(WorkflowCancelledError):
            await handle.result(SOON)
        with pytest.raises(WorkflowCancelledError):
            await engine.handle("p.1").result(SOON)
        await handle.cancel()  # once more changes nothing
        assert (await handle.status()).status is RunStatus.CANCELLED
    assert sorted(cleaned) == ["child", "parent"]


async def test_children_by_call_and_by_name():
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
        try:
            await run_child("cube", 1)
        except WorkflowFailedError as error:
            missing = error.failure.type
        return {"sum": sum(by_call), "named": by_name, "failed": failed, "missing": missing.rpartition(":")[2]}

    async with WorkflowEngine("sqlite://", workflows=[sums, square]) as engine:
        handle = await engine.start(sums, 4, id="s")
        assert await handle.result(SOON) == {
            "sum": 14, "named": 81, "failed": "negative", "missing": "WorkflowNotFoundError",
        }  # fmt: skip
        children = (await engine.runs(parent="s")).runs
        assert len(children) == 6
        assert {run.parent_id for run in children} == {"s"}


async def test_continue_as_new_empties_the_history_and_keeps_waiting_signals():
    """A workflow may run for ever under one id with a short history, and loses no signal between its passes."""

    @workflow
    async def counter(total: int = 0) -> int:
        for _ in range(10):
            total += int(await receive("add"))
            if total >= 45:
                return total
        continue_as_new(total)

    async with WorkflowEngine("sqlite://", workflows=[counter]) as engine:
        handle = await engine.start(counter, 0, id="c")
        for _ in range(45):
            await handle.signal("add", 1)
        assert await handle.result(SOON) == 45
        assert len(await handle.history()) < 20


async def test_listing_filters_and_pages():
    """Runs come newest first, by status and workflow, a page at a time, each exactly once."""

    @workflow
    async def quick() -> None:
        return None

    @workflow
    async def waits() -> None:
        await receive("go")

    async with WorkflowEngine("sqlite://", workflows=[quick, waits]) as engine:
        for number in range(7):
            await (await engine.start(quick, id=f"q{number}")).result(SOON)
        await engine.start(waits, id="w")
        seen, cursor = [], None
        while True:
            page = await engine.runs(workflow="quick", limit=3, cursor=cursor)
            seen += [run.id for run in page.runs]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == [f"q{number}" for number in reversed(range(7))]
        assert [run.id for run in (await engine.runs(status="running")).runs] == ["w"]
        for wrong in ({"limit": 0}, {"cursor": "x"}, {"status": "asleep"}):
            with pytest.raises(ValueError, match=r"limit|cursor|asleep"):
                await engine.runs(**wrong)


async def test_watching_follows_a_run_to_its_end_and_resumes():
    """A follower gets every event once, from any position."""

    @workflow
    async def talks() -> None:
        for _ in range(3):
            await receive("next")

    async with WorkflowEngine("sqlite://", workflows=[talks]) as engine:
        handle = await engine.start(talks)

        async def follow(after: int) -> list[str]:
            return [event.type async for event in engine.watch(handle.id, after=after)]

        whole, tail = asyncio.create_task(follow(-1)), asyncio.create_task(follow(1))
        for _ in range(3):
            await handle.signal("next")
        assert await whole == ["run_started", *["signal_received"] * 3, "run_completed"]
        assert await tail == ["signal_received"] * 2 + ["run_completed"]


async def test_only_so_many_runs_have_steps_running_at_once():
    """max_concurrent_workflows bounds runs at work; runs that wait for children take no slot."""
    running = most = 0

    @step
    async def busy() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1

    @workflow
    async def child() -> None:
        await busy()

    @workflow
    async def parent() -> None:
        await asyncio.gather(*(child() for _ in range(5)))

    async with WorkflowEngine("sqlite://", workflows=[parent, child], max_concurrent_workflows=2) as engine:
        handles = [await engine.start(parent) for _ in range(4)]
        for handle in handles:
            await handle.result(SOON)
    assert most == 2


async def test_several_versions_live_side_by_side():
    """A start takes the version registered last, or the one it names."""

    @workflow(name="flow", version="1.0.0")
    async def first() -> str:
        return "one"

    @workflow(name="flow", version="2.0.0")
    async def second() -> str:
        return "two"

    async with WorkflowEngine("sqlite://", workflows=[first]) as engine:
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


def test_what_cannot_be_a_workflow_or_step_is_refused_where_it_is_declared():
    """Declaration errors come at import, not at run time."""
    with pytest.raises(WorkflowDefinitionError, match="async def"):

        @workflow  # type: ignore[type-var]
        def plain() -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="names each of its parameters"):

        @step
        async def variadic(*items: str) -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="no workflow name"):

        @workflow(name="has space")
        async def named() -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="names no runner"):
        WorkflowEngine("postgres://somewhere/db")
    with pytest.raises(ValueError, match="max_attempts"):
        RetryPolicy(max_attempts=-1)
