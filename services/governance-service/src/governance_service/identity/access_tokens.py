"""Access tokens: JSON Web Tokens signed with Ed25519 (RFC 9068, RFC 8037), short-lived, believed by every service without asking."""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from governance_service.keys import SigningKey, b64url
from maestro_core_api import Principal

from .config import IdentitySettings
from .token_keys import TokenKeys

_FROM_KEY: Final = "key."


def is_for_key(caller: Principal) -> bool:
    """Tell whether a caller came with an API key, or with an access token that one was exchanged for.

    Args:
        caller: Who calls.
    """
    return caller.key_id is not None or (caller.token_id or "").startswith(_FROM_KEY)


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
        key_id: str | None = None,
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
            key_id: The API key that it is exchanged for, which its id tells from then on; None for none.
            **claims: Further claims.

        Returns:
            The token.

        Raises:
            NoSigningKeyError: No key may sign now.
        """
        expires_at = now + self._config.access_token_lifetime
        if until is not None:
            expires_at = min(expires_at, until)
        token_id = uuid.uuid4().hex if key_id is None else f"{_FROM_KEY}{key_id}.{uuid.uuid4().hex}"
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
