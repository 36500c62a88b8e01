"""The documents of the OpenAI-compatible chat interface."""

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from intelligence_service.domain.errors import ModelRejectedError, ModelUnavailableError
from intelligence_service.domain.model import ModelReply, ModelRequest
from intelligence_service.domain.tokens import Usage, estimated_tokens

_DONE = "[DONE]"
_CUT = "length"
_MOST_CHARACTERS = 1_000_000
"""Longest answer that is collected: a server that never ends must not fill the memory."""


class _Tokens(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Text(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Text
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    model: str | None = None
    usage: _Tokens | None = None


class _Piece(BaseModel):
    delta: _Text = _Text()
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Piece] = []
    model: str | None = None
    usage: _Tokens | None = None
    error: Any = None


class _Listed(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Listed]


def chat_body(model: str, request: ModelRequest, *, streamed: bool = False) -> dict[str, Any]:
    """Write a request.

    Args:
        model: The model to ask for.
        request: The conversation and the form of the answer.
        streamed: Whether the answer is wanted piece by piece.

    Returns:
        The body of `POST /chat/completions`.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": request.schema_name, "schema": request.schema, "strict": True},
        },
    }
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def read_completion(answer: bytes, endpoint: str, model: str, request: ModelRequest) -> ModelReply:
    """Read a whole answer.

    Args:
        answer: The body.
        endpoint: Where it comes from.
        model: The model that was asked for.
        request: What was asked; its tokens are estimated when the server does not tell them.

    Returns:
        The answer, without its cost.

    Raises:
        ModelRejectedError: It is no chat completion.
    """
    try:
        completion = _Completion.model_validate_json(answer)
        choice = completion.choices[0]
    except (ValidationError, IndexError) as error:
        raise ModelRejectedError(endpoint, 200, "the answer is no chat completion") from error
    text = choice.message.content or ""
    return ModelReply(
        text=text,
        model=completion.model or model,
        truncated=choice.finish_reason == _CUT,
        usage=_usage(completion.usage, request, text),
    )


def first_listed(answer: bytes, endpoint: str) -> str:
    """Read a list of models.

    Args:
        answer: The body of `GET /models`.
        endpoint: Where it comes from.

    Returns:
        The first one's id.

    Raises:
        ModelRejectedError: It lists none.
    """
    try:
        return _Models.model_validate_json(answer).data[0].id
    except (ValidationError, IndexError) as error:
        raise ModelRejectedError(endpoint, 200, "lists no model; set model_name") from error


class StreamedReply:
    """An answer that comes in pieces.

    Args:
        endpoint: Where it comes from.
        model: The model that was asked for.
        request: What was asked.
    """

    def __init__(self, endpoint: str, model: str, request: ModelRequest) -> None:
        self._endpoint = endpoint
        self._model = model
        self._request = request
        self._pieces: list[str] = []
        self._length = 0
        self._tokens: _Tokens | None = None
        self._reason: str | None = None

    def add(self, data: str) -> str:
        """Take one event's data.

        Args:
            data: A chunk as JSON, or the end mark.

        Returns:
            The text that it brings; empty when it brings none.

        Raises:
            ModelRejectedError: It is no chunk, or the answer grows without end.
            ModelUnavailableError: The server says that it failed on the way.
        """
        if data == _DONE:
            return ""
        try:
            chunk = _Chunk.model_validate_json(data)
        except ValidationError as error:
            raise ModelRejectedError(self._endpoint, 200, "the stream is no chat completion") from error
        if chunk.error is not None:
            raise ModelUnavailableError(self._endpoint, f"failed on the way: {chunk.error}", hint="ask again")
        self._model = chunk.model or self._model
        self._tokens = chunk.usage or self._tokens
        text = ""
        for piece in chunk.choices[:1]:
            self._reason = piece.finish_reason or self._reason
            text = piece.delta.content or ""
        self._pieces.append(text)
        self._length += len(text)
        if self._length > _MOST_CHARACTERS:
            raise ModelRejectedError(self._endpoint, 200, f"the answer has more than {_MOST_CHARACTERS} characters")
        return text

    def finished(self) -> ModelReply:
        """Put the pieces together.

        Returns:
            The whole answer, without its cost.

        Raises:
            ModelUnavailableError: The stream ended before the answer did.
        """
        if self._reason is None:
            raise ModelUnavailableError(self._endpoint, "broke off in the middle of its answer", hint="ask again")
        text = "".join(self._pieces)
        return ModelReply(
            text=text,
            model=self._model,
            truncated=self._reason == _CUT,
            usage=_usage(self._tokens, self._request, text),
        )


def question_tokens(request: ModelRequest) -> int:
    """Guess how many tokens a question has.

    Args:
        request: The question.

    Returns:
        Tokens of its messages, a little to the dear side.
    """
    return sum(estimated_tokens(message.content) + 4 for message in request.messages)


def _usage(told: _Tokens | None, request: ModelRequest, text: str) -> Usage:
    if told is not None:
        return Usage(told.prompt_tokens, told.completion_tokens)
    return Usage(question_tokens(request), estimated_tokens(text), estimated=True)
