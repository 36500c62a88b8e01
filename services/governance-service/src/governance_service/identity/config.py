"""What can be set of identities."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from maestro_core_config import BaseConfig

from .domain import ADMIN, TENANT_ADMIN


class OidcProviderSettings(BaseModel):
    """An outside provider that people may sign in with (OpenID Connect)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)

    issuer: str = Field(pattern=r"^https?://")
    """Its issuer; `/.well-known/openid-configuration` below it tells the rest. HTTPS, unless on this machine."""
    client_id: str = Field(min_length=1)
    """Who this service is to it."""
    client_secret: SecretStr | None = None
    """What this service proves that with. Default: none, PKCE alone."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked for. Default: openid, profile, email."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    """What it may sign with. Default: RS256, ES256."""
    name_claim: str = "preferred_username"
    """The claim that names people here, behind `<provider>:`. Default: preferred_username."""
    roles_claim: str = "groups"
    """The claim that `role_mapping` reads; dots lead into objects. Default: groups."""
    role_mapping: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """For a value of that claim, the roles it gives. Values that are not here give none."""
    default_roles: tuple[str, ...] = ()
    """The roles that everybody has who signs in so. Default: none."""
    tenant: str | None = None
    """The tenant that these people belong to. Default: none, they are the platform's own."""
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long it may take for an answer, in seconds. Default: 5."""

    @model_validator(mode="after")
    def _gives_what_may_be_given(self) -> Self:
        if ADMIN in self.default_roles:
            raise ValueError("default_roles makes everybody an admin; give admin to a group, in role_mapping")
        given = {*self.default_roles, *(role for roles in self.role_mapping.values() for role in roles)}
        if self.tenant is not None and ADMIN in given:
            raise ValueError("admin is for all tenants, and these people belong to one; tenant-admin is for one")
        if self.tenant is None and TENANT_ADMIN in given:
            raise ValueError("tenant-admin is for people of a tenant, and these belong to none")
        return self


class IdentitySettings(BaseConfig):
    """Settings of identities."""

    token_issuer: str = Field(default="maestro-governance", min_length=1)
    """The `iss` of access tokens; services trust it by name. Default: maestro-governance."""
    token_audience: str = Field(default="maestro", min_length=1)
    """The `aud` of access tokens. Default: maestro."""
    access_token_lifetime_s: int = Field(default=600, ge=30, le=86_400)
    """How long an access token is valid, in seconds: how long others go on believing one that was taken back. Default: 600."""
    refresh_token_lifetime_s: int = Field(default=7 * 86_400, ge=60)
    """How long a session may rest, in seconds. Default: a week."""
    session_lifetime_s: int = Field(default=30 * 86_400, ge=60)
    """How long a session may last, in seconds. Default: 30 days."""
    token_key_lifetime_s: int = Field(default=30 * 86_400, ge=60)
    """How long a key signs access tokens before the next one does, in seconds. Default: 30 days."""
    token_key_announced_s: int = Field(default=900, ge=0)
    """How long a new key is published before it signs, in seconds: longer than services keep keys. Default: 900."""
    identity_keys_dir: Path | None = None
    """The folder of the keys that sign access tokens; instances share it. Default: `identity-keys` in data_dir."""
    identity_pepper: SecretStr | None = Field(default=None, min_length=32)
    """Key of the hashes of API keys and refresh tokens, at least 32 bytes. Default: one that follows from jwt_secret; set it before
    you replace that."""
    api_key_prefix: str = Field(default="mk", pattern=r"^[a-z][a-z0-9]{1,15}$")
    """The first part of every API key. Default: mk."""
    password_min_length: int = Field(default=12, ge=8, le=64)
    """How many characters a password must have. Default: 12."""
    password_hash_memory_kib: int = Field(default=65_536, ge=8)
    """Memory of one argon2id hash, in KiB. Default: 65536 (RFC 9106, second recommendation)."""
    password_hash_rounds: int = Field(default=3, ge=1)
    """Rounds of an argon2id hash. Default: 3."""
    password_hash_threads: int = Field(default=4, ge=1)
    """Lanes of an argon2id hash. Default: 4."""
    password_hashes_at_once: int = Field(default=2, ge=1, le=64)
    """How many passwords are hashed at the same time; others wait. Default: 2."""
    sign_in_limit_per_minute: int = Field(default=60, ge=1)
    """How many requests to sign in one address may send in a minute, right or wrong. Default: 60."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed. Default: nobody's."""
    admin_name: str | None = None
    """A user who is made at the start, as an admin of the platform, unless there is one of this name. Default: none."""
    admin_password: SecretStr | None = None
    """The password that this user begins with. Default: none."""
    oidc_providers: dict[str, OidcProviderSettings] = Field(default_factory=dict)
    """Outside providers that people may sign in with, by the name that they have here. Default: none."""
    public_url: str | None = Field(default=None, pattern=r"^https?://")
    """Where browsers reach this service, for outside providers to send them back to. Default: what it registers."""

    @property
    def identity_keys(self) -> Path:
        """The folder of keys, default or not."""
        return self.identity_keys_dir or self.data_dir / "identity-keys"

    @property
    def access_token_lifetime(self) -> timedelta:
        """How long an access token is valid."""
        return timedelta(seconds=self.access_token_lifetime_s)
