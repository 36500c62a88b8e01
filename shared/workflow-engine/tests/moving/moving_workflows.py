"""Workflows that wait in every way there is. Each step leaves a line in an external record: its text, key and attempt."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta

from maestro_workflow_engine import (
    ParentClose,
    RetryPolicy,
    continue_as_new,
    info,
    on_update,
    patched,
    publish,
    receive,
    run_child,
    set_attributes,
    start_child,
    step,
    step_info,
    workflow,
)


def leave(record: str, text: str) -> None:
    """Append a line, on disk before anything else happens."""
    file = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{text} {step_info().idempotency_key} {step_info().attempt}\n".encode())
    os.fsync(file)
    os.close(file)


@step
async def note(record: str, text: str) -> str:
    leave(record, text.replace(" ", "-"))
    return text


@step
async def hang(record: str, text: str) -> str:
    """Never end while the file `<record>.hang` is there."""
    leave(record, text)
    while os.path.exists(f"{record}.hang"):  # noqa: ASYNC240, PTH110  a test's file
        await asyncio.sleep(0.01)
    return text


@step(retry=RetryPolicy(max_attempts=3, initial_interval=timedelta(milliseconds=1500), backoff=1, jitter=0))
async def flaky(record: str) -> str:
    leave(record, "flaky")
    if step_info().attempt < 3:
        raise ValueError("not yet")
    return "done"


@workflow
async def sleeper(record: str, seconds: float) -> list[str]:
    first = await note(record, "before")
    await asyncio.sleep(seconds)
    return [first, await note(record, "after")]


@workflow
async def listener(record: str, count: int) -> list[str]:
    """Take so many signals once it has been told to, in the order in which they came."""
    await note(record, "listening")
    await receive("begin")
    found = [str(await receive("item")) for _ in range(count)]
    await note(record, "heard")
    return found


@workflow
async def counter(record: str) -> int:
    """Add what updates say, each once it is released."""
    total = 0

    async def add(number: int) -> int:
        nonlocal total
        await receive("release")
        total += number
        await note(record, f"added-{number}")
        return total

    on_update("add", add)
    await receive("finish")
    return total


@workflow
async def child(record: str, name: str) -> str:
    await note(record, f"{name}-begun")
    answer = str(await receive("answer"))
    return await note(record, f"{name}-{answer}")


@workflow
async def middle(record: str) -> str:
    inner = await run_child(child, record, "inner", id=f"{info().run_id}-inner")
    return f"{inner} of {info().parent_id}"


@workflow
async def parent(record: str) -> list[str]:
    """Wait for one child, have started another, and leave a third to itself."""
    left = await start_child(child, record, "left", id=f"{info().run_id}-left", on_parent_close=ParentClose.ABANDON)
    by_handle = await start_child(child, record, "handle", id=f"{info().run_id}-handle")
    first = await run_child(middle, record, id=f"{info().run_id}-middle")
    await note(record, f"parent-of-{left.id}")
    return [first, await by_handle.result()]


@workflow
async def chain(record: str, links: int) -> str:
    await note(record, f"link-{links}")
    if links > 1:
        continue_as_new(record, links - 1)
    return str(await receive("end"))


@workflow
async def tagged(record: str) -> str:
    set_attributes(stage="waiting", tries=1)
    publish("stage", "waiting")
    side = "new" if patched("other-side") else "old"
    await note(record, side)
    await receive("go")
    again = "new" if patched("other-side") else "old"
    set_attributes(stage="done")
    return f"{side} {again}"


@workflow
async def retrying(record: str) -> str:
    return await flaky(record)


@workflow
async def hanging(record: str) -> str:
    await note(record, "hanging")
    return await hang(record, "hung")


@workflow
async def plain(record: str, text: str) -> str:
    return await note(record, text)


@workflow
async def impatient(record: str, seconds: float) -> str:
    try:
        return str(await receive("answer", timeout=timedelta(seconds=seconds)))
    except TimeoutError:
        return await note(record, "too late")


ALL = [impatient, sleeper, listener, counter, child, middle, parent, chain, tagged, retrying, hanging, plain]
