"""What can be set: each subject's settings, side by side."""

from governance_service.audit.config import AuditSettings
from maestro_core_config import BaseConfig
from maestro_core_db import DatabaseSettings


class GovernanceServiceConfig(AuditSettings, DatabaseSettings, BaseConfig):
    """Configuration of governance-service."""
