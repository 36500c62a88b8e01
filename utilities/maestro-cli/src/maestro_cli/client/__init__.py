"""Calls to the orchestrator and the registry, in the words of the command line."""

from ._many_runs import RunCriteria
from ._opening import OrchestratorClient, open_orchestrator, orchestrator_url
from ._registry import RegistryClient, open_registry, registry_url
from ._runs import JSON, UpdateUnanswered

__all__ = [
    "JSON",
    "OrchestratorClient",
    "RegistryClient",
    "RunCriteria",
    "UpdateUnanswered",
    "open_orchestrator",
    "open_registry",
    "orchestrator_url",
    "registry_url",
]
