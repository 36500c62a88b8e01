"""Leaving a service alone that fails, and finding out when it is back."""

import random
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Final

from ._config import CircuitConfig

_MOST_OUTCOMES: Final = 100
_JITTER: Final = 0.2
_LEAST_WAIT_S: Final = 0.1


class CircuitState(Enum):
    """Whether calls are let through; the value is the metric's."""

    CLOSED = 0
    """All are."""
    HALF_OPEN = 1
    """A few are, to find out."""
    OPEN = 2
    """None is."""


class CircuitOpenError(Exception):
    """The circuit lets no call through now.

    Attributes:
        wait: After how long it lets one through.
        failures: How many calls had failed when it opened.
        calls: Of how many.
    """

    def __init__(self, wait: timedelta, failures: int, calls: int) -> None:
        super().__init__(f"open for {wait.total_seconds():.1f} s")
        self.wait = wait
        self.failures = failures
        self.calls = calls


class Circuit:
    """What happened to the last calls of one service, and what follows from it. It does no I/O.

    Every call that is admitted ends with one of `succeeded`, `failed` and `abandoned`. Outcomes of calls that began
    before the circuit last changed say nothing about now and are dropped.

    Args:
        config: When it opens, and for how long.
        clock: Monotonic seconds.
        choose: Gives a number between two.
        on_change: Told of each new state.
    """

    def __init__(
        self,
        config: CircuitConfig,
        *,
        clock: Callable[[], float],
        choose: Callable[[float, float], float] = random.uniform,
        on_change: Callable[[CircuitState], None] = lambda state: None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._choose = choose
        self._on_change = on_change
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=_MOST_OUTCOMES)
        self._state = CircuitState.CLOSED
        self._generation = 0
        self._opened = 0
        self._asks_again_at = 0.0
        self._probing = 0
        self._counted = (0, 0)

    @property
    def state(self) -> CircuitState:
        """The state as of the last call."""
        return self._state

    def admit(self) -> int:
        """Let a call through.

        Returns:
            What to give back with its outcome.

        Raises:
            CircuitOpenError: It is not let through.
        """
        if self._state is CircuitState.OPEN:
            wait_s = self._asks_again_at - self._clock()
            if wait_s > 0:
                raise CircuitOpenError(timedelta(seconds=wait_s), *self._counted)
            self._turn(CircuitState.HALF_OPEN)
        if self._state is CircuitState.HALF_OPEN:
            if self._probing >= self._config.probes:
                raise CircuitOpenError(timedelta(seconds=_LEAST_WAIT_S), *self._counted)
            self._probing += 1
        return self._generation

    def succeeded(self, admitted: int) -> None:
        """Note that the service answered."""
        if admitted != self._generation:
            return
        if self._state is CircuitState.HALF_OPEN:
            self._opened = 0
            self._turn(CircuitState.CLOSED)
        else:
            self._outcomes.append((self._clock(), True))

    def failed(self, admitted: int) -> None:
        """Note that the service could not be reached, or could not answer."""
        if admitted != self._generation:
            return
        if self._state is CircuitState.HALF_OPEN:
            self._open()
            return
        now = self._clock()
        self._outcomes.append((now, False))
        began = now - self._config.window.total_seconds()
        recent = [is_good for at, is_good in self._outcomes if at > began]
        failures = recent.count(False)
        if len(recent) >= self._config.minimum_calls and failures >= self._config.failure_share * len(recent):
            self._counted = (failures, len(recent))
            self._open()

    def abandoned(self, admitted: int) -> None:
        """Note that nobody waited for the outcome."""
        if admitted == self._generation and self._state is CircuitState.HALF_OPEN:
            self._probing -= 1

    def _open(self) -> None:
        longest_s = self._config.longest_open_for.total_seconds()
        open_s = min(longest_s, self._config.open_for.total_seconds() * 2.0 ** min(self._opened, 30))
        # Clients that stopped together would otherwise all probe at the same moment.
        self._asks_again_at = self._clock() + open_s * self._choose(1 - _JITTER, 1 + _JITTER)
        self._opened += 1
        self._turn(CircuitState.OPEN)

    def _turn(self, state: CircuitState) -> None:
        self._state = state
        self._generation += 1
        self._probing = 0
        self._outcomes.clear()
        self._on_change(state)
