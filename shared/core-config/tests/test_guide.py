"""The guide's blocks, as written; only missing imports are added."""

from pathlib import Path

import pytest

from maestro_core_config import BaseConfig, ConfigError


def test_orchestrator_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Section 1: the orchestrator's configuration loads with the guide's defaults."""
    monkeypatch.chdir(tmp_path)
    from maestro_core_config import BaseConfig, ConfigManager

    class OrchestratorConfig(BaseConfig):
        max_concurrent_workflows: int = 10
        default_timeout: int = 300
        enable_monitoring: bool = True

    class MaestroOrchestrator:
        def __init__(self):  # type: ignore[no-untyped-def]  # the guide's own line
            # Load configuration
            config_manager = ConfigManager(OrchestratorConfig)
            self.config = config_manager.load()

    config = MaestroOrchestrator().config  # type: ignore[no-untyped-call]
    assert (config.max_concurrent_workflows, config.default_timeout, config.enable_monitoring) == (10, 300, True)
    assert config.service_name == "orchestrator"


def test_intelligence_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Section 3: a required setting comes from the environment, and jwt_secret is there without being declared."""
    monkeypatch.chdir(tmp_path)
    from maestro_core_config import ConfigManager

    # Service-specific configuration
    class IntelligenceServiceConfig(BaseConfig):
        model_endpoint: str
        cache_ttl: int = 3600
        enable_learning: bool = True

    config_manager = ConfigManager(IntelligenceServiceConfig)
    with pytest.raises(ConfigError, match="INTELLIGENCE_SERVICE_MODEL_ENDPOINT"):
        config = config_manager.load()
    monkeypatch.setenv("INTELLIGENCE_SERVICE_MODEL_ENDPOINT", "http://127.0.0.1:9/v1")
    config = config_manager.load()
    assert config.model_endpoint == "http://127.0.0.1:9/v1"
    assert config.jwt_secret is None


def test_quality_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Section 5: a test case loads its configuration in one line."""
    monkeypatch.chdir(tmp_path)
    from maestro_core_config import ConfigManager

    class TestConfig(BaseConfig):
        pass

    config = ConfigManager(TestConfig).load()
    assert config.service_name == "test"
