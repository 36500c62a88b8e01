"""What can be set of the audit trail."""

from pathlib import Path

from pydantic import Field

from maestro_core_config import BaseConfig


class AuditSettings(BaseConfig):
    """Settings of the audit trail."""

    audit_anchor_dir: Path | None = None
    """The folder of signed checkpoints. Keep it, in production, where the database's keeper cannot write. Default: `audit-anchors`
    in data_dir."""
    audit_keys_dir: Path | None = None
    """The folder of the key that signs checkpoints; keep a copy. Default: `audit-keys` in data_dir."""
    audit_announce_interval_s: float = Field(default=60.0, gt=0, le=86_400)
    """How often, while entries come, the newest checkpoint is also logged and published, in seconds. Default: 60."""
    audit_verify_interval_s: float = Field(default=3_600.0, ge=0, le=604_800)
    """How often the service verifies the whole trail by itself, in seconds; 0: at its start alone. Default: 3600."""

    @property
    def audit_anchors(self) -> Path:
        """The folder of signed checkpoints, default or not."""
        return self.audit_anchor_dir or self.data_dir / "audit-anchors"

    @property
    def audit_keys(self) -> Path:
        """The folder of the audit trail's key, default or not."""
        return self.audit_keys_dir or self.data_dir / "audit-keys"
