"""Why a move cannot be begun."""

from __future__ import annotations

from maestro_workflow_engine._errors import WorkflowError


class MoveError(WorkflowError):
    """A move cannot be made as it was asked for; nothing was changed."""

    code = "MOVE_IMPOSSIBLE"
