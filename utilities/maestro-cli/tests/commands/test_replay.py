import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from maestro_cli.cli import cli

CODE = """
from maestro_workflow_engine import step, workflow

@step
async def {first}() -> int:
    return 1

@workflow(version="{version}")
async def job() -> int:
    return await {first}()
"""
EVENTS: list[dict[str, Any]] = [
    {"type": "run_started", "time": 1, "input": None, "seed": 5},
    {"type": "step_completed", "time": 2, "seq": 1, "step": "fetch", "input": None, "output": 1, "started": 1},
    {"type": "run_completed", "time": 3, "output": 1},
]


@pytest.fixture
def histories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two histories in the current folder, and modules that fit them and that do not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "replay_fits.py").write_text(CODE.format(first="fetch", version="1.0.0"))
    (tmp_path / "replay_misfits.py").write_text(CODE.format(first="load", version="1.0.0"))
    (tmp_path / "replay_newer.py").write_text(CODE.format(first="fetch", version="2.0.0"))
    (tmp_path / "replay_empty.py").write_text("x = 1\n")
    for name in ("a", "b"):
        events = [{"position": position, "event": event} for position, event in enumerate(EVENTS)]
        head = {"format": "maestro-history", "format_version": 1, "workflow": "job", "version": "1.0.0"}
        (tmp_path / f"{name}.json").write_text(json.dumps({**head, "run_id": f"run-{name}", "events": events}))
    return ["a.json", "b.json"]


def replay(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["workflow", "replay", *arguments])


def test_histories_that_fit(histories: list[str]) -> None:
    """Each history that fits is named, with its run; the exit code is 0. A module in the current folder is found."""
    done = replay(*histories, "--module", "replay_fits")

    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [
        "a.json: run run-a fits: 3 events, completed",
        "b.json: run run-b fits: 3 events, completed",
    ]


def test_histories_that_do_not_fit(histories: list[str]) -> None:
    """Every misfit is told with file, run, position, what was expected and what was found; the exit code is 1."""
    done = replay(*histories, "--module", "replay_misfits:job")

    assert done.exit_code == 1
    told = "does not fit at position 1: its history has step 'fetch', the code asked for step 'load'"
    assert done.stdout.splitlines() == [f"a.json: run run-a {told}", f"b.json: run run-b {told}"]
    assert "2 of 2 histories" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--module", "replay_newer"], "job:2.0.0"),
        (["--module", "replay_empty"], "declares no workflow"),
        (["--module", "replay_fits:none"], "it has: job"),
        (["--module", "replay_missing"], "cannot import replay_missing"),
        (["none.json", "--module", "replay_fits"], "none.json"),
    ],
)
def test_what_cannot_be_replayed(histories: list[str], arguments: list[str], says: str) -> None:
    """A module or file that cannot be used is a fault of the command line, told from a misfit by exit code 2."""
    done = replay(*histories, *arguments)

    assert done.exit_code == 2
    assert says in done.stderr


def test_one_workflow_for_all(histories: list[str]) -> None:
    """MODULE:WORKFLOW replays on that workflow whatever version a history names."""
    assert replay(*histories, "--module", "replay_newer:job").exit_code == 0


def test_exceptions_of_modules_here_are_found(histories: list[str], tmp_path: Path) -> None:
    """A failed step raises its own exception again, although nothing but the history names its module."""
    (tmp_path / "replay_errors.py").write_text("class Refused(Exception):\n    pass\n")
    caught = """
from maestro_workflow_engine import step, workflow

@step
async def fetch() -> int:
    return 1

@workflow
async def job() -> int:
    try:
        return await fetch()
    except Exception as error:
        if type(error).__name__ == "Refused":
            return 1
        raise
"""
    (tmp_path / "replay_catches.py").write_text(caught)
    history = json.loads((tmp_path / "a.json").read_text())
    failure = {"type": "replay_errors:Refused", "message": "no", "args": ["no"]}
    failed = {
        "type": "step_failed",
        "time": 2,
        "seq": 1,
        "step": "fetch",
        "input": None,
        "failure": failure,
        "started": 1,
    }
    history["events"][1]["event"] = failed
    (tmp_path / "a.json").write_text(json.dumps(history))

    done = replay("a.json", "--module", "replay_catches")

    assert done.exit_code == 0, done.stdout
