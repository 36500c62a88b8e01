"""How much memory this process holds."""

from __future__ import annotations

import gc

import psutil


def resident_bytes() -> int:
    """Return the resident set's size after a full collection, in bytes."""
    gc.collect()
    resident: int = psutil.Process().memory_info().rss
    return resident
