"""What an ID token must say (OpenID Connect Core 1.0, 3.1.3.7), and whom it describes."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from governance_service.identity.config import OidcProviderSettings
from governance_service.identity.domain import OutsideLoginRefusedError

_LEEWAY_S: Final = 60
_ODD: Final = re.compile(r"[^a-z0-9._@+-]+")
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class OutsideIdentity:
    """Somebody as an outside provider knows them."""

    issuer: str
    subject: str
    """What the provider never gives to anybody else; the name may change."""
    name: str
    """The name that they would like to have here."""
    roles: tuple[str, ...]


def identity_of(
    claims: Mapping[str, Any], provider: str, settings: OidcProviderSettings, *, issuer: str, nonce: str, now: float
) -> OutsideIdentity:
    """Check the claims of an ID token whose signature is good.

    Args:
        claims: The claims.
        provider: The provider's name here.
        settings: What is known of it.
        issuer: Its issuer.
        nonce: What this sign-in was begun with.
        now: Seconds since 1970.

    Returns:
        Whom they describe.

    Raises:
        OutsideLoginRefusedError: They do not say what they must.
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        raise OutsideLoginRefusedError("the ID token is of another issuer")
    if settings.client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != settings.client_id):
        raise OutsideLoginRefusedError("the ID token is for another client")
    if "azp" in claims and claims["azp"] != settings.client_id:
        raise OutsideLoginRefusedError("the ID token was asked for by another client")
    if claims.get("nonce") != nonce:
        raise OutsideLoginRefusedError("the ID token is of another sign-in")
    if _seconds(claims, "exp") <= now - _LEEWAY_S or _seconds(claims, "iat") > now + _LEEWAY_S:
        raise OutsideLoginRefusedError("the ID token is not valid now")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise OutsideLoginRefusedError("the ID token names nobody")
    return OutsideIdentity(issuer, subject, _name(claims, provider, settings, subject), roles_of(claims, settings))


def roles_of(claims: Mapping[str, Any], settings: OidcProviderSettings) -> tuple[str, ...]:
    """Return the roles that claims give.

    Args:
        claims: The claims.
        settings: Says which values give which.
    """
    value: Any = claims.get(settings.roles_claim)
    if value is None:
        value = claims
        for part in settings.roles_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    given = [role for one in values if isinstance(one, str) for role in settings.role_mapping.get(one, ())]
    return tuple(sorted({*given, *settings.default_roles}))


def told_apart(identity: OutsideIdentity) -> str:
    """Return a name for somebody whose name another person of the provider has already.

    Args:
        identity: Who.
    """
    return f"{identity.name}-{hashlib.sha256(identity.subject.encode()).hexdigest()[:12]}"


def _name(claims: Mapping[str, Any], provider: str, settings: OidcProviderSettings, subject: str) -> str:
    wanted = claims.get(settings.name_claim)
    text = wanted if isinstance(wanted, str) and wanted.strip() else subject
    # The colon keeps these names apart from those that were made here: nobody becomes "admin" by being called so elsewhere.
    return f"{provider}:{_ODD.sub('-', text.strip().lower())[:_LONGEST_NAME].strip('-') or 'user'}"


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OutsideLoginRefusedError(f"the ID token lacks {name}")
    return float(value)
