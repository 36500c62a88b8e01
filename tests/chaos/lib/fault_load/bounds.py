"""How much is done: little in `make test`, more in `make chaos`, as long as is asked for in a soak."""

from __future__ import annotations

import os
import re
from datetime import timedelta

KILLS = int(os.environ.get("MAESTRO_CHAOS_KILLS", "8"))
"""Kills at random, all tests together."""

IS_LONG = KILLS >= 100
"""Whether this is `make chaos`."""

WORKER_KILLS = int(os.environ.get("MAESTRO_CHAOS_WORKER_KILLS", "3"))
"""Kills of workers at a cluster, all tests together: the same in `make chaos` as in `make test`, more in `make chaos-temporal`."""


def soak() -> timedelta | None:
    """Return how long to soak, from MAESTRO_CHAOS_SOAK ("30m", "2h", "90s"); None when nobody asked for it."""
    text = os.environ.get("MAESTRO_CHAOS_SOAK", "")
    if not text:
        return None
    found = re.fullmatch(r"(\d+)([smh])", text)
    if found is None:
        raise ValueError(f"MAESTRO_CHAOS_SOAK={text!r}: say how long, such as 90s, 30m or 2h")
    unit = {"s": "seconds", "m": "minutes", "h": "hours"}[found[2]]
    return timedelta(**{unit: int(found[1])})
