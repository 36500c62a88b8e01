"""Routes: which request goes to which service, and how patiently."""

from collections.abc import Iterator
from typing import Any, Final

from maestro_core_api.gateway import DeclaredRoute, GatewayRetries
from maestro_gateway._edge import Edge, EdgeRoute, EdgeService, Hidden
from maestro_gateway._paths import is_literal, regex
from maestro_gateway._settings import EdgeSettings

from ._filters import LUA
from ._names import INTERNAL_HEADERS, METADATA, ROUTES, TYPE_URLS, Resource, seconds
from ._route_options import cors_policy, filter_options, metadata_of, open_options

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may be sent twice (RFC 9110, 9.2.2)."""
_NOT_SENT: Final = "connect-failure,refused-stream,reset-before-request"
"""Failures of which it is certain that no instance has seen the request."""
_HEALTH: Final = '{"status":"ok"}'


def route_configuration(edge: Edge, settings: EdgeSettings) -> Resource:
    """Render all routes.

    Args:
        edge: What the gateway knows.
        settings: The gateway process.

    Returns:
        The RouteConfiguration. What it does not match is answered with 404.
    """
    services = {service.name: service for service in edge.services}
    rendered = [_two_hosts(), *_health()]
    for route in edge.routes:
        if isinstance(route, Hidden):
            rendered.append(_hidden(route))
        else:
            rendered += _variants(route, services[route.service], settings)
    rendered += _wrong_methods(edge)
    return {
        "@type": TYPE_URLS["routes"],
        "name": ROUTES,
        "virtual_hosts": [{"name": "edge", "domains": ["*"], "routes": rendered}],
        "request_headers_to_remove": list(INTERNAL_HEADERS),
        "response_headers_to_remove": ["x-envoy-upstream-service-time", "x-envoy-attempt-count"],
        # A cluster that is not there yet makes its routes answer 503, and does not stop all others from being updated.
        "validate_clusters": False,
        "max_direct_response_body_size_bytes": 4096,
    }


def _two_hosts() -> Resource:
    """Refuse a request with two Host fields (RFC 9112, 3.2), which Envoy has made one of, with a comma."""
    return {
        "name": "two-hosts",
        "match": {"prefix": "/", "headers": [{"name": ":authority", "string_match": {"contains": ","}}]},
        "direct_response": {"status": 400},
        "typed_per_filter_config": open_options(),
    }


def _health() -> Iterator[Resource]:
    for path in ("/health/live", "/health/ready"):
        yield {
            "name": "health",
            "match": {"path": path},
            "direct_response": {"status": 200, "body": {"inline_string": _HEALTH}},
            "response_headers_to_add": [_header("content-type", "application/json")],
            "typed_per_filter_config": open_options(),
        }


def _hidden(hidden: Hidden) -> Resource:
    return {
        "name": f"hidden:{hidden.path}",
        "match": {"path_separated_prefix": hidden.path.rstrip("/")},
        "direct_response": {"status": 404},
        "metadata": {"filter_metadata": {METADATA: {"service": hidden.service}}},
        "typed_per_filter_config": open_options(),
    }


def _variants(route: EdgeRoute, service: EdgeService, settings: EdgeSettings) -> Iterator[Resource]:
    """Render a route: once for requests that may be sent twice and once for the others, and both again for callers with an API key."""
    declared = route.declared
    if declared.cors is not None and "OPTIONS" not in declared.methods:
        yield _preflight(route, service)
    groups = [(methods, repeatable) for methods, repeatable in _method_groups(declared)]
    if declared.authentication == "jwt-or-api-key":
        key = {"name": settings.api_key_header, "present_match": True}
        for methods, repeatable in groups:
            yield _proxied(route, service, settings, methods, [key], repeatable=repeatable, token=False)
    token = declared.authentication != "public"
    for methods, repeatable in groups:
        yield _proxied(route, service, settings, methods, [], repeatable=repeatable, token=token)


def _method_groups(declared: DeclaredRoute) -> Iterator[tuple[tuple[str, ...], bool]]:
    methods = set(declared.methods)
    if not methods:
        yield tuple(sorted(_IDEMPOTENT)), True
        yield (), False
        return
    if repeatable := methods & _IDEMPOTENT:
        yield tuple(sorted(repeatable)), True
    if others := methods - _IDEMPOTENT:
        yield tuple(sorted(others)), False


def _proxied(
    route: EdgeRoute,
    service: EdgeService,
    settings: EdgeSettings,
    methods: tuple[str, ...],
    headers: list[Resource],
    *,
    repeatable: bool,
    token: bool,
) -> Resource:
    declared = route.declared
    matched = [*([_method_matcher(methods)] if methods else []), *headers]
    action: dict[str, Any] = {
        **_destination(service),
        # The service does not know what it is called at the edge.
        "regex_rewrite": {"pattern": {"regex": f"^/{service.name}/?"}, "substitution": "/"},
        # An answer may last (event streams); how long it may be silent is limited.
        "timeout": "0s",
        "idle_timeout": seconds(declared.timeout.total_seconds()) if declared.timeout else "0s",
        "retry_policy": _retry_policy(declared.retries, repeatable=repeatable),
    }
    return {
        "name": route.name,
        "match": {**_path_matcher(route), **({"headers": matched} if matched else {})},
        "route": action,
        "request_headers_to_add": [_header("x-forwarded-prefix", f"/{service.name}")],
        "metadata": {"filter_metadata": {METADATA: metadata_of(route), LUA: {"prefix": f"/{service.name}"}}},
        "typed_per_filter_config": filter_options(route, settings, token=token),
    }


def _destination(service: EdgeService) -> dict[str, Any]:
    if not service.shares:
        return {"cluster": service.name}
    weighted = [
        {
            "name": service.name,
            "weight": weight,
            "metadata_match": {"filter_metadata": {"envoy.lb": {"version": version}}},
        }
        for version, weight in service.shares
    ]
    return {"weighted_clusters": {"clusters": weighted}}


def _retry_policy(retries: GatewayRetries, *, repeatable: bool) -> Resource:
    policy: Resource = {
        "retry_on": f"{_NOT_SENT},reset,retriable-status-codes" if repeatable else _NOT_SENT,
        "num_retries": retries.attempts,
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": 3,
        "retry_back_off": {
            "base_interval": seconds(retries.base_interval.total_seconds()),
            "max_interval": seconds(retries.base_interval.total_seconds() * 10),
        },
    }
    if repeatable:
        policy["retriable_status_codes"] = list(retries.statuses)
    if retries.per_try_timeout is not None:
        policy["per_try_idle_timeout"] = seconds(retries.per_try_timeout.total_seconds())
    return policy


def _preflight(route: EdgeRoute, service: EdgeService) -> Resource:
    """Let the CORS filter answer preflights: it does so before anything is sent to the service."""
    assert route.declared.cors is not None
    return {
        "name": route.name,
        "match": {
            **_path_matcher(route),
            "headers": [
                _method_matcher(("OPTIONS",)),
                {"name": "origin", "present_match": True},
                {"name": "access-control-request-method", "present_match": True},
            ],
        },
        "route": {"cluster": service.name},
        "metadata": {"filter_metadata": {METADATA: metadata_of(route)}},
        "typed_per_filter_config": {
            **open_options(),
            "envoy.filters.http.cors": cors_policy(route.declared.cors),
        },
    }


def _wrong_methods(edge: Edge) -> Iterator[Resource]:
    """Answer 405 where only the method is wrong; these stand last, so that a wider route still gets what is its own."""
    allowed: dict[str, tuple[EdgeRoute, set[str]]] = {}
    for route in edge.routes:
        if isinstance(route, EdgeRoute) and route.declared.methods:
            key = regex(route.path, is_prefix=route.declared.is_prefix)
            allowed.setdefault(key, (route, set()))[1].update(route.declared.methods)
    for route, methods in allowed.values():
        yield {
            "name": route.name,
            "match": _path_matcher(route),
            "direct_response": {"status": 405},
            "response_headers_to_add": [_header("allow", ", ".join(sorted(methods)))],
            "metadata": {"filter_metadata": {METADATA: {"service": route.service, "route": route.name}}},
            "typed_per_filter_config": open_options(),
        }


def _path_matcher(route: EdgeRoute) -> Resource:
    declared = route.declared
    if is_literal(route.path):
        path = route.path
        return {"path_separated_prefix": path.rstrip("/")} if declared.is_prefix else {"path": path}
    return {"safe_regex": {"regex": regex(route.path, is_prefix=declared.is_prefix)}}


def _method_matcher(methods: tuple[str, ...]) -> Resource:
    match = {"exact": methods[0]} if len(methods) == 1 else {"safe_regex": {"regex": "|".join(methods)}}
    return {"name": ":method", "string_match": match}


def _header(name: str, value: str) -> Resource:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
