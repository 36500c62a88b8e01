"""A language model behind an OpenAI-compatible HTTP interface."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from intelligence_service.domain.breaker import Breaker
from intelligence_service.domain.errors import InputTooLongError, ModelRejectedError, ModelUnavailableError
from intelligence_service.domain.model import ModelReply, ModelRequest
from intelligence_service.models.options import EndpointOptions
from intelligence_service.models.wire import StreamedReply, chat_body, first_listed, read_completion
from maestro_core_api import APIClient, APIException, RemoteAPIException

_TOO_LONG = frozenset({"exceed_context_size_error", "context_length_exceeded"})
_TOO_LATE = 504
_UNAVAILABLE = frozenset({408, 429, 500, 502, 503, _TOO_LATE})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers."""

    base_url: str
    """Base URL, with the version (`/v1`)."""
    model: str | None = None
    """Model to ask for; None takes the first that the server lists."""
    api_key: SecretStr | None = None


@dataclass(slots=True)
class _Attempt:
    """How far one attempt has come."""

    unheard: int = 0
    """1 once the model was asked, until something of its answer is there."""


class OpenAIModel:
    """Asks a model through `POST {base_url}/chat/completions`. Implements `Model`.

    Args:
        client: An open client without a token of its own.
        locate: Says where the model answers; called for each question, so that a local one can be started.
        identity: Which model would answer, for cache keys.
        hint: What a reader can do when it does not answer.
        breaker: Stops asking for a while after failures.
        options: Its place among others, its timeout, concurrency and price.
    """

    def __init__(
        self,
        client: APIClient,
        *,
        locate: Callable[[], Awaitable[Endpoint]],
        identity: str,
        hint: str,
        breaker: Breaker,
        options: EndpointOptions | None = None,
    ) -> None:
        self.options = options or EndpointOptions()
        self.breaker = breaker
        self._client = client
        self._locate = locate
        self._identity = identity
        self._hint = hint
        self._turns = asyncio.Semaphore(self.options.concurrency)
        self._listed: dict[str, str] = {}

    @property
    def identity(self) -> str:
        """Which model would answer."""
        return self._identity

    @property
    def tier(self) -> int:
        """See `Routed.tier`."""
        return self.options.tier

    @property
    def weight(self) -> float:
        """See `Routed.weight`."""
        return self.options.weight

    async def complete(self, request: ModelRequest) -> ModelReply:
        """See `Model.complete`."""
        timeout_s = self.options.timeout.total_seconds()
        async with self._attempt() as attempt, asyncio.timeout(timeout_s), self._turns:
            endpoint = await self._locate()
            model = endpoint.model or await self._first_model(endpoint)
            attempt.unheard = 1
            answer = await self._call("POST", endpoint, "/chat/completions", chat_body(model, request))
            return self._finished(read_completion(answer, endpoint.base_url, model, request))

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """See `Model.stream`."""
        timeout_s = self.options.timeout.total_seconds()
        async with self._attempt() as attempt:
            async with asyncio.timeout(timeout_s) as limit, self._turns:
                endpoint = await self._locate()
                model = endpoint.model or await self._first_model(endpoint)
                reply = StreamedReply(endpoint.base_url, model, request)
                attempt.unheard = 1
                async with aclosing(self._events(endpoint, chat_body(model, request, streamed=True))) as events:
                    async for data in events:
                        if piece := reply.add(data):
                            # The caller's own time does not count against the model.
                            limit.reschedule(None)
                            attempt.unheard = 0
                            yield piece
                        limit.reschedule(asyncio.get_running_loop().time() + timeout_s)
            yield self._finished(reply.finished())

    def _finished(self, reply: ModelReply) -> ModelReply:
        cost = self.options.price.of(reply.usage.input_tokens, reply.usage.output_tokens)
        return replace(reply, endpoint=self.options.name, usage=replace(reply.usage, cost_micros=cost))

    @asynccontextmanager
    async def _attempt(self) -> AsyncIterator[_Attempt]:
        """Ask the breaker, and tell it how the attempt ended."""
        if (wait := self.breaker.wait()) is not None:
            raise ModelUnavailableError(
                self._identity, "did not answer repeatedly and is left alone", hint=self._hint, retry_after=wait
            )
        attempt = _Attempt()
        try:
            yield attempt
        except ModelUnavailableError:
            self.breaker.failed()
            raise
        except TimeoutError as error:
            self.breaker.failed()
            waited = self.options.timeout.total_seconds()
            raise ModelUnavailableError(
                self._identity, f"did not answer within {waited:g} s", hint=self._hint, unheard=attempt.unheard
            ) from error
        except (InputTooLongError, ModelRejectedError):
            self.breaker.succeeded()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()

    async def _first_model(self, endpoint: Endpoint) -> str:
        if endpoint.base_url not in self._listed:
            answer = await self._call("GET", endpoint, "/models", None)
            self._listed[endpoint.base_url] = first_listed(answer, endpoint.base_url)
        return self._listed[endpoint.base_url]

    async def _call(self, method: str, endpoint: Endpoint, path: str, body: Mapping[str, Any] | None) -> bytes:
        try:
            response = await self._client.request(
                method, endpoint.base_url + path, json=body, headers=_headers(endpoint)
            )
        except APIException as error:
            raise self._trouble(endpoint, error) from error
        return response.content

    async def _events(self, endpoint: Endpoint, body: Mapping[str, Any]) -> AsyncGenerator[str]:
        url = f"{endpoint.base_url}/chat/completions"
        events = self._client.stream_events(url, method="POST", json=body, headers=_headers(endpoint))
        try:
            async with aclosing(events):
                async for event in events:
                    yield event.data
        except APIException as error:
            raise self._trouble(endpoint, error) from error

    def _trouble(self, endpoint: Endpoint, error: APIException) -> Exception:
        # A gateway on the way, or this client, waited no longer: the model itself may have gone on.
        unheard = int(error.status_code == _TOO_LATE)
        if not isinstance(error, RemoteAPIException):
            detail = error.detail or str(error)
            return ModelUnavailableError(endpoint.base_url, detail, hint=self._hint, unheard=unheard)
        said = (error.problem or {}).get("error")
        said = said if isinstance(said, Mapping) else {"message": said or error.message}
        reason = str(said.get("message"))
        if said.get("type") in _TOO_LONG or said.get("code") in _TOO_LONG:
            return InputTooLongError(reason)
        if error.status_code in _UNAVAILABLE:
            detail = f"answered {error.status_code}: {reason}"
            return ModelUnavailableError(endpoint.base_url, detail, hint=self._hint, unheard=unheard)
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


def _headers(endpoint: Endpoint) -> dict[str, str]:
    return {} if endpoint.api_key is None else {"Authorization": f"Bearer {endpoint.api_key.get_secret_value()}"}
