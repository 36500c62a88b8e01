"""The token that a service issues to itself for calls to other services."""

import time
from datetime import timedelta

from pydantic import SecretStr

from ._tokens import issue_token


class ServiceToken:
    """Gives a valid token on each call, and a new one in time.

    Args:
        secret: The platform's shared key.
        subject: Name of the service.
        role: Role of the service.
        lifetime: How long each token is valid; it is replaced after half of that.
        issuer: Who issues it.
    """

    def __init__(
        self,
        secret: str | SecretStr,
        *,
        subject: str,
        role: str = "operator",
        lifetime: timedelta = timedelta(minutes=5),
        issuer: str = "maestro",
    ) -> None:
        self._secret = secret
        self._subject = subject
        self._role = role
        self._lifetime = lifetime
        self._issuer = issuer
        self._token = ""
        self._renew_at = 0.0

    def __call__(self) -> str:
        """Return a token that is valid for at least half of the lifetime."""
        now = time.monotonic()
        if now >= self._renew_at:
            self._token = issue_token(
                self._secret, subject=self._subject, roles=(self._role,), expires_in=self._lifetime, issuer=self._issuer
            )
            self._renew_at = now + self._lifetime.total_seconds() / 2
        return self._token
