"""Event types of a service, in a module of their own: what others may rely on."""

from datetime import datetime

from pydantic import BaseModel

from maestro_core_messaging import EventType


# region: types
class Decided(BaseModel):
    """Somebody has decided about an approval."""

    approval_id: str
    decision: str
    decided_at: datetime


DECIDED = EventType("governance-service.approval.decided", 1, Decided)
# endregion: types


# region: versions
class DecidedV2(BaseModel):
    """As version 1, with everybody who took part instead of nobody."""

    approval_id: str
    approved: bool
    by: list[str]


def _from_v1(data: dict[str, object]) -> dict[str, object]:
    return {"approval_id": data["approval_id"], "approved": data["decision"] == "approve", "by": []}


DECIDED_V2 = EventType("governance-service.approval.decided", 2, DecidedV2, upcasters={1: _from_v1})
# endregion: versions
