"""Making credentials of an authentication policy, inside the step."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._confidential import read_secret
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._oauth2 import Grant, access_token, grant_of

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "basic": ("username", "password"),
    "digest": ("username", "password"),
    "bearer": ("token",),
}
_PUBLIC = frozenset({
    "authority", "grant", "endpoints", "request", "issuers", "scopes", "audiences", "id", "authentication", "type",
})  # fmt: skip
"""What is no secret in the policies of OAuth 2 and OpenID Connect."""


@dataclass(frozen=True)
class Credentials:
    """What a server is shown."""

    scheme: str
    """"Basic", "Bearer" or "Digest"."""
    parameter: str = ""
    """What follows the scheme in the Authorization header; empty for Digest, whose header depends on the request."""
    username: str = ""
    password: str = ""
    grant: Grant | None = None
    """Where a token came from; None for one that was given."""

    @property
    def header(self) -> str:
        """The Authorization header."""
        return f"{self.scheme} {self.parameter}"

    def descriptor(self) -> dict[str, str]:
        """Return the `$authorization` argument."""
        return {"scheme": self.scheme, "parameter": self.parameter}


async def credentials(policy: Mapping[str, Any] | None, context: CallContext) -> Credentials | None:
    """Make credentials.

    Args:
        policy: One scheme with its fields, or with `use`, the secret that holds them; None for no authentication.
        context: The call.

    Returns:
        The credentials; None for no authentication.

    Raises:
        CallFault: A secret cannot be had, a field is missing, or no token could be obtained.
    """
    if not policy:
        return None
    scheme, fields = next(iter(policy.items()))
    if "use" in fields:
        fields = await _from_secret(scheme, str(fields["use"]), context)
    if scheme in {"oauth2", "oidc"}:
        grant = grant_of(scheme, fields)
        token = await access_token(grant, context)
        return Credentials("Bearer", token, grant=grant)
    values = {name: _text(scheme, name, fields.get(name)) for name in _FIELDS[scheme]}
    if scheme == "bearer":
        return Credentials("Bearer", values["token"])
    if scheme == "digest":
        return Credentials("Digest", username=values["username"], password=values["password"])
    pair = _pair(**values)
    if context.read:
        context.mask.learn(pair)
    return Credentials("Basic", pair, username=values["username"], password=values["password"])


def plain_credentials(scheme: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the `$authorization` of a basic or bearer policy that holds no secret."""
    values = {name: str(fields.get(name)) for name in _FIELDS[scheme]}
    parameter = values["token"] if scheme == "bearer" else _pair(**values)
    return Credentials("Bearer" if scheme == "bearer" else "Basic", parameter).descriptor()


def _pair(username: str, password: str) -> str:
    return b64encode(f"{username}:{password}".encode()).decode()


async def _from_secret(scheme: str, name: str, context: CallContext) -> Mapping[str, Any]:
    value = await read_secret(name, context, _PUBLIC if scheme in {"oauth2", "oidc"} else ())
    if isinstance(value, str) and scheme == "bearer":
        return {"token": value}
    if not isinstance(value, Mapping):
        wanted = ", ".join(_FIELDS.get(scheme, ("authority", "grant", "client")))
        raise CallFault(
            "configuration", f"the secret {name!r} must be a JSON object with {wanted} for {scheme} authentication"
        )
    return value


def _text(scheme: str, name: str, value: Any) -> str:
    if value is None:
        raise CallFault("configuration", f"{scheme} authentication has no {name}")
    return value if isinstance(value, str) else str(value)
