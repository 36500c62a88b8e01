import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field
from starlette.testclient import TestClient

from maestro_core_api import (
    APIException,
    BadGatewayException,
    ConflictException,
    ForbiddenException,
    MaestroAPI,
    NotFoundException,
    PreconditionFailedException,
    RemoteAPIException,
    ServiceUnavailableException,
    TooManyRequestsException,
    UnauthorizedException,
    ValidationException,
)
from maestro_core_logging.testing import capture_logs


class Item(BaseModel):
    name: str
    count: int = Field(gt=0)


class Order(BaseModel):
    items: list[Item]


def problem(response: Any, status: int) -> dict[str, Any]:
    """Check that an answer is a whole problem document, and return it."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert {"type", "title", "status", "instance", "error_code", "trace_id"} <= set(document)
    assert document["status"] == status
    assert len(document["trace_id"]) == 32
    return document


def raising(app: MaestroAPI, error: Exception) -> str:
    """Add an endpoint that raises, and return its path."""
    path = f"/{uuid.uuid4().hex}"

    @app.get(path)
    async def fails() -> None:
        raise error

    return path


def test_an_api_exception_becomes_a_problem(app: MaestroAPI, client: TestClient) -> None:
    """Status, code, message, detail, errors, headers and further members of an APIException are in the answer."""
    error = APIException(
        "Out of stock",
        detail="item 7 is gone",
        errors=[{"path": "body.items[7]", "message": "is gone"}],
        headers={"Retry-After": "60"},
        status_code=409,
        error_code="OUT_OF_STOCK",
        limit=3,
    )
    path = raising(app, error)
    response = client.get(path)
    document = problem(response, 409)
    assert response.headers["retry-after"] == "60"
    assert document | {"trace_id": ""} == {
        "type": "urn:maestro:error:out-of-stock",
        "title": "Out of stock",
        "status": 409,
        "detail": "item 7 is gone",
        "instance": path,
        "error_code": "OUT_OF_STOCK",
        "trace_id": "",
        "errors": [{"path": "body.items[7]", "message": "is gone"}],
        "limit": 3,
    }


def test_further_members_cannot_replace_the_standard_ones(app: MaestroAPI, client: TestClient) -> None:
    """A member named like one of the standard's own is left out."""
    assert problem(client.get(raising(app, APIException(trace_id="mine", instance="mine"))), 500)["instance"] != "mine"


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (ValidationException, 422, "VALIDATION_FAILED"),
        (UnauthorizedException, 401, "AUTH_REQUIRED"),
        (ForbiddenException, 403, "FORBIDDEN"),
        (NotFoundException, 404, "NOT_FOUND"),
        (ConflictException, 409, "CONFLICT"),
        (PreconditionFailedException, 412, "PRECONDITION_FAILED"),
        (TooManyRequestsException, 429, "RATE_LIMITED"),
        (BadGatewayException, 502, "BAD_GATEWAY"),
        (ServiceUnavailableException, 503, "SERVICE_UNAVAILABLE"),
    ],
)
def test_ready_made_exceptions(
    app: MaestroAPI, client: TestClient, kind: type[APIException], status: int, code: str
) -> None:
    """Each ready-made exception has its status and its code."""
    assert problem(client.get(raising(app, kind())), status)["error_code"] == code


def test_every_fault_of_a_request_is_listed(app: MaestroAPI, client: TestClient) -> None:
    """An invalid request is a 422 that lists each fault with its path, and never repeats what was sent."""

    @app.post("/orders")
    async def create(order: Order, limit: int = Query()) -> None: ...

    body = {"items": [{"name": "a", "count": 1}, {"count": "my-secret"}]}
    document = problem(client.post("/orders?limit=x", json=body), 422)
    assert document["error_code"] == "VALIDATION_FAILED"
    assert {item["path"] for item in document["errors"]} == {"query.limit", "body.items[1].name", "body.items[1].count"}
    assert all(item["message"] for item in document["errors"])
    assert "my-secret" not in str(document)


def test_broken_json_says_where(app: MaestroAPI, client: TestClient) -> None:
    """A body that is not JSON is a 422 that names the place."""

    @app.post("/orders")
    async def create(order: Order) -> None: ...

    response = client.post("/orders", content='{"items": [', headers={"content-type": "application/json"})
    (item,) = problem(response, 422)["errors"]
    assert item["path"] == "body"
    assert "not valid JSON at character 11" in item["message"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused(make_app: Callable[..., MaestroAPI], auth: Any, chunked: bool) -> None:
    """A body larger than max_body_bytes is a 413 problem, whether its length is announced or not."""
    app = make_app(max_body_bytes=100)

    @app.post("/orders")
    async def create(data: dict[str, str]) -> None: ...

    client = TestClient(app, headers=auth("admin"))
    assert client.post("/orders", json={"a": "x" * 50}).status_code == 200
    body = b'{"a": "' + b"x" * 200 + b'"}'
    headers = {"content-type": "application/json"}
    response = client.post("/orders", content=iter([body]) if chunked else body, headers=headers)
    document = problem(response, 413)
    assert (document["error_code"], document["detail"]) == (
        "CONTENT_TOO_LARGE",
        "the body may have at most 100 bytes",
    )


def test_an_unknown_path_is_a_problem(client: TestClient) -> None:
    """A 404 of the router is a problem document like any other."""
    document = problem(client.get("/nowhere"), 404)
    assert document["error_code"] == "NOT_FOUND"
    assert document["detail"] == "there is no GET /nowhere"


def test_a_wrong_method_is_a_problem(app: MaestroAPI, client: TestClient) -> None:
    """A 405 says which methods there are."""

    @app.get("/orders")
    async def orders() -> None: ...

    response = client.delete("/orders")
    assert problem(response, 405)["error_code"] == "METHOD_NOT_ALLOWED"
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (HTTPException(404, "no such order"), {"error_code": "NOT_FOUND", "detail": "no such order"}),
        (HTTPException(418, {"reason": "teapot"}), {"error_code": "IM_A_TEAPOT", "reason": "teapot"}),
        (HTTPException(499), {"error_code": "ERROR", "title": "Error"}),
    ],
)
def test_fastapi_s_own_exception_becomes_a_problem(
    app: MaestroAPI, client: TestClient, error: HTTPException, expected: dict[str, str]
) -> None:
    """HTTPException from other people's code gets the same shape."""
    document = problem(client.get(raising(app, error)), error.status_code)
    assert document | expected == document


