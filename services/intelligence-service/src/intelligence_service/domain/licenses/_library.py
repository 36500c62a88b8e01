"""The reference texts, made ready for comparison."""

import re
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ._index import RunIndex
from ._models import ReferenceKind, ReferenceText
from ._normalize import normalize

# What follows these marks explains how to use the licence, or repeats another licence; it is no condition of this one.
_TAIL = re.compile(
    r"^\W*(?:end of terms and conditions|appendix:? how to apply|how to (?:use|apply) (?:these|the|this)\b.{0,40}\blicen[sc]e"
    r"|how to apply these terms|exhibit [ab]\b)",
    re.IGNORECASE | re.MULTILINE,
)
_LGPL3_REPEATS_GPL3 = re.compile(r"^\W*gnu general public license\W*$", re.IGNORECASE | re.MULTILINE)
_MINIMUM_WORDS = 8
"""A reference shorter than this would be found in unrelated texts."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference text as numbers."""

    ids: tuple[str, ...]
    """The ids that have this text, the one to answer first."""
    kind: ReferenceKind
    words: "array[int]"
    tail: "array[int]"
    """Words that may follow the text without being part of it."""


class Library:
    """All references with their vocabulary and index.

    Args:
        texts: The reference texts.
    """

    def __init__(self, texts: Iterable[ReferenceText]) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        grouped: defaultdict[tuple[bytes, ReferenceKind], list[str]] = defaultdict(list)
        tails: dict[tuple[bytes, ReferenceKind], array[int]] = {}
        known: set[str] = set()
        for text in texts:
            known.add(text.id)
            body, tail = _split(text)
            words = array("I", self._learn(body))
            if len(words) < _MINIMUM_WORDS:
                continue
            key = (words.tobytes(), text.kind)
            grouped[key].append(text.id)
            tails.setdefault(key, array("I", self._learn(tail)))
        self.ids = frozenset(known)
        self.references = tuple(
            Reference(tuple(sorted(ids, key=_plainest)), kind, array("I", body), tails[body, kind])
            for (body, kind), ids in grouped.items()
        )
        self.index = RunIndex([reference.words for reference in self.references])

    def numbers_of(self, words: Iterable[str]) -> list[int]:
        """Turn words into numbers.

        Args:
            words: Normalised words.

        Returns:
            A number for each; words that no reference has share one number that no reference has.
        """
        unknown = len(self._numbers)
        return [self._numbers.get(word, unknown) for word in words]

    def words_of(self, numbers: Sequence[int]) -> str:
        """Write numbers of reference words as text again.

        Args:
            numbers: Numbers of reference words.

        Returns:
            The words, with spaces between.
        """
        return " ".join(self._names[number] for number in numbers)

    def _learn(self, text: str) -> list[int]:
        numbers = []
        for word in normalize(text).words:
            number = self._numbers.setdefault(word, len(self._numbers))
            if number == len(self._names):
                self._names.append(word)
            numbers.append(number)
        return numbers


def _split(text: ReferenceText) -> tuple[str, str]:
    """Part a reference into its own text and what may follow."""
    if text.kind is not ReferenceKind.LICENSE:
        return text.text, ""
    mark = _LGPL3_REPEATS_GPL3.search(text.text) if text.id.startswith("LGPL-3.0") else _TAIL.search(text.text)
    # A mark in the first half belongs to the text (a table of contents, a preamble that announces an appendix).
    if mark is None or mark.start() < len(text.text) * 0.15:
        return text.text, ""
    return text.text[: mark.start()], text.text[mark.start() :]


def _plainest(license_id: str) -> tuple[bool, int, str]:
    """Order ids that share a text: without a promise of later versions first, then the shortest."""
    return (license_id.endswith(("-or-later", "+")), len(license_id), license_id)
