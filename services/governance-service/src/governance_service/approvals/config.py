"""What can be set of approvals."""

from pydantic import Field

from maestro_core_config import BaseConfig


class ApprovalSettings(BaseConfig):
    """Settings of approvals."""

    approval_claim_s: float = Field(default=900.0, gt=0, le=86_400)
    """How long a claim keeps others away, in seconds. Default: 900."""
    approval_interval_s: float = Field(default=1.0, gt=0, le=60)
    """How often due approvals and outcomes that have not arrived are looked for, in seconds. Default: 1."""
