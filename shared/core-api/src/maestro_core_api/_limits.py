"""How much, and for how long, a caller may ask."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class LimitsConfig(BaseModel):
    """Limits of one request."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    request_timeout: timedelta | None = Field(default=timedelta(minutes=5), gt=timedelta(0))
    """From a request's head to the beginning of its answer; beyond it the answer is 504. None sets no limit. An endpoint's
    own `time_limit` wins. Answers that have begun (streams) and WebSockets are exempt."""
    body_timeout: timedelta | None = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """For sending the body, from when the service begins to read it; beyond it the answer is 408. None sets no limit."""
    header_timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """For sending the head; beyond it the connection is closed."""
    max_header_bytes: int = Field(default=64 * 1024, ge=8_192)
    """Largest head of a request; beyond it the answer is 431."""
