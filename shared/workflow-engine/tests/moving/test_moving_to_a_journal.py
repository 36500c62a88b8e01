"""A journal moves into another one: a copy in all that matters, of which only one is driven."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import moving_workflows as w
import pytest
from moving_site import LONG, expected, finish, ran, settle, waits

from maestro_workflow_engine import (
    AesGcmCodec,
    IntervalSpec,
    JournalCorruptError,
    JournalLockedError,
    Queue,
    RunStatus,
    StartOptions,
    WorkflowEngine,
)
from maestro_workflow_engine.moving import Move, MoveError, Outcome, carry_out, drain, plan_move

LIMITED = Queue("limited", concurrency=1)


async def test_families_queues_delays_and_keys_move_as_they_are(tmp_path: Path, record: Path):
    """Encrypted, in line, delayed and paused: everything is in the other journal as it was in this one."""
    source, target = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    codec = AesGcmCodec({"k": os.urandom(32)}, "k")
    limited, later = StartOptions(queue="limited"), StartOptions(delay=timedelta(hours=1))
    async with WorkflowEngine(source, workflows=w.ALL, queues=[LIMITED], codec=codec) as engine:
        await engine.start(w.listener, str(record), 1, id="first", options=limited)
        await waits(engine, "first", "signal")
        await engine.start(w.plain, str(record), "queued", id="second", options=limited)
        await engine.start(w.plain, str(record), "delayed", id="third", options=later)
        await engine.start(w.parent, str(record), id="p")
        await engine.start(w.tagged, str(record), id="t")
        await waits(engine, "t", "signal")
        await waits(engine, "p-middle-inner", "signal")
        await engine.handle("t").pause("hold")
        await engine.schedule("s", w.plain, str(record), "x", spec=IntervalSpec(timedelta(days=2)))
        before = {run.id: run for run in (await engine.runs(limit=100)).runs}
        next_times = (await engine.schedule_handle("s").describe()).next_times
    move = Move(source=source, target=target, workflows=w.ALL, codec=codec)
    assert not (tmp_path / "b.db").exists()
    assert (await plan_move(move)).is_complete
    assert not (tmp_path / "b.db").exists()
    report = await carry_out(move)
    assert {each.outcome for each in report.everything} == {Outcome.MOVED}
    async with WorkflowEngine(target, workflows=w.ALL, queues=[LIMITED], codec=codec) as engine:
        assert {run.id: run for run in (await engine.runs(limit=100)).runs} == before
        assert (await engine.schedule_handle("s").describe()).next_times == next_times
        assert (await engine.runs(attributes={"stage": "waiting"})).runs[0].id == "t"
        assert (await engine.handle("t").status()).status is RunStatus.PAUSED
        await engine.handle("first").signal("begin")
        await engine.handle("first").signal("item", "x")
        assert await engine.handle("second").result(LONG) == "queued"
        for name in ("left", "handle", "middle-inner"):
            await engine.handle(f"p-{name}").signal("answer", "yes")
        assert await engine.handle("p").result(LONG) == ["inner-yes of p", "handle-yes"]
        assert (await engine.handle("third").status()).status is RunStatus.QUEUED
    assert len(set(ran(record))) == len(ran(record))


async def test_moved_on_and_back_again_it_is_refused_by_name(tmp_path: Path, record: Path):
    """A journal that still has a run of the id, moved away or not, does not take another."""
    a, b, c = (f"sqlite:///{tmp_path / name}.db" for name in "abc")
    await settle(a, record, 1)
    assert (await carry_out(Move(source=a, target=b, workflows=w.ALL))).is_complete
    back = await carry_out(Move(source=b, target=a, workflows=w.ALL))
    assert {each.outcome for each in back.everything} == {Outcome.STAYS}
    assert "of the id" in back.staying[0].reasons[0]
    assert (await carry_out(Move(source=b, target=c, workflows=w.ALL))).is_complete
    results, steps = expected(1)
    assert await finish(c, 1) == results
    assert sorted(ran(record)) == steps


async def test_what_is_no_move_is_refused(tmp_path: Path, record: Path):
    """The same file, a temporary journal, a cluster to move from, and a target that somebody has open."""
    a, b = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    await settle(a, record, 1)
    for source, target in ((a, a), (a, "sqlite://"), ("sqlite://", b), ("temporal://127.0.0.1:1/default", b)):
        with pytest.raises(MoveError):
            await carry_out(Move(source=source, target=target, workflows=w.ALL))
    async with WorkflowEngine(b, workflows=w.ALL):
        with pytest.raises(JournalLockedError):
            await carry_out(Move(source=a, target=b, workflows=w.ALL))
    assert await finish(a, 1) == expected(1)[0]


async def test_a_move_that_was_drained_for_can_be_called_off(tmp_path: Path, record: Path):
    """Schedules that are resumed in the journal are its own again, and may move elsewhere; declared anew, one stays moved."""
    a, b, c = (f"sqlite:///{tmp_path / name}.db" for name in "abc")
    spec = IntervalSpec(timedelta(days=2))
    async with WorkflowEngine(a, workflows=w.ALL) as engine:
        await engine.schedule("s", w.plain, str(record), "x", spec=spec)
    assert (await drain(Move(source=a, target=b, workflows=w.ALL), timeout=LONG)).is_quiet
    async with WorkflowEngine(a, workflows=w.ALL) as engine:
        await engine.schedule("s", w.plain, str(record), "x", spec=spec)
        assert (await engine.schedule_handle("s").describe()).paused
    with pytest.raises(MoveError, match="interrupted"):
        await plan_move(Move(source=a, target=c, workflows=w.ALL))
    async with WorkflowEngine(a, workflows=w.ALL) as engine:
        await engine.schedule_handle("s").resume()
    assert (await carry_out(Move(source=a, target=c, workflows=w.ALL))).is_complete
    async with WorkflowEngine(c, workflows=w.ALL) as engine:
        assert not (await engine.schedule_handle("s").describe()).paused


async def test_a_damaged_run_stays_and_the_others_move(tmp_path: Path, record: Path):
    """The reason says which event cannot be read; a file that is no journal is refused as a whole."""
    source, target = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    async with WorkflowEngine(source, workflows=w.ALL) as engine:
        for run_id in ("good", "bad"):
            await engine.start(w.listener, str(record), 1, id=run_id)
            await waits(engine, run_id, "signal")
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        file.execute(
            "UPDATE history SET event = x'7b' WHERE position = 1 AND run = (SELECT key FROM runs WHERE id = 'bad')"
        )
        file.commit()
    report = await carry_out(Move(source=source, target=target, workflows=w.ALL))
    assert {run.id: run.outcome for run in report.runs} == {"good": Outcome.MOVED, "bad": Outcome.STAYS}
    assert "position 1 of run 'bad'" in report.staying[0].reasons[0]
    write_text(tmp_path / "c.db")
    with pytest.raises(JournalCorruptError):
        await plan_move(Move(source=f"sqlite:///{tmp_path / 'c.db'}", target=target, workflows=w.ALL))


def write_text(path: Path) -> None:
    """Make a file that is no journal."""
    path.write_text("no journal at all, in no way, whatever it is called" * 100)


async def test_only_what_is_asked_for_moves(tmp_path: Path, record: Path):
    """Runs of one workflow, with the children that they have of others, and its schedules."""
    source, target = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    await settle(source, record, 1)
    report = await carry_out(Move(source=source, target=target, workflows=w.ALL, only=frozenset(["parent"])))
    assert sorted(run.id for run in report.runs) == ["p0", "p0-handle", "p0-left", "p0-middle", "p0-middle-inner"]
    assert report.schedules == []
    rest = await carry_out(Move(source=source, target=target, workflows=w.ALL))
    assert [each.id for each in rest.everything] == ["l0", "s0"]
    results, steps = expected(1)
    assert await finish(target, 1) == results
    assert sorted(ran(record)) == steps
