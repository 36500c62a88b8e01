"""Sum up how questions were answered. Pure: no I/O."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intelligence_service.learning.calibration import Bin, expected_error, reliability

_PAIRS = 10


@dataclass(frozen=True, slots=True)
class Answered:
    """How one question was answered."""

    label: str
    """The right answer."""
    given: str
    confidence: float
    is_sure: bool
    """Whether the answer would be given without the model."""
    took_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """How good answers are."""

    questions: int
    accuracy: float
    calibration_error: float
    """Expected calibration error, ten bins."""
    bins: tuple[Bin, ...]
    sure_share: float
    """Share of questions that would be answered without the model."""
    sure_accuracy: float | None
    """Share of those that is right; None when there are none."""
    confusions: tuple[tuple[str, str, int], ...]
    """Right answer, given answer and how often; the most frequent first."""
    p50_ms: float
    p95_ms: float


def report(answers: Sequence[Answered]) -> Report:
    """Sum up.

    Args:
        answers: At least one.

    Returns:
        The report.
    """
    right = np.array([answer.given == answer.label for answer in answers])
    confidence = np.array([answer.confidence for answer in answers])
    sure = np.array([answer.is_sure for answer in answers])
    times = np.array([answer.took_s for answer in answers]) * 1000
    bins = reliability(confidence, right)
    pairs = Counter((answer.label, answer.given) for answer in answers if answer.given != answer.label)
    return Report(
        questions=len(answers),
        accuracy=float(right.mean()),
        calibration_error=expected_error(bins),
        bins=tuple(bins),
        sure_share=float(sure.mean()),
        sure_accuracy=float(right[sure].mean()) if sure.any() else None,
        confusions=tuple((wanted, given, count) for (wanted, given), count in pairs.most_common(_PAIRS)),
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
    )


def rendered(summed: Report) -> str:
    """Write a report for a terminal.

    Args:
        summed: The report.

    Returns:
        Some lines.
    """
    sure = "none" if summed.sure_accuracy is None else f"{summed.sure_accuracy:.1%} right"
    lines = [
        f"{summed.questions} questions, {summed.accuracy:.1%} right",
        f"sure enough to answer without the model: {summed.sure_share:.1%} ({sure})",
        f"expected calibration error {summed.calibration_error:.3f}",
        f"time per question: p50 {summed.p50_ms:.1f} ms, p95 {summed.p95_ms:.1f} ms",
        "",
        "confidence   questions   mean confidence   right",
        *(
            f"{each.low:.1f} to {each.high:.1f}   {each.count:9}   {each.confidence:15.3f}   {each.accuracy:.3f}"
            for each in summed.bins
        ),
    ]
    if summed.confusions:
        lines += ["", "most frequent confusions (right answer, given answer):"]
        lines += [f"{count:5}  {wanted}  {given}" for wanted, given, count in summed.confusions]
    return "\n".join(lines)
