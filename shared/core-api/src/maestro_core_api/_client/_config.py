"""How a client waits, tries again, gives up and shows who it is, as frozen models."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_NOTHING = timedelta(0)


class RetryConfig(BaseModel):
    """When a failed call is made again. How often, is the client's `retries`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    first_pause: timedelta = Field(default=timedelta(milliseconds=100), ge=_NOTHING)
    """Upper limit of the first pause; it doubles with each further one. A pause is chosen between zero and its limit."""
    longest_pause: timedelta = Field(default=timedelta(seconds=5), ge=_NOTHING)
    """Upper limit of every pause."""
    longest_retry_after: timedelta = Field(default=timedelta(seconds=10), ge=_NOTHING)
    """Longest `Retry-After` that is waited for; a call that is asked to wait longer fails at once and says how long."""
    budget_share: float = Field(default=0.2, ge=0.0, le=1.0)
    """How many retries one call to a service pays for: with 0.2, no more than one retry for five calls in ten seconds."""
    budget_floor: int = Field(default=10, ge=0)
    """Retries that are always there in ten seconds, so that a client that calls seldom can try again too."""


class CircuitConfig(BaseModel):
    """When a client stops asking a service that fails, and when it asks again."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    failure_share: float = Field(default=0.5, gt=0.0, le=1.0)
    """Share of failed calls at which the circuit opens."""
    minimum_calls: int = Field(default=10, ge=1, le=100)
    """Calls that must have ended within `window` before their share says anything."""
    window: timedelta = Field(default=timedelta(seconds=30), gt=_NOTHING)
    """How far back calls count; never more than the last hundred."""
    open_for: timedelta = Field(default=timedelta(seconds=1), gt=_NOTHING)
    """How long an open circuit refuses calls, give or take a fifth; it doubles each time that the probe fails."""
    longest_open_for: timedelta = Field(default=timedelta(seconds=15), gt=_NOTHING)
    """Upper limit of that time."""
    probes: int = Field(default=1, ge=1)
    """Calls let through at a time to find out whether the service is back."""


class ClientConfig(BaseModel):
    """Options of an `APIClient` that are seldom changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    connect_timeout: timedelta | None = Field(default=None, gt=_NOTHING)
    """Limit for connecting; None takes the client's `timeout`."""
    total_timeout: timedelta | None = Field(default=None, gt=_NOTHING)
    """Limit for a whole call with its retries and pauses, for a stream up to its head; None takes ten times `timeout`."""
    retry: RetryConfig = RetryConfig()
    """When a failed call is made again."""
    circuit: CircuitConfig | None = CircuitConfig()
    """When a service that fails is left alone; None asks it every time."""
    identity: Literal["own", "caller"] = "own"
    """Who calls: the client itself (`token`, `api_key`), or, while a request is served, whoever sent that request."""
    deadline: Literal["own", "caller"] = "caller"
    """Whether calls made for a request also end when its caller stops waiting; `own` is for work that outlives requests."""
    max_connections: int = Field(default=100, ge=1)
    """Connections open at a time; a call that finds none free waits for `timeout`."""
    max_idle_connections: int = Field(default=20, ge=0)
    """Connections kept open for later calls."""
    zone: str | None = None
    """Where the caller runs: instances in the same zone are asked first; None when it does not matter."""
    avoid_for: timedelta = Field(default=timedelta(seconds=5), ge=_NOTHING)
    """How long an instance that failed is asked only after all others."""
