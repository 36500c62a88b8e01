"""The short way to a route: an index in front of FastAPI's router, which tries one route after another.

The index only answers where the router's own choice is certain, and leaves everything else to the router itself:
paths that no route takes, other methods (405), redirects, mounts, hosts, WebSockets and routes of a kind it does not know.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import is_
from typing import Any, Final

from fastapi import routing
from fastapi.routing import APIRoute, APIRouter, APIWebSocketRoute
from starlette._utils import get_route_path
from starlette.convertors import FloatConvertor, IntegerConvertor, StringConvertor, UUIDConvertor
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from ._request_info import request_info

_ONE_SEGMENT: Final = (StringConvertor, IntegerConvertor, FloatConvertor, UUIDConvertor)
_MATCHES: Final = (Route.matches, APIRoute.matches)
_HANDLES: Final = (Route.handle, APIRoute.handle)
_MOST_KEPT: Final = 4_096
# How FastAPI keeps included routers is its own affair. A release that keeps them otherwise makes them slower here, not wrong:
# the index does not know them then, and leaves them to the router.
_INCLUDED: Final[Any] = getattr(routing, "_IncludedRouter", ())


@dataclass(frozen=True, slots=True)
class _Entry:
    """A route of the application, or one of an included router."""

    route: Any
    """What knows path, parameters and endpoint: the route, or FastAPI's context of an included one."""
    original: BaseRoute
    """The route as it was declared."""
    included_in: Any
    """The innermost included router; None for a route of the application itself."""
    handle: Callable[[Scope, Receive, Send], Any] | None
    """What answers; None stands for the route's `app`."""
    first: str | None
    """The path's first segment; None when it is a parameter."""
    segments: int | None
    """How many segments the path has; None when a parameter may take several."""
    is_api_route: bool
    """Whether it is FastAPI's kind of route, and not Starlette's."""
    certain: bool
    """Whether the index may choose it; what comes after an entry that it may not is left to the router."""

    def may_match(self, method: str, first: str | None, segments: int) -> bool:
        """Tell whether a request with such a path could belong to this entry."""
        if self.first is not None and self.first != first:
            return False
        if self.segments is not None and self.segments != segments:
            return False
        if not self.certain:
            return True
        methods = self.route.methods
        return not methods or method in methods


