"""The integration guide's block for the orchestrator, as written; and the class that ships."""

from pathlib import Path
from typing import Any

import pytest

from maestro.core.orchestrator import MaestroOrchestrator, OrchestratorConfig
from maestro_core_api import MaestroAPI
from maestro_core_config import BaseConfig

BLOCK = """
# maestro/core/orchestrator.py
from maestro_core_logging import get_logger, configure_logging
from maestro_core_config import ConfigManager, BaseConfig
from maestro_core_api import MaestroAPI, APIConfig

class OrchestratorConfig(BaseConfig):
    max_concurrent_workflows: int = 10
    default_timeout: int = 300
    enable_monitoring: bool = True

class MaestroOrchestrator:
    def __init__(self):
        # Configure logging
        configure_logging(service_name="maestro-orchestrator")
        self.logger = get_logger(__name__)

        # Load configuration
        config_manager = ConfigManager(OrchestratorConfig)
        self.config = config_manager.load()

        # Initialize API
        api_config = APIConfig(
            title="MAESTRO Orchestrator API",
            service_name="maestro-orchestrator"
        )
        self.api = MaestroAPI(api_config)
"""


def test_the_block_as_written() -> None:
    """The guide's block runs, and gives a logger, a configuration with the guide's defaults and an application."""
    names: dict[str, Any] = {"__name__": "guide"}
    exec(BLOCK, names)
    orchestrator = names["MaestroOrchestrator"]()
    orchestrator.logger.info("Orchestrator made", source="guide")
    assert orchestrator.config.max_concurrent_workflows == 10
    assert orchestrator.config.default_timeout == 300
    assert orchestrator.config.enable_monitoring is True
    assert isinstance(orchestrator.api, MaestroAPI)


def test_the_class_that_ships_is_the_guides_and_more() -> None:
    """`MaestroOrchestrator()` has the guide's attributes, the guide's defaults, and serves the orchestrator's routes."""
    orchestrator = MaestroOrchestrator()
    orchestrator.logger.info("Orchestrator made", source="test")
    assert isinstance(orchestrator.config, OrchestratorConfig)
    assert issubclass(OrchestratorConfig, BaseConfig)
    config = orchestrator.config
    assert (config.max_concurrent_workflows, config.default_timeout, config.enable_monitoring) == (10, 300, True)
    assert orchestrator.api.config.title == "MAESTRO Orchestrator API"
    assert orchestrator.api.config.service_name == "maestro-orchestrator"
    assert {"/runs", "/runs/{run_id}/events", "/personas/{name}"} <= set(orchestrator.api.openapi()["paths"])


def test_the_environment_configures_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings come by the service's name, and a `personas` folder beside the configuration files is found."""
    folder = tmp_path / "etc"
    (folder / "personas").mkdir(parents=True)
    monkeypatch.setenv("MAESTRO_CONFIG_DIR", str(folder))
    monkeypatch.setenv("MAESTRO_ORCHESTRATOR_MAX_CONCURRENT_WORKFLOWS", "3")
    config = MaestroOrchestrator().config
    assert config.max_concurrent_workflows == 3
    assert config.personas_folder == folder / "personas"
