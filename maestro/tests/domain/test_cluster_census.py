from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from maestro.domain.cluster_census import ClusterCensus
from maestro_workflow_engine import RunFilter, RunInfo, RunPage, RunStatus

BEGIN = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _run(run_id: str, workflow: str, status: RunStatus, created: datetime, finished: datetime | None) -> RunInfo:
    return RunInfo(
        id=run_id,
        workflow=workflow,
        version="1.0.0",
        status=status,
        created_at=created,
        finished_at=finished,
        parent_id=None,
        attributes={},
    )


@dataclass
class Cluster:
    """Lists runs two a page, those that are listed by now."""

    runs: dict[str, RunInfo] = field(default_factory=dict)

    def start(self, run_id: str, second: float, workflow: str = "add") -> None:
        created = BEGIN + timedelta(seconds=second)
        self.runs[run_id] = _run(run_id, workflow, RunStatus.RUNNING, created, None)

    def end(self, run_id: str, second: float, status: RunStatus = RunStatus.COMPLETED) -> None:
        run = self.runs[run_id]
        finished = BEGIN + timedelta(seconds=second)
        self.runs[run_id] = _run(run.id, run.workflow, status, run.created_at, finished)

    def _found(self, wanted: RunFilter) -> list[RunInfo]:
        return [
            run
            for run in self.runs.values()
            if (wanted.workflow in (None, run.workflow))
            and (not wanted.statuses or run.status in wanted.statuses)
            and (wanted.created_after is None or run.created_at >= wanted.created_after)
            and (
                wanted.finished_after is None or (run.finished_at or BEGIN - timedelta(days=1)) >= wanted.finished_after
            )
        ]

    async def list(self, wanted: RunFilter, cursor: str | None) -> RunPage:
        begin = int(cursor or 0)
        found = self._found(wanted)
        return RunPage(found[begin : begin + 2], str(begin + 2) if len(found) > begin + 2 else None)

    async def count(self, wanted: RunFilter) -> int:
        return len(self._found(wanted))


def _census(cluster: Cluster, workflows: Collection[str] = ("add", "shop/order")) -> ClusterCensus:
    return ClusterCensus(cluster.list, cluster.count, lambda: workflows, clock=lambda: BEGIN)


async def test_what_happens_is_counted_once_however_late_it_is_listed() -> None:
    """Runs count when they are first listed, on whatever page, and not again."""
    cluster = Cluster()
    cluster.start("before", -3_600)
    census = _census(cluster)
    first = await census.take()
    assert (first.started, first.ended, first.running) == ({}, {}, {"python/add": 1, "shop/order": 0})
    for number in range(5):
        cluster.start(f"r{number}", 100 + number)
    second = await census.take()
    assert (second.started, second.running["python/add"]) == ({"python/add": 5}, 6)
    cluster.start("late", 90)  # it started before the others, and is listed after them
    cluster.end("r0", 120)
    cluster.end("before", 130, RunStatus.FAILED)
    third = await census.take()
    assert third.started == {"python/add": 1}
    assert third.ended == {("python/add", "completed"): 1, ("python/add", "failed"): 1}
    assert third.running["python/add"] == 5
    fourth = await census.take()
    assert (fourth.started, fourth.ended) == ({}, {})


async def test_what_ended_before_the_first_look_is_not_counted() -> None:
    """Neither is what others run in the same namespace."""
    cluster = Cluster()
    cluster.start("old", -10)
    cluster.end("old", -5)
    census = _census(cluster)
    await census.take()
    cluster.start("theirs", 5, "their/own")
    cluster.end("theirs", 6)
    tally = await census.take()
    assert (tally.started, tally.ended) == ({}, {})
    assert "their/own" not in tally.running
