"""What can be set."""

from pathlib import Path

from pydantic import Field, SecretStr

from maestro_core_config import BaseConfig
from maestro_core_db import DatabaseSettings
from maestro_core_messaging import MessagingSettings

from .quotas.quota import Quota


class OrchestrationGatewayConfig(DatabaseSettings, MessagingSettings, BaseConfig):
    """Configuration of orchestration-gateway."""

    orchestrator_url: str = Field(default="service://maestro-orchestrator", pattern=r"^(https?|service)://")
    """Where the orchestrator is. Default: where the registry says."""
    governance_url: str = Field(default="service://governance-service", pattern=r"^(https?|service)://")
    """Where governance is. Default: where the registry says."""

    triggers_dir: Path | None = None
    """Folder of trigger files. Default: `triggers` in `config_dir`, where there is one."""
    config_dir: Path = Path("config")
    """The configuration folder; `MAESTRO_CONFIG_DIR` sets it. Default `config`."""
    encryption_key: SecretStr | None = None
    """What the keys of webhooks are encrypted with in the database. Default: `jwt_secret`."""
    previous_encryption_keys: list[SecretStr] = Field(default_factory=list)
    """Keys that `encryption_key` has replaced; with them the old ones can still be read."""

    jq_time_limit_s: float = Field(default=2.0, gt=0, le=60)
    """How long the jq programs of one delivery may run, in seconds. Default 2."""
    jq_memory_bytes: int = Field(default=268_435_456, ge=33_554_432)
    """Memory of a process that runs them, in bytes. Default 256 MiB."""
    jq_processes: int = Field(default=2, ge=1, le=64)
    """How many of them there may be. Default 2."""

    give_up_after_s: float = Field(default=259_200, gt=0)
    """When a delivery whose run could not be started is dead, in seconds. Default: three days."""
    keep_deliveries_s: float = Field(default=604_800, ge=3_600)
    """How long deliveries are kept, and recognised, once their run is started, in seconds. Default: a week."""
    keep_dead_deliveries_s: float = Field(default=2_592_000, ge=3_600)
    """How long dead ones are kept, in seconds. Default: thirty days."""

    quota: Quota = Field(default_factory=Quota)
    """What each tenant may use, and the platform itself."""
    tenant_quotas: dict[str, Quota] = Field(default_factory=dict)
    """Quotas of single tenants. Default: none."""
    valkey_url: SecretStr | None = None
    """Where several processes count starts together (`valkey://host:6379`). Default: each counts for itself."""

    stream_heartbeat_s: float = Field(default=15.0, gt=0, le=300)
    """The longest silence on a live stream, in seconds. Default 15."""
    stream_buffer: int = Field(default=1_000, ge=10, le=100_000)
    """How many events of a run are kept in memory for those who follow it; who falls further behind is sent away to resume.
    Default 1000."""
    stream_send_timeout_s: float = Field(default=30.0, gt=0, le=600)
    """How long a client may take to accept an event, in seconds. Default 30."""
    ticket_lifetime_s: float = Field(default=60.0, gt=0, le=600)
    """How long a stream ticket opens streams, in seconds. Default 60."""
    feed_interval_s: float = Field(default=1.0, ge=0.05, le=60)
    """How often the orchestrator is asked what happened to runs, while somebody wants to know, in seconds. Default 1."""
    keep_feed_s: float = Field(default=86_400, ge=60)
    """How long changes of runs are kept for those who come back, in seconds. Default: a day."""

    screen_timeout_s: float = Field(default=2.0, gt=0, le=30)
    """How long a screen waits for each service, in seconds. Default 2."""
    screen_cache_s: float = Field(default=1.0, ge=0, le=60)
    """How long an answer for a screen is given again to the same caller, in seconds. Default 1."""

    dashboard_dir: Path | None = None
    """Folder of the built dashboard. Default: a page that says that there is none."""

    tool_wait_s: float = Field(default=30.0, gt=0, le=600)
    """How long a tool waits for its run before it returns a handle, in seconds. Default 30."""

    @property
    def triggers_folder(self) -> Path | None:
        """`triggers_dir`, or its default; None when neither is there."""
        default = self.config_dir / "triggers"
        return self.triggers_dir or (default if default.is_dir() else None)

    @property
    def seal_secrets(self) -> list[SecretStr]:
        """What keys at rest are derived from, the one in force first."""
        found = [secret for secret in (self.encryption_key, self.jwt_secret) if secret is not None]
        return [*found[:1], *self.previous_encryption_keys, *found[1:]]
