"""Load-balancing hints: how much of the traffic an instance should get, and which ones come first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ._instances import Instance

FULL_WEIGHT: Final = 100
_LEAST_SHARE: Final = 0.1
_DOUBTFUL_SHARE: Final = 0.5


class Hint(NamedTuple):
    """How an instance should be treated beside the others."""

    weight: int
    """Share of the traffic, relative to the others' weights: 1 to 100."""
    priority: int
    """0 for those to ask first, 1 for those to ask when none of them can be reached."""


@dataclass(frozen=True, slots=True)
class Balancing:
    """The rules that hints follow."""

    slow_start: timedelta = timedelta(seconds=30)
    """How long the weight of an instance that is new, or healthy again, grows from a tenth to all of it; zero for not at
    all."""

    def hint(self, instance: Instance, now: datetime, near: str | None = None) -> Hint:
        """Work out the hint for one instance.

        Args:
            instance: The instance.
            now: The present.
            near: Zone of the caller; None when it does not say.

        Returns:
            The hint. Without `near` no instance comes before another.
        """
        weight = FULL_WEIGHT * self._share_by_age(instance, now)
        if instance.health.against:
            weight *= _DOUBTFUL_SHARE
        is_far = near is not None and instance.registration.zone != near
        return Hint(max(1, round(weight)), int(is_far))

    def _share_by_age(self, instance: Instance, now: datetime) -> float:
        age = now - max(instance.registration.registered_at, instance.health.since)
        if not self.slow_start or age >= self.slow_start:
            return 1.0
        return max(_LEAST_SHARE, age / self.slow_start)
