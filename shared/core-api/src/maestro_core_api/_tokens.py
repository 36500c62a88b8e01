"""Bearer tokens: JSON Web Tokens (RFC 7519) signed with HS256."""

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jwk import OctKey
from pydantic import SecretStr

from ._config import SecurityConfig
from ._exceptions import UnauthorizedException
from ._principal import Principal

# One algorithm, chosen here and never by the token: neither "none" nor a key of another kind gets through (RFC 8725, 3.1).
_ALGORITHMS: Final = ["HS256"]
_REMEMBERED_TOKENS: Final = 1_024


def issue_token(
    secret: str | SecretStr,
    *,
    subject: str,
    roles: Sequence[str] = ("viewer",),
    scopes: Sequence[str] = (),
    expires_in: timedelta = timedelta(minutes=15),
    issuer: str = "maestro",
    audience: str | None = None,
) -> str:
    """Sign a token.

    Args:
        secret: The shared key, at least 32 bytes.
        subject: Who the token speaks for.
        roles: Roles of the subject.
        scopes: Scopes of the subject.
        expires_in: How long the token is valid from now on.
        issuer: Who issues it.
        audience: Whom it is for; None leaves the claim out.

    Returns:
        The compact form, to be sent as `Authorization: Bearer <token>`.
    """
    now = int(time.time())
    claims: dict[str, Any] = {
        "sub": subject,
        "iss": issuer,
        "iat": now,
        "exp": now + int(expires_in.total_seconds()),
        "roles": list(roles),
        "scope": " ".join(scopes),
    }
    if audience is not None:
        claims["aud"] = audience
    return jwt.encode({"alg": "HS256"}, claims, _key(secret), algorithms=_ALGORITHMS)


class TokenVerifier:
    """Turns an `Authorization` header into a `Principal`.

    Args:
        security: Key, issuer, audience and leeway.
        service_name: Named in challenges and in the advice of what to configure.
    """

    def __init__(self, security: SecurityConfig, service_name: str) -> None:
        self._security = security
        self._service_name = service_name
        self._key = None if security.jwt_secret_key is None else _key(security.jwt_secret_key)
        options: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
        options["iss"] = {"essential": True, "value": security.issuer}
        if security.audience is not None:
            options["aud"] = {"essential": True, "value": security.audience}
        self._claims = jwt.JWTClaimsRegistry(leeway=int(security.leeway.total_seconds()), **options)
        # Checking a signature costs more than the rest of the framework. A token that was good once stays good until its
        # end, so after the first time only that is looked at.
        self._accepted: dict[str, tuple[Principal, float]] = {}

    @property
    def configured(self) -> bool:
        """Whether there is a key to check tokens with."""
        return self._key is not None

    def authenticate(self, authorization: str | None) -> Principal:
        """Check a token.

        Args:
            authorization: Value of the `Authorization` header; None when there is none.

        Returns:
            Whom the token speaks for.

        Raises:
            UnauthorizedException: With `error_code` AUTH_NOT_CONFIGURED, AUTH_REQUIRED, TOKEN_EXPIRED or
                TOKEN_INVALID, and the `rule` that was broken.
        """
        if self._key is None:
            variable = f"{self._service_name.upper().replace('-', '_')}_JWT_SECRET"
            raise UnauthorizedException(
                "Authentication is not configured",
                detail=f"{self._service_name} has no key to check tokens with: set {variable} or MAESTRO_JWT_SECRET "
                "(at least 32 bytes) and start it again",
                error_code="AUTH_NOT_CONFIGURED",
                rule="jwt-secret-configured",
                headers={"WWW-Authenticate": self._challenge()},
            )
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            detail = "send 'Authorization: Bearer <token>'"
            if authorization and scheme.lower() != "bearer":
                detail = f"the Authorization header does not use the Bearer scheme; {detail}"
            raise UnauthorizedException(
                detail=detail, rule="bearer-token-present", headers={"WWW-Authenticate": self._challenge()}
            )
        known = self._accepted.get(token)
        if known is not None and known[1] > time.time() - self._security.leeway.total_seconds():
            return known[0]
        claims = self._check_signature(token, self._key)
        self._check_claims(claims)
        principal = _principal(claims)
        if len(self._accepted) >= _REMEMBERED_TOKENS:
            self._accepted.pop(next(iter(self._accepted)))
        self._accepted[token] = (principal, float(claims["exp"]))
        return principal

    def _check_signature(self, token: str, key: OctKey) -> dict[str, Any]:
        try:
            claims = jwt.decode(token, key, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise self._invalid("the token is malformed or its signature is wrong", "token-signature") from error
        roles, scope = claims.get("roles", []), claims.get("scope", "")
        if (
            not isinstance(roles, list)
            or not isinstance(scope, str)
            or not all(isinstance(role, str) for role in roles)
        ):
            raise self._invalid("the claim 'roles' must be a list of strings and 'scope' a string", "token-claims")
        return claims

    def _check_claims(self, claims: dict[str, Any]) -> None:
        try:
            self._claims.validate(claims)
        except ExpiredTokenError as error:
            raise UnauthorizedException(
                "The token has expired",
                error_code="TOKEN_EXPIRED",
                rule="token-not-expired",
                expired_at=claims["exp"],
                headers={"WWW-Authenticate": self._challenge("the token has expired")},
            ) from error
        except (InvalidClaimError, MissingClaimError) as error:
            raise self._invalid(
                f"the claims of the token are not acceptable: {error.description}", "token-claims"
            ) from error
        except JoseError as error:
            raise self._invalid("the claims of the token are not acceptable", "token-claims") from error

    def _invalid(self, detail: str, rule: str) -> UnauthorizedException:
        return UnauthorizedException(
            "The token is not valid",
            detail=detail,
            error_code="TOKEN_INVALID",
            rule=rule,
            headers={"WWW-Authenticate": self._challenge(detail)},
        )

    def _challenge(self, description: str | None = None) -> str:
        challenge = f'Bearer realm="{self._service_name}"'
        if description is not None:
            quoted = description.replace("\\", "").replace('"', "'")
            challenge += f', error="invalid_token", error_description="{quoted}"'
        return challenge


def _key(secret: str | SecretStr) -> OctKey:
    return OctKey.import_key(secret.get_secret_value() if isinstance(secret, SecretStr) else secret)


def _principal(claims: dict[str, Any]) -> Principal:
    return Principal(claims["sub"], frozenset(claims.get("roles", [])), frozenset(claims.get("scope", "").split()))
