"""Options of idempotency keys."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class IdempotencyConfig(BaseModel):
    """How answers to requests with an `Idempotency-Key` are kept. Endpoints take part with `@idempotent`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    keep: timedelta = Field(default=timedelta(hours=24), gt=timedelta(0))
    """How long an answer is kept, from the beginning of its request."""
    lease: timedelta = Field(default=timedelta(seconds=30), ge=timedelta(seconds=1))
    """How long after its last sign of life a process that answers a request is taken for dead."""
    after_failure: Literal["run_again", "refuse"] = "run_again"
    """What the same request gets when an earlier attempt failed (a 5xx, an exception, a crash): it is run again, or it is refused,
    because nobody knows how far the earlier attempt came. `idempotent_call` tells the endpoint which attempt it is."""
    max_answer_bytes: int = Field(default=1024 * 1024, gt=0)
    """Largest answer that is kept; the same request gets a 409 after a larger one."""
    max_records: int = Field(default=10_000, gt=0)
    """How many answers a process keeps in memory, the latest; Valkey has limits of its own."""
    max_memory_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """How much memory they may take."""
    when_unavailable: Literal["deny", "allow"] = "deny"
    """What happens while Valkey is away: such requests are answered with 503, or they run unprotected."""
