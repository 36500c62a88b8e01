"""What can be set."""

from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from maestro_core_api import IDENTITY_AUDIENCE, IDENTITY_ISSUER
from maestro_core_config import BaseConfig
from maestro_gateway.limits import WhenUnavailable


class GatewayIssuer(BaseModel):
    """Somebody else whose tokens are accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(min_length=1)
    """The `iss` claim of its tokens."""
    jwks_url: str
    """Where its keys are (RFC 7517)."""
    audiences: tuple[str, ...] = ()
    """Members of the `aud` claim of which one is wanted; () accepts any."""
    roles_claim: str = "roles"
    """Claim that lists the roles; dots lead into objects."""
    scope_claim: str = "scope"
    """Claim with the scopes."""
    grantable_roles: tuple[str, ...] | None = None
    """Roles that its tokens can give; None lets it give any."""


class GatewayProcessConfig(BaseConfig):
    """Configuration of a gateway process."""

    service_name: ClassVar[str] = "gateway"

    gateway_token: SecretStr | None = None
    """What the registry wants to see, the same as its own `gateway_token`."""
    node_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    """What tells it from other gateways; None takes the machine's name and the port."""
    envoy_path: Path | None = None
    """The program; by default the one on the path, or the one that was installed along."""
    concurrency: int = Field(default=2, ge=1, le=256)
    """Worker threads of Envoy. Default 2."""
    jwt_issuer: str = "maestro"
    """The `iss` claim of tokens signed with `jwt_secret`."""
    issuers: tuple[GatewayIssuer, ...] = ()
    """Further issuers, each with its public keys."""
    tenant_claim: str = "tenant"
    """Claim that names the tenant."""
    api_key_header: str = "x-api-key"
    """Header that carries API keys, which services check."""
    valkey_url: SecretStr | None = None
    """Where gateways share their counts (`valkey://host:6379`); None counts in this process."""
    when_limits_unavailable: WhenUnavailable = "local"
    """What happens while Valkey is away: `local` counts in this process, `allow` lets through, `deny` answers 503."""
    limits_timeout_s: float = Field(default=1.0, gt=0, le=60)
    """How long a request may wait to be counted, in seconds; beyond it the answer is 503. Valkey has half of it. Default 1."""
    certificate: Path | None = None
    """Certificate chain to listen with; None speaks plain HTTP."""
    key: Path | None = None
    """Its key."""
    ca_file: Path | None = None
    """Authorities that services, issuers and the registry have their certificates from, a PEM file; None takes the system's."""
    trusted_hops: int = Field(default=0, ge=0, le=10)
    """How many proxies in front of it are believed about the caller's address."""
    shutdown_grace_s: float = Field(default=5.0, ge=0, le=300)
    """How long running requests may take to end when it is stopped, in seconds. Default 5."""

    @property
    def trusted_issuers(self) -> tuple[GatewayIssuer, ...]:
        """`issuers`, and governance-service where `identity_url` names it."""
        if self.identity_url is None:
            return self.issuers
        identity = GatewayIssuer(
            issuer=IDENTITY_ISSUER,
            jwks_url=f"{self.identity_url}/.well-known/jwks.json",
            audiences=(IDENTITY_AUDIENCE,),
        )
        return (*self.issuers, identity)

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")
        return self

    @property
    def shutdown_grace(self) -> timedelta:
        """`shutdown_grace_s`."""
        return timedelta(seconds=self.shutdown_grace_s)
