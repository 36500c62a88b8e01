"""The report: what the rounds come to, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.engine._figures import Row, median


def summary(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put a system's rounds together.

    Args:
        rounds: What `_workload.measure` returned in each round.

    Returns:
        The last round's title, durability and versions; for each figure `median`, `low` and `high` over the rounds.
    """
    figures = {
        name: {"median": median(values), "low": min(values), "high": max(values)}
        for name in ("steps_per_s", "alone_p50_ms", "alone_p99_ms", "fsyncs_per_s")
        for values in [[entry[name] for entry in rounds]]
    }
    told = {name: rounds[-1][name] for name in ("title", "durability", "versions")}
    return {**told, "rounds": len(rounds), "runs": [entry["runs"] for entry in rounds], **figures}


def comparison(ours: dict[str, Any], peers: Sequence[dict[str, Any]]) -> list[Row]:
    """Return our figures beside their goals, and beside the best peer where one was measured."""
    rate, alone = ours["steps_per_s"]["median"], ours["alone_p50_ms"]["median"]
    rows = [
        Row("durable steps/s, 3-step runs, 100 at a time", f"{rate:,.0f}", "≥ 10,000", rate >= 10_000),
        Row("one 3-step run alone, p50", f"{alone:.2f} ms", "≤ 2 ms", alone <= 2),
    ]
    if peers:
        fastest = max(peers, key=lambda peer: float(peer["steps_per_s"]["median"]))
        quickest = min(peers, key=lambda peer: float(peer["alone_p50_ms"]["median"]))
        times = rate / fastest["steps_per_s"]["median"]
        share = alone / quickest["alone_p50_ms"]["median"]
        rows.insert(1, Row(f"… against the best peer ({fastest['title']})", f"{times:.1f} x", "≥ 30 x", times >= 30))
        rows.append(Row(f"… against the best peer ({quickest['title']})", f"{share:.2f} x", "≤ 0.25 x", share <= 0.25))
    return rows


def on_temporal(plain: dict[str, Any], ours: Sequence[dict[str, Any]]) -> list[Row]:
    """Return what our runner on Temporal costs beside Temporal's own SDK on the same server; there is no goal for it."""
    return [
        Row(
            f"{system['title']}, against Temporal's own SDK",
            f"{system['steps_per_s']['median'] / plain['steps_per_s']['median']:.2f} x the steps/s, "
            f"{system['alone_p50_ms']['median'] / plain['alone_p50_ms']['median']:.2f} x the time alone",
            "",
            None,
        )
        for system in ours
    ]


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a plain table: columns as wide as their widest cell, two spaces apart."""
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(len(head))]
    ruled = [head, ["-" * width for width in widths], *lines]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in ruled
    )


def systems_table(systems: Sequence[dict[str, Any]]) -> str:
    """Return the table of the systems, medians with their spread."""

    def spread(figure: dict[str, float], form: str) -> str:
        return f"{figure['median']:{form}} ({figure['low']:{form}} to {figure['high']:{form}})"

    lines = [
        [
            system["title"],
            spread(system["steps_per_s"], ",.0f"),
            spread(system["alone_p50_ms"], ".2f"),
            spread(system["alone_p99_ms"], ".2f"),
            spread(system["fsyncs_per_s"], ",.0f"),
            " ".join(f"{name} {version}" for name, version in system["versions"].items()),
        ]
        for system in systems
    ]
    return table(
        ["system", "durable steps/s", "alone p50, ms", "alone p99, ms", "disk's fsyncs/s before", "versions"], lines
    )


def goals_table(rows: Sequence[Row]) -> str:
    """Return the table of figures and goals."""
    said = {None: "", True: "yes", False: "NO"}
    return table(["what", "figure", "goal", "met"], [[row.what, row.value, row.goal, said[row.met]] for row in rows])
