from datetime import timedelta

import pytest

from maestro_core_api import CircuitConfig
from maestro_core_api._client._circuit import Circuit, CircuitOpenError, CircuitState


class Watched:
    """A circuit on a clock that the test moves, without jitter."""

    def __init__(self, **options: object) -> None:
        self.now = 0.0
        self.states: list[CircuitState] = []
        defaults = {"minimum_calls": 4, "open_for": timedelta(seconds=1), "longest_open_for": timedelta(seconds=3)}
        self.circuit = Circuit(
            CircuitConfig.model_validate({**defaults, **options}),
            clock=lambda: self.now,
            choose=lambda low, high: (low + high) / 2,
            on_change=self.states.append,
        )

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            self.circuit.failed(self.circuit.admit())

    def succeed(self, times: int = 1) -> None:
        for _ in range(times):
            self.circuit.succeeded(self.circuit.admit())

    def refused_for(self) -> float:
        with pytest.raises(CircuitOpenError) as raised:
            self.circuit.admit()
        return raised.value.wait.total_seconds()


def test_it_opens_at_its_share_of_enough_calls() -> None:
    """Few calls say nothing; half of enough calls open it, and the refusal tells how many failed."""
    watched = Watched()
    watched.fail(3)
    assert watched.circuit.state is CircuitState.CLOSED
    watched.fail()
    with pytest.raises(CircuitOpenError) as raised:
        watched.circuit.admit()
    assert (raised.value.failures, raised.value.calls, raised.value.wait) == (4, 4, timedelta(seconds=1))


def test_more_good_calls_than_bad_ones_keep_it_closed() -> None:
    """Below the share it stays closed however many calls fail."""
    watched = Watched()
    for _ in range(200):
        watched.succeed(2)
        watched.fail()
    assert watched.states == []


def test_old_calls_are_forgotten() -> None:
    """Failures that are further back than the window do not count."""
    watched = Watched(window=timedelta(seconds=10))
    watched.fail(3)
    watched.now = 10.0
    watched.fail(3)
    assert watched.circuit.state is CircuitState.CLOSED
    watched.fail()
    assert watched.circuit.state is CircuitState.OPEN


def test_one_probe_closes_it() -> None:
    """After its time one call finds out, all others are refused meanwhile, and its success lets everything through."""
    watched = Watched()
    watched.fail(4)
    watched.now = 0.9
    assert watched.refused_for() == pytest.approx(0.1)
    watched.now = 1.0
    probe = watched.circuit.admit()
    assert watched.refused_for() > 0
    watched.circuit.succeeded(probe)
    watched.fail(3)
    assert watched.states == [CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED]


def test_each_failed_probe_doubles_the_wait_up_to_a_limit() -> None:
    """It waits 1, 2, 3, 3 seconds, and 1 again after it was closed."""
    watched = Watched()
    watched.fail(4)
    for expected_s in (1.0, 2.0, 3.0, 3.0):
        assert watched.refused_for() == pytest.approx(expected_s)
        watched.now += expected_s
        watched.fail()
    watched.now += 3.0
    watched.succeed()
    watched.fail(4)
    assert watched.refused_for() == pytest.approx(1.0)


def test_a_probe_that_nobody_waited_for_makes_room_for_another() -> None:
    """A cancelled probe does not keep the circuit shut for ever."""
    watched = Watched()
    watched.fail(4)
    watched.now = 1.0
    watched.circuit.abandoned(watched.circuit.admit())
    watched.succeed()
    assert watched.circuit.state is CircuitState.CLOSED


def test_late_outcomes_do_not_count() -> None:
    """A call from before it opened neither closes it nor makes it wait longer, and is no probe."""
    watched = Watched()
    early = [watched.circuit.admit() for _ in range(3)]
    watched.fail(4)
    watched.circuit.succeeded(early[0])
    watched.circuit.failed(early[1])
    assert watched.refused_for() == pytest.approx(1.0)
    watched.now = 1.0
    watched.circuit.admit()
    watched.circuit.abandoned(early[2])
    assert watched.refused_for() > 0
