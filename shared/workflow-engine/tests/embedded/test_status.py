from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from maestro_workflow_engine import WorkflowEngine, WorkflowNotFoundError, receive, workflow


@workflow
async def asks(question: str) -> list[str]:
    return [question, await receive("answer")]


async def test_a_run_that_is_not_on_disk_yet_is_not_shown(tmp_path: Path):
    """Between the call and the commit there is no run that anybody could see."""
    async with WorkflowEngine(f"sqlite:///{tmp_path}/runs.db", workflows=[asks]) as engine:
        starting = asyncio.ensure_future(engine.start(asks, "who", id="r"))
        await asyncio.sleep(0)
        with pytest.raises(WorkflowNotFoundError):
            await engine._runner.reading.detail("r")
        assert (await (await starting).status()).input == "who"
