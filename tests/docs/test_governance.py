"""The examples of docs/governance.md do what the page says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import central_registry.bootstrap
import governance_service.bootstrap
import maestro.bootstrap
from central_registry.config import CentralRegistryConfig
from governance_service.policies.offline import run_tests
from governance_service.testing import config_for
from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException, ServiceUnavailableException, issue_token
from maestro_core_api.testing import running

EXAMPLES = Path(__file__).parents[2] / "docs" / "governance"
SECRET = "a-secret-for-tests-of-at-least-32-bytes"


def test_the_policy_passes_its_tests() -> None:
    """The policy of the page is sound, and each of its rules is tested."""
    (report,) = run_tests(str(EXAMPLES))
    assert report["passed"], report


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[APIClient]:
    """A client of a platform whose orchestrator has the workflow of the page."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.chdir(tmp_path)
    common: dict[str, Any] = {"environment": "test", "data_dir": tmp_path, "jwt_secret": SecretStr(SECRET)}
    async with AsyncExitStack() as stack:
        registry = central_registry.bootstrap.create_app(CentralRegistryConfig.model_validate(common))
        common["registry_url"] = url = await stack.enter_async_context(running(registry))
        monkeypatch.setenv("MAESTRO_REGISTRY_URL", url)
        monkeypatch.setenv("MAESTRO_JWT_SECRET", SECRET)
        config = OrchestratorConfig.model_validate({**common, "workflow_modules": ["use_package"]})
        await stack.enter_async_context(running(maestro.bootstrap.create_app(config)))
        governed = config_for(tmp_path, registry_url=url, policy_builtin=True, approval_interval_s=0.1)
        await stack.enter_async_context(running(governance_service.bootstrap.create_app(governed)))
        token = issue_token(SECRET, subject="ada", roles=("approver",))
        yield await stack.enter_async_context(APIClient(registry_url=url, token=token))
    sys.modules.pop("use_package", None)


async def eventually(client: APIClient, url: str, holds: Any) -> Any:
    async with asyncio.timeout(60):
        while True:
            try:
                answer = (await client.get(url)).json()
            except (RemoteAPIException, ServiceUnavailableException):
                answer = None  # not registered, or not asked for, yet
            if answer is not None and holds(answer):
                return answer
            await asyncio.sleep(0.05)


async def start(client: APIClient, run_id: str, *licences: str) -> None:
    package = {"name": "certifi", "licenses": list(licences), "confidence": 0.98}
    await eventually(client, "service://maestro-orchestrator/workflows", lambda _: True)
    await eventually(client, "service://governance-service/policies", lambda _: True)
    body = {"workflow": "examples/use-package", "id": run_id, "input": package}
    await client.post("service://maestro-orchestrator/runs", json=body)


@pytest.mark.parametrize(("decision", "output"), [("approve", "allow"), ("reject", "deny")])
async def test_what_needs_an_approval_waits_for_a_person(client: APIClient, decision: str, output: str) -> None:
    """The policy wants a person, the run waits, the person's word reaches it and it goes on accordingly."""
    await start(client, "review-17", "MPL-2.0")
    approval = await eventually(client, "service://governance-service/approvals/review-17.approval", lambda _: True)
    assert approval["title"] == "Use certifi (MPL-2.0)?"
    decided = {"decision": decision}
    await client.post("service://governance-service/approvals/review-17.approval/decide", json=decided)
    run = await eventually(client, "service://maestro-orchestrator/runs/review-17", lambda run: run["finished_at"])
    assert (run["status"], run["output"]) == ("completed", output)
    shown = await eventually(
        client,
        "service://governance-service/approvals/review-17.approval",
        lambda one: one["delivery"]["state"] == "delivered",
    )
    assert shown["delivery"]["attempts"] == 1


async def test_what_the_policy_decides_needs_nobody(client: APIClient) -> None:
    """A permissive licence is used at once."""
    await start(client, "review-18", "MIT")
    run = await eventually(client, "service://maestro-orchestrator/runs/review-18", lambda run: run["finished_at"])
    assert run["output"] == "allow"
