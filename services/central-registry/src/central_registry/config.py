"""What can be set."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from maestro_core_config import BaseConfig
from maestro_core_messaging import MessagingSettings


class CentralRegistryConfig(MessagingSettings, BaseConfig):
    """Configuration of central-registry."""

    min_lease_s: float = Field(default=1.0, gt=0, le=86_400)
    """The shortest lease that a service may ask for, in seconds. Default 1."""
    default_lease_s: float = Field(default=10.0, gt=0, validate_default=True)
    """The lease of services that do not ask for one, and the registry's own, in seconds. Default 10."""
    max_lease_s: float = Field(default=300.0, le=86_400, validate_default=True)
    """The longest lease that a service may ask for, in seconds: how long a killed instance can go on being shown.
    Default 300."""
    max_metadata_bytes: int = Field(default=4_096, ge=0)
    """Room for the metadata of one instance, in bytes. Default 4096."""
    sweep_interval_s: float = Field(default=1.0, gt=0, le=60)
    """How often expired instances are taken out, in seconds; look-up hides them before that. Default 1."""
    pause_tolerance_s: float = Field(default=3.0, ge=1, le=86_400)
    """How long this process may stand still before that is held against nobody: whoever was live before gets a whole lease
    after it, in seconds. Default 3."""
    max_instances: int = Field(default=10_000, ge=1)
    """How many instances are taken, of all services together. Default 10000."""
    slow_start_s: float = Field(default=30.0, ge=0, le=3_600)
    """How long the weight of an instance that is new, or healthy again, grows from a tenth to all of it, in seconds; 0 for not
    at all. Default 30."""
    probe_interval_s: float = Field(default=5.0, ge=1, le=300)
    """How often instances are probed that do not say how often, in seconds. Default 5."""
    probe_timeout_s: float = Field(default=5.0, ge=0.1, le=30)
    """How long an instance that does not say so may take to answer a probe, in seconds, at most its interval; a busy one is slow,
    and hiding it would only move its load. Default 5."""
    probe_concurrency: int = Field(default=32, ge=1, le=1_000)
    """How many probes are under way at a time. Default 32."""
    probe_ca_file: Path | None = None
    """Certificates that instances with https are checked against. Default: those of the system."""
    change_log_size: int = Field(default=4_096, ge=1, le=1_000_000)
    """How many changes are held for watchers who come back. Default 4096."""
    max_watchers: int = Field(default=1_000, ge=0)
    """How many may watch at a time. Default 1000."""
    implicit_dependencies: tuple[str, ...] = ("central-registry",)
    """Services that every service calls without saying so in the catalog. Default: central-registry."""
    dependency_window_days: int = Field(default=30, ge=1, le=3_650)
    """How far back calls count when they are compared with what is declared, in days. Default 30."""
    observations_kept_days: int = Field(default=90, ge=1, le=3_650, validate_default=True)
    """How long observed calls are kept, in days. Default 90."""
    max_document_bytes: int = Field(default=2 * 1024 * 1024, ge=1_024, le=8 * 1024 * 1024)
    """Room for one OpenAPI or AsyncAPI document, in bytes. Default 2 MiB."""
    database_path: Path | None = None
    """The registry's SQLite file. Default central-registry.db in data_dir."""

    gateway_token: SecretStr | None = Field(default=None, min_length=32)
    """What the API gateway shows when it asks for its configuration, at least 32 characters; None serves no gateway."""

    @field_validator("default_lease_s")
    @classmethod
    def _at_least_the_shortest(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("min_lease_s", value):
            raise ValueError("must not be below min_lease_s")
        return value

    @field_validator("max_lease_s")
    @classmethod
    def _at_least_the_default(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("default_lease_s", value):
            raise ValueError("must not be below default_lease_s")
        return value

    @field_validator("observations_kept_days")
    @classmethod
    def _at_least_the_window(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("dependency_window_days", value):
            raise ValueError("must not be below dependency_window_days")
        return value

    @property
    def database_file(self) -> Path:
        """The registry's SQLite file, default or not."""
        return self.database_path or self.data_dir / "central-registry.db"
