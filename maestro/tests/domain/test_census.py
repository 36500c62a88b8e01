from collections.abc import Callable, Collection
from datetime import UTC, datetime

from maestro.domain.census import Census, Tally
from maestro_workflow_engine import RunInfo, RunPage, RunStatus

RUNNING, COMPLETED, FAILED = RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.FAILED


class Journal:
    """Runs in the order of their start, listed two at a time."""

    def __init__(self) -> None:
        self.runs: dict[str, tuple[str, RunStatus]] = {}
        self.before_listing_running: Callable[[], None] = lambda: None

    async def page(self, status: Collection[RunStatus] | None, cursor: str | None) -> RunPage:
        if status is not None and cursor is None:
            self.before_listing_running()
        found = [
            RunInfo(id=key, workflow=name, version="1", status=stands, created_at=datetime.now(UTC))
            for key, (name, stands) in reversed(self.runs.items())
            if status is None or stands in status
        ]
        begin = int(cursor or 0)
        return RunPage(found[begin : begin + 2], str(begin + 2) if len(found) > begin + 2 else None)

    async def status(self, run_id: str) -> RunStatus:
        return self.runs[run_id][1]

    def end(self, run_id: str, status: RunStatus) -> None:
        self.runs[run_id] = (self.runs[run_id][0], status)


def _told(tally: Tally) -> tuple[dict[str, int], dict[tuple[str, str], int], dict[str, int]]:
    return dict(tally.started), dict(tally.ended), dict(tally.running)


async def test_runs_from_before_run_and_did_not_start() -> None:
    """What a restart finds counts as running; what had ended before counts for nothing."""
    journal = Journal()
    journal.runs = {"1": ("a/x", COMPLETED), "2": ("a/x", RUNNING), "3": ("plain", RUNNING), "4": ("a/x", RUNNING)}
    census = Census(journal.page, journal.status)
    assert _told(await census.take()) == ({}, {}, {"a/x": 2, "python/plain": 1})
    journal.end("2", FAILED)
    assert _told(await census.take()) == ({}, {("a/x", "failed"): 1}, {"a/x": 1, "python/plain": 1})


async def test_every_run_is_counted_once() -> None:
    """Runs that start, that end, and that do both between two looks are each counted once, over several pages."""
    journal = Journal()
    census = Census(journal.page, journal.status)
    assert _told(await census.take()) == ({}, {}, {})
    journal.runs = {str(number): ("a/x", RUNNING) for number in range(5)}
    journal.end("1", COMPLETED)
    assert _told(await census.take()) == ({"a/x": 5}, {("a/x", "completed"): 1}, {"a/x": 4})
    assert _told(await census.take()) == ({}, {}, {"a/x": 4})
    journal.end("0", COMPLETED)
    journal.end("3", FAILED)
    journal.runs["5"] = ("b/y", RUNNING)
    ended = {("a/x", "completed"): 1, ("a/x", "failed"): 1}
    assert _told(await census.take()) == ({"b/y": 1}, ended, {"a/x": 2, "b/y": 1})


async def test_what_happens_during_a_census_is_counted_by_it_or_the_next() -> None:
    """A run that starts, or ends, between the two listings is neither lost nor counted twice."""
    journal = Journal()
    census = Census(journal.page, journal.status)
    await census.take()
    journal.runs["1"] = ("a/x", RUNNING)

    def meanwhile() -> None:
        journal.end("1", COMPLETED)
        journal.runs["2"] = ("a/x", RUNNING)

    journal.before_listing_running = meanwhile
    assert _told(await census.take()) == ({"a/x": 1}, {("a/x", "completed"): 1}, {})
    journal.before_listing_running = lambda: None
    assert _told(await census.take()) == ({"a/x": 1}, {}, {"a/x": 1})


async def test_whatever_has_not_ended_counts_as_running() -> None:
    """Runs that wait for their turn or are paused count, also when a restart finds them, and are not looked up one by one."""
    journal = Journal()
    for number, status in enumerate((RunStatus.QUEUED, RunStatus.PAUSED, RUNNING, COMPLETED)):
        journal.runs[f"r{number}"] = ("w", status)
    looked_up: list[str] = []

    async def status(run_id: str) -> RunStatus:
        looked_up.append(run_id)
        return await journal.status(run_id)

    census = Census(journal.page, status)
    for _ in range(2):
        assert _told(await census.take()) == ({}, {}, {"python/w": 3})
    assert looked_up == []
