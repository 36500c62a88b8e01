from importlib.metadata import entry_points

from maestro.core import orchestrator


def test_the_orchestrator_module_exports_the_guides_two_names() -> None:
    """The module of the guide exports the class and its configuration, nothing else."""
    assert orchestrator.__all__ == ["MaestroOrchestrator", "OrchestratorConfig"]


def test_the_service_is_found_by_its_entry_points() -> None:
    """Whoever starts services finds the module to serve and the class of its configuration."""
    (service,) = entry_points(group="maestro.services", name="maestro-orchestrator")
    (config,) = entry_points(group="maestro.configs", name="maestro-orchestrator")
    assert service.value == "maestro"
    assert config.load() is orchestrator.OrchestratorConfig
