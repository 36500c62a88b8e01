import asyncio
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    RunStatus,
    WorkflowEngine,
    WorkflowNotFoundError,
    continue_as_new,
    receive,
    run_child,
    workflow,
)


@workflow
async def keep_asking(question: str) -> list[str]:
    answer = await receive("answer")
    if answer == "again":
        await continue_as_new(f"{question}?")
    return [question, answer, await run_child(keep_asking, "child", id="the-child")]


async def test_a_run_in_memory_shows_what_its_journal_says(tmp_path: Path):
    """The status of a run at work, of its child and of a later pass is the same from memory as from the journal alone."""
    url = f"sqlite:///{tmp_path}/runs.db"
    async with WorkflowEngine(url, workflows=[keep_asking]) as engine:
        first = await engine.start(keep_asking, "who", id="first")
        paused = await engine.start(keep_asking, "what", id="paused")
        await paused.pause("for a while")
        parent = await engine.start(keep_asking, "how", id="parent")
        await parent.signal("answer", "so")
        again = await engine.start(keep_asking, "why", id="again")
        await again.signal("answer", "again")
        async with asyncio.timeout(20):
            while not (await engine.runs(parent="parent")).runs:
                await asyncio.sleep(0.01)
            while (await again.status()).input != "why?":
                await asyncio.sleep(0.01)
            child = engine.handle("the-child")
            while not (await child.status()).waiting_for or not (await again.status()).waiting_for:
                await asyncio.sleep(0.01)
        before = [await handle.status() for handle in (first, paused, parent, again, child)]
        assert [detail.status for detail in before].count(RunStatus.PAUSED) == 1
    async with WorkflowEngine(url, workflows=[keep_asking]) as engine:
        after = [await engine.handle(detail.id).status() for detail in before]
    assert after == before
    assert [(detail.input, detail.parent_id) for detail in before] == [
        ("who", None),
        ("what", None),
        ("how", None),
        ("why?", None),
        ("child", "parent"),
    ]


async def test_a_run_that_is_not_on_disk_yet_is_not_shown(tmp_path: Path):
    """Between the call and the commit there is no run that anybody could see."""
    async with WorkflowEngine(f"sqlite:///{tmp_path}/runs.db", workflows=[keep_asking]) as engine:
        starting = asyncio.ensure_future(engine.start(keep_asking, "who", id="r"))
        await asyncio.sleep(0)
        with pytest.raises(WorkflowNotFoundError):
            await engine._runner.reading.detail("r")
        assert (await (await starting).status()).input == "who"
