"""Whether a journal full of finished runs slows new ones down: it and an empty one, in turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.engine._figures import Row, median
from benchmarks.engine._workload import alone_ms, steps_per_second
from benchmarks.engine.ours._memory import resident_bytes
from benchmarks.engine.peers.maestro import opened

_TURNS = 9
_WINDOW = 2_000
_ALONE_S = 0.3


async def measure(folder: Path, *, runs: int) -> dict[str, Any]:
    """Finish that many runs in one journal, then take turns with an empty one, so that whatever else the machine does meets both.

    Returns:
        `runs`; `ratios`, steps/s of the full journal against the empty one in each turn; `full` and `empty`, the medians of
        steps/s; `alone_full_ms` and `alone_empty_ms`, the medians of a run alone; `filled_steps_per_s`; `grown_bytes`, by how much the
        process grew while its runs ended.
    """
    window = min(_WINDOW, max(1, runs // 4))
    for name in ("full", "empty"):
        (folder / name).mkdir()
    async with opened(folder / "full") as full:
        await steps_per_second(full.run, window)
        before = resident_bytes()
        filled = await steps_per_second(full.run, runs)
        grown = resident_bytes() - before
        async with opened(folder / "empty") as empty:
            await steps_per_second(empty.run, window)
            rates: dict[str, list[float]] = {"full": [], "empty": []}
            alone: dict[str, list[float]] = {"full": [], "empty": []}
            for turn in range(_TURNS):
                both = [("full", full), ("empty", empty)]
                for name, subject in both if turn % 2 else reversed(both):
                    rates[name].append(await steps_per_second(subject.run, window))
                    alone[name].append(median(await alone_ms(subject.run, _ALONE_S)))
    return {
        "runs": runs,
        "ratios": [a / b for a, b in zip(rates["full"], rates["empty"], strict=True)],
        "full": median(rates["full"]),
        "empty": median(rates["empty"]),
        "alone_full_ms": median(alone["full"]),
        "alone_empty_ms": median(alone["empty"]),
        "filled_steps_per_s": filled,
        "grown_bytes": grown,
    }


def rows(figures: dict[str, Any]) -> list[Row]:
    """Tell the figures; a tenth is within what two windows on a quiet machine differ by."""
    ratios = figures["ratios"]
    ratio = median(ratios)
    return [
        Row(
            f"throughput with {figures['runs']:,} finished runs, against an empty journal in turns",
            f"{ratio:.2f} x ({min(ratios):.2f} to {max(ratios):.2f}; {figures['empty']:,.0f} → {figures['full']:,.0f} steps/s)",
            "≥ 0.9 x",
            ratio >= 0.9,
        ),
        Row(
            "… a run alone, p50",
            f"{figures['alone_empty_ms']:.2f} → {figures['alone_full_ms']:.2f} ms",
        ),
        Row(
            "… memory that they left behind",
            f"{figures['grown_bytes'] / 1e6:.1f} MB",
        ),
    ]
