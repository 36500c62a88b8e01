"""No request that the service's own OpenAPI document suggests or forbids is answered with a 5xx."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from intelligence_service.bootstrap import create_app
from intelligence_service.config import IntelligenceServiceConfig
from intelligence_service.testing import ModelServer, Orchestrator
from maestro_core_api import MaestroAPI
from maestro_core_api.testing import in_process_client


@pytest.fixture
def around(orchestrator: Orchestrator) -> Iterator[tuple[str, str]]:
    """Addresses of an orchestrator and of a model that are there, on a loop of their own."""
    ready, end, urls = Event(), Event(), []

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            model = ModelServer(always='{"mood": "happy"}')
            urls.append(await stack.enter_async_context(orchestrator.running()))
            urls.append(await stack.enter_async_context(model.running()))
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    yield urls[0], urls[1]
    end.set()
    thread.join()


@pytest.fixture
def app(around: tuple[str, str], secret: str, tmp_path: Path) -> MaestroAPI:
    config = {"jwt_secret": secret, "data_dir": tmp_path, "registry_url": around[0], "model_endpoint": around[1]}
    return create_app(IntelligenceServiceConfig.model_validate({**config, "encoder_threads": 1}))


@pytest.fixture
def client(app: MaestroAPI) -> Iterator[TestClient]:
    with in_process_client(app) as client:
        yield client


def sent(client: TestClient, case: Any) -> httpx2.Response | None:
    """Send what was made up, as an admin; None for what no client can send."""
    wanted = case.as_transport_kwargs(base_url=str(client.base_url))
    headers = {name: str(text) for name, text in wanted.pop("headers").items() if name.lower() != "authorization"}
    data = wanted.get("data")
    try:
        return client.request(
            wanted["method"],
            wanted["url"],
            params=wanted.get("params"),
            headers=headers,
            json=known_persona(wanted.get("json")),
            content=data if isinstance(data, bytes | str) else None,
        )
    except (UnicodeError, ValueError):
        return None


def known_persona(body: Any) -> Any:
    """Lead every second made-up request past the question whether there is such a persona."""
    if isinstance(body, dict) and isinstance(body.get("persona"), str) and len(json.dumps(body)) % 2:
        return {**body, "persona": "mood"}
    return body


def test_no_request_is_answered_with_a_5xx(app: MaestroAPI, client: TestClient) -> None:
    """Requests made from each operation's schema, and against it, with orchestrator and model there, are never a 5xx."""
    failures: dict[str, str] = {}
    answered: set[int] = set()
    for result in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
        operation = result.ok()
        modes = [
            operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ]

        @settings(
            max_examples=8,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(*modes))
        def attack(case: Any) -> None:
            answer = sent(client, case)
            if answer is None:
                return
            answered.add(answer.status_code)
            if answer.status_code >= 500:
                failures[case.operation.label] = f"{case.as_curl_command()}\n{answer.status_code} {answer.text}"

        attack()
    assert 200 in answered
    assert answered & {404, 422}
    assert not failures, "\n\n".join(failures.values())
