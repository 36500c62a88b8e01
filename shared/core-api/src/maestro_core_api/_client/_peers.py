"""What a client knows about each service that it calls."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from maestro_core_logging import get_logger

from ._budget import RetryBudget
from ._circuit import Circuit, CircuitState
from ._config import ClientConfig
from ._metrics import ClientMetrics

_MOST_PEERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Peer:
    """A service or host that is called."""

    name: str
    """Name of the service; host and port when it was called by its address."""
    circuit: Circuit | None
    """Whether it is called at all; None when it always is."""
    budget: RetryBudget
    """How many retries it may get."""


class Peers:
    """Remembers the services called last.

    Args:
        config: Of the client.
        metrics: Shows the circuits.
        clock: Monotonic seconds.
    """

    def __init__(
        self, config: ClientConfig, metrics: ClientMetrics, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._metrics = metrics
        self._clock = clock
        self._known: OrderedDict[str, Peer] = OrderedDict()
        self._logger = get_logger(__name__)

    def named(self, name: str) -> Peer:
        """Return what is known about a service.

        Args:
            name: Name of the service, or host and port.

        Returns:
            The same object each time, unless a thousand others were called since.
        """
        peer = self._known.get(name)
        if peer is None:
            peer = self._known[name] = self._new(name)
            if len(self._known) > _MOST_PEERS:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(name)
        return peer

    def _new(self, name: str) -> Peer:
        retry, circuit = self._config.retry, self._config.circuit
        return Peer(
            name,
            None if circuit is None else Circuit(circuit, clock=self._clock, on_change=partial(self._turned, name)),
            RetryBudget(share=retry.budget_share, floor=retry.budget_floor, clock=self._clock),
        )

    def _turned(self, name: str, state: CircuitState) -> None:
        self._metrics.circuit(name, state)
        log = self._logger.warning if state is CircuitState.OPEN else self._logger.info
        log("Circuit changed", target=name, state=state.name.lower())
