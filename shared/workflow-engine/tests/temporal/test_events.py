"""Events on a cluster: refused, each with what to do instead. Schedules that need none are there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maestro_workflow_engine import HttpEventSink, UnsupportedByRunnerError, WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import DocumentSchedules, load_document

SOON = timedelta(seconds=30)
HEAD = "document: {dsl: '1.0.3', namespace: test, name: NAME, version: 1.0.0}\n"
LISTEN = load_document(HEAD.replace("NAME", "listen") + "do: [{w: {listen: {to: {any: []}}}}]")
EMIT = load_document(
    HEAD.replace("NAME", "emit")
    + "do: [{t: {try: [{e: {emit: {event: {with: {type: a}}}}}], catch: {do: [{s: {set: {why: '${ $error.detail }'}}}]}}}]"
)
CRON = load_document(HEAD.replace("NAME", "cron") + "schedule: {cron: '0 3 * * *'}\ndo: [{s: {set: {n: 1}}}]")


async def test_a_cluster_has_no_events(cluster: str) -> None:
    """Neither from outside nor from inside, nor a sink for them."""
    with pytest.raises(UnsupportedByRunnerError, match="event sink"):
        WorkflowEngine(cluster, event_sink=HttpEventSink("http://127.0.0.1:1"))
    async with WorkflowEngine(
        cluster, workflows=[LISTEN.as_workflow(), EMIT.as_workflow(lifecycle_events=True)]
    ) as engine:
        with pytest.raises(UnsupportedByRunnerError, match="send a signal"):
            await engine.publish_event({"id": "1", "source": "s", "type": "t"})
        with pytest.raises(WorkflowFailedError, match="send a signal"):
            await (await engine.start(LISTEN.qualified_name)).result(SOON)
        assert "send a signal" in (await (await engine.start(EMIT.qualified_name)).result(SOON))["why"]


async def test_a_document_is_scheduled_by_time(cluster: str) -> None:
    """Cron schedules are the cluster's own."""
    async with WorkflowEngine(cluster, workflows=[CRON.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(CRON)
        assert [each.id for each in await engine.schedules()] == ["test.cron.cron"]
        await DocumentSchedules(engine).remove("test", "cron")
        assert await engine.schedules() == []
