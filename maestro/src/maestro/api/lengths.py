"""Lengths of time in requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

_LONGEST_S = 100 * 366 * 86_400.0
Seconds = Annotated[float, Field(ge=0, le=_LONGEST_S, allow_inf_nan=False)]
"""A length of time in seconds, at most a hundred years."""


def length(seconds: float | None) -> timedelta | None:
    """Return seconds as the domain takes them.

    Args:
        seconds: How many; None for none at all.
    """
    return None if seconds is None else timedelta(seconds=seconds)
