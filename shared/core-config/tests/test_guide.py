"""The guide's blocks, as written; only missing imports are added."""

import pytest

from maestro_core_config import BaseConfig


def test_orchestrator_block(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Section 1: the orchestrator's configuration loads with the guide's defaults."""
    monkeypatch.chdir(tmp_path)
    from maestro_core_config import BaseConfig, ConfigManager

    class OrchestratorConfig(BaseConfig):
        max_concurrent_workflows: int = 10
        default_timeout: int = 300
        enable_monitoring: bool = True

    config_manager = ConfigManager(OrchestratorConfig)
    config = config_manager.load()
    assert (config.max_concurrent_workflows, config.default_timeout, config.enable_monitoring) == (10, 300, True)


def test_intelligence_block(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Section 3: a required setting comes from the environment, and jwt_secret is there without being declared."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTELLIGENCE_SERVICE_MODEL_ENDPOINT", "http://127.0.0.1:9/v1")
    from maestro_core_config import ConfigManager

    class IntelligenceServiceConfig(BaseConfig):
        model_endpoint: str
        cache_ttl: int = 3600
        enable_learning: bool = True

    config_manager = ConfigManager(IntelligenceServiceConfig)
    config = config_manager.load()
    assert config.model_endpoint == "http://127.0.0.1:9/v1"
    assert config.jwt_secret is None
