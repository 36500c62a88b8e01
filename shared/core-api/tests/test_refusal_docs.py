from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends

from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    MemoryKeyStore,
    Page,
    Paging,
    Preconditions,
    RateLimit,
    RateLimitConfig,
    idempotent,
    limit_rate,
    paging,
    preconditions,
    public,
    require_idempotency_key,
    require_if_match,
    require_role,
    require_scope,
)


@pytest.fixture
def document(app: MaestroAPI) -> dict[str, Any]:
    """The OpenAPI document of an application that uses everything once, in a router."""
    router = APIRouter(prefix="/v1")

    @router.get("/orders")
    async def orders(paging: Annotated[Paging[int], Depends(paging(int))]) -> Page[int]:
        return paging.page([], lambda item: item)

    @router.post(
        "/orders", dependencies=[Depends(require_scope("orders:write", "a")), Depends(require_role("operator"))]
    )
    @idempotent
    async def create(data: dict[str, int]) -> None: ...

    @router.post("/payments", dependencies=[Depends(require_idempotency_key)])
    @idempotent
    async def pay() -> None: ...

    @router.get("/orders/{number}")
    async def order(number: int, conditions: Annotated[Preconditions, Depends(preconditions)]) -> None: ...

    @router.put("/orders/{number}")
    async def change(number: int, conditions: Annotated[Preconditions, Depends(require_if_match)]) -> None: ...

    @router.get("/exports", dependencies=[Depends(limit_rate(RateLimit(rule="exports", limit=1)))])
    @public
    async def exports() -> None: ...

    app.include_router(router)
    return app.openapi()


def refusals(document: dict[str, Any], method: str, path: str) -> set[str]:
    """Statuses of the refusals of an operation."""
    return {status for status in document["paths"][path][method]["responses"] if status[0] in "345"}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("get", "/v1/orders", {"400", "401", "422", "500", "504"}),
        ("post", "/v1/orders", {"400", "401", "403", "408", "409", "413", "422", "500", "504"}),
        ("get", "/v1/orders/{number}", {"304", "400", "401", "412", "422", "500", "504"}),
        ("put", "/v1/orders/{number}", {"400", "401", "412", "422", "428", "500", "504"}),
        ("get", "/v1/exports", {"429", "500", "504"}),
        ("get", "/health/live", set()),
    ],
)
def test_each_operation_names_its_refusals(
    document: dict[str, Any], method: str, path: str, expected: set[str]
) -> None:
    """An operation lists the refusals that it has, and no others."""
    assert refusals(document, method, path) == expected


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Each $ref of the document has a target, and each refusal is a problem document."""

    def references(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    found = set(references(document))
    assert "#/components/responses/TooManyRequests" in found
    for reference in found:
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]


def test_headers_are_described(document: dict[str, Any]) -> None:
    """The headers that an operation reads and writes are there."""

    def headers(method: str, path: str, status: str) -> set[str]:
        return set(document["paths"][path][method]["responses"][status]["headers"])

    def parameters(method: str, path: str) -> dict[str, bool]:
        return {
            parameter["name"]: parameter["required"]
            for parameter in document["paths"][path][method]["parameters"]
            if parameter["in"] == "header"
        }

    assert headers("get", "/v1/orders", "200") == {"Link"}
    assert headers("post", "/v1/orders", "200") == {"Idempotency-Replayed"}
    assert headers("get", "/v1/exports", "200") == {"RateLimit", "RateLimit-Policy"}
    assert headers("get", "/v1/orders/{number}", "200") == headers("get", "/v1/orders/{number}", "304") == {"ETag"}
    assert parameters("post", "/v1/orders") == {"Idempotency-Key": False}
    assert parameters("post", "/v1/payments") == {"Idempotency-Key": True}
    assert parameters("put", "/v1/orders/{number}") == {"If-Match": True, "If-None-Match": False}
    assert set(document["components"]["responses"]["TooManyRequests"]["headers"]) == {
        "Retry-After",
        "RateLimit",
        "RateLimit-Policy",
    }


def test_roles_and_scopes_are_described(document: dict[str, Any]) -> None:
    """An operation tells which scopes it needs, and which roles would do."""
    operation = document["paths"]["/v1/orders"]["post"]
    assert operation["security"] == [{"bearer": ["a", "orders:write"]}]
    assert operation["x-required-scopes"] == ["a", "orders:write"]
    assert operation["x-required-roles"] == ["operator", "approver", "admin"]


def test_limits_of_the_service_hold_everywhere() -> None:
    """With a limit for the whole service, each operation but health and metrics names the 429; keys are a second scheme."""
    limits = RateLimitConfig(limits=(RateLimit(rule="all", limit=1),))
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", rate_limits=limits), key_store=MemoryKeyStore())

    @app.get("/orders")
    async def orders() -> None: ...

    document = app.openapi()
    assert refusals(document, "get", "/orders") == {"401", "429", "500", "504"}
    assert refusals(document, "get", "/metrics") == set()
    assert document["security"] == [{"bearer": []}, {"apiKey": []}]
    assert document["components"]["securitySchemes"]["apiKey"]["name"] == "X-API-Key"
