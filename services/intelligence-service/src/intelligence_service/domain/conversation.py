"""Ask a model for an answer that obeys a schema; tell it once what was wrong."""

from dataclasses import dataclass

from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.errors import Fault, ModelOutputInvalidError
from intelligence_service.domain.model import Message, Model, ModelReply, ModelRequest

_ATTEMPTS = 2
_SHOWN = 500


@dataclass(frozen=True, slots=True)
class StructuredAnswer:
    """An answer that obeys the schema."""

    value: JsonValue
    model: str
    attempts: int
    """How often the model was asked."""


async def ask(model: Model, request: ModelRequest, schema: AnswerSchema) -> StructuredAnswer:
    """Ask, check, and ask once more when the answer is no good.

    Args:
        model: Who is asked.
        request: The question; its schema is the one that `schema` checks.
        schema: Checks the answer.

    Returns:
        The answer.

    Raises:
        ModelOutputInvalidError: Neither answer obeys the schema.
        ModelUnavailableError: See `Model.complete`.
        ModelRejectedError: See `Model.complete`.
        InputTooLongError: See `Model.complete`.
    """
    messages = request.messages
    reply: ModelReply | None = None
    faults: list[Fault] = []
    for attempt in range(1, _ATTEMPTS + 1):
        reply = await model.complete(
            ModelRequest(messages, request.schema_name, request.schema, request.temperature, request.max_tokens)
        )
        value, faults = schema.parse(reply.text)
        if not faults:
            return StructuredAnswer(value, reply.model, attempt)
        if reply.truncated:
            faults = [Fault("", f"was cut at {request.max_tokens} tokens (max_tokens)"), *faults]
        messages = (*request.messages, Message("assistant", reply.text[:_SHOWN]), Message("user", _complaint(faults)))
    assert reply is not None
    raise ModelOutputInvalidError(reply.model, faults, attempts=_ATTEMPTS, output=reply.text[:_SHOWN])


def _complaint(faults: list[Fault]) -> str:
    listed = "\n".join(f"- {fault.path or 'the answer'}: {fault.message}" for fault in faults)
    return f"That answer does not obey the schema:\n{listed}\nAnswer again, with JSON only."
