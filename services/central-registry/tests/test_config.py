from pathlib import Path

import pytest

from central_registry.config import CentralRegistryConfig
from maestro_core_config import ConfigError, ConfigManager


def load(tmp_path: Path, **environ: str) -> CentralRegistryConfig:
    return ConfigManager(CentralRegistryConfig, config_dir=tmp_path, environ=environ).load()


def test_the_defaults_are_usable(tmp_path: Path) -> None:
    """Without any setting the registry is named, has a lease of ten seconds and a file in the data folder."""
    config = load(tmp_path)
    assert config.service_name == "central-registry"
    assert config.default_lease_s == 10
    assert config.database_file == Path(".maestro/data/central-registry.db")


def test_the_file_can_be_placed(tmp_path: Path) -> None:
    """The database follows data_dir, unless it has a place of its own."""
    assert load(tmp_path, MAESTRO_DATA_DIR="/data").database_file == Path("/data/central-registry.db")
    assert load(tmp_path, CENTRAL_REGISTRY_DATABASE_PATH="/a/b.db").database_file == Path("/a/b.db")


@pytest.mark.parametrize(
    ("field", "environ"),
    [
        ("default_lease_s", {"CENTRAL_REGISTRY_MIN_LEASE_S": "20"}),
        ("default_lease_s", {"CENTRAL_REGISTRY_DEFAULT_LEASE_S": "0"}),
        ("default_lease_s", {"CENTRAL_REGISTRY_DEFAULT_LEASE_S": "nan"}),
        ("max_lease_s", {"CENTRAL_REGISTRY_MAX_LEASE_S": "5"}),
        ("max_lease_s", {"CENTRAL_REGISTRY_MAX_LEASE_S": "inf"}),
        ("min_lease_s", {"CENTRAL_REGISTRY_MIN_LEASE_S": "-1"}),
        ("sweep_interval_s", {"CENTRAL_REGISTRY_SWEEP_INTERVAL_S": "0"}),
        ("max_metadata_bytes", {"CENTRAL_REGISTRY_MAX_METADATA_BYTES": "-1"}),
        ("probe_timeout_s", {"CENTRAL_REGISTRY_PROBE_TIMEOUT_S": "31"}),
        ("pause_tolerance_s", {"CENTRAL_REGISTRY_PAUSE_TOLERANCE_S": "0"}),
        ("max_instances", {"CENTRAL_REGISTRY_MAX_INSTANCES": "0"}),
        ("probe_concurrency", {"CENTRAL_REGISTRY_PROBE_CONCURRENCY": "0"}),
        ("observations_kept_days", {"CENTRAL_REGISTRY_OBSERVATIONS_KEPT_DAYS": "7"}),
        ("observations_kept_days", {"CENTRAL_REGISTRY_DEPENDENCY_WINDOW_DAYS": "120"}),
        ("messaging_url", {"MAESTRO_MESSAGING_URL": "http://127.0.0.1:4222"}),
    ],
)
def test_bounds_that_make_no_sense_are_refused(tmp_path: Path, field: str, environ: dict[str, str]) -> None:
    """A bound out of its range, or leases out of order, is a fault of the configuration that names the field."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **environ)
    assert [fault.field for fault in caught.value.faults] == [field]
