"""Whose turn it is: weighted round robin without bursts."""

from collections.abc import Mapping


class Rotation:
    """Takes turns by weight, as nginx does ("smooth weighted round-robin", commit 52327e0).

    Every turn each one gains its weight; whoever has most is taken and pays the sum of all weights. Of weights 5, 1, 1 come
    the turns a a b a c a a, never five of a in a row.
    """

    def __init__(self) -> None:
        self._gained: dict[str, float] = {}
        self._total = 0

    def take(self, weights: Mapping[str, int]) -> str:
        """Take a turn.

        Args:
            weights: Who takes part, at least one, with a weight of at least 1; may be others each time.

        Returns:
            Whose turn it is.
        """
        total = sum(weights.values())
        # What was gained among larger weights would be many turns in a row among smaller ones.
        scale = 1 if total == self._total or not self._total else total / self._total
        gained = {name: self._gained.get(name, 0) * scale + weight for name, weight in weights.items()}
        chosen = max(gained, key=gained.__getitem__)
        gained[chosen] -= total
        self._gained, self._total = gained, total
        return chosen
