"""What a service says of its public routes, in code."""

import re
from datetime import timedelta
from typing import Final, Literal, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from ._options import OPTIONS, GatewayCORS, GatewayProtection, GatewayRateLimit, GatewayRetries
from ._paths import Path

Authentication = Literal["jwt", "jwt-or-api-key", "public"]
"""Who gets through: callers with a token; those, and callers with an API key, which the service itself checks; everybody."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


class GatewayRoute(BaseModel):
    """One public route of a service. What is None is taken from `GatewayConfig`, and there from the service itself."""

    model_config = OPTIONS

    path: Path
    """Path in the service, such as `/orders` or `/orders/{id}`; at the edge the service's name is in front of it."""
    match: Literal["prefix", "exact"] = "prefix"
    """Whether paths below it (`/orders/7/items`, never `/orders2`) belong to it too."""
    methods: tuple[str, ...] = ()
    """Methods; () for all. HEAD comes along with GET."""
    authentication: Authentication = "jwt"
    """Who gets through."""
    roles: tuple[str, ...] = ()
    """Roles of which the token must have one; a higher role of the platform includes the lower ones."""
    scopes: tuple[str, ...] = ()
    """Scopes that the token must all have."""
    rate_limits: tuple[GatewayRateLimit, ...] | None = None
    """Limits, of which each must let the request through."""
    timeout: timedelta | None = Field(default=None, gt=timedelta(0))
    """From the request to the beginning of the answer, and between two parts of it; beyond it the answer is 504."""
    retries: GatewayRetries | None = None
    """How often another instance is tried."""
    cors: GatewayCORS | None = None
    """Which pages of other origins may call."""
    max_body_bytes: int | None = Field(default=None, gt=0)
    """Largest request body; beyond it the answer is 413."""

    @field_validator("methods")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for method in value:
            if method not in METHODS:
                raise ValueError(f"{method!r} is not one of {', '.join(sorted(METHODS))}")
        return tuple(sorted({*value, "HEAD"} if "GET" in value else set(value)))

    @field_validator("roles", "scopes")
    @classmethod
    def _words(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if not _TOKEN.fullmatch(word):
                raise ValueError(f"{word!r} cannot stand in a token: no blanks, quotes or backslashes")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.authentication == "public" and (self.roles or self.scopes):
            raise ValueError(f"{self.path} is public, so that nobody's roles or scopes are known; leave one out")
        if self.match == "prefix" and self.path.endswith(":path}"):
            raise ValueError(f"{self.path} takes everything that follows already; say match='exact'")
        return self


class GatewayConfig(BaseModel):
    """A service's side of the API gateway. Without a word here, what the service's endpoints say of themselves holds at the edge."""

    model_config = OPTIONS

    exposed: bool = True
    """Whether the gateway knows the service at all."""
    routes: tuple[GatewayRoute, ...] = ()
    """Routes. An exact one replaces what the endpoint of its path says. A prefix holds for the endpoints below it as well; of who
    may call, the stricter word of the two holds there."""
    endpoints: Literal["derived", "closed"] = "derived"
    """What of endpoints that no route names: declared as they are (public, roles, scopes, time limit), or not to be reached."""
    hidden: tuple[Path, ...] = ("/health", "/metrics", "/ops")
    """Paths that nobody outside has any business with; a route that names one of them is let through after all."""
    rate_limits: tuple[GatewayRateLimit, ...] = ()
    """Limits of all routes that have none of their own. The service's own limits hold behind the gateway, too."""
    timeout: timedelta | None = Field(default=None, gt=timedelta(0))
    """Time limit of routes without one; None takes the service's `limits.request_timeout`."""
    retries: GatewayRetries = Field(default_factory=GatewayRetries)
    """Retries of routes that say nothing."""
    cors: GatewayCORS | None = None
    """CORS of routes that say nothing."""
    max_body_bytes: int | None = Field(default=None, gt=0)
    """Body limit of routes without one; None takes the service's `max_body_bytes`."""
    weights: dict[str, int] = Field(default_factory=dict)
    """Version → percent of the traffic. Versions that are not named share the rest by their number of instances; without any
    weights all instances are alike. A version of which nothing runs leaves its share to the others."""
    protection: GatewayProtection = Field(default_factory=GatewayProtection)
    """Circuit breakers and outlier detection."""

    @field_validator("weights")
    @classmethod
    def _percent(cls, value: dict[str, int]) -> dict[str, int]:
        if any(not 0 <= weight <= 100 for weight in value.values()) or sum(value.values()) > 100:
            raise ValueError("weights are percents: each from 0 to 100, all together at most 100")
        return value
