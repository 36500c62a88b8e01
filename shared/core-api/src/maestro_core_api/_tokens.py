"""Bearer tokens: JSON Web Tokens (RFC 7519), signed with the platform's shared key or by an issuer with public keys."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr

from ._claims import ClaimRules, accepted
from ._compact_token import CompactToken, TokenRefusedError, read_compact
from ._jwks import FixedKeys, KeySource, key_source
from ._key_set import KeySet
from ._principal import Principal
from ._security_config import SecurityConfig, TrustedIssuer

_SHARED_KEY_ALGORITHM: Final = "HS256"


def issue_token(
    secret: str | SecretStr,
    *,
    subject: str,
    roles: Sequence[str] = ("viewer",),
    scopes: Sequence[str] = (),
    expires_in: timedelta = timedelta(minutes=15),
    issuer: str = "maestro",
    audience: str | None = None,
    token_id: str | None = None,
    tenant: str | None = None,
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
        token_id: The `jti` claim, by which the token can be revoked; None leaves it out.
        tenant: The tenant that the subject belongs to; None leaves the claim out.

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
    if token_id is not None:
        claims["jti"] = token_id
    if tenant is not None:
        claims["tenant"] = tenant
    return jwt.encode({"alg": _SHARED_KEY_ALGORITHM}, claims, _key(secret), algorithms=[_SHARED_KEY_ALGORITHM])


class TokenVerifier:
    """Checks tokens.

    The issuer that a token names decides which keys and which algorithms count, never the token's own header: neither "none"
    nor a key of another kind gets through (RFC 8725, 3.1).

    Args:
        security: Keys, issuers, audience and leeway.
    """

    def __init__(self, security: SecurityConfig) -> None:
        self._max_bytes = security.max_token_bytes
        self._trusted: dict[tuple[str, str], _Trusted] = {}
        self._issuers = {issuer.issuer for issuer in security.issuers}
        for issuer in security.issuers:
            trusted = _Trusted(_rules(issuer, security), key_source(issuer))
            self._trusted |= {(issuer.issuer, algorithm): trusted for algorithm in issuer.algorithms}
        if security.jwt_secret_key is not None:
            self._issuers.add(security.issuer)
            rules = ClaimRules(security.issuer, security.audience, security.leeway.total_seconds())
            secrets = (security.jwt_secret_key, *security.previous_jwt_secret_keys)
            keys = FixedKeys(KeySet([_key(secret) for secret in secrets]))
            self._trusted[security.issuer, _SHARED_KEY_ALGORITHM] = _Trusted(rules, keys)

    @property
    def configured(self) -> bool:
        """Whether there is a key to check tokens with."""
        return bool(self._trusted)

    async def verify(self, token: bytes) -> tuple[Principal, float]:
        """Check a token.

        Args:
            token: The token as it was sent.

        Returns:
            Whom it speaks for, and how long that may be believed without looking again, in seconds since 1970.

        Raises:
            TokenRefusedError: It is not exactly what it must be.
            KeysUnavailableError: The keys of its issuer cannot be had.
        """
        if len(token) > self._max_bytes:
            raise TokenRefusedError(f"the token has more than {self._max_bytes} bytes", "token-size")
        parts = read_compact(token)
        trusted = self._find(parts)
        await trusted.check_signature(parts)
        now = time.time()
        principal, expires = accepted(parts.claims, trusted.rules, now)
        return principal, min(expires + trusted.rules.leeway_s, now + trusted.keys.max_age_s)

    def _find(self, token: CompactToken) -> "_Trusted":
        issuer = token.claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._issuers:
            raise TokenRefusedError("the 'iss' of the token is not one that is trusted here", "token-issuer")
        trusted = self._trusted.get((issuer, token.algorithm))
        if trusted is None:
            raise TokenRefusedError(
                "the token is signed with an algorithm that its issuer does not use", "token-algorithm"
            )
        return trusted


@dataclass(frozen=True, slots=True)
class _Trusted:
    """An issuer's keys, and what its tokens must say."""

    rules: ClaimRules
    keys: KeySource

    async def check_signature(self, token: CompactToken) -> None:
        keys = await self.keys.current()
        if keys.signed(token):
            return
        if token.key_id is None or not keys.knows(token.key_id):
            # The issuer may have changed its keys since they were fetched.
            keys = await self.keys.renewed()
            if keys.signed(token):
                return
        raise TokenRefusedError("the signature of the token is wrong, or its key is unknown", "token-signature")


def _rules(issuer: TrustedIssuer, security: SecurityConfig) -> ClaimRules:
    return ClaimRules(
        issuer.issuer,
        None if issuer.any_audience else issuer.audience or security.audience,
        security.leeway.total_seconds(),
        issuer.roles_claim,
        issuer.scope_claim,
        issuer.grantable_roles,
        issuer.tenant_claim,
    )


def _key(secret: str | SecretStr) -> OctKey:
    return OctKey.import_key(secret.get_secret_value() if isinstance(secret, SecretStr) else secret)
