"""An orchestrator whose runs were moved to another engine, and one that goes on with them there."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from maestro.config import OrchestratorConfig
from maestro.workflow_modules import load_modules
from maestro_core_api import APIClient
from maestro_workflow_engine.moving import Move, carry_out

Serve = Callable[..., AbstractAsyncContextManager[APIClient]]


async def test_a_moved_run_says_where_it_went_and_goes_on_there(
    config: OrchestratorConfig, serve: Serve, tmp_path: Path
) -> None:
    """On the old journal it is terminated and names the other engine; with that as `engine_url` it is answered and completes."""
    async with serve(config) as client:
        await client.post("/runs", json={"workflow": "office/approval", "id": "r"})
    other = f"sqlite:///{tmp_path / 'other.db'}"
    workflows = load_modules(config.workflow_modules).workflows
    report = await carry_out(Move(source=config.runs_url, target=other, workflows=workflows))
    assert report.is_complete
    async with serve(config) as client:
        left: dict[str, Any] = (await client.get("/runs/r")).json()
        assert (left["status"], left["moved_to"]) == ("terminated", other)
    async with serve(config.model_copy(update={"engine_url": other})) as client:
        there: dict[str, Any] = (await client.get("/runs/r")).json()
        assert (there["status"], there["moved_to"]) == ("running", None)
        await client.post("/runs/r/signals/answer", json="yes")
        async with asyncio.timeout(20):
            while (await client.get("/runs/r")).json()["output"] != {"answer": "yes"}:
                await asyncio.sleep(0.01)
