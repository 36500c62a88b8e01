"""Thousands of runs in a queue: the work for one does not grow with their number, and neither does what memory holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from maestro_workflow_engine import Queue, StartOptions, WorkflowEngine, workflow
from maestro_workflow_engine.embedded._queue_line import InLine, Line
from maestro_workflow_engine.embedded._reader import JournalReader


@workflow
async def nothing(number: int) -> int:
    return number


class Counted(dict[int, InLine]):
    """Counts look-ups."""

    count = 0

    def get(self, key: int, default: Any = None) -> Any:
        Counted.count += 1
        return super().get(key, default)


def test_taking_one_run_out_of_a_long_line_looks_at_a_few():
    """20,000 of 1,000 tenants, a third of which left: each is looked at once, whoever waits beside it."""
    line = Line()
    line.set_limits(10, 2, None)
    line.waiting = Counted()
    for key in range(20_000):
        line.join(InLine(key, f"t{key % 1000}", key % 3, key))
    for key in range(0, 20_000, 3):
        line.leave(key)
    begun = 0
    running: list[str] = []
    while line.waiting:
        while (stood := line.take(0)) is not None:
            line.begin(stood.tenant, 0)
            running.append(stood.tenant)
            begun += 1
        line.end(running.pop(0))
    assert begun == 20_000 - 6_667
    assert Counted.count <= 20_000


@pytest.mark.parametrize("number", [3_000, pytest.param(20_000, marks=pytest.mark.slow)])
async def test_thousands_of_queued_runs_begin_and_end(monkeypatch, number: int):
    """They are started while the queue is paused; none is in memory; resumed, all end, with a few reads each."""
    takes = reads = 0
    take, read = Line.take, JournalReader._query

    def counted(self: Line, now_us: int) -> InLine | None:
        nonlocal takes
        takes += 1
        return take(self, now_us)

    def counted_read(self: JournalReader, sql: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        nonlocal reads
        reads += 1
        return read(self, sql, values)

    monkeypatch.setattr(Line, "take", counted)
    monkeypatch.setattr(JournalReader, "_query", counted_read)
    async with WorkflowEngine.test(
        [nothing], queues=[Queue("q", concurrency=500)], max_workflows_in_memory=10
    ) as engine:
        await engine.queue("q").pause()
        options = StartOptions(queue="q")
        for first in range(0, number, 1000):
            await asyncio.gather(
                *(engine.start(nothing, n, id=f"r{n}", options=options) for n in range(first, first + 1000))
            )
        opened: Any = engine._runner
        assert len(opened._opened.core.residents.by_key) == 0
        assert (await engine.queue("q").describe()).waiting == number
        await engine.queue("q").resume()
        assert await engine.handle(f"r{number - 1}").result() == number - 1
        assert not (await engine.runs(status="queued")).runs
        assert opened._opened.core.admissions.places == {}
    assert takes <= 3 * number
    assert reads <= 10 * number
