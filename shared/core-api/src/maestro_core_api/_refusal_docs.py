"""What the OpenAPI document says of an operation's refusals: which there are, and which headers come along."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from ._access import is_public, needs_of
from ._idempotent import is_idempotent, require_idempotency_key
from ._pagination import is_paging
from ._preconditions import preconditions, require_if_match
from ._problem import MEDIA_TYPE
from ._rate_limit import RateLimit
from ._rate_limit_layer import rate_limit_of

Operation = dict[str, Any]
_PROBLEM: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}

_HEADERS: Final[dict[str, tuple[str, str, str]]] = {
    "ETag": ("string", '"7"', "Tag of the representation, for If-Match and If-None-Match."),
    "Idempotency-Replayed": ("string", "true", "There when the answer was given before."),
    "Link": (
        "string",
        '<?limit=50&cursor=…>; rel="next"',
        "Leads to the next page (RFC 8288); absent on the last one.",
    ),
    "RateLimit": ("string", '"per-caller";r=42;t=17', "r: requests that are left, t: seconds until all are."),
    "RateLimit-Policy": ("string", '"per-caller";q=100;w=60', "q: requests that are allowed, w: in how many seconds."),
    "Retry-After": ("integer", "17", "Seconds after which it is worth trying again."),
    "WWW-Authenticate": ("string", 'Bearer realm="orders", error="invalid_token"', "What is wanted (RFC 6750)."),
}
_RATE_HEADERS: Final = ("RateLimit-Policy", "RateLimit")
_RESPONSES: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "400": ("BadRequest", "A header or a cursor cannot be used; `error_code` says which.", ()),
    "401": ("Unauthorized", "No usable credential; `rule` says what is wrong with it.", ("WWW-Authenticate",)),
    "403": (
        "Forbidden",
        "A role or a scope is missing; `required_roles` or `required_scopes` names what would do.",
        (),
    ),
    "408": ("RequestTimeout", "The body came too slowly.", ()),
    "409": (
        "Conflict",
        "The request with this idempotency key is being answered, or its outcome is unknown.",
        ("Retry-After",),
    ),
    "412": (
        "PreconditionFailed",
        "It is not in the state that the request names; `current_etag` tells the state.",
        ("ETag",),
    ),
    "413": ("ContentTooLarge", "The body is larger than this service takes.", ()),
    "422": ("UnprocessableContent", "The request is not valid; `errors` lists each fault with its path.", ()),
    "428": ("PreconditionRequired", "This wants an `If-Match`.", ()),
    "429": (
        "TooManyRequests",
        "A limit is reached; `rule`, `limit` and `retry_after` say which.",
        ("Retry-After", *_RATE_HEADERS),
    ),
    "500": ("InternalError", "The service failed; its log has more under the `trace_id`.", ()),
    "504": ("TimedOut", "The request took longer than this service allows.", ()),
}


def describe_refusals(schema: dict[str, Any], routes: Sequence[BaseRoute], limits: Sequence[RateLimit]) -> None:
    """Add to an OpenAPI document, in place, how operations refuse, and the headers that they read and write.

    Args:
        schema: The document, with the schema of problems.
        routes: The application's routes.
        limits: Limits that hold for every request.
    """
    used: set[str] = set()
    schemes = [scheme for requirement in schema.get("security", ()) for scheme in requirement]
    for path, method, endpoint, dependencies in _operations(routes):
        operation = schema.get("paths", {}).get(path, {}).get(method)
        if operation is not None and "system" not in operation.get("tags", ()):
            used |= _describe(operation, method, endpoint, dependencies, limited=bool(limits), schemes=schemes)
    components = schema.setdefault("components", {})
    names = {header for status in used for header in _RESPONSES[status][2]} | {"ETag", "Idempotency-Replayed", "Link"}
    if used:
        components["headers"] = {
            name: {"description": text, "schema": {"type": kind}, "example": example}
            for name, (kind, example, text) in _HEADERS.items()
            if name in names
        }
        components["responses"] = {
            name: {"description": text, "content": _PROBLEM} | ({"headers": _references(headers)} if headers else {})
            for status, (name, text, headers) in _RESPONSES.items()
            if status in used
        }


def _describe(
    operation: Operation,
    method: str,
    endpoint: object,
    dependencies: list[Callable[..., Any]],
    *,
    limited: bool,
    schemes: Sequence[str],
) -> set[str]:
    """Describe one operation, and return which refusals it has."""
    refusals = {"500", "504"}
    if not is_public(endpoint):
        refusals.add("401")
    if operation.get("parameters") or "requestBody" in operation:
        refusals.add("422")
    if "requestBody" in operation:
        refusals |= {"408", "413"}
    refusals |= _describe_needs(operation, dependencies, schemes)
    if limited or any(rate_limit_of(dependency) for dependency in dependencies):
        refusals.add("429")
        _answer_headers(operation, *_RATE_HEADERS)
    if is_idempotent(endpoint):
        refusals |= {"400", "409", "422"}
        required = require_idempotency_key in dependencies
        _header_parameter(
            operation, "Idempotency-Key", "A UUID for each thing to do; the same one on a retry.", required=required
        )
        _answer_headers(operation, "Idempotency-Replayed")
    if any(is_paging(dependency) for dependency in dependencies):
        refusals.add("400")
        _answer_headers(operation, "Link")
    if preconditions in dependencies or require_if_match in dependencies:
        refusals |= {"400", "412"} | ({"428"} if require_if_match in dependencies else set())
        _describe_conditions(operation, method, required=require_if_match in dependencies)
    for status in refusals:
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/{_RESPONSES[status][0]}"})
    return refusals


def _describe_needs(operation: Operation, dependencies: list[Callable[..., Any]], schemes: Sequence[str]) -> set[str]:
    needs = [needs_of(dependency) for dependency in dependencies]
    scopes = sorted({scope for need in needs for scope in need.scopes})
    roles = [list(need.roles) for need in needs if need.roles]
    if scopes:
        # OpenAPI 3.1 lets schemes other than OAuth name what they need, too.
        operation["security"] = [{scheme: scopes} for scheme in schemes]
        operation["x-required-scopes"] = scopes
    if roles:
        # One of these; with several dependencies, one of those that satisfy all.
        operation["x-required-roles"] = [role for role in roles[0] if all(role in others for others in roles)]
    return {"403"} if scopes or roles else set()


def _describe_conditions(operation: Operation, method: str, *, required: bool) -> None:
    _header_parameter(operation, "If-Match", "Go on only when the current ETag is one of these.", required=required)
    _header_parameter(operation, "If-None-Match", "Go on only when the current ETag is none of these.", required=False)
    _answer_headers(operation, "ETag")
    if method in ("get", "head"):
        operation["responses"].setdefault(
            "304", {"description": "The caller has the current representation.", "headers": _references(("ETag",))}
        )


def _header_parameter(operation: Operation, name: str, description: str, *, required: bool) -> None:
    parameters = operation.setdefault("parameters", [])
    if not any(parameter.get("name", "").lower() == name.lower() for parameter in parameters):
        parameters.append(
            {
                "name": name,
                "in": "header",
                "required": required,
                "description": description,
                "schema": {"type": "string"},
            }
        )


def _answer_headers(operation: Operation, *names: str) -> None:
    for status, answer in operation["responses"].items():
        if status.startswith("2") and "$ref" not in answer:
            answer.setdefault("headers", {}).update(_references(names))


def _references(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _operations(
    routes: Sequence[BaseRoute],
) -> Iterator[tuple[str, str, Callable[..., Any] | None, list[Callable[..., Any]]]]:
    for context in iter_route_contexts(routes):
        dependant = getattr(context, "dependant", None)
        dependencies = list(_dependencies(dependant)) if isinstance(dependant, Dependant) else []
        for method in context.methods or ():
            yield context.path_format or "", method.lower(), context.endpoint, dependencies


def _dependencies(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from _dependencies(dependency)
