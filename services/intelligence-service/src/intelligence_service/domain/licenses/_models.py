"""What the licence recogniser reads and what it answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class ReferenceKind(StrEnum):
    """What a reference text is."""

    LICENSE = "license"
    """The full text of a licence."""
    HEADER = "header"
    """The standard header by which a file places itself under a licence."""
    EXCEPTION = "exception"
    """An exception that is added to a licence with `WITH`."""


@dataclass(frozen=True, slots=True)
class ReferenceText:
    """One text of the SPDX licence list."""

    id: str
    """SPDX licence or exception id."""
    kind: ReferenceKind
    text: str


class LicenseCorpus(Protocol):
    """Where reference texts come from."""

    @property
    def source(self) -> str:
        """Name and version of the source, for evidence."""

    def texts(self) -> Iterable[ReferenceText]:
        """Read the reference texts.

        Returns:
            Every current text of the list.
        """


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text that agrees with a reference text."""

    id: str
    """SPDX id of the best reference."""
    kind: ReferenceKind
    similarity: float
    """Share of words that agree, 0 to 1 (Sørensen-Dice over the longest common word sequence)."""
    coverage: float
    """Share of the reference's words that the passage has, 0 to 1."""
    first_line: int
    last_line: int
    same_text: tuple[str, ...] = ()
    """Other ids whose reference text is the same, so that text alone cannot tell them apart."""
    runner_up: tuple[str, float] | None = None
    """The next best other id and its similarity at this place."""
    missing: tuple[str, ...] = ()
    """Longest word runs of the reference that the passage lacks."""
    added: tuple[str, ...] = ()
    """Longest word runs of the passage that the reference lacks."""


class Verdict(StrEnum):
    """What is known about a text."""

    RECOGNIZED = "recognized"
    """At least one licence was found."""
    OPEN = "open"
    """It speaks of licensing but agrees with no reference well enough."""
    NONE = "none"
    """It is no licence text (an author list, a notice, a changelog)."""


@dataclass(frozen=True, slots=True)
class TextFinding:
    """What was found in one text."""

    name: str
    verdict: Verdict
    passages: tuple[Passage, ...] = ()
    """Recognised passages in the order of the text."""
    candidates: tuple[Passage, ...] = ()
    """For an open text, the nearest references, best first; too far to be an answer."""
    offers_choice: bool = False
    """Whether the text says that either of several licences may be chosen."""
    allows_later: bool = False
    """Whether the text, outside its licences, grants "version N or later"."""
    unmatched_share: float = 0.0
    """Share of the words that no passage covers, 0 to 1."""


@dataclass(frozen=True, slots=True)
class LicenseFindings:
    """What all texts of one distribution say together."""

    expression: str | None
    """SPDX expression over the recognised ids; None when none was recognised."""
    ids: tuple[str, ...]
    """The recognised ids, sorted; an exception is named with its licence (`X WITH Y`)."""
    confidence: float
    """0 to 1: the weakest similarity among the passages that the expression rests on; 0 without any."""
    texts: tuple[TextFinding, ...] = field(default=())
    notes: tuple[str, ...] = ()
    """Why the expression is as it is, where the texts alone would suggest another."""
