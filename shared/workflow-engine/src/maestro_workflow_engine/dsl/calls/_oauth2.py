"""Access tokens from an OAuth 2 authority (RFC 6749, 7523, 8693) or an OpenID provider (Discovery 1.0)."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from maestro_workflow_engine.dsl._http import HttpCallError, HttpRequest, HttpResponse
from maestro_workflow_engine.dsl.calls._assertions import secret_assertion
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._tokens import Token, lasting

WELL_KNOWN = "/.well-known/openid-configuration"
GRANTS = (
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
CLIENT_AUTHENTICATIONS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none")
_DEFAULTS = {"token": "/oauth2/token", "revocation": "/oauth2/revoke", "introspection": "/oauth2/introspect"}
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Grant:
    """What a token is asked for with."""

    authority: str
    type: str
    discovers: bool
    """Whether endpoints come from the authority's discovery document."""
    fields: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)

    @property
    def key(self) -> str:
        """What tells one token from another, without the secrets in it."""
        whole = json.dumps([self.authority, self.type, self.discovers, self.fields], sort_keys=True, default=str)
        return hashlib.sha256(whole.encode()).hexdigest()


def grant_of(scheme: str, fields: Mapping[str, Any]) -> Grant:
    """Read the fields of an `oauth2` or `oidc` policy.

    Raises:
        CallFault: Authority or grant are missing or not known: the standard error "configuration".
    """
    authority, kind = fields.get("authority"), fields.get("grant")
    if not isinstance(authority, str) or not authority:
        raise CallFault("configuration", f"{scheme} authentication names no authority")
    if kind not in GRANTS:
        raise CallFault(
            "configuration", f"{scheme} authentication has no grant {kind!r}; there are {', '.join(GRANTS)}"
        )
    return Grant(authority.rstrip("/"), str(kind), scheme == "oidc" or "/.well-known/" in authority, fields)


async def access_token(grant: Grant, context: CallContext) -> str:
    """Get an access token, from memory as long as it lasts.

    Args:
        grant: What it is asked for with.
        context: The call.

    Returns:
        The token; it is masked from now on.

    Raises:
        CallFault: There is none: the standard error "authentication", "configuration" or "communication".
    """

    async def obtain(refresh: str | None) -> Token:
        endpoints = await _endpoints(grant, context)
        if refresh is not None:
            try:
                return await _request(
                    grant, {"grant_type": "refresh_token", "refresh_token": refresh}, endpoints, context
                )
            except CallFault as fault:
                if fault.kind != "authentication" or grant.type in {"authorization_code", "refresh_token"}:
                    raise
        return await _request(grant, _parameters(grant), endpoints, context)

    token = await context.shared.tokens.get(grant.key, obtain)
    context.mask.learn([token.value, token.refresh])
    return token.value


def _parameters(grant: Grant) -> dict[str, Any]:
    fields, parameters = grant.fields, {"grant_type": grant.type}
    subject, actor = fields.get("subject") or {}, fields.get("actor") or {}
    if grant.type == "password":
        parameters |= {"username": _needed(fields, "username"), "password": _needed(fields, "password")}
    elif grant.type == "refresh_token":
        parameters["refresh_token"] = _needed(subject, "token", "subject.")
    elif grant.type == "authorization_code":
        parameters["code"] = _needed(subject, "token", "subject.")
    elif grant.type.endswith(":token-exchange"):
        parameters |= {
            "subject_token": _needed(subject, "token", "subject."),
            "subject_token_type": _needed(subject, "type", "subject."),
        }
        if actor:
            parameters |= {
                "actor_token": _needed(actor, "token", "actor."),
                "actor_token_type": _needed(actor, "type", "actor."),
            }
    return parameters


async def _request(
    grant: Grant, parameters: Mapping[str, Any], endpoints: Mapping[str, str], context: CallContext
) -> Token:
    scopes, audiences = list(grant.fields.get("scopes") or []), list(grant.fields.get("audiences") or [])
    if scopes:
        parameters = {**parameters, "scope": " ".join(map(str, scopes))}
    if audiences:
        parameters = {**parameters, "audience": audiences if len(audiences) > 1 else audiences[0]}
    address = endpoints["token"]
    response = await _post(grant, address, parameters, context)
    answer = _object(response)
    if response.status != 200 or not isinstance(answer.get("access_token"), str):
        reason = ": ".join(str(answer[name]) for name in ("error", "error_description") if answer.get(name))
        raise CallFault(
            "authentication" if response.status < 500 else "communication",
            f"no token from {address}, which answered {response.status} {response.reason}".rstrip()
            + (f": {reason}" if reason else ""),
            status=401 if response.status < 500 else response.status,
        )
    lifetime = answer.get("expires_in")
    try:
        expires_in = None if lifetime is None else float(lifetime)
    except (TypeError, ValueError):
        expires_in = None
    token = Token(answer["access_token"], lasting(expires_in), answer.get("refresh_token"))
    await _check_issuer(grant, token.value, endpoints, context)
    return token


