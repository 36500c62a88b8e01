"""A run that the first release kept goes the same way with today's interpreter."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maestro_workflow_engine import RetryPolicy, RunStatus, WorkflowDefinition, WorkflowEngine, replay, step
from maestro_workflow_engine.dsl import Steps, load_document

FOLDER = Path(__file__).parent / "golden"
ORDER = {"order": {"net": 100, "tax": 19.5, "country": "abroad", "lines": ["x", "yz"]}}


@step
async def add(total: float, n: float) -> float:
    return total + n


@step(retry=RetryPolicy(max_attempts=1))
async def fail(what: str) -> None:
    raise ValueError(what)


def parts() -> WorkflowDefinition[..., Any]:
    return load_document((FOLDER / "document.yaml").read_bytes()).as_workflow(Steps([add, fail]))


async def written() -> dict[str, Any]:
    """Run the document at a fixed time and return its history, without what chance gives it."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    async with WorkflowEngine.test([parts()], start_time=start) as engine:
        handle = await engine.start("golden/parts", ORDER, id="golden-1")
        await handle.result()
        return without_chance(await handle.export_history())


def without_chance(history: Any) -> Any:
    """Leave out the run's seed, and tracebacks, which name files of the engine."""
    if isinstance(history, dict):
        return {key: without_chance(value) for key, value in history.items() if key not in {"seed", "traceback"}}
    return [without_chance(item) for item in history] if isinstance(history, list) else history


def test_a_run_of_the_first_release_is_replayed() -> None:
    """Every step is asked for at the same place, and the output is the same."""
    history = json.loads((FOLDER / "history.json").read_text())
    assert replay(history, parts()).status is RunStatus.COMPLETED


async def test_todays_interpreter_writes_the_same_history() -> None:
    """The arguments of every step, heavy expressions included, and all results are the same, byte for byte."""
    kept = json.loads((FOLDER / "history.json").read_text())
    assert json.dumps(await written()) == json.dumps(without_chance(kept))
