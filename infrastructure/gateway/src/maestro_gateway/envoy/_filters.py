"""The filters that each request goes through, in their order."""

import base64
import hashlib
import json
from typing import Any, Final

from maestro_gateway._settings import EdgeIssuer, EdgeSettings

from ._names import (
    ADDRESS_HEADER,
    JWT,
    LIMITS,
    LIMITS_HEADER,
    PAYLOAD,
    SUBJECT_HEADER,
    TENANT_HEADER,
    TRACE_HEADER,
    Resource,
    seconds,
    typed,
)

_COUNTED_HEADERS: Final = (LIMITS_HEADER, SUBJECT_HEADER, TENANT_HEADER, ADDRESS_HEADER, TRACE_HEADER)
_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
LUA: Final = "envoy.filters.http.lua"
_NOWHERE: Final = "maestro-nowhere"

# A service names places from its own root; at the edge its name is in front of them.
_LOCATIONS: Final = """
function envoy_on_response(handle)
  local location = handle:headers():get("location")
  if location and string.sub(location, 1, 1) == "/" and string.sub(location, 2, 2) ~= "/" then
    local route = handle:metadata():get("prefix")
    if route then handle:headers():replace("location", route .. location) end
  end
end
""".strip()


def http_filters(settings: EdgeSettings, *, buffered: bool = True) -> list[Resource]:
    """Render the filters.

    Args:
        settings: The gateway process.
        buffered: Whether bodies are read whole, and so limited; what is upgraded to another protocol has none.

    Returns:
        The filters, the router last.
    """
    chain = [
        _filter("maestro.trace", _trace()),
        _filter("envoy.filters.http.cors", typed("extensions.filters.http.cors.v3.Cors")),
        _filter(JWT, _jwt(settings)),
        _filter("envoy.filters.http.rbac", typed("extensions.filters.http.rbac.v3.RBAC")),
        _filter(
            "envoy.filters.http.header_mutation", typed("extensions.filters.http.header_mutation.v3.HeaderMutation")
        ),
        _filter("envoy.filters.http.ext_authz", _limits(settings)),
    ]
    if buffered:
        buffer = typed("extensions.filters.http.buffer.v3.Buffer", max_request_bytes=_MAX_BODY_BYTES)
        chain.append(_filter("envoy.filters.http.buffer", buffer))
    lua = typed("extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": _LOCATIONS})
    chain.append(_filter(LUA, lua))
    router = typed("extensions.filters.http.router.v3.Router")
    return [*chain, _filter("envoy.filters.http.router", router)]


def _filter(name: str, config: Resource) -> Resource:
    return {"name": name, "typed_config": config}


def _trace() -> Resource:
    """Keep the trace id among the headers: what is answered in place of a service cannot see it otherwise."""
    trace = {"header": {"key": TRACE_HEADER, "value": "%TRACE_ID%"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return typed(
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": [{"append": trace}]},
    )


def _jwt(settings: EdgeSettings) -> Resource:
    providers = {issuer.name: _provider(issuer, settings) for issuer in settings.issuers}
    names = list(providers)
    if not names:
        # Somebody must be named, with a key: this one's is a hash, to which nobody knows a private half.
        point = base64.urlsafe_b64encode(hashlib.sha256(_NOWHERE.encode()).digest()).decode().rstrip("=")
        keys = {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": _NOWHERE, "x": point}]}
        providers[_NOWHERE] = {"issuer": _NOWHERE, "local_jwks": {"inline_string": json.dumps(keys)}}
        names = [_NOWHERE]
    needs: list[Resource] = [{"provider_name": name} for name in names]
    return typed(
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers=providers,
        requirement_map={"token": needs[0] if len(needs) == 1 else {"requires_any": {"requirements": needs}}},
    )


def _provider(issuer: EdgeIssuer, settings: EdgeSettings) -> Resource:
    provider: Resource = {
        "issuer": issuer.issuer,
        "forward": True,
        "payload_in_metadata": PAYLOAD,
        "normalize_payload_in_metadata": {"space_delimited_claims": [issuer.scope_claim]},
        "clock_skew_seconds": settings.leeway_s,
        "require_expiration": True,
        # A token in the address would end up in every log on the way.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
    }
    if issuer.audiences:
        provider["audiences"] = list(issuer.audiences)
    if issuer.jwks_file is not None:
        provider["local_jwks"] = {"filename": issuer.jwks_file}
    else:
        provider["remote_jwks"] = {
            "http_uri": {"uri": issuer.jwks_url, "cluster": issuer.jwks_cluster, "timeout": "5s"},
            "cache_duration": "600s",
            "async_fetch": {"fast_listener": True, "failed_refetch_duration": "1s"},
            "retry_policy": {"num_retries": 2},
        }
    return provider


def _limits(settings: EdgeSettings) -> Resource:
    def exactly(*names: str) -> dict[str, Any]:
        return {"patterns": [{"exact": name} for name in names]}

    return typed(
        "extensions.filters.http.ext_authz.v3.ExtAuthz",
        http_service={
            "server_uri": {
                "uri": "http://maestro.limits",
                "cluster": LIMITS,
                "timeout": seconds(settings.limits_timeout_s),
            },
            "path_prefix": "/take",
            "authorization_response": {
                "allowed_client_headers_on_success": exactly("ratelimit", "ratelimit-policy"),
                "allowed_client_headers": exactly("ratelimit", "ratelimit-policy", "retry-after", "content-type"),
            },
        },
        allowed_headers=exactly(*_COUNTED_HEADERS),
        failure_mode_allow=False,
        status_on_error={"code": "ServiceUnavailable"},
    )
