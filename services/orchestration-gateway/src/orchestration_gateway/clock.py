"""The present."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present, with a zone."""


def utc_now() -> datetime:
    """Return the present in UTC."""
    return datetime.now(UTC)
