"""What becomes of a start whose id is taken."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    Conflict,
    PayloadKeyError,
    PayloadUnreadableError,
    Queue,
    Reuse,
    RunStatus,
    StartOptions,
    WorkflowConflictError,
    WorkflowEngine,
    info,
    publish,
    receive,
    step,
    step_info,
    workflow,
)

SECOND = timedelta(seconds=1)
ANEW = StartOptions(if_ended=Reuse.START_ANEW)
keys_seen: list[str] = []


@step
async def act(what: str) -> str:
    keys_seen.append(step_info().idempotency_key)
    if what == "break":
        raise ValueError("broken")
    return what


@step
async def hangs() -> None:
    keys_seen.append(step_info().idempotency_key)
    await asyncio.sleep(3600)


@workflow
async def order(what: str) -> str:
    publish("id", info().run_id)
    return await act(what)


@workflow
async def parent(what: str) -> str:
    return await order(what)


@workflow
async def waits(what: str = "") -> str:
    try:
        return f"{what} {await receive('go')}"
    except asyncio.CancelledError:
        await asyncio.sleep(5)
        raise


@workflow
async def parent_of_waiting() -> str:
    return await waits("")


@workflow
async def stuck() -> None:
    await hangs()


def engine(**options: Any) -> Any:
    return WorkflowEngine.test(
        [order, waits, stuck, parent, parent_of_waiting], queues=[Queue("q", concurrency=1)], **options
    )


async def test_a_run_started_anew_leaves_the_old_one_readable():
    """Each run that had the id is there with its result, its history and what it published; the id means the newest."""
    async with engine() as eng:
        for number in range(4):
            handle = await eng.start(order, str(number), id="order-17", options=ANEW)
            assert await handle.result() == str(number)
        assert [run.id for run in (await eng.runs()).runs] == ["order-17", "order-17~3", "order-17~2", "order-17~1"]
        for number in range(3):
            old = eng.handle(f"order-17~{number + 1}")
            assert await old.result() == str(number)
            assert await old.query("id") == "order-17"
            assert (await old.status()).ran_as == "order-17"
            assert (await old.history())[0].data["input"] == str(number)
        assert (await eng.handle("order-17").status()).ran_as is None


async def test_idempotency_keys_never_repeat():
    """Also those of steps that were running when the old run was ended, and are in no history."""
    keys_seen.clear()
    async with engine() as eng:
        for _ in range(3):
            await eng.start(stuck, id="s", options=StartOptions(if_running=Conflict.TERMINATE_EXISTING))
            while not any(event.type == "run_started" for event in await eng.handle("s").history()):
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
        await eng.handle("s").terminate()
        assert (await eng.handle("s~2").status()).status is RunStatus.TERMINATED
    assert len(keys_seen) == 3
    assert len(set(keys_seen)) == 3


async def test_only_a_run_that_failed_is_started_anew():
    """START_ANEW_IF_FAILED returns a run that completed, and replaces one that did not."""
    options = StartOptions(if_ended=Reuse.START_ANEW_IF_FAILED)
    async with engine() as eng:
        failed = await eng.start(order, "break", id="o")
        await eng.time.sleep(SECOND)
        assert (await failed.status()).status is RunStatus.FAILED
        assert await (await eng.start(order, "fine", id="o", options=options)).result() == "fine"
        assert await (await eng.start(order, "again", id="o", options=options)).result() == "fine"
        with pytest.raises(WorkflowConflictError, match="fork it instead"):
            await eng.handle("o~1").retry()
        fork = await eng.fork("o~1", step=1)
        await eng.time.sleep(SECOND)
        assert (await fork.status()).status is RunStatus.FAILED


async def test_an_open_run_can_be_cancelled_first():
    """It cleans up undisturbed by further starts; then the new one begins, and signals to the id are its."""
    options = StartOptions(if_running=Conflict.CANCEL_EXISTING)
    async with engine() as eng:
        await eng.start(waits, "old", id="w")
        await eng.time.sleep(SECOND)
        started = asyncio.create_task(eng.start(waits, "new", id="w", options=options))
        await eng.time.sleep(2 * SECOND)
        assert not started.done()
        await eng.time.sleep(4 * SECOND)
        await started
        await eng.handle("w").signal("go", "now")
        assert await eng.handle("w").result() == "new now"
        old = await eng.handle("w~1").history()
        assert (await eng.handle("w~1").status()).status is RunStatus.CANCELLED
        assert [event.type for event in old].count("signal_received") == 0


async def test_many_starts_anew_in_one_turn():
    """Twenty at once: each id is there once, every start is acknowledged, and one run has the id."""
    async with engine() as eng:
        await (await eng.start(order, "0", id="o")).result()
        await asyncio.gather(*(eng.start(order, str(n), id="o", options=ANEW) for n in range(1, 21)))
        ids = [run.id for run in (await eng.runs()).runs]
        assert len(ids) == len(set(ids))
        assert "o" in ids
        assert await eng.handle("o~1").result() == "0"


async def test_a_run_started_anew_may_wait_in_a_queue():
    """The id moves when the new run is kept, not when it begins."""
    async with engine() as eng:
        blocker = await eng.start(waits, options=StartOptions(queue="q"))
        await (await eng.start(order, "0", id="o")).result()
        again = await eng.start(order, "1", id="o", options=StartOptions(queue="q", if_ended=Reuse.START_ANEW))
        assert (await again.status()).status is RunStatus.QUEUED
        assert await eng.handle("o~1").result() == "0"
        await blocker.signal("go")
        assert await again.result() == "1"


async def test_the_id_of_a_child_is_its_parents():
    """A child is not displaced: its parent looks for it under its id."""
    async with engine() as eng:
        handle = await eng.start(parent, "1", id="p")
        await handle.result()
        [child] = (await eng.runs(parent="p")).runs
        with pytest.raises(WorkflowConflictError, match="child"):
            await eng.start(order, "2", id=child.id, options=ANEW)


async def test_a_child_at_work_is_not_stopped_for_another_run():
    """The start is refused before anything is done to it."""
    async with engine() as eng:
        await eng.start(parent_of_waiting, id="p")
        await eng.time.sleep(SECOND)
        [child] = (await eng.runs(parent="p")).runs
        for policy in (Conflict.CANCEL_EXISTING, Conflict.TERMINATE_EXISTING):
            with pytest.raises(WorkflowConflictError, match="child"):
                await eng.start(waits, id=child.id, options=StartOptions(if_running=policy))
        await eng.time.sleep(10 * SECOND)
        assert (await eng.handle(child.id).status()).status is RunStatus.RUNNING


async def test_payloads_are_sealed_anew_for_the_new_id(tmp_path: Path):
    """Encrypted payloads are bound to their run's id; a displaced run is readable after a restart, in and out of the store."""
    codec = AesGcmCodec(keys={"k": bytes(32)}, active="k")
    url, large = f"sqlite:///{tmp_path}/journal.db", "x" * 20_000
    options: dict[str, Any] = {
        "url": url,
        "codec": codec,
        "payload_store": f"file://{tmp_path}/store",
        "payload_limit_bytes": 4096,
    }
    (tmp_path / "store").mkdir()
    async with engine(**options) as eng:
        for what in (large, "second"):
            assert await (await eng.start(order, what, id="o", options=ANEW)).result() == what
    async with engine(**options) as eng:
        assert await eng.handle("o~1").result() == large
        assert await eng.handle("o").result() == "second"
        assert (await eng.handle("o~1").status()).input == large
    async with engine(url=url, codec=AesGcmCodec(keys={"n": bytes(32)}, active="n")) as eng:
        with pytest.raises(PayloadUnreadableError) as caught:
            await eng.start(order, "third", id="o", options=ANEW)
        assert isinstance(caught.value, PayloadKeyError)
        assert [run.id for run in (await eng.runs()).runs] == ["o", "o~1"]


