"""The events of policies."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel

from maestro_core_messaging import EventType


class PolicyApplied(BaseModel):
    """A version of a policy is in force."""

    policy: str
    version: int
    by: str
    at: datetime


POLICY_APPLIED: Final = EventType(
    "governance-service.policy.applied", 1, PolicyApplied, description="A version of a policy is in force."
)
