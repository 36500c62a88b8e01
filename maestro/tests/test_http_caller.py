import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse

from maestro.config import OrchestratorConfig
from maestro.http_caller import ServiceHttpCaller
from maestro_core_api import APIConfig, MaestroAPI, NotFoundException, SecurityConfig, public
from maestro_core_api.testing import running
from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import HttpCallError, HttpRequest, Steps, load_document

SECRET = "a-secret-of-at-least-thirty-two-bytes"


def _service(name: str, registered: dict[str, str]) -> MaestroAPI:
    """A service that tells what it was sent, and, for the name's sake, a registry that knows itself."""
    app = MaestroAPI(APIConfig(title=name, service_name=name, security=SecurityConfig(jwt_secret_key=SECRET)))

    async def echo(request: Request) -> dict[str, Any]:
        return {"headers": dict(request.headers), "method": request.method, "body": (await request.body()).decode()}

    async def instances(name: str) -> Any:
        if name not in registered:
            return JSONResponse({"title": "gone", "status": 404, "error_code": "SERVICE_NOT_FOUND"}, 404)
        return {"name": name, "instances": [{"url": registered[name]}]}

    async def missing() -> None:
        raise NotFoundException(detail="no such thing")

    async def elsewhere() -> RedirectResponse:
        return RedirectResponse(f"{registered['stranger']}/echo")

    app.add_api_route("/echo", public(echo), methods=["GET", "POST"])
    app.add_api_route("/guarded", echo, methods=["POST"])
    app.add_api_route("/services/{name}", instances)
    app.add_api_route("/missing", missing)
    app.add_api_route("/elsewhere", elsewhere)
    return app


class Surroundings:
    def __init__(self, caller: ServiceHttpCaller, stranger_url: str) -> None:
        self.caller = caller
        self.stranger_url = stranger_url


@pytest.fixture
async def around() -> AsyncIterator[Surroundings]:
    """An open caller, a service that the registry knows as `echo`, and a host that it does not know."""
    registered: dict[str, str] = {}
    async with (
        running(_service("echo", registered)) as service_url,
        running(_service("stranger", registered)) as stranger_url,
    ):
        registered |= {"echo": service_url, "stranger": stranger_url, "dead": "http://127.0.0.1:9"}
        config = OrchestratorConfig.model_validate({"jwt_secret": SECRET, "registry_url": service_url})
        async with ServiceHttpCaller.for_service(config, timeout=timedelta(seconds=20)) as caller:
            yield Surroundings(caller, stranger_url)


async def _echoed(caller: ServiceHttpCaller, request: HttpRequest) -> dict[str, Any]:
    import json

    response = await caller.call(request)
    assert response.status == 200
    found: dict[str, Any] = json.loads(response.content)
    return found


async def test_a_service_is_found_and_gets_a_token(around: Surroundings) -> None:
    """A `service://` target is resolved through the registry and called with the orchestrator's own token."""
    told = await _echoed(around.caller, HttpRequest("POST", "service://echo/guarded?a=1", {"x-own": "1"}, b"body"))
    assert told["headers"]["authorization"].startswith("Bearer ")
    assert (told["headers"]["x-own"], told["body"]) == ("1", "body")


async def test_a_stranger_gets_no_token(around: Surroundings) -> None:
    """Any other host gets what the document says and nothing of ours: no token, no trace, no request id."""
    request = HttpRequest("POST", f"{around.stranger_url}/echo", {"x-own": "1"}, b"body")
    told = await _echoed(around.caller, request)
    assert not {"authorization", "traceparent", "x-request-id"} & set(told["headers"])
    assert (told["headers"]["x-own"], told["body"]) == ("1", "body")


async def test_a_redirection_does_not_carry_the_token_away(around: Surroundings) -> None:
    """A service that redirects elsewhere is not followed with the token, whatever the document asks."""
    response = await around.caller.call(HttpRequest("GET", "service://echo/elsewhere", follow_redirects=True))
    assert 300 <= response.status < 400


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_a_documents_own_authorization_wins(around: Surroundings, name: str) -> None:
    """A document that authenticates by itself does so instead of the orchestrator."""
    told = await _echoed(around.caller, HttpRequest("GET", "service://echo/echo", {name: "Basic abc"}))
    assert told["headers"]["authorization"] == "Basic abc"


async def test_an_error_answer_is_an_answer(around: Surroundings) -> None:
    """What a service answers with a status of 400 and above comes back as it is, for the document to judge."""
    response = await around.caller.call(HttpRequest("GET", "service://echo/missing"))
    assert response.status == 404
    assert b"no such thing" in response.content


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("service://nobody/x", "knows no live instance of nobody"),
        ("service://dead/x", "http://127.0.0.1:9/x"),
        ("http://127.0.0.1:9/x", "ConnectError"),
        ("service://echo:bad", "echo:bad"),
    ],
)
async def test_no_answer_is_told_as_such(around: Surroundings, url: str, told: str) -> None:
    """A service that is not registered and hosts that do not answer are errors that name the target."""
    with pytest.raises(HttpCallError, match=told):
        await around.caller.call(HttpRequest("GET", url))


async def test_a_run_is_known_by_its_id(around: Surroundings) -> None:
    """A call from a run carries the run's id as request id, and the trace of the run's start."""
    head = "document: {dsl: '1.0.3', namespace: t, name: n, version: 1.0.0}"
    text = f"{head}\ndo: [{{ask: {{call: http, with: {{method: get, endpoint: service://echo/echo}}}}}}]"
    document = load_document(text).as_workflow(Steps(http=around.caller))
    async with asyncio.timeout(20), WorkflowEngine("sqlite://", workflows=[document]) as engine:
        told = await (await engine.start(document, None, id="run-7")).result()
    assert told["headers"]["x-request-id"] == "run-7"
