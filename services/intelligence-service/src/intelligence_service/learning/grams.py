"""Words and parts of words as numbers: what sentence encoders blur, such as the names of things."""

import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 2_048
"""Places that words, pairs of words and parts of words are hashed to (Weinberger et al. 2009)."""
_WORD: Final = re.compile(r"\w+")
_PARTS: Final = (3, 4, 5)


def counts(texts: Sequence[str]) -> NDArray[np.float32]:
    """Count what texts are made of.

    Args:
        texts: The texts.

    Returns:
        One row of `WIDTH` damped counts for each text.
    """
    rows = np.zeros((len(texts), WIDTH), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for gram in _grams(text.lower()):
            row[zlib.crc32(gram.encode("utf-8", errors="replace")) % WIDTH] += 1
    return np.log1p(rows)


def rarity(counted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weigh places by how few texts have something there (inverse document frequency, smoothed).

    Args:
        counted: What `counts` returned for all texts.

    Returns:
        One weight for each place.
    """
    share = (1 + len(counted)) / (1 + (counted > 0).sum(axis=0))
    weights: NDArray[np.float32] = (np.log(share) + 1).astype(np.float32)
    return weights


def weighed(counted: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply weights.

    Args:
        counted: What `counts` returned.
        weights: What `rarity` returned.

    Returns:
        Rows of length 1, or 0 where a text has no word.
    """
    rows = counted * weights
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = rows / np.maximum(lengths, np.float32(1e-9))
    return scaled


def _grams(text: str) -> Iterator[str]:
    words = _WORD.findall(text)
    yield from (f"w{word}" for word in words)
    yield from (f"b{first} {second}" for first, second in pairwise(words))
    for word in words:
        edged = f"<{word}>"
        for length in _PARTS:
            yield from (f"c{edged[at : at + length]}" for at in range(len(edged) - length + 1))
