"""The orchestrator's HTTP interface on both runners: a journal, and a real Temporal server."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient

_DEADLINE_S = 30


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the runners that its mark `runners` names; without one, on a journal."""
    if "runner" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("runners")
        metafunc.parametrize("runner", mark.args if mark else ("journal",), indirect=True)


@pytest.fixture
def runner(request: pytest.FixtureRequest) -> str:
    """Where runs are kept: `journal` or `temporal`."""
    return str(getattr(request, "param", "journal"))  # a test of a class that asks by itself has none


@pytest.fixture
def config(request: pytest.FixtureRequest, config: OrchestratorConfig, runner: str) -> OrchestratorConfig:
    """A configuration with its data below the test's own folder, or in a namespace of its own."""
    if runner == "journal":
        return config
    namespaces: Iterator[str] = request.getfixturevalue("temporal_namespaces")
    return config.model_copy(update={"engine_url": next(namespaces)})


Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def eventually() -> Eventually:
    """Ask until the answer is true: a cluster lists a change a little later."""

    async def wait(ask: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(_DEADLINE_S):
            while not (answer := await ask()):
                await asyncio.sleep(0.02)
        return answer

    return wait


@pytest.fixture
def listed(client: APIClient, eventually: Eventually) -> Callable[..., Awaitable[list[str]]]:
    """Wait until a listing has these runs, in any order; give their ids as they were listed."""

    async def wait(*ids: str, **params: Any) -> list[str]:
        async def found() -> list[str]:
            page = (await client.get("/runs", params=params)).json()
            there = [run["id"] for run in page["runs"]]
            return there if sorted(there) == sorted(ids) else []

        return await eventually(found) if ids else []

    return wait