async def _post(grant: Grant, address: str, parameters: Mapping[str, Any], context: CallContext) -> HttpResponse:
    headers = {"accept": "application/json"}
    form = {**parameters, **_client(grant, address, headers)}
    encoding = (grant.fields.get("request") or {}).get("encoding", "application/x-www-form-urlencoded")
    headers["content-type"] = encoding
    body = json.dumps(form).encode() if encoding == "application/json" else urlencode(form, doseq=True).encode()
    try:
        return await context.http.call(HttpRequest("POST", address, headers, body))
    except HttpCallError as error:
        raise CallFault("communication", f"POST {address} got no answer: {error}") from None


def _client(grant: Grant, address: str, headers: dict[str, str]) -> dict[str, str]:
    """Return what authenticates the client in the form; the header for client_secret_basic is added to the headers."""
    client = grant.fields.get("client") or {}
    method = client.get("authentication", "client_secret_post" if client else "none")
    if method not in CLIENT_AUTHENTICATIONS:
        raise CallFault("configuration", f"there is no client authentication {method!r}")
    if method == "none":
        return {"client_id": str(client["id"])} if client.get("id") else {}
    name = _needed(client, "id", "client.")
    if method == "client_secret_basic":
        pair = f"{quote(name, safe='')}:{quote(_needed(client, 'secret', 'client.'), safe='')}"
        headers["authorization"] = "Basic " + b64encode(pair.encode()).decode()
        return {}
    if method == "client_secret_post":
        secret = client.get("secret")
        return {"client_id": name} if secret is None else {"client_id": name, "client_secret": str(secret)}
    if method == "client_secret_jwt" and not client.get("assertion"):
        assertion = secret_assertion(name, _needed(client, "secret", "client."), address)
    else:
        assertion = _needed(client, "assertion", "client.")
    return {"client_id": name, "client_assertion_type": _ASSERTION, "client_assertion": assertion}


async def _endpoints(grant: Grant, context: CallContext) -> Mapping[str, str]:
    if not grant.discovers:
        given = {**_DEFAULTS, **(grant.fields.get("endpoints") or {})}
        return {
            name: path if urlsplit(path).scheme else f"{grant.authority}/{path.lstrip('/')}"
            for name, path in given.items()
        }
    address = grant.authority if "/.well-known/" in grant.authority else grant.authority + WELL_KNOWN
    known: Mapping[str, str] | None = context.shared.documents.get(("oidc", address))
    if known is None:
        try:
            response = await context.http.call(
                HttpRequest("GET", address, {"accept": "application/json"}, follow_redirects=True)
            )
        except HttpCallError as error:
            raise CallFault("communication", f"GET {address} got no answer: {error}") from None
        document = _object(response)
        if response.status != 200 or not isinstance(document.get("token_endpoint"), str):
            raise CallFault(
                "communication", f"{address} answered {response.status} and no discovery document with a token_endpoint"
            )
        known = {
            name: document[f"{name}_endpoint"]
            for name in _DEFAULTS
            if isinstance(document.get(f"{name}_endpoint"), str)
        }
        context.shared.documents.put(("oidc", address), known)
    return known


async def _check_issuer(grant: Grant, token: str, endpoints: Mapping[str, str], context: CallContext) -> None:
    """Refuse a token of an issuer that is not among those listed; an opaque token is introspected (RFC 7662)."""
    issuers = list(grant.fields.get("issuers") or [])
    if not issuers:
        return
    claims = _claims(token)
    if claims is None and "introspection" in endpoints:
        response = await _post(grant, endpoints["introspection"], {"token": token}, context)
        claims = _object(response) if response.status == 200 else None
    issuer = (claims or {}).get("iss")
    if issuer not in issuers:
        told = "says not who issued it" if issuer is None else f"was issued by {issuer}"
        raise CallFault(
            "authentication", f"the token from {endpoints['token']} {told}; accepted is {', '.join(map(str, issuers))}"
        )


def _claims(token: str) -> dict[str, Any] | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        found = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _object(response: HttpResponse) -> dict[str, Any]:
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _needed(fields: Mapping[str, Any], name: str, prefix: str = "") -> str:
    value = fields.get(name)
    if value is None or value == "":
        raise CallFault("configuration", f"the token request needs {prefix}{name}")
    return str(value)
