"""Updates: requests to a run that it answers, each known by its id."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from maestro.domain.errors import UnknownUpdateError, UpdateUnansweredError, UpdateUnsettledError
from maestro_workflow_engine import Failure, HistoryEvent, UpdateFailedError, UpdateRejectedError, WorkflowHandle

_REJECTED = f"{UpdateRejectedError.__module__}:{UpdateRejectedError.__qualname__}"


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """How an update stands that a run has in its history."""

    answered: bool
    output: Any = None
    """The answer; None while there is none."""


async def ask(handle: WorkflowHandle[Any], name: str, payload: Any, *, update_id: str, wait: timedelta) -> Any:
    """Ask a run for something and wait for its answer. Asking again with the same id is the same request.

    Args:
        handle: The run.
        name: What the workflow handles with `on_update`.
        payload: Any JSON value.
        update_id: The update's id.
        wait: How long to wait for the answer; the request goes on after that.

    Returns:
        The answer, as JSON.

    Raises:
        UpdateUnansweredError: The answer has not come in time.
        UpdateUnsettledError: Not even the request could be kept in time.
        UpdateRejectedError: No handler takes it, its payload does not fit, or the run ended first.
        UpdateFailedError: The handler or validator raised.
        WorkflowError: The engine refuses: see `WorkflowHandle.update`.
    """
    asking = asyncio.create_task(handle.update(name, payload, id=update_id), name="update")
    try:
        await asyncio.wait({asking}, timeout=wait.total_seconds())
    finally:
        asking.cancel()
        await asyncio.wait({asking})
    if asking.cancelled():
        if _requested(await handle.history(), name, update_id):
            raise UpdateUnansweredError(handle.id, name, update_id)
        raise UpdateUnsettledError(handle.id, name, update_id)
    try:
        return asking.result()
    except UpdateRejectedError:
        raise
    except Exception as error:
        # Whatever class a handler raises, also one of the engine's own, comes with the update's failure as its cause.
        if isinstance(error.__cause__, UpdateFailedError):
            raise error.__cause__ from error
        raise


async def find(handle: WorkflowHandle[Any], name: str, update_id: str) -> UpdateOutcome:
    """Look an update up in a run's history.

    Args:
        handle: The run.
        name: The update's name.
        update_id: The update's id.

    Returns:
        How it stands.

    Raises:
        UnknownUpdateError: The run was not asked for it.
        UpdateRejectedError: It was rejected.
        UpdateFailedError: The handler or validator raised.
        WorkflowError: The engine refuses: see `WorkflowHandle.history`.
    """
    history = await handle.history()
    if not _requested(history, name, update_id):
        raise UnknownUpdateError(handle.id, name, update_id)
    for event in history:
        if event.type == "update_answered" and event.data["update_id"] == update_id:
            return _outcome(handle.id, name, event)
    return UpdateOutcome(answered=False)


def _requested(history: list[HistoryEvent], name: str, update_id: str) -> bool:
    return any(
        event.type == "update_requested" and (event.data["update_id"], event.data["name"]) == (update_id, name)
        for event in history
    )


def _outcome(run_id: str, name: str, answered: HistoryEvent) -> UpdateOutcome:
    failure = answered.data.get("failure")
    if failure is None:
        return UpdateOutcome(answered=True, output=answered.data.get("output"))
    failed = Failure(**failure)
    if failed.type == _REJECTED and failed.args is not None:
        raise UpdateRejectedError(run_id, name, str(failed.args[-1]))
    raise UpdateFailedError(name, failed)