def test_an_unexpected_exception_leaks_nothing_and_is_logged(app: MaestroAPI, client: TestClient) -> None:
    """Any other exception is a 500 without a word about the inside; the log has all of it under the same trace."""
    path = raising(app, KeyError("hunter2"))
    with capture_logs() as logs:
        document = problem(client.get(path), 500)
    assert document["error_code"] == "INTERNAL_ERROR"
    assert "hunter2" not in str(document)
    assert "KeyError" not in str(document)
    (line,) = [line for line in logs if line["event"] == "Unhandled exception"]
    assert "hunter2" in str(line)
    assert line["level"] == "error"
    assert line["trace_id"] == document["trace_id"]


def test_errors_in_routers_and_dependencies_are_problems_too(app: MaestroAPI, client: TestClient) -> None:
    """Endpoints of an included router answer errors in the same way."""
    router = APIRouter(prefix="/v1")

    @router.get("/orders/{number}")
    async def order(number: int) -> None:
        raise NotFoundException(detail=f"order {number}")

    app.include_router(router)
    assert problem(client.get("/v1/orders/7"), 404)["detail"] == "order 7"
    assert problem(client.get("/v1/orders/x"), 422)["errors"][0]["path"] == "path.number"


def test_a_remote_error_is_not_passed_off_as_one_s_own(app: MaestroAPI, client: TestClient) -> None:
    """A remote 404 that nobody handled is a 502 that names the remote service and its answer."""
    remote = {"title": "Service not found", "error_code": "SERVICE_NOT_FOUND", "detail": "no x"}
    error = RemoteAPIException("GET service://central-registry/services/x", status_code=404, problem=remote)
    document = problem(client.get(raising(app, error)), 502)
    assert document["error_code"] == "UPSTREAM_ERROR"
    assert document["upstream"] == {
        "target": "GET service://central-registry/services/x",
        "status": 404,
        "error_code": "SERVICE_NOT_FOUND",
    }


@pytest.mark.parametrize("accept", ["text/html", "application/json", "image/png;q=0", "*/*", "nonsense", ""])
def test_errors_have_one_shape_whatever_is_accepted(client: TestClient, accept: str) -> None:
    """An error is a problem document even for a caller that asks for something else: it is better than a 406."""
    assert problem(client.get("/nowhere", headers={"Accept": accept}), 404)["error_code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "instance"),
    [
        ("/a%20b", "/a%20b"),
        ("/%22%3E%3Cscript%3E", "/%22%3E%3Cscript%3E"),
        ("/%0d%0aSet-Cookie:%20a=b", "/%0D%0ASet-Cookie:%20a=b"),
        ("/%00", "/%00"),
        ("/%F0%9F%92%A9", "/%F0%9F%92%A9"),
        ("/a:b@c;d=e,f", "/a:b@c;d=e,f"),
    ],
)
def test_the_instance_is_a_reference(client: TestClient, path: str, instance: str) -> None:
    """The path stands in the document as a URI reference, with what no address may hold escaped (RFC 9457, 3.1.5)."""
    assert problem(client.get(path), 404)["instance"] == instance


def test_a_text_that_cannot_be_sent_does_not_break_the_answer(app: MaestroAPI, client: TestClient) -> None:
    """Half of a surrogate pair, or a value that JSON does not know, in an error is still an answer."""
    path = raising(app, ConflictException(detail="a\ud800b", broken={"at": object, "set": {1}}))
    assert problem(client.get(path), 409)["detail"] == "a?b"


def test_every_denial_counts(app: MaestroAPI, client: TestClient) -> None:
    """A rule that a service's own exception names is counted, in the answer, and bounded."""
    path = raising(app, ForbiddenException(rule="policy:four-eyes", limit=2, retry_after=30))
    document = problem(client.get(path), 403)
    assert (document["rule"], document["limit"], document["retry_after"]) == ("policy:four-eyes", 2, 30)

    @app.get("/rules/{number}")
    async def refuse(number: int) -> None:
        raise ForbiddenException(rule=f"rule-{number}")

    for number in range(300):
        client.get(f"/rules/{number}")
    lines = [
        line for line in app.metrics.exposition()[0].decode().splitlines() if line.startswith("service_denials_total{")
    ]
    assert any('rule="policy:four-eyes"' in line and line.endswith(" 1.0") for line in lines)
    assert any('rule="overflow"' in line for line in lines)
    assert len(lines) <= 201


def test_the_message_reads_well() -> None:
    """As text, an exception is its message and its detail."""
    assert str(NotFoundException()) == "Not found"
    assert str(NotFoundException("Order not found", detail="order 7")) == "Order not found: order 7"
