"""What is measured, and how much of it: the default takes about six minutes, `--full` takes what the goals say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PACKAGE = "benchmarks.engine"
OURS = f"{PACKAGE}.peers.maestro"
ON_TEMPORAL = (f"{PACKAGE}.peers.maestro_temporal", f"{PACKAGE}.peers.maestro_temporal_local")
"""Our engine on its other runner; measured after Temporal itself."""

TEMPORAL = f"{PACKAGE}.peers.temporal"
PEERS = tuple(
    f"{PACKAGE}.peers.{name}"
    for name in ("dbos_sqlite", "dbos_postgres", "restate_server", "temporal", "prefect_server")
)


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rounds: int = 2
    """How often each peer is measured, all in turn; our engine goes before each of them."""

    seconds: float = 2.0
    """About how long each system's throughput is measured in each round."""

    sleeping_runs: int = 20_000
    """Runs that sleep at once."""

    long_run_steps: int = 10_000
    """Steps of the one long run."""

    sized_runs: int = 1_000
    """Runs in each of the two journals whose sizes are compared."""

    recovered_runs: tuple[int, ...] = (500, 1_000, 2_000, 4_000)
    """Unfinished runs at the moment of the kill."""

    finished_runs: int = 20_000
    """Finished runs in one journal."""

    http_runs: int = 2_000
    """Runs through the HTTP interface in each of three windows."""

    deadline_s: float = 150.0
    """When a single measurement is given up."""

    @property
    def alone(self) -> list[tuple[str, dict[str, Any]]]:
        """The measurements of our engine alone: (module, options)."""
        return [
            (f"{PACKAGE}.ours.sleeping", {"runs": self.sleeping_runs}),
            (f"{PACKAGE}.ours.long_run", {"steps": self.long_run_steps}),
            (f"{PACKAGE}.ours.journal_size", {"runs": self.sized_runs}),
            (f"{PACKAGE}.ours.recovery", {"counts": list(self.recovered_runs)}),
            (f"{PACKAGE}.ours.finished", {"runs": self.finished_runs}),
            (f"{PACKAGE}.ours.over_http", {"runs": self.http_runs}),
            (f"{PACKAGE}.ours.on_temporal", {}),
        ]


DEFAULT = Plan()
FULL = Plan(rounds=3, seconds=10.0, sleeping_runs=100_000, finished_runs=1_000_000, http_runs=10_000, deadline_s=3600.0)
QUICK = Plan(
    sleeping_runs=5_000,
    long_run_steps=2_000,
    sized_runs=500,
    recovered_runs=(500, 1_000),
    finished_runs=8_000,
    http_runs=1_000,
)
TINY = Plan(
    rounds=1,
    seconds=0.05,
    sleeping_runs=200,
    long_run_steps=50,
    sized_runs=100,
    recovered_runs=(5, 10),
    finished_runs=200,
    http_runs=50,
    deadline_s=120.0,
)
PLANS = {"default": DEFAULT, "full": FULL, "quick": QUICK, "tiny": TINY}
