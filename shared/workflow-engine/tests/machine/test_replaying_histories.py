"""`replay`: yesterday's histories against today's code, without an engine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    HistoryFormatError,
    NonDeterminismError,
    RunStatus,
    WorkflowDefinition,
    WorkflowNotFoundError,
    patched,
    receive,
    replay,
    replay_all,
    step,
    workflow,
)

ran: list[str] = []


@step
async def reserve(item: str) -> str:
    ran.append(item)
    return item


@step
async def pay(item: str) -> str:
    ran.append(item)
    return item


@workflow(name="order")
async def order(item: str) -> str:
    held = await reserve(item)
    await asyncio.sleep(60)
    return await pay(held)


@workflow(name="order")
async def order_that_pays_first(item: str) -> str:
    held = await pay(item)
    await asyncio.sleep(60)
    return await reserve(held)


@workflow(name="order", version="2.0.0")
async def order_that_forgets_to_pay(item: str) -> str:
    held = await reserve(item)
    await asyncio.sleep(60)
    return held


@workflow(name="order")
async def order_with_one_more_step(item: str) -> str:
    held = await reserve(item)
    await asyncio.sleep(60)
    return await reserve(await pay(held))


@workflow(name="order")
async def order_with_a_fault(item: str) -> str:
    held = await order.func(item)
    raise KeyError(held)


@workflow(name="order")
async def order_changed_with_care(item: str) -> str:
    held = await reserve(item)
    await asyncio.sleep(60)
    if patched("check-stock"):
        await reserve("stock")
    return await pay(held)


SECOND = 1_000_000
EVENTS: list[dict[str, Any]] = [
    {"type": "run_started", "time": 0, "input": "tea", "seed": 4_000_000_000_000_000_001},
    {
        "type": "step_completed",
        "time": SECOND,
        "seq": 1,
        "step": "reserve",
        "input": "tea",
        "output": "tea",
        "started": 0,
    },
    {"type": "timer_fired", "time": 61 * SECOND, "seq": 2},
    {
        "type": "step_completed",
        "time": 62 * SECOND,
        "seq": 3,
        "step": "pay",
        "input": "tea",
        "output": "tea",
        "started": 0,
    },
    {"type": "run_completed", "time": 62 * SECOND, "output": "tea"},
]


def document(length: int = len(EVENTS), **changes: Any) -> dict[str, Any]:
    events = [{"position": position, "event": event} for position, event in enumerate(EVENTS[:length])]
    head = {"format": "maestro-history", "format_version": 1, "run_id": "o-1", "workflow": "order", "version": "1.0.0"}
    return {**head, "events": events, **changes}


def test_a_history_fits_the_code_that_made_it():
    """Replay goes through the whole history, runs no step, and tells where the run ended."""
    result = replay(document(), order)

    assert (result.run_id, result.workflow, result.version) == ("o-1", "order", "1.0.0")
    assert (result.events, result.status, result.waiting_for) == (5, RunStatus.COMPLETED, [])
    assert ran == []


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_an_unfinished_history_fits_up_to_its_end(length: int):
    """Every beginning of a history replays; the result tells what the run waits for then."""
    result = replay(document(length), order)

    waits = {1: ["step"], 2: ["timer"], 3: ["step"], 4: []}
    assert [wait.kind for wait in result.waiting_for] == waits[length]
    assert result.status is (RunStatus.COMPLETED if length == 4 else RunStatus.RUNNING)


@pytest.mark.parametrize(
    ("changed", "position", "expected", "found"),
    [
        (order_that_pays_first, 1, "step 'reserve'", "step 'pay'"),
        (order_that_forgets_to_pay, 3, "StepCompleted('pay')", "the end of the workflow"),
        (order_with_one_more_step, 4, "RunCompleted", "step 'reserve', and no end yet"),
        (order_with_a_fault, 4, "RunCompleted", "FailRun (KeyError: 'tea')"),
    ],
)
def test_changed_code_is_found_out(
    changed: WorkflowDefinition[..., Any], position: int, expected: str, found: str
) -> None:
    """Code that takes another path raises with the run, the position, what was expected and what was found."""
    with pytest.raises(NonDeterminismError) as caught:
        replay(document(), changed)

    error = caught.value
    assert (error.run_id, error.position, error.expected, error.found) == ("o-1", position, expected, found)


def test_a_guarded_change_fits_old_histories():
    """`patched()` takes the old side in a run that passed it before the change."""
    assert replay(document(), order_changed_with_care).status is RunStatus.COMPLETED


def test_a_history_may_come_as_value_text_bytes_or_file(tmp_path: Path):
    """A document, its JSON as text or bytes, and a file by path or name give the same result."""
    text = json.dumps(document(), indent=2)
    file = tmp_path / "o-1.json"
    file.write_text(text)

    results = [replay(source, order) for source in (document(), text, text.encode(), file, str(file))]

    assert results == [results[0]] * 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": "something"}, "no exported history"),
        ({"format_version": 2}, "reads up to 1"),
        ({"workflow": "invoice"}, "'invoice', not of 'order'"),
        ({"complete": False}, "gaps"),
        ({"events": []}, "does not begin"),
        ({"events": document()["events"][1:]}, "does not begin"),
        ({"events": [{"position": 0, "event": {"type": "sneezed", "time": 0}}]}, "position 0 cannot be read"),
        ({"events": [document()["events"][0]] * 2}, "position 0 does not come after"),
        ({"events": None}, "no exported history"),
        ({"events": {1, 2}, "run_id": object()}, "no JSON"),
    ],
)
def test_a_document_that_is_no_history_is_refused_in_words(changes: dict[str, Any], says: str):
    """What cannot be replayed is told from what does not fit."""
    with pytest.raises(HistoryFormatError, match=says):
        replay(document(**changes), order)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    """A missing file and one that is no JSON are refused with their names."""
    (tmp_path / "torn.json").write_text(json.dumps(document())[:100])

    for name in ("none.json", "torn.json"):
        with pytest.raises(HistoryFormatError, match=name):
            replay(tmp_path / name, order)


def test_a_folder_of_histories_replays_each_on_its_own_version(tmp_path: Path):
    """`replay_all` picks workflow and version by what the history names."""
    (tmp_path / "a.json").write_text(json.dumps(document()))
    shorter = [*document()["events"][:3], {"position": 3, "event": EVENTS[4]}]
    (tmp_path / "b.json").write_text(json.dumps(document(run_id="o-2", version="2.0.0", events=shorter)))

    results = replay_all(tmp_path, [order, order_that_forgets_to_pay])

    assert [(result.run_id, result.version) for result in results] == [("o-1", "1.0.0"), ("o-2", "2.0.0")]


def test_a_folder_tells_of_every_history_that_does_not_fit(tmp_path: Path):
    """`replay_all` raises one error for each misfit, with the file's name, and refuses a folder without histories."""
    with pytest.raises(HistoryFormatError, match="no history"):
        replay_all(tmp_path, [order])
    (tmp_path / "a.json").write_text(json.dumps(document()))
    (tmp_path / "b.json").write_text(json.dumps(document(2)))
    (tmp_path / "c.json").write_text(json.dumps(document(version="3.0.0")))

    with pytest.raises(ExceptionGroup) as caught:
        replay_all(tmp_path, [order_that_pays_first])

    assert [type(error) for error in caught.value.exceptions] == [
        NonDeterminismError,
        NonDeterminismError,
        WorkflowNotFoundError,
    ]
    assert [error.__notes__ for error in caught.value.exceptions] == [
        [f"in {tmp_path / name}.json"] for name in ("a", "b", "c")
    ]


def test_what_a_replay_leaves_waiting_reaches_no_step():
    """A replayed run that still waits is let go; steps in its clean-up code do not run."""

    @workflow(name="order")
    async def waits(item: str) -> None:
        try:
            await receive("go")
        finally:
            await reserve(item)

    assert [wait.name for wait in replay(document(1), waits).waiting_for] == ["go"]
    assert ran == []
