"""Lua for what Kong's own plugins do not do: roles and scopes of a token, counting by its claims, problem documents."""

import json
from typing import Any, Final

from maestro_core_api.gateway import DeclaredRoute

# Unverified: the jwt plugin refuses a false token before anything is counted by it.
IDENTITY: Final = """
local decoder = require "kong.plugins.jwt.jwt_parser"
kong.service.request.clear_header("x-maestro-subject")
kong.service.request.clear_header("x-maestro-tenant")
local header = kong.request.get_header("authorization") or ""
local token = decoder:new(string.match(header, "^[Bb]earer%s+(.+)$") or "")
local claims = token and token.claims or {}
ngx.req.set_header("x-maestro-subject", tostring(claims.iss) .. "|" .. tostring(claims.sub or kong.client.get_forwarded_ip()))
ngx.req.set_header("x-maestro-tenant", tostring(claims.tenant or kong.client.get_forwarded_ip()))
""".strip()

LOCATION: Final = """
local location = kong.response.get_header("location")
if location and string.sub(location, 1, 1) == "/" and string.sub(location, 2, 2) ~= "/" then
  kong.response.set_header("location", %s .. location)
end
""".strip()

_ACCESS: Final = """
local cjson = require "cjson.safe"
local decoder = require "kong.plugins.jwt.jwt_parser"
local token = decoder:new(kong.ctx.shared.authenticated_jwt_token or "")
local claims = token and token.claims or {}
local function set(value)
  local found = {}
  if type(value) == "table" then for _, item in ipairs(value) do found[item] = true end end
  if type(value) == "string" then for item in string.gmatch(value, "%%S+") do found[item] = true end end
  return found
end
local roles, scopes = set(claims.roles), set(claims.scope)
local enough = %(roles)s
local wanted = %(scopes)s
local allowed = #enough == 0
for _, role in ipairs(enough) do allowed = allowed or roles[role] == true end
for _, scope in ipairs(wanted) do allowed = allowed and scopes[scope] == true end
if not allowed then
  local problem = cjson.decode(%(problem)s)
  problem.instance = kong.request.get_path()
  problem.trace_id = string.match(kong.request.get_header("traceparent") or "", "^%%x%%x%%-(%%x+)%%-")
  return kong.response.exit(403, cjson.encode(problem), { ["Content-Type"] = "application/problem+json" })
end
""".strip()


def access_script(route: DeclaredRoute) -> str:
    """Return the script that asks for roles and scopes.

    Args:
        route: The route.

    Returns:
        Lua, for the phase `access` after the plugin `jwt`.
    """
    problem = {
        "type": "urn:maestro:error:role-required",
        "title": "A role is missing",
        "status": 403,
        "detail": "the token does not name what this route asks for",
        "error_code": "ROLE_REQUIRED",
        "rule": route.role_rule or "scope:" + " ".join(route.scopes),
        "required_roles": list(route.roles),
        "required_scopes": list(route.scopes),
    }
    return _ACCESS % {
        "roles": _table(route.roles),
        "scopes": _table(route.scopes),
        "problem": lua_text(json.dumps(problem, separators=(",", ":"))),
    }


def problem_text(status: int, title: str, error_code: str, rule: str) -> str:
    """Return a problem document for what Kong answers by itself.

    Args:
        status: HTTP status.
        title: Summary.
        error_code: Stable code.
        rule: Name of the rule.

    Returns:
        JSON.
    """
    document: dict[str, Any] = {
        "type": f"urn:maestro:error:{error_code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "error_code": error_code,
        "rule": rule,
    }
    return json.dumps(document, separators=(",", ":"))


def lua_text(text: str) -> str:
    """Write a text as Lua does.

    Args:
        text: Any text.

    Returns:
        A literal in long brackets, which no text can end early.
    """
    level = 0
    while f"]{'=' * level}]" in text:
        level += 1
    return f"[{'=' * level}[{text}]{'=' * level}]"


def _table(items: tuple[str, ...]) -> str:
    return "{ " + ", ".join(map(lua_text, items)) + " }" if items else "{}"
