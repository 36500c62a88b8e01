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


def test_routes_added_later_are_described(app: MaestroAPI) -> None:
    """The document follows the routes, and is the same object while they stay."""
    assert app.openapi() is app.openapi()

    @app.get("/later")
    async def later() -> None: ...

    assert "default" in app.openapi()["paths"]["/later"]["get"]["responses"]


def test_title_and_version_are_the_service_s(app: MaestroAPI) -> None:
    """Title and version come from the options of the service."""
    assert (app.openapi()["info"]["title"], app.openapi()["info"]["version"]) == ("Orders", "1.0.0")
