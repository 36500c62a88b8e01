"""Calls to the orchestrator, in the words of the command line."""

from ._many_runs import RunCriteria
from ._opening import OrchestratorClient, open_orchestrator, open_service, orchestrator_url, service_url
from ._runs import JSON, UpdateUnanswered
from ._triggers import TriggerClient

__all__ = [
    "JSON",
    "OrchestratorClient",
    "RunCriteria",
    "TriggerClient",
    "UpdateUnanswered",
    "open_orchestrator",
    "open_service",
    "orchestrator_url",
    "service_url",
]
