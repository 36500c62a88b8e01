"""What a public route may have beside its path: limits, retries, CORS, protection of its service."""

import re
from datetime import timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

LimitAspect = Literal["subject", "address", "tenant"]
"""What requests are told apart by: who the token speaks for, the caller's address, the tenant that the token names."""

OPTIONS: Final = ConfigDict(frozen=True, extra="forbid", defer_build=True, ser_json_timedelta="float")
_ORIGIN: Final = re.compile(r"\*|https?://(?:\*\.)?[a-z0-9.-]+(?::\d{1,5})?")


class GatewayRateLimit(BaseModel):
    """How many requests the gateway lets through in a time, exactly."""

    model_config = OPTIONS

    rule: str = Field(pattern=r"^[a-z0-9][a-z0-9._:-]{0,63}$")
    """Name in denials and headers; within a service a rule is counted once, however many routes name it."""
    limit: int = Field(gt=0, le=1_000_000_000)
    """How many requests."""
    period: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(milliseconds=1), le=timedelta(days=31))
    """In which time."""
    burst: int | None = Field(default=None, gt=0)
    """How many of them may come at once; None means all."""
    by: tuple[LimitAspect, ...] = ("subject",)
    """What is counted apart; `()` counts everybody together. Where a caller has no subject or tenant, its address counts."""


class GatewayRetries(BaseModel):
    """How often the gateway tries another instance before it gives up.

    A request that may have reached an instance is sent again only when its method is idempotent (RFC 9110, 9.2.2); one that
    certainly has not, whatever its method.
    """

    model_config = OPTIONS

    attempts: int = Field(default=2, ge=0, le=10)
    """Tries after the first; 0 for none."""
    statuses: tuple[int, ...] = (503,)
    """Answers that are worth another try, of idempotent requests."""
    base_interval: timedelta = Field(default=timedelta(milliseconds=25), gt=timedelta(0))
    """Pause before the first of them; it doubles, with jitter, up to ten times as long."""
    per_try_timeout: timedelta | None = Field(default=None, gt=timedelta(0))
    """How long one try may be silent; None leaves it to the route's timeout."""


class GatewayCORS(BaseModel):
    """Which pages of other origins may call (the Fetch standard's CORS protocol)."""

    model_config = OPTIONS

    origins: tuple[str, ...] = Field(min_length=1)
    """Origins (`https://shop.example`), with subdomains (`https://*.shop.example`), or `*` for any."""
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    """Methods that they may use."""
    headers: tuple[str, ...] = (
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "last-event-id",
        "traceparent",
        "x-request-id",
    )
    """Headers that they may send."""
    exposed_headers: tuple[str, ...] = (
        "etag",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "x-request-id",
    )
    """Headers of answers that they may read."""
    credentials: bool = False
    """Whether they may send cookies; not together with `*`."""
    max_age: timedelta = timedelta(minutes=10)
    """How long a browser need not ask again."""

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin: scheme and host, without a path, such as https://shop.example"
                )
        return value

    @field_validator("credentials")
    @classmethod
    def _not_with_everybody(cls, value: bool, info: object) -> bool:
        if value and "*" in getattr(info, "data", {}).get("origins", ()):
            raise ValueError("name the origins that may send cookies; '*' would be everybody")
        return value


class GatewayProtection(BaseModel):
    """What keeps a service from being overrun, and traffic away from sick instances."""

    model_config = OPTIONS

    max_connections: int = Field(default=1_024, gt=0)
    """Connections to all instances together, of each gateway process."""
    max_pending_requests: int = Field(default=1_024, gt=0)
    """Requests that wait for a connection; beyond it the answer is 503."""
    max_requests: int = Field(default=4_096, gt=0)
    """Requests under way, event streams included; beyond it the answer is 503."""
    retry_budget_percent: float = Field(default=50.0, gt=0, le=100)
    """Most retries at a time, as a share of the requests under way; twenty are always allowed. When one of two instances dies, half
    of all requests want another try at once."""
    eject_after_failures: int = Field(default=5, gt=0)
    """Failures in a row (5xx, connections that cannot be made) after which an instance gets no traffic for a while."""
    ejection: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0))
    """For how long at first; it grows with each time."""
    max_ejected_percent: int = Field(default=50, ge=0, le=100)
    """Share of the instances that may be without traffic at once."""
    connect_timeout: timedelta = Field(default=timedelta(seconds=1), gt=timedelta(0))
    """How long a connection may take to be made."""
