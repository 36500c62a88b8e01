"""Requests that take too long are answered, and ended."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from starlette.responses import Response

from ._exceptions import APIException
from ._exchange import Exchange
from ._in_flight import InFlight
from ._limits import LimitsConfig
from ._problem import problem_response

if TYPE_CHECKING:
    from maestro_core_logging import Logger

_MARK: Final = "__maestro_time_limit__"
_EVERY_S: Final = 0.1
_UNSET: Final = object()

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def time_limit(limit: timedelta | None) -> Callable[[_Endpoint], _Endpoint]:
    """Give an endpoint a time limit of its own.

    Example:
        @app.post("/reports")
        @time_limit(timedelta(minutes=10))
        async def report(order: ReportOrder) -> Report: ...

    Args:
        limit: From the request's head to the beginning of the answer; None sets no limit.

    Returns:
        A decorator that marks the function and returns it.

    Raises:
        ValueError: The limit is not positive.
    """
    if limit is not None and limit <= timedelta(0):
        raise ValueError(f"a time limit must be positive, not {limit}")

    def mark(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _MARK, limit)
        return endpoint

    return mark


def time_limit_of(endpoint: object, default: timedelta | None) -> timedelta | None:
    """Return how long requests to an endpoint may take.

    Args:
        endpoint: The endpoint function.
        default: What holds where it has no limit of its own.

    Returns:
        The limit; None when there is none.
    """
    own = getattr(endpoint, _MARK, _UNSET)
    return default if own is _UNSET else own  # type: ignore[return-value]  # set by time_limit


class TimeLimits:
    """Looks at the running requests ten times a second, so that a limit costs a request nothing.

    A request whose time is over gets its answer at once, whatever it is doing, and then its task is cancelled. A plain
    function that runs in a thread cannot be interrupted: its caller has the answer, and the thread runs to its end.

    Args:
        in_flight: The running requests.
        limits: The limits.
        logger: Told of each request that was ended.
    """

    def __init__(self, in_flight: InFlight, limits: LimitsConfig, logger: "Logger") -> None:
        self._in_flight = in_flight
        self._limits = limits
        self._logger = logger
        self._answers: set[asyncio.Task[None]] = set()

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self._look()

    def _look(self) -> None:
        # Apart from `watch`, whose variables live on while it sleeps: the last request that was ended, and its connection with it.
        for exchange, error in self._overdue(time.perf_counter()):
            self._expire(exchange, error)

    def _overdue(self, now: float) -> Iterator[tuple[Exchange, APIException]]:
        body_limit = self._limits.body_timeout
        for exchange in self._in_flight.here():
            if exchange.status is not None or exchange.told is not None or exchange.scope["type"] != "http":
                continue
            body = exchange.body
            if (
                body_limit is not None
                and body is not None
                and body.is_awaited
                and body.began_at is not None
                and now - body.began_at > body_limit.total_seconds()
            ):
                yield exchange, _too_slow(body_limit, body.received_bytes)
                continue
            limit = self._limit_of(exchange)
            if limit is not None and now - exchange.started_at > limit.total_seconds():
                yield exchange, _timed_out(limit)

    def _limit_of(self, exchange: Exchange) -> timedelta | None:
        return time_limit_of(exchange.scope.get("endpoint"), self._limits.request_timeout)

    def _expire(self, exchange: Exchange, error: APIException) -> None:
        # The task that watches is in no trace, and the answer belongs into the request's.
        token = attach(trace.set_span_in_context(exchange.span, Context()))
        try:
            response = problem_response(error, exchange.scope)
            self._logger.warning(
                "Request ended because its time was over", error_code=error.error_code, request_id=exchange.request_id
            )
        finally:
            detach(token)
        exchange.told = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._end(exchange, exchange.told, response))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _end(self, exchange: Exchange, told: asyncio.Future[None], response: Response) -> None:
        try:
            await exchange.answer(response)
        except Exception as error:  # noqa: BLE001 - a caller that hung up meanwhile misses nothing
            self._logger.debug("The answer did not reach the caller", error=str(error))
        finally:
            told.set_result(None)
            if exchange.task is not None and not exchange.is_over:
                exchange.task.cancel()


def _timed_out(limit: timedelta) -> APIException:
    return APIException(
        "The request took too long",
        detail=f"there was no answer within {limit.total_seconds():g} s",
        error_code="REQUEST_TIMED_OUT",
        status_code=504,
        rule="request-timeout",
        limit_s=limit.total_seconds(),
    )


def _too_slow(limit: timedelta, received_bytes: int) -> APIException:
    return APIException(
        "The request's body came too slowly",
        detail=f"{received_bytes} bytes arrived within {limit.total_seconds():g} s, and there is more to come",
        error_code="BODY_TIMED_OUT",
        status_code=408,
        headers={"Connection": "close"},
        rule="body-timeout",
        limit_s=limit.total_seconds(),
    )
