"""From an application to its declaration: what the gateway is told, with the endpoints' own words as defaults."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from maestro_core_api._access import is_public, needs_of
from maestro_core_api._principal import sufficient_roles
from maestro_core_api._time_limits import time_limit_of

from ._config import METHODS, Authentication, GatewayRoute
from ._declaration import MAX_ROUTES, Declaration, DeclaredRoute
from ._paths import check_path, plain_template

if TYPE_CHECKING:
    from maestro_core_api._app import MaestroAPI

_GRACE: Final = timedelta(seconds=1)
"""How much longer the gateway waits than the service: its own 504 says more."""

_STRICTNESS: Final[dict[str, int]] = {"public": 0, "jwt-or-api-key": 1, "jwt": 2}


@dataclass(frozen=True, slots=True)
class _Endpoint:
    path: str
    methods: tuple[str, ...]
    is_public: bool
    roles: tuple[str, ...]
    role: str | None
    scopes: tuple[str, ...]
    timeout: timedelta | None
    is_prefix: bool
    """Whether it is a mounted application, which has all paths below."""

    @property
    def wants(self) -> tuple[object, ...]:
        """What is asked of callers and of time; endpoints of one path that agree are one route."""
        return self.is_public, self.roles, self.role, self.scopes, self.timeout, self.is_prefix


def declaration_of(app: "MaestroAPI") -> Declaration:
    """Work out what a service wants of the gateway.

    Args:
        app: The service, with all its routes.

    Returns:
        The declaration: the routes that it names, and its endpoints where they are not closed.

    Raises:
        ValueError: A declaration contradicts itself, or there are more than 1,000 routes.
    """
    config = app.config.gateway
    if not config.exposed:
        return Declaration(exposed=False)
    named = [_named(route, app) for route in config.routes]
    replaced = {(route.path, method) for route in named if not route.is_prefix for method in route.methods or METHODS}
    prefixes = {route.path for route in named if route.is_prefix}
    routes = list(named)
    if config.endpoints == "derived":
        for endpoint in _merged(_endpoints(app)):
            if not _is_below(endpoint.path, config.hidden) and not (endpoint.is_prefix and endpoint.path in prefixes):
                left = [method for method in endpoint.methods if (endpoint.path, method) not in replaced]
                routes += _derived(endpoint, left, named, app)
    if len(routes) > MAX_ROUTES:
        raise ValueError(
            f"{app.config.service_name} has {len(routes)} public routes; the gateway takes {MAX_ROUTES}: "
            "name prefixes in GatewayConfig(routes=…, endpoints='closed')"
        )
    return Declaration(
        routes=tuple(sorted(routes, key=lambda route: (route.path, route.is_prefix, route.methods))),
        hidden=config.hidden,
        weights=config.weights,
        protection=config.protection,
    )


def _named(route: GatewayRoute, app: "MaestroAPI") -> DeclaredRoute:
    config = app.config.gateway
    enough = sorted({role for wanted in route.roles for role in sufficient_roles(wanted)})
    return DeclaredRoute(
        path=route.path,
        is_prefix=route.match == "prefix",
        methods=route.methods,
        authentication=route.authentication,
        roles=tuple(enough),
        role_rule="role:" + "|".join(route.roles) if route.roles else None,
        scopes=route.scopes,
        rate_limits=config.rate_limits if route.rate_limits is None else route.rate_limits,
        timeout=route.timeout or config.timeout or _patient(app.config.limits.request_timeout),
        retries=route.retries or config.retries,
        cors=route.cors or config.cors,
        max_body_bytes=route.max_body_bytes or config.max_body_bytes or app.config.max_body_bytes,
    )


def _derived(
    endpoint: _Endpoint, methods: Sequence[str], named: Sequence[DeclaredRoute], app: "MaestroAPI"
) -> Iterator[DeclaredRoute]:
    """Declare an endpoint: once, or once for the methods below each prefix that is named."""
    groups: dict[DeclaredRoute | None, list[str]] = {}
    for method in methods:
        groups.setdefault(_prefix_above(endpoint.path, method, named), []).append(method)
    for above, some in groups.items():
        alone = _alone(endpoint, tuple(some), app)
        yield alone if above is None else _below(alone, above)


def _alone(endpoint: _Endpoint, methods: tuple[str, ...], app: "MaestroAPI") -> DeclaredRoute:
    config = app.config.gateway
    keys = app.authenticator.api_key_header is not None
    authentication: Authentication = "public" if endpoint.is_public else "jwt-or-api-key" if keys else "jwt"
    return DeclaredRoute(
        path=endpoint.path,
        is_prefix=endpoint.is_prefix,
        methods=() if endpoint.is_prefix else methods,
        authentication=authentication,
        roles=endpoint.roles,
        role_rule=None if endpoint.role is None else f"role:{endpoint.role}",
        scopes=endpoint.scopes,
        rate_limits=config.rate_limits,
        timeout=config.timeout or _patient(endpoint.timeout),
        retries=config.retries,
        cors=config.cors,
        max_body_bytes=config.max_body_bytes or app.config.max_body_bytes,
    )


def _below(endpoint: DeclaredRoute, prefix: DeclaredRoute) -> DeclaredRoute:
    """Give an endpoint what is said of the prefix above it; of who may call, the stricter word holds."""
    asks = max(endpoint.authentication, prefix.authentication, key=_STRICTNESS.__getitem__)
    both = [route for route in (endpoint, prefix) if route.roles]
    enough = tuple(role for role in both[0].roles if all(role in route.roles for route in both)) if both else ()
    rule = both[0].role_rule if len(both) == 1 else f"role:{enough[0]}" if enough else None
    return prefix.model_copy(
        update={
            "path": endpoint.path,
            "is_prefix": endpoint.is_prefix,
            "methods": endpoint.methods,
            "authentication": asks,
            "roles": enough,
            "role_rule": rule,
            "scopes": tuple(sorted({*endpoint.scopes, *prefix.scopes})),
        }
    )


def _prefix_above(path: str, method: str, named: Sequence[DeclaredRoute]) -> DeclaredRoute | None:
    """Find the longest prefix that is named and has the path and the method."""
    segments = path.strip("/").split("/")
    found: tuple[int, DeclaredRoute] | None = None
    for route in named:
        if not route.is_prefix or (route.methods and method not in route.methods):
            continue
        wanted = [segment for segment in route.path.split("/") if segment]
        fits = len(wanted) <= len(segments) and all(
            want == have or want.startswith("{") for want, have in zip(wanted, segments, strict=False)
        )
        if fits and (found is None or len(wanted) > found[0]):
            found = len(wanted), route
    return None if found is None else found[1]


def _patient(limit: timedelta | None) -> timedelta | None:
    return None if limit is None else limit + _GRACE


def _endpoints(app: "MaestroAPI") -> Iterator[_Endpoint]:
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        needs = [needs_of(call) for call in _calls(dependant)] if isinstance(dependant, Dependant) else []
        roles = [need.roles for need in needs if need.roles]
        # `path_format` would leave out that a parameter takes several segments.
        mounted = isinstance(context.route, Mount)
        path = plain_template(str(context.path or ("/" if mounted else context.path_format)))
        try:
            check_path(path)
        except ValueError:
            continue  # no gateway could tell it apart; a route with a prefix can name it
        public = is_public(context.endpoint)
        # Of several dependencies each must be satisfied; the rule is named after the least of the roles that do.
        enough = () if public or not roles else tuple(r for r in roles[0] if all(r in others for others in roles))
        yield _Endpoint(
            path=path,
            # A route without methods is a WebSocket, which begins as a GET.
            methods=tuple(sorted(METHODS if mounted else METHODS.intersection(context.methods or {"GET"}))),
            is_public=public,
            roles=enough,
            role=enough[0] if enough else None,
            scopes=() if public else tuple(sorted({scope for need in needs for scope in need.scopes})),
            timeout=time_limit_of(context.endpoint, app.config.limits.request_timeout),
            is_prefix=mounted,
        )


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    for dependency in dependant.dependencies:
        if dependency.call is not None:
            yield dependency.call
        yield from _calls(dependency)


def _merged(endpoints: Iterator[_Endpoint]) -> Iterator[_Endpoint]:
    """Make one of endpoints that share a path and ask the same; the first one that has a method of a path keeps it, as in the router."""
    seen: set[tuple[str, str]] = set()
    groups: dict[tuple[object, ...], tuple[_Endpoint, set[str]]] = {}
    for endpoint in endpoints:
        methods = {method for method in endpoint.methods if (endpoint.path, method) not in seen}
        seen |= {(endpoint.path, method) for method in methods}
        if methods:
            groups.setdefault((endpoint.path, *endpoint.wants), (endpoint, set()))[1].update(methods)
    for endpoint, methods in groups.values():
        together = {*methods, "HEAD"} if "GET" in methods else methods
        yield _Endpoint(endpoint.path, tuple(sorted(together)), *endpoint.wants)  # type: ignore[arg-type]  # in the fields' order


def _is_below(path: str, hidden: Sequence[str]) -> bool:
    return any(path == prefix or path.startswith(prefix.rstrip("/") + "/") for prefix in hidden)
