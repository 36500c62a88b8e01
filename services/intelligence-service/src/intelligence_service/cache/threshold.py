"""How similar a question must be to get another one's answer: measured, and kept to a budget of false hits."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

NEVER = 2.0
"""A threshold above every similarity: nothing is answered by likeness."""
_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a remembered answer with the model's own."""

    similarity: float
    agreed: bool


@dataclass(frozen=True, slots=True)
class FalseHits:
    """What is known about answers by likeness."""

    checked: int
    """Comparisons at or above the threshold."""
    false: int
    """Those where the model would have answered otherwise."""
    upper_rate: float
    """What the rate of false hits is at most, by 95 % of chance; 1.0 while nothing was checked."""
    threshold: float
    """Similarity from which a remembered answer is given."""


class ThresholdKeeper:
    """Keeps the rate of false hits within a budget by raising the threshold.

    The threshold is the lowest one, from the floor on, at which the comparisons seen lately stay within the budget. It is a
    function of those alone: a false hit raises it at once, and it comes down again when the false hit is old.

    Args:
        floor: Lowest threshold, and the one to begin with.
        budget: Largest rate of false hits, 0 to 1.
        window: How many comparisons count.
    """

    def __init__(self, *, floor: float, budget: float, window: int = 500) -> None:
        self._floor = floor
        self._budget = budget
        self._checks: deque[Check] = deque(maxlen=window)
        self._threshold = floor

    @property
    def threshold(self) -> float:
        """Similarity from which a remembered answer may be given; `NEVER` when none may."""
        return self._threshold

    @property
    def floor(self) -> float:
        """Similarity from which comparisons say something."""
        return self._floor

    def note(self, check: Check) -> None:
        """Take a comparison into account.

        Args:
            check: The comparison.
        """
        if check.similarity < self._floor:
            return
        self._checks.append(check)
        self._threshold = lowest_within(self._checks, floor=self._floor, budget=self._budget)

    def false_hits(self) -> FalseHits:
        """Tell what is known at the present threshold."""
        counted = [check for check in self._checks if check.similarity >= self._threshold]
        false = sum(not check.agreed for check in counted)
        return FalseHits(len(counted), false, wilson_upper(false, len(counted)), self._threshold)


def lowest_within(checks: Iterable[Check], *, floor: float, budget: float) -> float:
    """Find the lowest threshold that keeps the budget.

    Args:
        checks: Comparisons.
        floor: Lowest threshold.
        budget: Largest share of false hits among those at or above it.

    Returns:
        The floor, or a similarity just above that of a false hit; `NEVER` when no threshold keeps the budget.
    """
    seen = sorted(checks, key=lambda check: check.similarity)
    false = sum(not check.agreed for check in seen)
    if false <= budget * len(seen):
        return floor
    for place, check in enumerate(seen):
        if check.agreed:
            continue
        false -= 1
        if false <= budget * (len(seen) - place - 1):
            raised = check.similarity + _STEP
            return raised if raised <= 1.0 else NEVER
    return NEVER


def wilson_upper(hits: int, total: int, z: float = 1.96) -> float:
    """Bound a rate from above (Wilson 1927, score interval).

    Args:
        hits: How often it happened.
        total: Out of how many.
        z: Quantile of the normal distribution.

    Returns:
        The upper bound; 1.0 when nothing was seen.
    """
    if total == 0:
        return 1.0
    share: float = hits / total
    centre = share + z * z / (2 * total)
    spread: float = z * ((share * (1 - share) + z * z / (4 * total)) / total) ** 0.5
    return min(1.0, (centre + spread) / (1 + z * z / total))
