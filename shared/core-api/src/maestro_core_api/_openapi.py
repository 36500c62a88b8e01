"""What the OpenAPI document says beyond FastAPI's own: the token, and the shape of errors."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from ._access import is_public
from ._problem import MEDIA_TYPE, ProblemDetails

_SCHEME: Final = "bearer"
_FASTAPIS_422: Final = {
    "description": "Validation Error",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HTTPValidationError"}}},
}


def extend_openapi(schema: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Add the bearer scheme and the problem schema to an OpenAPI document, in place.

    Args:
        schema: The document as FastAPI made it.
        routes: The application's routes.
    """
    components = schema.setdefault("components", {})
    components.setdefault("securitySchemes", {})[_SCHEME] = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Token with the claims sub, iss, exp, iat, roles and scope.",
    }
    problem = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDetails"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schema["security"] = [{_SCHEME: []}]
    answer = {
        "description": "Error (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    open_operations = _public_operations(routes)
    for path, operations in schema.get("paths", {}).items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if responses.get("422") == _FASTAPIS_422:
                del responses["422"]  # how a request is refused is described for all operations alike
            if (path, method) in open_operations:
                operation["security"] = []
            responses.setdefault("default", answer)


def _public_operations(routes: Sequence[BaseRoute]) -> set[tuple[str, str]]:
    return {
        (context.path_format or "", method.lower())
        for context in iter_route_contexts(routes)
        if is_public(context.endpoint)
        for method in context.methods or ()
    }
