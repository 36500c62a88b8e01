"""The specification's scenarios again, with the process killed after a write to the journal, each write in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dsl_features import UNSUPPORTED, Observed, read_scenario

from maestro_workflow_engine.dsl import TaskError
from maestro_workflow_engine.embedded import _crash_points

MANY = 60


def check(found: dict[str, Any], checks: list[tuple[str, str]]) -> None:
    error = TaskError(found["error"]) if "error" in found else None
    observed = Observed(found["order"], found.get("output"), error)
    for step, block in checks:
        observed.check(step, block)


def test_a_kill_after_any_write_changes_nothing(mortal: Callable[..., Any], scenario: str, tmp_path: Path) -> None:
    """Killed once, right after its first, second, third … commit, a run is gone on with and comes to the same."""
    if scenario.strip().splitlines()[0] in UNSUPPORTED:
        return  # `test_conformance_features` checks that it is refused
    definition, payload, checks = read_scenario(scenario)
    killed = 0
    for hits in range(1, MANY):
        folder = tmp_path / str(hits)
        folder.mkdir()
        found = mortal(folder, definition, payload, _crash_points.AFTER_COMMIT, hits)
        if found is not None:
            check(found, checks)  # it had fewer writes than that
            break
        killed += 1
        again = mortal(folder, definition, payload, _crash_points.AFTER_COMMIT, 0)
        assert again is not None
        check(again, checks)
    else:
        raise AssertionError(f"no end of writes after {MANY}")
    assert killed >= 2


def test_kills_after_every_write_change_nothing(mortal: Callable[..., Any], scenario: str, tmp_path: Path) -> None:
    """Killed after each commit of its run, one process after the other, a run still comes to its end."""
    if scenario.strip().splitlines()[0] in UNSUPPORTED:
        return  # as above
    definition, payload, checks = read_scenario(scenario)
    for _ in range(MANY):
        found = mortal(tmp_path, definition, payload, _crash_points.AFTER_COMMIT, 1)
        if found is not None:
            check(found, checks)
            return
    raise AssertionError(f"the run does not end within {MANY} processes")
