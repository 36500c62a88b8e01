"""Signs of life: what a step said last, who is told of it, and how a thread learns that it no longer counts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from maestro_workflow_engine import (
    PayloadError,
    RetryPolicy,
    WorkflowCancelledError,
    WorkflowFailedError,
    WorkflowTerminatedError,
    heartbeat,
    last_heartbeat,
    step,
    step_info,
    workflow,
)

pytestmark = pytest.mark.capability("heartbeats")

SOON = timedelta(seconds=20)
TWICE = RetryPolicy(max_attempts=2, initial_interval=timedelta(milliseconds=1))
seen: list[Any] = []
beating: dict[str, threading.Event] = {}
told: dict[str, threading.Event] = {}
go = threading.Event()


@pytest.fixture(autouse=True)
def _fresh():
    seen.clear()
    go.clear()
    for name in ("cancelled", "terminated", "timed out", "closed"):
        beating[name], told[name] = threading.Event(), threading.Event()
    yield
    go.set()


class Progress(BaseModel):
    done: int


async def until(check: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.002)


@step(retry=TWICE)
def copies() -> str:
    seen.append((step_info().last_heartbeat, last_heartbeat(type=Progress)))
    if step_info().attempt == 1:
        for n in range(1, 8):
            heartbeat(Progress(done=n))
        raise OSError("down")
    return "done"


@step(heartbeat_timeout=timedelta(seconds=30))
async def slow() -> int:
    seen.append(step_info().last_heartbeat)
    if seen == [None]:
        heartbeat("first")
        heartbeat("last")
        await asyncio.sleep(3600)
    return len(seen)


@step
def loops(why: str) -> None:
    beating[why].set()
    try:
        while True:
            heartbeat("on")
            time.sleep(0.001)
    except asyncio.CancelledError:
        told[why].set()
        raise


@step(timeout=timedelta(milliseconds=30))
def late() -> None:
    go.wait(20)
    try:
        heartbeat("late")
    except asyncio.CancelledError:
        told["timed out"].set()


@step
async def chatty() -> str:
    try:
        heartbeat("x" * 100_000)
    except PayloadError as error:
        heartbeat("short")
        return str(error)[:30]
    return ""


@step(heartbeat_timeout=timedelta(seconds=30))
async def pages() -> None:
    heartbeat({"page": 3})
    await asyncio.to_thread(go.wait, 20)


@workflow
async def one(name: str) -> Any:
    return await {"copies": copies, "slow": slow, "late": late, "chatty": chatty, "pages": pages}[name]()


@workflow
async def looping(why: str) -> None:
    limit = timedelta(milliseconds=50) if why == "timed out" else None
    await loops.with_options(timeout=limit)(why)


async def test_what_was_said_last_is_typed_on_request(place):
    """A failed attempt hands its last word on, as JSON or as what it was; history has none of it."""
    async with place.engine(workflows=[one]) as engine:
        handle = await engine.start(one, "copies")
        assert await handle.result(SOON) == "done"
        assert "heartbeat" not in str([event.type for event in await handle.history()])
    assert seen == [(None, None), ({"done": 7}, Progress(done=7))]


async def test_what_was_said_survives_a_restart(place):
    """An engine that closes keeps the last word of a running step."""
    async with place.engine(workflows=[one]) as engine:
        await engine.start(one, "slow", id="r")
        await until(lambda: seen)
    async with place.engine(workflows=[one]) as engine:
        assert await engine.handle("r").result(SOON) == 2
    assert seen == [None, "last"]


async def test_the_status_of_a_run_shows_the_last_sign_of_life(place):
    """When and what a running step said last is part of what its run waits for; a cluster tells the step alone."""
    async with place.engine(workflows=[one]) as engine:
        before = time.time_ns() // 1000
        handle = await engine.start(one, "pages")

        async def is_shown() -> bool:
            found = (await handle.status()).waiting_for
            return bool(found) and (place.runner == "temporal" or found[0].last_heartbeat is not None)

        await place.until(is_shown)
        (wait,) = (await handle.status()).waiting_for
        assert (wait.kind, wait.name, wait.seq) == ("step", "pages", 1)
        if place.runner == "embedded":
            assert wait.last_heartbeat == {"page": 3}
            assert wait.last_heartbeat_at is not None
            assert before <= wait.last_heartbeat_at <= time.time_ns() // 1000
        else:
            assert wait.last_heartbeat is None
        go.set()
        await handle.result(SOON)


async def test_a_plain_function_learns_from_its_heartbeat_that_it_no_longer_counts(place):
    """A thread cannot be stopped from outside: heartbeat() raises CancelledError in it, whatever ended its attempt."""
    async with place.engine(workflows=[looping]) as engine:
        runs = {why: await engine.start(looping, why) for why in beating}
        await until(lambda: all(each.is_set() for each in beating.values()))
        await runs["cancelled"].cancel()
        await runs["terminated"].terminate()
        with pytest.raises(WorkflowFailedError, match="longer"):
            await runs["timed out"].result(SOON)
        with pytest.raises(WorkflowCancelledError):
            await runs["cancelled"].result(SOON)
        with pytest.raises(WorkflowTerminatedError):
            await runs["terminated"].result(SOON)
        await until(lambda: all(each.is_set() for why, each in told.items() if why != "closed"))
        assert not told["closed"].is_set()
    await until(told["closed"].is_set)


async def test_a_first_sign_of_life_that_comes_too_late_is_refused(place):
    """A thread that never beat before learns it as well."""
    async with place.engine(workflows=[one]) as engine:
        with pytest.raises(WorkflowFailedError, match="took longer"):
            await (await engine.start(one, "late")).result(SOON)
        go.set()
        await until(told["timed out"].is_set)


async def test_details_that_are_too_large_are_refused_where_they_are_given(place):
    """The step gets the PayloadError, and its next words are taken all the same."""
    async with place.engine(workflows=[one], max_payload_bytes=65_536) as engine:
        assert await (await engine.start(one, "chatty")).result(SOON) == "the heartbeat of 100,002 bytes"
