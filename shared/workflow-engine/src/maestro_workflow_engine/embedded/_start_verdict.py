"""What becomes of a start whose id is taken. Decisions only."""

from __future__ import annotations

from enum import Enum, auto

from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._start_options import Conflict, Reuse, RunExistsError, StartOptions


class Verdict(Enum):
    """What is to be done about the run that has the id."""

    USE = auto()
    CANCEL = auto()
    TERMINATE = auto()
    DISPLACE = auto()


def verdict(run_id: str, status: RunStatus, options: StartOptions) -> Verdict:
    """Decide about the run that has the id.

    Args:
        run_id: Its id.
        status: Where it stands.
        options: What the start says.

    Raises:
        RunExistsError: The start says that this is an error.
    """
    if status.is_open:
        if options.if_running is Conflict.FAIL:
            raise RunExistsError(run_id, status.value, f"there is a run {run_id!r} that has not ended ({status})")
        return _OPEN[options.if_running]
    if options.if_ended is Reuse.FAIL:
        raise RunExistsError(run_id, status.value, f"there was a run {run_id!r} already; it has ended ({status})")
    anew = options.if_ended is Reuse.START_ANEW or (
        options.if_ended is Reuse.START_ANEW_IF_FAILED and status is not RunStatus.COMPLETED
    )
    return Verdict.DISPLACE if anew else Verdict.USE


_OPEN = {
    Conflict.USE_EXISTING: Verdict.USE,
    Conflict.CANCEL_EXISTING: Verdict.CANCEL,
    Conflict.TERMINATE_EXISTING: Verdict.TERMINATE,
}
