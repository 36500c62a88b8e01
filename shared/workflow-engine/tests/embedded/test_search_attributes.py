"""Search attributes through the runner: durable, carried along, and found again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maestro_workflow_engine import (
    AesGcmCodec,
    NonDeterminismError,
    RunInfo,
    SearchAttributeError,
    StartOptions,
    WorkflowEngine,
    info,
    receive,
    set_attributes,
    step,
    workflow,
)

SOON = timedelta(seconds=20)
DUE = datetime(2030, 5, 1, 12, 0, 0, 250, tzinfo=UTC)
EVERYTHING = {"s": "x", "i": 2**62, "f": 1.0, "b": True, "t": DUE, "k": ["one", "two", "one"]}


@step
async def work(name: str) -> str:
    return name


@workflow
async def order(number: int) -> dict[str, object]:
    set_attributes(number=number, stage="new", words=["red", "blue"])
    await receive("go")
    set_attributes(stage="done", words=None)
    return {name: str(value) for name, value in info().attributes.items()}


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


def rows(folder: Path, name: str = "journal.db") -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / name)
    found = connection.execute(
        "SELECT r.id, a.name, a.kind, a.value FROM attributes a JOIN runs r ON r.key = a.run ORDER BY 1, 2, 3, 4"
    ).fetchall()
    connection.close()
    return found


async def ids(engine: WorkflowEngine, **attributes: object) -> list[str]:
    return [run.id for run in (await engine.runs(attributes=attributes)).runs]  # type: ignore[arg-type]  values of every kind


async def settled(engine: WorkflowEngine, run_id: str, **attributes: object) -> RunInfo:
    async with asyncio.timeout(SOON.total_seconds()):
        while (detail := await engine.handle(run_id).status()).attributes != attributes:
            await asyncio.sleep(0.001)
    return detail


async def test_attributes_follow_the_run_and_are_found_by_it(tmp_path: Path):
    """What is set replaces what was, what is removed is gone, and a keyword is found in its list; so after a restart."""
    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        for number in range(3):
            await engine.start(order, number, id=f"o{number}")
        await settled(engine, "o2", number=2, stage="new", words=["red", "blue"])
        assert await ids(engine, words="blue") == ["o2", "o1", "o0"]
        await engine.handle("o1").signal("go")
        assert await engine.handle("o1").result(SOON) == {"number": "1", "stage": "done"}
        assert await ids(engine, words="blue") == ["o2", "o0"]
    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        assert await ids(engine, stage="done") == ["o1"]
        assert await ids(engine, stage="new", number=2) == ["o2"]
        await engine.handle("o2").signal("go")
        await engine.handle("o2").result(SOON)
    assert [row for row in rows(tmp_path) if row[0] != "o0"] == [
        (run, name, *term)
        for run, n in (("o1", 1), ("o2", 2))
        for name, *term in [("number", 1, n), ("stage", 2, "done")]
    ]


async def test_a_run_without_attributes_leaves_no_trace_of_them(tmp_path: Path):
    """No row in the index, NULL in its own, and no word in its events."""

    @workflow
    async def plain() -> str:
        return await work("x")

    async with WorkflowEngine(url(tmp_path), workflows=[plain]) as engine:
        await (await engine.start(plain)).result(SOON)
    connection = sqlite3.connect(tmp_path / "journal.db")
    assert connection.execute("SELECT count(*) FROM attributes").fetchone() == (0,)
    assert connection.execute("SELECT attributes FROM runs").fetchone() == (None,)
    assert not any(b"attributes" in event for (event,) in connection.execute("SELECT event FROM history"))
    connection.close()


async def test_the_event_and_the_index_are_one_transaction(tmp_path: Path):
    """Cut off at any event, the journal's index is what the history says: nothing is set without its event, or twice."""
    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        await engine.start(order, 1, id="r")
        await settled(engine, "r", number=1, stage="new", words=["red", "blue"])
    connection = sqlite3.connect(tmp_path / "journal.db")  # as if the process had died before the event was on disk
    connection.execute("DELETE FROM history WHERE position > 0")
    connection.execute("DELETE FROM attributes")
    connection.execute("UPDATE runs SET attributes = NULL, parked = 0")
    connection.commit()
    connection.close()
    for _ in range(2):
        async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
            await settled(engine, "r", number=1, stage="new", words=["red", "blue"])
            assert [event.type for event in await engine.handle("r").history()] == ["run_started", "attributes_set"]
    assert len(rows(tmp_path)) == 4


