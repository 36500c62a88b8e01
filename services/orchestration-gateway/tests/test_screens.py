"""Screens: put together from what answers, honest about what does not."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import central_registry.bootstrap
from central_registry.config import CentralRegistryConfig
from maestro_core_api.testing import running

from .conftest import COMMON, ECHO, bearer, opened

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Any]:
    """A gateway with an orchestrator and a registry, and without governance."""
    registry = central_registry.bootstrap.create_app(
        CentralRegistryConfig.model_validate({**COMMON, "data_dir": tmp_path / "registry"})
    )
    async with running(registry) as url:
        settings = {"registry_url": url, "governance_url": NOBODY, "screen_cache_s": 0.0}
        async with opened(tmp_path, **settings) as world:
            await world.register(ECHO)
            yield world


async def test_what_is_away_is_named_and_the_rest_is_there(whole: Any) -> None:
    """Without governance its parts are null and named; the others are whole."""
    await whole.orchestrator.post("/runs", json={"workflow": "shop/echo", "id": "r", "input": {"order": 1}})
    await whole.ended("r")
    screen = await whole.gateway.get("/screens/overview")
    assert screen.status_code == 200
    shown = screen.json()
    assert shown["run_counts"]["completed"] == 1
    assert [run["id"] for run in shown["latest_runs"]] == ["r"]
    assert {service["name"] for service in shown["services"]} >= {"central-registry", "orchestration-gateway"}
    assert shown["approvals"] is None
    (missing,) = shown["missing"]
    assert (missing["part"], missing["service"]) == ("approvals", "governance-service")
    assert missing["error_code"]
    run = (await whole.gateway.get("/screens/runs/r")).json()
    assert (run["run"]["output"], run["children"]) == ({"order": 1}, [])
    assert run["history"][-1]["type"] == "run_completed"
    services = (await whole.gateway.get("/screens/services")).json()
    assert [each["name"] for each in services["workflows"]] == ["echo"]
    assert [each["part"] for each in services["missing"]] == ["scorecards"]


async def test_an_unchanged_screen_is_not_sent_again(whole: Any) -> None:
    """With the tag of what one has, the answer is 304 until something changes."""
    await whole.orchestrator.post("/runs", json={"workflow": "shop/echo", "id": "r", "input": {"order": 1}})
    await whole.ended("r")
    first = await whole.gateway.get("/screens/runs/r")
    again = await whole.gateway.get("/screens/runs/r", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await whole.orchestrator.post("/runs", json={"workflow": "shop/echo", "id": "s", "input": {"order": 1}})
    before = await whole.gateway.get("/screens/overview")
    await whole.orchestrator.post("/runs", json={"workflow": "shop/echo", "id": "t", "input": {"order": 1}})
    after = await whole.gateway.get("/screens/overview", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200


async def test_a_run_that_is_not_there(whole: Any) -> None:
    """Without the run there is no screen."""
    assert (await whole.gateway.get("/screens/runs/nothing")).json()["error_code"] == "RUN_NOT_FOUND"


async def test_everything_may_be_away(open_world: Callable[..., Any]) -> None:
    """The overview is an answer all the same; a run's screen says that nobody knows."""
    async with open_world(orchestrator_url=NOBODY, governance_url=NOBODY) as world:
        shown = (await world.gateway.get("/screens/overview")).json()
        parts = {name for name in shown if name != "missing"}
        assert {missing["part"] for missing in shown["missing"]} == parts
        assert all(shown[part] is None for part in parts)
        unknown = await world.gateway.get("/screens/runs/r")
        assert (unknown.status_code, unknown.json()["error_code"]) == (503, "RUN_UNKNOWN")
        assert unknown.headers["retry-after"]


async def test_answers_are_kept_for_one_caller_only(open_world: Callable[..., Any]) -> None:
    """The same caller gets the same answer for a while; a tenant's caller never gets another's."""
    async with open_world(screen_cache_s=60.0, governance_url=NOBODY) as world:
        await world.register(ECHO)
        mine, platform = bearer("viewer", subject="a", tenant="acme"), bearer("viewer", subject="a")
        before = (await world.gateway.get("/screens/overview", headers=platform)).json()
        options = {"attributes": {"tenant": "other"}}
        await world.orchestrator.post(
            "/runs", json={"workflow": "shop/echo", "id": "r", "input": {}, "options": options}
        )
        assert (await world.gateway.get("/screens/overview", headers=platform)).json() == before
        assert (await world.gateway.get("/screens/overview", headers=mine)).json()["latest_runs"] == []
        fresh = bearer("viewer", subject="b")
        shown = (await world.gateway.get("/screens/overview", headers=fresh)).json()
        assert [run["id"] for run in shown["latest_runs"]] == ["r"]
