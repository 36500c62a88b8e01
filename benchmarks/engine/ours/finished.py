"""Whether a journal full of finished runs slows new ones down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row, median
from benchmarks.engine._workload import STEPS, alone_ms, steps_per_second
from benchmarks.engine.peers.maestro import opened

_WINDOWS, _COMPARED = 20, 5
_ALONE_S = 1.0


async def measure(folder: Path, *, runs: int) -> dict[str, Any]:
    """Finish that many runs in one journal, in twenty windows of equal size.

    Returns:
        `runs`; `first` and `last`, steps/s as the medians of the first and last five windows; `alone_first_ms` and
        `alone_last_ms`, the median latency of a run alone on the empty and on the full journal.
    """
    window = max(1, runs // _WINDOWS)
    async with opened(folder) as subject:
        await steps_per_second(subject.run, min(500, window))
        alone_first = median(await alone_ms(subject.run, _ALONE_S))
        rates = [await steps_per_second(subject.run, window) for _ in range(_WINDOWS)]
        alone_last = median(await alone_ms(subject.run, _ALONE_S))
    return {
        "runs": window * _WINDOWS,
        "first": median(rates[:_COMPARED]),
        "last": median(rates[-_COMPARED:]),
        "alone_first_ms": alone_first,
        "alone_last_ms": alone_last,
        "runs_per_s": [rate / STEPS for rate in rates],
    }


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures; a tenth is within what two windows on a quiet machine differ by."""
    ratio = figures["last"] / figures["first"]
    return [
        Row(
            f"throughput after {figures['runs']:,} finished runs, against an empty journal",
            f"{ratio:.2f} x ({figures['first']:,.0f} → {figures['last']:,.0f} steps/s)",
            "≥ 0.9 x",
            ratio >= 0.9,
        ),
        Row(
            "… a run alone, p50",
            f"{figures['alone_first_ms']:.2f} → {figures['alone_last_ms']:.2f} ms",
        ),
    ]
