"""What can be set: each subject's settings, side by side."""

from governance_service.approvals.config import ApprovalSettings
from governance_service.audit.config import AuditSettings
from governance_service.identity.config import IdentitySettings
from governance_service.policies.config import PolicySettings
from governance_service.scorecards.config import ScorecardSettings
from maestro_core_config import BaseConfig
from maestro_core_db import DatabaseSettings
from maestro_core_messaging import MessagingSettings


class GovernanceServiceConfig(
    PolicySettings,
    ApprovalSettings,
    ScorecardSettings,
    AuditSettings,
    IdentitySettings,
    MessagingSettings,
    DatabaseSettings,
    BaseConfig,
):
    """Configuration of governance-service."""
