"""In which order endpoints are asked. Rules only: no I/O, no clock, no chance of its own."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol, TypeVar


class Routed(Protocol):
    """What decides about an endpoint's place."""

    @property
    def tier(self) -> int:
        """Endpoints of a lower tier are asked first; those of the next when all of it have failed."""

    @property
    def weight(self) -> float:
        """Its share of first questions within the tier, beside the others' weights; 0: only when the others have failed."""


_Endpoint = TypeVar("_Endpoint", bound=Routed)


def order_of_attempts(endpoints: Sequence[_Endpoint], draw: Callable[[], float]) -> list[_Endpoint]:
    """Decide in which order endpoints are asked for one question.

    Args:
        endpoints: All endpoints.
        draw: Gives a number from 0 to below 1, anew each time.

    Returns:
        All of them, tier after tier; within a tier each next one is drawn by weight.
    """
    order: list[_Endpoint] = []
    for _, tier in groupby(sorted(endpoints, key=lambda endpoint: endpoint.tier), key=lambda endpoint: endpoint.tier):
        left = list(tier)
        while left:
            order.append(left.pop(_drawn([endpoint.weight for endpoint in left], draw())))
    return order


def _drawn(weights: Sequence[float], at: float) -> int:
    point = at * sum(weights)
    for place, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return place
    return 0
