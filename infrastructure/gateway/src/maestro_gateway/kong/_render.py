"""The routes as Kong's declarative configuration."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from maestro_core_api.gateway import DeclaredRoute, GatewayRateLimit
from maestro_gateway._edge import Edge, EdgeRoute, EdgeService, Hidden
from maestro_gateway._paths import regex

from ._schema import KongDocument
from ._scripts import IDENTITY, LOCATION, access_script, lua_text, problem_text

_PERIODS: Final = {
    timedelta(seconds=1): "second",
    timedelta(minutes=1): "minute",
    timedelta(hours=1): "hour",
    timedelta(days=1): "day",
    timedelta(days=30): "month",
}
_FOR_EVER_MS: Final = 2_147_483_646
_PROBLEM: Final = "application/problem+json"
Document = dict[str, Any]


def kong_document(
    edge: Edge, *, secret: str, issuer: str = "maestro", redis: bool = False, api_key_header: str = "x-api-key"
) -> Document:
    """Render a declarative file for Kong 3.

    Args:
        edge: What the gateway knows.
        secret: The platform's shared key itself; Kong resolves no reference in this place.
        issuer: The `iss` claim of its tokens.
        redis: Whether Kong's counts are shared through Redis, which its operator configures.
        api_key_header: Header that carries API keys.

    Returns:
        The document, checked.

    Raises:
        pydantic.ValidationError: It is not what Kong knows; a fault of this package.
    """
    policy = "redis" if redis else "local"
    routes = len(edge.routes)
    services: dict[str, Document] = {}
    known = {service.name: service for service in edge.services}
    for number, route in enumerate(edge.routes):
        if isinstance(route, Hidden):
            _add(services, known[route.service], None, _hidden(route, routes - number))
            continue
        for rendered in _routes(route, routes - number, policy, api_key_header):
            _add(services, known[route.service], route.declared, rendered)
    document = {
        "_format_version": "3.0",
        "_transform": True,
        "consumers": [
            {"username": issuer, "jwt_secrets": [{"key": issuer, "algorithm": "HS256", "secret": secret}]},
        ],
        "upstreams": [_upstream(service) for service in edge.services],
        "services": list(services.values()),
        "plugins": [
            {
                "name": "correlation-id",
                "config": {"header_name": "x-request-id", "generator": "uuid", "echo_downstream": True},
            },
            {"name": "pre-function", "config": {"access": [IDENTITY]}},
        ],
    }
    KongDocument.model_validate(document)
    return document


def unequal_limits(edge: Edge) -> list[str]:
    """Tell which limits Kong cannot keep as they are declared.

    Args:
        edge: What the gateway knows.

    Returns:
        A sentence for each.
    """
    found = {}
    for route in edge.routes:
        if isinstance(route, Hidden):
            continue
        if route.declared.authentication != "jwt" and (by := _by_claim(route.declared)):
            found[f"{route.name}:{by}"] = (
                f"{route.name}: callers without a verified token are counted by address, not by {by}"
            )
        for number, limit in enumerate(route.declared.rate_limits):
            if number:
                found[f"{route.name}:{limit.rule}"] = (
                    f"{route.name}: {limit.rule} is left out; Kong asks one limit of a route"
                )
                continue
            if limit.period not in _PERIODS:
                name, count = _window(limit)
                found[f"{route.service}:{limit.rule}"] = (
                    f"{route.service}: {limit.rule} counts in {limit.period}; Kong knows no such window and allows {count} in a {name}"
                )
    return list(found.values())


def unknown_issuers(edge: Edge, *, issuer: str = "maestro") -> list[str]:
    """Tell whose tokens Kong cannot verify.

    Args:
        edge: What the gateway knows.
        issuer: The `iss` claim of the platform's tokens.

    Returns:
        A sentence; none when no route asks for a token.
    """
    if all(isinstance(route, Hidden) or route.declared.authentication == "public" for route in edge.routes):
        return []
    return [
        f"Kong accepts tokens of the issuer {issuer} alone: it fetches no keys, so that tokens of other issuers (GATEWAY_ISSUERS) answer 401"
    ]


def _add(services: dict[str, Document], service: EdgeService, declared: DeclaredRoute | None, route: Document) -> None:
    """Put a route below the service with its time limit: in Kong those belong to services."""
    timeout = None if declared is None else declared.timeout
    wait_ms = _FOR_EVER_MS if timeout is None else max(1, round(timeout / timedelta(milliseconds=1)))
    retries = 0 if declared is None else declared.retries.attempts
    name = f"{service.name}.{wait_ms}ms.{retries}"
    if name not in services:
        services[name] = {
            "name": name,
            "protocol": service.scheme,
            "host": service.name,
            "port": 80,
            "retries": retries,
            "connect_timeout": max(1, round(service.protection.connect_timeout / timedelta(milliseconds=1))),
            "read_timeout": wait_ms,
            "write_timeout": wait_ms,
            "routes": [],
            "tags": [service.name],
        }
    services[name]["routes"].append(route)


def _routes(route: EdgeRoute, priority: int, policy: str, api_key_header: str) -> Iterator[Document]:
    token = route.declared.authentication != "public"
    yield _route(route, priority, policy, token=token)
    if route.declared.authentication == "jwt-or-api-key":
        keyed = _route(route, priority, policy, token=False)
        # A route with more conditions comes first.
        yield {**keyed, "name": f"{keyed['name']}.keyed", "headers": {api_key_header: ["~*.+"]}}


def _route(route: EdgeRoute, priority: int, policy: str, *, token: bool) -> Document:
    declared = route.declared
    plugins = [_rewrite(), _size(declared)]
    if declared.cors is not None:
        plugins.append(_cors(declared))
    if token:
        plugins.append(_jwt())
    if token and (declared.roles or declared.scopes):
        plugins.append(
            {
                "name": "post-function",
                "config": {"access": [access_script(declared)], "header_filter": [_location(route)]},
            }
        )
    else:
        plugins.append({"name": "post-function", "config": {"header_filter": [_location(route)]}})
    plugins += [_limit(route, limit, policy, token=token) for limit in declared.rate_limits[:1]]
    rendered: Document = {
        "name": _name(route),
        "protocols": ["http", "https"],
        "paths": [_path(route.service, route.path, is_prefix=declared.is_prefix)],
        "regex_priority": priority,
        "strip_path": False,
        "preserve_host": False,
        "request_buffering": True,
        "response_buffering": False,
        "plugins": plugins,
        "tags": [route.service],
    }
    if declared.methods:
        extra = {"OPTIONS"} if declared.cors is not None else set()
        rendered["methods"] = sorted({*declared.methods, *extra})
    return rendered


def _hidden(hidden: Hidden, priority: int) -> Document:
    body = problem_text(404, "Not Found", "NOT_FOUND", "route-declared")
    return {
        "name": _plain(f"{hidden.service}.hidden{hidden.path}"),
        "protocols": ["http", "https"],
        "paths": [_path(hidden.service, hidden.path, is_prefix=True)],
        "regex_priority": priority,
        "strip_path": False,
        "preserve_host": False,
        "request_buffering": True,
        "response_buffering": False,
        "plugins": [
            {"name": "request-termination", "config": {"status_code": 404, "content_type": _PROBLEM, "body": body}}
        ],
        "tags": [hidden.service],
    }


def _path(service: str, path: str, *, is_prefix: bool) -> str:
    rest = regex(path, is_prefix=is_prefix).removeprefix("/" + re.escape(service))
    return f"~/{re.escape(service)}(?<rest>{rest})$"


def _rewrite() -> Document:
    return {
        "name": "request-transformer",
        "config": {"replace": {"uri": "$(uri_captures['rest'] ~= '' and uri_captures['rest'] or '/')"}},
    }


def _size(declared: DeclaredRoute) -> Document:
    size = {"allowed_payload_size": declared.max_body_bytes, "size_unit": "bytes"}
    return {"name": "request-size-limiting", "config": size}


def _jwt() -> Document:
    config = {
        "key_claim_name": "iss",
        # Kong refuses a token that lacks a claim it verifies, and the platform's have no nbf.
        "claims_to_verify": ["exp"],
        # A token in the address would end up in every log on the way.
        "uri_param_names": [],
        "header_names": ["authorization"],
        "run_on_preflight": False,
    }
    return {"name": "jwt", "config": config}


def _cors(declared: DeclaredRoute) -> Document:
    cors = declared.cors
    assert cors is not None
    return {
        "name": "cors",
        "config": {
            "origins": [_origin(origin) for origin in cors.origins],
            "methods": list(cors.methods),
            "headers": list(cors.headers),
            "exposed_headers": list(cors.exposed_headers),
            "credentials": cors.credentials,
            "max_age": int(cors.max_age.total_seconds()),
        },
    }


def _origin(origin: str) -> str:
    if origin == "*" or "*" not in origin:
        return origin
    return "^" + re.escape(origin).replace(r"\*", "[A-Za-z0-9-]+") + "$"


def _by_claim(declared: DeclaredRoute) -> str | None:
    by = declared.rate_limits[0].by if declared.rate_limits else ()
    return next((name for name in ("tenant", "subject") if name in by), None)


def _limit(route: EdgeRoute, limit: GatewayRateLimit, policy: str, *, token: bool) -> Document:
    window, count = _window(limit)
    by: Document = {"limit_by": "service"}
    if limit.by and not token:
        # Nobody has verified the claims here: whoever invents some would have a count of their own.
        by = {"limit_by": "ip"}
    elif "tenant" in limit.by:
        by = {"limit_by": "header", "header_name": "x-maestro-tenant"}
    elif "subject" in limit.by:
        by = {"limit_by": "header", "header_name": "x-maestro-subject"}
    elif "address" in limit.by:
        by = {"limit_by": "ip"}
    return {
        "name": "rate-limiting",
        "instance_name": _plain(f"{_name(route)}.{limit.rule}"),
        "config": {
            window: count,
            **by,
            "policy": policy,
            "fault_tolerant": True,
            "error_message": problem_text(429, "Too Many Requests", "TOO_MANY_REQUESTS", limit.rule),
        },
    }


def _window(limit: GatewayRateLimit) -> tuple[str, int]:
    """Return the window to count in, and how many it allows: never more than is declared."""
    if limit.period in _PERIODS:
        return _PERIODS[limit.period], limit.limit
    longer = [period for period in _PERIODS if period >= limit.period]
    if longer:
        return _PERIODS[longer[0]], limit.limit
    return "month", limit.limit


def _location(route: EdgeRoute) -> str:
    return LOCATION % lua_text(f"/{route.service}")


def _name(route: EdgeRoute) -> str:
    methods = "-".join(route.declared.methods) or "any"
    kind = "prefix" if route.declared.is_prefix else "exact"
    return _plain(f"{route.service}{route.declared.path}.{kind}.{methods}".lower())


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._~-]+", "_", text)


def _upstream(service: EdgeService) -> Document:
    protection = service.protection
    failures = min(255, protection.eject_after_failures)
    passive = {"http_failures": failures, "tcp_failures": min(3, failures), "timeouts": failures}
    shares = dict(service.shares)
    running = [endpoint.version for endpoint in service.endpoints]
    return {
        "name": service.name,
        "algorithm": "least-connections" if not shares else "round-robin",
        "healthchecks": {
            "active": {
                "type": service.scheme,
                "http_path": "/health/ready",
                "timeout": 1,
                "healthy": {"interval": 2, "successes": 1},
                "unhealthy": {"interval": 2, "http_failures": 2, "tcp_failures": 1, "timeouts": 2},
            },
            "passive": {
                "type": service.scheme,
                "healthy": {"successes": 1},
                "unhealthy": {**passive, "http_statuses": [500, 502, 503, 504]},
            },
        },
        "targets": [
            {
                "target": f"{_host(endpoint.host)}:{endpoint.port}",
                "weight": 100 if not shares else round(shares[endpoint.version] / running.count(endpoint.version)),
                "tags": [_plain(endpoint.version)],
            }
            for endpoint in service.endpoints
        ],
        "tags": [service.name],
    }


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
