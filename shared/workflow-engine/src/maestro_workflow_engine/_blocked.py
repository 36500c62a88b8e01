"""What an engine says while something holds its event loop."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec


class BlockedInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Something holds the engine's event loop, so that no run can go on.

    Attributes:
        kind: "workflow" (the code of a workflow), "step" (an async step) or "code" (something else on the same loop).
        run_id: The run; None for other code.
        workflow: The run's workflow; None unless `kind` is "workflow".
        step: The step; None unless `kind` is "step".
        since: Since when, UTC; true to a quarter of the engine's `block_warning`.
        blocked_for: How long by now.
        stack: Where it stands, outermost first, as "file:line in function".
    """

    kind: str
    run_id: str | None = None
    workflow: str | None = None
    step: str | None = None
    since: datetime
    blocked_for: timedelta
    stack: tuple[str, ...] = ()
