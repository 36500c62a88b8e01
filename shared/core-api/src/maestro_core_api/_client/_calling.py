"""A call from its beginning to its end: attempts, pauses, and the limits of both."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final, Literal

import httpx2
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from maestro_core_api._exceptions import APIException
from maestro_core_api._request_info import current_request
from maestro_core_logging import get_logger

from ._call import Call
from ._circuit import CircuitOpenError
from ._config import RetryConfig
from ._deadline import Deadline
from ._destinations import Destination
from ._failures import left_alone, out_of_time, says_that_service_is_down
from ._metrics import ClientMetrics
from ._peers import Peer, Peers
from ._retrying import is_worth_retrying, pause_before_retry
from ._sending import Sender

_MADE: Final = "made"
_OVER_BUDGET: Final = "over_budget"


class Calling:
    """Makes calls, as often as it makes sense.

    Args:
        sender: Makes one attempt.
        peers: What is known about the services.
        metrics: Counts the attempts.
        retries: How often a failed idempotent call is made again.
        retry: When.
        total: Limit for a whole call.
        deadline: Whether the caller of the request being served has a say in it.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        sender: Sender,
        peers: Peers,
        metrics: ClientMetrics,
        *,
        retries: int,
        retry: RetryConfig,
        total: timedelta,
        deadline: Literal["own", "caller"],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sender = sender
        self._peers = peers
        self._metrics = metrics
        self._retries = retries
        self._retry = retry
        self._total = total
        self._deadline = deadline
        self._sleep = sleep
        self._tracer = trace.get_tracer("maestro_core_api")
        self._logger = get_logger(__name__)

    async def call(self, call: Call, destination: Destination, *, retries: int | None = None) -> httpx2.Response:
        """Make a call within its limits.

        Args:
            call: The call.
            destination: Where it goes.
            retries: Instead of the client's own number.

        Returns:
            The 2xx answer.

        Raises:
            APIException: There was none.
        """
        served = current_request.get() if self._deadline == "caller" else None
        deadline = Deadline.of_call(self._total, served)
        wanted = (self._retries if retries is None else retries) if call.is_idempotent else 0
        with self._tracer.start_as_current_span(
            call.method,
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": call.method,
                "url.full": call.url.partition("?")[0],
                "server.address": destination.peer,
            },
            record_exception=False,
        ) as span:
            try:
                response = await self._within(deadline, call, destination, wanted, span)
            except APIException as error:
                span.set_attribute("error.type", error.error_code)
                raise
            span.set_attribute("http.response.status_code", response.status_code)
            return response

    async def _within(
        self, deadline: Deadline, call: Call, destination: Destination, retries: int, span: Span
    ) -> httpx2.Response:
        if deadline.left_s <= 0:
            raise out_of_time(call)
        limit = asyncio.timeout_at(deadline.at)
        try:
            async with limit:
                return await self._attempts(deadline, limit, call, destination, retries, span)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise out_of_time(call) from error

    async def _attempts(
        self,
        deadline: Deadline,
        limit: asyncio.Timeout,
        call: Call,
        destination: Destination,
        retries: int,
        span: Span,
    ) -> httpx2.Response:
        peer = self._peers.named(destination.peer)
        peer.budget.pay_in()
        number = 0
        while True:
            try:
                return await self._attempt(deadline, limit, call, destination, peer)
            except APIException as error:
                pause = self._pause(number, error, peer) if number < retries else None
                if pause is None or pause.total_seconds() >= deadline.left_s:
                    raise
                number += 1
                span.set_attribute("http.request.resend_count", number)
                self._metrics.retried(peer.name, _MADE)
                self._logger.info(
                    "Calling again",
                    target=peer.name,
                    method=call.method,
                    attempt=number + 1,
                    pause_ms=round(pause.total_seconds() * 1000),
                    error_code=error.error_code,
                )
            await self._sleep(pause.total_seconds())

    def _pause(self, number: int, error: APIException, peer: Peer) -> timedelta | None:
        if not is_worth_retrying(error):
            return None
        pause = pause_before_retry(number, error, self._retry)
        if pause is not None and not peer.budget.take():
            error.add_note(f"not tried again: the retries of calls to {peer.name} are used up for now")
            self._metrics.retried(peer.name, _OVER_BUDGET)
            return None
        return pause

    async def _attempt(
        self, deadline: Deadline, limit: asyncio.Timeout, call: Call, destination: Destination, peer: Peer
    ) -> httpx2.Response:
        targets = await self._sender.targets(destination)
        circuit, admitted = peer.circuit, 0
        if circuit is not None:
            try:
                admitted = circuit.admit()
            except CircuitOpenError as error:
                self._metrics.attempted(peer.name, call.method, "CIRCUIT_OPEN", 0.0)
                raise left_alone(call, peer.name, error) from error
        started = time.perf_counter()
        outcome = "CANCELLED"
        is_good: bool | None = None
        try:
            response = await self._sender.send(call, destination, targets, deadline)
            outcome, is_good = str(response.status_code), True
            return response
        except APIException as error:
            is_good = not says_that_service_is_down(error)
            if deadline.is_handed_on and error.status_code == HTTPStatus.GATEWAY_TIMEOUT:
                is_good = None
            outcome = str(error.status_code) if error.problem is not None else error.error_code
            raise
        except asyncio.CancelledError:
            # Time that somebody else allowed says nothing about the service: callers could close it to everyone.
            if limit.expired() and not deadline.is_handed_on:
                is_good = False
            if limit.expired():
                outcome = "DEADLINE_EXCEEDED"
            raise
        finally:
            self._metrics.attempted(peer.name, call.method, outcome, time.perf_counter() - started)
            if circuit is not None:
                end = {True: circuit.succeeded, False: circuit.failed, None: circuit.abandoned}[is_good]
                end(admitted)