async def test_an_imported_run_is_found_like_any_other(tmp_path: Path):
    """The other journal's index is made from the document."""
    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        options = StartOptions(attributes={"due": DUE, "stage": "at first"})
        await engine.start(order, 7, id="r", options=options)
        await settled(engine, "r", due=DUE, number=7, stage="new", words=["red", "blue"])
        document = json.loads(json.dumps(await engine.handle("r").export_history()))
    async with WorkflowEngine(f"sqlite:///{tmp_path}/other.db", workflows=[order]) as engine:
        await engine.import_run(document)
        assert await ids(engine, due=DUE, words="red", stage="new") == ["r"]
        await engine.handle("r").signal("go")
        await engine.handle("r").result(SOON)
    assert [row[1] for row in rows(tmp_path, "other.db")] == ["due", "number", "stage"]


async def test_an_encrypted_engine_keeps_attributes_readable(tmp_path: Path):
    """Payloads are sealed, attributes are not, or nothing could be found by them."""
    codec = AesGcmCodec(keys={"k": bytes(32)}, active="k")
    async with WorkflowEngine(url(tmp_path), workflows=[order], codec=codec) as engine:
        await engine.start(order, 1, id="r", options=StartOptions(attributes={"customer": '{"$maestro.enc":1'}))
        await settled(engine, "r", customer='{"$maestro.enc":1', number=1, stage="new", words=["red", "blue"])
    async with WorkflowEngine(url(tmp_path), workflows=[order], codec=codec) as engine:
        assert await ids(engine, customer='{"$maestro.enc":1', stage="new") == ["r"]
        await engine.handle("r").signal("go", "secret")
        await engine.handle("r").result(SOON)
    connection = sqlite3.connect(tmp_path / "journal.db")
    events = b"".join(event for (event,) in connection.execute("SELECT event FROM history"))
    connection.close()
    assert b'"stage":"new"' in events
    assert b"secret" not in events


async def test_changed_code_is_named_and_leaves_the_run_as_it_is(tmp_path: Path):
    """A replay that sets something else stops there; with the old code the run goes on."""

    @workflow(name="order")
    async def changed(number: int) -> None:
        set_attributes(number=number, stage="fresh")
        await receive("go")

    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        await engine.start(order, 1, id="r")
        await settled(engine, "r", number=1, stage="new", words=["red", "blue"])
    expected = "set_attributes(number=1, stage='new', words=['red', 'blue'])"
    async with WorkflowEngine(url(tmp_path), workflows=[changed]) as engine:
        problem = (await engine.handle("r").status()).problem
        assert problem == str(NonDeterminismError("r", 1, expected, "set_attributes(number=1, stage='fresh')"))
    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        await engine.handle("r").signal("go")
        assert (await engine.handle("r").result(SOON))["stage"] == "done"


async def test_rows_go_with_their_run(tmp_path: Path):
    """Whoever deletes a run deletes its attributes with it."""
    async with WorkflowEngine(url(tmp_path), workflows=[order]) as engine:
        for number in range(2):
            await engine.start(order, number, id=f"o{number}", options=StartOptions(attributes={"a": 1}))
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("DELETE FROM runs WHERE id = 'o0'")
    connection.commit()
    connection.close()
    assert {row[0] for row in rows(tmp_path)} == {"o1"}


def test_start_options_refuse_what_is_no_attribute():
    """Before anything is started."""
    with pytest.raises(SearchAttributeError, match="'no way'"):
        StartOptions(attributes={"no way": 1})
    with pytest.raises(SearchAttributeError, match="NoneType is none of"):
        StartOptions(attributes={"a": None})  # type: ignore[dict-item]  the point
    with pytest.raises(SearchAttributeError, match="'a64' was refused: a run has at most 64"):
        StartOptions(attributes={f"a{n}": n for n in range(65)})
