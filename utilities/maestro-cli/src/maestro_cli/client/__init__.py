"""Calls to the services, in the words of the command line."""

from ._governance import GovernanceClient, open_governance
from ._many_runs import RunCriteria
from ._opening import OrchestratorClient, open_orchestrator, orchestrator_url
from ._runs import JSON, UpdateUnanswered
from ._services import open_service, service_url

__all__ = [
    "JSON",
    "GovernanceClient",
    "OrchestratorClient",
    "RunCriteria",
    "UpdateUnanswered",
    "open_governance",
    "open_orchestrator",
    "open_service",
    "orchestrator_url",
    "service_url",
]
