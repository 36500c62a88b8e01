"""The orchestrator, in the words that this service needs."""

from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient, APIException, RemoteAPIException, StreamEvent

from .triggers.errors import StartFailedError

_FINAL: Final = frozenset({400, 413, 422, 501})
"""Statuses that say of a start that it will never be any different."""
_AWAY: Final = frozenset({401, 403, 408, 425, 429, 500, 502, 503, 504})
"""Statuses that say nothing about the start itself."""
_SILENCE: Final = timedelta(seconds=40)
"""The orchestrator's streams say something every 15 s."""


class Orchestrator:
    """Calls of the orchestrator.

    Args:
        client: An open client whose base URL is the orchestrator's.
        streams: Another one, for streams, each of which has a connection for as long as it lasts.
    """

    def __init__(self, client: APIClient, streams: APIClient) -> None:
        self.client = client
        self._streams = streams

    async def start(
        self,
        workflow: str,
        payload: Any,
        *,
        run_id: str,
        options: Mapping[str, Any],
        traceparent: str | None = None,
    ) -> dict[str, Any]:
        """Start a run; the same id again is the same run.

        Returns:
            The run, as the orchestrator shows it.

        Raises:
            StartFailedError: It was not started, or nobody knows.
        """
        body = {"workflow": workflow, "input": payload, "id": run_id, "options": dict(options)}
        headers = {} if traceparent is None else {"traceparent": traceparent}
        try:
            started: dict[str, Any] = (await self.client.post("/runs", json=body, headers=headers)).json()
        except RemoteAPIException as error:
            reason = f"{error.message}: {error.detail}" if error.detail else error.message
            status = error.status_code
            raise StartFailedError(
                error.error_code, reason, is_final=status in _FINAL, is_away=status in _AWAY
            ) from error
        except APIException as error:
            raise StartFailedError(error.error_code, str(error), is_final=False, is_away=True) from error
        return started

    async def run(self, run_id: str) -> dict[str, Any]:
        """Show a run.

        Raises:
            APIException: There is none, or the orchestrator is away.
        """
        found: dict[str, Any] = (await self.client.get(_run(run_id))).json()
        return found

    async def history(self, run_id: str) -> list[dict[str, Any]]:
        """Return everything that happened to a run, in order.

        Raises:
            APIException: There is none, or the orchestrator is away.
        """
        events: list[dict[str, Any]] = (await self.client.get(f"{_run(run_id)}/history")).json()["events"]
        return events

    def follow(self, run_id: str, *, after: int) -> AsyncGenerator[StreamEvent]:
        """Follow what happens to a run, until its last event.

        Args:
            run_id: The run.
            after: Only what is behind this position; -1 for all.

        Returns:
            Its events.

        Raises:
            APIException: While it is read: there is no such run, or the connection broke.
        """
        headers = {"last-event-id": str(after)} if after >= 0 else {}
        return self._streams.stream_events(f"{_run(run_id)}/events", headers=headers, read_timeout=_SILENCE)

    async def runs(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """List runs: `{runs, next_cursor}`.

        Raises:
            APIException: The orchestrator is away.
        """
        page: dict[str, Any] = (await self.client.get("/runs", params=params)).json()
        return page

    async def cancel(self, run_id: str, reason: str) -> None:
        """Ask a run to stop.

        Raises:
            APIException: There is none, or it has ended.
        """
        await self.client.post(f"{_run(run_id)}/cancel", json={"reason": reason})

    async def workflows(self) -> list[dict[str, Any]]:
        """List every version of every workflow.

        Raises:
            APIException: The orchestrator is away.
        """
        found: list[dict[str, Any]] = (await self.client.get("/workflows")).json()["workflows"]
        return found

    async def workflow(self, namespace: str, name: str, version: str) -> dict[str, Any]:
        """Show a version of a workflow, with its document.

        Raises:
            APIException: There is none, or the orchestrator is away.
        """
        parts = "/".join(quote(part, safe="") for part in (namespace, name, version))
        found: dict[str, Any] = (await self.client.get(f"/workflows/{parts}")).json()
        return found

    async def put_schedule(self, schedule_id: str, definition: Mapping[str, Any]) -> None:
        """Make a schedule, or give it a new definition.

        Raises:
            APIException: It was refused, or the orchestrator is away.
        """
        await self.client.put(_schedule(schedule_id), json=dict(definition))

    async def pause_schedule(self, schedule_id: str, *, paused: bool) -> None:
        """Pause a schedule, or let it go on.

        Raises:
            APIException: There is none, or the orchestrator is away.
        """
        await self.client.post(f"{_schedule(schedule_id)}/{'pause' if paused else 'resume'}")

    async def delete_schedule(self, schedule_id: str) -> None:
        """Forget a schedule; one that is not there is fine.

        Raises:
            APIException: The orchestrator is away.
        """
        try:
            await self.client.delete(_schedule(schedule_id))
        except RemoteAPIException as error:
            if error.status_code != 404:
                raise

    async def schedule(self, schedule_id: str) -> dict[str, Any]:
        """Show a schedule.

        Raises:
            APIException: There is none, or the orchestrator is away.
        """
        found: dict[str, Any] = (await self.client.get(_schedule(schedule_id))).json()
        return found


def _run(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='')}"


def _schedule(schedule_id: str) -> str:
    return f"/schedules/{quote(schedule_id, safe='')}"
