"""What the analyst asks of learning and of the encoder, and the words of a question."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

Vector: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, ready to be compared with others."""

    text: str
    """Its words: the input, and the context when there is one."""
    vector: Vector
    """What they mean, normalised."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An example that is shown: as evidence, and to the model."""

    id: str
    question: str
    result: JsonValue
    similarity: float
    """Cosine of the angle between the questions."""


@dataclass(frozen=True, slots=True)
class Recollection:
    """What learning has to say about a question."""

    result: JsonValue
    """The answer; None when nothing is known."""
    confidence: float
    """How often answers like this one are right, measured on held-out examples; 0 to 1."""
    is_sure: bool
    """Whether the confidence is enough to answer without the model."""
    nearest: tuple[Shown, ...]
    """The nearest examples, the most similar first."""
    runner_up: JsonValue = None
    """The second-best answer; None when there is none."""


class Memory(Protocol):
    """What was learnt."""

    async def recall(self, tenant: str, persona: str, question: Question) -> Recollection | None:
        """Answer from what was learnt.

        Args:
            tenant: Who asks. Nothing that another tenant taught has any influence.
            persona: Whom.
            question: The question.

        Returns:
            What is known; None when this tenant has taught this persona nothing.
        """

    async def revision(self, tenant: str, persona: str) -> int:
        """Tell how far the learnt state has come; every change raises it.

        Args:
            tenant: Who asks.
            persona: Whom.

        Returns:
            0 when nothing was ever taught. A `recall` after this call knows at least as much.
        """


class Encoder(Protocol):
    """Turns texts into vectors that are near where meanings are."""

    @property
    def name(self) -> str:
        """Which encoder it is; vectors of another one cannot be compared."""

    def takes(self, text: str) -> bool:
        """Tell whether a text is short enough.

        Args:
            text: Any text.
        """

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts.

        Args:
            texts: The texts.

        Returns:
            One normalised row for each.

        Raises:
            EncoderMissingError: The encoder is not installed.
        """


def words_of(analyzed: JsonValue, context: Mapping[str, JsonValue] | None) -> str:
    """Write a question as one text.

    Args:
        analyzed: The input.
        context: What else was told.

    Returns:
        The text; equal questions give equal texts.
    """
    words = analyzed if isinstance(analyzed, str) else canonical(analyzed)
    return f"{words}\n{canonical(dict(context))}" if context else words


def canonical(value: JsonValue) -> str:
    """Write a JSON value in the one way that equal values share.

    Args:
        value: Any JSON value.
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(text: str) -> str:
    """Name a text.

    Args:
        text: Any text.

    Returns:
        A hexadecimal SHA-256.
    """
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
