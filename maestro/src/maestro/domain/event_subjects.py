"""On which subject of the platform an event of a run goes."""

from __future__ import annotations

import re
from typing import Final

OWN: Final = "maestro.maestro-orchestrator."
EMITTED: Final = f"{OWN}emitted."
_OWN_TYPE: Final = re.compile(re.escape(OWN) + r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_LIFECYCLE: Final = re.compile(r"io\.serverlessworkflow\.((?:workflow|task)\.[a-z-]+)\.v1")
# What other services believe of the orchestrator itself: a document must not speak there.
_RESERVED: Final = ("audit.", "workflow.", "task.")
_NO_TOKEN: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST: Final = 240


def subject_of(event_type: str) -> str:
    """Return the subject for a type of CloudEvent; the event itself keeps its type.

    Args:
        event_type: Its attribute `type`.

    Returns:
        `maestro.maestro-orchestrator.workflow.started` and the like for lifecycle events of the Open Workflow specification; the
        type itself when it is a subject of the orchestrator that a document may use; otherwise `maestro.maestro-orchestrator.emitted.<type>`, with `_` for
        what a subject cannot hold, and cut off where it is too long.

    Example:
        >>> subject_of("io.serverlessworkflow.task.completed.v1")
        'maestro.maestro-orchestrator.task.completed'
        >>> subject_of("com.example/order paid")
        'maestro.maestro-orchestrator.emitted.com.example_order_paid'
    """
    if (lifecycle := _LIFECYCLE.fullmatch(event_type)) is not None:
        return OWN + lifecycle[1]
    is_own = len(event_type) <= _LONGEST and _OWN_TYPE.fullmatch(event_type) is not None
    if is_own and not event_type.removeprefix(OWN).startswith(_RESERVED):
        return event_type
    tokens = (_NO_TOKEN.sub("_", token) or "_" for token in event_type.split("."))
    return (EMITTED + ".".join(tokens))[:_LONGEST].rstrip(".")
