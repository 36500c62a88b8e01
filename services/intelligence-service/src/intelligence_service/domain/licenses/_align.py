"""Place a reference text over a text, word by word."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import LCSseq

from ._index import RUN_LENGTH

_MARGIN = 16
"""Words beside the shared runs that may still belong to the passage (a title, a changed first sentence)."""
_ANCHOR = 3
"""At the edges of a passage, words agree by chance; fewer in a row than this do not stretch it."""
_STRETCHES = (1.25, 1.05)
"""How much longer than the reference a passage may be. The narrow one keeps two neighbouring licences apart."""
_CLOSE = 0.97
"""From this similarity on no other width is tried."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where a reference lies in a text and how well it fits."""

    start: int
    end: int
    """The passage is `words[start:end]`."""
    common: int
    """Words in the longest common sequence."""
    missing: int
    """Words of the reference that the passage lacks."""
    added: int
    """Words of the passage that the reference lacks."""
    gaps: tuple[tuple[int, int], ...]
    """Spans of the reference that the passage lacks."""
    extras: tuple[tuple[int, int], ...]
    """Spans of the text that the reference lacks."""

    @property
    def similarity(self) -> float:
        """Sørensen-Dice coefficient, 0 to 1."""
        total = 2 * self.common + self.missing + self.added
        return 2 * self.common / total if total else 0.0

    @property
    def coverage(self) -> float:
        """Share of the reference's words that are there, 0 to 1."""
        total = self.common + self.missing
        return self.common / total if total else 0.0

    @property
    def gain(self) -> int:
        """Words explained minus words that contradict; between two references the higher one explains the text."""
        return self.common - self.missing - self.added


def align(reference: Sequence[int], words: Sequence[int], hits: Sequence[tuple[int, int]]) -> Alignment | None:
    """Align a reference with the part of a text that holds most of its runs.

    Args:
        reference: The reference's words as numbers.
        words: The text's words as numbers; words that are taken carry negative numbers.
        hits: Positions in `words` where runs of the reference begin, ascending, each with the run's hash.

    Returns:
        The alignment; None when no words agree.
    """
    if not hits:
        return None
    best: Alignment | None = None
    for stretch in _STRETCHES:
        found = _place(reference, words, _densest(hits, int(len(reference) * stretch)))
        if found is not None and (best is None or found.gain > best.gain):
            best = found
        if best is not None and best.similarity >= _CLOSE:
            break
    return best


def _place(reference: Sequence[int], words: Sequence[int], hull: tuple[int, int]) -> Alignment | None:
    first, last = hull
    start = max(0, first - _MARGIN)
    end = min(len(words), last + RUN_LENGTH + _MARGIN)
    while start < first and words[start] < 0:
        start += 1
    window = list(words[start:end])
    blocks = [
        (op.src_start, op.src_end, op.dest_start, op.dest_end)
        for op in LCSseq.opcodes(list(reference), window)
        if op.tag == "equal"
    ]
    while blocks and blocks[0][1] - blocks[0][0] < _ANCHOR:
        blocks.pop(0)
    while blocks and blocks[-1][1] - blocks[-1][0] < _ANCHOR:
        blocks.pop()
    if not blocks:
        return None
    common = sum(stop - begin for begin, stop, _, _ in blocks)
    low, high = blocks[0][2], blocks[-1][3]
    gaps = _between([(begin, stop) for begin, stop, _, _ in blocks], 0, len(reference))
    extras = _between([(begin, stop) for _, _, begin, stop in blocks], low, high)
    return Alignment(
        start=start + low,
        end=start + high,
        common=common,
        missing=len(reference) - common,
        added=high - low - common,
        gaps=gaps,
        extras=tuple((start + begin, start + stop) for begin, stop in extras),
    )


def _densest(hits: Sequence[tuple[int, int]], width: int) -> tuple[int, int]:
    """Find where most different runs lie within `width` words; of equal places the shortest.

    Counting different runs, and not hits, keeps a second copy of the same licence out of the first one's passage.
    """
    best = (hits[0][0], hits[0][0])
    rank = (0, 0)
    held: Counter[int] = Counter()
    low = 0
    for position, run in hits:
        held[run] += 1
        while position - hits[low][0] > width or held[hits[low][1]] > 1:
            held[hits[low][1]] -= 1
            if not held[hits[low][1]]:
                del held[hits[low][1]]
            low += 1
        if (found := (len(held), hits[low][0] - position)) > rank:
            rank = found
            best = (hits[low][0], position)
    return best


def _between(blocks: Sequence[tuple[int, int]], low: int, high: int) -> tuple[tuple[int, int], ...]:
    """List the spans of `low` to `high` that no block covers."""
    spans: list[tuple[int, int]] = []
    at = low
    for begin, stop in blocks:
        if begin > at:
            spans.append((at, begin))
        at = stop
    if high > at:
        spans.append((at, high))
    return tuple(spans)
