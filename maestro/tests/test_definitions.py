"""Definitions over restarts: what is kept, what is missing, what contradicts."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException, StartupError

Serve = Callable[..., AbstractAsyncContextManager[APIClient]]
Make = Callable[..., dict[str, Any]]
Module = Callable[[str, str], str]
OFFICE = 'from maestro_workflow_engine import workflow\n@workflow(name="office/job")\nasync def job() -> None: ...\n'


async def test_definitions_and_their_order_survive_a_restart(
    config: OrchestratorConfig, serve: Serve, document: Make
) -> None:
    """A restart knows every document, with the same one as the latest, and runs what it knew before."""
    async with serve(config) as client:
        for version in ("2.0.0", "1.0.0"):
            body = document({"greet": {"set": {"from": version}}}, version=version)
            await client.put(f"/workflows/tests/job/{version}", json=body)
        before = (await client.get("/workflows")).json()
    async with serve(config) as client:
        assert (await client.get("/workflows")).json() == before
        started = (await client.post("/runs", json={"workflow": "tests/job"})).json()
        assert started["version"] == "1.0.0"


async def test_a_document_whose_step_is_gone_waits_for_it(
    config: OrchestratorConfig, serve: Serve, document: Make, modules: Module
) -> None:
    """Without the step the service starts, shows the problem and refuses new runs; with it again, the old run goes on."""
    tasks = [{"rest": {"wait": {"milliseconds": 1}}}, {"count": {"call": "count_up", "with": {"n": 41}}}]
    step = "from maestro_workflow_engine import step\n@step\ndef count_up(n: int) -> int: return n + 1\n"
    with_step = config.model_copy(update={"workflow_modules": [modules("counting", step)]})
    without = config.model_copy(update={"workflow_modules": []})
    held = [{"hold": {"wait": {"seconds": 2}}}, *tasks]
    async with serve(with_step) as client:
        await client.put("/workflows/tests/job/1.0.0", json=document(*held))
        await client.post("/runs", json={"workflow": "tests/job", "id": "r"})
    async with serve(without) as client:
        shown = (await client.get("/workflows/tests/job/1.0.0")).json()
        assert "there is no step named 'count_up'" in shown["problem"]
        run = (await client.get("/runs/r")).json()
        assert (run["status"], "tests/job" in run["problem"]) == ("running", True)
        with pytest.raises(RemoteAPIException) as caught:
            await client.post("/runs", json={"workflow": "tests/job"})
        assert (caught.value.status_code, caught.value.error_code) == (409, "WORKFLOW_UNUSABLE")
        assert "count_up" in str(caught.value)
    async with serve(with_step) as client, asyncio.timeout(20):
        assert [event.event async for event in client.stream_events("/runs/r/events")][-1] == "run_completed"
        assert (await client.get("/runs/r")).json()["output"] == 42


async def test_a_module_cannot_take_a_documents_place(
    config: OrchestratorConfig, serve: Serve, document: Make, modules: Module
) -> None:
    """A Python workflow under a kept document's name and version stops the start; another version is fine."""
    body = document({"greet": {"set": {"a": 1}}})
    body["document"]["namespace"] = "office"
    async with serve(config) as client:
        await client.put("/workflows/office/job/1.0.0", json=body)
    from maestro.bootstrap import create_app

    clashing = config.model_copy(update={"workflow_modules": [modules("office_clash", OFFICE)]})
    app = create_app(clashing)
    with pytest.raises(StartupError, match=r"office/job:1\.0\.0 was registered as a document"):
        async with app.router.lifespan_context(app):
            pass
    newer = OFFICE.replace('"office/job"', '"office/job", version="2.0.0"')
    fine = config.model_copy(update={"workflow_modules": [modules("office_newer", newer)]})
    async with serve(fine) as client:
        versions = (await client.get("/workflows/office/job")).json()["workflows"]
        assert [(item["version"], item["kind"]) for item in versions] == [("1.0.0", "document"), ("2.0.0", "python")]


async def test_concurrent_registrations_of_one_version_agree(client: APIClient, document: Make) -> None:
    """Of several registrations at once one is new, those with the same content agree, and others conflict."""
    same, other = document({"greet": {"set": {"a": 1}}}), document({"greet": {"set": {"a": 2}}})
    answers = await asyncio.gather(
        *(client.put("/workflows/tests/job/1.0.0", json=body) for body in [same] * 4 + [other] * 2),
        return_exceptions=True,
    )
    codes = sorted(answer.status_code for answer in answers if not isinstance(answer, BaseException))
    refused = [answer for answer in answers if isinstance(answer, RemoteAPIException)]
    assert codes in ([200, 200, 200, 201], [200, 201])
    assert {error.status_code for error in refused} == {409}
    assert len(codes) + len(refused) == 6
