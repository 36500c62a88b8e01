"""Outcomes on their way to a real orchestrator, over a network that loses answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

import maestro.bootstrap
from governance_service.approvals.orchestrator import (
    NobodyWaitsError,
    NotDeliveredError,
    RemoteOrchestrator,
    idempotency_key,
)
from governance_service.approvals.signals import Signal
from governance_service.testing import SECRET
from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, issue_token
from maestro_core_api.testing import running

WORKFLOW = """
from maestro_workflow_engine import receive, workflow


@workflow(name="tests/waits")
async def waits() -> object:
    answer = await receive("approval")
    await receive("finish")
    return answer
"""
OUTCOME = {"approval_id": "a", "decision": "approve", "by": ["ada"], "comments": []}
SIGNAL = Signal("", "a", "run-1", "approval", OUTCOME, 1)


class Losing(httpx2.AsyncBaseTransport):
    """A network that brings requests where they belong, and loses answers when it is told to."""

    def __init__(self, base_url: str) -> None:
        self._base_url = httpx2.URL(base_url)
        self._inner = httpx2.AsyncHTTPTransport()
        self.losing = False
        self.posts = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/services/maestro-orchestrator":
            instance = {"instance_id": "a", "url": str(self._base_url), "version": "1.0.0"}
            return httpx2.Response(200, json={"name": "maestro-orchestrator", "instances": [instance]})
        response = await self._inner.handle_async_request(request)
        await response.aread()
        self.posts += request.method == "POST"
        if self.losing and request.method == "POST":
            await response.aclose()
            raise httpx2.ReadError("the answer is lost", request=request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class Runs:
    def __init__(self, client: APIClient, network: Losing) -> None:
        self.client, self.network = client, network
        self.remote = RemoteOrchestrator(client)

    async def signals(self) -> list[Any]:
        history = (await self.client.get("service://maestro-orchestrator/runs/run-1/history")).json()["events"]
        return [event["payload"] for event in history if event["type"] == "signal_received"]


@pytest.fixture
async def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runs]:
    (tmp_path / "governed_waits.py").write_text(WORKFLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = {"environment": "test", "data_dir": tmp_path, "workflow_modules": ["governed_waits"]}
    config = OrchestratorConfig.model_validate({**settings, "jwt_secret": SecretStr(SECRET)})
    token = issue_token(SECRET, subject="governance-service", roles=("operator",))
    async with running(maestro.bootstrap.create_app(config)) as url:
        network = Losing(url)
        async with APIClient(registry_url="http://registry", token=token, retries=0, transport=network) as client:
            started = {"workflow": "tests/waits", "id": "run-1"}
            await client.post("service://maestro-orchestrator/runs", json=started)
            yield Runs(client, network)


async def test_an_outcome_whose_answer_was_lost_is_not_sent_twice(runs: Runs) -> None:
    """The run has got it, though nobody said so; the next attempt finds it in the run's history and leaves it at that."""
    runs.network.losing = True
    with pytest.raises(NotDeliveredError):
        await runs.remote.send(SIGNAL)
    runs.network.losing = False
    posts = runs.network.posts
    await runs.remote.send(replace(SIGNAL, attempt=2))
    assert runs.network.posts == posts
    assert await runs.signals() == [OUTCOME]


async def test_two_who_send_the_same_outcome_at_once_have_it_sent_once(runs: Runs) -> None:
    """Where the history cannot tell yet, the idempotency key does: a second first attempt changes nothing."""
    await runs.remote.send(SIGNAL)
    await runs.remote.send(SIGNAL)
    assert await runs.signals() == [OUTCOME]
    await runs.remote.send(replace(SIGNAL, approval_id="b", payload={**OUTCOME, "approval_id": "b"}))
    assert [one["approval_id"] for one in await runs.signals()] == ["a", "b"]


def test_every_approval_has_a_key_of_its_own() -> None:
    """However long tenants and ids are, and whatever is in them, no two approvals share a key that the receiver takes."""
    pairs = [
        ("", "a"),
        ("a", ""),
        ("a:b", "c"),
        ("a", "b:c"),
        ("a%3Ab", "c"),
        ("t" * 256, "ü" * 100 + "1"),
        ("t" * 256, "ü" * 100 + "2"),
    ]
    keys = [idempotency_key(replace(SIGNAL, tenant=tenant, approval_id=approval_id)) for tenant, approval_id in pairs]
    assert len(set(keys)) == len(pairs)
    assert all(len(key) <= 255 and key.isascii() and key.isprintable() for key in keys)
    assert keys[0] == idempotency_key(replace(SIGNAL, attempt=5))


async def test_nobody_waits_for_what_has_ended_or_never_was(runs: Runs) -> None:
    """A run that is not there, or has ended, will never need its outcome."""
    with pytest.raises(NobodyWaitsError, match="RUN_NOT_FOUND"):
        await runs.remote.send(replace(SIGNAL, run_id="nothing", approval_id="b"))
    await runs.client.post("service://maestro-orchestrator/runs/run-1/terminate")
    with pytest.raises(NobodyWaitsError, match="WORKFLOW_ENDED"):
        await runs.remote.send(SIGNAL)
