"""What one gateway process is told beside the routes. It travels to the registry in the gateway's own requests."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_OPTIONS = ConfigDict(frozen=True, extra="ignore")


class EdgeIssuer(BaseModel):
    """Somebody whose tokens are accepted."""

    model_config = _OPTIONS

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What it is called in the configuration."""
    issuer: str
    """The `iss` claim of its tokens."""
    audiences: tuple[str, ...] = ()
    """Members of the `aud` claim of which one is wanted; () wants none."""
    jwks_file: str | None = None
    """File with its keys, on the gateway's machine; exactly one of this and `jwks_url` is set."""
    jwks_url: str | None = None
    """Where its keys are fetched."""
    jwks_cluster: str | None = None
    """The cluster of that address."""
    roles_claim: tuple[str, ...] = ("roles",)
    """Where the roles are; several names lead into objects."""
    scope_claim: str = "scope"
    """Where the scopes are: text with blanks in between, or a list."""
    grantable_roles: tuple[str, ...] | None = None
    """Roles that its tokens can give; None lets it give any."""


class EdgeSettings(BaseModel):
    """One gateway process."""

    model_config = _OPTIONS

    host: str = "127.0.0.1"
    """Address that it listens on."""
    port: int = Field(ge=1, le=65_535)
    """Port that it listens on."""
    issuers: tuple[EdgeIssuer, ...] = ()
    """Whose tokens are accepted; without any, protected routes answer 401."""
    leeway_s: int = Field(default=30, ge=0)
    """How far clocks may differ."""
    tenant_claim: str = "tenant"
    """Claim that names the tenant."""
    api_key_header: str = "x-api-key"
    """Header that carries API keys."""
    ca_file: str = "/etc/ssl/certs/ca-certificates.crt"
    """Authorities that services with https have their certificates from: a PEM file on the gateway's machine."""
    limits_timeout_s: float = Field(default=1.0, gt=0, le=60)
    """How long a request may wait to be counted; beyond it the answer is 503."""
    certificate: str | None = None
    """Certificate chain to listen with, a PEM file; None speaks plain HTTP."""
    key: str | None = None
    """Its key."""
    environment: str = "development"
    """Named in log lines."""
    otlp_url: str | None = None
    """Where spans are sent, through the cluster `maestro.otlp`; None for nowhere."""
    otlp_token_variable: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]{0,63}$")
    """The variable of Envoy's own environment that holds the receiver's bearer token; None sends none. The token itself never passes
    through the registry."""
    max_header_kib: int = Field(default=60, ge=8, le=512)
    """Largest head of a request; beyond it the answer is 431."""
    trusted_hops: int = Field(default=0, ge=0)
    """How many proxies in front of it are believed about the caller's address."""
    drain_s: int = Field(default=10, ge=0)
    """How long connections of a listener that was replaced may go on."""

    def as_metadata(self) -> dict[str, Any]:
        """Return the settings as they stand in the metadata of a node.

        Returns:
            Plain JSON.
        """
        return {"maestro": self.model_dump(mode="json")}

    @classmethod
    def from_metadata(cls, metadata: dict[str, Any]) -> "EdgeSettings":
        """Read settings from the metadata of a node.

        Args:
            metadata: As sent by the gateway.

        Returns:
            The settings.

        Raises:
            pydantic.ValidationError: There are none, or they are wrong.
        """
        return cls.model_validate(metadata.get("maestro"))