class RouteIndex:
    """ASGI application that takes the router's place: it finds most routes by a look-up instead of a search.

    It follows changes of the application's routes as FastAPI itself does: those of the router at the next request, those
    of included routers when they are made through their methods.

    Args:
        router: The application's router.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._known: list[BaseRoute] = []
        self._nested: list[APIRouter] = []
        self._versions: list[int] = []
        self._entries: list[_Entry] = []
        self._firsts: frozenset[str] = frozenset()
        self._literals: frozenset[str] = frozenset()
        self._literal: dict[tuple[str, str], _Entry] = {}
        self._candidates: dict[tuple[str, str | None, int], tuple[_Entry, ...]] = {}
        self._usable = (
            type(router).app is APIRouter.app
            and type(router).__call__ is APIRouter.__call__
            and router.middleware_stack == router.app
            and not router.form_limits
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        entry = self._select(scope) if self._usable and scope["type"] == "http" else None
        if entry is None:
            await self._router(scope, receive, send)
            return
        if "router" not in scope:
            scope["router"] = self._router
        await (entry.handle or entry.route.app)(scope, receive, send)

    def _select(self, scope: Scope) -> _Entry | None:
        known, routes = self._known, self._router.routes
        if (
            len(known) != len(routes)
            or not all(map(is_, known, routes))
            or (self._nested and [nested._routes_version for nested in self._nested] != self._versions)  # noqa: SLF001
        ):
            self._build()
        path: str = get_route_path(scope) if scope.get("root_path") else scope["path"]
        method: str = scope["method"]
        entry = self._literal.get((method, path))
        if entry is not None:
            return _taken(entry, scope, {})
        second = path.find("/", 1)
        first: str | None = path[1:] if second < 0 else path[1:second]
        if first not in self._firsts:
            if "\n" in path:  # a regular expression's `$` also stands before the last line break
                return None
            first = None
        key = (method, first, path.count("/"))
        candidates = self._candidates.get(key)
        if candidates is None:
            candidates = self._remember(key)
        for entry in candidates:
            if not entry.certain:
                return None
            match = entry.route.path_regex.match(path)
            if match is not None:
                path_params = match.groupdict()
                if not path_params:
                    if path in self._literals and len(self._literal) < _MOST_KEPT:
                        self._literal[method, path] = entry
                    return _taken(entry, scope, path_params)
                convertors = entry.route.param_convertors
                for name, value in path_params.items():
                    path_params[name] = convertors[name].convert(value)
                return _taken(entry, scope, path_params)
        return None

    def _remember(self, key: tuple[str, str | None, int]) -> tuple[_Entry, ...]:
        candidates = tuple(entry for entry in self._entries if entry.may_match(*key))
        if len(self._candidates) < _MOST_KEPT:  # methods and lengths are the caller's to choose
            self._candidates[key] = candidates
        return candidates

    def _build(self) -> None:
        self._nested, self._candidates, self._literal = [], {}, {}
        self._known = list(self._router.routes)
        entries = list(_entries(self._known, None, self._nested))
        self._versions = [nested._routes_version for nested in self._nested]  # noqa: SLF001 - as FastAPI does
        self._entries = entries
        self._firsts = frozenset(entry.first for entry in entries if entry.first is not None)
        self._literals = frozenset(entry.route.path_format for entry in entries if entry.certain)


def _taken(entry: _Entry, scope: Scope, path_params: dict[str, Any]) -> _Entry:
    """Put into the scope what FastAPI puts there for a route that it chose."""
    if above := scope.get("path_params"):
        path_params = {**above, **path_params}
    scope["endpoint"] = entry.route.endpoint
    scope["path_params"] = path_params
    if entry.included_in is not None:
        fastapi_scope = scope.setdefault("fastapi", {})
        fastapi_scope["included_router"] = entry.included_in
        fastapi_scope["effective_route_context"] = entry.route
    if entry.is_api_route:
        scope["route"] = entry.original
        request_info(scope).route = entry.route.path_format
    return entry


def _entries(routes: list[Any], included_in: Any, nested: list[APIRouter]) -> Iterator[_Entry]:
    for route in routes:
        if type(route) in (WebSocketRoute, APIWebSocketRoute):
            continue
        if isinstance(route, _INCLUDED) and _is_plain(route):
            nested.append(route.original_router)
            yield from _entries(route.effective_candidates(), route, nested)
            continue
        original = getattr(route, "original_route", route)
        if isinstance(original, Route) and (included_in is None or isinstance(original, APIRoute)):
            yield _entry_of(route, original, included_in)
        elif isinstance(original, WebSocketRoute):
            continue
        else:
            yield _barrier(route, original, included_in)


def _entry_of(route: Any, original: Route, included_in: Any) -> _Entry:
    first, segments = _shape(route)
    own_handle = type(original).handle not in _HANDLES
    return _Entry(
        route, original, included_in, original.handle if own_handle else None, first, segments,
        is_api_route=isinstance(original, APIRoute), certain=type(original).matches in _MATCHES,
    )  # fmt: skip


def _barrier(route: Any, original: BaseRoute, included_in: Any) -> _Entry:
    first = None
    mounted = getattr(route, "starlette_route", None) or route
    if type(mounted) is Mount:
        first, _ = _shape(mounted)
    return _Entry(route, original, included_in, None, first, None, is_api_route=False, certain=False)


def _shape(route: Any) -> tuple[str | None, int | None]:
    head = route.path_format.split("/", 2)[1] if "/" in route.path_format else "{"
    counted = all(type(convertor) in _ONE_SEGMENT for convertor in route.param_convertors.values())
    return None if "{" in head else head, route.path_format.count("/") if counted else None


def _is_plain(included: Any) -> bool:
    """Tell whether an included router chooses among its routes in FastAPI's own way, and adds nothing on the way there."""
    kind = type(included.original_router)
    return (
        type(included) is _INCLUDED
        and kind.handle is APIRouter.handle
        and kind.matches is APIRouter.matches
        and not included.include_context.form_limits
    )
