"""SIGKILL at every boundary of the journal and at random, SIGSTOP: afterwards everything acknowledged is there, once."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
from fault_load.bounds import IS_LONG, KILLS, soak
from fault_load.nursery_client import Nursery
from fault_load.site import Site

from maestro_workflow_engine.embedded import _crash_points

HITS = (1, 3, 20, 90, 300) if IS_LONG else (30,)
SEEDS = tuple(range(6)) if IS_LONG else (0,)
KILLS_PER_SITE = 25


@pytest.mark.parametrize("hits", HITS)
@pytest.mark.parametrize("point", _crash_points.ALL)
def test_death_at_a_boundary_loses_nothing_and_repeats_nothing(tmp_path: Path, nursery: Nursery, point: str, hits: int):
    """Die at a named place, start again: acknowledged work is there, and journalled steps do not run again."""
    site = Site(tmp_path, nursery)
    worker = site.begin(crash_point=point, hits=hits)
    assert worker.wait() == -signal.SIGKILL, site.output()[-4000:]
    site.check_nothing_ran_again()
    site.finish()


@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_kills_lose_nothing_and_repeat_nothing(
    tmp_path: Path, nursery: Nursery, seed: int, record_property: pytest.RecordProperty
):
    """Kill the process again and again at random moments, under load; no journalled step runs a second time."""
    dice = random.Random(seed)
    left, killed, steps, number = KILLS // len(SEEDS), 0, 0, 0
    while left:
        done = min(left, KILLS_PER_SITE)
        steps += kill_at_random(Site(tmp_path / str(number), nursery), dice, done)
        left, killed, number = left - done, killed + done, number + 1
    record_property("kills", killed)
    record_property("steps", steps)


@pytest.mark.timeout(0)
@pytest.mark.skipif(soak() is None, reason="say how long: make chaos SOAK=30m")
def test_a_soak_loses_nothing_and_repeats_nothing(tmp_path: Path, nursery: Nursery):
    """The same for as long as is asked for, each time with other numbers."""
    duration = soak()
    assert duration is not None
    ends, seed = time.monotonic() + duration.total_seconds(), time.time_ns()
    number = 0
    while time.monotonic() < ends:
        site = Site(tmp_path / f"{seed + number}", nursery)  # the folder's name is the seed of its dice
        kill_at_random(site, random.Random(seed + number), KILLS_PER_SITE)
        for path in site.folder.iterdir():
            path.unlink()
        number += 1


def kill_at_random(site: Site, dice: random.Random, kills: int) -> int:
    """Kill so many workers, deploy new code on the way, and check everything.

    Returns:
        How many steps left a trace.
    """
    steps = 0
    deployed = dice.randrange(kills)
    for number in range(kills):
        worker = site.begin(new_code=number >= deployed)
        time.sleep(dice.uniform(0.01, 0.35))
        assert worker.kill() == -signal.SIGKILL, site.output()[-4000:]
        steps += site.check_nothing_ran_again()
    site.finish(new_code=True)
    return steps


def test_a_stopped_process_goes_on_where_it_stood(tmp_path: Path, nursery: Nursery):
    """SIGSTOP and SIGCONT: time passes, nothing is lost, no step runs twice."""
    site = Site(tmp_path, nursery)
    worker = site.begin()
    deadline = time.monotonic() + 60
    for _ in range(3):
        seen = len(site.lines())
        while len(site.lines()) < seen + 100:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        worker.send(signal.SIGSTOP)
        time.sleep(0.2)
        worker.send(signal.SIGCONT)
    worker.kill()
    site.check_nothing_ran_again()
    keys = [line.facts["key"] for line in site.lines() if line.what == "step"]
    assert len(set(keys)) == len(keys)
    site.finish()
