"""Ask a model for an answer that obeys a schema; tell it what was wrong, a few times at most."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.errors import Fault, ModelOutputInvalidError
from intelligence_service.domain.model import Message, Model, ModelReply, ModelRequest

ATTEMPTS = 2
_SHOWN = 500


@dataclass(frozen=True, slots=True)
class StructuredAnswer:
    """An answer that obeys the schema."""

    value: JsonValue
    model: str
    attempts: int
    """How often the model was asked."""
    endpoint: str = ""
    """Name of the endpoint that answered."""
    input_tokens: int = 0
    """Tokens of all questions."""
    output_tokens: int = 0
    """Tokens of all answers."""
    cost_micros: int = 0
    """Millionths of a unit of the currency, over all attempts."""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The pieces so far were no good; those of another attempt follow."""

    faults: tuple[Fault, ...]


class Exchange:
    """One question with its attempts: what is asked next, and what an answer is worth.

    Args:
        request: The question.
        schema: Checks the answer.
        attempts: How often the model may be asked.
    """

    def __init__(self, request: ModelRequest, schema: AnswerSchema, attempts: int) -> None:
        self.request = request
        """What to ask next."""
        self._first = request
        self._schema = schema
        self._most = attempts
        self._made = 0
        self._input = self._output = self._cost = 0

    def judge(self, reply: ModelReply) -> StructuredAnswer | AskedAgain:
        """Look at an answer.

        Args:
            reply: The answer to `request`.

        Returns:
            The answer when it obeys; else what was wrong, and `request` is then the next question.

        Raises:
            ModelOutputInvalidError: It does not obey, and it was the last attempt.
        """
        self._made += 1
        self._input += reply.usage.input_tokens
        self._output += reply.usage.output_tokens
        self._cost += reply.usage.cost_micros
        value, faults = self._schema.parse(reply.text)
        if not faults:
            return StructuredAnswer(
                value, reply.model, self._made, reply.endpoint, self._input, self._output, self._cost
            )
        if reply.truncated:
            faults = [Fault("", f"was cut at {self._first.max_tokens} tokens (max_tokens)"), *faults]
        if self._made >= self._most:
            raise ModelOutputInvalidError(reply.model, faults, attempts=self._made, output=reply.text[:_SHOWN])
        complaint = (Message("assistant", reply.text[:_SHOWN]), Message("user", _complaint(faults)))
        self.request = replace(self._first, messages=(*self._first.messages, *complaint))
        return AskedAgain(tuple(faults))


async def ask(
    model: Model, request: ModelRequest, schema: AnswerSchema, *, attempts: int = ATTEMPTS
) -> StructuredAnswer:
    """Ask, check, and ask again when the answer is no good.

    Args:
        model: Who is asked.
        request: The question; its schema is the one that `schema` checks.
        schema: Checks the answer.
        attempts: How often the model may be asked.

    Returns:
        The answer.

    Raises:
        ModelOutputInvalidError: No answer obeys the schema.
        ModelUnavailableError: See `Model.complete`.
        ModelRejectedError: See `Model.complete`.
        InputTooLongError: See `Model.complete`.
        BudgetExhaustedError: See `Model.complete`.
    """
    exchange = Exchange(request, schema, attempts)
    while True:
        judged = exchange.judge(await model.complete(exchange.request))
        if isinstance(judged, StructuredAnswer):
            return judged


async def ask_streaming(
    model: Model, request: ModelRequest, schema: AnswerSchema, *, attempts: int = ATTEMPTS
) -> AsyncGenerator[str | AskedAgain | StructuredAnswer]:
    """Do the same and give the pieces as they come. Closing the generator ends the model's work.

    Args:
        model: Who is asked.
        request: The question.
        schema: Checks the answer.
        attempts: How often the model may be asked.

    Yields:
        Pieces of text; `AskedAgain` where they begin anew; last the answer.

    Raises:
        IntelligenceError: As for `ask`.
    """
    exchange = Exchange(request, schema, attempts)
    while True:
        reply: ModelReply | None = None
        async with aclosing(model.stream(exchange.request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ModelReply):
                    reply = piece
                else:
                    yield piece
        assert reply is not None, "a stream ends with the whole answer"
        judged = exchange.judge(reply)
        yield judged
        if isinstance(judged, StructuredAnswer):
            return


def _complaint(faults: list[Fault]) -> str:
    listed = "\n".join(f"- {fault.path or 'the answer'}: {fault.message}" for fault in faults)
    return f"That answer does not obey the schema:\n{listed}\nAnswer again, with JSON only."
