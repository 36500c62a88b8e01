from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from maestro.journal_health import JournalHealth
from maestro_core_monitoring import HealthCheckError
from maestro_workflow_engine import JournalWriteError, WorkflowEngine, WorkflowError


class Engine:
    """An engine as far as its health goes."""

    failure: WorkflowError | None = None


class Clock:
    """Time that stands still unless moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _check(folder: Path | None) -> tuple[JournalHealth, Engine, Clock]:
    engine, clock = Engine(), Clock()
    health = JournalHealth(cast("WorkflowEngine", engine), folder, quiet=timedelta(seconds=5), clock=clock)
    return health, engine, clock


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


async def test_a_journal_that_takes_writes_is_healthy(tmp_path: Path) -> None:
    """Without a refused write the check passes."""
    health, _, _ = _check(tmp_path)
    await health.check()


async def test_an_engine_that_is_not_open_is_not_ready(tmp_path: Path) -> None:
    """A closed engine fails the check instead of breaking it."""
    health = JournalHealth(WorkflowEngine("sqlite://"), tmp_path)
    with pytest.raises(HealthCheckError, match="not open"):
        await health.check()


async def test_a_refusal_counts_until_it_is_quiet(tmp_path: Path) -> None:
    """A refused write fails the check while refusals go on, and for five seconds after the last."""
    health, engine, clock = _check(tmp_path)
    for _ in range(3):
        engine.failure = JournalWriteError("runs.db", "journal runs.db cannot be written: disk full")
        with pytest.raises(HealthCheckError, match="disk full"):
            await health.check()
        clock.now += 4.9
    with pytest.raises(HealthCheckError, match="disk full"):
        await health.check()
    clock.now += 0.2
    await health.check()
    assert _names(tmp_path) == []


async def test_a_quiet_refusal_is_checked_against_the_disk(tmp_path: Path) -> None:
    """When nobody has tried for a while, a disk that still refuses fails the check."""
    health, engine, clock = _check(tmp_path / "gone")
    engine.failure = JournalWriteError("runs.db", "disk full")
    with pytest.raises(HealthCheckError, match="disk full"):
        await health.check()
    clock.now += 6
    with pytest.raises(HealthCheckError, match="cannot be written: No such file or directory"):
        await health.check()


async def test_a_write_that_succeeds_clears_the_refusal(tmp_path: Path) -> None:
    """Once the engine's note is gone the check passes at once."""
    health, engine, _ = _check(tmp_path)
    engine.failure = JournalWriteError("runs.db", "disk full")
    with pytest.raises(HealthCheckError):
        await health.check()
    engine.failure = None
    await health.check()
