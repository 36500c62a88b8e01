"""An answer, how it was found, and the name of its question."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from intelligence_service.domain.model import Model
from intelligence_service.domain.personas import Persona


class Method(StrEnum):
    """How an answer was found."""

    RECOGNIZER = "recognizer"
    """By a method that compares; the confidence is measured."""
    MODEL = "model"
    """By a language model."""
    RECOGNIZER_AND_MODEL = "recognizer+model"
    """Recognised, with a model's suggestions for what was left open."""
    LEARNED = "learned"
    """From what the tenant has taught; the confidence is calibrated on held-out examples."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """An answer and where it comes from."""

    persona: str
    persona_version: str
    result: JsonValue
    """Obeys the persona's `output_schema`."""
    confidence: float | None
    """0 to 1; None when nothing is known about it."""
    evidence: tuple[Mapping[str, JsonValue], ...]
    method: Method
    model: str | None = None
    """The model that had a part in it; None without."""
    cached: bool = False
    """Whether it was remembered."""
    complete: bool = field(default=True)
    """Whether all means were at hand; an incomplete answer is not remembered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a recogniser found."""

    result: dict[str, JsonValue]
    confidence: float | None
    evidence: tuple[Mapping[str, JsonValue], ...]
    method: Method
    model: str | None = None
    complete: bool = True


class Recognizer(Protocol):
    """A method that a persona can name in `recognizer`."""

    async def review(self, persona: Persona, analyzed: JsonValue, model: Model) -> Outcome:
        """Look at an input.

        Args:
            persona: The persona that asks.
            analyzed: The input.
            model: For what the method leaves open.

        Returns:
            What was found, possibly nothing.

        Raises:
            InputInvalidError: The input is not of the form that the method needs.
        """


def fingerprint(
    persona: Persona,
    analyzed: JsonValue,
    context: Mapping[str, JsonValue] | None,
    model_identity: str,
    learnt: int = 0,
) -> str:
    """Name a question, so that the same question has the same name.

    Args:
        persona: Who is asked; the whole document counts, not only its version.
        analyzed: The input.
        context: What else was told.
        model_identity: Which model would answer.
        learnt: Revision of what the persona was taught: an answer from before a lesson is none to the question after it.

    Returns:
        A hexadecimal SHA-256.
    """
    question = [persona.model_dump(mode="json"), analyzed, dict(context or {}), model_identity, learnt]
    return hashlib.sha256(
        json.dumps(question, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
    ).hexdigest()
