"""A head over encoded questions: fitted as a whole, and then only read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intelligence_service.learning.calibration import UNKNOWN, Calibration, calibrate
from intelligence_service.learning.features import Labels, Matrix, Space, make_space
from intelligence_service.learning.solver import fit_weights

FEWEST = 8
"""Examples below which no head is fitted."""
_FOLDS = 4
_FOLDS_UP_TO = 2_500
"""With more examples than this a fifth is held out once: it is enough to measure with, and four times faster."""
_HELD_OUT = 0.2


@dataclass(frozen=True, slots=True)
class Trained:
    """Examples as a head is fitted to them."""

    vectors: Matrix
    """What the encoder made of the questions, one row each."""
    counted: Matrix
    """What `grams.counts` made of them."""
    labels: Labels
    """Place of each one's answer among `answers`."""
    answers: tuple[str, ...]
    """The answers, canonical."""
    names: Matrix | None = None
    """What the encoder made of the answers' own words, one row each; it helps while examples are few."""
    named: Matrix | None = None
    """What `grams.counts` made of them."""

    def part(self, rows: Labels) -> "Trained":
        """Pick examples.

        Args:
            rows: Their places.
        """
        return Trained(self.vectors[rows], self.counted[rows], self.labels[rows], self.answers, self.names, self.named)


@dataclass(frozen=True, slots=True)
class Borders:
    """Where answers are told apart."""

    space: Space
    by_meaning: Matrix
    """Weights of the landmarks: with `Space.root` in them, which would else be most of the work of each question."""
    by_words: Matrix

    def scores(self, vectors: Matrix, counted: Matrix) -> Matrix:
        """Score the answers for questions; see `Head.scores`.

        Args:
            vectors: What the encoder made of the questions.
            counted: What `grams.counts` made of them.
        """
        words: Matrix = self.space.words(counted) @ self.by_words
        scores: Matrix = self.space.likeness(vectors) @ self.by_meaning + self.space.words_weight * words
        return scores


@dataclass(frozen=True, slots=True)
class Head:
    """Scores answers."""

    borders: "Borders"
    answers: tuple[str, ...]
    calibration: Calibration

    def scores(self, vectors: Matrix, counted: Matrix) -> Matrix:
        """Score the answers for questions.

        Args:
            vectors: What the encoder made of the questions.
            counted: What `grams.counts` made of them.

        Returns:
            One row for each question, one column for each of `answers`; the calibration's temperature is not applied.
        """
        return self.borders.scores(vectors, counted)


def fit_head(trained: Trained, *, precision: float, seed: int = 0) -> Head | None:
    """Fit a head and measure what its confidence is worth.

    Args:
        trained: The examples.
        precision: How often sure answers must be right.
        seed: Of the choice of landmarks and of what is held out.

    Returns:
        The head; None while there are too few examples, or all have one answer.
    """
    if len(trained.labels) < FEWEST or len(np.unique(trained.labels)) < 2:
        return None
    return Head(_fitted(trained, seed), trained.answers, _calibration(trained, precision, seed))


def _fitted(trained: Trained, seed: int) -> Borders:
    space = make_space(trained.vectors, trained.counted, trained.labels, seed=seed)
    vectors, counted, labels = trained.vectors, trained.counted, trained.labels
    if trained.names is not None and trained.named is not None:
        # An answer's own words are one more example of it.
        vectors = np.vstack((vectors, trained.names))
        counted = np.vstack((counted, trained.named))
        labels = np.concatenate((labels, np.arange(len(trained.answers))))
    count = len(trained.answers)
    return Borders(
        space,
        space.root @ fit_weights(space.meanings(vectors), labels, count),
        fit_weights(space.words(counted), labels, count),
    )


def _calibration(trained: Trained, precision: float, seed: int) -> Calibration:
    scores, labels = [], []
    for held_out, rest in _splits(len(trained.labels), seed):
        part = trained.part(rest)
        if len(np.unique(part.labels)) < 2:
            return UNKNOWN
        tested = trained.part(held_out)
        scores.append(_fitted(part, seed).scores(tested.vectors, tested.counted))
        labels.append(tested.labels)
    return calibrate(np.vstack(scores), np.concatenate(labels), precision=precision)


def _splits(count: int, seed: int) -> Sequence[tuple[Labels, Labels]]:
    order = np.random.default_rng(seed).permutation(count)
    if count > _FOLDS_UP_TO:
        cut = int(count * _HELD_OUT)
        return [(order[:cut], order[cut:])]
    folds = np.array_split(order, _FOLDS)
    return [(fold, np.concatenate([other for other in folds if other is not fold])) for fold in folds]
