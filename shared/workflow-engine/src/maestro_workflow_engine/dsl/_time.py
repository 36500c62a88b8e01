"""Moments as expressions see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def describe_time(moment: datetime) -> Mapping[str, Any]:
    """Describe a moment (DSL 1.0.3, "DateTime Descriptor"). Tasks that start together share the description.

    Args:
        moment: An aware datetime.

    Returns:
        `iso8601` in UTC, and `epoch` with whole `seconds` and `milliseconds`.
    """
    moment = moment.astimezone(UTC)
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    return {
        "iso8601": moment.isoformat().replace("+00:00", "Z"),
        "epoch": {"seconds": milliseconds // 1000, "milliseconds": milliseconds},
    }
