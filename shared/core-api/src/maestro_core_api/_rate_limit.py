"""What a rate limit says, and what it decides. Rules only: no clock, no storage.

A limit is a bucket that leaks (the generic cell rate algorithm, ITU-T I.371): one number per caller, the backlog, says all. Each
request adds an interval to it, time takes it away, and a request that would make it higher than the bucket is refused.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Aspect = Literal["caller", "tenant", "api_key", "address", "route"]
"""What requests are told apart by: `caller` (a principal, or the address of an anonymous one), `api_key` (the limit is for those
with a key only), `tenant` (callers without one are counted as those of one), `address`, `route`."""


class RateLimit(BaseModel):
    """How many requests are let through in a time."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    rule: str = Field(pattern=r"^[a-z0-9][a-z0-9._:-]{0,63}$")
    """Name in denials, headers and metrics: `per-caller`, `exports`."""
    limit: int = Field(gt=0)
    """How many requests."""
    period: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(milliseconds=1), le=timedelta(days=31))
    """In which time."""
    burst: int | None = Field(default=None, gt=0)
    """How many of them may come at once; None means all."""
    by: tuple[Aspect, ...] = ("caller",)
    """What is counted apart: `("caller", "route")` gives each caller the limit on each route; `()` counts everybody together."""

    @property
    def interval_us(self) -> int:
        """Time after which one more request is let through, in microseconds; rounded up, so that never too many are."""
        return math.ceil(self.period / timedelta(microseconds=1) / self.limit)

    @property
    def capacity(self) -> int:
        """How many requests may come at once."""
        return self.burst or self.limit


@dataclass(frozen=True, slots=True)
class Decision:
    """What a limit decided about one request."""

    limit: RateLimit
    """The limit."""
    allowed: bool
    """Whether it lets the request through."""
    remaining: int
    """How many more it would let through now."""
    retry_after_us: int
    """When it would let the request through, in microseconds; 0 when it does now."""
    full_after_us: int
    """When all is as if nobody had asked, in microseconds."""


def decide(limit: RateLimit, backlog_us: int, *, taken: bool) -> Decision:
    """Decide about a request.

    Args:
        limit: The limit.
        backlog_us: Backlog before the request, in microseconds, 0 or more.
        taken: Whether the request was added to it; it is not when another limit refused it.

    Returns:
        The decision.
    """
    interval, room = limit.interval_us, limit.interval_us * limit.capacity
    wait = max(0, backlog_us + interval - room)
    after = backlog_us + interval if taken else backlog_us
    return Decision(limit, wait == 0, max(0, room - after) // interval, wait, after)
