"""Refusals of callers: what each answer says, and how it challenges (RFC 6750, 3)."""

import math
from collections.abc import Sequence
from datetime import timedelta

from ._exceptions import ForbiddenException, ServiceUnavailableException, UnauthorizedException


class Denials:
    """Makes the refusals of one service.

    Args:
        service_name: Named in challenges and in the advice of what to configure.
    """

    def __init__(self, service_name: str) -> None:
        self._service_name = service_name

    def not_configured(self) -> UnauthorizedException:
        """Return the refusal of a service that could not check anybody."""
        variable = f"{self._service_name.upper().replace('-', '_')}_JWT_SECRET"
        return UnauthorizedException(
            "Authentication is not configured",
            detail=f"{self._service_name} has no key to check tokens with: set {variable} or MAESTRO_JWT_SECRET "
            "(at least 32 bytes) and start it again",
            error_code="AUTH_NOT_CONFIGURED",
            rule="jwt-secret-configured",
            headers={"WWW-Authenticate": self._challenge()},
        )

    def missing(self, detail: str, *, rule: str = "bearer-token-present") -> UnauthorizedException:
        """Return the refusal of a caller who did not say who it is, or not in one way."""
        return UnauthorizedException(detail=detail, rule=rule, headers={"WWW-Authenticate": self._challenge()})

    def token_invalid(self, detail: str, rule: str) -> UnauthorizedException:
        """Return the refusal of a token that is not exactly ours."""
        return self._invalid("The token is not valid", detail, rule, "TOKEN_INVALID")

    def token_expired(self, expired_at: float) -> UnauthorizedException:
        """Return the refusal of a token whose time is over."""
        return UnauthorizedException(
            "The token has expired",
            error_code="TOKEN_EXPIRED",
            rule="token-not-expired",
            expired_at=expired_at,
            headers={"WWW-Authenticate": self._challenge("the token has expired")},
        )

    def api_key_invalid(self, detail: str, rule: str, error_code: str = "API_KEY_INVALID") -> UnauthorizedException:
        """Return the refusal of an API key."""
        return self._invalid("The API key is not valid", detail, rule, error_code)

    def keys_unavailable(self, retry_after: timedelta) -> ServiceUnavailableException:
        """Return the answer when the issuer's keys cannot be had: the caller is not at fault."""
        wait_s = math.ceil(retry_after.total_seconds())
        return ServiceUnavailableException(
            detail="the keys of the token's issuer cannot be fetched now",
            error_code="ISSUER_UNAVAILABLE",
            rule="token-keys-available",
            retry_after=wait_s,
            headers={"Retry-After": str(wait_s)},
        )

    def _invalid(self, message: str, detail: str, rule: str, error_code: str) -> UnauthorizedException:
        return UnauthorizedException(
            message,
            detail=detail,
            error_code=error_code,
            rule=rule,
            headers={"WWW-Authenticate": self._challenge(detail)},
        )

    def _challenge(self, description: str | None = None) -> str:
        challenge = f'Bearer realm="{self._service_name}"'
        if description is not None:
            quoted = description.replace("\\", "").replace('"', "'")
            challenge += f', error="invalid_token", error_description="{quoted}"'
        return challenge


def scope_missing(subject: str, wanted: Sequence[str], missing: Sequence[str]) -> ForbiddenException:
    """Return the refusal of a caller whose token does not reach so far.

    Args:
        subject: The caller.
        wanted: All scopes that are needed.
        missing: Those that the caller does not have.

    Returns:
        The refusal; its challenge names the scopes that would do.
    """
    scope = " ".join(wanted)
    return ForbiddenException(
        "A scope is missing",
        detail=f"{subject} lacks {' and '.join(missing)}; this needs a token with the scope '{scope}'",
        error_code="SCOPE_REQUIRED",
        rule=f"scope:{scope}",
        required_scopes=list(wanted),
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
    )
