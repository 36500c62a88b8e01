"""A move that is killed at any point, or meets a cluster that is not there, is finished by asking for it again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import moving_workflows as w
import pytest
from moving_site import LONG, expected, finish, ran, settle, waits

from maestro_workflow_engine import (
    ClusterUnreachableError,
    JournalLockedError,
    Retention,
    Reuse,
    RunStatus,
    StartOptions,
    WorkflowEngine,
    WorkflowOpenError,
)
from maestro_workflow_engine.embedded import _crash_points
from maestro_workflow_engine.moving import Move, MoveError, Outcome, carry_out, plan_move

FAMILIES = 2
ROOTS = 2 * FAMILIES
"""Runs that are marked one after the other; the schedules follow."""

HITS = [pytest.param(1, marks=pytest.mark.slow), ROOTS, pytest.param(ROOTS + 1, marks=pytest.mark.slow)]


def killed_move(journal: str, cluster: str, point: str, hits: int) -> None:
    """Move in a process of its own, which dies at the given place."""
    site = Path(__file__).with_name("moving_site.py")
    done = subprocess.run(
        [sys.executable, str(site), journal, cluster, point, str(hits)], capture_output=True, timeout=100, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-3000:]


async def check(journal: str, target: str, record: Path) -> None:
    """Let everything go on to its end and compare the external record with what must have happened."""
    results, steps = expected(FAMILIES)
    assert await finish(target, FAMILIES) == results
    assert sorted(ran(record)) == steps
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        assert await engine.count(status=RunStatus.TERMINATED) == 6 * FAMILIES
        assert all(schedule.paused for schedule in await engine.schedules())
    async with WorkflowEngine(target, workflows=w.ALL) as engine:
        assert [each.paused for each in await engine.schedules()] == [False] * FAMILIES


@pytest.mark.parametrize("hits", HITS)
@pytest.mark.parametrize("point", _crash_points.MOVES)
async def test_a_killed_move_is_finished_by_the_same_command(
    tmp_path: Path, target: str, record: Path, point: str, hits: int
):
    """No run is lost, none is there twice, and no engine on the journal drives what may have left it."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    await settle(journal, record, FAMILIES)
    await asyncio.to_thread(killed_move, journal, target, point, hits)
    before = ran(record)
    async with WorkflowEngine(journal, workflows=w.ALL):
        pass  # an engine that is opened in between takes up only what has not begun to leave
    assert ran(record) == before
    move = Move(source=journal, target=target, workflows=w.ALL)
    plan = await plan_move(move)
    outcomes = [each.outcome for each in (*plan.runs, *plan.schedules)]
    assert Outcome.UNDER_WAY in outcomes
    report = await carry_out(move)
    assert {each.outcome for each in (*report.runs, *report.schedules)} == {Outcome.MOVED}
    assert report.moved_before + len(report.runs) == 6 * FAMILIES
    await check(journal, target, record)


