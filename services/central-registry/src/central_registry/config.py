"""What can be set."""

from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from maestro_core_config import BaseConfig


class CentralRegistryConfig(BaseConfig):
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
    database_path: Path | None = None
    """The SQLite file of registrations. Default central-registry.db in data_dir."""

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

    @property
    def database_file(self) -> Path:
        """The SQLite file of registrations, default or not."""
        return self.database_path or self.data_dir / "central-registry.db"

    @property
    def declarations_file(self) -> Path:
        """What services want of the gateway; beside the database."""
        return self.database_file.with_name("gateway-declarations.json")
