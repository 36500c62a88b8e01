"""What can be set: each subject's settings, side by side."""

from governance_service.audit.config import AuditSettings
from governance_service.identity.config import IdentitySettings
from maestro_core_config import BaseConfig
from maestro_core_db import DatabaseSettings


class GovernanceServiceConfig(AuditSettings, IdentitySettings, DatabaseSettings, BaseConfig):
    """Configuration of governance-service."""
