"""Calls about one run."""

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient, RemoteAPIException, ServiceUnavailableException

_LAST_EVENTS: Final = frozenset({"run_completed", "run_failed", "run_cancelled", "run_terminated"})
# The orchestrator sends a sign of life at least every 15 s.
_LONGEST_SILENCE: Final = timedelta(seconds=60)
_AWAY: Final = frozenset({502, 503, 504})
_PAUSE: Final = timedelta(milliseconds=250)
_PATIENCE: Final = timedelta(seconds=20)

JSON = Any
"""Any JSON value."""


class UpdateUnanswered(Exception):  # noqa: N818  no fault: the request goes on
    """A run has not answered an update in time.

    Args:
        update_id: The update's id; asking again with it is the same request.
    """

    def __init__(self, update_id: str) -> None:
        super().__init__(update_id)
        self.update_id = update_id


class RunCalls:
    """What can be asked about one run."""

    _client: APIClient
    _patience: timedelta

    async def start(
        self, workflow: str, value: JSON, run_id: str | None, options: Mapping[str, JSON] | None = None
    ) -> Mapping[str, JSON]:
        """Start a run.

        Args:
            workflow: `namespace/name[:version]`.
            value: Its input.
            run_id: Its id; None leaves the choice to the orchestrator.
            options: How it is started, as the orchestrator takes it.

        Returns:
            The run; at least its `id`.
        """
        body: dict[str, JSON] = {"workflow": workflow, "input": value}
        if run_id is not None:
            body["id"] = run_id
        if options:
            body["options"] = options
        response = await self._client.post("/runs", json=body)
        run: dict[str, JSON] = response.json() if response.content else {}
        run.setdefault("id", response.headers.get("location", "").rpartition("/")[2])
        return run

    async def run(self, run_id: str) -> Mapping[str, JSON]:
        """Fetch a run.

        Args:
            run_id: Its id.

        Returns:
            The run.
        """
        found: Mapping[str, JSON] = (await self._client.get(_run(run_id))).json()
        return found

    async def history(self, run_id: str) -> list[Mapping[str, JSON]]:
        """Fetch what has happened to a run.

        Args:
            run_id: Its id.

        Returns:
            Its events, oldest first.
        """
        events: list[Mapping[str, JSON]] = (await self._client.get(f"{_run(run_id)}/history")).json()["events"]
        return events

    async def export(self, run_id: str) -> bytes:
        """Fetch a run as a document for `replay`.

        Args:
            run_id: Its id.

        Returns:
            The document's JSON text, as the orchestrator has sent it.
        """
        return (await self._client.get(f"{_run(run_id)}/export")).content

    async def signal(self, run_id: str, name: str, payload: JSON) -> None:
        """Send a signal.

        Args:
            run_id: The run.
            name: The signal's name.
            payload: What it carries.
        """
        await self._client.post(f"{_run(run_id)}/signals/{quote(name, safe='')}", **_body(payload))

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop.

        Args:
            run_id: The run.
        """
        await self._client.post(f"{_run(run_id)}/cancel")

    async def intervene(self, run_id: str, action: str, reason: str | None = None) -> None:
        """Terminate, pause, resume or retry a run.

        Args:
            run_id: The run.
            action: "terminate", "pause", "resume" or "retry".
            reason: Kept in the history, for terminate and pause.
        """
        path = f"{_run(run_id)}/{action}"
        if reason is None:
            await self._client.post(path)
        else:
            await self._client.post(path, json={"reason": reason})

    async def fork(self, run_id: str, step: int, new_id: str | None) -> Mapping[str, JSON]:
        """Start a new run that takes over what completed before a step.

        Args:
            run_id: The run to fork.
            step: The step's number: `seq` in the history.
            new_id: The new run's id; None for a new one.

        Returns:
            The new run.
        """
        body: dict[str, JSON] = {"step": step} if new_id is None else {"step": step, "id": new_id}
        run: Mapping[str, JSON] = (await self._client.post(f"{_run(run_id)}/fork", json=body)).json()
        return run

    async def follow(self, run_id: str) -> AsyncGenerator[Mapping[str, JSON]]:
        """Follow a run to its end, also while the orchestrator is started anew.

        Args:
            run_id: The run.

        Yields:
            Its events, each once, oldest first: `type`, `position`, `time` and what belongs to the type.

        Raises:
            APIException: The orchestrator refused, or was away for longer than the patience.
        """
        position: str | None = None
        away_since: float | None = None
        clock = asyncio.get_running_loop().time
        while True:
            headers = {} if position is None else {"Last-Event-ID": position}
            events = self._client.stream_events(
                f"{_run(run_id)}/events", headers=headers, read_timeout=_LONGEST_SILENCE
            )
            try:
                async for event in events:
                    away_since = None
                    position = event.id or position
                    yield {"type": event.event, **event.json()}
                    if event.event in _LAST_EVENTS:
                        return
            except (ServiceUnavailableException, RemoteAPIException) as error:
                if error.status_code not in _AWAY:
                    raise
                away_since = clock() if away_since is None else away_since
                if clock() - away_since > self._patience.total_seconds():
                    raise
            await asyncio.sleep(_PAUSE.total_seconds())

    async def reprioritize(self, run_id: str, priority: int) -> None:
        """Move a run within the queue it waits in.

        Args:
            run_id: The run.
            priority: 0 (most urgent) to 9.
        """
        await self._client.put(f"{_run(run_id)}/priority", json={"priority": priority})

    async def query(self, run_id: str, key: str) -> JSON:
        """Fetch what a run has published.

        Args:
            run_id: The run.
            key: Under what.

        Returns:
            The value.
        """
        return (await self._client.get(f"{_run(run_id)}/queries/{quote(key, safe='')}")).json()

    async def update(
        self, run_id: str, name: str, payload: JSON, *, update_id: str | None, timeout: timedelta | None
    ) -> JSON:
        """Ask a run for something and wait for its answer, also while the orchestrator is started anew.

        Args:
            run_id: The run.
            name: What for.
            payload: What it is asked with.
            update_id: The request's id; None for a new one.
            timeout: How long to wait; None for ever.

        Returns:
            The answer.

        Raises:
            UpdateUnanswered: It has not come in time.
            APIException: The run refused, or the orchestrator was away for longer than the patience.
        """
        chosen = update_id or uuid.uuid4().hex
        clock = asyncio.get_running_loop().time
        deadline = None if timeout is None else clock() + timeout.total_seconds()
        away_since: float | None = None
        path = f"{_run(run_id)}/updates/{quote(name, safe='')}"
        while True:
            left_s = (
                _PATIENCE.total_seconds() if deadline is None else min(deadline - clock(), _PATIENCE.total_seconds())
            )
            if left_s <= 0:
                raise UpdateUnanswered(chosen)
            try:
                params = {"id": chosen, "timeout_s": max(left_s, 0.1)}
                stand = (await self._client.post(path, params=params, **_body(payload))).json()
                away_since = None
                if stand["answered"]:
                    return stand["answer"]
            except (ServiceUnavailableException, RemoteAPIException) as error:
                # The id makes asking again safe: it is the same request, whether it arrived or not.
                if error.status_code not in _AWAY:
                    raise
                away_since = clock() if away_since is None else away_since
                if clock() - away_since > self._patience.total_seconds():
                    raise
                await asyncio.sleep(_PAUSE.total_seconds())


def _body(value: JSON) -> dict[str, Any]:
    # None is a payload like any other, but no body for the client: it is written out.
    return {"content": json.dumps(value).encode(), "headers": {"content-type": "application/json"}}


def _run(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='')}"
