"""How runs are started on a cluster, found there, and what it refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    Debounce,
    Queue,
    QueueNotFoundError,
    Rate,
    Retention,
    Singleton,
    StartOptions,
    UnsupportedByRunnerError,
    WorkflowEngine,
    between,
    receive,
    step,
    workflow,
)

SOON = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@step
async def act(what: str) -> str:
    if what == "break":
        raise ValueError("broken")
    return what


@workflow
async def order(what: str) -> str:
    if what == "wait":
        what = str(await receive("go"))
    return await act(what)


async def test_a_queue_without_limits_gives_priority_and_tenant(cluster: str):
    """The cluster takes its levels and keys; a queue that is not declared is refused."""
    async with WorkflowEngine(cluster, workflows=[order], queues=[Queue("mail")]) as engine:
        options = StartOptions(queue="mail", priority=0, tenant="t" * 200)
        assert await (await engine.start(order, "a", id="p", options=options)).result(SOON) == "a"
        with pytest.raises(QueueNotFoundError, match="declared are mail"):
            await engine.start(order, "a", options=StartOptions(queue="post"))
        found = await engine._runner.reading.description("p")
        priority = found.raw_info.priority
        assert (priority.priority_key, len(priority.fairness_key)) == (1, 64)


async def test_what_a_cluster_cannot_do_is_one_typed_error(cluster: str):
    """Nothing is ignored in silence: each names the feature and what to do instead."""
    with pytest.raises(UnsupportedByRunnerError, match="queue with limits"):
        WorkflowEngine(cluster, queues=[Queue("q", rate=Rate(1, SECOND))])
    with pytest.raises(UnsupportedByRunnerError, match="retention"):
        WorkflowEngine(cluster, retention=Retention(completed=SECOND))
    async with WorkflowEngine(cluster, workflows=[order], queues=[Queue("q")]) as engine:
        refused: list[Callable[[], Awaitable[object]]] = [
            lambda: engine.start(order, "a", options=StartOptions(debounce=Debounce("k", SECOND))),
            lambda: engine.start(order, "a", options=StartOptions(singleton=Singleton("k"))),
            lambda: engine.pause_workflow("order"),
            lambda: engine.resume_workflow("order"),
            lambda: engine.purge(older_than=SECOND),
            lambda: engine.queue("q").pause(),
            engine.queues,
            lambda: engine.runs(status="paused"),
            lambda: engine.runs(order="oldest"),
            lambda: engine.runs(attributes={"a": between(1, 2)}),
        ]
        for ask in refused:
            with pytest.raises(UnsupportedByRunnerError) as caught:
                await ask()
            assert (caught.value.code, caught.value.runner) == ("UNSUPPORTED_BY_RUNNER", "temporal")
        with pytest.raises(UnsupportedByRunnerError, match="limits"):
            engine.declare_queue(Queue("q", concurrency=1))
        assert await engine.count() == 0


async def test_payloads_are_encoded_before_they_reach_the_cluster(cluster: str):
    """With a codec the cluster's own history shows no value in clear."""
    codec = AesGcmCodec({"k1": b"k" * 32}, active="k1")
    async with WorkflowEngine(cluster, workflows=[order], codec=codec) as engine:
        handle = await engine.start(order, "wait", id="secret")
        await handle.signal("go", "a word nobody may read")
        assert await handle.result(SOON) == "a word nobody may read"
        kept = await engine._runner.reading._client.get_workflow_handle("secret").fetch_history()
        assert "nobody may read" not in kept.to_json()
        assert b"nobody may read" not in b"".join(event.SerializeToString() for event in kept.events)


async def test_large_payloads_go_to_the_store(cluster: str, tmp_path: Path):
    """The cluster keeps a reference; both ends of the run read the value."""
    options = {"payload_store": f"file://{tmp_path}/store", "payload_limit_bytes": 1000}
    async with WorkflowEngine(cluster, workflows=[order], **options) as engine:
        handle = await engine.start(order, "x" * 5000, id="large")
        assert await handle.result(SOON) == "x" * 5000
        assert (await handle.status()).input == "x" * 5000
        kept = await engine._runner.reading._client.get_workflow_handle("large").fetch_history()
        assert not any(b"x" * 100 in event.SerializeToString() for event in kept.events)