async def test_a_move_is_killed_again_and_again(tmp_path: Path, target: str, record: Path):
    """Each attempt gets a little further, and the last one finds everything in order."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    await settle(journal, record, FAMILIES)
    for point in (*_crash_points.MOVES, *_crash_points.MOVES):
        await asyncio.to_thread(killed_move, journal, target, point, 1)
    assert (await carry_out(Move(source=journal, target=target, workflows=w.ALL))).is_complete
    await check(journal, target, record)


def move_for(journal: str, target: str, seconds: float) -> bool:
    """Move in a process of its own, which is killed after some time; tell whether it had finished by then."""
    site = Path(__file__).with_name("moving_site.py")
    with subprocess.Popen([sys.executable, str(site), journal, target], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            return False


@pytest.mark.parametrize("seed", range(2))
async def test_a_move_is_killed_at_random(tmp_path: Path, target: str, record: Path, seed: int):
    """In the middle of a transaction or of a call to the cluster: the last attempt finds everything in order."""
    journal, dice = f"sqlite:///{tmp_path / 'runs.db'}", random.Random(seed)
    await settle(journal, record, FAMILIES)
    for _ in range(6):
        if await asyncio.to_thread(move_for, journal, target, dice.uniform(0.0, 0.25)):
            break
    assert (await carry_out(Move(source=journal, target=target, workflows=w.ALL))).is_complete
    await check(journal, target, record)


async def test_an_interrupted_move_goes_on_to_the_same_target_only(tmp_path: Path, cluster: str, record: Path):
    """Another target is refused, by name, and so is code that no longer fits what was under way."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    await settle(journal, record, 1)
    await asyncio.to_thread(killed_move, journal, cluster, _crash_points.MOVE_MARKED, 1)
    other = f"{cluster.partition('?')[0]}?task_queue=other"
    with pytest.raises(MoveError, match="task_queue=tests"):
        await plan_move(Move(source=journal, target=other, workflows=w.ALL))
    with pytest.raises(MoveError, match=r"run '[pl]0' was being moved"):
        await carry_out(Move(source=journal, target=cluster, workflows=[]))
    assert (await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))).is_complete


async def test_a_journal_that_is_open_is_refused_with_the_process_that_has_it(
    tmp_path: Path, cluster: str, record: Path
):
    """Nothing is read while an engine is at work on it."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    async with WorkflowEngine(journal, workflows=w.ALL):
        with pytest.raises(JournalLockedError) as refused:
            await plan_move(Move(source=journal, target=cluster, workflows=w.ALL))
    assert refused.value.pid == os.getpid()


async def test_a_cluster_that_is_not_there_leaves_the_journal_as_it_was(tmp_path: Path, record: Path):
    """Nothing is marked before the cluster has answered."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    await settle(journal, record, 1)
    nowhere = Move(source=journal, target="temporal://127.0.0.1:1/default", workflows=w.ALL)
    with pytest.raises(ClusterUnreachableError):
        await carry_out(nowhere)
    results, _ = expected(1)
    assert await finish(journal, 1) == results


async def test_a_namespace_that_is_not_there_is_named(tmp_path: Path, cluster: str, record: Path):
    """The message says what to do."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    await settle(journal, record, 1)
    gone = cluster.replace("?", "-gone?")
    with pytest.raises(MoveError, match="no namespace"):
        await carry_out(Move(source=journal, target=gone, workflows=w.ALL))


async def test_what_is_under_way_is_not_purged_and_keeps_its_own_id(tmp_path: Path, cluster: str, record: Path):
    """Retention passes over it, it cannot be deleted, and a run that is started under its id meanwhile is another one."""
    journal = f"sqlite:///{tmp_path / 'runs.db'}"
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        await engine.start(w.listener, str(record), 1, id="l")
        await waits(engine, "l", "signal")
    await asyncio.to_thread(killed_move, journal, cluster, _crash_points.MOVE_MARKED, 1)
    async with WorkflowEngine(journal, workflows=w.ALL, retention=Retention(terminated=timedelta(0))) as engine:
        assert (await engine.purge(older_than=timedelta(0))).runs == 0
        with pytest.raises(WorkflowOpenError):
            await engine.handle("l").delete()
        options = StartOptions(if_ended=Reuse.START_ANEW)
        assert await (await engine.start(w.listener, str(record), 0, id="l", options=options)).signal("begin") is None
        assert await engine.handle("l").result(LONG) == []
    assert (await carry_out(Move(source=journal, target=cluster, workflows=w.ALL))).is_complete
    async with WorkflowEngine(cluster, workflows=w.ALL) as engine:
        await engine.handle("l").signal("begin")
        await engine.handle("l").signal("item", "x")
        assert await engine.handle("l").result(LONG) == ["x"]
    async with WorkflowEngine(journal, workflows=w.ALL) as engine:
        assert (await engine.purge(older_than=timedelta(0))).runs == 2
