"""Settings of the telemetry store."""

from pathlib import Path

from pydantic import Field

from maestro_core_config import BaseConfig


class TelemetryStoreConfig(BaseConfig):
    """Settings of the telemetry store. Whoever sends telemetry shows `otlp_token`; without one nobody may."""

    database_path: Path | None = None
    """The SQLite file. Default: telemetry-store.db in data_dir."""

    max_bytes: int = Field(default=512 * 1024 * 1024, ge=16 * 1024 * 1024)
    """How large the file may grow, in bytes; then the oldest goes. Default: 512 MiB."""

    keep_s: float = Field(default=7 * 86_400.0, gt=0)
    """How long telemetry is kept, in seconds. Default: a week."""

    sweep_interval_s: float = Field(default=10.0, gt=0, le=3_600)
    """How often what is too old or too much is taken out, in seconds. Default: 10."""

    max_request_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """The largest request that is taken, unpacked, in bytes. Default: 64 MiB."""

    observations_interval_s: float = Field(default=60.0, gt=0, le=86_400)
    """How often the registry is told who calls whom, in seconds; with `registry_url` only. Default: 60."""

    @property
    def database_file(self) -> Path:
        """The SQLite file, default or not."""
        return self.database_path or self.data_dir / "telemetry-store.db"