async def test_a_start_that_the_disk_refuses_leaves_the_id_where_it_was(tmp_path: Path):
    """Renaming and starting are one transaction."""
    from maestro_workflow_engine import JournalWriteError

    async with engine(url=f"sqlite:///{tmp_path}/journal.db") as eng:
        assert await (await eng.start(order, "0", id="o")).result() == "0"
        connection = eng._runner._opened.journal._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalWriteError):
            await eng.start(order, "x" * 200_000, id="o", options=ANEW)
        assert await eng.handle("o").result() == "0"
        connection.execute("PRAGMA max_page_count = 1000000")
        assert await (await eng.start(order, "1", id="o", options=ANEW)).result() == "1"
        assert await eng.handle("o~1").result() == "0"


async def test_an_id_that_a_displaced_run_will_have_is_not_given_out():
    """Somebody starts `o~1` while `o` makes room: neither is lost, and each is there once."""
    async with engine() as eng:
        await (await eng.start(order, "0", id="o")).result()
        await asyncio.gather(
            eng.start(order, "1", id="o", options=ANEW), eng.start(order, "x", id="o~1"), return_exceptions=True
        )
        await eng.handle("o").result()
        await asyncio.gather(
            eng.start(order, "y", id="o~2"), eng.start(order, "2", id="o", options=ANEW), return_exceptions=True
        )
        await eng.time.sleep(SECOND)
        ids = [run.id for run in (await eng.runs()).runs]
        assert len(ids) == len(set(ids))
        outputs = [await eng.handle(run_id).result() for run_id in ids]
        assert {"0", "1", "2"} <= set(outputs)
