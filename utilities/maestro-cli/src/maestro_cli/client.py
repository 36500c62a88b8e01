"""Calls to the orchestrator, in the words of the command line."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient, APIException, RemoteAPIException, ServiceUnavailableException, issue_token

from ._errors import MaestroCliError, NotRunningError, ServiceAnswerError
from .local import ORCHESTRATOR, Home, load_state, lock_holder, own_environment, read_jwt_secret

_LAST_EVENTS: Final = frozenset({"run_completed", "run_failed", "run_cancelled", "run_terminated"})
# The orchestrator sends a sign of life at least every 15 s.
_LONGEST_SILENCE: Final = timedelta(seconds=60)
_SUBJECT: Final = "maestro-cli"
_AWAY: Final = frozenset({502, 503, 504})
_PAUSE: Final = timedelta(milliseconds=250)

JSON = Any
"""Any JSON value."""


class OrchestratorClient:
    """The orchestrator's HTTP interface.

    Args:
        client: An open client whose base URL is the orchestrator's.
        patience: How long the orchestrator may be away while a run is followed.
    """

    def __init__(self, client: APIClient, *, patience: timedelta = timedelta(minutes=1)) -> None:
        self._client = client
        self._patience = patience

    async def put_workflow(self, namespace: str, name: str, version: str, document: str, content_type: str) -> JSON:
        """Register a workflow document; the same one again changes nothing.

        Args:
            namespace: Its namespace.
            name: Its name.
            version: Its version.
            document: Its text.
            content_type: `application/yaml` or `application/json`.

        Returns:
            The definition.
        """
        path = f"/workflows/{quote(namespace, safe='')}/{quote(name, safe='')}/{quote(version, safe='')}"
        headers = {"content-type": content_type}
        return (await self._client.put(path, content=document.encode(), headers=headers)).json()

    async def start(self, workflow: str, value: JSON, run_id: str | None) -> Mapping[str, JSON]:
        """Start a run.

        Args:
            workflow: `namespace/name[:version]`.
            value: Its input.
            run_id: Its id; None leaves the choice to the orchestrator.

        Returns:
            The run; at least its `id`.
        """
        body: dict[str, JSON] = {"workflow": workflow, "input": value}
        if run_id is not None:
            body["id"] = run_id
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

    async def runs(self, *, status: str | None, workflow: str | None, limit: int) -> list[Mapping[str, JSON]]:
        """List runs, newest first.

        Args:
            status: Only runs in this state; None for all.
            workflow: Only runs of this workflow; None for all.
            limit: How many at most.

        Returns:
            The runs.
        """
        wanted = {"status": status, "workflow": workflow}
        found: list[Mapping[str, JSON]] = []
        cursor: str | None = None
        while len(found) < limit:
            params: dict[str, JSON] = {name: value for name, value in wanted.items() if value is not None}
            params["limit"] = min(limit - len(found), 100)
            if cursor is not None:
                params["cursor"] = cursor
            page = (await self._client.get("/runs", params=params)).json()
            found += page["runs"]
            cursor = page.get("next_cursor")
            if cursor is None:
                break
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
        # None is a payload like any other, but no body for the client: it is written out.
        path = f"{_run(run_id)}/signals/{quote(name, safe='')}"
        if payload is None:
            await self._client.post(path, content=b"null", headers={"content-type": "application/json"})
        else:
            await self._client.post(path, json=payload)

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


@asynccontextmanager
async def open_orchestrator(home: Home, url: str | None, token: str | None) -> AsyncIterator[OrchestratorClient]:
    """Open the orchestrator of an environment.

    Args:
        home: The environment's folder.
        url: Another orchestrator's base URL; None for the environment's own.
        token: Bearer token; None issues tokens with the environment's key.

    Yields:
        The client.

    Raises:
        NotRunningError: The environment does not run, or has no orchestrator.
        MaestroCliError: There is no key to issue tokens with.
        ServiceAnswerError: A call in the block failed.
    """
    async with APIClient(url or orchestrator_url(home), token=token or _issuer(home)) as client:
        try:
            yield OrchestratorClient(client)
        except APIException as error:
            raise _answer_error(error) from error


def orchestrator_url(home: Home) -> str:
    """Find the orchestrator of an environment.

    Args:
        home: The environment's folder.

    Returns:
        Its base URL.

    Raises:
        NotRunningError: The environment does not run, or has no orchestrator.
    """
    state = load_state(home) if lock_holder(home) is not None else None
    if state is None:
        raise NotRunningError(home.root)
    orchestrator = state.service(ORCHESTRATOR)
    if orchestrator is None:
        raise NotRunningError(home.root, f"what runs there has no {ORCHESTRATOR}")
    return orchestrator.url


def _issuer(home: Home) -> Callable[[], str]:
    secret = read_jwt_secret(home, own_environment())
    if secret is None:
        raise MaestroCliError(f"{home.root} has no signing key", hint="Pass --token, or start it with `maestro up`.")
    return lambda: issue_token(secret, subject=_SUBJECT, roles=("admin",))


def _run(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='')}"


def _answer_error(error: APIException) -> ServiceAnswerError:
    trace_id = (error.problem or {}).get("trace_id")
    hint = f"The services' logs tell more under trace {trace_id}." if error.status_code >= 500 and trace_id else None
    if isinstance(error, ServiceUnavailableException):
        hint = "`maestro status` tells whether it runs, `maestro logs` what it says."
    faults = [(fault.get("path") or "(document)", fault.get("message", "")) for fault in error.errors]
    return ServiceAnswerError(error.message, error.error_code, detail=error.detail, faults=faults, hint=hint)
