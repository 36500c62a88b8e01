"""What the claims of a token must say (RFC 7519, 4.1), and the caller that they describe. Rules only: no keys, no HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ._compact_token import TokenRefusedError
from ._principal import Principal

_MAX_SUBJECT: Final = 256
_MAX_ITEMS: Final = 256
_LATEST: Final = 2**53
"""Latest time that every JSON reader agrees on, in seconds since 1970."""


class TokenExpiredError(TokenRefusedError):
    """A token whose time is over.

    Args:
        expired_at: Its `exp`, in seconds since 1970.
    """

    def __init__(self, expired_at: float) -> None:
        super().__init__("the token has expired", "token-not-expired")
        self.expired_at = expired_at


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What one issuer's tokens must say."""

    issuer: str
    """The `iss` claim."""
    audience: str | None = None
    """A member of the `aud` claim; None requires none."""
    leeway_s: float = 30.0
    """How far clocks may differ."""
    roles_claim: str = "roles"
    """Where the roles are."""
    scope_claim: str = "scope"
    """Where the scopes are."""
    grantable_roles: frozenset[str] | None = None
    """Roles that may be given; None allows any."""
    tenant_claim: str | None = "tenant"
    """Where the tenant is; None: these tokens speak for no tenant."""


def accepted(claims: Mapping[str, Any], rules: ClaimRules, now: float) -> tuple[Principal, float]:
    """Check claims.

    Args:
        claims: Claims of a token whose signature is good.
        rules: What they must say.
        now: The time, in seconds since 1970.

    Returns:
        Whom the token speaks for, and its `exp`.

    Raises:
        TokenRefusedError: They do not say what they must.
    """
    if claims.get("iss") != rules.issuer:
        raise TokenRefusedError("the 'iss' of the token is not the one expected", "token-issuer")
    if rules.audience is not None:
        _check_audience(claims.get("aud"), rules.audience)
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    if expires <= now - rules.leeway_s:
        raise TokenExpiredError(expires)
    if issued > now + rules.leeway_s:
        raise TokenRefusedError("the token was issued in the future: its 'iat' has not come yet", "token-not-before")
    if "nbf" in claims and _time(claims, "nbf") > now + rules.leeway_s:
        raise TokenRefusedError("the token is not valid yet: its 'nbf' has not come yet", "token-not-before")
    token_id = claims.get("jti")
    tenant = None if rules.tenant_claim is None else _found(claims, rules.tenant_claim)
    principal = Principal(
        _text(claims.get("sub"), "sub"),
        _roles(claims, rules),
        _scopes(_found(claims, rules.scope_claim), rules.scope_claim),
        issuer=rules.issuer,
        token_id=None if token_id is None else _text(token_id, "jti"),
        tenant=None if tenant is None else _text(tenant, rules.tenant_claim or ""),
    )
    return principal, expires


def _check_audience(given: object, wanted: str) -> None:
    audiences = given if isinstance(given, list) else [given]
    if wanted not in audiences:
        raise TokenRefusedError("the token is for another audience: its 'aud' does not name this one", "token-audience")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise _wrong(name, "a number of seconds since 1970")
    return value


def _roles(claims: Mapping[str, Any], rules: ClaimRules) -> frozenset[str]:
    value = _found(claims, rules.roles_claim)
    roles = frozenset(_texts([] if value is None else value, rules.roles_claim))
    return roles if rules.grantable_roles is None else roles & rules.grantable_roles


def _scopes(value: object, name: str) -> frozenset[str]:
    # RFC 8693, 4.2 writes text; some issuers write a list where the claim has another name ("scp").
    if value is None or value == "":
        return frozenset()
    if isinstance(value, str):
        return frozenset(_texts([part for part in value.split(" ") if part], name))
    if name != "scope":
        return frozenset(_texts(value, name))
    raise _wrong(name, "a text")


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list) or len(value) > _MAX_ITEMS:
        raise _wrong(name, "a list of texts")
    return [_text(item, name) for item in value]


def _text(value: object, name: str) -> str:
    # A name with control characters would forge log lines, one with invisible ones would look like another's.
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_SUBJECT or not value.isprintable():
        raise _wrong(name, f"made of printable texts of 1 to {_MAX_SUBJECT} characters")
    return value


def _found(claims: Mapping[str, Any], path: str) -> object:
    """Return a claim by its name, or by dots through objects; None when it is not there."""
    if path in claims:
        return claims[path]
    value: object = claims
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def _wrong(name: str, wanted: str) -> TokenRefusedError:
    return TokenRefusedError(f"the claim {name!r} must be {wanted}", "token-claims")
