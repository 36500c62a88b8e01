"""Asking several services at once, and living with what some of them do not answer."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from maestro_core_api import APIException, RemoteAPIException


@dataclass(frozen=True, slots=True)
class Failure:
    """A part that is missing."""

    part: str
    """Which part of the answer."""
    service: str
    """Which service did not give it."""
    error_code: str
    """Why."""
    detail: str
    """The same in words."""
    status: int | None = None
    """What it answered, where it did."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What several services answered."""

    found: Mapping[str, Any]
    """Answers by part; None for one that is missing."""
    failures: tuple[Failure, ...]
    """Why parts are missing."""


async def gathered(asked: Mapping[str, tuple[str, Awaitable[Any]]], *, patience: timedelta) -> Parts:
    """Wait for several services at once.

    Args:
        asked: For each part, which service is asked, and the call.
        patience: How long each may take.

    Returns:
        What came, and why the rest did not.
    """
    outcomes = await asyncio.gather(
        *(_outcome(part, service, call, patience) for part, (service, call) in asked.items())
    )
    found = {
        part: None if isinstance(outcome, Failure) else outcome for part, outcome in zip(asked, outcomes, strict=True)
    }
    return Parts(found, tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)))


async def _outcome(part: str, service: str, call: Awaitable[Any], patience: timedelta) -> Any:
    try:
        async with asyncio.timeout(patience.total_seconds()):
            return await call
    except TimeoutError:
        return Failure(part, service, "TIMEOUT", f"no answer within {patience.total_seconds():g} s")
    except RemoteAPIException as error:
        return Failure(part, service, error.error_code, error.detail or error.message, error.status_code)
    except APIException as error:
        return Failure(part, service, error.error_code, error.message)
    except (ValueError, KeyError, TypeError):
        return Failure(part, service, "ANSWER_UNREADABLE", "the answer is not what it should be")
