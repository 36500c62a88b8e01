"""How much a confidence is worth: measured on examples that were held out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intelligence_service.learning.features import Labels, Matrix
from intelligence_service.learning.solver import softmax

BINS = 10
NEVER = 2.0
"""A confidence that nothing reaches."""
_FEWEST = 20
"""Held-out examples below which nothing is believed."""
_TEMPERATURES = np.geomspace(0.2, 10.0, 61)
_CEILING = 0.98
"""Where held-out examples were all right, no more than this is asked of others (or the precision, where that is higher)."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same confidence."""

    low: float
    high: float
    count: int
    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share of them that was right."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What held-out examples say."""

    temperature: float
    """Divides scores before they become shares (Guo et al. 2017)."""
    sure_from: float
    """Confidence from which answers are right often enough; `NEVER` when none are."""
    held_out: int
    """Examples that were held out."""
    accuracy: float
    """The share of them that was answered rightly."""
    error: float
    """Expected calibration error: how far confidence and accuracy are apart."""
    answered: float
    """The share of them that was sure enough."""


UNKNOWN = Calibration(1.0, NEVER, 0, 0.0, 0.0, 0.0)
"""Before anything could be held out."""


def calibrate(scores: Matrix, labels: Labels, *, precision: float) -> Calibration:
    """Find the temperature, and the confidence from which answers are right often enough.

    Args:
        scores: Scores of held-out examples by heads that have not seen them.
        labels: Number of each example's answer.
        precision: How often sure answers must be right, 0 to 1.

    Returns:
        The calibration; `UNKNOWN` when too few examples were held out.
    """
    if len(labels) < _FEWEST:
        return UNKNOWN
    losses = [_loss(scores / np.float32(temperature), labels) for temperature in _TEMPERATURES]
    temperature = float(_TEMPERATURES[int(np.argmin(losses))])
    shares = softmax(scores / np.float32(temperature))
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == labels
    sure_from = _sure_from(confidence, right, precision)
    return Calibration(
        temperature=temperature,
        sure_from=sure_from,
        held_out=len(labels),
        accuracy=float(right.mean()),
        error=expected_error(reliability(confidence, right)),
        answered=float((confidence >= sure_from).mean()),
    )


def reliability(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> list[Bin]:
    """Compare confidence and accuracy.

    Args:
        confidence: Of each answer, 0 to 1.
        right: Whether it was right.

    Returns:
        Ten bins of equal width; those that are empty are left out.
    """
    places = np.minimum((np.asarray(confidence) * BINS).astype(int), BINS - 1)
    found = []
    for place in range(BINS):
        inside = places == place
        if inside.any():
            found.append(
                Bin(
                    place / BINS,
                    (place + 1) / BINS,
                    int(inside.sum()),
                    float(np.mean(confidence[inside])),
                    float(np.mean(right[inside])),
                )
            )
    return found


def expected_error(bins: list[Bin]) -> float:
    """Sum up how far confidence and accuracy are apart (Naeini et al. 2015).

    Args:
        bins: What `reliability` returned.

    Returns:
        0 when they agree; 0 for no bins.
    """
    total = sum(each.count for each in bins)
    return sum(each.count * abs(each.confidence - each.accuracy) for each in bins) / total if total else 0.0


def _sure_from(confidence: NDArray[np.floating], right: NDArray[np.bool_], precision: float) -> float:
    """Find the lowest confidence above which the share of right answers is high enough."""
    order = np.argsort(-confidence, kind="stable")
    counted = np.arange(1, len(order) + 1)
    share = np.cumsum(right[order]) / counted
    enough = np.flatnonzero((share >= precision) & (counted >= _FEWEST))
    if not len(enough):
        return NEVER
    return min(float(confidence[order[enough[-1]]]), max(_CEILING, precision))


def _loss(scores: Matrix, labels: Labels) -> float:
    shares = softmax(scores)
    return float(-np.log(np.maximum(shares[np.arange(len(labels)), labels], 1e-12)).mean())
