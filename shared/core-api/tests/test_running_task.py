import asyncio
from typing import Any

import pytest

from maestro_core_api import running_task
from maestro_core_logging.testing import capture_logs


async def test_it_runs_while_the_block_does() -> None:
    """It begins with the block and is cancelled at its end, which is no error."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with capture_logs() as logs:
        async with running_task(work(), name="work"):
            await begun.wait()
    assert ended.is_set()
    assert not [line for line in logs if line["level"] == "critical"]


async def test_an_early_end_is_told_at_once(eventually: Any) -> None:
    """An error is in the log when it happens, with the task's name, and raised at the end of the block."""

    async def work() -> None:
        raise OSError("gone")

    with capture_logs() as logs, pytest.raises(OSError, match="gone"):
        async with running_task(work(), name="work"):
            await eventually(lambda: [line for line in logs if line["level"] == "critical"])
    (line,) = [line for line in logs if line["level"] == "critical"]
    assert line["task"] == "work"
