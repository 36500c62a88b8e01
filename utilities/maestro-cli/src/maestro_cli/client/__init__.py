"""Calls to the services, in the words of the command line."""

from ._many_runs import RunCriteria
from ._opening import OrchestratorClient, open_orchestrator, orchestrator_url
from ._registry import RegistryClient, open_registry, registry_url
from ._runs import JSON, UpdateUnanswered
from ._services import answer_error, open_service, service_url
from ._triggers import TriggerClient

__all__ = [
    "JSON",
    "OrchestratorClient",
    "RegistryClient",
    "RunCriteria",
    "TriggerClient",
    "UpdateUnanswered",
    "answer_error",
    "open_orchestrator",
    "open_registry",
    "open_service",
    "orchestrator_url",
    "registry_url",
    "service_url",
]
