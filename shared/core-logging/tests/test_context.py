from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from maestro_core_logging import carry_context, get_logger, log_context
from maestro_core_logging.testing import capture_logs

logger = get_logger("x")


def logged(**fields: Any) -> dict[str, Any]:
    with capture_logs() as captured:
        logger.info("x", **fields)
    return {
        key: value
        for key, value in captured[0].items()
        if key not in ("timestamp", "level", "logger", "event", "service")
    }


async def test_context_follows_tasks_and_threads(lines: Any) -> None:
    """Each task has its own context, and a thread sees the one it was started with."""

    async def handle(request_id: str) -> None:
        with log_context(request_id=request_id):
            await asyncio.sleep(0)
            logger.info("in task")
            await asyncio.to_thread(logger.info, "in thread")

    await asyncio.gather(*(handle(f"r{n}") for n in range(5)))
    with log_context(request_id="pool"), ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, logger.info, "in pool").result()
    logger.info("outside")
    found = lines.json()
    assert sorted(line["request_id"] for line in found if line["event"] == "in task") == [f"r{n}" for n in range(5)]
    assert sorted(line["request_id"] for line in found if line["event"] == "in thread") == [f"r{n}" for n in range(5)]
    assert found[-2]["request_id"] == "pool"
    assert "request_id" not in found[-1]


async def test_a_task_keeps_the_context_it_was_started_in() -> None:
    """Leaving a context does not take it from tasks that go on."""
    gate = asyncio.Event()

    async def later() -> dict[str, Any]:
        await gate.wait()
        return logged()

    with log_context(run_id="r"):
        task = asyncio.create_task(later())
    gate.set()
    assert await task == {"run_id": "r"}


def test_contexts_nest_and_the_nearest_wins() -> None:
    """Inner context over outer, bound fields over context, the call's own fields over all."""
    with log_context(a=1, b=1, c=1, d=1):
        with log_context(b=2, c=2, d=2):
            with capture_logs() as captured:
                logger.bind(c=3, d=3).info("x", d=4)
            assert {key: captured[0][key] for key in "abcd"} == {"a": 1, "b": 2, "c": 3, "d": 4}
        assert logged() == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert logged() == {}


def test_a_context_is_left_when_its_block_fails() -> None:
    """An exception passes through and the fields are gone."""
    try:
        with log_context(a=1):
            raise ValueError("no")
    except ValueError:
        assert logged() == {}


def test_a_context_may_be_used_twice() -> None:
    """One object serves several blocks, inside one another too."""
    context = log_context(a=1)
    with context, context:
        assert logged() == {"a": 1}
    assert logged() == {}


def test_a_context_that_is_never_left_stays_where_it_was_entered() -> None:
    """Entered inside another contextvars.Context, it holds there for good and changes nothing here."""
    inside = contextvars.copy_context()
    with log_context(a=0):
        inside.run(log_context(a=1).__enter__)
        gc.collect()
        assert logged() == {"a": 0}
    assert inside.run(logged) == {"a": 1}


async def test_a_context_may_be_left_in_another_one_than_it_was_entered() -> None:
    """Async generators that somebody else closes do so; it is no error."""

    async def numbers() -> AsyncGenerator[int]:
        with log_context(a=1):
            yield 1
            yield 2

    generator = numbers()
    assert await asyncio.create_task(generator.asend(None)) == 1
    await asyncio.create_task(generator.aclose())
    assert logged() == {}


def test_carry_context_takes_fields_and_trace_along() -> None:
    """Into executors and threads, as often and in as many threads at once as wanted; results and errors come back."""
    with (
        log_context(request_id="r"),
        TracerProvider().get_tracer("t").start_as_current_span("work") as span,
        ThreadPoolExecutor(4) as pool,
    ):
        with capture_logs() as captured:
            work = carry_context(lambda number: (logger.info("x"), number)[1])
            assert list(pool.map(work, range(50))) == list(range(50))
            thread = threading.Thread(target=carry_context(lambda: logger.info("x")))
            thread.start()
            thread.join()
            pool.submit(logger.info, "alone").result()
        with pytest.raises(ZeroDivisionError):
            pool.submit(carry_context(divmod), 1, 0).result()
    trace_id = format(span.get_span_context().trace_id, "032x")
    assert {(line.get("request_id"), line.get("trace_id")) for line in captured.find("x")} == {("r", trace_id)}
    assert len(captured.find("x")) == 51
    assert "request_id" not in captured.one("alone")
