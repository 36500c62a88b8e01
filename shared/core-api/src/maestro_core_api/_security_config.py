"""Options of who may call: keys, issuers, API keys, proxies."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

MIN_SECRET_BYTES: Final = 32
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
]  # fmt: skip
"""Signature algorithms with a public key. Those with a shared key are not among them: only `jwt_secret_key` has one."""

_OPTIONS: Final = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class TrustedIssuer(BaseModel):
    """Somebody else whose tokens are accepted, with the public keys that tell them from forgeries."""

    model_config = _OPTIONS

    issuer: str = Field(min_length=1)
    """The `iss` claim of its tokens."""
    jwks_url: str | None = None
    """Where its keys are (RFC 7517); exactly one of `jwks_url` and `jwks` is wanted. HTTPS, unless on this machine."""
    jwks: dict[str, Any] | None = None
    """Its keys themselves, as a JSON Web Key Set."""
    allow_http: bool = False
    """Whether `jwks_url` may be plain HTTP on another machine: whoever sits in between can then make tokens."""
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256", "ES256", "EdDSA"), min_length=1)
    """Algorithms that it may sign with."""
    audience: str | None = None
    """The `aud` claim to require; None takes `SecurityConfig.audience`, and one of them must be set: an issuer gives tokens to many
    services, and those for another one must not do here."""
    any_audience: bool = False
    """Whether tokens for any audience, or for none, are accepted after all."""
    roles_claim: str = "roles"
    """Claim that lists the roles; dots lead into objects (`realm_access.roles`)."""
    scope_claim: str = "scope"
    """Claim with the scopes: text with blanks in between, or a list."""
    grantable_roles: frozenset[str] | None = None
    """Roles that its tokens can give; others are left out. None lets it give any."""
    tenant_claim: str | None = None
    """Claim with the caller's tenant; None: its callers belong to none, whatever their tokens say. Name it only for an issuer that
    may speak for every tenant."""
    keys_max_age: timedelta = Field(default=timedelta(minutes=10), gt=timedelta(0))
    """How old fetched keys may be before they are fetched again, in the background."""
    refetch_interval: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """Shortest time between two fetches, however many unknown key ids are seen meanwhile."""
    keys_max_stale: timedelta = timedelta(days=1)
    """How long keys are still believed while they cannot be fetched anew."""
    fetch_timeout: timedelta = Field(default=timedelta(seconds=5), gt=timedelta(0))
    """How long one fetch may take."""

    @model_validator(mode="after")
    def _keys_from_one_place(self) -> Self:
        if (self.jwks_url is None) == (self.jwks is None):
            raise ValueError("give exactly one of jwks_url and jwks")
        if self.jwks_url is not None:
            address = urlsplit(self.jwks_url)
            if address.scheme not in ("http", "https") or not address.hostname:
                raise ValueError("jwks_url must be an http or https address")
            if address.scheme == "http" and address.hostname not in _LOOPBACK and not self.allow_http:
                raise ValueError("jwks_url must be https, or on this machine; allow_http=True lifts that")
        return self


class APIKeyConfig(BaseModel):
    """How API keys of machines are read and kept."""

    model_config = _OPTIONS

    header: str = Field(default="X-API-Key", pattern=r"^[A-Za-z0-9-]+$")
    """Header that carries a key; `Authorization: Bearer` takes one as well."""
    prefix: str = Field(default="mk", pattern=r"^[a-z][a-z0-9]{1,15}$")
    """First part of each key, by which people and secret scanners know it."""
    pepper: SecretStr | None = None
    """Key of the hashes, at least 32 bytes: without it nobody who can write to the store can make a key that works. None
    keeps hashes that are not keyed."""
    remember: timedelta = Field(default=timedelta(seconds=5), ge=timedelta(0))
    """How long a key that was found good is not looked up again, and so how late a revocation may be seen; 0: never."""

    @field_validator("pepper")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        return check_secret_length(value)


class SecurityConfig(BaseModel):
    """How callers prove who they are."""

    model_config = _OPTIONS

    jwt_secret_key: SecretStr | None = None
    """Shared HS256 key, at least 32 bytes. Without one and without `issuers`, every protected call with a token is refused."""
    previous_jwt_secret_keys: tuple[SecretStr, ...] = ()
    """Keys that `jwt_secret_key` has replaced: tokens signed with them are accepted until they end; none is signed any more."""
    issuer: str = "maestro"
    """The only `iss` claim that is accepted in tokens signed with `jwt_secret_key`."""
    audience: str | None = None
    """The `aud` claim to require; None accepts tokens of any audience."""
    leeway: timedelta = timedelta(seconds=30)
    """How far clocks may differ when `exp`, `iat` and `nbf` are checked."""
    issuers: tuple[TrustedIssuer, ...] = ()
    """Further issuers, each with its public keys."""
    max_token_bytes: int = Field(default=8_192, gt=0)
    """Longest token that is looked at."""
    api_keys: APIKeyConfig = Field(default_factory=APIKeyConfig)
    """How API keys are read; they are accepted only where the application has a `key_store`."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed; by default nobody's."""

    @field_validator("jwt_secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        return check_secret_length(value)

    @field_validator("previous_jwt_secret_keys")
    @classmethod
    def _previous_long_enough(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            check_secret_length(key)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network, strict=False)
        return value

    @model_validator(mode="after")
    def _issuers_told_apart(self) -> Self:
        names = [issuer.issuer for issuer in self.issuers]
        if len(set(names)) < len(names):
            raise ValueError("issuers must differ in their name")
        for issuer in self.issuers:
            if issuer.audience is None and self.audience is None and not issuer.any_audience:
                raise ValueError(
                    f"issuer {issuer.issuer}: set its audience, so that its tokens for other services are refused; "
                    "any_audience=True accepts them"
                )
        return self


def check_secret_length(value: SecretStr | None) -> SecretStr | None:
    """Refuse a key that could be guessed.

    Args:
        value: The key.

    Returns:
        The same key.

    Raises:
        ValueError: It has fewer than 32 bytes.
    """
    if value is not None and len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"must have at least {MIN_SECRET_BYTES} bytes")
    return value
