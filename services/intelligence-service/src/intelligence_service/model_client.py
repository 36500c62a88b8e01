"""A language model behind an OpenAI-compatible HTTP interface."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.errors import InputTooLongError, ModelRejectedError, ModelUnavailableError
from intelligence_service.domain.model import ModelReply, ModelRequest
from maestro_core_api import APIClient, APIException, RemoteAPIException

_TOO_LONG = frozenset({"exceed_context_size_error", "context_length_exceeded"})
_UNAVAILABLE = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers."""

    base_url: str
    """Base URL, with the version (`/v1`)."""
    model: str | None = None
    """Model to ask for; None takes the first that the server lists."""
    api_key: SecretStr | None = None


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice]
    model: str | None = None


class _Listed(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Listed]


class OpenAIModel:
    """Asks a model through `POST {base_url}/chat/completions`. Implements `Model`.

    Args:
        client: An open client without a token of its own; its timeout is how long an answer may take.
        locate: Says where the model answers; called for each question, so that a local one can be started.
        identity: Which model would answer, for cache keys.
        hint: What a reader can do when it does not answer.
        breaker: Stops asking for a while after failures.
        concurrency: Most questions at the same time.
    """

    def __init__(
        self,
        client: APIClient,
        *,
        locate: Callable[[], Awaitable[Endpoint]],
        identity: str,
        hint: str,
        breaker: Breaker,
        concurrency: int = 2,
    ) -> None:
        self._client = client
        self._locate = locate
        self._identity = identity
        self._hint = hint
        self._breaker = breaker
        self._turns = asyncio.Semaphore(concurrency)
        self._listed: dict[str, str] = {}

    @property
    def identity(self) -> str:
        """Which model would answer."""
        return self._identity

    async def complete(self, request: ModelRequest) -> ModelReply:
        """See `Model.complete`."""
        async with self._turns:
            if (wait := self._breaker.wait()) is not None:
                raise ModelUnavailableError(
                    self._identity, "did not answer repeatedly and is left alone", hint=self._hint, retry_after=wait
                )
            try:
                reply = await self._complete(request)
            except ModelUnavailableError:
                self._breaker.failed()
                raise
            self._breaker.succeeded()
            return reply

    async def _complete(self, request: ModelRequest) -> ModelReply:
        endpoint = await self._locate()
        model = endpoint.model or await self._first_model(endpoint)
        answer = await self._call("POST", endpoint, "/chat/completions", _body(model, request))
        try:
            completion = _Completion.model_validate_json(answer)
            choice = completion.choices[0]
        except (ValidationError, IndexError) as error:
            raise ModelRejectedError(endpoint.base_url, 200, "the answer is no chat completion") from error
        return ModelReply(
            text=choice.message.content or "",
            model=completion.model or model,
            truncated=choice.finish_reason == "length",
        )

    async def _first_model(self, endpoint: Endpoint) -> str:
        if endpoint.base_url not in self._listed:
            answer = await self._call("GET", endpoint, "/models", None)
            try:
                self._listed[endpoint.base_url] = _Models.model_validate_json(answer).data[0].id
            except (ValidationError, IndexError) as error:
                raise ModelRejectedError(endpoint.base_url, 200, "lists no model; set model_name") from error
        return self._listed[endpoint.base_url]

    async def _call(self, method: str, endpoint: Endpoint, path: str, body: Mapping[str, Any] | None) -> bytes:
        headers = {} if endpoint.api_key is None else {"Authorization": f"Bearer {endpoint.api_key.get_secret_value()}"}
        try:
            response = await self._client.request(method, endpoint.base_url + path, json=body, headers=headers)
        except RemoteAPIException as error:
            raise self._refusal(endpoint, error) from error
        except APIException as error:
            raise ModelUnavailableError(endpoint.base_url, error.detail or str(error), hint=self._hint) from error
        return response.content

    def _refusal(self, endpoint: Endpoint, error: RemoteAPIException) -> Exception:
        said = (error.problem or {}).get("error")
        said = said if isinstance(said, Mapping) else {"message": said or error.message}
        reason = str(said.get("message"))
        if said.get("type") in _TOO_LONG or said.get("code") in _TOO_LONG:
            return InputTooLongError(reason)
        if error.status_code in _UNAVAILABLE:
            return ModelUnavailableError(endpoint.base_url, f"answered {error.status_code}: {reason}", hint=self._hint)
        return ModelRejectedError(endpoint.base_url, error.status_code, reason)


def base_url_of(endpoint: str) -> str:
    """Read a configured endpoint.

    Args:
        endpoint: A base URL with or without `/v1`, or the whole address of its chat completions.

    Returns:
        The base URL with its version, without a slash at the end.
    """
    base = endpoint.rstrip("/").removesuffix("/chat/completions")
    return base if base.count("/") > 2 else f"{base}/v1"


def _body(model: str, request: ModelRequest) -> dict[str, Any]:
    return {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": request.schema_name, "schema": request.schema, "strict": True},
        },
    }
