"""Filters of listings as the cluster's visibility queries, and cursors as its page tokens. Pure functions."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime

import msgspec
from temporalio.client import WorkflowExecutionStatus

from maestro_workflow_engine._attributes import AttributeValue, stored
from maestro_workflow_engine._conditions import AttributeOneOf
from maestro_workflow_engine._records import RunStatus
from maestro_workflow_engine._run_filter import RunFilter, RunOrder, Wanted
from maestro_workflow_engine.temporal._search import MAESTRO_ATTRIBUTES, VERSION, keyword
from maestro_workflow_engine.temporal._unsupported import unsupported
from maestro_workflow_engine.temporal.events._wire import HUB

STATUSES = {
    WorkflowExecutionStatus.RUNNING: RunStatus.RUNNING,
    WorkflowExecutionStatus.COMPLETED: RunStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED: RunStatus.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: RunStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: RunStatus.CANCELLED,
    WorkflowExecutionStatus.TERMINATED: RunStatus.TERMINATED,
    WorkflowExecutionStatus.CONTINUED_AS_NEW: RunStatus.RUNNING,
}
_NAMES = {
    RunStatus.RUNNING: ("Running",),
    RunStatus.COMPLETED: ("Completed",),
    RunStatus.FAILED: ("Failed", "TimedOut"),
    RunStatus.CANCELLED: ("Canceled",),
    RunStatus.TERMINATED: ("Terminated",),
}
_BYTES = 9


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    token: bytes
    listing: str


def query_of(wanted: RunFilter, *, searchable: bool) -> str:
    """Return a filter as a visibility query.

    Args:
        wanted: The filter.
        searchable: Whether the cluster has the custom attribute that the engine's own are found by.

    Raises:
        UnsupportedByRunnerError: The cluster cannot look for one of the criteria.
    """
    clauses = ["ExecutionStatus != 'ContinuedAsNew'"]  # the earlier passes of a run
    if wanted.workflow is None:
        clauses.append(f"WorkflowType != {_quoted(HUB)}")  # of events: no run of anybody's
    if wanted.statuses:
        clauses.append(_status_clause(wanted.statuses))
    for column, value in (("WorkflowType", wanted.workflow), ("ParentWorkflowId", wanted.parent)):
        if value is not None:
            clauses.append(f"{column} = {_quoted(value)}")
    if wanted.id_prefix is not None:
        clauses.append(f"WorkflowId STARTS_WITH {_quoted(wanted.id_prefix)}")
    for column, sign, moment in (
        ("StartTime", ">=", wanted.created_after),
        ("StartTime", "<", wanted.created_before),
        ("CloseTime", ">=", wanted.finished_after),
        ("CloseTime", "<", wanted.finished_before),
    ):
        if moment is not None:
            clauses.append(f"{column} {sign} {_time(moment)}")
    found = [_attribute_clause(name, value) for name, value in wanted.attributes.items()]
    if wanted.version is not None:
        found.append(f"{MAESTRO_ATTRIBUTES.name} = {_quoted(keyword(VERSION, wanted.version))}")
    if found and not searchable:
        raise unsupported(
            "listing by attribute or version",
            f"have an administrator add the search attribute {MAESTRO_ATTRIBUTES.name} (KeywordList) to the namespace",
        )
    return " AND ".join([*clauses, *found])


def check_order(order: RunOrder) -> None:
    """Refuse an order that the cluster has not.

    Raises:
        UnsupportedByRunnerError: It has not.
    """
    if order is RunOrder.OLDEST:
        raise unsupported("listing with the oldest first", "list the newest first, and bound it by created_before")


def make_cursor(token: bytes | None, query: str) -> str | None:
    """Return the cursor that goes on where the cluster's page ended; None after the last page."""
    if not token:
        return None
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(token, _listing(query)))).decode().rstrip("=")


def read_cursor(cursor: str, query: str) -> bytes:
    """Return the cluster's page token.

    Raises:
        ValueError: It is no cursor, or one of a listing with another filter.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Cursor)
    except (UnicodeEncodeError, binascii.Error, msgspec.DecodeError) as error:
        raise ValueError(f"{cursor!r} is no cursor; pass next_cursor of the page before") from error
    if found.listing != _listing(query):
        raise ValueError(f"cursor {cursor!r} belongs to a listing with another filter; begin without a cursor")
    return found.token


def _status_clause(statuses: tuple[RunStatus, ...]) -> str:
    # All that are open are listed as running, so that who asks for those asks for paused and queued ones too.
    unknown = [status for status in statuses if status not in _NAMES]
    if unknown and RunStatus.RUNNING not in statuses:
        raise unsupported(
            f"listing by the status {unknown[0].value!r}",
            "list those that are 'running', which includes them, and ask each for its status",
        )
    names = [name for status in statuses for name in _NAMES.get(status, ())]
    return f"ExecutionStatus IN ({', '.join(_quoted(name) for name in names)})"


def _attribute_clause(name: str, wanted: Wanted) -> str:
    values: tuple[AttributeValue, ...]
    if isinstance(wanted, AttributeOneOf):
        values = wanted.values
    elif isinstance(wanted, str | int | float | datetime):
        values = (wanted,)
    else:
        raise unsupported(
            f"listing by a range or a beginning (attribute {name!r})", "look for a value, or for one_of(...) several"
        )
    found = [_quoted(keyword(name, stored(name, value))) for value in values]
    return f"{MAESTRO_ATTRIBUTES.name} IN ({', '.join(found)})"


def _time(moment: datetime) -> str:
    return _quoted(moment.astimezone(UTC).isoformat().replace("+00:00", "Z"))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _listing(query: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(query.encode()).digest()[:_BYTES]).decode()
