"""No request that a service's own OpenAPI document suggests or forbids is answered with a 5xx."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.testclient import TestClient

import central_registry.bootstrap
import central_registry.config
import governance_service.bootstrap
import governance_service.testing
import intelligence_service.bootstrap
import intelligence_service.config
import maestro.bootstrap
import maestro.config
import orchestration_gateway.bootstrap
import orchestration_gateway.config
import telemetry_store.bootstrap
import telemetry_store.config
from maestro_core_api import MaestroAPI
from maestro_core_api.testing import in_process_client

EXAMPLES = int(os.environ.get("MAESTRO_OPENAPI_EXAMPLES", "6"))
"""Requests for each operation, some as the document says and some against it."""
AWAY = {"PERSONA_SOURCE_UNAVAILABLE", "REGISTRY_UNREACHABLE", "RUN_UNKNOWN"}
"""What a service says when the one that it needs is not there; in this test none is."""
ENDLESS = {"GET /live/runs", "GET /live/runs/{run_id}"}
"""Streams that go on for as long as somebody listens, which this client would; the gateway's own attacks open them."""
COMMON: dict[str, Any] = {"jwt_secret": "a-secret-for-tests-of-at-least-32-bytes", "environment": "test"}


def registry(folder: Path) -> MaestroAPI:
    config = central_registry.config.CentralRegistryConfig
    return central_registry.bootstrap.create_app(config.model_validate({**COMMON, "data_dir": folder}))


def intelligence(folder: Path) -> MaestroAPI:
    config = intelligence_service.config.IntelligenceServiceConfig
    model = {"model_endpoint": "http://127.0.0.1:1/v1"}
    return intelligence_service.bootstrap.create_app(config.model_validate({**COMMON, **model}))


def governance(folder: Path) -> MaestroAPI:
    cheap = {"password_hash_memory_kib": 64, "password_hash_rounds": 1, "password_hash_threads": 1}
    config = governance_service.testing.config_for(folder, **COMMON, **cheap, sign_in_limit_per_minute=100_000)
    return governance_service.bootstrap.create_app(config)


def orchestrator(folder: Path) -> MaestroAPI:
    config = maestro.config.OrchestratorConfig
    return maestro.bootstrap.create_app(config.model_validate({**COMMON, "data_dir": folder}))


def telemetry(folder: Path) -> MaestroAPI:
    config = telemetry_store.config.TelemetryStoreConfig
    return telemetry_store.bootstrap.create_app(config.model_validate({**COMMON, "data_dir": folder}))


def gateway(folder: Path) -> MaestroAPI:
    config = orchestration_gateway.config.OrchestrationGatewayConfig
    settings = {"data_dir": folder, "orchestrator_url": "http://127.0.0.1:1", "screen_timeout_s": 0.2}
    return orchestration_gateway.bootstrap.create_app(config.model_validate({**COMMON, **settings}))


@pytest.fixture
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests reaches the services."""
    for name in [name for name in os.environ if name.startswith("MAESTRO_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(
    params=[registry, intelligence, governance, orchestrator, gateway, telemetry], ids=lambda make: make.__name__
)
def app(request: Any, tmp_path: Path, no_settings_from_outside: None) -> MaestroAPI:
    make: Callable[[Path], MaestroAPI] = request.param
    return make(tmp_path)


@pytest.fixture
def client(app: MaestroAPI) -> Iterator[TestClient]:
    with in_process_client(app) as client:
        yield client


def sent(client: TestClient, case: Any) -> httpx2.Response | None:
    """Send what was made up, as an admin; None for what no client can send."""
    wanted = case.as_transport_kwargs(base_url=str(client.base_url))
    data = wanted.pop("data", None)
    headers = {name: str(text) for name, text in wanted.pop("headers").items() if name.lower() != "authorization"}
    content = data if isinstance(data, bytes | str) else None
    try:
        return client.request(
            wanted["method"],
            wanted["url"],
            params=wanted.get("params"),
            headers=headers,
            json=wanted.get("json"),
            content=content,
            data=data if isinstance(data, dict) else None,
        )
    except (UnicodeError, ValueError):
        return None


@pytest.mark.timeout(0 if EXAMPLES > 6 else 120)
# Services draw their pauses at random, in a thread of their own, while requests are made up here.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
def test_no_request_is_answered_with_a_5xx(app: MaestroAPI, client: TestClient) -> None:
    """Requests made from each operation's schema, and against it, get an answer that is not the service's fault."""
    failures: dict[str, str] = {}
    answered: set[int] = set()
    for result in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
        operation = result.ok()
        if operation.label in ENDLESS or "text/event-stream" in str(
            operation.definition.raw.get("responses", {}).get("200", "")
        ):
            continue  # it answers for as long as the caller stays
        modes = [
            operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ]

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=EXAMPLES <= 6,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(*modes))
        def attack(case: Any) -> None:
            answer = sent(client, case)
            if answer is None:
                return
            answered.add(answer.status_code)
            if answer.status_code >= 500 and answer.json().get("error_code") not in AWAY:
                failures[case.operation.label] = f"{case.as_curl_command()}\n{answer.status_code} {answer.text}"

        attack()
    assert 200 in answered  # the requests get past authentication
    assert answered & {400, 404, 422}  # and some of them are refused
    assert not failures, "\n\n".join(failures.values())
