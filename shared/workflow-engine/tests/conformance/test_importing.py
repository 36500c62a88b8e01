"""Runs that leave one engine as JSON and go on in another."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    HistoryDocument,
    HistoryFormatError,
    PayloadError,
    RunStatus,
    WorkflowConflictError,
    WorkflowEngine,
    WorkflowNotFoundError,
    continue_as_new,
    receive,
    replay,
    step,
    workflow,
)

pytestmark = pytest.mark.capability("importing")

SOON = timedelta(seconds=30)
ran: list[str] = []


@pytest.fixture(autouse=True)
def _fresh():
    ran.clear()


@step
async def note(text: str) -> str:
    ran.append(text)
    return text


@workflow
async def talk(name: str) -> list[str]:
    first = await note(f"{name}-first")
    answer = await receive("answer")
    await asyncio.sleep(0.01)
    return [first, answer, await note(f"{name}-last")]


@workflow
async def again(left: int) -> str:
    await note(f"again-{left}")
    if left:
        continue_as_new(left - 1)
    return str(await receive("answer"))


WORKFLOWS = [talk, again]


async def exported(definition: Any, argument: Any, *, is_paused: bool = False) -> HistoryDocument:
    """Return a run that waits for its answer in a journal."""
    async with WorkflowEngine("sqlite://", workflows=WORKFLOWS) as engine:
        handle = await engine.start(definition, argument, id="moved")
        async with asyncio.timeout(20):
            while [wait.name for wait in (await handle.status()).waiting_for] != ["answer"]:
                await asyncio.sleep(0.001)
        if is_paused:
            await handle.pause("lunch")
        return await handle.export_history()


async def test_an_unfinished_run_goes_on_in_another_engine(place):
    """What was done before is not done again; signals, timers and further steps work as ever, after a restart too."""
    text = json.dumps(await exported(talk, "x"), indent=4)
    async with place.engine(workflows=WORKFLOWS) as engine:
        await engine.import_run(text)
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = engine.handle("moved")
        await place.begun(engine, "moved")
        assert (await handle.status()).waiting_for[0].name == "answer"
        await handle.signal("answer", "yes")
        assert await handle.result(SOON) == ["x-first", "yes", "x-last"]
        assert replay(await handle.export_history(), talk).status is RunStatus.COMPLETED
    assert ran == ["x-first", "x-last"]


async def test_a_paused_run_stays_paused_until_it_is_resumed(place):
    """A signal is kept meanwhile."""
    document = await exported(talk, "x", is_paused=True)
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = await engine.import_run(document)

        async def is_paused() -> bool:
            return (await handle.status()).status is RunStatus.PAUSED

        await place.until(is_paused)
        await handle.signal("answer", "back")
        assert ran == ["x-first"]
        await handle.resume()
        assert (await handle.result(SOON))[1] == "back"


async def test_a_run_that_continued_as_new_moves_with_its_last_pass(place):
    """Its history begins with how the pass before ended, and is taken over like that."""
    document = await exported(again, 2)
    assert [event["event"]["type"] for event in document["events"][:2]] == ["run_continued", "run_started"]
    async with place.engine(workflows=WORKFLOWS) as engine:
        handle = await engine.import_run(document)
        await handle.signal("answer", "over")
        assert await handle.result(SOON) == "over"
    assert ran == ["again-2", "again-1", "again-0"]


async def test_an_id_that_exists_is_refused(place):
    """A taken id is a conflict, running or just being taken; another id takes the run in."""
    document = await exported(talk, "x")
    async with place.engine(workflows=WORKFLOWS) as engine:
        await engine.import_run(document)
        with pytest.raises(WorkflowConflictError):
            await engine.import_run(document)
        both = await asyncio.gather(*(engine.import_run(document, id="two") for _ in range(2)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in both) == ["WorkflowConflictError", "WorkflowHandle"]
        copy = engine.handle("two")
        await copy.signal("answer", "mine")
        assert (await copy.result(SOON))[1] == "mine"
        assert (await engine.handle("moved").status()).status is RunStatus.RUNNING


async def test_documents_that_cannot_go_on_are_refused(place):
    """Gaps, an unknown workflow's name, an impossible id: nothing is kept then."""
    document = await exported(talk, "x")
    async with place.engine(workflows=WORKFLOWS) as engine:
        wrong: list[tuple[dict[str, Any], type[Exception]]] = [
            ({"complete": False}, HistoryFormatError),
            ({"workflow": None}, HistoryFormatError),
            ({"run_id": "a/b"}, PayloadError),
            ({"events": document["events"][1:]}, HistoryFormatError),
        ]
        for changes, error in wrong:
            with pytest.raises(error):
                await engine.import_run({**document, **changes})
        assert (await engine.runs()).runs == []
        with pytest.raises(WorkflowNotFoundError):
            await engine.handle("moved").export_history()
