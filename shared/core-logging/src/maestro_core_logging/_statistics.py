"""How many lines there were, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogStatistics:
    """Lines of this process since `configure_logging` was called last."""

    written: int
    """Lines that were written to their stream."""

    waiting: int
    """Lines that wait for their stream now."""

    dropped: int
    """Lines that were lost: for want of room, or because their stream was full, closed or gone."""

    suppressed: int
    """Lines that were left out as repetitions."""

    sampled_out: int
    """Lines that were left out by sampling."""

    exported: int
    """Records that an OTLP receiver took."""

    export_dropped: int
    """Records that no OTLP receiver got: for want of room, or because it did not take them."""
