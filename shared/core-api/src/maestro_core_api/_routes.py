"""Which route a request takes: asked before routing by the guard, after it by metrics and traces."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

UNMATCHED: Final = "unmatched"


def selected_endpoint(routes: Sequence[BaseRoute], scope: Scope) -> Callable[..., Any] | None:
    """Find the endpoint that the router is going to call.

    Args:
        routes: Routes of the application.
        scope: ASGI scope of the request; it is left as it is.

    Returns:
        The endpoint, or None when no route matches or the match is a mounted application.
    """
    return selected_route(routes, scope)[1]


def selected_template(routes: Sequence[BaseRoute], scope: Scope) -> str:
    """Find the template of the route that the router is going to take.

    Args:
        routes: Routes of the application.
        scope: ASGI scope of the request; it is left as it is.

    Returns:
        The path with its parameters by name (`/runs/{id}`); `unmatched` when no route matches.
    """
    return selected_route(routes, scope)[0]


def selected_route(routes: Sequence[BaseRoute], scope: Scope) -> tuple[str, Callable[..., Any] | None]:
    """Find the route that the router is going to take.

    The choice is the router's own: the first route that matches fully, else the first that matches all but the method.

    Args:
        routes: Routes of the application.
        scope: ASGI scope of the request; it is left as it is.

    Returns:
        Its template (`unmatched` without one), and its endpoint; None when no route matches or the match is a mounted application.
    """
    partial: tuple[str, Callable[..., Any] | None] | None = None
    for candidate in iter_route_contexts(routes):
        match, child_scope = candidate.matches(dict(scope))
        if match is Match.NONE or (match is Match.PARTIAL and partial is not None):
            continue
        found = (candidate.path_format or UNMATCHED, _endpoint(child_scope))
        if match is Match.FULL:
            return found
        partial = found
    return partial or (UNMATCHED, None)


def route_template(scope: Scope) -> str:
    """Return the template of the route that a request took.

    Args:
        scope: ASGI scope after routing.

    Returns:
        The path with its parameters by name (`/runs/{id}`); `unmatched` when no route matched.
    """
    # A route of an included router knows its path without the prefix; FastAPI keeps the whole one beside it.
    included = scope.get("fastapi", {}).get("effective_route_context")
    for route in (included, scope.get("route")):
        template = getattr(route, "path_format", None)
        if isinstance(template, str):
            return template
    if "endpoint" not in scope:
        return UNMATCHED
    if mounted_at := scope.get("root_path", "").removeprefix(scope.get("app_root_path", "")):
        return f"{mounted_at}/{{path}}"
    return UNMATCHED if scope.get("path_params") else str(scope["path"])


def _endpoint(child_scope: Scope) -> Callable[..., Any] | None:
    endpoint = child_scope.get("endpoint")
    return endpoint if callable(endpoint) else None
