"""An index of word runs that shortlists reference texts."""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import log

RUN_LENGTH = 5
"""Words per run: long enough that unrelated texts rarely share one, short enough to survive small edits."""


class RunIndex:
    """Knows which references hold a run of words.

    Runs are kept as sorted 64-bit hashes in flat arrays: a tenth of the memory that a dictionary of them would take.

    Args:
        references: The references' words as numbers (see `Vocabulary`).
    """

    def __init__(self, references: Sequence[Sequence[int]]) -> None:
        entries: list[tuple[int, int]] = []
        for number, words in enumerate(references):
            entries.extend((run, number) for run in set(runs_of(words)))
        entries.sort()
        self._runs = array("q", (run for run, _ in entries))
        self._owners = array("H", (owner for _, owner in entries))
        self._references = len(references)
        weights: list[float] = [0.0] * len(references)
        spread = Counter(self._runs)
        for run, owner in entries:
            weights[owner] += self._rarity(spread[run])
        self._weights = array("d", weights)

    def shortlist(self, words: Sequence[int], *, limit: int, least: float) -> list[tuple[int, list[tuple[int, int]]]]:
        """Find the references of which a text holds the most.

        Args:
            words: The text's words as numbers.
            limit: The most references to return.
            least: The share of a reference's runs, 0 to 1, that the text must hold.

        Returns:
            References, best first, each with its hits: the ascending positions in `words` where runs of it begin, and
            the runs' hashes. The rank is the share of the reference's runs that the text holds, rare runs counting
            more.
        """
        positions: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        held: defaultdict[int, float] = defaultdict(float)
        seen: set[int] = set()
        for position, run in enumerate(runs_of(words)):
            owners = self._owners_of(run)
            for owner in owners:
                positions[owner].append((position, run))
            if run not in seen:
                seen.add(run)
                rarity = self._rarity(len(owners))
                for owner in owners:
                    held[owner] += rarity
        share = {owner: weight / self._weights[owner] for owner, weight in held.items()}
        ranked = sorted((owner for owner in share if share[owner] >= least), key=lambda owner: (-share[owner], owner))
        return [(owner, positions[owner]) for owner in ranked[:limit]]

    def _owners_of(self, run: int) -> "array[int]":
        start = bisect_left(self._runs, run)
        end = start
        while end < len(self._runs) and self._runs[end] == run:
            end += 1
        return self._owners[start:end]

    def _rarity(self, owners: int) -> float:
        return log(1 + self._references / owners) if owners else 0.0


def runs_of(words: Sequence[int]) -> list[int]:
    """List the hashes of all runs of `RUN_LENGTH` words.

    Args:
        words: Words as numbers.

    Returns:
        One hash for each position at which a whole run begins. Hashes of numbers are the same in every process.
    """
    shifted = [words[offset:] for offset in range(RUN_LENGTH)]
    return [hash(run) for run in zip(*shifted, strict=False)]
