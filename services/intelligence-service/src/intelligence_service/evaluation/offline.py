"""Teach from one set of examples and ask another, as the service would, without the service."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from intelligence_service.domain.learning import Question, canonical
from intelligence_service.evaluation.dataset import Labelled
from intelligence_service.evaluation.report import Answered, Report, report
from intelligence_service.learning import grams
from intelligence_service.learning.domain import Example, Position
from intelligence_service.learning.features import Matrix
from intelligence_service.learning.head import fit_head
from intelligence_service.learning.learner import Learner, as_trained
from intelligence_service.learning.memory import spoken

Encode = Callable[[Sequence[str]], Matrix]
"""Encodes texts: one normalised row for each."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A report, and what came before it."""

    report: Report
    examples: int
    labels: int
    fit_s: float
    """Time to fit the head and to measure its confidence, in seconds."""


def evaluate(
    taught: Sequence[Labelled], asked: Sequence[Labelled], encode: Encode, *, precision: float = 0.95
) -> Evaluated:
    """Teach, then ask.

    Args:
        taught: Examples to learn from; nothing else is learnt from.
        asked: Questions to answer, one at a time.
        encode: Encodes texts.
        precision: How often sure answers must be right.

    Returns:
        The report. Its times are for a whole question: encoding it, and answering.
    """
    learner = _taught(taught, encode)
    started = time.perf_counter()
    position, examples, vectors = learner.snapshot()
    trained = as_trained(examples, vectors)
    names = [spoken(label) for label in trained.answers]
    head = fit_head(replace(trained, names=encode(names), named=grams.counts(names)), precision=precision)
    learner.fit(head, position)
    fit_s = time.perf_counter() - started
    answers = [_answered(learner, question, encode) for question in asked]
    return Evaluated(report(answers), len(learner), len(trained.answers), fit_s)


def _taught(taught: Sequence[Labelled], encode: Encode) -> Learner:
    # The same question twice is one example, as in the service; the last answer counts.
    latest = {example.question: example.label for example in taught}
    vectors = encode(list(latest))
    now = datetime.now(UTC)
    learner = Learner()
    learner.add(
        Position(1, 0, len(latest)),
        [
            Example(f"{place:032x}", question, label, vector, "", "", now, now, 1)
            for place, ((question, label), vector) in enumerate(zip(latest.items(), vectors, strict=True))
        ],
    )
    return learner


def _answered(learner: Learner, question: Labelled, encode: Encode) -> Answered:
    started = time.perf_counter()
    vector = np.asarray(encode([question.question])[0], np.float32)
    known = learner.recall(Question(question.question, vector))
    took_s = time.perf_counter() - started
    assert known is not None, "something was taught"
    return Answered(question.label, canonical(known.result), known.confidence, known.is_sure, took_s)
