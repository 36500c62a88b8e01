"""Telling a run how an approval ended: once in effect, however often it has to be tried."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import quote

from governance_service.approvals.signals import Signal
from maestro_core_api import APIClient, APIException, RemoteAPIException

_RUN: Final = "service://maestro-orchestrator/runs"
_LONGEST_KEY: Final = 253
_NOBODY_WAITS: Final = frozenset({"RUN_NOT_FOUND", "WORKFLOW_ENDED"})


class NotDeliveredError(Exception):
    """An outcome has not arrived, as far as one can tell."""


class NobodyWaitsError(Exception):
    """The run has ended, or is not there: its outcome will never be needed."""


class Orchestrator(Protocol):
    """Where the runs are that wait."""

    async def send(self, signal: Signal) -> None:
        """Send a signal, unless the run has got it already.

        Args:
            signal: What to send.

        Raises:
            NotDeliveredError: It may not have arrived; try again later.
            NobodyWaitsError: It never will.
        """
        ...


def idempotency_key(signal: Signal) -> str:
    """Return what all attempts to send an outcome have in common, and nothing else has.

    Args:
        signal: The outcome.

    Returns:
        A header's value of at most 255 characters.
    """
    key = f"approval:{quote(signal.tenant, safe='')}:{quote(signal.approval_id, safe='')}"
    if len(key) > _LONGEST_KEY:
        key = f"approval:{hashlib.sha256(key.encode()).hexdigest()}"
    return f'"{key}"'


class RemoteOrchestrator:
    """The orchestrator over HTTP.

    An attempt that failed may have arrived all the same. So each attempt after the first looks into the run's history for the
    outcome before it sends it again, and all of them carry the same idempotency key, for the case that the first one is just being
    written.

    Args:
        client: Calls services; it must not try again by itself.
    """

    def __init__(self, client: APIClient) -> None:
        self._client = client

    async def send(self, signal: Signal) -> None:
        """See `Orchestrator.send`."""
        run = f"{_RUN}/{quote(signal.run_id, safe='')}"
        try:
            if signal.attempt > 1 and await self._has_it(run, signal):
                return
            await self._client.post(
                f"{run}/signals/{quote(signal.name, safe='')}",
                json=signal.payload,
                headers={"Idempotency-Key": idempotency_key(signal)},
            )
        except RemoteAPIException as error:
            if error.error_code in _NOBODY_WAITS:
                raise NobodyWaitsError(error.error_code) from error
            raise NotDeliveredError(f"{error.status_code} {error.error_code}") from error
        except APIException as error:
            raise NotDeliveredError(error.error_code) from error

    async def _has_it(self, run: str, signal: Signal) -> bool:
        history: list[Mapping[str, Any]] = (await self._client.get(f"{run}/history")).json()["events"]
        return any(
            event.get("type") == "signal_received"
            and event.get("name") == signal.name
            and isinstance(event.get("payload"), Mapping)
            and event["payload"].get("approval_id") == signal.approval_id
            for event in history
        )
