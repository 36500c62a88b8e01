"""Payloads that would fill the memory are refused where they come in, by name and size, and the engine goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import (
    PayloadError,
    WorkflowEngine,
    WorkflowFailedError,
    on_update,
    publish,
    receive,
    step,
    workflow,
)

SOON = timedelta(seconds=30)
LARGE = "x" * 5_000_000


def nested(levels: int) -> Any:
    value: Any = "core"
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


BAD: dict[str, Callable[[], Any]] = {
    "large": lambda: LARGE,
    "deep": lambda: nested(300),
    "deeper": lambda: nested(100_000),
}


@step
async def returns(what: str) -> Any:
    return BAD[what]()


@step
async def takes(value: Any) -> str:
    return str(len(str(value)))


@workflow
async def patient(value: Any = None) -> Any:
    async def answer(what: str) -> Any:
        return BAD[what]() if what in BAD else what

    on_update("answer", answer)
    return [value, await receive("go")]


@workflow
async def careless(where: str, what: str) -> Any:
    match where:
        case "step result":
            return str(await returns(what))[:10]
        case "step input":
            return await takes(BAD[what]())
        case "child input":
            return await patient(BAD[what]())
        case "published":
            publish("it", BAD[what]())
    return BAD[what]()


@pytest.mark.parametrize("what", BAD)
async def test_what_comes_from_outside_is_refused_to_its_sender(what: str):
    """Inputs, signals and updates raise PayloadError; the run they were meant for does not notice."""
    async with WorkflowEngine("sqlite://", workflows=[patient]) as engine:
        with pytest.raises(PayloadError, match=r"too large|levels"):
            await engine.start(patient, BAD[what](), id="never")
        handle = await engine.start(patient, 1)
        with pytest.raises(PayloadError, match=r"too large|levels"):
            await handle.signal("go", BAD[what]())
        with pytest.raises(PayloadError, match=r"too large|levels"):
            await handle.update("answer", BAD[what]())
        assert await handle.update("answer", "small") == "small"
        with pytest.raises(PayloadError, match=r"too large|levels"):
            await handle.update("answer", what)
        await handle.signal("go", "went")
        assert await handle.result(SOON) == [1, "went"]
        assert [run.id for run in (await engine.runs()).runs] == [handle.id]


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (where, what)
        for where in ("step result", "step input", "child input", "published", "result")
        for what in BAD
        if (where, what) != ("published", "large")  # what is published stays in memory; it has no limit of size
    ],
)
async def test_what_comes_from_inside_fails_the_run_with_the_reason(where: str, what: str):
    """Results, arguments and published values of a run end that run, and no other."""
    async with WorkflowEngine("sqlite://", workflows=[careless, patient]) as engine:
        handle = await engine.start(careless, where, what)
        with pytest.raises(WorkflowFailedError, match=r"too large|levels"):
            await handle.result(SOON)
        other = await engine.start(patient, nested(150))
        await other.signal("go", nested(150))
        assert await other.result(SOON) == [nested(150), nested(150)]
