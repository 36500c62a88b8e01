"""What each route says to the filters: tokens, roles, limits, bodies, other origins."""

import json
import re
from typing import Any, Final

from maestro_core_api.gateway import DeclaredRoute, GatewayCORS
from maestro_gateway._edge import EdgeRoute
from maestro_gateway._settings import EdgeIssuer, EdgeSettings

from ._names import (
    ADDRESS_HEADER,
    JWT,
    LIMITS_HEADER,
    PAYLOAD,
    SUBJECT_HEADER,
    TENANT_HEADER,
    Resource,
    literal,
    typed,
)

_RBAC: Final = "envoy.filters.http.rbac"
_NO_TOKEN: Final = {JWT: typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", disabled=True)}
_TOKEN: Final = {JWT: typed("extensions.filters.http.jwt_authn.v3.PerRouteConfig", requirement_name="token")}
_UNCOUNTED: Final = {
    "envoy.filters.http.ext_authz": typed("extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", disabled=True)
}
_UNBUFFERED: Final = {
    "envoy.filters.http.buffer": typed("extensions.filters.http.buffer.v3.BufferPerRoute", disabled=True)
}
_OPEN: Final = {**_NO_TOKEN, **_UNCOUNTED, **_UNBUFFERED}


def open_options() -> Resource:
    """Return the options of what the gateway answers by itself.

    Returns:
        Filter → what it is told.
    """
    return dict(_OPEN)


def filter_options(route: EdgeRoute, settings: EdgeSettings, *, token: bool) -> Resource:
    """Return what a route tells the filters.

    Args:
        route: The route.
        settings: The gateway process.
        token: Whether callers need a token here.

    Returns:
        Filter → what it is told.
    """
    declared = route.declared
    options: Resource = dict(_TOKEN if token else _NO_TOKEN)
    if token and (declared.roles or declared.scopes):
        options[_RBAC] = _access(declared, settings)
    if declared.cors is not None:
        options["envoy.filters.http.cors"] = cors_policy(declared.cors)
    if declared.rate_limits:
        options["envoy.filters.http.header_mutation"] = _identity(route, settings)
    else:
        options |= _UNCOUNTED
    options["envoy.filters.http.buffer"] = typed(
        "extensions.filters.http.buffer.v3.BufferPerRoute", buffer={"max_request_bytes": declared.max_body_bytes}
    )
    return options


def cors_policy(cors: GatewayCORS) -> Resource:
    """Return the policy for other origins.

    Args:
        cors: What is declared.

    Returns:
        The CorsPolicy.
    """
    policy = typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[_origin(origin) for origin in cors.origins],
        allow_methods=", ".join(cors.methods),
        allow_headers=", ".join(cors.headers),
        expose_headers=", ".join(cors.exposed_headers),
        max_age=str(int(cors.max_age.total_seconds())),
        # What comes from elsewhere without being allowed to is served by nobody.
        forward_not_matching_preflights=False,
    )
    return {**policy, "allow_credentials": True} if cors.credentials else policy


def _origin(origin: str) -> Resource:
    if "*" not in origin:
        return {"exact": origin}
    pattern = ".*" if origin == "*" else re.escape(origin).replace(r"\*", "[A-Za-z0-9-]+")
    return {"safe_regex": {"regex": pattern}}


def _access(declared: DeclaredRoute, settings: EdgeSettings) -> Resource:
    rules = [_any([_by_issuer(issuer, declared, settings) for issuer in settings.issuers])]
    return typed(
        "extensions.filters.http.rbac.v3.RBACPerRoute",
        rbac={
            "rules": {
                "action": "ALLOW",
                "policies": {"declared": {"permissions": [{"any": True}], "principals": rules}},
            }
        },
    )


def _by_issuer(issuer: EdgeIssuer, declared: DeclaredRoute, settings: EdgeSettings) -> Resource:
    wanted: list[Resource] = []
    if len(settings.issuers) > 1:
        wanted.append(_claim(("iss",), {"string_match": {"exact": issuer.issuer}}))
    if declared.roles:
        enough = [role for role in declared.roles if issuer.grantable_roles is None or role in issuer.grantable_roles]
        wanted.append(_any([_holds(issuer.roles_claim, role) for role in enough]))
    wanted += [_holds((issuer.scope_claim,), scope) for scope in declared.scopes]
    return {"and_ids": {"ids": wanted}}


def _holds(path: tuple[str, ...], item: str) -> Resource:
    return _claim(path, {"list_match": {"one_of": {"string_match": {"exact": item}}}})


def _claim(path: tuple[str, ...], value: Resource) -> Resource:
    keys = [{"key": key} for key in (PAYLOAD, *path)]
    return {"sourced_metadata": {"metadata_matcher": {"filter": JWT, "path": keys, "value": value}}}


def _any(principals: list[Resource]) -> Resource:
    # Nobody at all, where there is nothing that would do.
    return {"or_ids": {"ids": principals}} if principals else {"not_id": {"any": True}}


def _identity(route: EdgeRoute, settings: EdgeSettings) -> Resource:
    """Tell the one who counts what to count, and whom."""
    limits = [
        [limit.rule, limit.limit, round(limit.period.total_seconds() * 1_000_000), limit.burst, list(limit.by)]
        for limit in route.declared.rate_limits
    ]
    spec = json.dumps({"service": route.service, "limits": limits}, separators=(",", ":"))
    values = {
        LIMITS_HEADER: literal(spec),
        SUBJECT_HEADER: f"%DYNAMIC_METADATA({JWT}:{PAYLOAD}:iss)%|%DYNAMIC_METADATA({JWT}:{PAYLOAD}:sub)%",
        TENANT_HEADER: f"%DYNAMIC_METADATA({JWT}:{PAYLOAD}:{settings.tenant_claim})%",
        ADDRESS_HEADER: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    }
    mutations = [
        {
            "append": {
                "header": {"key": name, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        }
        for name, value in values.items()
    ]
    return typed(
        "extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute", mutations={"request_mutations": mutations}
    )


def metadata_of(route: EdgeRoute) -> dict[str, Any]:
    """Return what log lines, denials and scripts want to know of a route.

    Args:
        route: The route.

    Returns:
        Plain JSON; numbers are text where they stand in a text.
    """
    declared = route.declared
    known: dict[str, Any] = {
        "service": route.service,
        "route": route.name,
        "rule": _rule(declared),
        "body_limit": declared.max_body_bytes,
    }
    if declared.roles:
        known["required_roles"] = list(declared.roles)
    if declared.scopes:
        known["required_scopes"] = list(declared.scopes)
    if declared.timeout is not None:
        known["timeout_s"] = declared.timeout.total_seconds()
    return known


def _rule(declared: DeclaredRoute) -> str:
    rules = [declared.role_rule] if declared.role_rule else []
    if declared.scopes:
        rules.append("scope:" + " ".join(declared.scopes))
    return ", ".join(rules) or "declared"
