"""What the domain asks of a language model."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

from intelligence_service.domain.tokens import NO_USAGE, Usage


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A conversation that the model is to continue with JSON."""

    messages: tuple[Message, ...]
    schema_name: str
    """Short name of the schema, letters, digits, `_` and `-`."""
    schema: dict[str, JsonValue]
    """JSON Schema of the answer."""
    temperature: float
    max_tokens: int


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The model's answer."""

    text: str
    model: str
    """Name of the model that answered."""
    truncated: bool = False
    """Whether the answer was cut at `max_tokens`."""
    endpoint: str = ""
    """Name of the endpoint that answered."""
    usage: Usage = NO_USAGE
    """What the answer took."""
    unheard: int = 0
    """How many other endpoints were asked before and may have answered with nobody waiting any more."""


class Model(Protocol):
    """A language model."""

    @property
    def identity(self) -> str:
        """Which model would answer, for cache keys: endpoint and name."""

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Continue a conversation.

        Args:
            request: The conversation and the form of the answer.

        Returns:
            The answer.

        Raises:
            ModelUnavailableError: It cannot be reached or did not answer in time.
            ModelRejectedError: Its server refused the request.
            InputTooLongError: The conversation does not fit into its context.
            BudgetExhaustedError: The tenant has used up what it may use.
        """

    def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """Continue a conversation, piece by piece. Closing the generator ends the model's work.

        Args:
            request: The conversation and the form of the answer.

        Yields:
            Pieces of the answer's text as they come; last, and once, the whole answer.

        Raises:
            IntelligenceError: As for `complete`.
        """
