"""What is journalled in place of an event whose payload is too large to be kept."""

from __future__ import annotations

import msgspec

from maestro_workflow_engine import _payload
from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._failure import Failure, describe
from maestro_workflow_engine.machine import _events as ev

_KEPT_OF_TEXT = 2_500  # characters; with every one escaped, twice this is half of the lowest limit there can be


def in_place_of(event: ev.Event, error: PayloadError) -> ev.Event:
    """Return the event that happens instead.

    A step whose input or output is too large fails with the error, and so do a run and an update; a failure is cut short, and
    so is the reason of an end that cannot be taken back.

    Args:
        event: The event that cannot be kept.
        error: Why.

    Returns:
        A small event that means the same to the workflow's flow.

    Raises:
        PayloadError: `error` itself: whoever caused the event must be told.
    """
    match event:
        case ev.StepCompleted():
            return ev.StepFailed(
                event.time, event.seq, event.step, _payload.NULL, describe(error), event.started, event.attempt
            )
        case ev.StepFailed():
            return msgspec.structs.replace(event, input=_payload.NULL, failure=_cut(event.failure))
        case ev.StepRetrying() | ev.ChildFailed() | ev.RequestFailed() | ev.RunFailed():
            return msgspec.structs.replace(event, failure=_cut(event.failure))
        case ev.UpdateAnswered():
            failure = describe(error) if event.failure is None else _cut(event.failure)
            return ev.UpdateAnswered(event.time, event.update_id, failure=failure)
        case ev.RunTerminated():
            return msgspec.structs.replace(event, reason=_start_of(event.reason))
        case ev.RunCompleted() | ev.RunContinued():
            return ev.RunFailed(event.time, describe(error))
        case _:
            raise error


def _cut(failure: Failure) -> Failure:
    return Failure(failure.type, _start_of(failure.message), None, failure.traceback[-_KEPT_OF_TEXT:])


def _start_of(text: str) -> str:
    return text if len(text) <= _KEPT_OF_TEXT else f"{text[:_KEPT_OF_TEXT]} … ({len(text):,} characters)"
