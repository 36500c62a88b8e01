"""What is said to the registry: routes with nothing left open."""

from datetime import timedelta
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ._config import Authentication
from ._options import GatewayCORS, GatewayProtection, GatewayRateLimit, GatewayRetries
from ._paths import Path

MAX_ROUTES: Final = 1_000
_OPTIONS: Final = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float")


class DeclaredRoute(BaseModel):
    """One public route, as it is meant. Durations are seconds on the wire."""

    model_config = _OPTIONS

    path: Path
    """Path in the service."""
    is_prefix: bool
    """Whether paths below it belong to it too."""
    methods: tuple[str, ...] = ()
    """Methods; () for all."""
    authentication: Authentication = "jwt"
    """Who gets through."""
    roles: tuple[str, ...] = ()
    """Every role that is enough; () asks for none."""
    role_rule: str | None = None
    """Name of the rule about roles in denials, such as `role:operator`."""
    scopes: tuple[str, ...] = ()
    """Scopes that are all needed."""
    rate_limits: tuple[GatewayRateLimit, ...] = ()
    """Limits."""
    timeout: timedelta | None = None
    """Time limit; None for none."""
    retries: GatewayRetries = Field(default_factory=GatewayRetries)
    """Retries."""
    cors: GatewayCORS | None = None
    """CORS; None allows no other origin."""
    max_body_bytes: int
    """Largest body of a request."""


class Declaration(BaseModel):
    """What one version of a service wants of the gateway."""

    model_config = _OPTIONS

    exposed: bool = True
    """Whether the gateway knows the service at all."""
    routes: tuple[DeclaredRoute, ...] = Field(default=(), max_length=MAX_ROUTES)
    """Routes."""
    hidden: tuple[Path, ...] = ()
    """Paths below which nothing but exactly declared routes is let through."""
    weights: dict[str, int] = Field(default_factory=dict)
    """Version → percent of the traffic."""
    protection: GatewayProtection = Field(default_factory=GatewayProtection)
    """Circuit breakers and outlier detection."""

    @model_validator(mode="after")
    def _rules_mean_one_thing(self) -> Self:
        rules: dict[str, GatewayRateLimit] = {}
        for limit in (limit for route in self.routes for limit in route.rate_limits):
            if rules.setdefault(limit.rule, limit) != limit:
                raise ValueError(
                    f"the rate limit {limit.rule!r} is declared in two ways; give one of them another name"
                )
        return self
