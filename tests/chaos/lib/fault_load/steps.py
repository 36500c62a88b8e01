"""Steps that leave a trace in the outside record. A process has one record, so its steps find it here."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from temporalio import activity

from fault_load.record import Record
from maestro_workflow_engine import RetryPolicy, step, step_info

_AT_ONCE = RetryPolicy(max_attempts=5, initial_interval=timedelta(milliseconds=2))
_place: list[tuple[Path, Record]] = []


def set_place(folder: Path, record: Record) -> None:
    """Say where this process leaves its traces."""
    _place[:] = [(folder, record)]


def _leave_trace(name: str, knows: list[str]) -> str:
    info = step_info()
    # A cluster counts the attempts whose worker was lost as well; a step itself does not see them.
    attempt = activity.info().attempt if activity.in_activity() else info.attempt
    facts = {"key": info.idempotency_key, "name": name, "knows": knows, "attempt": attempt, "pid": os.getpid()}
    _place[0][1].write("step", info.run_id, **facts)
    return info.idempotency_key


@step
async def act(name: str, knows: list[str]) -> str:
    """Leave a trace.

    Args:
        name: What for.
        knows: The keys of the steps whose results the workflow holds by now: they can never run again.

    Returns:
        The step's own key.
    """
    return _leave_trace(name, knows)


@step
def act_in_thread(name: str, knows: list[str]) -> str:
    """Leave a trace from a thread."""
    return _leave_trace(name, knows)


@step(retry=_AT_ONCE)
async def act_at_last(name: str, knows: list[str]) -> str:
    """Fail twice, then leave a trace."""
    if step_info().attempt < 3:
        raise OSError("not yet")
    return _leave_trace(name, knows)


@step
async def act_if_allowed(name: str, knows: list[str]) -> str:
    """Leave a trace if somebody has allowed it; fail otherwise."""
    if not (_place[0][0] / f"allowed-{step_info().run_id.partition('~')[0]}").exists():
        raise PermissionError("nobody has allowed it")
    return _leave_trace(name, knows)
