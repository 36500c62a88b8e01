"""Whether a failed call is made again, and after how long."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from maestro_core_api._exceptions import APIException
from maestro_core_api._retry_after import retry_after

from ._config import RetryConfig

_WORTH_RETRYING: Final = frozenset({429, 502, 503, 504})
_OUR_OWN: Final = frozenset({"CIRCUIT_OPEN", "CONNECTIONS_EXHAUSTED", "DEADLINE_EXCEEDED", "REGISTRY_NOT_CONFIGURED"})


def is_worth_retrying(error: APIException) -> bool:
    """Tell whether a failure may pass.

    Args:
        error: How the call failed.

    Returns:
        False also for what the client itself refused: trying again would only take longer.
    """
    return error.status_code in _WORTH_RETRYING and (error.problem is not None or error.error_code not in _OUR_OWN)


def pause_before_retry(
    number: int,
    error: APIException,
    config: RetryConfig,
    *,
    choose: Callable[[float, float], float] = random.uniform,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> timedelta | None:
    """Choose a pause with full jitter: anything between nothing and a limit that doubles each time.

    Callers that failed together would otherwise come back together (M. Brooker, "Exponential Backoff And Jitter").
    A `Retry-After` is waited for in full, and the jitter comes on top.

    Args:
        number: How many retries there were.
        error: How the last attempt failed.
        config: Limits.
        choose: Gives a number between two.
        now: The time of day.

    Returns:
        The pause; None when the service asks for a longer one than is waited for.
    """
    limit_s = min(config.longest_pause.total_seconds(), config.first_pause.total_seconds() * 2.0 ** min(number, 30))
    asked = retry_after(error.headers, now=now) or timedelta(0)
    if asked > config.longest_retry_after:
        return None
    return asked + timedelta(seconds=choose(0.0, limit_s))
