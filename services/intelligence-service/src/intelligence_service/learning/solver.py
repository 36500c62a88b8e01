"""Fit a linear head: multinomial logistic regression with a ridge."""

import numpy as np

from intelligence_service.learning.features import Labels, Matrix, onehot

_RIDGE = 0.03
_STEPS = 60


def softmax(scores: Matrix) -> Matrix:
    """Turn scores into shares that sum to 1.

    Args:
        scores: One row for each question.
    """
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Matrix = raised / raised.sum(axis=1, keepdims=True)
    return shares


def fit_weights(features: Matrix, labels: Labels, answers: int) -> Matrix:
    """Fit weights.

    The curvature of the loss is bounded by half the features' Gram matrix (Boehning 1992), whose inverse serves as a fixed
    preconditioner of an accelerated descent (Nesterov 1983): some sixty products of matrices, whatever the data.

    Args:
        features: One row for each example.
        labels: Number of each example's answer.
        answers: How many answers there are.

    Returns:
        One column of weights for each answer.
    """
    wanted = onehot(labels, answers)
    if len(features) < features.shape[1]:
        # The same descent over the examples instead of the features: weights are sums of examples.
        return features.T @ _descend(features @ features.T, None, wanted)
    return _descend(features.T @ features, features, wanted)


def _descend(gram: Matrix, features: Matrix | None, wanted: Matrix) -> Matrix:
    bound = gram / 2
    bound[np.diag_indices(len(bound))] += _RIDGE
    inverse = np.linalg.inv(bound).astype(np.float32)
    weights = ahead = np.zeros((len(gram), wanted.shape[1]), np.float32)
    pace = 1.0
    for _ in range(_STEPS):
        if features is None:
            slope = softmax(gram @ ahead) - wanted
        else:
            slope = features.T @ (softmax(features @ ahead) - wanted)
        stepped = ahead - inverse @ (slope + np.float32(_RIDGE) * ahead)
        faster = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = stepped + np.float32((pace - 1) / faster) * (stepped - weights)
        weights, pace = stepped, faster
    return weights
