"""Signs of life that a long step gives, and what it said with the last one."""

from __future__ import annotations

import asyncio
from typing import Any

from maestro_workflow_engine import _payload
from maestro_workflow_engine._step_info import running_attempt


def heartbeat(details: Any = None) -> None:
    """Say that the running step is alive, and how far it has come. Call it as often as you like, in async and in plain steps.

    An attempt of a step with a `heartbeat_timeout` that stays silent for longer fails with StepHeartbeatTimeoutError. The last
    details are there for the next attempt (`step_info().last_heartbeat`), after a crash as well. They are kept at most once a
    second, or three times in the heartbeat timeout if that is more often: what was said since is lost in a crash. They are kept,
    too, when an attempt fails and when the engine closes.

    Args:
        details: How far the step has come: any JSON-like value or model.

    Raises:
        asyncio.CancelledError: The attempt no longer counts: the step was cancelled or timed out, its run has ended, or the
            engine closes. An async step gets it where it awaits, too; a plain function, whose thread nobody can stop, only here.
        PayloadError: The details have no JSON form, or are larger than what goes into the journal itself (256 KiB with a payload store).
        WorkflowContextError: Called outside a step.
    """
    attempt = running_attempt("heartbeat")
    raw = _payload.NULL if details is None else _payload.encode(details)
    if attempt.is_stopped or _is_being_cancelled():
        raise asyncio.CancelledError(f"attempt {attempt.number} of step {attempt.step!r} no longer counts")
    attempt.heart.beat(attempt, raw)


def last_heartbeat(*, type: Any = Any) -> Any:  # noqa: A002  reads like a signature
    """Return what `heartbeat()` was last given in the running step, by this attempt or by one before.

    Args:
        type: What the details are to become. Default: plain JSON values.

    Returns:
        The details; None when there are none.

    Raises:
        PayloadError: The details do not fit the type.
        PayloadUnreadableError: The details cannot be read back.
        PayloadStoreError: The payload store cannot be reached.
        WorkflowContextError: Called outside a step.
    """
    raw = running_attempt("last_heartbeat").last_heartbeat()
    return None if raw is None or bytes(raw) == b"null" else _payload.decode(raw, type)


def _is_being_cancelled() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # a plain function's thread
        return False
    return task is not None and task.cancelling() > 0
