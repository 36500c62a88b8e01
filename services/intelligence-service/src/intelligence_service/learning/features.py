"""Questions as numbers from which a linear head can tell answers apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from intelligence_service.learning import grams

Matrix: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.intp]

_LANDMARKS = 3_072
_TRUST = 0.11
"""How fast the examples' own spread is believed as they become more than the dimensions."""
_WORDS_TELL = 0.35
"""What words weigh beside meanings once there are many examples; before that they mislead."""
_WORDS_NEED = 40.0


def units(rows: Matrix) -> Matrix:
    """Scale rows to length 1; rows of nothing stay so.

    Args:
        rows: Any rows.
    """
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-9))
    return scaled


@dataclass(frozen=True, slots=True)
class Space:
    """How questions become features.

    Vectors are centred and whitened by the spread *within* answers (as in linear discriminant analysis), so that
    directions in which questions with one answer differ count less. A Gaussian kernel to landmarks (Nystroem
    approximation, Williams and Seeger 2001) lets a linear head draw curved borders. Hashed words have a head of their own,
    whose scores are added (late fusion): fitted together, the stronger features leave the words nothing to learn.
    """

    mean: Matrix
    whitening: Matrix
    landmarks: Matrix
    root: Matrix
    """Inverse square root of the landmarks' own kernel."""
    rarity: Matrix
    words_weight: np.float32
    """What the words' scores count beside the meanings'."""

    def meanings(self, vectors: Matrix) -> Matrix:
        """Turn what the encoder made of questions into features.

        Args:
            vectors: One row for each question.

        Returns:
            One row of features for each.
        """
        features: Matrix = self.likeness(vectors) @ self.root
        return features

    def likeness(self, vectors: Matrix) -> Matrix:
        """Compare what the encoder made of questions with the landmarks.

        Args:
            vectors: One row for each question.

        Returns:
            One row for each, one column for each landmark.
        """
        return _kernel(self.whitened(vectors), self.landmarks)

    def words(self, counted: Matrix) -> Matrix:
        """Turn counted words into features.

        Args:
            counted: What `grams.counts` made of the questions.

        Returns:
            One row of features for each.
        """
        return grams.weighed(counted, self.rarity)

    def whitened(self, vectors: Matrix) -> Matrix:
        """Centre, whiten and scale vectors.

        Args:
            vectors: What the encoder made of questions.
        """
        return units(units(vectors - self.mean) @ self.whitening)


def make_space(vectors: Matrix, counted: Matrix, labels: Labels, *, seed: int = 0) -> Space:
    """Find out how questions differ within and between answers.

    Args:
        vectors: What the encoder made of the examples.
        counted: What `grams.counts` made of them.
        labels: Number of each example's answer.
        seed: Of the choice of landmarks.

    Returns:
        The space.
    """
    mean: Matrix = vectors.mean(axis=0)
    centred = units(vectors - mean)
    whitening = _whitening(centred, labels)
    spread = units(centred @ whitening)
    chosen = np.random.default_rng(seed).permutation(len(spread))[:_LANDMARKS]
    landmarks = spread[np.sort(chosen)]
    per_answer = len(labels) / max(1, len(np.unique(labels)))
    return Space(
        mean=mean,
        whitening=whitening,
        landmarks=landmarks,
        root=_inverse_root(_kernel(landmarks, landmarks), floor=1e-4),
        rarity=grams.rarity(counted),
        words_weight=np.float32(_WORDS_TELL * (1 - np.exp(-per_answer / _WORDS_NEED))),
    )


def _whitening(centred: Matrix, labels: Labels) -> Matrix:
    answers, numbers = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(answers), centred.shape[1]), np.float32)
    np.add.at(sums, numbers, centred)
    residuals = centred - (sums / np.bincount(numbers)[:, None].astype(np.float32))[numbers]
    dimensions = centred.shape[1]
    freedom = len(labels) - len(answers)
    # Few examples say little about the spread: it is shrunk towards the same in all directions.
    shrinkage = 1 / (1 + _TRUST * (freedom / dimensions) ** 0.5)
    within = residuals.T @ residuals / np.float32(max(1, freedom))
    even = np.trace(within) / dimensions
    if even <= 0:
        return np.eye(dimensions, dtype=np.float32)
    mixed = (1 - shrinkage) * within / even + shrinkage * np.eye(dimensions)
    return _inverse_root(mixed, floor=1e-6)


def _inverse_root(matrix: NDArray[np.floating], *, floor: float) -> Matrix:
    values, directions = np.linalg.eigh(matrix)
    root: Matrix = ((directions * np.maximum(values, floor) ** -0.5) @ directions.T).astype(np.float32)
    return root


def _kernel(rows: Matrix, landmarks: Matrix) -> Matrix:
    # Both have length 1, so that the squared distance is 2 - 2 cos.
    kernel: Matrix = np.exp(2 * (rows @ landmarks.T) - 2)
    return kernel


def onehot(labels: Labels | Sequence[int], answers: int) -> Matrix:
    """Write answers as rows with a 1.

    Args:
        labels: Number of each example's answer.
        answers: How many answers there are.
    """
    rows = np.zeros((len(labels), answers), np.float32)
    rows[np.arange(len(labels)), labels] = 1
    return rows
