"""`MaestroOrchestrator`: the service, configured and ready to serve."""

from __future__ import annotations

from maestro.bootstrap import VERSION, create_app
from maestro.config import OrchestratorConfig
from maestro_core_api import MaestroAPI, configure_service_logging
from maestro_core_config import ConfigManager
from maestro_core_logging import Logger, configure_logging, get_logger

__all__ = ["MaestroOrchestrator", "OrchestratorConfig"]


class MaestroOrchestrator:
    """The orchestrator service.

    Example:
        MaestroOrchestrator().api.run()

    Args:
        config: Its configuration. Default: loaded from the environment and the configuration files.

    Attributes:
        logger: Its logger.
        config: Its configuration.
        api: Its HTTP side, an ASGI application.

    Raises:
        ConfigError: The configuration is not valid.
        SetupError: Persona files or workflow modules cannot be used.
    """

    def __init__(self, config: OrchestratorConfig | None = None) -> None:
        # Before the configuration is known, so that loading it can be logged; again once it says how.
        configure_logging(service_name=OrchestratorConfig.service_name)
        self.logger: Logger = get_logger(__name__)
        settings = ConfigManager(OrchestratorConfig)
        self.config = config or settings.load()
        configure_service_logging(self.config, version=VERSION)
        self.api: MaestroAPI = create_app(self.config, settings=None if config else settings)
