"""`run` tasks: what the configuration allows, and what it does not."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import ValidationError

from maestro.config import OrchestratorConfig, ProcessConfig
from maestro_core_api import APIClient, RemoteAPIException

Serve = Callable[..., AbstractAsyncContextManager[APIClient]]
Make = Callable[..., dict[str, Any]]
SHELL = {"greet": {"run": {"shell": {"command": 'echo "hello $1"', "arguments": ["${ .name }"]}}}}


async def test_no_process_runs_unless_it_is_allowed(client: APIClient, document: Make) -> None:
    """A document that runs a process is refused by default, with the place and what would have to be allowed."""
    with pytest.raises(RemoteAPIException) as caught:
        await client.put("/workflows/tests/job/1.0.0", json=document(SHELL))
    assert caught.value.status_code == 422
    assert "this host runs no 'run: shell' (allowed: none)" in caught.value.errors[0]["message"]


async def test_what_is_allowed_runs(config: OrchestratorConfig, serve: Serve, document: Make) -> None:
    """With `processes.allowed` the document is registered and its process runs."""
    allowing = config.model_copy(update={"processes": ProcessConfig(allowed=["shell"])})
    async with serve(allowing) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document(SHELL))
        run = {"workflow": "tests/job", "input": {"name": "Ada"}, "id": "r"}
        await client.post("/runs", json=run)
        async with asyncio.timeout(40):
            while (ended := (await client.get("/runs/r")).json())["status"] == "running":
                await asyncio.sleep(0.02)
        assert ended["output"] == "hello Ada\n"


@pytest.mark.parametrize(
    "wrong", [{"allowed": ["workflow"]}, {"time_limit_s": 0}, {"output_limit_bytes": 0}, {"allow": []}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Unknown kinds and limits of nothing stop the start."""
    with pytest.raises(ValidationError):
        ProcessConfig.model_validate(wrong)


def test_the_settings_reach_the_engine() -> None:
    """Every setting is what the engine is told."""
    options = ProcessConfig(
        allowed=["script"], environment={"PATH": "/bin"}, time_limit_s=2.5, output_limit_bytes=10
    ).value()
    assert options.allowed == {"script"}
    assert options.environment == {"PATH": "/bin"}
    assert (options.time_limit.total_seconds(), options.output_limit_bytes) == (2.5, 10)
