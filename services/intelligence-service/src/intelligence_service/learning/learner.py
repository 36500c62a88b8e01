"""What one tenant has taught one persona, in memory, ready to answer. No I/O; one thread at a time."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import JsonValue

from intelligence_service.domain.learning import Question, Recollection, Shown
from intelligence_service.learning import grams
from intelligence_service.learning.calibration import NEVER, UNKNOWN, Calibration
from intelligence_service.learning.domain import Example, Position
from intelligence_service.learning.features import Matrix
from intelligence_service.learning.head import Head, Trained
from intelligence_service.learning.solver import softmax

_MARGIN = 1.0
_REACH_QUANTILE = 0.02
_REACH_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class _Nudge:
    """What an example that the head has not seen adds to the scores of questions like it."""

    vector: Matrix
    label: str
    rival: str | None
    strength: float


class Learner:
    """Answers from examples.

    The head answers from what it was fitted to. Examples that came since pull the scores of questions near them
    (passive-aggressive updates over the head's kernel, Crammer et al. 2006), so that teaching is effective at once; the next
    head takes them in. A question that was taught word for word gets what was taught.

    Args:
        shown: How many examples are shown with an answer.
    """

    def __init__(self, *, shown: int = 5) -> None:
        self.position = Position()
        """How far the state in memory has come."""
        self.head: Head | None = None
        self.fitted_at: Position | None = None
        """The state that was fitted last, with or without a head coming of it; None before the first time."""
        self._shown = shown
        self._examples: dict[str, Example] = {}
        self._by_question: dict[str, str] = {}
        self._matrix: Matrix | None = None
        self._ids: list[str] = []
        self._nudges: list[_Nudge] = []
        self._label_counts: dict[str, int] = {}
        self._reach = -1.0

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def calibration(self) -> Calibration:
        """What confidences are worth."""
        return UNKNOWN if self.head is None else self.head.calibration

    @property
    def labels(self) -> Mapping[str, int]:
        """How many examples each answer has."""
        return self._label_counts

    @property
    def unfitted(self) -> int:
        """How many examples came after the last fitting."""
        if self.head is not None:
            return len(self._nudges)
        # A fitting that found too few makes no head; what comes after it must still count towards the next.
        return len(self) if self.fitted_at is None else max(0, len(self) - self.fitted_at.examples)

    def successor(self, position: Position, examples: Iterable[Example]) -> "Learner":
        """Begin anew with all examples, because some were changed or taken away.

        The head goes on until the next one is there; answers that nobody teaches any more are never given.

        Args:
            position: The state they are of.
            examples: All examples.

        Returns:
            The learner that takes this one's place.
        """
        fresh = Learner(shown=self._shown)
        fresh.head, fresh.fitted_at, fresh._reach = self.head, self.fitted_at, self._reach
        known: list[Example] = []
        others: list[Example] = []
        for example in examples:
            before = self._examples.get(example.id)
            (known if before is not None and before.label == example.label else others).append(example)
        fresh._take(known)
        if self._label_counts:
            fresh._nudges = [nudge for nudge in self._nudges if nudge.label in fresh._label_counts]
        fresh.add(position, others)
        return fresh

    def add(self, position: Position, examples: Iterable[Example]) -> None:
        """Take examples in.

        Args:
            position: The state that this makes.
            examples: Those that are new.
        """
        fresh = list(examples)
        self._take(fresh)
        self.position = position
        if self.head is not None:
            self._nudges += [self._nudge(self.head, example) for example in fresh]

    def snapshot(self) -> tuple[Position, list[Example], Matrix]:
        """Give what a head is fitted to.

        Returns:
            The state, the examples, and what the encoder made of them, one row each.
        """
        return self.position, list(self._examples.values()), self._vectors()

    def fit(self, head: Head | None, position: Position) -> None:
        """Take a head over; examples that came while it was fitted keep pulling.

        Args:
            head: The head; None when the examples are too few.
            position: The state that it was fitted to.
        """
        if position.removals != self.position.removals:
            # Something was taken away meanwhile: the head knows what it must not know.
            return
        self.head, self.fitted_at, self._nudges = head, position, []
        self._reach = self._find_reach()
        if head is not None and position != self.position:
            late = list(self._examples.values())[position.examples :]
            self._nudges = [self._nudge(head, example) for example in late]

    @property
    def is_stale(self) -> bool:
        """Whether something was changed or taken away that the head still knows, or there is none yet."""
        return self.fitted_at is None or self.fitted_at.removals != self.position.removals

    def recall(self, question: Question) -> Recollection | None:
        """Answer a question.

        Args:
            question: The question.

        Returns:
            What is known; None when nothing was taught.
        """
        if not self._examples:
            return None
        nearest = self._nearest(question)
        if (known := self._by_question.get(question.text)) is not None:
            return Recollection(_result(self._examples[known].label), 1.0, is_sure=True, nearest=nearest)
        if self.head is None:
            return Recollection(nearest[0].result, 0.0, is_sure=False, nearest=nearest)
        answers, scores = self._scores(self.head, question)
        shares = softmax(scores[None] / np.float32(self.head.calibration.temperature))[0]
        order = np.argsort(-shares)
        confidence = float(shares[order[0]])
        sure_from = self.head.calibration.sure_from
        return Recollection(
            result=_result(answers[order[0]]),
            confidence=confidence,
            is_sure=sure_from < NEVER and confidence >= sure_from and nearest[0].similarity >= self._reach,
            nearest=nearest,
            runner_up=_result(answers[order[1]]) if len(order) > 1 else None,
        )

    def _take(self, examples: Iterable[Example]) -> None:
        for example in examples:
            before = self._examples.pop(example.id, None)
            if before is not None:
                self._count(before.label, -1)
            self._examples[example.id] = example
            self._by_question[example.question] = example.id
            self._count(example.label, 1)
        self._matrix = None

    def _count(self, label: str, change: int) -> None:
        left = self._label_counts.get(label, 0) + change
        if left:
            self._label_counts[label] = left
        else:
            del self._label_counts[label]

    def _vectors(self) -> Matrix:
        if self._matrix is None:
            self._matrix = np.stack([example.vector for example in self._examples.values()])
            self._ids = list(self._examples)
        return self._matrix

    def _nearest(self, question: Question) -> tuple[Shown, ...]:
        similarities = self._vectors() @ question.vector
        shown = min(self._shown, len(similarities))
        least = np.partition(similarities, -shown)[-shown]
        best = np.flatnonzero(similarities >= least)
        places = best[np.argsort(-similarities[best], kind="stable")][:shown]
        found = [(self._examples[self._ids[place]], float(similarities[place])) for place in places]
        return tuple(
            Shown(example.id, example.question, _result(example.label), similarity) for example, similarity in found
        )

    def _scores(self, head: Head, question: Question) -> tuple[list[str], Matrix]:
        vector = question.vector[None]
        given = dict(zip(head.answers, head.scores(vector, grams.counts([question.text]))[0], strict=True))
        lowest = min(given.values())
        scores = {label: float(given.get(label, lowest)) for label in self._label_counts}
        if self._nudges:
            whitened = head.borders.space.whitened(vector)[0]
            pulls = np.exp(2 * (np.stack([nudge.vector for nudge in self._nudges]) @ whitened) - 2)
            for nudge, pull in zip(self._nudges, pulls, strict=True):
                if nudge.label in scores:
                    scores[nudge.label] += nudge.strength * float(pull)
                if nudge.rival is not None and nudge.rival in scores:
                    scores[nudge.rival] -= nudge.strength * float(pull)
        return list(scores), np.array(list(scores.values()), np.float32)

    def _nudge(self, head: Head, example: Example) -> _Nudge:
        answers, scores = self._scores(head, Question(example.question, example.vector))
        own = float(scores[answers.index(example.label)])
        others = [(float(score), label) for label, score in zip(answers, scores, strict=True) if label != example.label]
        best, rival = max(others, default=(own - _MARGIN, None))
        # Just enough for the example itself to be answered rightly, by a margin.
        strength = max(0.0, best - own + _MARGIN) / 2
        return _Nudge(head.borders.space.whitened(example.vector[None])[0], example.label, rival, strength)

    def _find_reach(self) -> float:
        """Find how near a question's nearest example usually is; one farther away is about something else."""
        vectors = self._vectors()
        if len(vectors) < 2:
            return -1.0
        sample = np.random.default_rng(0).permutation(len(vectors))[:_REACH_SAMPLE]
        similarities = vectors[sample] @ vectors.T
        similarities[np.arange(len(sample)), sample] = -1.0
        return float(np.quantile(similarities.max(axis=1), _REACH_QUANTILE))


def _result(label: str) -> JsonValue:
    value: JsonValue = json.loads(label)
    return value


def as_trained(examples: Sequence[Example], vectors: Matrix) -> Trained:
    """Write examples for fitting.

    Args:
        examples: The examples.
        vectors: What the encoder made of them.

    Returns:
        The same in numbers, without the answers' own words.
    """
    answers = tuple(sorted({example.label for example in examples}))
    places = {label: place for place, label in enumerate(answers)}
    return Trained(
        vectors=vectors,
        counted=grams.counts([example.question for example in examples]),
        labels=np.array([places[example.label] for example in examples], np.intp),
        answers=answers,
    )
