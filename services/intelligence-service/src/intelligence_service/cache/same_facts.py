"""What sentence encoders overlook: numbers, negations and quoted names that differ make another question."""

import re
from collections import Counter
from typing import Final

_NUMBER: Final = re.compile(r"\d+(?:[.,:/-]\d+)*")
_NEGATION: Final = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|without|cannot|isn|aren|wasn|weren|don|doesn|didn|won|wouldn|can|couldn|shouldn|"
    r"haven|hasn|hadn)(?:['\u2019]t)?\b",
    re.IGNORECASE,
)
_NEGATING: Final = frozenset({"not", "no", "never", "none", "nobody", "nothing", "without", "cannot"})
_QUOTED: Final = re.compile(r"[\"\u201c]([^\"\u201d]{1,80})[\"\u201d]")


def facts_of(text: str) -> tuple[tuple[tuple[str, int], ...], int, tuple[str, ...]]:
    """Pick out what must agree.

    Args:
        text: A question.

    Returns:
        Its numbers and how often each occurs, how many words negate, and what it quotes.
    """
    numbers = Counter(_NUMBER.findall(text))
    negations = sum(
        word.lower() in _NEGATING or word.lower().endswith(("'t", "\u2019t")) for word in _NEGATION.findall(text)
    )
    return tuple(sorted(numbers.items())), negations, tuple(sorted(_QUOTED.findall(text)))
