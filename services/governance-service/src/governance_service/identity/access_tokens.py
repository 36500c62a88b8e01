"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 9068, RFC 8037), short-lived, believed by every service without asking."""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance_service.keys import SigningKey, b64url

from .config import IdentitySettings
from .token_keys import TokenKeys


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and what is remembered of it."""

    token: str
    token_id: str
    """Its `jti`."""
    expires_at: datetime


class AccessTokens:
    """Issues access tokens.

    Args:
        config: Who issues them, for whom, for how long.
        keys: Sign them.
    """

    def __init__(self, config: IdentitySettings, keys: TokenKeys) -> None:
        self._config = config
        self._keys = keys

    def issue(
        self,
        *,
        subject: str,
        roles: Collection[str],
        scopes: Collection[str],
        tenant: str | None,
        now: datetime,
        until: datetime | None = None,
        **claims: Any,
    ) -> AccessToken:
        """Make a token.

        Args:
            subject: Whom it speaks for.
            roles: Roles of the subject.
            scopes: Scopes of the subject.
            tenant: The tenant; None for the platform's own.
            now: The present.
            until: The latest end; None for none but its usual one.
            **claims: Further claims.

        Returns:
            The token.

        Raises:
            NoSigningKeyError: No key may sign now.
        """
        expires_at = now + self._config.access_token_lifetime
        if until is not None:
            expires_at = min(expires_at, until)
        token_id = uuid.uuid4().hex
        content = {
            "iss": self._config.token_issuer,
            "aud": self._config.token_audience,
            "sub": subject,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
            "jti": token_id,
            "roles": sorted(roles),
            "scope": " ".join(sorted(scopes)),
            **claims,
        }
        if tenant is not None:
            content["tenant"] = tenant
        return AccessToken(_signed(content, self._keys.signing()), token_id, expires_at)


def _signed(claims: dict[str, Any], key: SigningKey) -> str:
    # "EdDSA" and not RFC 9864's newer name: gateways and services know the older one.
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": key.key_id}
    parts = [b64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims)]
    content = ".".join(parts)
    return f"{content}.{key.sign(content.encode('ascii'))}"
