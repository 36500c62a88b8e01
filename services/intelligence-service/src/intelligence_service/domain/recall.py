"""What the analyst asks of remembered answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from intelligence_service.domain.analysis import Analysis
from intelligence_service.domain.learning import Question


@dataclass(frozen=True, slots=True)
class Alike:
    """A remembered question that means the same, and its answer."""

    similarity: float
    """Cosine of the angle between the two questions."""
    question: str
    analysis: Analysis


class Recall(Protocol):
    """Remembered answers of each tenant; no call reaches another tenant's."""

    def same(self, tenant: str, key: str) -> Analysis | None:
        """Recall the answer to the very same question.

        Args:
            tenant: Who asks.
            key: Fingerprint of the question.
        """

    def put(self, tenant: str, key: str, analysis: Analysis) -> None:
        """Remember an answer.

        Args:
            tenant: Whose.
            key: Fingerprint of the question.
            analysis: The answer.
        """

    def like(self, tenant: str, persona: str, kind: str, question: Question) -> Alike | None:
        """Recall the answer to a question that means the same.

        Args:
            tenant: Who asks.
            persona: Whom.
            kind: Fingerprint of everything but the words.
            question: The question.
        """

    def learn_likeness(self, tenant: str, persona: str, kind: str, question: Question, analysis: Analysis) -> None:
        """Remember what a question means, and compare the model's answer with what would have been recalled.

        Args:
            tenant: Whose.
            persona: Whose answer it is.
            kind: As for `like`.
            question: The question.
            analysis: The model's answer.
        """

    def wants_check(self) -> bool:
        """Decide whether an answer by likeness is to be compared with the model's own."""

    def check_later(
        self, tenant: str, persona: str, alike: Alike, ask_model: Callable[[], Awaitable[Analysis]]
    ) -> None:
        """Compare an answer by likeness with the model's own, after the caller has its answer.

        Args:
            tenant: Who asked.
            persona: Whom.
            alike: What was recalled.
            ask_model: Asks the model.
        """
