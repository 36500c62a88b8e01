"""Several endpoints as one model: who is asked first, and who when that one fails."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta

from intelligence_service.domain.errors import (
    InputTooLongError,
    IntelligenceError,
    ModelRejectedError,
    ModelUnavailableError,
)
from intelligence_service.domain.model import ModelReply, ModelRequest
from intelligence_service.models.calls import ModelCalls
from intelligence_service.models.openai import OpenAIModel
from intelligence_service.models.routing import order_of_attempts

_PASSED_ON = (ModelUnavailableError, ModelRejectedError, InputTooLongError)
"""What one endpoint may answer while another one could still do it: a longer context, a key that is valid."""


@dataclass(frozen=True, slots=True)
class EndpointView:
    """How an endpoint stands."""

    name: str
    identity: str
    """Base URL and model; never a key."""
    tier: int
    weight: float
    state: str
    """Of its circuit breaker: `closed`, `open` or `half-open`."""
    timeout_s: float
    concurrency: int


class RoutedModel:
    """Asks one endpoint after the other until one answers. Implements `Model`.

    Args:
        endpoints: The endpoints, at least one.
        total_timeout: For one question, over all attempts.
        draw: Gives a number from 0 to below 1.
        calls: Tells of every attempt.
    """

    def __init__(
        self,
        endpoints: Sequence[OpenAIModel],
        *,
        total_timeout: timedelta,
        draw: Callable[[], float],
        calls: ModelCalls,
    ) -> None:
        self._endpoints = tuple(endpoints)
        self._total = total_timeout
        self._draw = draw
        self._calls = calls

    @property
    def identity(self) -> str:
        """All endpoints that may answer."""
        return " | ".join(endpoint.identity for endpoint in self._endpoints)

    def view(self) -> list[EndpointView]:
        """Tell how the endpoints stand.

        Returns:
            One view for each, in the configured order.
        """
        return [
            EndpointView(
                name=endpoint.options.name,
                identity=endpoint.identity,
                tier=endpoint.tier,
                weight=endpoint.weight,
                state=endpoint.breaker.state,
                timeout_s=endpoint.options.timeout.total_seconds(),
                concurrency=endpoint.options.concurrency,
            )
            for endpoint in self._endpoints
        ]

    async def complete(self, request: ModelRequest) -> ModelReply:
        """See `Model.complete`."""
        failures: list[IntelligenceError] = []
        try:
            async with asyncio.timeout(self._total.total_seconds()):
                for endpoint in order_of_attempts(self._endpoints, self._draw):
                    try:
                        with self._calls.attempt(endpoint.options.name, endpoint.identity) as told:
                            reply = await endpoint.complete(request)
                            told.answered(reply)
                            return replace(reply, unheard=_unheard(failures))
                    except _PASSED_ON as error:
                        failures.append(error)
        except TimeoutError:
            raise self._too_late(failures, unheard=1) from None
        raise _all_failed(failures)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """See `Model.stream`. Once a piece was given, no other endpoint is asked: its answer would be another one."""
        failures: list[IntelligenceError] = []
        deadline = asyncio.get_running_loop().time() + self._total.total_seconds()
        for endpoint in order_of_attempts(self._endpoints, self._draw):
            begun = False
            try:
                with self._calls.attempt(endpoint.options.name, endpoint.identity) as told:
                    async with aclosing(endpoint.stream(request)) as pieces:
                        while True:
                            async with asyncio.timeout_at(deadline):
                                piece = await anext(pieces, None)
                            if piece is None:
                                return
                            if isinstance(piece, ModelReply):
                                told.answered(piece)
                                piece = replace(piece, unheard=_unheard(failures))
                            begun = True
                            yield piece
            except _PASSED_ON as error:
                if begun:
                    raise
                failures.append(error)
            except TimeoutError:
                raise self._too_late(failures, unheard=0 if begun else 1) from None
        raise _all_failed(failures)

    def _too_late(self, failures: Sequence[IntelligenceError], *, unheard: int) -> ModelUnavailableError:
        reasons = "".join(f"; before that: {failure}" for failure in failures)
        return ModelUnavailableError(
            self.identity,
            f"no answer within {self._total.total_seconds():g} s in total{reasons}",
            hint="raise model_total_timeout, or ask for less",
            unheard=unheard + _unheard(failures),
        )


def _all_failed(failures: Sequence[IntelligenceError]) -> IntelligenceError:
    if len(failures) == 1:
        return failures[0]
    away = [failure for failure in failures if isinstance(failure, ModelUnavailableError)]
    if not away:
        return failures[0]
    waits = [failure.retry_after for failure in away if failure.retry_after is not None]
    return ModelUnavailableError(
        ", ".join(failure.endpoint for failure in away),
        "no endpoint answered: " + "; ".join(str(failure) for failure in failures),
        hint="check model_endpoints and that their servers run",
        retry_after=min(waits) if len(waits) == len(failures) else None,
        unheard=_unheard(failures),
    )


def _unheard(failures: Sequence[IntelligenceError]) -> int:
    return sum(failure.unheard for failure in failures if isinstance(failure, ModelUnavailableError))
