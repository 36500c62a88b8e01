"""Options of a service's rate limits."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ._rate_limit import RateLimit


class RateLimitConfig(BaseModel):
    """Limits for the whole service, and how they are kept. `/health/*` and `/metrics` are outside of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    limits: tuple[RateLimit, ...] = ()
    """Limits that hold for every request; endpoints have more with `limit_rate`."""
    when_unavailable: Literal["local", "allow", "deny"] = "local"
    """What happens while Valkey is away: each process counts for itself, requests are let through uncounted, or they are answered
    with 503. `service_rate_limit_store_failures_total` counts them in any case."""
    max_keys: int = Field(default=100_000, gt=0)
    """How many callers are counted in the memory of a process; beyond it the one who was away for longest is forgotten."""

    @model_validator(mode="after")
    def _each_rule_once(self) -> Self:
        rules = [limit.rule for limit in self.limits]
        if len(set(rules)) < len(rules):
            raise ValueError("limits must differ in their rule")
        return self
