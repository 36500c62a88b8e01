"""The events of approvals."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from governance_service.approvals.domain import Action
from maestro_core_messaging import EventType


class ApprovalChanged(BaseModel):
    """What happened to an approval."""

    approval_id: str
    tenant: str | None
    title: str
    status: str
    by: str
    at: datetime
    run_id: str | None
    users: list[str]
    """The persons who may decide now."""
    roles: list[str]
    """The roles whose members may decide now."""
    due_at: datetime | None
    details: dict[str, Any]


def _event_type(action: Action, description: str) -> EventType[ApprovalChanged]:
    return EventType(f"governance-service.approval.{action}", 1, ApprovalChanged, description=description)


APPROVAL_EVENTS: Final = {
    Action.REQUESTED: _event_type(Action.REQUESTED, "Somebody asks for an approval."),
    Action.VOTED: _event_type(Action.VOTED, "A person has approved or rejected."),
    Action.DELEGATED: _event_type(Action.DELEGATED, "A person has handed the decision on."),
    Action.ESCALATED: _event_type(Action.ESCALATED, "Time ran out, and others have to decide."),
    Action.DECIDED: _event_type(Action.DECIDED, "An approval is approved, rejected, expired or cancelled."),
}
"""What others may want to know; claims, releases and comments are for those who look."""
