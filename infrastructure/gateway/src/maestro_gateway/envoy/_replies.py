"""What the gateway answers by itself: problem documents (RFC 9457) that name the rule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ._names import METADATA, TRACE_HEADER, Resource, typed

_ROUTE: Final = f"METADATA(ROUTE:{METADATA}:"
_MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class _Reply:
    when: str
    """Expression (CEL) over the response."""
    title: str
    error_code: str
    rule: str
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    """Status in place of Envoy's."""
    headers: Mapping[str, str] = field(default_factory=dict)


def _details(text: str) -> str:
    return f"response.code_details == '{text}'"


def _starts(text: str) -> str:
    return f"response.code_details.startsWith('{text}')"


_JWT: Final = "jwt_authn_access_denied{"
_LATER: Final = {"Retry-After": "1"}
_REPLIES: Final = (
    _Reply(_details(f"{_JWT}Jwt_is_missing}}"), "Authentication is required", "UNAUTHORIZED", "bearer-token-present",
           "send Authorization: Bearer with a token"),
    _Reply(_details(f"{_JWT}Jwt_is_expired}}"), "The token has expired", "TOKEN_EXPIRED", "token-not-expired",
           "get a new token"),
    _Reply(_details(f"{_JWT}Jwt_not_yet_valid}}"), "The token is not valid", "TOKEN_INVALID", "token-not-before",
           "the token is not valid yet"),
    _Reply(_details(f"{_JWT}Jwt_issuer_is_not_configured}}"), "The token is not valid", "TOKEN_INVALID", "token-issuer",
           "nobody whom the gateway trusts has issued the token"),
    _Reply(_details(f"{_JWT}Audiences_in_Jwt_are_not_allowed}}"), "The token is not valid", "TOKEN_INVALID",
           "token-audience", "the token is for somebody else", {}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'}),
    _Reply(_starts(f"{_JWT}Jwks_remote_fetch"), "Service unavailable", "ISSUER_UNAVAILABLE", "token-keys-available",
           "the keys of the token's issuer cannot be fetched now", {"retry_after": 1}, 503, _LATER),
    _Reply(_starts(_JWT), "The token is not valid", "TOKEN_INVALID", "token-signature",
           "the token is malformed, or nobody whom the gateway trusts has signed it"),
    _Reply(_starts("rbac_access_denied"), "A role is missing", "ROLE_REQUIRED", f"%{_ROUTE}rule)%",
           "the token does not name what this route asks for",
           {"required_roles": f"%{_ROUTE}required_roles)%", "required_scopes": f"%{_ROUTE}required_scopes)%"}),
    _Reply(_starts("ext_authz_error"), "Service unavailable", "RATE_LIMIT_UNAVAILABLE", "rate-limit-store-available",
           "requests cannot be counted now, and are not let through uncounted", {"retry_after": 1}, 503, _LATER),
    _Reply("response.code == 404", "Not Found", "NOT_FOUND", "route-declared", "no service has declared this path"),
    _Reply("response.code == 405", "Method Not Allowed", "METHOD_NOT_ALLOWED", "method-declared",
           "the Allow header names the methods of this path"),
    _Reply("response.code == 413", "Content Too Large", "CONTENT_TOO_LARGE", "body-limit",
           "the body has more bytes than this route takes", {"limit": f"%{_ROUTE}body_limit)%"}),
    _Reply(_starts("no_healthy_upstream"), "Service unavailable", "NO_INSTANCE", "instance-available",
           f"no instance of %{_ROUTE}service)% is there", {"retry_after": 1}, None, _LATER),
    _Reply("response.flags == 128 || response.code_details.startsWith('overflow')",
           "Service unavailable", "TOO_BUSY", "circuit-breaker",
           f"%{_ROUTE}service)% has as many requests as its gateway lets it have", {"retry_after": 1}, None, _LATER),
    _Reply("response.code == 503", "Service unavailable", "SERVICE_UNAVAILABLE", "instance-answers",
           f"the instance of %{_ROUTE}service)% could not be reached, or broke off", {"retry_after": 1}, None, _LATER),
    _Reply("response.code == 504", "Gateway Timeout", "TIMED_OUT", "timeout",
           f"%{_ROUTE}service)% did not answer in time", {"limit": f"%{_ROUTE}timeout_s)%", "retry_after": 1}, None, _LATER),
    _Reply("response.code == 431", "Request Header Fields Too Large", "REQUEST_HEADER_FIELDS_TOO_LARGE", "header-limit",
           "the head of the request is larger, or has more fields, than the gateway takes"),
    _Reply("response.code == 408", "Request Timeout", "REQUEST_TIMEOUT", "request-timeout",
           "the request came too slowly"),
    _Reply("response.code == 400", "Bad Request", "BAD_REQUEST", "well-formed-request",
           "the request is not one that everybody reads in the same way (RFC 9112)"),
)  # fmt: skip


def local_replies() -> Resource:
    """Render what is answered in place of a service.

    Returns:
        The LocalReplyConfig.
    """
    # Who counts has written a whole document; it is passed on as it is.
    counted: Resource = {
        "filter": _cel("response.code_details == 'ext_authz_denied'"),
        "body_format_override": {
            "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
            "content_type": _MEDIA_TYPE,
        },
    }
    return {
        "mappers": [counted, *map(_mapper, _REPLIES)],
        "body_format": _document(
            "The gateway answers", "GATEWAY_ERROR", "gateway", "%RESPONSE_CODE_DETAILS%", {}, None
        ),
    }


def _mapper(reply: _Reply) -> Resource:
    mapper: Resource = {
        "filter": _both("response.code >= 400", reply.when),
        "body_format_override": _document(
            reply.title, reply.error_code, reply.rule, reply.detail, reply.more, reply.status
        ),
    }
    if reply.status is not None:
        mapper["status_code"] = reply.status
    if reply.headers:
        mapper["headers_to_add"] = [
            {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for name, value in reply.headers.items()
        ]
    return mapper


def _document(
    title: str, error_code: str, rule: str, detail: str, more: Mapping[str, Any], status: int | None
) -> Resource:
    members = {
        "type": f"urn:maestro:error:{error_code.lower().replace('_', '-')}",
        "title": title,
        "status": "%RESPONSE_CODE%" if status is None else status,
        "detail": detail,
        "instance": "%PATH(NQ:ORIG_OR_PATH)%",
        "error_code": error_code,
        "trace_id": f"%REQ({TRACE_HEADER})%",
        "rule": rule,
        **more,
    }
    return {"json_format": members, "content_type": _MEDIA_TYPE, "omit_empty_values": True}


def _both(first: str, second: str) -> Resource:
    return _cel(f"{first} && ({second})")


def _cel(expression: str) -> Resource:
    return {
        "extension_filter": {
            "name": "envoy.access_loggers.extension_filters.cel",
            "typed_config": typed("extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=expression),
        }
    }
