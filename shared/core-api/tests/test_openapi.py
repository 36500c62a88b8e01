from typing import Any

import pytest
from fastapi import APIRouter

from maestro_core_api import MaestroAPI, public


@pytest.fixture
def schema(app: MaestroAPI) -> dict[str, Any]:
    """The OpenAPI document of an application with a protected and two public operations."""
    router = APIRouter(prefix="/v1")

    @app.post("/orders")
    async def create(data: dict[str, int]) -> None: ...

    @app.get("/orders")
    @public
    async def orders() -> None: ...

    @router.get("/about/{name}")
    @public
    async def about(name: str) -> None: ...

    app.include_router(router)
    return app.openapi()


def test_the_bearer_scheme_is_required_by_default(schema: dict[str, Any]) -> None:
    """The document asks for a bearer token everywhere but at public operations."""
    assert schema["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert schema["security"] == [{"bearer": []}]
    assert "security" not in schema["paths"]["/orders"]["post"]
    for path in ("/orders", "/v1/about/{name}", "/health/live", "/health/ready", "/metrics"):
        assert schema["paths"][path]["get"]["security"] == []


def test_errors_are_problem_documents(schema: dict[str, Any]) -> None:
    """Every operation names the problem schema for its errors, and FastAPI's own error schema is gone."""
    schemas = schema["components"]["schemas"]
    assert {"ProblemDetails", "ProblemItem"} <= set(schemas)
    assert "HTTPValidationError" not in schemas
    assert "HTTPValidationError" not in str(schema["paths"])
    for operations in schema["paths"].values():
        for operation in operations.values():
            content = operation["responses"]["default"]["content"]
            assert content["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/ProblemDetails"


def test_every_operation_names_the_refusals_that_it_may_answer_with(schema: dict[str, Any]) -> None:
    """Tokens, bodies and parameters have refusals of their own, which name the problem schema; the document is OpenAPI 3.1."""
    assert schema["openapi"].startswith("3.1")
    refusals = {
        (path, method): {status for status in operation["responses"] if status >= "400"} - {"default"}
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    }
    assert refusals["/orders", "post"] == {"401", "408", "413", "422", "500", "504"}
    assert refusals["/orders", "get"] == {"500", "504"}
    assert refusals["/v1/about/{name}", "get"] == {"422", "500", "504"}
    for response in schema["components"]["responses"].values():
        assert (
            response["content"]["application/problem+json"]["schema"]["$ref"] == "#/components/schemas/ProblemDetails"
        )


def test_a_refusal_that_a_route_describes_itself_stays(app: MaestroAPI) -> None:
    """What a route says of its own answers is not replaced."""

    @app.post("/own", responses={422: {"description": "Mine"}, 403: {"description": "Mine, too"}})
    async def own(data: dict[str, int]) -> None: ...

    responses = app.openapi()["paths"]["/own"]["post"]["responses"]
    assert (responses["422"]["description"], responses["403"]["description"]) == ("Mine", "Mine, too")


def test_routes_added_later_are_described(app: MaestroAPI) -> None:
    """The document follows the routes, and is the same object while they stay."""
    assert app.openapi() is app.openapi()

    @app.get("/later")
    async def later() -> None: ...

    assert "default" in app.openapi()["paths"]["/later"]["get"]["responses"]


def test_title_and_version_are_the_service_s(app: MaestroAPI) -> None:
    """Title and version come from the options of the service."""
    assert (app.openapi()["info"]["title"], app.openapi()["info"]["version"]) == ("Orders", "1.0.0")
